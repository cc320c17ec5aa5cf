//! DEL, UNLINK, EXISTS, TOUCH, TYPE.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag, notify_class};
use redan_keyspace::Kind;
use redan_resp::Args;

const SUM: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];

/// DEL key [key ...]
pub(super) const DEL: Command = Command::new("del", -2, del)
    .flags(flag::WRITE)
    .acl(category::KEYSPACE)
    .keys(&[KeySpec::range(1, -1, 1, key_flag::RM | key_flag::DELETE)])
    .docs(Group::Generic, "1.0.0", "O(N) where N is the number of keys.", "Deletes keys.")
    .tips(SUM)
    .args(&[Arg::key("key", 0).multiple()]);

/// UNLINK key [key ...]
///
/// Large values are freed in the background either way, so the two differ in name only.
pub(super) const UNLINK: Command = Command::new("unlink", -2, del)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(&[KeySpec::range(1, -1, 1, key_flag::RM | key_flag::DELETE)])
    .docs(
        Group::Generic,
        "4.0.0",
        "O(1) for each key; their memory is freed in the background.",
        "Deletes keys and frees their values in the background.",
    )
    .tips(SUM)
    .args(&[Arg::key("key", 0).multiple()]);

fn del(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut deleted = 0;
    for key in args.skip(1).iter() {
        if cx.view.remove(&cx.key(key)) {
            deleted += 1;
            cx.notify(notify_class::GENERIC, "del", key);
        }
    }
    cx.out.int(deleted);
    Ok(())
}

/// EXISTS key [key ...]
pub(super) const EXISTS: Command = Command::new("exists", -2, exists)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(&[KeySpec::range(1, -1, 1, key_flag::RO)])
    .docs(Group::Generic, "1.0.0", "O(N) where N is the number of keys.", "Counts the keys that exist.")
    .tips(SUM)
    .args(&[Arg::key("key", 0).multiple()]);

fn exists(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut found = 0;
    for key in args.skip(1).iter() {
        if cx.view.exists(&cx.key(key)) {
            found += 1;
        } else {
            cx.notify(notify_class::KEY_MISS, "keymiss", key);
        }
    }
    cx.out.int(found);
    Ok(())
}

/// TOUCH key [key ...]
pub(super) const TOUCH: Command = Command::new("touch", -2, touch)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(&[KeySpec::range(1, -1, 1, key_flag::RO)])
    .docs(
        Group::Generic,
        "3.2.1",
        "O(N) where N is the number of keys.",
        "Counts the keys that exist and notes that they were used.",
    )
    .tips(SUM)
    .args(&[Arg::key("key", 0).multiple()]);

fn touch(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut found = 0;
    for key in args.skip(1).iter() {
        if cx.view.touch_key(&cx.key(key)) {
            found += 1;
        } else {
            cx.notify(notify_class::KEY_MISS, "keymiss", key);
        }
    }
    cx.out.int(found);
    Ok(())
}

/// TYPE key
pub(super) const TYPE: Command = Command::new("type", 2, kind)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(&[KeySpec::one(1, key_flag::RO)])
    .docs(Group::Generic, "1.0.0", "O(1)", "Returns the type of the value of a key.")
    .args(&[Arg::key("key", 0)]);

fn kind(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    if cx.view.exists(&key) {
        let kind = cx.view.peek(&key).map(|entry| entry.kind());
        cx.out.simple(kind.map_or("none", Kind::name));
    } else {
        cx.out.simple("none");
        cx.notify(notify_class::KEY_MISS, "keymiss", key.bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn keys_are_counted_as_often_as_they_are_named() {
        Rig::new().check(&[
            ("MSET a 1 b 2", "+OK", "MSET a 1 b 2"),
            ("EXISTS a a b c", ":3", ""),
            ("TOUCH a a c", ":2", ""),
            ("DEL a a c", ":1", "DEL a a c"),
            ("DEL a", ":0", ""),
            ("UNLINK b c", ":1", "UNLINK b c"),
            ("TYPE a", "+none", ""),
            ("SET a 1", "+OK", "SET a 1"),
            ("TYPE a", "+string", ""),
        ]);
    }

    #[test]
    fn more_keys_than_are_locked_one_by_one() {
        let mut rig = Rig::new();
        let names: Vec<String> = (0..500).map(|n| format!("key:{n}")).collect();
        let line = |command: &str| format!("{command} {}", names.join(" "));
        for name in &names {
            rig.run(&format!("SET {name} v"));
        }
        assert_eq!(rig.run(&line("EXISTS")), ":500");
        assert_eq!(rig.run(&line("UNLINK")), ":500");
        assert_eq!(rig.run(&line("DEL")), ":0");
    }
}
