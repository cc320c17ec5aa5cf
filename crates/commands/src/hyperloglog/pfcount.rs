//! PFCOUNT: the estimate.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag};
use redan_resp::Args;

use super::sketch::{REGISTERS, Sketch, count_registers, note_cardinality};
use crate::string::value::notify_miss;

/// PFCOUNT key [key ...]
pub(super) const PFCOUNT: Command = Command::new("pfcount", -2, pfcount)
    .flags(flag::READONLY | flag::MAY_REPLICATE)
    .acl(category::HYPERLOGLOG)
    .keys(&[KeySpec {
        notes: "RW because the cached cardinality may change, and propagates",
        ..KeySpec::range(1, -1, 1, key_flag::RW | key_flag::ACCESS)
    }])
    .docs(
        Group::HyperLogLog,
        "2.8.9",
        "O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, and much bigger constant times, when called with multiple keys.",
        "Estimates how many different elements one or more HyperLogLogs have seen.",
    )
    .args(&[Arg::key("key", 0).multiple()]);

fn pfcount(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 2 { count_union(cx, args) } else { count_one(cx, args) }
}

fn count_one(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let Some(entry) = cx.view.get(&key) else {
        cx.out.int(0);
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    let sketch = Sketch::of(entry)?;
    let cardinality = match sketch.cached() {
        Some(cardinality) => cardinality,
        None => {
            let cardinality = sketch.count()?;
            if let Some(mut entry) = cx.view.edit(&key) {
                note_cardinality(entry.string_mut(0), cardinality);
            }
            cardinality
        }
    };
    cx.out.int(cardinality as i64);
    Ok(())
}

fn count_union(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut registers = [0; REGISTERS];
    for key in args.skip(1).iter() {
        let key = cx.key(key);
        match cx.view.get(&key) {
            Some(entry) => Sketch::of(entry)?.merge_into(&mut registers)?,
            None => notify_miss(cx, key.bytes),
        }
    }
    cx.out.int(count_registers(&registers) as i64);
    Ok(())
}
