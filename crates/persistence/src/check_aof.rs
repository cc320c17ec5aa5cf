//! `redis-check-aof`: reads an AOF to its end and says whether it is valid; can cut off what is not.
//!
//! It takes a file in the old style (commands, perhaps behind an RDB preamble) or the manifest of a multi-part AOF, whose
//! files it checks in order. Only the last file can be cut.

mod records;

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use self::records::{Records, Scan};
use crate::aof::Manifest;
use crate::check_rdb;

/// What the tool talks to beside the files.
pub struct Console<'a> {
    /// Answers to questions.
    pub input: &'a mut dyn BufRead,
    /// The report.
    pub out: &'a mut dyn Write,
}

/// Runs the tool; returns the exit code.
///
/// `args` are the arguments with the program's name, `now_ms` is the time in Unix milliseconds, `version` what
/// `--version` answers. Errors writing to the console are returned.
pub fn main(args: &[String], now_ms: i64, version: &str, console: Console<'_>) -> io::Result<i32> {
    let mut tool = Tool { console, now_ms, mode: Mode::Check };
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let path = match words[..] {
        [_, "-v" | "--version"] => {
            writeln!(tool.console.out, "redis-check-aof {version}")?;
            return Ok(0);
        }
        [_, path] => path,
        [_, "--fix", path] => {
            tool.mode = Mode::Fix;
            path
        }
        [_, "--truncate-to-timestamp", seconds, path] => {
            let Ok(seconds) = seconds.parse() else {
                writeln!(tool.console.out, "Invalid timestamp, aborting...")?;
                return Ok(1);
            };
            tool.mode = Mode::TruncateTo(seconds);
            path
        }
        _ => {
            let name = words.first().copied().unwrap_or("redis-check-aof");
            writeln!(
                tool.console.out,
                "Usage: {name} [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>"
            )?;
            return Ok(1);
        }
    };
    match tool.run(Path::new(path)) {
        Ok(()) => Ok(0),
        Err(Stop::Failed(message)) => {
            tool.console.out.write_all(message.as_bytes())?;
            Ok(1)
        }
        Err(Stop::Console(error)) => Err(error),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Check,
    /// Cut off what is damaged, after a question.
    Fix,
    /// Cut off what is later than this time in Unix seconds.
    TruncateTo(i64),
}

impl Mode {
    fn to_timestamp(self) -> Option<i64> {
        // A timestamp of 0 means none.
        if let Mode::TruncateTo(seconds) = self
            && seconds != 0
        {
            Some(seconds)
        } else {
            None
        }
    }
}

/// Why the tool ends early.
enum Stop {
    /// After this message.
    Failed(String),
    /// The console is gone.
    Console(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Console(error)
    }
}

/// Ends the run with a line of text.
macro_rules! fail {
    ($($arg:tt)*) => { return Err(Stop::Failed(format!($($arg)*) + "\n")) };
}

/// How a file was found, if the tool goes on.
enum Verdict {
    Valid,
    Empty,
    Truncated,
    TruncatedTo(i64),
}

/// A file to be checked.
struct Target<'a> {
    /// How it is called in messages.
    name: &'a str,
    path: &'a Path,
    is_last: bool,
    has_preamble: bool,
}

struct Tool<'a> {
    console: Console<'a>,
    now_ms: i64,
    mode: Mode,
}

impl Tool<'_> {
    fn run(&mut self, path: &Path) -> Result<(), Stop> {
        if is_manifest(path)? {
            return self.check_multi_part(path);
        }
        let has_preamble = is_rdb(path)?;
        writeln!(self.console.out, "Start checking Old-Style AOF")?;
        let name = &path.to_string_lossy();
        let verdict = self.check_file(&Target { name, path, is_last: true, has_preamble })?;
        self.print_verdict(&verdict, name, "AOF")
    }

    fn check_multi_part(&mut self, path: &Path) -> Result<(), Stop> {
        writeln!(self.console.out, "Start checking Multi Part AOF")?;
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) => fail!(
                "Fatal error: can't open the AOF manifest file {} for reading: {}",
                path.display(),
                reason(&error)
            ),
        };
        let manifest = match Manifest::parse(&text) {
            Ok(manifest) => manifest,
            Err(error) if error.line_number == 0 => {
                fail!("\n*** FATAL AOF MANIFEST FILE ERROR ***\n\n{}", error.kind)
            }
            Err(error) => fail!(
                "\n*** FATAL AOF MANIFEST FILE ERROR ***\n\nReading the manifest file, at line {}\n\n>>> '{}'\n\n{}",
                error.line_number,
                error.line,
                error.kind
            ),
        };
        let dir = path.parent().map(Path::to_path_buf).unwrap_or_default();
        if let Some(base) = &manifest.base {
            self.check_base(&dir, &base.name, manifest.incr.is_empty())?;
        }
        if !manifest.incr.is_empty() {
            writeln!(self.console.out, "Start to check INCR files.")?;
        }
        for (index, file) in manifest.incr.iter().enumerate() {
            let is_last = index + 1 == manifest.incr.len();
            let target =
                Target { name: &file.name, path: &dir.join(&file.name), is_last, has_preamble: false };
            let verdict = self.check_file(&target)?;
            self.print_verdict(&verdict, &file.name, "INCR AOF")?;
        }
        writeln!(self.console.out, "All AOF files and manifest are valid")?;
        Ok(())
    }

    fn check_base(&mut self, dir: &Path, name: &str, is_last: bool) -> Result<(), Stop> {
        let path: PathBuf = dir.join(name);
        let has_preamble = is_rdb(&path)?;
        let format = if has_preamble { "RDB" } else { "RESP" };
        writeln!(self.console.out, "Start to check BASE AOF ({format} format).")?;
        let verdict = self.check_file(&Target { name, path: &path, is_last, has_preamble })?;
        self.print_verdict(&verdict, name, "BASE AOF")
    }

    fn print_verdict(&mut self, verdict: &Verdict, name: &str, kind: &str) -> Result<(), Stop> {
        let out = &mut self.console.out;
        match verdict {
            Verdict::Valid => writeln!(out, "{kind} {name} is valid")?,
            Verdict::Empty => writeln!(out, "{kind} {name} is empty")?,
            Verdict::Truncated => writeln!(out, "Successfully truncated AOF {name}")?,
            Verdict::TruncatedTo(at) => writeln!(out, "Successfully truncated AOF {name} to timestamp {at}")?,
        }
        Ok(())
    }

    fn check_file(&mut self, target: &Target<'_>) -> Result<Verdict, Stop> {
        let path = target.path.display();
        // A file that is only looked at may well be on a read-only disk.
        let writable = self.mode != Mode::Check;
        let mut file = match OpenOptions::new().read(true).write(writable).open(target.path) {
            Ok(file) => file,
            Err(error) => fail!("Cannot open file {path}: {}, aborting...", reason(&error)),
        };
        let size = match file.metadata() {
            Ok(metadata) => metadata.len(),
            Err(_) => fail!("Cannot stat file: {}, aborting...", target.name),
        };
        if size == 0 {
            return Ok(Verdict::Empty);
        }
        let start = if target.has_preamble { self.check_preamble(&file, target)? } else { 0 };
        if let Err(error) = file.seek(SeekFrom::Start(start)) {
            fail!("Failed to fseek in AOF {}: {}", target.name, reason(&error));
        }
        let to_timestamp = self.mode.to_timestamp();
        let mut records = Records::new(BufReader::new(&file), start, to_timestamp, path.to_string());
        let scan = records.scan();
        if let Scan::LaterThan { offset } = scan {
            let at = to_timestamp.unwrap_or_default();
            return self.truncate_to_timestamp(&file, target, offset, at);
        }
        if let Scan::Failed(message) = scan {
            fail!("{message}");
        }
        let (ok_up_to, line) = (records.ok_up_to(), records.line());
        if let Scan::BadFormat = scan {
            writeln!(self.console.out, "AOF {} format error", target.name)?;
        }
        if let Some(error) = records.error() {
            writeln!(self.console.out, "{error}")?;
        }
        let excess = size.saturating_sub(ok_up_to);
        if excess == 0
            && let Some(at) = to_timestamp
        {
            writeln!(self.console.out, "Truncate nothing in AOF {} to timestamp {at}", target.name)?;
            return Ok(Verdict::Valid);
        }
        writeln!(
            self.console.out,
            "AOF analyzed: filename={}, size={size}, ok_up_to={ok_up_to}, ok_up_to_line={line}, diff={excess}",
            target.name
        )?;
        if excess == 0 {
            return Ok(Verdict::Valid);
        }
        self.fix(&file, target, size, ok_up_to)
    }

    /// Checks the RDB part at the start of a file; returns its length.
    fn check_preamble(&mut self, file: &File, target: &Target<'_>) -> Result<u64, Stop> {
        let name = target.path.to_string_lossy();
        let checked = check_rdb::check(&name, file, self.now_ms, self.console.out)?;
        if !checked.is_sane {
            fail!("RDB preamble of AOF file is not sane, aborting.");
        }
        writeln!(self.console.out, "RDB preamble is OK, proceeding with AOF tail...")?;
        Ok(checked.len)
    }

    fn truncate_to_timestamp(
        &mut self,
        file: &File,
        target: &Target<'_>,
        offset: u64,
        at: i64,
    ) -> Result<Verdict, Stop> {
        let path = target.path.display();
        if offset == 0 {
            fail!("AOF {path} has nothing before timestamp {at}, aborting...");
        }
        if !target.is_last {
            fail!(
                "Failed to truncate AOF {path} to timestamp {at} to offset {offset} because it is not the last file.\n\
                 If you insist, please delete all files after this file according to the manifest file and delete the \
                 corresponding records in manifest file manually. Then re-run redis-check-aof."
            );
        }
        if file.set_len(offset).is_err() {
            fail!("Failed to truncate AOF {path} to timestamp {at}");
        }
        Ok(Verdict::TruncatedTo(at))
    }

    /// Cuts the file if that is wanted.
    fn fix(&mut self, file: &File, target: &Target<'_>, size: u64, ok_up_to: u64) -> Result<Verdict, Stop> {
        let name = target.name;
        if self.mode != Mode::Fix {
            fail!("AOF {name} is not valid. Use the --fix option to try fixing it.");
        }
        if !target.is_last {
            fail!("Failed to truncate AOF {name} because it is not the last file");
        }
        let excess = size - ok_up_to;
        write!(
            self.console.out,
            "This will shrink the AOF {name} from {size} bytes, with {excess} bytes, to {ok_up_to} bytes\n\
             Continue? [y/N]: "
        )?;
        self.console.out.flush()?;
        let mut answer = String::new();
        let answered = self.console.input.read_line(&mut answer).is_ok();
        if !answered || !answer.starts_with(['y', 'Y']) {
            fail!("Aborting...");
        }
        if file.set_len(ok_up_to).is_err() {
            fail!("Failed to truncate AOF {name}");
        }
        Ok(Verdict::Truncated)
    }
}

/// Whether a file has the form of a manifest: lines that start with `file`, perhaps behind comments.
fn is_manifest(path: &Path) -> Result<bool, Stop> {
    const MAX_LINE_LEN: u64 = 1024;
    let mut reader = BufReader::new(open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(MAX_LINE_LEN).read_until(b'\n', &mut line) {
            Ok(_) if line.starts_with(b"#") => {}
            Ok(_) => return Ok(line.starts_with(b"file")),
            Err(_) => fail!("Cannot read file: {}", path.display()),
        }
    }
}

/// Whether a file starts like an RDB file.
fn is_rdb(path: &Path) -> Result<bool, Stop> {
    let mut start = [0; 8];
    let has_start = open(path)?.read_exact(&mut start).is_ok();
    Ok(has_start && start.starts_with(b"REDIS"))
}

fn open(path: &Path) -> Result<File, Stop> {
    match File::open(path) {
        Ok(file) => Ok(file),
        Err(error) => fail!("Cannot open file {}: {}", path.display(), reason(&error)),
    }
}

/// The text of a system error, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
