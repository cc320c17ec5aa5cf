//! SINTERSTORE, SUNIONSTORE, SDIFFSTORE: results as sets of their own.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag, notify_class};
use redan_keyspace::{Aggregate, NewValue, Set, SetTtl};
use redan_resp::Args;

use super::algebra::{Operands, Operation};

const KEYS: &[KeySpec] = &[
    KeySpec::one(1, key_flag::OW | key_flag::UPDATE),
    KeySpec::range(2, -1, 1, key_flag::RO | key_flag::ACCESS),
];
const ARGS: &[Arg] = &[Arg::key("destination", 0), Arg::key("key", 1).multiple()];

/// SINTERSTORE destination key [key ...]
pub(super) const SINTERSTORE: Command = Command::new("sinterstore", -3, sinterstore)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::SET)
    .keys(KEYS)
    .docs(
        Group::Set,
        "1.0.0",
        "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        "Stores the members that all of several sets have.",
    )
    .args(ARGS);

fn sinterstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    store(cx, args, Operation::Intersection, "sinterstore")
}

/// SUNIONSTORE destination key [key ...]
pub(super) const SUNIONSTORE: Command = Command::new("sunionstore", -3, sunionstore)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::SET)
    .keys(KEYS)
    .docs(
        Group::Set,
        "1.0.0",
        "O(N) where N is the total number of elements in all given sets.",
        "Stores the members that any of several sets has.",
    )
    .args(ARGS);

fn sunionstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    store(cx, args, Operation::Union, "sunionstore")
}

/// SDIFFSTORE destination key [key ...]
pub(super) const SDIFFSTORE: Command = Command::new("sdiffstore", -3, sdiffstore)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::SET)
    .keys(KEYS)
    .docs(
        Group::Set,
        "1.0.0",
        "O(N) where N is the total number of elements in all given sets.",
        "Stores the members of a set that others do not have.",
    )
    .args(ARGS);

fn sdiffstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    store(cx, args, Operation::Difference, "sdiffstore")
}

fn store(cx: &mut Cx<'_, '_>, args: Args<'_>, operation: Operation, event: &'static str) -> CmdResult {
    let operands = Operands::read(cx, args.skip(2))?;
    let limits = cx.view.keyspace().limits();
    let mut result = Set::default();
    operands.each(operation, |member| {
        result.insert_ref(member, limits);
        true
    });
    // Sources that are replaced or changed next need not be copied for the sake of these handles.
    drop(operands);
    if operation == Operation::Intersection {
        result.settle(limits);
    }
    let to = cx.key(&args[1]);
    let len = result.len();
    if len == 0 {
        if cx.view.remove(&to) {
            cx.notify(notify_class::GENERIC, "del", to.bytes);
        }
    } else {
        let existed = cx.view.set(&to, NewValue::from(result), SetTtl::Clear);
        if !existed {
            cx.notify(notify_class::NEW, "new", to.bytes);
        }
        cx.notify(notify_class::SET, event, to.bytes);
    }
    cx.out.int(len as i64);
    Ok(())
}
