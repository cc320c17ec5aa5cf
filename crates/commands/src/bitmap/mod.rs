//! Commands on strings as sequences of bits. Bit 0 is the highest bit of the first byte.

mod bit;
mod bits;
mod field;
mod fields;
mod offset;
mod op;
mod range;

#[cfg(test)]
mod tests;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    bit::GETBIT,
    bit::SETBIT,
    fields::BITFIELD,
    fields::BITFIELD_RO,
    op::BITOP,
    range::BITCOUNT,
    range::BITPOS,
];
