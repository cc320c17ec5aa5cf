//! PFMERGE: one HyperLogLog that has seen what several have seen.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag, notify_class};
use redan_keyspace::{NewValue, SetTtl};
use redan_resp::Args;

use super::sketch::{Form, REGISTERS, Sketch, SketchBuf};
use crate::string::value::notify_miss;

/// PFMERGE destkey [sourcekey ...]
pub(super) const PFMERGE: Command = Command::new("pfmerge", -2, pfmerge)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::HYPERLOGLOG)
    .keys(&[
        KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::INSERT),
        KeySpec::range(2, -1, 1, key_flag::RO | key_flag::ACCESS),
    ])
    .docs(
        Group::HyperLogLog,
        "2.8.9",
        "O(N) to merge N HyperLogLogs, but with high constant times.",
        "Merges HyperLogLogs into one.",
    )
    .args(&[Arg::key("destkey", 0), Arg::key("sourcekey", 1).optional().multiple()]);

fn pfmerge(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut registers = [0; REGISTERS];
    let mut any_dense = false;
    for key in args.skip(1).iter() {
        let key = cx.key(key);
        match cx.view.get(&key) {
            Some(entry) => {
                let sketch = Sketch::of(entry)?;
                any_dense |= sketch.form == Form::Dense;
                sketch.merge_into(&mut registers)?;
            }
            None => notify_miss(cx, key.bytes),
        }
    }
    let to = cx.key(&args[1]);
    let known = match cx.view.peek(&to) {
        Some(entry) => Some(SketchBuf::copy(Sketch::of(entry)?)),
        None => None,
    };
    let created = known.is_none();
    let mut target = known.unwrap_or_default();
    if any_dense {
        target.make_dense()?;
        target.set_dense(&registers);
    } else {
        let sparse_max = cx.engine.settings().hll_sparse_max_bytes;
        for (index, &value) in registers.iter().enumerate().filter(|&(_, &value)| value > 0) {
            target.raise(index, value, sparse_max)?;
        }
    }
    target.set_stale();
    cx.view.set(&to, NewValue::Owned(target.into_bytes()), SetTtl::Keep);
    if created {
        cx.notify(notify_class::NEW, "new", to.bytes);
    }
    cx.notify(notify_class::STRING, "pfadd", to.bytes);
    cx.out.ok();
    Ok(())
}
