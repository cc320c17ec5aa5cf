//! From Lua to JSON.

use super::{DEEPEST, InvalidNumbers, Options};
use crate::family::Refusal;
use crate::numbers::format_g;
use mlua::{Table, Value};

/// Appends a value.
pub(super) fn value(value: &Value, options: &Options, out: &mut Vec<u8>, depth: i64) -> Result<(), Refusal> {
    match value {
        Value::Nil => out.extend_from_slice(b"null"),
        Value::Boolean(on) => out.extend_from_slice(if *on { b"true" } else { b"false" }),
        Value::Integer(integer) => number(*integer as f64, options, out)?,
        Value::Number(float) => number(*float, options, out)?,
        Value::String(text) => string(&text.as_bytes(), out),
        Value::LightUserData(pointer) if pointer.0.is_null() => out.extend_from_slice(b"null"),
        Value::Table(table) => self::table(table, options, out, depth + 1)?,
        other => return Err(format!("Cannot serialise {}: type not supported", other.type_name()).into()),
    }
    Ok(())
}

fn table(table: &Table, options: &Options, out: &mut Vec<u8>, depth: i64) -> Result<(), Refusal> {
    if depth > options.encode_max_depth.min(DEEPEST) {
        return Err(format!("Cannot serialise, excessive depth ({depth})").into());
    }
    match array_len(table, options)? {
        Some(len @ 1..) => {
            out.push(b'[');
            for index in 1..=len {
                if index > 1 {
                    out.push(b',');
                }
                value(&table.raw_get(index)?, options, out, depth)?;
            }
            out.push(b']');
            Ok(())
        }
        _ => object(table, options, out, depth),
    }
}

fn object(table: &Table, options: &Options, out: &mut Vec<u8>, depth: i64) -> Result<(), Refusal> {
    out.push(b'{');
    let empty = out.len();
    for pair in table.pairs::<Value, Value>() {
        let (key, element) = pair?;
        if out.len() > empty {
            out.push(b',');
        }
        match &key {
            Value::String(text) => string(&text.as_bytes(), out),
            Value::Integer(_) | Value::Number(_) => {
                out.push(b'"');
                value(&key, options, out, depth)?;
                out.push(b'"');
            }
            _ => return Err("Cannot serialise table: table key must be a number or string".into()),
        }
        out.push(b':');
        value(&element, options, out, depth)?;
    }
    out.push(b'}');
    Ok(())
}

/// How many places an array has; `None` for what is no array.
fn array_len(table: &Table, options: &Options) -> Result<Option<i64>, Refusal> {
    let (mut longest, mut elements, mut is_array) = (0, 0, true);
    for pair in table.pairs::<Value, Value>() {
        match pair?.0 {
            Value::Integer(index @ 1..) => {
                longest = longest.max(index);
                elements += 1;
            }
            _ => {
                is_array = false;
                break;
            }
        }
    }
    if !is_array {
        return Ok(None);
    }
    let ratio = options.sparse_ratio;
    if ratio > 0 && longest > elements * ratio && longest > options.sparse_safe {
        return match options.sparse_convert {
            true => Ok(None),
            false => Err("Cannot serialise table: excessively sparse array".into()),
        };
    }
    Ok(Some(longest))
}

fn number(number: f64, options: &Options, out: &mut Vec<u8>) -> Result<(), Refusal> {
    if !number.is_finite() {
        match options.encode_invalid {
            InvalidNumbers::Refused => {
                return Err("Cannot serialise number: must not be NaN or Inf".into());
            }
            InvalidNumbers::Null => out.extend_from_slice(b"null"),
            InvalidNumbers::Written if number.is_nan() => out.extend_from_slice(b"nan"),
            InvalidNumbers::Written if number > 0.0 => out.extend_from_slice(b"inf"),
            InvalidNumbers::Written => out.extend_from_slice(b"-inf"),
        }
        return Ok(());
    }
    out.extend_from_slice(format_g(number, options.precision as usize).as_bytes());
    Ok(())
}

fn string(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' | b'/' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..=0x1f | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
