//! Between replies and Lua values.

use mlua::{Lua, Table, Value};
use redan_resp::ReplyBuf;

/// How deep a table that a script returns may be nested.
const MAX_DEPTH: usize = 1000;

/// The reply in wire format at `bytes[*at..]` as a Lua value; `*at` is moved behind it. Replies are our own and sound.
///
/// RESP2: a status is a table with `ok`, an error one with `err`, nothing is false. RESP3 adds tables with `map`, `set`,
/// `double`, `big_number` and `verbatim_string`, booleans, and nil for nothing.
pub(crate) fn to_lua(lua: &Lua, bytes: &[u8], at: &mut usize) -> mlua::Result<Value> {
    let kind = bytes[*at];
    let line = take_line(bytes, at);
    match kind {
        b':' => Ok(Value::Number(int_of(line) as f64)),
        b'$' => match usize::try_from(int_of(line)) {
            Ok(len) => string(lua, take_bulk(bytes, at, len)),
            Err(_) => Ok(Value::Boolean(false)),
        },
        b'+' => single(lua, "ok", string(lua, line)?),
        b'-' => single(lua, "err", string(lua, line)?),
        b'*' | b'>' => match usize::try_from(int_of(line)) {
            Ok(len) => array(lua, bytes, at, len).map(Value::Table),
            Err(_) => Ok(Value::Boolean(false)),
        },
        b'_' => Ok(Value::Nil),
        b'#' => Ok(Value::Boolean(line == b"t")),
        b',' => single(lua, "double", Value::Number(redan_resp::parse_f64(line).unwrap_or(f64::NAN))),
        b'(' => single(lua, "big_number", string(lua, line)?),
        b'=' => verbatim(lua, take_bulk(bytes, at, int_of(line) as usize)),
        b'%' => {
            let map = lua.create_table()?;
            for _ in 0..int_of(line) {
                let key = to_lua(lua, bytes, at)?;
                let value = to_lua(lua, bytes, at)?;
                map.raw_set(key, value)?;
            }
            single(lua, "map", Value::Table(map))
        }
        b'~' => {
            let set = lua.create_table()?;
            for _ in 0..int_of(line) {
                let member = to_lua(lua, bytes, at)?;
                set.raw_set(member, true)?;
            }
            single(lua, "set", Value::Table(set))
        }
        b'|' => {
            for _ in 0..int_of(line) * 2 {
                to_lua(lua, bytes, at)?;
            }
            to_lua(lua, bytes, at)
        }
        other => unreachable!("no reply begins with {other}"),
    }
}

fn array(lua: &Lua, bytes: &[u8], at: &mut usize, len: usize) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(len, 0)?;
    for index in 1..=len {
        let value = to_lua(lua, bytes, at)?;
        table.raw_set(index, value)?;
    }
    Ok(table)
}

fn single(lua: &Lua, key: &str, value: Value) -> mlua::Result<Value> {
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set(key, value)?;
    Ok(Value::Table(table))
}

fn verbatim(lua: &Lua, payload: &[u8]) -> mlua::Result<Value> {
    let (format, text) = payload.split_at(3.min(payload.len()));
    let table = lua.create_table_with_capacity(0, 2)?;
    table.raw_set("format", string(lua, format)?)?;
    table.raw_set("string", string(lua, text.get(1..).unwrap_or_default())?)?;
    single(lua, "verbatim_string", Value::Table(table))
}

fn string(lua: &Lua, bytes: &[u8]) -> mlua::Result<Value> {
    lua.create_string(bytes).map(Value::String)
}

/// The line at `*at` without its first byte and its end.
fn take_line<'b>(bytes: &'b [u8], at: &mut usize) -> &'b [u8] {
    let start = *at + 1;
    let len = bytes[start..].iter().position(|&byte| byte == b'\r').expect("replies are sound");
    *at = start + len + 2;
    &bytes[start..start + len]
}

fn take_bulk<'b>(bytes: &'b [u8], at: &mut usize, len: usize) -> &'b [u8] {
    let bulk = &bytes[*at..*at + len];
    *at += len + 2;
    bulk
}

fn int_of(line: &[u8]) -> i64 {
    redan_resp::parse_i64(line).expect("replies are sound")
}

/// An error as a script raises or returns it.
pub(crate) struct ErrorValue {
    /// Code and text.
    pub(crate) text: Vec<u8>,
    /// It is in the error statistics already.
    pub(crate) counted: bool,
    /// Source and line it came from.
    pub(crate) place: Option<(String, i64)>,
}

impl ErrorValue {
    /// An error without a place.
    pub(crate) fn plain(text: &str) -> Self {
        Self { text: format!("ERR {text}").into_bytes(), counted: false, place: None }
    }

    /// What a script was ended by: usually a table that the handler of errors has made.
    pub(crate) fn of(value: &Value) -> Self {
        let Value::Table(table) = value else {
            return match value {
                Value::String(text) => {
                    Self { text: [b"ERR ", &*text.as_bytes()].concat(), counted: false, place: None }
                }
                Value::Error(error) => Self::plain(&error.to_string()),
                _ => Self::plain("unknown error"),
            };
        };
        let text = match table.raw_get::<Value>("err") {
            Ok(Value::String(text)) => text.as_bytes().to_vec(),
            _ => b"ERR unknown error".to_vec(),
        };
        let counted = matches!(table.raw_get::<Value>("ignore_error_stats_update"), Ok(Value::Boolean(true)));
        let place = match (table.raw_get::<Value>("source"), table.raw_get::<Value>("line")) {
            (Ok(Value::String(source)), Ok(line)) => {
                line.as_i64().map(|line| (source.to_string_lossy(), line))
            }
            _ => None,
        };
        Self { text, counted, place }
    }

    /// The error's code, as the statistics name it.
    pub(crate) fn code(&self) -> String {
        let word = self.text.split(|byte| *byte == b' ').next().unwrap_or_default();
        String::from_utf8_lossy(word).into_owned()
    }

    /// The text without the code that errors have by default.
    pub(crate) fn message(&self) -> String {
        let text = String::from_utf8_lossy(&self.text);
        text.strip_prefix("ERR ").unwrap_or(&text).to_owned()
    }
}

/// Writes what a script returned as a reply. `resp3`: the script has asked for RESP3. The error that was written, if
/// the reply as a whole is one.
pub(crate) fn from_lua(value: &Value, out: &mut ReplyBuf, resp3: bool) -> Option<ErrorValue> {
    write(value, out, resp3, 0)
}

fn write(value: &Value, out: &mut ReplyBuf, resp3: bool, depth: usize) -> Option<ErrorValue> {
    match value {
        Value::String(text) => out.bulk(&text.as_bytes()),
        Value::Integer(number) => out.int(*number),
        // Truncated, as a cast in C would do it.
        Value::Number(number) => out.int(*number as i64),
        Value::Boolean(on) if resp3 => out.bool(*on),
        Value::Boolean(true) => out.int(1),
        Value::Table(table) => return write_table(table, out, resp3, depth),
        _ => out.null(),
    }
    None
}

fn write_table(table: &Table, out: &mut ReplyBuf, resp3: bool, depth: usize) -> Option<ErrorValue> {
    if depth >= MAX_DEPTH {
        out.error("ERR reached lua stack limit");
        return None;
    }
    // The fields are looked at raw: a metatable must not run code now.
    let field = |name: &str| table.raw_get::<Value>(name).unwrap_or(Value::Nil);
    if let Value::String(text) = field("err") {
        out.error_bytes(&text.as_bytes());
        return Some(ErrorValue::of(&Value::Table(table.clone())));
    }
    if let Value::String(text) = field("ok") {
        out.simple_bytes(&text.as_bytes());
        return None;
    }
    if let Some(number) = field("double").as_f64() {
        out.double(number);
        return None;
    }
    if let Value::Table(map) = field("map") {
        write_pairs(&map, out, resp3, depth, true);
        return None;
    }
    if let Value::Table(set) = field("set") {
        write_pairs(&set, out, resp3, depth, false);
        return None;
    }
    if let Value::String(digits) = field("big_number") {
        let digits = digits.as_bytes();
        let line: Vec<u8> =
            digits.iter().map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { *b }).collect();
        out.big_number(&line);
        return None;
    }
    if let Value::Table(verbatim) = field("verbatim_string")
        && let (Ok(Value::String(text)), Ok(Value::String(format))) =
            (verbatim.raw_get::<Value>("string"), verbatim.raw_get::<Value>("format"))
        && format.as_bytes().len() == 3
    {
        out.verbatim(&*format.as_bytes(), &text.as_bytes());
        return None;
    }
    let header = out.begin_deferred();
    let mut len = 0;
    loop {
        match table.raw_get::<Value>(len + 1) {
            Ok(Value::Nil) | Err(_) => break,
            Ok(element) => write(&element, out, resp3, depth + 1),
        };
        len += 1;
    }
    out.end_deferred_array(header, len);
    None
}

/// Writes the pairs of a table as a map, or their keys as a set.
fn write_pairs(table: &Table, out: &mut ReplyBuf, resp3: bool, depth: usize, is_map: bool) {
    let header = out.begin_deferred();
    let mut len = 0;
    let each = table.for_each::<Value, Value>(|key, value| {
        write(&key, out, resp3, depth + 1);
        if is_map {
            write(&value, out, resp3, depth + 1);
        }
        len += 1;
        Ok(())
    });
    debug_assert!(each.is_ok(), "nothing in the walk fails");
    if is_map { out.end_deferred_map(header, len) } else { out.end_deferred_set(header, len) }
}
