//! `redis-check-rdb`: reads an RDB file to its end and says what is in it, or where it is damaged.

use std::fs::File;
use std::io::{self, Read, Write};

use redan_keyspace::Limits;

use crate::rdb::{Checksum, Part, RdbError, RdbErrorKind, RdbReader, ReaderOptions};

/// Runs the tool; returns the exit code.
///
/// `args` are the arguments with the program's name, `now_ms` is the time in Unix milliseconds, `version` what
/// `--version` answers. Errors writing to `out` or `err` are returned.
pub fn main(
    args: &[String],
    now_ms: i64,
    version: &str,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<i32> {
    match args {
        [_, flag] if flag == "-v" || flag == "--version" => {
            writeln!(out, "redis-check-rdb {version}")?;
            Ok(0)
        }
        [_, path] => match File::open(path) {
            Ok(file) => {
                let checked = check(path, file, now_ms, out)?;
                Ok(i32::from(!checked.is_sane))
            }
            Err(error) => {
                writeln!(err, "Cannot open file {path}: {error}")?;
                Ok(1)
            }
        },
        _ => {
            let name = args.first().map_or("redis-check-rdb", String::as_str);
            writeln!(err, "Usage: {name} <rdb-file-name>")?;
            Ok(1)
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// The file can be loaded.
    pub is_sane: bool,
    /// Length of the RDB file; something else may follow it in the source.
    pub len: u64,
}

/// Checks the RDB file in `source`, and reports to `out`; errors writing there are returned.
pub fn check(name: &str, source: impl Read, now_ms: i64, out: &mut dyn Write) -> io::Result<Checked> {
    writeln!(out, "[offset 0] Checking RDB file {name}")?;
    let reader = RdbReader::new(source, ReaderOptions { skip_modules: true, ..ReaderOptions::default() });
    let mut check = Check { reader, now_ms, keys: 0, expires: 0, already_expired: 0, out };
    let is_sane = match check.run() {
        Ok(()) => {
            check.info(b"\\o/ RDB looks OK! \\o/")?;
            check.totals()?;
            true
        }
        Err(Failure::Damaged(error)) => {
            check.report(&error)?;
            false
        }
        Err(Failure::Output(error)) => return Err(error),
    };
    Ok(Checked { is_sane, len: check.reader.offset() })
}

/// Why a check does not go on.
enum Failure {
    Damaged(Box<RdbError>),
    Output(io::Error),
}

impl From<RdbError> for Failure {
    fn from(error: RdbError) -> Self {
        Failure::Damaged(Box::new(error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

struct Check<'a, R> {
    reader: RdbReader<R>,
    now_ms: i64,
    keys: u64,
    expires: u64,
    already_expired: u64,
    out: &'a mut dyn Write,
}

impl<R: Read> Check<'_, R> {
    fn run(&mut self) -> Result<(), Failure> {
        self.reader.header()?;
        loop {
            match self.reader.next_part()? {
                Part::Entry(entry) => {
                    self.keys += 1;
                    self.reader.value(&Limits::default(), |_, _| Ok(()))?;
                    if let Some(at) = entry.expire_at_ms {
                        self.expires += 1;
                        self.already_expired += u64::from(at < self.now_ms);
                    }
                }
                Part::SelectDb(db) => self.info(format!("Selecting DB ID {db}").as_bytes())?,
                Part::Aux(aux) => {
                    self.info(&[b"AUX FIELD ", &aux.name[..], b" = '", &aux.value, b"'"].concat())?;
                }
                Part::ModuleAux(name) => self.info(format!("MODULE AUX for: {name}").as_bytes())?,
                Part::ResizeDb { .. } | Part::SlotInfo { .. } | Part::Function(_) => {}
                Part::End(checksum) => {
                    match checksum {
                        Checksum::Verified => self.info(b"Checksum OK")?,
                        Checksum::Disabled => {
                            self.info(b"RDB file was saved with checksum disabled: no check performed.")?
                        }
                        Checksum::Absent | Checksum::Ignored => {}
                    }
                    return Ok(());
                }
            }
        }
    }

    /// One line, with the position.
    fn info(&mut self, text: &[u8]) -> io::Result<()> {
        write!(self.out, "[offset {}] ", self.reader.offset())?;
        self.out.write_all(text)?;
        self.out.write_all(b"\n")
    }

    fn totals(&mut self) -> io::Result<()> {
        writeln!(self.out, "[info] {} keys read", self.keys)?;
        writeln!(self.out, "[info] {} expires", self.expires)?;
        writeln!(self.out, "[info] {} already expired", self.already_expired)?;
        // Fields of hashes with an expiry of their own; no type that could have them is loaded yet.
        writeln!(self.out, "[info] 0 subexpires")
    }

    fn report(&mut self, error: &RdbError) -> io::Result<()> {
        writeln!(self.out, "--- RDB ERROR DETECTED ---")?;
        let text = match &error.kind {
            RdbErrorKind::WrongChecksum { .. } => "RDB CRC error".to_owned(),
            other => other.to_string(),
        };
        writeln!(self.out, "[offset {}] {text}", error.offset)?;
        writeln!(self.out, "[additional info] While doing: {}", error.doing.name())?;
        if let Some(key) = &error.key {
            self.out.write_all(&[b"[additional info] Reading key '", &key[..], b"'\n"].concat())?;
        }
        if let Some(value_type) = error.value_type {
            let (byte, name) = (value_type.byte(), value_type.name());
            writeln!(self.out, "[additional info] Reading type {byte} ({name})")?;
        }
        self.totals()
    }
}

#[cfg(test)]
mod tests;
