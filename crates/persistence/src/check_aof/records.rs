//! Walks over the commands and annotations of an AOF.

use std::io::{self, BufRead, Read};

/// Longest line that introduces a command or an argument.
const MAX_HEADER_LEN: u64 = 127;
/// Longest annotation.
const MAX_ANNOTATION_LEN: u64 = 1023;
/// Longest argument that is looked at to tell MULTI and EXEC.
const MAX_COMMAND_LEN: usize = 16;

/// How a walk ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// At the end of the file.
    End,
    /// Within or before a damaged command; [`Records::error`] may say more.
    Damaged,
    /// At something that is neither a command nor an annotation.
    BadFormat,
    /// At an annotation later than the wanted time.
    LaterThan {
        /// Where that annotation starts.
        offset: u64,
    },
    /// Nothing can be said, for this reason.
    Failed(String),
}

/// The records of one file.
pub(super) struct Records<R> {
    source: R,
    /// Bytes read.
    offset: u64,
    /// Lines read, from 1.
    line: u64,
    /// End of the last complete command that is outside of a transaction, or ends one.
    ok_up_to: u64,
    in_multi: bool,
    to_timestamp: Option<i64>,
    /// How the file is called in messages.
    path: String,
    error: Option<String>,
    at_end: bool,
}

/// A damaged command; what is known about it is in [`Records::error`].
struct Damaged;

impl<R: BufRead> Records<R> {
    /// Walks over `source`, whose first byte is at `offset` in its file.
    pub(super) fn new(source: R, offset: u64, to_timestamp: Option<i64>, path: String) -> Self {
        Records {
            source,
            offset,
            line: 1,
            ok_up_to: offset,
            in_multi: false,
            to_timestamp,
            path,
            error: None,
            at_end: false,
        }
    }

    /// Where the valid part ends.
    pub(super) fn ok_up_to(&self) -> u64 {
        self.ok_up_to
    }

    /// How many lines were read.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// What is wrong at the end of the valid part.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Walks to the end or to the first problem.
    pub(super) fn scan(&mut self) -> Scan {
        let end = self.walk();
        if self.at_end && self.in_multi && self.error.is_none() {
            self.set_error(self.offset, "Reached EOF before reading EXEC for MULTI");
        }
        end
    }

    fn walk(&mut self) -> Scan {
        loop {
            if !self.in_multi {
                self.ok_up_to = self.offset;
            }
            let first = match self.source.fill_buf() {
                Ok(bytes) => bytes.first().copied(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Scan::Failed(format!("Failed to read from AOF {}, aborting...", self.path)),
            };
            match first {
                None => {
                    self.at_end = true;
                    return Scan::End;
                }
                Some(b'#') => {
                    if let Some(end) = self.annotation() {
                        return end;
                    }
                }
                Some(b'*') => {
                    if self.command().is_err() {
                        return Scan::Damaged;
                    }
                }
                Some(_) => return Scan::BadFormat,
            }
        }
    }

    /// Reads an annotation; gives the end of the walk if it is one.
    fn annotation(&mut self) -> Option<Scan> {
        let start = self.offset;
        let line = self.line_up_to(MAX_ANNOTATION_LEN);
        let to_timestamp = self.to_timestamp?;
        let seconds = line.strip_prefix(b"#TS:")?;
        let seconds = seconds.strip_suffix(b"\r\n").and_then(|text| std::str::from_utf8(text).ok());
        match seconds.and_then(|text| text.trim_start().parse::<i64>().ok()) {
            None => Some(Scan::Failed("Invalid timestamp annotation".to_owned())),
            Some(seconds) if seconds > to_timestamp => Some(Scan::LaterThan { offset: start }),
            Some(_) => None,
        }
    }

    fn command(&mut self) -> Result<(), Damaged> {
        let argc = self.number(b'*')?;
        for index in 0..argc {
            let start = self.argument()?;
            if index > 0 {
                continue;
            }
            if start.eq_ignore_ascii_case(b"multi") {
                if self.in_multi {
                    return Err(
                        self.set_error(self.offset, &format!("Unexpected MULTI in AOF {}", self.path))
                    );
                }
                self.in_multi = true;
            } else if start.eq_ignore_ascii_case(b"exec") {
                if !self.in_multi {
                    return Err(self.set_error(self.offset, &format!("Unexpected EXEC in AOF {}", self.path)));
                }
                self.in_multi = false;
            }
        }
        Ok(())
    }

    /// Reads an argument; gives it if it is short, else its first bytes.
    fn argument(&mut self) -> Result<Vec<u8>, Damaged> {
        let header_at = self.offset;
        let len = self.number(b'$')?;
        let Some(len) = u64::try_from(len).ok().filter(|&len| len <= i64::MAX as u64 - 2) else {
            let text = format!("Expected to read string of {len} bytes, which is not in the suitable range");
            return Err(self.set_error(header_at, &text));
        };
        let body_at = self.offset;
        let mut start = Vec::new();
        let short = len.min(MAX_COMMAND_LEN as u64 + 1);
        // A file that cannot be read ends here, like one that has no more.
        let mut read = self.source.by_ref().take(short).read_to_end(&mut start).unwrap_or(start.len()) as u64;
        if read == short {
            read += io::copy(&mut self.source.by_ref().take(len - short), &mut io::sink()).unwrap_or(0);
        }
        let mut end = Vec::new();
        if read == len {
            read += self.source.by_ref().take(2).read_to_end(&mut end).unwrap_or(end.len()) as u64;
        }
        self.offset += read;
        if read < len + 2 {
            self.at_end = true;
            let text = format!("Expected to read {} bytes, got {read} bytes", len + 2);
            return Err(self.set_error(body_at, &text));
        }
        self.newline(&end, body_at)?;
        Ok(start)
    }

    /// Reads a line that consists of a prefix and a number.
    fn number(&mut self, prefix: u8) -> Result<i64, Damaged> {
        let start = self.offset;
        let line = self.line_up_to(MAX_HEADER_LEN);
        let Some((&first, rest)) = line.split_first() else {
            self.at_end = true;
            return Err(Damaged);
        };
        if first != prefix {
            let text = format!("Expected prefix '{}', got: '{}'", char::from(prefix), char::from(first));
            return Err(self.set_error(start, &text));
        }
        let sign = usize::from(matches!(rest.first(), Some(b'-' | b'+')));
        let digits = rest[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, end) = rest.split_at(sign + digits);
        self.newline(end, start)?;
        let number = std::str::from_utf8(number).unwrap_or_default();
        // What does not fit is taken for the largest number, which is then out of range.
        Ok(number.parse().unwrap_or(if digits == 0 { 0 } else { i64::MAX }))
    }

    fn newline(&mut self, bytes: &[u8], at: u64) -> Result<(), Damaged> {
        if bytes.starts_with(b"\r\n") {
            self.line += 1;
            return Ok(());
        }
        let byte = |index: usize| bytes.get(index).copied().unwrap_or(0);
        let text = format!("Expected \\r\\n, got: {:02x}{:02x}", byte(0), byte(1));
        Err(self.set_error(at, &text))
    }

    /// Reads a line with its end, or `max` bytes of it.
    fn line_up_to(&mut self, max: u64) -> Vec<u8> {
        let mut line = Vec::new();
        // A file that cannot be read ends here, like one that has no more.
        let _ = self.source.by_ref().take(max).read_until(b'\n', &mut line);
        self.offset += line.len() as u64;
        line
    }

    fn set_error(&mut self, at: u64, text: &str) -> Damaged {
        self.error = Some(format!("0x{at:16x}: {text}"));
        Damaged
    }
}
