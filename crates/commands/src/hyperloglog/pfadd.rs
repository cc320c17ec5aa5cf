//! PFADD: seeing elements.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag, notify_class,
};
use redan_keyspace::{Key, NewValue, SetTtl};
use redan_resp::Args;
use smallvec::SmallVec;

use super::hash::place;
use super::sketch::{Form, Sketch, SketchBuf, mark_stale, raise_dense};

/// PFADD key [element ...]
pub(super) const PFADD: Command = Command::new("pfadd", -2, pfadd)
    .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
    .acl(category::HYPERLOGLOG)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::INSERT)])
    .docs(Group::HyperLogLog, "2.8.9", "O(1) to add every element.", "Counts elements in a HyperLogLog.")
    .args(&[Arg::key("key", 0), Arg::new("element", ArgKind::String).optional().multiple()]);

fn pfadd(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[1]);
    let elements = args.skip(2);
    let known = match cx.view.peek(&key) {
        Some(entry) => Some(Sketch::of(entry)?),
        None => None,
    };
    let raised = match known {
        Some(sketch) if sketch.form == Form::Dense => {
            let raises = elements.iter().map(place);
            let raises = raises.filter(|&(index, value)| sketch.dense_register(index) < value).collect();
            add_dense(cx, &key, raises)
        }
        known => {
            let created = known.is_none();
            let sketch = known.map_or_else(SketchBuf::default, SketchBuf::copy);
            add_copied(cx, &key, sketch, elements, created)?
        }
    };
    if raised {
        cx.notify(notify_class::STRING, "pfadd", key.bytes);
    }
    cx.out.int(i64::from(raised));
    Ok(())
}

/// Raises registers of a dense sketch where it is; says whether there were any.
fn add_dense(cx: &mut Cx<'_, '_>, key: &Key<'_>, raises: SmallVec<[(usize, u8); 8]>) -> bool {
    let raised = !raises.is_empty();
    if raised && let Some(mut entry) = cx.view.edit(key) {
        let bytes = entry.string_mut(0);
        // Two elements may meet in one register: the higher value has to win.
        let mut highest = raises;
        highest.sort_unstable();
        highest.iter().for_each(|&(index, value)| raise_dense(bytes, index, value));
        mark_stale(bytes);
    }
    raised
}

/// Adds to a sketch that may change its length, and stores it if it changed.
fn add_copied(
    cx: &mut Cx<'_, '_>,
    key: &Key<'_>,
    mut sketch: SketchBuf,
    elements: Args<'_>,
    created: bool,
) -> Result<bool, redan_engine::ReplyError> {
    let sparse_max = cx.engine.settings().hll_sparse_max_bytes;
    let mut raised = 0;
    for element in elements.iter() {
        raised += u64::from(sketch.add(element, sparse_max)?);
    }
    if raised == 0 && !created {
        return Ok(false);
    }
    sketch.set_stale();
    cx.view.set(key, NewValue::Owned(sketch.into_bytes()), SetTtl::Keep);
    if created {
        cx.notify(notify_class::NEW, "new", key.bytes);
    }
    Ok(true)
}
