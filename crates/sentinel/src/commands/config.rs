//! SENTINEL CONFIG GET and SET: options that concern all masters.

use redan_resp::glob::glob_match;
use redan_resp::parse_i64;

use super::Call;
use crate::config::yes_or_no;
use crate::event::LogLevel;
use crate::io::Output;
use crate::machine::Sentinel;
use crate::reply::{Answer, Reply};

/// One option.
struct Row {
    name: &'static str,
    get: fn(&Sentinel) -> Vec<u8>,
    /// Sets it; false if the value has the wrong form, in which case nothing is changed.
    set: fn(&mut Sentinel, &[u8], Mode) -> bool,
}

/// All values are checked before any is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Check,
    Apply,
}

/// In the order GET lists them.
const ROWS: &[Row] = &[
    Row {
        name: "resolve-hostnames",
        get: |s| yes_no(s.core.names.enabled),
        set: |s, value, mode| set_bool(value, mode, &mut s.core.names.enabled),
    },
    Row {
        name: "announce-hostnames",
        get: |s| yes_no(s.core.globals.announce_hostnames),
        set: |s, value, mode| set_bool(value, mode, &mut s.core.globals.announce_hostnames),
    },
    Row {
        name: "announce-ip",
        get: |s| s.core.globals.announce_ip.clone().unwrap_or_default().into_bytes(),
        set: |s, value, mode| {
            let Ok(ip) = std::str::from_utf8(value) else { return false };
            if mode == Mode::Apply {
                s.core.globals.announce_ip = (!ip.is_empty()).then(|| ip.to_owned());
            }
            true
        },
    },
    Row {
        name: "announce-port",
        get: |s| s.core.globals.announce_port.to_string().into_bytes(),
        set: |s, value, mode| {
            let Some(port) = parse_i64(value).and_then(|n| u16::try_from(n).ok()) else { return false };
            if mode == Mode::Apply {
                s.core.globals.announce_port = port;
            }
            true
        },
    },
    Row {
        name: "sentinel-user",
        get: |s| s.core.globals.sentinel_user.clone().unwrap_or_default(),
        set: |s, value, mode| {
            if mode == Mode::Apply {
                s.core.globals.sentinel_user = (!value.is_empty()).then(|| value.to_vec());
                s.drop_sentinel_connections();
            }
            true
        },
    },
    Row {
        name: "sentinel-pass",
        get: |s| s.core.globals.sentinel_pass.clone().unwrap_or_default(),
        set: |s, value, mode| {
            if mode == Mode::Apply {
                s.core.globals.sentinel_pass = (!value.is_empty()).then(|| value.to_vec());
                s.drop_sentinel_connections();
            }
            true
        },
    },
    Row {
        name: "loglevel",
        get: |s| s.core.globals.server.loglevel.as_str().into(),
        set: |s, value, mode| {
            let Some(level) = LogLevel::parse(value) else { return false };
            if mode == Mode::Apply {
                s.core.globals.server.loglevel = level;
                s.core.outputs.push_back(Output::SetLogLevel(level));
            }
            true
        },
    },
];

fn yes_no(value: bool) -> Vec<u8> {
    if value { b"yes".to_vec() } else { b"no".to_vec() }
}

fn set_bool(value: &[u8], mode: Mode, field: &mut bool) -> bool {
    let Some(value) = yes_or_no(value) else { return false };
    if mode == Mode::Apply {
        *field = value;
    }
    true
}

pub(super) fn config(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let (action, args) = (call.words[2], &call.words[3..]);
    if action.eq_ignore_ascii_case(b"get") {
        get(sentinel, args)
    } else if action.eq_ignore_ascii_case(b"set") && args.len() >= 2 {
        set(sentinel, args)
    } else {
        Answer::error(
            "Only SENTINEL CONFIG GET <param> [<param> <param> ...] / \
             SET <param> <value> [<param> <value> ...] are supported.",
        )
    }
}

/// Every option that a pattern matches, once, in the order of the patterns.
fn get(sentinel: &Sentinel, patterns: &[&[u8]]) -> Answer {
    let mut listed: Vec<&Row> = Vec::new();
    for pattern in patterns {
        for row in ROWS.iter().filter(|row| glob_match(pattern, row.name.as_bytes(), true)) {
            if !listed.iter().any(|other| other.name == row.name) {
                listed.push(row);
            }
        }
    }
    let pairs = listed.iter().map(|row| (Reply::bulk(row.name), Reply::Bulk((row.get)(sentinel))));
    Reply::Map(pairs.collect()).into()
}

fn set(sentinel: &mut Sentinel, args: &[&[u8]]) -> Answer {
    let shown = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let mut changes: Vec<(&Row, &[u8])> = Vec::new();
    for pair in args.chunks(2) {
        let name = shown(pair[0]);
        let Some(row) = ROWS.iter().find(|row| pair[0].eq_ignore_ascii_case(row.name.as_bytes())) else {
            return Answer::error(format!("Invalid argument '{name}' to SENTINEL CONFIG SET"));
        };
        if changes.iter().any(|(other, _)| other.name == row.name) {
            return Answer::error(format!("Duplicate argument '{name}' to SENTINEL CONFIG SET"));
        }
        let Some(value) = pair.get(1) else {
            return Answer::error(format!("Missing argument '{name}' value"));
        };
        if !(row.set)(sentinel, value, Mode::Check) {
            let value = shown(value);
            return Answer::error(format!("Invalid value '{value}' to SENTINEL CONFIG SET '{name}'"));
        }
        changes.push((row, value));
    }
    for (row, value) in changes {
        (row.set)(sentinel, value, Mode::Apply);
    }
    sentinel.touch_all();
    sentinel.answer_after_save()
}

impl Sentinel {
    /// Connects anew to all Sentinels, with new credentials.
    fn drop_sentinel_connections(&mut self) {
        for master in self.masters.values() {
            for peer in master.sentinels.values() {
                self.core.close_both(peer.base.link);
            }
        }
    }
}
