//! The library `bit`: operations on 32-bit integers, results signed.

use crate::family::{Family, Given, Refusal, results};
use mlua::{Lua, Table};

/// The library.
pub(crate) fn library(lua: &Lua) -> mlua::Result<Table> {
    let family = Family::new(lua)?;
    family.function("tobit", |lua, given| results(lua, signed(bits(given, 0)?)))?;
    family.function("bnot", |lua, given| results(lua, signed(!bits(given, 0)?)))?;
    family.function("bswap", |lua, given| results(lua, signed(bits(given, 0)?.swap_bytes())))?;
    folding(&family, "band", |a, b| a & b)?;
    folding(&family, "bor", |a, b| a | b)?;
    folding(&family, "bxor", |a, b| a ^ b)?;
    shifting(&family, "lshift", |bits, by| bits << by)?;
    shifting(&family, "rshift", |bits, by| bits >> by)?;
    shifting(&family, "arshift", |bits, by| ((bits as i32) >> by) as u32)?;
    shifting(&family, "rol", u32::rotate_left)?;
    shifting(&family, "ror", u32::rotate_right)?;
    family.function("tohex", |lua, given| {
        let digits = if given.is_absent(1) { 8 } else { bits(given, 1)? as i32 };
        results(lua, hex(bits(given, 0)?, digits))
    })?;
    family.finish()
}

fn folding(family: &Family<'_>, name: &'static str, fold: fn(u32, u32) -> u32) -> mlua::Result<()> {
    family.function(name, move |lua, given| {
        let first = bits(given, 0)?;
        let folded =
            (1..given.len()).try_fold(first, |sum, at| Ok::<_, Refusal>(fold(sum, bits(given, at)?)))?;
        results(lua, signed(folded))
    })
}

fn shifting(family: &Family<'_>, name: &'static str, shift: fn(u32, u32) -> u32) -> mlua::Result<()> {
    family
        .function(name, move |lua, given| results(lua, signed(shift(bits(given, 0)?, bits(given, 1)? & 31))))
}

fn bits(given: Given<'_>, at: usize) -> Result<u32, Refusal> {
    given.number(at).map(to_bits)
}

/// The low 32 bits of the nearest integer.
fn to_bits(number: f64) -> u32 {
    const RANGE: f64 = 4_294_967_296.0;
    number.round_ties_even().rem_euclid(RANGE) as u32
}

fn signed(bits: u32) -> i32 {
    bits as i32
}

/// The last `digits` hexadecimal digits, in upper case when negative.
fn hex(bits: u32, digits: i32) -> String {
    let count = digits.unsigned_abs().min(8) as usize;
    let text = if digits < 0 { format!("{bits:08X}") } else { format!("{bits:08x}") };
    text[8 - count..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_bits() {
        assert_eq!(to_bits(-1.0), u32::MAX);
        assert_eq!(to_bits(4_294_967_296.0), 0);
        assert_eq!(to_bits(2.5), 2);
        assert_eq!(to_bits(f64::NAN), 0);
    }

    #[test]
    fn hexadecimal_digits() {
        assert_eq!(hex(0xffff, i32::MIN), "0000FFFF");
        assert_eq!(hex(0x1234_abcd, 4), "abcd");
        assert_eq!(hex(1, 0), "");
    }
}
