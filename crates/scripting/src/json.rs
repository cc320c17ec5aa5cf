//! The library `cjson`.

mod decode;
mod encode;

use crate::family::{Answer, Family, Given, results};
use mlua::{Lua, Table, Value};
use parking_lot::Mutex;
use std::sync::Arc;

/// Deeper than this nothing is nested, whatever scripts set: the native stack ends somewhere.
const DEEPEST: i64 = 1000;

/// What becomes of numbers that JSON does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InvalidNumbers {
    Refused,
    Written,
    /// As null.
    Null,
}

/// The library's options. Scripts may change them; they hold until they are changed again.
#[derive(Clone)]
struct Options {
    /// Sparse arrays become objects instead of errors.
    sparse_convert: bool,
    /// An array is sparse when it has so many times more places than elements ...
    sparse_ratio: i64,
    /// ... and more places than this.
    sparse_safe: i64,
    encode_max_depth: i64,
    decode_max_depth: i64,
    precision: i64,
    keep_buffer: bool,
    encode_invalid: InvalidNumbers,
    decode_invalid: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_max_depth: DEEPEST,
            decode_max_depth: DEEPEST,
            precision: 14,
            keep_buffer: true,
            encode_invalid: InvalidNumbers::Refused,
            decode_invalid: true,
        }
    }
}

type Shared = Arc<Mutex<Options>>;

/// The library.
pub(crate) fn library(lua: &Lua) -> mlua::Result<Table> {
    let family = Family::new(lua)?;
    let options = Shared::default();
    let add = |name, function: fn(&Lua, Given<'_>, &mut Options) -> Answer| {
        let options = Arc::clone(&options);
        family.function(name, move |lua, given| function(lua, given, &mut options.lock()))
    };
    add("encode", |lua, given, options| {
        if given.len() != 1 {
            return Err(given.bad(0, "expected 1 argument"));
        }
        let mut text = Vec::new();
        encode::value(&given.value(0), options, &mut text, 0)?;
        results(lua, lua.create_string(text)?)
    })?;
    add("decode", |lua, given, options| {
        if given.len() != 1 {
            return Err(given.bad(0, "expected 1 argument"));
        }
        let text = given.text(0)?;
        let value = decode::text(lua, &text.as_bytes(), options)?;
        results(lua, value)
    })?;
    add("encode_sparse_array", sparse_array)?;
    add("encode_max_depth", |lua, given, options| {
        integer(lua, given, &mut options.encode_max_depth, 1..=i64::from(i32::MAX))
    })?;
    add("decode_max_depth", |lua, given, options| {
        integer(lua, given, &mut options.decode_max_depth, 1..=i64::from(i32::MAX))
    })?;
    add("encode_number_precision", |lua, given, options| {
        integer(lua, given, &mut options.precision, 1..=17)
    })?;
    add("encode_keep_buffer", |lua, given, options| boolean(lua, given, &mut options.keep_buffer))?;
    add("encode_invalid_numbers", encode_invalid_numbers)?;
    add("decode_invalid_numbers", |lua, given, options| boolean(lua, given, &mut options.decode_invalid))?;
    family.constant("null", Value::NULL)?;
    family.constant("_NAME", "cjson")?;
    family.constant("_VERSION", "2.1.0")?;
    family.finish()
}

/// Sets an option if there is an argument, and returns it.
fn integer(lua: &Lua, given: Given<'_>, option: &mut i64, range: std::ops::RangeInclusive<i64>) -> Answer {
    if !given.is_absent(0) {
        let wanted = given.int(0)?;
        if !range.contains(&wanted) {
            let (low, high) = (range.start(), range.end());
            return Err(given.bad(0, &format!("expected integer between {low} and {high}")));
        }
        *option = wanted;
    }
    results(lua, *option)
}

fn boolean(lua: &Lua, given: Given<'_>, option: &mut bool) -> Answer {
    if !given.is_absent(0) {
        *option = on_or_off(given)?;
    }
    results(lua, *option)
}

fn on_or_off(given: Given<'_>) -> Result<bool, crate::family::Refusal> {
    match given.value(0) {
        Value::Boolean(on) => Ok(on),
        Value::String(text) if &*text.as_bytes() == b"on" => Ok(true),
        Value::String(text) if &*text.as_bytes() == b"off" => Ok(false),
        _ => Err(given.bad(0, "invalid option")),
    }
}

fn sparse_array(lua: &Lua, given: Given<'_>, options: &mut Options) -> Answer {
    if !given.is_absent(0) {
        options.sparse_convert = on_or_off(given)?;
    }
    for (at, option) in [(1, &mut options.sparse_ratio), (2, &mut options.sparse_safe)] {
        if !given.is_absent(at) {
            let wanted = given.int(at)?;
            if wanted < 0 {
                return Err(given.bad(at, "expected integer between 0 and 2147483647"));
            }
            *option = wanted;
        }
    }
    results(lua, (options.sparse_convert, options.sparse_ratio, options.sparse_safe))
}

fn encode_invalid_numbers(lua: &Lua, given: Given<'_>, options: &mut Options) -> Answer {
    if !given.is_absent(0) {
        let null = given.value(0).as_string().is_some_and(|text| &*text.as_bytes() == b"null");
        options.encode_invalid = match null {
            true => InvalidNumbers::Null,
            false if on_or_off(given)? => InvalidNumbers::Written,
            false => InvalidNumbers::Refused,
        };
    }
    match options.encode_invalid {
        InvalidNumbers::Refused => results(lua, false),
        InvalidNumbers::Written => results(lua, true),
        InvalidNumbers::Null => results(lua, "null"),
    }
}
