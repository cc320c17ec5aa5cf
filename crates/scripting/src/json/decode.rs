//! From JSON to Lua.

use super::{DEEPEST, Options};
use crate::family::Refusal;
use mlua::{Lua, Value};

/// Reads a whole text.
pub(super) fn text(lua: &Lua, text: &[u8], options: &Options) -> Result<Value, Refusal> {
    // A text that begins with a zero within its first characters is UTF-16 or UTF-32.
    if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
        return Err("JSON parser does not support UTF-16 or UTF-32".into());
    }
    let mut reader = Reader { lua, text, at: 0, options };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.expected("the end"));
    }
    Ok(value)
}

struct Reader<'t> {
    lua: &'t Lua,
    text: &'t [u8],
    at: usize,
    options: &'t Options,
}

impl Reader<'_> {
    fn value(&mut self, depth: i64) -> Result<Value, Refusal> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                Ok(Value::String(self.lua.create_string(text)?))
            }
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'-' | b'+' | b'0'..=b'9' | b'i' | b'I' | b'N') => self.number(),
            Some(b'n') if self.try_word(b"null") => Ok(Value::NULL),
            Some(b'n') => self.number(),
            Some(b't') if self.try_word(b"true") => Ok(Value::Boolean(true)),
            Some(b'f') if self.try_word(b"false") => Ok(Value::Boolean(false)),
            _ => Err(self.expected("value")),
        }
    }

    fn check_depth(&self, depth: i64) -> Result<(), Refusal> {
        if depth > self.options.decode_max_depth.min(DEEPEST) {
            let at = self.at + 1;
            return Err(format!("Found too many nested data structures ({depth}) at character {at}").into());
        }
        Ok(())
    }

    fn array(&mut self, depth: i64) -> Result<Value, Refusal> {
        self.check_depth(depth)?;
        self.at += 1;
        let table = self.lua.create_table()?;
        self.skip_space();
        if self.try_byte(b']') {
            return Ok(Value::Table(table));
        }
        for index in 1.. {
            let element = self.value(depth)?;
            table.raw_set(index, element)?;
            self.skip_space();
            if self.try_byte(b']') {
                break;
            }
            if !self.try_byte(b',') {
                return Err(self.expected("comma or array end"));
            }
        }
        Ok(Value::Table(table))
    }

    fn object(&mut self, depth: i64) -> Result<Value, Refusal> {
        self.check_depth(depth)?;
        self.at += 1;
        let table = self.lua.create_table()?;
        self.skip_space();
        if self.try_byte(b'}') {
            return Ok(Value::Table(table));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.expected("object key string"));
            }
            let key = self.string()?;
            let key = self.lua.create_string(key)?;
            self.skip_space();
            if !self.try_byte(b':') {
                return Err(self.expected("colon"));
            }
            let element = self.value(depth)?;
            table.raw_set(key, element)?;
            self.skip_space();
            if self.try_byte(b'}') {
                return Ok(Value::Table(table));
            }
            if !self.try_byte(b',') {
                return Err(self.expected("comma or object end"));
            }
        }
    }

    fn number(&mut self) -> Result<Value, Refusal> {
        let rest = &self.text[self.at..];
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let len = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let word = &rest[..len];
        let strange = self.is_strange(word);
        if strange && !self.options.decode_invalid {
            return Err(self.expected("value"));
        }
        let number = if strange { strange_number(word) } else { plain_number(word) };
        let Some(number) = number else { return Err(self.expected("value")) };
        self.at += len;
        Ok(Value::Number(number))
    }

    /// Whether a number is of the kinds that JSON does not have: hexadecimal, with a leading zero, infinite, none.
    fn is_strange(&self, word: &[u8]) -> bool {
        let digits = word.strip_prefix(b"-").unwrap_or(word);
        match digits {
            [b'0', b'0'..=b'9' | b'x' | b'X', ..] => true,
            [first, ..] => !first.is_ascii_digit(),
            [] => true,
        }
    }

    /// The contents of the string that begins here.
    fn string(&mut self) -> Result<Vec<u8>, Refusal> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            let plain = plain.unwrap_or(rest.len());
            text.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => self.escape(&mut text)?,
                Some(_) => return Err(self.found("value", "invalid token")),
                None => return Err(self.found("value", "unexpected end of string")),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), Refusal> {
        let escaped = self.text.get(self.at + 1).copied();
        let byte = match escaped {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode(text),
            _ => return Err(self.found("value", "invalid escape code")),
        };
        text.push(byte);
        self.at += 2;
        Ok(())
    }

    fn unicode(&mut self, text: &mut Vec<u8>) -> Result<(), Refusal> {
        let first = self.code_unit(self.at);
        let (scalar, len) = match first {
            Some(high @ 0xd800..=0xdbff) => match self.code_unit(self.at + 6) {
                Some(low @ 0xdc00..=0xdfff) => (Some(0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00))), 12),
                _ => (None, 0),
            },
            other => (other, 6),
        };
        let Some(scalar) = scalar.and_then(char::from_u32) else {
            return Err(self.found("value", "invalid unicode escape code"));
        };
        text.extend_from_slice(scalar.encode_utf8(&mut [0; 4]).as_bytes());
        self.at += len;
        Ok(())
    }

    /// The number of the `\uXXXX` at `at`.
    fn code_unit(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn try_byte(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    fn try_word(&mut self, word: &[u8]) -> bool {
        let here = self.text[self.at..].starts_with(word);
        if here {
            self.at += word.len();
        }
        here
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expected(&self, what: &str) -> Refusal {
        let found = match self.peek() {
            None => "T_END",
            Some(b'{') => "T_OBJ_BEGIN",
            Some(b'}') => "T_OBJ_END",
            Some(b'[') => "T_ARR_BEGIN",
            Some(b']') => "T_ARR_END",
            Some(b'"') => "T_STRING",
            Some(b'-' | b'0'..=b'9') => "T_NUMBER",
            Some(b':') => "T_COLON",
            Some(b',') => "T_COMMA",
            Some(_) => "invalid token",
        };
        self.found(what, found)
    }

    fn found(&self, expected: &str, found: &str) -> Refusal {
        format!("Expected {expected} but found {found} at character {}", self.at + 1).into()
    }
}

fn plain_number(word: &[u8]) -> Option<f64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn strange_number(word: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(word).ok()?;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(|number| sign * number as f64);
    }
    match lower.as_str() {
        "inf" | "infinity" => Some(sign * f64::INFINITY),
        "nan" => Some(f64::NAN),
        other if other.starts_with(|first: char| first.is_ascii_digit()) => {
            other.parse().ok().map(|number: f64| sign * number)
        }
        _ => None,
    }
}
