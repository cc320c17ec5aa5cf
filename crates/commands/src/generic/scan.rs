//! KEYS, SCAN, RANDOMKEY: keys that nobody named.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, category, flag};
use redan_resp::Args;
use redan_resp::glob::{glob_match, is_literal};

use super::scan_page::{ScanOptions, ScanPage, Scanned, parse_cursor};

/// KEYS pattern
///
/// Alone, because its answer is a picture of one moment.
pub(super) const KEYS: Command = Command::new("keys", 2, keys)
    .flags(flag::READONLY)
    .acl(category::KEYSPACE | category::DANGEROUS)
    .exclusive()
    .docs(
        Group::Generic,
        "1.0.0",
        "O(N) with N being the number of keys in the database.",
        "Returns the names of all keys that match a pattern.",
    )
    .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
    .args(&[Arg::new("pattern", ArgKind::Pattern)]);

fn keys(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let pattern = &args[1];
    if is_literal(pattern) {
        // Only one key can match, and it need not be searched for.
        let found = cx.view.peek(&cx.key(pattern)).is_some();
        cx.out.array(usize::from(found));
        if found {
            cx.out.bulk(pattern);
        }
        return Ok(());
    }
    let Cx { view, out, .. } = cx;
    let (header, mut found) = (out.begin_deferred(), 0);
    view.for_each_key(|entry| {
        if pattern == b"*" || glob_match(pattern, entry.key(), false) {
            out.bulk(entry.key());
            found += 1;
        }
    });
    out.end_deferred_array(header, found);
    Ok(())
}

/// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
pub(super) const SCAN: Command = Command::new("scan", -2, scan)
    .flags(flag::READONLY | flag::TOUCHES_ARBITRARY_KEYS)
    .acl(category::KEYSPACE)
    .docs(
        Group::Generic,
        "2.8.0",
        "O(COUNT) for each call, O(N) for a whole iteration over N keys.",
        "Iterates over the names of the keys.",
    )
    .tips(&["nondeterministic_output", "request_policy:special", "response_policy:special"])
    .args(&[
        Arg::new("cursor", ArgKind::Integer),
        Arg::new("pattern", ArgKind::Pattern).after("MATCH").optional(),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
        Arg::new("type", ArgKind::String).after("TYPE").optional(),
    ]);

fn scan(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let cursor = parse_cursor(&args[1])?;
    let options = ScanOptions::parse(args.skip(2), Scanned::Keys)?;
    let mut page = ScanPage::new(cx.out.protocol());
    let next = cx.view.scan(cursor, options.count, |entry| {
        if options.wants_kind(entry.kind()) && options.wants(entry.key()) {
            page.elements().bulk(entry.key());
            page.count(1);
        }
    });
    page.reply(cx.out, next);
    Ok(())
}

/// RANDOMKEY
pub(super) const RANDOMKEY: Command = Command::new("randomkey", 1, randomkey)
    .flags(flag::READONLY | flag::TOUCHES_ARBITRARY_KEYS)
    .acl(category::KEYSPACE)
    .docs(Group::Generic, "1.0.0", "O(1)", "Returns the name of some key.")
    .tips(&["request_policy:all_shards", "response_policy:special", "nondeterministic_output"]);

fn randomkey(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    match cx.view.random_key() {
        Some(key) => cx.out.bulk(&key),
        None => cx.out.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::testing::Rig;

    /// The cursor and the keys of a reply to SCAN.
    fn parts(reply: &str) -> (String, Vec<String>) {
        let words: Vec<&str> = reply.split('|').collect();
        (words[2].to_owned(), words[4..].iter().skip(1).step_by(2).map(|key| (*key).to_owned()).collect())
    }

    #[test]
    fn an_iteration_shows_every_key() {
        let mut rig = Rig::new();
        let names: BTreeSet<String> = (0..300).map(|n| format!("key:{n}")).collect();
        for name in &names {
            rig.run(&format!("SET {name} v"));
        }
        for options in ["", " COUNT 1", " count 7", " COUNT 1000", " TYPE STRING MATCH *"] {
            let (mut cursor, mut seen, mut turns) = ("0".to_owned(), BTreeSet::new(), 0);
            loop {
                let (next, keys) = parts(&rig.run(&format!("SCAN {cursor}{options}")));
                seen.extend(keys);
                turns += 1;
                assert!(turns <= 301, "{options}");
                if next == "0" {
                    break;
                }
                cursor = next;
            }
            assert_eq!(seen, names, "{options}");
        }
        let (cursor, keys) = parts(&rig.run("SCAN 0 COUNT 1000 MATCH key:*9?"));
        assert_eq!((cursor.as_str(), keys.len()), ("0", 21 + 10 - 1));
        assert_eq!(parts(&rig.run("SCAN 0 COUNT 1000 TYPE list")).1.len(), 0);
    }

    #[test]
    fn expired_keys_are_deleted_and_not_shown() {
        let mut rig = Rig::new();
        rig.run("SET k v PX 10");
        rig.run("SET l v");
        rig.propagated();
        rig.advance_ms(11);
        assert_eq!(rig.run("KEYS *"), "*1|$1|l");
        assert_eq!(rig.propagated(), "");
        assert_eq!(rig.run("SCAN 0"), "*2|$1|0|*1|$1|l");
        assert_eq!(rig.propagated(), "DEL k");
    }

    #[test]
    fn patterns_and_chance() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("RANDOMKEY"), "$-1");
        assert_eq!(rig.run("KEYS *"), "*0");
        rig.run("SET one v");
        assert_eq!(rig.run("RANDOMKEY"), "$3|one");
        rig.run("SET two v");
        assert_eq!(rig.run("KEYS o*"), "*1|$3|one");
        assert_eq!(rig.run("KEYS two"), "*1|$3|two");
        assert_eq!(rig.run("KEYS three"), "*0");
        assert!(rig.run("KEYS *").starts_with("*2|"));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        Rig::new().check(&[
            ("SCAN x", "-ERR invalid cursor", ""),
            ("SCAN -1", "-ERR invalid cursor", ""),
            ("SCAN 0 COUNT", "-ERR syntax error", ""),
            ("SCAN 0 COUNT 0", "-ERR syntax error", ""),
            ("SCAN 0 COUNT x", "-ERR value is not an integer or out of range", ""),
            ("SCAN 0 NOPE 1", "-ERR syntax error", ""),
            ("SCAN 0 NOVALUES", "-ERR NOVALUES option can only be used in HSCAN", ""),
            ("SCAN 18446744073709551615", "*2|$1|0|*0", ""),
        ]);
    }
}
