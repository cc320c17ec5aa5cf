//! The lines that set a parameter to a value.

use crate::config::param::{Flags, Kind, Param};
use crate::config::value::{Amount, DEFAULT_BIND, OutputLimit, OutputLimits, Value, show_memory};
use crate::config::words::Words;

/// A line of a configuration file.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: Vec<u8>,
    /// Whether it is added to a file that does not have it: its value is not the default.
    pub(super) forced: bool,
}

/// The lines for a value; none if the parameter must not be in the file to have it.
pub(super) fn lines_of(param: &Param, value: &Value) -> Vec<Line> {
    let changed = *value != Value::default_of(param);
    let line = |argument: &[u8], forced| Line { text: join(param.name, argument), forced };
    match value {
        Value::Text(text) if matches!(param.kind, Kind::Dir) => {
            vec![line(&Words::quote(text.as_bytes()), true)]
        }
        Value::Text(text) => quoted(param, text.as_bytes(), changed),
        Value::Bytes(bytes) => quoted(param, bytes, changed),
        Value::Amount(Amount::Bytes(bytes)) => vec![line(show_memory(*bytes).as_bytes(), changed)],
        Value::Save(points) if points.is_empty() => vec![line(b"\"\"", true)],
        Value::Save(points) => {
            let point =
                |point: &crate::config::value::SavePoint| format!("{} {}", point.seconds, point.changes);
            points.iter().map(|each| line(point(each).as_bytes(), true)).collect()
        }
        Value::Bind(addresses) if *addresses == DEFAULT_BIND => Vec::new(),
        Value::Bind(addresses) if addresses.is_empty() => vec![line(b"\"\"", true)],
        Value::Bind(addresses) => {
            let words: Vec<Vec<u8>> = addresses.iter().map(|address| bare_or_quoted(address)).collect();
            vec![line(&words.join(&b' '), true)]
        }
        Value::Master(None) => Vec::new(),
        Value::Master(Some(master)) => {
            let mut words = bare_or_quoted(&master.host);
            words.extend(format!(" {}", master.port).bytes());
            vec![line(&words, true)]
        }
        Value::Limits(limits) => limit_lines(param, limits),
        Value::Percentiles(list) if list.is_empty() => vec![line(b"\"\"", true)],
        Value::Bool(_) | Value::Int(_) | Value::Amount(_) | Value::Oom(_) | Value::Percentiles(_) => {
            vec![line(&value.show(param), changed)]
        }
    }
}

fn join(name: &str, argument: &[u8]) -> Vec<u8> {
    [name.as_bytes(), argument].join(&b' ')
}

fn quoted(param: &Param, content: &[u8], changed: bool) -> Vec<Line> {
    if content.is_empty() && param.flags.contains(Flags::NULLABLE) {
        return Vec::new();
    }
    vec![Line { text: join(param.name, &Words::quote(content)), forced: changed }]
}

/// Addresses need quotes only if someone has put something strange there.
fn bare_or_quoted(word: &str) -> Vec<u8> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_*%/[]".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) { word.into() } else { Words::quote(word.as_bytes()) }
}

/// One line per class; only the classes that differ from their defaults have to be in the file.
fn limit_lines(param: &Param, limits: &OutputLimits) -> Vec<Line> {
    let default = OutputLimits::DEFAULT;
    let classes = [
        ("normal", limits.normal, default.normal),
        ("replica", limits.replica, default.replica),
        ("pubsub", limits.pubsub, default.pubsub),
    ];
    let show = |class: &str, limit: OutputLimit| {
        format!("{class} {} {} {}", show_memory(limit.hard), show_memory(limit.soft), limit.soft_seconds)
    };
    let line = |(class, limit, default): (&str, OutputLimit, OutputLimit)| Line {
        text: join(param.name, show(class, limit).as_bytes()),
        forced: limit != default,
    };
    classes.map(line).into()
}
