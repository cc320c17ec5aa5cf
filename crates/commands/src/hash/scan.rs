//! HSCAN: the fields of a hash page by page.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag};
use redan_keyspace::{Hash, IntText};
use redan_resp::Args;

use crate::generic::scan_page::{ScanOptions, ScanPage, Scanned, parse_cursor};
use crate::string::value::notify_miss;
use crate::typed;

/// HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]
pub(super) const HSCAN: Command = Command::new("hscan", -3, hscan)
    .flags(flag::READONLY)
    .acl(category::HASH)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Hash,
        "2.8.0",
        "O(COUNT) for each call, O(N) for a whole iteration over N fields.",
        "Iterates over the fields of a hash and their values.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::new("cursor", ArgKind::Integer),
        Arg::new("pattern", ArgKind::Pattern).after("MATCH").optional(),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
        Arg::token("novalues", "NOVALUES").optional(),
    ]);

fn hscan(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let cursor = parse_cursor(&args[2])?;
    let key = cx.key(&args[1]);
    let horizon_ms = cx.view.access().horizon_ms();
    let mut page = ScanPage::new(cx.out.protocol());
    let Some(hash) = typed::read::<Hash>(&mut cx.view, &key)? else {
        page.reply(cx.out, 0);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let options = ScanOptions::parse(args.skip(3), Scanned::Fields)?;
    let next = hash.scan(cursor, options.count, |found| {
        let mut scratch = IntText::new();
        let field = found.field.bytes(&mut scratch);
        if !found.is_live(horizon_ms) || !options.wants(field) {
            return;
        }
        page.elements().bulk(field);
        page.count(1);
        if !options.no_values {
            page.elements().bulk(found.value.bytes(&mut IntText::new()));
            page.count(1);
        }
    });
    page.reply(cx.out, next);
    Ok(())
}
