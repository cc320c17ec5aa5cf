//! ZSCAN.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag};
use redan_keyspace::SortedSet;
use redan_resp::{Args, format_f64, format_f64_17};

use crate::generic::scan_page::{ScanOptions, ScanPage, Scanned, parse_cursor};
use crate::string::value::notify_miss;
use crate::typed;

/// ZSCAN key cursor [MATCH pattern] [COUNT count]
pub(super) const ZSCAN: Command = Command::new("zscan", -3, zscan)
    .flags(flag::READONLY)
    .acl(category::SORTEDSET)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::SortedSet,
        "2.8.0",
        "O(COUNT) for each call, O(N) for a whole iteration over N members.",
        "Iterates over the members of a sorted set and their scores.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::new("cursor", ArgKind::Integer),
        Arg::new("pattern", ArgKind::Pattern).after("MATCH").optional(),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
    ]);

fn zscan(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let cursor = parse_cursor(&args[2])?;
    let key = cx.key(&args[1]);
    let mut page = ScanPage::new(cx.out.protocol());
    let Some(set) = typed::read::<SortedSet>(&mut cx.view, &key)? else {
        page.reply(cx.out, 0);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let options = ScanOptions::parse(args.skip(3), Scanned::Members)?;
    // Scores are strings here even with RESP3, and those of a big set have all their digits, as with Redis.
    let format = if set.listpack().is_some() { format_f64 } else { format_f64_17 };
    let mut text = Vec::new();
    let next = set.scan(cursor, options.count, |member, score| {
        if options.wants(member) {
            text.clear();
            format(score, &mut text);
            page.elements().bulk(member);
            page.elements().bulk(&text);
            page.count(2);
        }
    });
    page.reply(cx.out, next);
    Ok(())
}
