//! The command line: which of the programs runs, and with what.
//!
//! The grammar is that of `redis-server` (`[FILE] [--directive value ...] [-]`), where everything behind a `--directive`
//! up to the next one is its arguments; directives are not known here but form lines of a configuration file.

use crate::config::words::Words;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The version of Redis that this server claims to be.
pub const REDIS_VERSION: &str = "7.4.0";

/// The version of the project itself.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit the program was built from, if the build was told.
const COMMIT: &str = match option_env!("REDAN_COMMIT") {
    Some(commit) => commit,
    None => "00000000",
};

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// The server.
    Server(Launch),
    /// The server as a Sentinel.
    Sentinel(Launch),
    /// The checker of snapshots, with its arguments.
    CheckRdb {
        /// The arguments after the program's name.
        args: Vec<OsString>,
    },
    /// The checker of append only files, with its arguments.
    CheckAof {
        /// The arguments after the program's name.
        args: Vec<OsString>,
    },
    /// Print [`help_text`] to standard error and exit with status 1, as Redis does.
    Help,
    /// Print [`version_text`].
    Version,
    /// Print [`config_status`].
    ConfigStatus,
    /// Run [`check_system`] and exit with status 1 if anything failed.
    CheckSystem,
    /// Print the reason to standard error and exit with status 1.
    Refused(String),
}

/// How to start the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Launch {
    /// The configuration file, made absolute.
    pub file: Option<PathBuf>,
    /// Whether standard input holds more configuration.
    pub stdin: bool,
    /// The options, as lines of a configuration file.
    pub options: Vec<u8>,
}

/// Understands the arguments, the program's name first. `dir` is the directory the process is in.
pub fn parse(args: &[OsString], dir: &Path) -> Program {
    let name = args.first().map(|name| Path::new(name).file_name().unwrap_or(name)).unwrap_or_default();
    let called = |program: &str| name.to_string_lossy().contains(program);
    let rest = args.get(1..).unwrap_or_default();
    if called("redis-check-rdb") {
        return Program::CheckRdb { args: rest.to_vec() };
    }
    if called("redis-check-aof") {
        return Program::CheckAof { args: rest.to_vec() };
    }
    if let Some(program) = rest.first().and_then(|first| special(first, &rest[1..])) {
        return program;
    }
    let launch = parse_launch(rest, dir);
    if called("redis-sentinel") || rest.iter().any(|arg| arg == "--sentinel") {
        Program::Sentinel(launch)
    } else {
        Program::Server(launch)
    }
}

/// First arguments that ask for something else than a server.
fn special(first: &OsStr, rest: &[OsString]) -> Option<Program> {
    match first.to_str()? {
        "-v" | "--version" => Some(Program::Version),
        "-h" | "--help" => Some(Program::Help),
        "--check-system" => Some(Program::CheckSystem),
        "--check-rdb" => Some(Program::CheckRdb { args: rest.to_vec() }),
        "--check-aof" => Some(Program::CheckAof { args: rest.to_vec() }),
        "--internal-config-status" => Some(Program::ConfigStatus),
        "--test-memory" => Some(Program::Refused(
            "This server has no memory test. Programs like memtest86 test memory better than a process can."
                .into(),
        )),
        _ => None,
    }
}

fn parse_launch(args: &[OsString], dir: &Path) -> Launch {
    let mut launch = Launch::default();
    let mut first = 0;
    if let Some(file) = args.first().filter(|arg| !arg.as_bytes().starts_with(b"-")) {
        launch.file = Some(dir.join(file));
        first = 1;
    }
    // Whether the last directive has an argument, so that `--` starts another one.
    let mut complete = true;
    for (index, arg) in args.iter().enumerate().skip(first) {
        let arg = arg.as_bytes();
        let next = args.get(index + 1);
        if arg == b"-" && (index == 0 || next.is_none()) {
            launch.stdin = true;
        } else if let Some(directive) = arg.strip_prefix(b"--").filter(|_| complete) {
            if !launch.options.is_empty() {
                launch.options.push(b'\n');
            }
            launch.options.extend_from_slice(directive);
            launch.options.push(b' ');
            complete = has_argument(arg) || add_missing(directive, next, &mut launch.options);
        } else {
            launch.options.extend(Words::quote(arg));
            launch.options.push(b' ');
            complete = true;
        }
    }
    launch
}

/// Tells whether `--name value` came as one argument.
fn has_argument(arg: &[u8]) -> bool {
    Words::split(arg).is_none_or(|words| words.len() > 1)
}

/// `--save` and `--sentinel` may stand alone, the former for `--save ""`. Tells whether the directive is complete.
fn add_missing(directive: &[u8], next: Option<&OsString>, options: &mut Vec<u8>) -> bool {
    if !next.is_none_or(|next| next.as_bytes().starts_with(b"--")) {
        return false;
    }
    if directive.eq_ignore_ascii_case(b"save") {
        options.extend(b"\"\"");
        return true;
    }
    directive.eq_ignore_ascii_case(b"sentinel")
}

/// The line `--version` prints, of the form scripts know from Redis.
pub fn version_text() -> String {
    format!(
        "Redis server v={REDIS_VERSION} sha={COMMIT}:0 malloc={} bits={} build={COMMIT} redan={VERSION}",
        allocator_name(),
        usize::BITS
    )
}

/// The memory allocator and its version, as INFO and `--version` show it.
pub fn allocator_name() -> String {
    let version = tikv_jemalloc_ctl::version::read().unwrap_or_default();
    format!("jemalloc-{}", version.split('-').next().unwrap_or_default())
}

/// The text `--help` prints.
pub fn help_text() -> String {
    let command = clap::Command::new("redan")
        .about("A server that speaks the Redis protocol")
        .override_usage(
            "redan [FILE] [--DIRECTIVE VALUE...]... [-]\n       \
             redan FILE --sentinel\n       \
             redan --check-rdb FILE\n       \
             redan --check-aof [--fix|--truncate-to-timestamp TIME] FILE\n       \
             redan --check-system\n       \
             redan -v | --version\n       \
             redan -h | --help",
        )
        .after_help(
            "FILE is a configuration file in the format of redis.conf, - reads (more of) it from standard input.\n\
             Each --DIRECTIVE VALUE is a line of it and wins over the file; so does a variable REDAN_DIRECTIVE,\n\
             which in turn yields to arguments.\n\n\
             Called as redis-server, redis-sentinel, redis-check-rdb or redis-check-aof, it is that program.\n\n\
             Examples:\n  \
             redan                                              run with the defaults\n  \
             echo 'maxmemory 128mb' | redan -                   read the configuration from standard input\n  \
             redan /etc/redis/6379.conf --loglevel verbose      a file, and one option\n  \
             redan --port 7777 --replicaof 127.0.0.1 8888       options only\n  \
             redan /etc/sentinel.conf --sentinel                run as a Sentinel",
        )
        .disable_help_flag(true);
    command.clone().render_help().to_string()
}

/// Every parameter with what it does, those without effect marked by a minus: what `--internal-config-status` prints.
pub fn config_status() -> String {
    let line = |param: &crate::config::param::Param| {
        format!("{} {:<40} {}\n", if param.acted { '+' } else { '-' }, param.name, param.doc)
    };
    crate::config::table::all().map(line).collect()
}

/// What `--check-system` found out about one thing: its name, and what is wrong with it.
pub type Finding = (&'static str, Result<(), String>);

/// Checks the settings of the system that matter. `read` gives the content of a file of /proc or /sys, if it is there.
///
/// Overcommit of memory and transparent huge pages, which Redis checks, do not matter to a server that never forks.
pub fn check_system(read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let backlog = match read("/proc/sys/net/core/somaxconn").and_then(|text| text.trim().parse::<u32>().ok())
    {
        Some(limit) if limit < 511 => Err(format!(
            "net.core.somaxconn is {limit}: tcp-backlog is reduced to it, and bursts of connections may be refused"
        )),
        _ => Ok(()),
    };
    let clock = match read("/sys/devices/system/clocksource/clocksource0/current_clocksource") {
        Some(source) if source.trim() == "xen" => {
            Err("the clock source is xen, which is slow; tsc is better if the machine has it".to_owned())
        }
        _ => Ok(()),
    };
    vec![("tcp-backlog", backlog), ("slow-clocksource", clock)]
}

#[cfg(test)]
mod tests;
