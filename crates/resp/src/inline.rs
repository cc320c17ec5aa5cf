//! Inline requests: one line of words, as a person types it.

use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while, take_while_m_n, take_while1};
use nom::combinator::{eof, map, map_opt, peek, value, verify};
use nom::multi::{fold_many0, many0};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use crate::args::OwnedArgs;

/// A quote is not closed, or something else than a space follows a closing quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unbalanced quotes")]
pub struct UnbalancedQuotes;

/// Splits a line into its words, as in an inline request or a line of the configuration file.
///
/// Words are separated by white space. In `"double quotes"` the escapes `\n \r \t \b \a \xHH` and a backslash before
/// any other byte work; in `'single quotes'` only `\'` does. A quoted part may begin within a word but always ends it.
pub fn split_inline(line: &[u8]) -> Result<OwnedArgs, UnbalancedQuotes> {
    let mut words = terminated(many0(preceded(take_while(is_space), word)), (take_while(is_space), eof));
    let (_, words) = words.parse(line).map_err(|_| UnbalancedQuotes)?;
    Ok(words.into_iter().collect())
}

/// White space between words, in the C locale.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// A byte of an unquoted part. Vertical tab and form feed separate words only at their start.
fn is_plain(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'')
}

/// One word: plain bytes, then maybe a quoted part.
fn word(input: &[u8]) -> IResult<&[u8], Vec<u8>> {
    let (input, mut text) = map(take_while(is_plain), <[u8]>::to_vec).parse(input)?;
    match input.first() {
        Some(b'"' | b'\'') => {
            let (input, quoted) = terminated(alt((double_quoted, single_quoted)), word_end).parse(input)?;
            text.extend_from_slice(&quoted);
            Ok((input, text))
        }
        _ if text.is_empty() => {
            Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Eof)))
        }
        _ => Ok((input, text)),
    }
}

/// What must follow a closing quote.
fn word_end(input: &[u8]) -> IResult<&[u8], ()> {
    alt((value((), eof), value((), peek(verify(take(1usize), |next: &[u8]| is_space(next[0])))))).parse(input)
}

fn double_quoted(input: &[u8]) -> IResult<&[u8], Vec<u8>> {
    let run = map(take_while1(|byte| byte != b'"' && byte != b'\\'), Piece::Run);
    let escape = map(alt((hex_escape, char_escape)), Piece::Byte);
    delimited(tag(&b"\""[..]), fold_many0(alt((run, escape)), Vec::new, Piece::append), tag(&b"\""[..]))
        .parse(input)
}

fn single_quoted(input: &[u8]) -> IResult<&[u8], Vec<u8>> {
    let run = map(take_while1(|byte| byte != b'\'' && byte != b'\\'), Piece::Run);
    let escape = value(Piece::Byte(b'\''), tag(&b"\\'"[..]));
    let backslash = value(Piece::Byte(b'\\'), tag(&b"\\"[..]));
    let body = fold_many0(alt((run, escape, backslash)), Vec::new, Piece::append);
    delimited(tag(&b"'"[..]), body, tag(&b"'"[..])).parse(input)
}

/// `\x41`: the byte with this hexadecimal value.
fn hex_escape(input: &[u8]) -> IResult<&[u8], u8> {
    let digits = take_while_m_n(2, 2, |byte: u8| byte.is_ascii_hexdigit());
    let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    preceded(tag(&b"\\x"[..]), map_opt(digits, byte)).parse(input)
}

/// A backslash and one byte.
fn char_escape(input: &[u8]) -> IResult<&[u8], u8> {
    let meaning = |escaped: &[u8]| match escaped[0] {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    };
    preceded(tag(&b"\\"[..]), map(take(1usize), meaning)).parse(input)
}

/// A part of a quoted string.
#[derive(Clone)]
enum Piece<'a> {
    Run(&'a [u8]),
    Byte(u8),
}

impl Piece<'_> {
    fn append(mut text: Vec<u8>, piece: Piece<'_>) -> Vec<u8> {
        match piece {
            Piece::Run(run) => text.extend_from_slice(run),
            Piece::Byte(byte) => text.push(byte),
        }
        text
    }
}

#[cfg(test)]
mod tests;
