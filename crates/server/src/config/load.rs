//! Reading the configuration at start: file, standard input, environment, arguments, in this order; the last one that
//! names a parameter wins (`save` and `client-output-buffer-limit` lines add up).

mod environment;
mod include;

use super::error::{LoadError, os_text};
use super::rows::{CLUSTER_ENABLED, DATABASES, DIR, LOGFILE, PORT, PROTECTED_MODE, REPLICAOF};
use super::settings::{Key, Settings};
use super::table;
use super::value::{Prior, Value, parse};
use super::words::Words;
use crate::cli::Launch;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The port of a Sentinel while none is configured.
const SENTINEL_PORT: i64 = 26379;
/// How deep files may include files.
const MAX_INCLUDE_DEPTH: usize = 64;

/// Directives of former versions that take one argument and mean nothing any more.
pub(super) const OBSOLETE: [&str; 3] =
    ["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"];

/// Where the configuration comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// Whether more of it comes from standard input.
    pub stdin: bool,
    /// Variables of the environment; those not called `REDAN_...` are ignored.
    pub environment: Vec<(String, String)>,
    /// The options among the arguments, as lines of a file.
    pub arguments: Vec<u8>,
    /// Whether the server runs as a Sentinel.
    pub sentinel: bool,
}

impl Sources {
    /// What the command line names, and the environment of the process.
    pub fn new(launch: Launch, sentinel: bool) -> Sources {
        // Variables that are not UTF-8 are nobody's parameters.
        let utf8 =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Sources {
            file: launch.file,
            stdin: launch.stdin,
            environment: std::env::vars_os().filter_map(utf8).collect(),
            arguments: launch.options,
            sentinel,
        }
    }
}

/// A line that another part of the server understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine {
    /// Its number in its file, from 1.
    pub number: usize,
    /// The line, trimmed.
    pub text: Vec<u8>,
    /// Its words after the directive's name.
    pub words: Vec<Vec<u8>>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The values of all parameters.
    pub settings: Settings,
    /// The `user` lines, for the ACL.
    pub users: Vec<RawLine>,
    /// The `rename-command` lines: old name, new name (empty to remove the command).
    pub renamed_commands: Vec<RawLine>,
    /// The `sentinel` lines, for the Sentinel.
    pub sentinel: Vec<RawLine>,
    /// Things worth a warning once there is a log.
    pub warnings: Vec<String>,
}

/// Reads all sources. `dir` is the directory the process is in; the file system is read, but not changed, apart from
/// creating an empty log file if there is none.
pub fn load(sources: &Sources, dir: &str, stdin: &mut dyn Read) -> Result<Loaded, LoadError> {
    let mut loader = Loader::new(dir, sources.sentinel);
    if let Some(path) = &sources.file {
        loader.read_text(&include::read(path)?, 0)?;
    }
    if sources.stdin {
        let mut text = Vec::new();
        stdin.read_to_end(&mut text).map_err(|error| {
            LoadError::general(format!("Can't read the configuration from stdin: {}", os_text(&error)))
        })?;
        loader.read_text(&text, 0)?;
    }
    let environment = environment::lines(&sources.environment, &mut loader.loaded.warnings);
    loader.read_text(&environment, 0)?;
    loader.read_text(&sources.arguments, 0)?;
    loader.finish()
}

struct Loader {
    loaded: Loaded,
    sentinel_mode: bool,
    /// Whether a `save` line was read: the first one replaces the defaults, the others add to it.
    save_seen: bool,
}

impl Loader {
    fn new(dir: &str, sentinel_mode: bool) -> Loader {
        let mut settings = Settings::new(dir);
        if sentinel_mode {
            store(&mut settings, PORT, Value::Int(SENTINEL_PORT));
            store(&mut settings, PROTECTED_MODE, Value::Bool(false));
        }
        let loaded = Loaded {
            settings,
            users: Vec::new(),
            renamed_commands: Vec::new(),
            sentinel: Vec::new(),
            warnings: Vec::new(),
        };
        Loader { loaded, sentinel_mode, save_seen: false }
    }

    fn read_text(&mut self, text: &[u8], depth: usize) -> Result<(), LoadError> {
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = trim(line);
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            let number = index + 1;
            let words = Words::split(line)
                .ok_or_else(|| LoadError::at(number, line, "Unbalanced quotes in configuration line"))?;
            let mut words = words.into_iter();
            let Some(name) = words.next() else { continue };
            let name = String::from_utf8_lossy(&name).to_ascii_lowercase();
            let line = RawLine { number, text: line.to_vec(), words: words.collect() };
            self.read_directive(&name, line, depth)?;
        }
        Ok(())
    }

    fn read_directive(&mut self, name: &str, line: RawLine, depth: usize) -> Result<(), LoadError> {
        if let Some(row) = table::position(name) {
            return self.read_parameter(row, line);
        }
        match (name, line.words.len()) {
            ("include", 1) => self.read_include(&line, depth)?,
            ("user", 1..) => self.loaded.users.push(line),
            ("rename-command", 2) => self.loaded.renamed_commands.push(line),
            ("loadmodule", 1..) => {
                return Err(LoadError::at(line.number, &line.text, "Modules are not supported"));
            }
            ("sentinel", 0) => {}
            ("sentinel", _) if self.sentinel_mode => self.loaded.sentinel.push(line),
            ("sentinel", _) => {
                let reason = "sentinel directive while not in sentinel mode";
                return Err(LoadError::at(line.number, &line.text, reason));
            }
            (_, 1) if OBSOLETE.contains(&name) => {}
            _ => {
                let reason = "Bad directive or wrong number of arguments";
                return Err(LoadError::at(line.number, &line.text, reason));
            }
        }
        Ok(())
    }

    fn read_parameter(&mut self, row: usize, line: RawLine) -> Result<(), LoadError> {
        let param = table::at(row);
        let is_save = matches!(self.loaded.settings.value(row), Value::Save(_));
        let args =
            param.arguments_in_file(line.words).ok_or("Unbalanced quotes in configuration line".to_owned());
        let prior = Prior { value: self.loaded.settings.value(row), accumulate: self.save_seen };
        let value = args
            .and_then(|args| parse(param, &args, prior))
            .map_err(|reason| LoadError::at(line.number, &line.text, reason))?;
        self.save_seen |= is_save;
        *self.loaded.settings.value_mut(row) = value;
        Ok(())
    }

    fn read_include(&mut self, line: &RawLine, depth: usize) -> Result<(), LoadError> {
        if depth >= MAX_INCLUDE_DEPTH {
            return Err(LoadError::at(line.number, &line.text, "Files include each other too deeply"));
        }
        let pattern = String::from_utf8_lossy(&line.words[0]).into_owned();
        for text in include::read_pattern(Path::new(self.loaded.settings.get(DIR)), &pattern)? {
            self.read_text(&text, depth + 1)?;
        }
        Ok(())
    }

    /// The checks that need all lines.
    fn finish(mut self) -> Result<Loaded, LoadError> {
        let settings = &mut self.loaded.settings;
        if settings.get(CLUSTER_ENABLED) {
            if settings.get(REPLICAOF).is_some() {
                return Err(LoadError::general("replicaof directive not allowed in cluster mode"));
            }
            if settings.get(DATABASES) > 1 {
                self.loaded.warnings.push(format!(
                    "WARNING: Changing databases number from {} to 1 since we are in cluster mode",
                    settings.get(DATABASES)
                ));
                store(settings, DATABASES, Value::Int(1));
            }
        }
        let logfile = settings.get(LOGFILE);
        if !logfile.is_empty() {
            let path = Path::new(settings.get(DIR)).join(logfile);
            std::fs::OpenOptions::new().append(true).create(true).open(path).map_err(|error| {
                LoadError::general(format!("Can't open the log file: {}", os_text(&error)))
            })?;
        }
        Ok(self.loaded)
    }
}

fn store<T: ?Sized>(settings: &mut Settings, key: Key<T>, value: Value) {
    let row = table::position(key.name()).expect("keys name rows");
    *settings.value_mut(row) = value;
}

/// Strips blanks, tabs and line ends.
pub(super) fn trim(line: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &line[start..end]
}

#[cfg(test)]
mod tests;
