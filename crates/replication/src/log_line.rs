//! Lines for the server's log file, in the wording that operators and test suites look for.

/// How important a log line is, as in the `loglevel` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// `loglevel debug`.
    Debug,
    /// `loglevel verbose`.
    Verbose,
    /// `loglevel notice`.
    Notice,
    /// `loglevel warning`.
    Warning,
}
