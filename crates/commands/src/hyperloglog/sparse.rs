//! The sparse form: runs of registers with the same value.
//!
//! ```text
//! 00llllll            l + 1 registers of 0
//! 01llllll llllllll   l + 1 registers of 0, the high bits first
//! 1vvvvvll            l + 1 registers of v + 1
//! ```

use super::sketch::{Corrupt, REGISTERS};

/// The highest value of a register that this form can hold.
pub(super) const VALUE_MAX: u8 = 32;
/// Longest run of a value.
const VALUE_RUN_MAX: usize = 4;
/// Longest run of zeros in one byte.
const ZERO_RUN_MAX: usize = 64;

/// A run of registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    /// The value of all of them.
    pub(super) value: u8,
    /// How many.
    pub(super) len: usize,
    /// Bytes it takes.
    pub(super) bytes: usize,
}

impl Run {
    /// The run at the front of `bytes`; `None` if they end within it.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let &first = bytes.first()?;
        let low = usize::from(first & 0x3f);
        Some(match first >> 6 {
            0 => Self { value: 0, len: low + 1, bytes: 1 },
            1 => Self { value: 0, len: (low << 8 | usize::from(*bytes.get(1)?)) + 1, bytes: 2 },
            _ => Self { value: (first >> 2 & 0x1f) + 1, len: usize::from(first & 3) + 1, bytes: 1 },
        })
    }

    /// Appends a run of this value; none if it has no length.
    fn encode(out: &mut Vec<u8>, value: u8, len: usize) {
        match (value, len) {
            (_, 0) => {}
            (0, 1..=ZERO_RUN_MAX) => out.push(len as u8 - 1),
            (0, _) => out.extend([0x40 | ((len - 1) >> 8) as u8, (len - 1) as u8]),
            _ => out.push(value_run(value, len)),
        }
    }

    fn is_long_zero(&self) -> bool {
        self.bytes == 2
    }
}

fn value_run(value: u8, len: usize) -> u8 {
    0x80 | (value - 1) << 2 | (len as u8 - 1)
}

/// The registers of a sketch without elements.
pub(super) fn empty(out: &mut Vec<u8>) {
    Run::encode(out, 0, REGISTERS);
}

/// Calls `visit` with each run.
///
/// # Errors
/// The runs are not those of exactly 16384 registers. Some of them were shown then.
pub(super) fn each(mut bytes: &[u8], mut visit: impl FnMut(usize, Run)) -> Result<(), Corrupt> {
    let mut index = 0;
    while !bytes.is_empty() {
        let run = Run::decode(bytes).ok_or(Corrupt)?;
        if index + run.len > REGISTERS {
            return Err(Corrupt);
        }
        visit(index, run);
        index += run.len;
        bytes = &bytes[run.bytes..];
    }
    if index == REGISTERS { Ok(()) } else { Err(Corrupt) }
}

/// What became of a register that was to be raised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Raised {
    /// It was that high already.
    No,
    /// It was raised.
    Yes,
    /// This form cannot hold the result.
    NotHere,
}

/// Raises a register to at least `value`. `bytes` has the runs from `start` on and may get `max_bytes` long.
///
/// The runs become exactly those that Redis makes of them, so that the bytes are the same.
///
/// # Errors
/// The runs do not reach that register.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    start: usize,
    index: usize,
    value: u8,
    max_bytes: usize,
) -> Result<Raised, Corrupt> {
    if value > VALUE_MAX {
        return Ok(Raised::NotHere);
    }
    let (mut at, mut first, mut previous) = (start, 0, None);
    let run = loop {
        let run = Run::decode(&bytes[at..]).ok_or(Corrupt)?;
        if index < first + run.len {
            break run;
        }
        previous = Some(at);
        at += run.bytes;
        first += run.len;
    };
    if run.value >= value {
        return Ok(Raised::No);
    }
    if run.len == 1 && !run.is_long_zero() {
        bytes[at] = value_run(value, 1);
    } else {
        let mut split = Vec::with_capacity(5);
        Run::encode(&mut split, run.value, index - first);
        Run::encode(&mut split, value, 1);
        Run::encode(&mut split, run.value, first + run.len - 1 - index);
        if split.len() > run.bytes && bytes.len() + split.len() - run.bytes > max_bytes {
            return Ok(Raised::NotHere);
        }
        bytes.splice(at..at + run.bytes, split);
    }
    merge(bytes, previous.unwrap_or(start));
    Ok(Raised::Yes)
}

/// Joins neighbouring runs of the same value among the next few runs.
fn merge(bytes: &mut Vec<u8>, mut at: usize) {
    /// As many as one change can concern.
    const LOOKED_AT: usize = 5;
    for _ in 0..LOOKED_AT {
        let Some(run) = bytes.get(at..).and_then(Run::decode) else { return };
        let next = bytes.get(at + run.bytes..).and_then(Run::decode);
        match next {
            Some(next) if run.value > 0 && run.value == next.value && run.len + next.len <= VALUE_RUN_MAX => {
                bytes[at] = value_run(run.value, run.len + next.len);
                bytes.remove(at + 1);
            }
            _ => at += run.bytes,
        }
    }
}
