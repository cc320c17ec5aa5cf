//! The library `cmsgpack`: MessagePack (<https://github.com/msgpack/msgpack/blob/master/spec.md>), without its extension
//! types. A string is what Lua calls one, whatever its bytes.

use crate::family::{Answer, Family, Given, Refusal, results};
use mlua::{Lua, MultiValue, Table, Value};

/// What is nested deeper is packed as nil.
const PACK_DEPTH: usize = 16;
/// What is nested deeper is not unpacked: the native stack ends somewhere.
const UNPACK_DEPTH: usize = 1000;

/// The library.
pub(crate) fn library(lua: &Lua) -> mlua::Result<Table> {
    let family = Family::new(lua)?;
    family.function("pack", |lua, given| {
        if given.len() == 0 {
            return Err(given.bad(0, "MessagePack pack needs input."));
        }
        let mut out = Vec::new();
        for value in given.iter() {
            pack(value, &mut out, 0)?;
        }
        results(lua, lua.create_string(out)?)
    })?;
    family.function("unpack", unpack_all)?;
    family.function("unpack_one", |lua, given| {
        let offset = if given.is_absent(1) { 0 } else { given.int(1)? };
        unpack_some(lua, given, 1, offset)
    })?;
    family.function("unpack_limit", |lua, given| {
        let limit = given.int(1)?;
        let offset = if given.is_absent(2) { 0 } else { given.int(2)? };
        unpack_some(lua, given, limit, offset)
    })?;
    family.constant("_NAME", "cmsgpack")?;
    family.constant("_VERSION", "lua-cmsgpack 0.4.0")?;
    family.finish()
}

// --- packing ---------------------------------------------------------------------------------------------------------

fn pack(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), Refusal> {
    match value {
        Value::Boolean(on) => out.push(if *on { 0xc3 } else { 0xc2 }),
        Value::Integer(integer) => pack_int(*integer, out),
        Value::Number(number) => pack_number(*number, out),
        Value::String(text) => pack_string(&text.as_bytes(), out),
        Value::Table(table) if depth < PACK_DEPTH => pack_table(table, out, depth + 1)?,
        _ => out.push(0xc0),
    }
    Ok(())
}

fn pack_number(number: f64, out: &mut Vec<u8>) {
    let single = number as f32;
    if number == (number as i64) as f64 {
        pack_int(number as i64, out);
    } else if f64::from(single) == number {
        out.push(0xca);
        out.extend_from_slice(&single.to_be_bytes());
    } else {
        out.push(0xcb);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

fn pack_int(integer: i64, out: &mut Vec<u8>) {
    match integer {
        0..=0x7f => out.push(integer as u8),
        0x80..=0xff => out.extend_from_slice(&[0xcc, integer as u8]),
        0x100..=0xffff => tagged(out, 0xcd, &(integer as u16).to_be_bytes()),
        0x1_0000..=0xffff_ffff => tagged(out, 0xce, &(integer as u32).to_be_bytes()),
        0x1_0000_0000.. => tagged(out, 0xcf, &integer.to_be_bytes()),
        -32..=-1 => out.push(integer as i8 as u8),
        -128..=-33 => tagged(out, 0xd0, &(integer as i8).to_be_bytes()),
        -32768..=-129 => tagged(out, 0xd1, &(integer as i16).to_be_bytes()),
        -2_147_483_648..=-32769 => tagged(out, 0xd2, &(integer as i32).to_be_bytes()),
        _ => tagged(out, 0xd3, &integer.to_be_bytes()),
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn pack_string(text: &[u8], out: &mut Vec<u8>) {
    match text.len() {
        len @ 0..=31 => out.push(0xa0 | len as u8),
        len @ 32..=0xff => out.extend_from_slice(&[0xd9, len as u8]),
        len @ 0x100..=0xffff => tagged(out, 0xda, &(len as u16).to_be_bytes()),
        len => tagged(out, 0xdb, &(len as u32).to_be_bytes()),
    }
    out.extend_from_slice(text);
}

fn pack_table(table: &Table, out: &mut Vec<u8>, depth: usize) -> Result<(), Refusal> {
    let (mut count, mut longest, mut is_array) = (0_usize, 0_i64, true);
    for pair in table.pairs::<Value, Value>() {
        match pair?.0 {
            Value::Integer(index @ 1..) => longest = longest.max(index),
            _ => is_array = false,
        }
        count += 1;
    }
    if is_array && longest == count as i64 {
        header(count, out, 0x90, 0xdc);
        for index in 1..=count {
            pack(&table.raw_get(index)?, out, depth)?;
        }
    } else {
        header(count, out, 0x80, 0xde);
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            pack(&key, out, depth)?;
            pack(&value, out, depth)?;
        }
    }
    Ok(())
}

/// The header of an array or a map: `short` holds up to 15, `long` is followed by two bytes, the next by four.
fn header(len: usize, out: &mut Vec<u8>, short: u8, long: u8) {
    match len {
        0..=15 => out.push(short | len as u8),
        16..=0xffff => tagged(out, long, &(len as u16).to_be_bytes()),
        _ => tagged(out, long + 1, &(len as u32).to_be_bytes()),
    }
}

// --- unpacking -------------------------------------------------------------------------------------------------------

fn unpack_all(lua: &Lua, given: Given<'_>) -> Answer {
    let text = given.text(0)?;
    let text = text.as_bytes();
    let mut reader = Reader { lua, bytes: &text, at: 0 };
    let mut values = MultiValue::new();
    while reader.at < text.len() {
        values.push_back(reader.value(0)?);
    }
    Ok(values)
}

/// Up to `limit` values from `offset` on, behind the offset of what follows: -1 at the end.
fn unpack_some(lua: &Lua, given: Given<'_>, limit: i64, offset: i64) -> Answer {
    let text = given.text(0)?;
    let text = text.as_bytes();
    if offset < 0 || limit < 0 {
        return Err(format!("Invalid request to unpack with offset of {offset} and limit of {limit}.").into());
    }
    if offset as usize > text.len() {
        return Err(format!("Start offset {offset} greater than input length {}.", text.len()).into());
    }
    let limit = if limit == 0 { usize::MAX } else { limit as usize };
    let mut reader = Reader { lua, bytes: &text, at: offset as usize };
    let mut values = MultiValue::new();
    while reader.at < text.len() && values.len() < limit {
        values.push_back(reader.value(0)?);
    }
    let next = if reader.at == text.len() { -1 } else { reader.at as i64 };
    values.push_front(Value::Integer(next));
    Ok(values)
}

struct Reader<'b> {
    lua: &'b Lua,
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn value(&mut self, depth: usize) -> Result<Value, Refusal> {
        let tag = self.take(1)?[0];
        Ok(match tag {
            0..=0x7f => Value::Integer(tag.into()),
            0xe0.. => Value::Integer((tag as i8).into()),
            0x80..=0x8f => self.map(usize::from(tag & 0x0f), depth)?,
            0x90..=0x9f => self.array(usize::from(tag & 0x0f), depth)?,
            0xa0..=0xbf => self.string(usize::from(tag & 0x1f))?,
            0xc0 => Value::Nil,
            0xc2 => Value::Boolean(false),
            0xc3 => Value::Boolean(true),
            0xca => Value::Number(f32::from_be_bytes(self.array_of()?).into()),
            0xcb => Value::Number(f64::from_be_bytes(self.array_of()?)),
            0xcc..=0xcf => Value::Number(self.unsigned(1 << (tag - 0xcc))? as f64),
            0xd0 => Value::Number(i8::from_be_bytes(self.array_of()?).into()),
            0xd1 => Value::Number(i16::from_be_bytes(self.array_of()?).into()),
            0xd2 => Value::Number(i32::from_be_bytes(self.array_of()?).into()),
            0xd3 => Value::Number(i64::from_be_bytes(self.array_of()?) as f64),
            0xc4..=0xc6 => {
                let len = self.unsigned(1 << (tag - 0xc4))? as usize;
                self.string(len)?
            }
            0xd9..=0xdb => {
                let len = self.unsigned(1 << (tag - 0xd9))? as usize;
                self.string(len)?
            }
            0xdc | 0xdd => {
                let len = self.unsigned(2 << (tag - 0xdc))? as usize;
                self.array(len, depth)?
            }
            0xde | 0xdf => {
                let len = self.unsigned(2 << (tag - 0xde))? as usize;
                self.map(len, depth)?
            }
            _ => return Err("Bad data format in input.".into()),
        })
    }

    fn array(&mut self, len: usize, depth: usize) -> Result<Value, Refusal> {
        let table = self.table(depth)?;
        for index in 1..=len {
            let value = self.value(depth + 1)?;
            table.raw_set(index, value)?;
        }
        Ok(Value::Table(table))
    }

    fn map(&mut self, len: usize, depth: usize) -> Result<Value, Refusal> {
        let table = self.table(depth)?;
        for _ in 0..len {
            let key = self.value(depth + 1)?;
            let value = self.value(depth + 1)?;
            if key.is_nil() || key.as_f64().is_some_and(f64::is_nan) {
                return Err("Bad data format in input.".into());
            }
            table.raw_set(key, value)?;
        }
        Ok(Value::Table(table))
    }

    fn table(&self, depth: usize) -> Result<Table, Refusal> {
        if depth >= UNPACK_DEPTH {
            return Err("Bad data format in input.".into());
        }
        Ok(self.lua.create_table()?)
    }

    fn string(&mut self, len: usize) -> Result<Value, Refusal> {
        let text = self.take(len)?;
        let text = self.lua.create_string(text)?;
        Ok(Value::String(text))
    }

    fn unsigned(&mut self, len: usize) -> Result<u64, Refusal> {
        Ok(self.take(len)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn array_of<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        Ok(self.take(N)?.try_into().expect("as many as were asked for"))
    }

    fn take(&mut self, len: usize) -> Result<&'b [u8], Refusal> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return Err("Missing bytes in input.".into()) };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }
}
