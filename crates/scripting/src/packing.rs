//! The library `struct`: values to and from the memory layout of C.
//!
//! A format is read from left to right. `<` and `>` choose the order of bytes (little endian at first), `!n` the
//! alignment, and each other letter is an item: `b` `B` a byte, `h` `H` two, `l` `L` `T` eight, `i` `I` four or as many
//! as the digits behind it say, `f` and `d` floating point, `cn` so many characters, `s` text up to a zero, `x` a byte
//! of padding.

use crate::family::{Answer, Family, Given, Refusal, results};
use mlua::{Lua, MultiValue, Table, Value};

const MAX_INT_SIZE: usize = 32;
const MAX_ALIGN: usize = 8;
/// Longer strings are not made.
const MAX_LEN: usize = 1 << 31;

/// The library.
pub(crate) fn library(lua: &Lua) -> mlua::Result<Table> {
    let family = Family::new(lua)?;
    family.function("pack", pack)?;
    family.function("unpack", unpack)?;
    family.function("size", size)?;
    family.finish()
}

/// An item of a format, and how many bytes it takes; `s` and `c0` are as long as their text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Item {
    letter: u8,
    size: usize,
    little: bool,
    align: usize,
}

impl Item {
    /// How many bytes of padding go in front of it at this place.
    fn padding(self, at: usize) -> usize {
        let align = self.align.min(self.size);
        if align <= 1 || self.letter == b'c' || self.letter == b'x' {
            0
        } else {
            at.wrapping_neg() & (align - 1)
        }
    }
}

struct Format<'f> {
    text: &'f [u8],
    little: bool,
    align: usize,
}

impl<'f> Format<'f> {
    fn new(text: &'f [u8]) -> Self {
        Self { text, little: true, align: 1 }
    }

    /// The next item, having heeded what stands in front of it.
    fn next(&mut self) -> Result<Option<Item>, Refusal> {
        loop {
            let Some((&letter, rest)) = self.text.split_first() else { return Ok(None) };
            self.text = rest;
            let size = match letter {
                b' ' => continue,
                b'<' => {
                    self.little = true;
                    continue;
                }
                b'>' => {
                    self.little = false;
                    continue;
                }
                b'!' => {
                    let align = self.digits(MAX_ALIGN)?;
                    if !align.is_power_of_two() {
                        return Err("alignment is not a power of 2".into());
                    }
                    self.align = align;
                    continue;
                }
                b'b' | b'B' | b'x' => 1,
                b'h' | b'H' => 2,
                b'l' | b'L' | b'T' | b'd' => 8,
                b'f' => 4,
                b'c' => self.digits(1)?,
                b's' => 0,
                b'i' | b'I' => self.int_size()?,
                other => {
                    return Err(format!("invalid format option '{}'", char::from(other)).into());
                }
            };
            return Ok(Some(Item { letter, size, little: self.little, align: self.align }));
        }
    }

    fn int_size(&mut self) -> Result<usize, Refusal> {
        match self.digits(4)? {
            0 => Err("integral size must not be 0".into()),
            size if size > MAX_INT_SIZE => {
                Err(format!("integral size {size} is larger than limit of {MAX_INT_SIZE}").into())
            }
            size => Ok(size),
        }
    }

    /// The number in front of the rest, or else `default`.
    fn digits(&mut self, default: usize) -> Result<usize, Refusal> {
        let len = self.text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.text.len());
        let (digits, rest) = self.text.split_at(len);
        self.text = rest;
        if digits.is_empty() {
            return Ok(default);
        }
        let number = redan_resp::parse_u64(strip_zeros(digits)).filter(|number| *number < MAX_LEN as u64);
        number.map(|number| number as usize).ok_or(Refusal::Text("integral size overflow".to_owned()))
    }
}

fn strip_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros.min(digits.len() - 1)..]
}

fn pack(lua: &Lua, given: Given<'_>) -> Answer {
    let text = given.text(0)?;
    let text = text.as_bytes();
    let (mut format, mut out, mut at) = (Format::new(&text), Vec::new(), 1);
    while let Some(item) = format.next()? {
        out.resize(out.len() + item.padding(out.len()), 0);
        match item.letter {
            b'x' => {
                out.push(0);
                continue;
            }
            b'f' => put(&mut out, &(given.number(at)? as f32).to_le_bytes(), item.little),
            b'd' => put(&mut out, &given.number(at)?.to_le_bytes(), item.little),
            b'c' | b's' => pack_text(given, at, item, &mut out)?,
            _ => {
                let number = given.number(at)?;
                // As in C, what does not fit a signed integer is tried as an unsigned one.
                let bits = if number < 0.0 { number as i64 as u64 } else { number as u64 };
                let fill = if number < 0.0 { 0xff } else { 0 };
                let mut bytes = [fill; MAX_INT_SIZE];
                bytes[..8].copy_from_slice(&bits.to_le_bytes());
                put(&mut out, &bytes[..item.size], item.little);
            }
        }
        at += 1;
    }
    results(lua, lua.create_string(out)?)
}

fn put(out: &mut Vec<u8>, little_endian: &[u8], little: bool) {
    if little {
        out.extend_from_slice(little_endian);
    } else {
        out.extend(little_endian.iter().rev());
    }
}

fn pack_text(given: Given<'_>, at: usize, item: Item, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let text = given.text(at)?;
    let text = text.as_bytes();
    let len = if item.letter == b's' || item.size == 0 { text.len() } else { item.size };
    if text.len() < len {
        return Err(given.bad(at, "string too short"));
    }
    out.extend_from_slice(&text[..len]);
    if item.letter == b's' {
        out.push(0);
    }
    Ok(())
}

fn unpack(lua: &Lua, given: Given<'_>) -> Answer {
    let (text, data) = (given.text(0)?, given.text(1)?);
    let (text, data) = (text.as_bytes(), data.as_bytes());
    let init = if given.is_absent(2) { 1 } else { given.int(2)? };
    if init < 1 {
        return Err(given.bad(2, "offset must be 1 or greater"));
    }
    let (mut format, mut at) = (Format::new(&text), init as usize - 1);
    let mut values = MultiValue::new();
    while let Some(item) = format.next()? {
        at = at.saturating_add(item.padding(at));
        let too_short = || Refusal::Text("data string too short".to_owned());
        let rest = data.get(at..).filter(|rest| rest.len() >= item.size).ok_or_else(too_short)?;
        let (value, len) = match item.letter {
            b'x' => (None, 1),
            b's' => {
                let len = rest.iter().position(|byte| *byte == 0);
                let len = len.ok_or("unfinished string in data")?;
                (Some(Value::String(lua.create_string(&rest[..len])?)), len + 1)
            }
            b'c' => {
                let len = if item.size == 0 { announced(&mut values)? } else { item.size };
                let text = rest.get(..len).ok_or_else(too_short)?;
                (Some(Value::String(lua.create_string(text)?)), len)
            }
            _ => (Some(Value::Number(number_of(&rest[..item.size], item))), item.size),
        };
        values.extend(value);
        at += len;
    }
    values.push_back(Value::Integer(at as i64 + 1));
    Ok(values)
}

/// `c0` is as long as the number before it says, which is no result of its own.
fn announced(values: &mut MultiValue) -> Result<usize, Refusal> {
    let len = values.pop_back().and_then(|value| value.as_f64()).filter(|len| *len >= 0.0);
    len.map(|len| len as usize).ok_or_else(|| "format 'c0' needs a previous size".into())
}

fn number_of(bytes: &[u8], item: Item) -> f64 {
    let mut little_endian: Vec<u8> = bytes.to_vec();
    if !item.little {
        little_endian.reverse();
    }
    match item.letter {
        b'f' => f32::from_le_bytes(little_endian.try_into().expect("four bytes")).into(),
        b'd' => f64::from_le_bytes(little_endian.try_into().expect("eight bytes")),
        letter => {
            let negative =
                letter.is_ascii_lowercase() && little_endian.last().is_some_and(|high| high & 0x80 != 0);
            little_endian.resize(MAX_INT_SIZE, if negative { 0xff } else { 0 });
            let low: [u8; 8] = little_endian[..8].try_into().expect("eight bytes");
            if letter.is_ascii_lowercase() {
                i64::from_le_bytes(low) as f64
            } else {
                u64::from_le_bytes(low) as f64
            }
        }
    }
}

fn size(lua: &Lua, given: Given<'_>) -> Answer {
    let text = given.text(0)?;
    let text = text.as_bytes();
    let (mut format, mut total) = (Format::new(&text), 0_usize);
    while let Some(item) = format.next()? {
        if item.letter == b's' {
            return Err(given.bad(0, "variable-size format 's'"));
        }
        if item.letter == b'c' && item.size == 0 {
            return Err(given.bad(0, "variable-size format 'c0'"));
        }
        total += item.padding(total) + item.size;
        if total > MAX_LEN {
            return Err(given.bad(0, "format too large"));
        }
    }
    results(lua, total as i64)
}
