//! The process, its log and its timers.

use crate::config::checks;
use crate::config::choices::{LogLevel, ShutdownFlags, Supervised, SyslogFacility};

super::rows! {
    General;
    /// Go to the background after start.
    DAEMONIZE: bool = flag("daemonize", false).immutable();
    /// Which service manager to tell when the server is ready.
    SUPERVISED: Supervised = choice("supervised", Supervised::NAMES, Supervised::No as i64).immutable();
    /// File that holds the process id while the server runs.
    PIDFILE: str = optional("pidfile").immutable();
    /// Least important messages that are logged.
    LOGLEVEL: LogLevel = choice("loglevel", LogLevel::NAMES, LogLevel::Notice as i64);
    /// File to log to; standard output when empty.
    LOGFILE: str = text("logfile", "").immutable();
    /// Log to syslog too.
    SYSLOG_ENABLED: bool = flag("syslog-enabled", false).immutable().inert();
    /// Name under which syslog files the messages.
    SYSLOG_IDENT: str = text("syslog-ident", "redis").immutable().inert();
    /// Facility under which syslog files the messages.
    SYSLOG_FACILITY: SyslogFacility =
        choice("syslog-facility", SyslogFacility::NAMES, SyslogFacility::Local0 as i64).immutable().inert();
    /// Log a report when the process crashes.
    CRASH_LOG_ENABLED: bool = flag("crash-log-enabled", true);
    /// Test memory when the process crashes.
    CRASH_MEMCHECK_ENABLED: bool = flag("crash-memcheck-enabled", true).inert();
    /// Exit instead of aborting when the process crashes.
    USE_EXIT_ON_PANIC: bool = flag("use-exit-on-panic", false).hidden().inert();
    /// Number of databases.
    DATABASES: i64 = int("databases", 16).range(1, i32::MAX as i64).immutable();
    /// Print the banner at start even when standard output is not a terminal.
    ALWAYS_SHOW_LOGO: bool = flag("always-show-logo", false).immutable();
    /// Give the process a title that tells what it does.
    SET_PROC_TITLE: bool = flag("set-proc-title", true).immutable();
    /// What the title of the process is made of.
    PROC_TITLE_TEMPLATE: str =
        text("proc-title-template", "{title} {listen-addr} {server-mode}").checked(checks::proc_title);
    /// Locale by which SORT ALPHA and Lua compare text.
    LOCALE_COLLATE: str = text("locale-collate", "").inert();
    /// How often per second background work is done.
    HZ: i64 = int("hz", 10).clamped(1, 500);
    /// Do background work more often when there are many clients.
    DYNAMIC_HZ: bool = flag("dynamic-hz", true).inert();
    /// Start-up warnings that do not stop the server.
    IGNORE_WARNINGS: str = text("ignore-warnings", "").inert();
    /// What an interrupt from the terminal does.
    SHUTDOWN_ON_SIGINT: ShutdownFlags = special("shutdown-on-sigint", Kind::Flags { names: ShutdownFlags::NAMES });
    /// What a termination signal does.
    SHUTDOWN_ON_SIGTERM: ShutdownFlags = special("shutdown-on-sigterm", Kind::Flags { names: ShutdownFlags::NAMES });
    /// Seconds a shutdown waits at most for replicas that lag behind.
    SHUTDOWN_TIMEOUT: i64 = int("shutdown-timeout", 10);
    /// Threads that serve clients; by default one per processor the process may use.
    IO_THREADS: i64 = int("io-threads", 1).range(1, 128).machine(checks::processors).immutable().debug();
    /// Ignored for the sake of old files; all threads read and write.
    IO_THREADS_DO_READS: bool = flag("io-threads-do-reads", false).immutable().hidden().inert();
}
