//! Annotations: lines of an AOF that are no commands.
//!
//! ```text
//! #TS:1628217470\r\n                   what follows was written at this time or later
//! #REPL:<40 hexadecimal digits>:23\r\n   the next command begins at this offset of this replication history
//! ```
//! The first is Redis's, the second is ours. Redis and its tools skip lines that start with `#`.

use std::io::Write;

/// A line of an AOF that is no command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Annotation {
    /// What follows was written at this time (Unix seconds) or later.
    Timestamp(i64),
    /// Where in which replication history the next command begins.
    Replication {
        /// The history: 40 hexadecimal digits.
        id: String,
        /// Offset of the next command's first byte.
        offset: u64,
    },
}

/// Length of a replication id.
const REPL_ID_LEN: usize = 40;

impl Annotation {
    /// Reads a line, with or without its end; `None` if it is something else.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?.trim_end_matches(['\r', '\n']);
        if let Some(seconds) = line.strip_prefix("#TS:") {
            return seconds.parse().ok().map(Annotation::Timestamp);
        }
        let (id, offset) = line.strip_prefix("#REPL:")?.split_once(':')?;
        let is_id = id.len() == REPL_ID_LEN && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let offset = offset.parse().ok().filter(|_| is_id)?;
        Some(Annotation::Replication { id: id.to_owned(), offset })
    }

    /// Appends the line to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let written = match self {
            Annotation::Timestamp(seconds) => write!(out, "#TS:{seconds}\r\n"),
            Annotation::Replication { id, offset } => write!(out, "#REPL:{id}:{offset}\r\n"),
        };
        written.expect("a vector takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let id = "0123456789abcdef0123456789abcdef01234567".to_owned();
        for annotation in [Annotation::Timestamp(1_628_217_470), Annotation::Replication { id, offset: 23 }] {
            let mut line = Vec::new();
            annotation.write(&mut line);
            assert!(line.starts_with(b"#") && line.ends_with(b"\r\n"));
            assert_eq!(Annotation::parse(&line), Some(annotation));
        }
    }

    #[test]
    fn anything_else_is_none() {
        for line in
            ["#", "#TS:x", "#REPL:abc:1", "#REPL:0123456789abcdef0123456789abcdef01234567:-1", "# hello"]
        {
            assert_eq!(Annotation::parse(line.as_bytes()), None, "{line}");
        }
    }
}
