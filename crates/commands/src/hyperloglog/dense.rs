//! The dense form: 16384 registers of six bits, the low bits of a byte first.

use super::sketch::{REGISTERS, Registers};

/// Bytes of all registers.
pub(super) const DENSE_BYTES: usize = REGISTERS * 6 / 8;

/// The byte in which a register begins, and at which bit.
fn locate(index: usize) -> (usize, usize) {
    (index * 6 / 8, index * 6 % 8)
}

/// The value of a register.
pub(super) fn get(bytes: &[u8], index: usize) -> u8 {
    let (byte, shift) = locate(index);
    let high = bytes.get(byte + 1).copied().unwrap_or(0);
    (u16::from_le_bytes([bytes[byte], high]) >> shift) as u8 & 63
}

/// Sets a register to a value below 64.
pub(super) fn set(bytes: &mut [u8], index: usize, value: u8) {
    let (byte, shift) = locate(index);
    let high = bytes.get(byte + 1).copied().unwrap_or(0);
    let pair = u16::from_le_bytes([bytes[byte], high]) & !(63 << shift) | u16::from(value) << shift;
    let [low, high] = pair.to_le_bytes();
    bytes[byte] = low;
    if let Some(next) = bytes.get_mut(byte + 1) {
        *next = high;
    }
}

/// Calls `visit` with the value of each register, in order.
pub(super) fn each(bytes: &[u8], mut visit: impl FnMut(usize, u8)) {
    for (group, &[a, b, c]) in bytes.as_chunks::<3>().0.iter().enumerate() {
        let four = u32::from_le_bytes([a, b, c, 0]);
        (0..4).for_each(|n| visit(group * 4 + n, (four >> (6 * n)) as u8 & 63));
    }
}

/// Writes all registers.
pub(super) fn pack(registers: &Registers, bytes: &mut [u8]) {
    for (four, out) in registers.as_chunks::<4>().0.iter().zip(bytes.as_chunks_mut::<3>().0) {
        let packed = four.iter().rev().fold(0, |packed, &value| packed << 6 | u32::from(value));
        out.copy_from_slice(&packed.to_le_bytes()[..3]);
    }
}
