//! Events: what Sentinel tells the world, by log, by pub/sub and by script.

/// Severity, as in the `loglevel` directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Details for developers; never published.
    Debug,
    /// Rarely useful.
    Verbose,
    /// What an operator wants to see.
    Notice,
    /// What an operator must see; also runs the notification script.
    Warning,
    /// As a threshold: log nothing.
    Nothing,
}

impl LogLevel {
    /// The word used in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Verbose => "verbose",
            LogLevel::Notice => "notice",
            LogLevel::Warning => "warning",
            LogLevel::Nothing => "nothing",
        }
    }

    /// The level of a word, in any case.
    pub fn parse(word: &[u8]) -> Option<LogLevel> {
        const ALL: [LogLevel; 5] =
            [LogLevel::Debug, LogLevel::Verbose, LogLevel::Notice, LogLevel::Warning, LogLevel::Nothing];
        ALL.into_iter().find(|level| word.eq_ignore_ascii_case(level.as_str().as_bytes()))
    }
}

/// One event, such as `+sdown` with `master mymaster 127.0.0.1 6379`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Severity.
    pub level: LogLevel,
    /// Name: first word of the log line and name of the channel.
    pub name: &'static str,
    /// The message. An instance is written `<type> <name> <ip> <port>`, followed for replicas and Sentinels
    /// by ` @ <master name> <master ip> <master port>`.
    pub message: String,
}

impl Event {
    /// The log line, `name message`.
    pub fn log_line(&self) -> String {
        format!("{} {}", self.name, self.message)
    }
    /// Whether clients that subscribed to the channel [`Event::name`] get it.
    pub fn is_published(&self) -> bool {
        self.level != LogLevel::Debug
    }
}
