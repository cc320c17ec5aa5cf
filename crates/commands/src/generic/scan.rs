//! KEYS, SCAN, RANDOMKEY: keys that nobody named.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, ReplyError, category, errors, flag};
use redan_keyspace::EntryRef;
use redan_resp::glob::{glob_match, is_literal};
use redan_resp::{Args, ReplyBuf, parse_u64};

use crate::arg;

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

/// Which keys SCAN shows, and how many it looks at.
struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    count: usize,
}

impl<'a> Filter<'a> {
    fn parse(options: Args<'a>) -> Result<Self, ReplyError> {
        let mut filter = Self { pattern: None, kind: None, count: 10 };
        let mut rest = options.iter();
        while let Some(word) = rest.next() {
            if arg::is(word, "NOVALUES") {
                return Err(errors::NOVALUES);
            }
            let value = rest.next().ok_or(errors::SYNTAX)?;
            if arg::is(word, "COUNT") {
                let count = arg::int(value)?;
                filter.count =
                    usize::try_from(count).ok().filter(|&count| count > 0).ok_or(errors::SYNTAX)?;
            } else if arg::is(word, "MATCH") {
                filter.pattern = (value != b"*").then_some(value);
            } else if arg::is(word, "TYPE") {
                filter.kind = Some(value);
            } else {
                return Err(errors::SYNTAX);
            }
        }
        Ok(filter)
    }

    fn accepts(&self, entry: EntryRef<'_>) -> bool {
        self.kind.is_none_or(|kind| kind.eq_ignore_ascii_case(entry.kind().name().as_bytes()))
            && self.pattern.is_none_or(|pattern| glob_match(pattern, entry.key(), false))
    }
}

fn scan(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let cursor = parse_u64(&args[1]).ok_or(errors::INVALID_CURSOR)?;
    let filter = Filter::parse(args.skip(2))?;
    // The cursor stands in front of the keys, but is known only after them.
    let (mut keys, mut shown) = (ReplyBuf::new(cx.out.protocol()), 0);
    let next = cx.view.scan(cursor, filter.count, |entry| {
        if filter.accepts(entry) {
            keys.bulk(entry.key());
            shown += 1;
        }
    });
    cx.out.array(2);
    cx.out.bulk(itoa::Buffer::new().format(next).as_bytes());
    cx.out.array(shown);
    cx.out.raw(keys.as_slice());
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
