//! The manifest of a multi-part AOF: which files belong to it, in which order.
//!
//! One line for each file: pairs of a name and a value, of which `file`, `seq` and `type` must be there and others may.
//! `type` is `b` for the base (at most one), `i` for the increments in the order of their numbers, `h` for files that
//! are not needed any more and wait to be deleted. Lines that start with `#` are comments.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b
//! file appendonly.aof.1.incr.aof seq 1 type h
//! file appendonly.aof.2.incr.aof seq 2 type i
//! ```

use std::fmt::{self, Write};

use redan_resp::split_inline;

/// Longest line that is accepted, in bytes.
const MAX_LINE_LEN: usize = 1024;

/// The role of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AofFileKind {
    /// The dataset at the last rewrite.
    Base,
    /// Commands since then.
    Incr,
    /// Not needed any more.
    History,
}

impl AofFileKind {
    fn letter(self) -> char {
        match self {
            AofFileKind::Base => 'b',
            AofFileKind::Incr => 'i',
            AofFileKind::History => 'h',
        }
    }
}

/// One file of an AOF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AofFile {
    /// Its name in the AOF's directory.
    pub name: String,
    /// Its number among the files of its kind; not 0.
    pub seq: i64,
    /// Its role.
    pub kind: AofFileKind,
    /// The replication offset at its start, if recorded (Redis 8).
    pub start_offset: Option<i64>,
    /// The replication offset at its end, if recorded.
    pub end_offset: Option<i64>,
}

/// All files of an AOF.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The base.
    pub base: Option<AofFile>,
    /// The increments, oldest first.
    pub incr: Vec<AofFile>,
    /// Files that wait to be deleted.
    pub history: Vec<AofFile>,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManifestErrorKind {
    /// There is nothing in it.
    #[error("Found an empty AOF manifest")]
    Empty,
    /// A line is too long, or not ended.
    #[error("The AOF manifest file contains too long line")]
    LongLine,
    /// A line is not what it should be.
    #[error("Invalid AOF manifest file format")]
    Format,
    /// A name leads out of the directory.
    #[error("File can't be a path, just a filename")]
    Path,
    /// There are two bases.
    #[error("Found duplicate base file information")]
    TwoBases,
    /// The numbers of the increments do not ascend.
    #[error("Found a non-monotonic sequence number")]
    SeqOrder,
    /// A type that is not known.
    #[error("Unknown AOF file type")]
    UnknownType,
}

/// What is wrong with a manifest, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    /// What is wrong.
    pub kind: ManifestErrorKind,
    /// The line, counted from 1; 0 if it is not about a line.
    pub line_number: usize,
    /// The text of that line.
    pub line: String,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line_number {
            0 => self.kind.fmt(f),
            number => write!(f, "{} (line {number}: '{}')", self.kind, self.line),
        }
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// Reads the text of a manifest.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        let mut manifest = Manifest::default();
        if text.is_empty() {
            return Err(ManifestError {
                kind: ManifestErrorKind::Empty,
                line_number: 0,
                line: String::new(),
            });
        }
        for (index, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            manifest.add_line(line).map_err(|kind| ManifestError {
                kind,
                line_number: index + 1,
                line: String::from_utf8_lossy(line.trim_ascii()).into_owned(),
            })?;
        }
        Ok(manifest)
    }

    /// The files of the AOF in the order in which they are loaded.
    pub fn files(&self) -> impl Iterator<Item = &AofFile> {
        self.base.iter().chain(&self.incr)
    }

    fn add_line(&mut self, line: &[u8]) -> Result<(), ManifestErrorKind> {
        if line.starts_with(b"#") {
            return Ok(());
        }
        if line.len() > MAX_LINE_LEN || !line.ends_with(b"\n") {
            return Err(ManifestErrorKind::LongLine);
        }
        let file = AofFile::parse(line)?;
        match file.kind {
            AofFileKind::Base if self.base.is_some() => return Err(ManifestErrorKind::TwoBases),
            AofFileKind::Base => self.base = Some(file),
            AofFileKind::Incr if file.seq <= self.incr.last().map_or(0, |last| last.seq) => {
                return Err(ManifestErrorKind::SeqOrder);
            }
            AofFileKind::Incr => self.incr.push(file),
            AofFileKind::History => self.history.push(file),
        }
        Ok(())
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.iter().chain(&self.history).chain(&self.incr).try_for_each(|file| writeln!(f, "{file}"))
    }
}

impl AofFile {
    fn parse(line: &[u8]) -> Result<Self, ManifestErrorKind> {
        let words = split_inline(line).map_err(|_| ManifestErrorKind::Format)?;
        if words.len() < 6 || words.len() % 2 != 0 {
            return Err(ManifestErrorKind::Format);
        }
        let (mut name, mut seq, mut kind) = (None, None, None);
        let (mut start_offset, mut end_offset) = (None, None);
        let words: Vec<&[u8]> = words.iter().collect();
        for pair in words.chunks_exact(2) {
            let value = pair[1];
            match pair[0].to_ascii_lowercase().as_slice() {
                b"file" => name = Some(file_name(value)?),
                b"seq" => seq = number(value).filter(|&seq| seq != 0),
                b"type" => kind = value.first().copied(),
                b"startoffset" => start_offset = number(value),
                b"endoffset" => end_offset = number(value),
                _ => {}
            }
        }
        let kind = match kind.ok_or(ManifestErrorKind::Format)? {
            b'b' => AofFileKind::Base,
            b'i' => AofFileKind::Incr,
            b'h' => AofFileKind::History,
            _ => return Err(ManifestErrorKind::UnknownType),
        };
        Ok(AofFile {
            name: name.ok_or(ManifestErrorKind::Format)?,
            seq: seq.ok_or(ManifestErrorKind::Format)?,
            kind,
            start_offset,
            end_offset,
        })
    }
}

impl fmt::Display for AofFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("file ")?;
        write_word(f, &self.name)?;
        write!(f, " seq {} type {}", self.seq, self.kind.letter())?;
        if let Some(start) = self.start_offset {
            write!(f, " startoffset {start}")?;
            if let Some(end) = self.end_offset {
                write!(f, " endoffset {end}")?;
            }
        }
        Ok(())
    }
}

/// A name that stays in the directory.
fn file_name(bytes: &[u8]) -> Result<String, ManifestErrorKind> {
    if bytes.is_empty() || bytes.contains(&b'/') || bytes.contains(&b'\\') {
        return Err(ManifestErrorKind::Path);
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| ManifestErrorKind::Format)
}

fn number(bytes: &[u8]) -> Option<i64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Writes a word so that [`split_inline`] gives it back.
fn write_word(f: &mut fmt::Formatter<'_>, word: &str) -> fmt::Result {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'#');
    if !word.is_empty() && word.bytes().all(plain) {
        return f.write_str(word);
    }
    f.write_char('"')?;
    for byte in word.bytes() {
        match byte {
            b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
            b'\n' => f.write_str("\\n")?,
            b'\r' => f.write_str("\\r")?,
            b'\t' => f.write_str("\\t")?,
            0x20..0x7F => f.write_char(char::from(byte))?,
            _ => write!(f, "\\x{byte:02x}")?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> ManifestErrorKind {
        Manifest::parse(text.as_bytes()).expect_err("must be refused").kind
    }

    #[test]
    fn a_manifest_of_redis() {
        let text = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                    file appendonly.aof.1.incr.aof seq 1 type h\n\
                    file appendonly.aof.4.incr.aof seq 4 type i startoffset 17 endoffset 40\n\
                    file appendonly.aof.5.incr.aof seq 5 type i startoffset 40\n";
        let manifest = Manifest::parse(text.as_bytes()).expect("valid");
        assert_eq!(manifest.to_string(), text);
        assert_eq!(manifest.files().map(|file| file.seq).collect::<Vec<_>>(), [2, 4, 5]);
        assert_eq!(manifest.incr[0].end_offset, Some(40));
    }

    #[test]
    fn names_are_quoted_where_needed() {
        let mut manifest = Manifest::default();
        for (seq, name) in ["my file", "a\"b", "#x", "tab\there", "übel"].into_iter().enumerate() {
            manifest.incr.push(AofFile {
                name: name.into(),
                seq: seq as i64 + 1,
                kind: AofFileKind::Incr,
                start_offset: None,
                end_offset: None,
            });
        }
        assert_eq!(Manifest::parse(manifest.to_string().as_bytes()), Ok(manifest));
    }

    #[test]
    fn comments_and_unknown_fields_are_ignored() {
        let text = "# a comment\nFILE a.aof future yes SEQ 1 type incremental\n";
        let manifest = Manifest::parse(text.as_bytes()).expect("valid");
        assert_eq!(manifest.incr[0].name, "a.aof");
    }

    #[test]
    fn refusals() {
        assert_eq!(fails(""), ManifestErrorKind::Empty);
        assert_eq!(fails("\n"), ManifestErrorKind::Format);
        assert_eq!(fails("file a seq 1 type i"), ManifestErrorKind::LongLine);
        assert_eq!(fails(&format!("file {} seq 1 type i\n", "a".repeat(1024))), ManifestErrorKind::LongLine);
        assert_eq!(fails("file a seq 1\n"), ManifestErrorKind::Format);
        assert_eq!(fails("file a seq 0 type i\n"), ManifestErrorKind::Format);
        assert_eq!(fails("file a seq 1 type i x\n"), ManifestErrorKind::Format);
        assert_eq!(fails("file \"a seq 1 type i\n"), ManifestErrorKind::Format);
        assert_eq!(fails("file ../a seq 1 type i\n"), ManifestErrorKind::Path);
        assert_eq!(fails("file a seq 1 type x\n"), ManifestErrorKind::UnknownType);
        assert_eq!(fails("file a seq 1 type b\nfile b seq 2 type b\n"), ManifestErrorKind::TwoBases);
        let error = Manifest::parse(b"file a seq 2 type i\nfile b seq 2 type i\n").expect_err("order");
        assert_eq!((error.kind, error.line_number), (ManifestErrorKind::SeqOrder, 2));
        assert_eq!(
            error.to_string(),
            "Found a non-monotonic sequence number (line 2: 'file b seq 2 type i')"
        );
    }
}
