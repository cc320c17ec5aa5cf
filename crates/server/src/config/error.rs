//! What can go wrong with the configuration, in the words clients and administrators know from Redis.

use crate::cli::REDIS_VERSION;
use std::fmt;

/// Why CONFIG SET did nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// A dataset is being loaded, and one of the parameters must not change meanwhile.
    #[error("LOADING Redis is loading the dataset in memory")]
    Loading,
    /// No parameter has that name.
    #[error("ERR Unknown option or number of arguments for CONFIG SET - '{0}'")]
    Unknown(String),
    /// A value was refused, by its parser or when it was applied.
    #[error("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")]
    Refused {
        /// The parameter.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Why the configuration was refused at start. Shown as the report for standard error, after which the process exits with
/// status 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// A line, or the whole, makes no sense.
    Invalid {
        /// Line number (from 1) and text; absent for errors that no single line causes.
        line: Option<(usize, String)>,
        /// Why.
        reason: String,
    },
    /// A file cannot be read.
    Unreadable {
        /// The file, as it was named.
        path: String,
        /// Why.
        reason: String,
    },
}

impl LoadError {
    /// An error that no single line causes.
    pub fn general(reason: impl Into<String>) -> LoadError {
        LoadError::Invalid { line: None, reason: reason.into() }
    }

    /// An error of one line.
    pub fn at(number: usize, text: &[u8], reason: impl Into<String>) -> LoadError {
        let text = String::from_utf8_lossy(text).into_owned();
        LoadError::Invalid { line: Some((number, text)), reason: reason.into() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Unreadable { path, reason } => {
                write!(out, "Fatal error, can't open config file '{path}': {reason}")
            }
            LoadError::Invalid { line, reason } => {
                writeln!(out, "\n*** FATAL CONFIG FILE ERROR (Redis {REDIS_VERSION}) ***")?;
                if let Some((number, text)) = line {
                    writeln!(out, "Reading the configuration file, at line {number}")?;
                    writeln!(out, ">>> '{text}'")?;
                }
                write!(out, "{reason}")
            }
        }
    }
}

impl std::error::Error for LoadError {}

/// The operating system's words for an error, without the number the standard library appends.
pub(crate) fn os_text(error: &std::io::Error) -> String {
    let error = match (error.raw_os_error(), error.kind()) {
        (None, std::io::ErrorKind::NotADirectory) => std::io::Error::from_raw_os_error(libc::ENOTDIR),
        _ => return strip_number(error.to_string()),
    };
    strip_number(error.to_string())
}

fn strip_number(text: String) -> String {
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
