//! A sketch: the string that a HyperLogLog is.
//!
//! ```text
//! "HYLL" | form: 0 dense, 1 sparse | 3 bytes unused | cardinality, 8 bytes little endian | registers
//! ```
//!
//! The cardinality is the one last computed; its highest bit says that registers were changed since then.

use redan_engine::{ReplyError, errors};
use redan_keyspace::{EntryRef, StringRef};

use super::estimate::{Histogram, estimate};
use super::sparse::Raised;
use super::{dense, hash, sparse};

/// Bits of the hash that name the register.
pub(super) const REGISTER_BITS: u32 = 14;
/// Number of registers.
pub(super) const REGISTERS: usize = 1 << REGISTER_BITS;
/// The values of all registers, a byte each.
pub(super) type Registers = [u8; REGISTERS];

const MAGIC: &[u8] = b"HYLL";
const FORM_AT: usize = 4;
const CARDINALITY_AT: usize = 8;
/// Bytes in front of the registers.
pub(super) const HEADER: usize = 16;
/// Marks a cardinality as out of date, in its highest byte.
const STALE: u8 = 0x80;

/// The registers do not make sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Corrupt;

impl From<Corrupt> for ReplyError {
    fn from(_: Corrupt) -> Self {
        errors::HLL_CORRUPT
    }
}

/// How the registers are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Dense,
    Sparse,
}

impl Form {
    /// The name that PFDEBUG ENCODING gives.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Sparse => "sparse",
        }
    }
}

/// A sketch that is looked at.
#[derive(Clone, Copy)]
pub(super) struct Sketch<'a> {
    bytes: &'a [u8],
    pub(super) form: Form,
}

impl<'a> Sketch<'a> {
    /// The sketch in an entry.
    ///
    /// # Errors
    /// `WRONGTYPE`, with a text of its own for strings that are no sketches.
    pub(super) fn of(entry: EntryRef<'a>) -> Result<Self, ReplyError> {
        match entry.string().ok_or(errors::WRONG_TYPE)? {
            StringRef::Bytes(bytes) => Self::new(bytes).ok_or(errors::NOT_HLL),
            StringRef::Int(_) => Err(errors::NOT_HLL),
        }
    }

    /// The sketch in a string, if it looks like one.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
            return None;
        }
        let form = match bytes[FORM_AT] {
            0 if bytes.len() == HEADER + dense::DENSE_BYTES => Form::Dense,
            1 => Form::Sparse,
            _ => return None,
        };
        Some(Self { bytes, form })
    }

    /// All bytes.
    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The registers' bytes.
    pub(super) fn registers(self) -> &'a [u8] {
        &self.bytes[HEADER..]
    }

    /// The cardinality computed last, if nothing was changed since.
    pub(super) fn cached(self) -> Option<u64> {
        let bytes = self.bytes[CARDINALITY_AT..].first_chunk()?;
        (bytes[7] & STALE == 0).then(|| u64::from_le_bytes(*bytes))
    }

    /// The estimated number of different elements.
    ///
    /// # Errors
    /// The registers do not make sense.
    pub(super) fn count(self) -> Result<u64, Corrupt> {
        let mut histogram: Histogram = [0; 64];
        match self.form {
            Form::Dense => dense::each(self.registers(), |_, value| histogram[usize::from(value)] += 1),
            Form::Sparse => sparse::each(self.registers(), |_, run| {
                histogram[usize::from(run.value)] += run.len as u32;
            })?,
        }
        Ok(estimate(&histogram))
    }

    /// Raises each of `registers` to at least the value it has here.
    ///
    /// # Errors
    /// The registers do not make sense.
    pub(super) fn merge_into(self, registers: &mut Registers) -> Result<(), Corrupt> {
        let mut raise = |index: usize, value: u8| registers[index] = registers[index].max(value);
        match self.form {
            Form::Dense => dense::each(self.registers(), raise),
            Form::Sparse => sparse::each(self.registers(), |index, run| {
                if run.value > 0 {
                    (index..index + run.len).for_each(|index| raise(index, run.value));
                }
            })?,
        }
        Ok(())
    }

    /// The value of a register of a dense sketch.
    pub(super) fn dense_register(self, index: usize) -> u8 {
        dense::get(self.registers(), index)
    }
}

/// How many elements the registers of `registers` are an estimate of.
pub(super) fn count_registers(registers: &Registers) -> u64 {
    let mut histogram: Histogram = [0; 64];
    registers.iter().for_each(|&value| histogram[usize::from(value & 63)] += 1);
    estimate(&histogram)
}

/// A sketch that is changed.
pub(super) struct SketchBuf {
    bytes: Vec<u8>,
    form: Form,
}

impl Default for SketchBuf {
    /// A sketch that has seen nothing.
    fn default() -> Self {
        let mut bytes = [MAGIC, &[1], &[0; 11]].concat();
        sparse::empty(&mut bytes);
        Self { bytes, form: Form::Sparse }
    }
}

impl SketchBuf {
    /// A copy of a sketch.
    pub(super) fn copy(sketch: Sketch<'_>) -> Self {
        Self { bytes: sketch.bytes.to_vec(), form: sketch.form }
    }

    /// What it is now.
    pub(super) fn as_sketch(&self) -> Sketch<'_> {
        Sketch { bytes: &self.bytes, form: self.form }
    }

    /// The string.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Sees an element, and says whether a register was raised. A sparse sketch that would get longer than
    /// `sparse_max` bytes becomes dense.
    ///
    /// # Errors
    /// The registers do not make sense.
    pub(super) fn add(&mut self, element: &[u8], sparse_max: usize) -> Result<bool, Corrupt> {
        let (index, value) = hash::place(element);
        self.raise(index, value, sparse_max)
    }

    /// Raises a register to at least `value`; see [`add`](Self::add).
    pub(super) fn raise(&mut self, index: usize, value: u8, sparse_max: usize) -> Result<bool, Corrupt> {
        if self.form == Form::Sparse {
            match sparse::raise(&mut self.bytes, HEADER, index, value, sparse_max)? {
                Raised::No => return Ok(false),
                Raised::Yes => return Ok(true),
                Raised::NotHere => {
                    self.make_dense()?;
                }
            }
        }
        let registers = &mut self.bytes[HEADER..];
        let higher = dense::get(registers, index) < value;
        if higher {
            dense::set(registers, index, value);
        }
        Ok(higher)
    }

    /// Becomes dense; false if it was.
    ///
    /// # Errors
    /// The registers do not make sense.
    pub(super) fn make_dense(&mut self) -> Result<bool, Corrupt> {
        if self.form == Form::Dense {
            return Ok(false);
        }
        let mut registers = [0; REGISTERS];
        self.as_sketch().merge_into(&mut registers)?;
        self.bytes.resize(HEADER + dense::DENSE_BYTES, 0);
        self.form = Form::Dense;
        self.bytes[FORM_AT] = 0;
        self.set_dense(&registers);
        Ok(true)
    }

    /// Sets all registers of a dense sketch.
    pub(super) fn set_dense(&mut self, registers: &Registers) {
        dense::pack(registers, &mut self.bytes[HEADER..]);
    }

    /// Says that registers were changed.
    pub(super) fn set_stale(&mut self) {
        mark_stale(&mut self.bytes);
    }
}

/// Says that registers of this string were changed.
pub(super) fn mark_stale(bytes: &mut [u8]) {
    bytes[CARDINALITY_AT + 7] |= STALE;
}

/// Raises a register of a dense string.
pub(super) fn raise_dense(bytes: &mut [u8], index: usize, value: u8) {
    dense::set(&mut bytes[HEADER..], index, value);
}

/// Notes the cardinality in a sketch's string.
pub(super) fn note_cardinality(bytes: &mut [u8], cardinality: u64) {
    bytes[CARDINALITY_AT..HEADER].copy_from_slice(&cardinality.to_le_bytes());
}
