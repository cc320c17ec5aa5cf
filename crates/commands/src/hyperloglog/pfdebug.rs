//! PFDEBUG and PFSELFTEST: looking inside.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::{Key, NewValue, SetTtl};
use redan_resp::Args;

use super::sketch::{Form, REGISTERS, Sketch, SketchBuf};
use super::{dense, sparse};
use crate::arg;

/// PFDEBUG subcommand key
pub(super) const PFDEBUG: Command = Command::new("pfdebug", 3, pfdebug)
    .flags(flag::WRITE | flag::DENYOOM | flag::ADMIN)
    .acl(category::HYPERLOGLOG)
    .keys(&[KeySpec::one(2, key_flag::RW | key_flag::ACCESS)])
    .docs(Group::HyperLogLog, "2.8.9", "N/A", "Shows the insides of a HyperLogLog.")
    .args(&[Arg::new("subcommand", ArgKind::String), Arg::key("key", 0)]);

fn pfdebug(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let subcommand = &args[1];
    if arg::is(subcommand, "SIMD") {
        // Kept for the sake of scripts that switch it: vector code is the compiler's business here.
        let known = arg::is(&args[2], "ON") || arg::is(&args[2], "OFF");
        if !known {
            return Err(errors::NOT_ON_OR_OFF);
        }
        cx.out.simple("disabled");
        return Ok(());
    }
    let key = cx.key(&args[2]);
    let sketch = Sketch::of(cx.view.peek(&key).ok_or(errors::PFDEBUG_NO_KEY)?)?;
    if arg::is(subcommand, "GETREG") {
        let dense = become_dense(cx, &key)?.0;
        cx.out.array(REGISTERS);
        dense::each(dense.as_sketch().registers(), |_, value| cx.out.int(i64::from(value)));
    } else if arg::is(subcommand, "DECODE") {
        let text = decode(sketch)?;
        cx.out.bulk(text.as_bytes());
    } else if arg::is(subcommand, "ENCODING") {
        cx.out.simple(sketch.form.name());
    } else if arg::is(subcommand, "TODENSE") {
        let changed = become_dense(cx, &key)?.1;
        cx.out.int(i64::from(changed));
    } else {
        return Err(errors::unknown_pfdebug(subcommand));
    }
    Ok(())
}

/// Makes the sketch of a key dense. Returns a copy of it, and whether it was sparse.
fn become_dense(cx: &mut Cx<'_, '_>, key: &Key<'_>) -> Result<(SketchBuf, bool), ReplyError> {
    let mut copy = SketchBuf::copy(Sketch::of(cx.view.peek(key).ok_or(errors::PFDEBUG_NO_KEY)?)?);
    let changed = copy.make_dense()?;
    if changed {
        cx.view.set(key, NewValue::Bytes(copy.as_sketch().bytes()), SetTtl::Keep);
    }
    Ok((copy, changed))
}

/// The runs of a sparse sketch as text.
fn decode(sketch: Sketch<'_>) -> Result<String, ReplyError> {
    if sketch.form != Form::Sparse {
        return Err(errors::HLL_NOT_SPARSE);
    }
    let mut runs = Vec::new();
    sparse::each(sketch.registers(), |_, run| {
        runs.push(match (run.value, run.bytes) {
            (0, 1) => format!("z:{}", run.len),
            (0, _) => format!("Z:{}", run.len),
            (value, _) => format!("v:{value},{}", run.len),
        });
    })?;
    Ok(runs.join(" "))
}

/// PFSELFTEST
pub(super) const PFSELFTEST: Command = Command::new("pfselftest", 1, pfselftest)
    .flags(flag::ADMIN)
    .acl(category::HYPERLOGLOG)
    .docs(Group::HyperLogLog, "2.8.9", "N/A", "Tests the arithmetic of HyperLogLogs.");

/// Elements that the test counts.
const TEST_ELEMENTS: u64 = 10_000_000;

fn pfselftest(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let mut random = cx.view.keyspace().generator();
    let sparse_max = cx.engine.settings().hll_sparse_max_bytes;
    let outcome =
        test_registers(&mut random).and_then(|()| test_error(&mut random, sparse_max, TEST_ELEMENTS));
    outcome.map_err(|text| ReplyError::new(format!("ERR TESTFAILED {text}")))?;
    cx.out.ok();
    Ok(())
}

/// Registers keep what they are set to and leave their neighbours alone.
fn test_registers(random: &mut fastrand::Rng) -> Result<(), String> {
    const CYCLES: usize = 100;
    let mut bytes = vec![0; dense::DENSE_BYTES];
    for _ in 0..CYCLES {
        let values: Vec<u8> = (0..REGISTERS).map(|_| random.u8(..64)).collect();
        values.iter().enumerate().for_each(|(index, &value)| dense::set(&mut bytes, index, value));
        for (index, &value) in values.iter().enumerate() {
            let found = dense::get(&bytes, index);
            if found != value {
                return Err(format!("Register {index} should be {value} but is {found}"));
            }
        }
    }
    Ok(())
}

/// The estimate is near the truth, and the same in both forms.
pub(super) fn test_error(random: &mut fastrand::Rng, sparse_max: usize, elements: u64) -> Result<(), String> {
    let seed = random.u64(..);
    let (mut dense, mut any) = (SketchBuf::default(), SketchBuf::default());
    let broken = |_| "a sketch of our own is corrupt".to_owned();
    dense.make_dense().map_err(broken)?;
    let mut checkpoint = 1;
    for n in 1..=elements {
        let element = (n ^ seed).to_le_bytes();
        dense.add(&element, sparse_max).map_err(broken)?;
        any.add(&element, sparse_max).map_err(broken)?;
        if n != checkpoint {
            continue;
        }
        if n < sparse_max as u64 / 2 && any.as_sketch().form != Form::Sparse {
            return Err("sparse encoding not used".to_owned());
        }
        let count = dense.as_sketch().count().map_err(broken)?;
        if any.as_sketch().count().map_err(broken)? != count {
            return Err("dense/sparse disagree".to_owned());
        }
        // Six times the standard error; among ten elements a collision is no failure, but two are.
        let allowed = if n == 10 { 1.0 } else { (1.04 / (REGISTERS as f64).sqrt() * 6.0 * n as f64).ceil() };
        let error = n.abs_diff(count);
        if error as f64 > allowed {
            return Err(format!("Too big error. card:{n} abserr:{error}"));
        }
        checkpoint *= 10;
    }
    Ok(())
}
