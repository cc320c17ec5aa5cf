//! SSCAN: the members of a set page by page.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag};
use redan_keyspace::{IntText, Set};
use redan_resp::Args;

use crate::generic::scan_page::{ScanOptions, ScanPage, Scanned, parse_cursor};
use crate::string::value::notify_miss;
use crate::typed;

/// SSCAN key cursor [MATCH pattern] [COUNT count]
pub(super) const SSCAN: Command = Command::new("sscan", -3, sscan)
    .flags(flag::READONLY)
    .acl(category::SET)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Set,
        "2.8.0",
        "O(COUNT) for each call, O(N) for a whole iteration over N members.",
        "Iterates over the members of a set.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::new("cursor", ArgKind::Integer),
        Arg::new("pattern", ArgKind::Pattern).after("MATCH").optional(),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
    ]);

fn sscan(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let cursor = parse_cursor(&args[2])?;
    let key = cx.key(&args[1]);
    let mut page = ScanPage::new(cx.out.protocol());
    let Some(set) = typed::read::<Set>(&mut cx.view, &key)? else {
        page.reply(cx.out, 0);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let options = ScanOptions::parse(args.skip(3), Scanned::Members)?;
    let next = set.scan(cursor, options.count, |member| {
        let mut scratch = IntText::new();
        let member = member.bytes(&mut scratch);
        if options.wants(member) {
            page.elements().bulk(member);
            page.count(1);
        }
    });
    page.reply(cx.out, next);
    Ok(())
}
