//! Checks of values that go beyond their kind, in Redis's words.

use super::value::Value;

/// Longest host name.
const MAX_HOSTNAME: usize = 256;

fn is_base_name(name: &str) -> bool {
    !name.contains(['/', '\\'])
}

pub(super) fn dbfilename(name: &str) -> Result<(), &'static str> {
    if is_base_name(name) { Ok(()) } else { Err("dbfilename can't be a path, just a filename") }
}

pub(super) fn appendfilename(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("appendfilename can't be empty")
    } else if !is_base_name(name) {
        Err("appendfilename can't be a path, just a filename")
    } else {
        Ok(())
    }
}

pub(super) fn appenddirname(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("appenddirname can't be empty")
    } else if !is_base_name(name) {
        Err("appenddirname can't be a path, just a dirname")
    } else {
        Ok(())
    }
}

pub(super) fn announced_hostname(name: &str) -> Result<(), &'static str> {
    if name.len() >= MAX_HOSTNAME {
        Err("Hostnames must be less than 256 characters")
    } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.') {
        Err("Hostnames may only contain alphanumeric characters, hyphens or dots")
    } else {
        Ok(())
    }
}

/// Names go into the nodes file, whose syntax must survive them.
pub(super) fn announced_nodename(name: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| !b"!#$%&()*+:;<>?@[]^{|}~".contains(&byte);
    if name.bytes().all(allowed) {
        Ok(())
    } else {
        Err("Announced human node name contained invalid character")
    }
}

/// `{title}` and a few other variables may appear; the result must not be empty.
pub(super) fn proc_title(template: &str) -> Result<(), &'static str> {
    const VARIABLES: [&str; 7] =
        ["title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"];
    const INVALID: Result<(), &str> = Err("template format is invalid or contains unknown variables");
    let mut rest = template;
    while let Some((_, from_variable)) = rest.split_once('{') {
        match from_variable.split_once('}') {
            Some((variable, after)) if VARIABLES.contains(&variable) => rest = after,
            _ => return INVALID,
        }
    }
    if template.trim().is_empty() { INVALID } else { Ok(()) }
}

/// Files may say `activedefrag yes`, but nobody shall believe that it was switched on.
pub(super) fn active_defrag(value: &Value) -> Result<(), &'static str> {
    match value {
        Value::Bool(true) => {
            Err("Active defragmentation cannot be enabled: it requires a Redis server compiled with a \
             modified Jemalloc like the one shipped by default with the Redis source distribution")
        }
        _ => Ok(()),
    }
}

/// The processors the process may use, as far as `io-threads` goes.
pub(super) fn processors() -> i64 {
    std::thread::available_parallelism()
        .map_or(1, |count| i64::try_from(count.get()).unwrap_or(128).clamp(1, 128))
}
