//! SADD, SREM, SMOVE: members that are named.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag, notify_class,
};
use redan_keyspace::{Kind, NewValue, Set};
use redan_resp::Args;

use crate::typed;

/// SADD key member [member ...]
pub(super) const SADD: Command = Command::new("sadd", -3, sadd)
    .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
    .acl(category::SET)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::INSERT)])
    .docs(
        Group::Set,
        "1.0.0",
        "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
        "Adds members to a set, which is created if need be.",
    )
    .args(&[Arg::key("key", 0), Arg::new("member", ArgKind::String).multiple()]);

fn sadd(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let limits = cx.view.keyspace().limits();
    let members = args.skip(2);
    let (mut entry, created) = cx
        .view
        .edit_or_insert_with(&key, || NewValue::from(Set::for_members(&args[2], members.len(), limits)));
    let set = entry.aggregate_mut::<Set>().ok_or(errors::WRONG_TYPE)?;
    set.expect(members.len(), limits);
    let added = members.iter().filter(|member| set.insert(member, limits)).count();
    entry.changed(added as u64);
    if created {
        cx.notify(notify_class::NEW, "new", key.bytes);
    }
    if added > 0 {
        cx.notify(notify_class::SET, "sadd", key.bytes);
    }
    cx.out.int(added as i64);
    Ok(())
}

/// SREM key member [member ...]
pub(super) const SREM: Command = Command::new("srem", -3, srem)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::SET)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::DELETE)])
    .docs(
        Group::Set,
        "1.0.0",
        "O(N) where N is the number of members to be removed.",
        "Removes members from a set, which is deleted with its last one.",
    )
    .args(&[Arg::key("key", 0), Arg::new("member", ArgKind::String).multiple()]);

fn srem(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let Some(mut entry) = typed::edit::<Set>(&mut cx.view, &key)? else {
        cx.out.int(0);
        return Ok(());
    };
    let set = entry.aggregate_mut::<Set>().ok_or(errors::WRONG_TYPE)?;
    let removed = args.skip(2).iter().filter(|member| set.remove(member)).count();
    entry.changed(removed as u64);
    let emptied = entry.remove_if_emptied();
    if removed > 0 {
        cx.notify(notify_class::SET, "srem", key.bytes);
    }
    if emptied {
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
    cx.out.int(removed as i64);
    Ok(())
}

/// SMOVE source destination member
pub(super) const SMOVE: Command = Command::new("smove", 4, smove)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::SET)
    .keys(&[
        KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
        KeySpec::one(2, key_flag::RW | key_flag::INSERT),
    ])
    .docs(Group::Set, "1.0.0", "O(1)", "Moves a member from one set to another.")
    .args(&[Arg::key("source", 0), Arg::key("destination", 1), Arg::new("member", ArgKind::String)]);

fn smove(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to, member) = (cx.key(&args[1]), cx.key(&args[2]), &args[3]);
    if cx.view.peek(&from).is_none() {
        cx.out.int(0);
        return Ok(());
    }
    if cx.view.peek(&to).is_some_and(|entry| entry.kind() != Kind::Set) {
        return Err(errors::WRONG_TYPE);
    }
    let Some(mut entry) = typed::edit::<Set>(&mut cx.view, &from)? else { return Ok(()) };
    let is_member = entry.aggregate::<Set>().is_some_and(|set| set.contains(member));
    if !is_member || from.bytes == to.bytes {
        cx.out.int(i64::from(is_member));
        return Ok(());
    }
    entry.aggregate_mut::<Set>().ok_or(errors::WRONG_TYPE)?.remove(member);
    entry.changed(1);
    let emptied = entry.remove_if_emptied();
    cx.notify(notify_class::SET, "srem", from.bytes);
    if emptied {
        cx.notify(notify_class::GENERIC, "del", from.bytes);
    }
    let limits = cx.view.keyspace().limits();
    let (mut entry, created) = typed::edit_or_create::<Set>(&mut cx.view, &to)?;
    let added = entry.aggregate_mut::<Set>().ok_or(errors::WRONG_TYPE)?.insert(member, limits);
    entry.changed(u64::from(added));
    if created {
        cx.notify(notify_class::NEW, "new", to.bytes);
    }
    if added {
        cx.notify(notify_class::SET, "sadd", to.bytes);
    }
    cx.out.int(1);
    Ok(())
}
