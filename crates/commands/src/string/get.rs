//! GET and its relatives: whole values.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag};
use redan_keyspace::IntText;
use redan_resp::Args;

/// GET key
pub(super) const GET: Command = Command::new("get", 2, get)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::STRING)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(Group::String, "1.0.0", "O(1)", "Returns the string value of a key.")
    .args(&[Arg::key("key", 0)]);

fn get(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    match cx.view.get(&key) {
        Some(entry) => cx.out.bulk(entry.value().bytes(&mut IntText::new())),
        None => cx.out.null(),
    }
    Ok(())
}
