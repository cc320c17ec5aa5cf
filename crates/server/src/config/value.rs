//! Values of parameters: parsing what a user wrote, and showing it as CONFIG GET does.

mod number;
mod parse;

pub use number::parse_memory;
pub(super) use number::show_memory;
pub use parse::{Prior, parse};

use super::param::{Kind, Param};

/// The value of a parameter, in the form its [`Kind`] prescribes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Int`], [`Kind::Octal`], [`Kind::Choice`] (a discriminant) and [`Kind::Flags`] (bits).
    Int(i64),
    /// Of [`Kind::Memory`].
    Amount(Amount),
    /// Of [`Kind::Text`], [`Kind::Dir`] and [`Kind::Notify`] (letters in canonical order).
    Text(String),
    /// Of [`Kind::Bytes`].
    Bytes(Vec<u8>),
    /// Of [`Kind::Save`].
    Save(Vec<SavePoint>),
    /// Of [`Kind::Bind`].
    Bind(Vec<String>),
    /// Of [`Kind::ReplicaOf`].
    Master(Option<MasterAddr>),
    /// Of [`Kind::OutputLimits`].
    Limits(OutputLimits),
    /// Of [`Kind::OomScores`]: master, replica, background process.
    Oom([i32; 3]),
    /// Of [`Kind::Percentiles`].
    Percentiles(Vec<f64>),
}

/// A number of bytes, or a share of the memory limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths of what the parameter's documentation refers to.
    Percent(u8),
}

impl Amount {
    /// The number of bytes, where `whole` is what a percentage refers to.
    pub fn bytes_of(self, whole: u64) -> u64 {
        match self {
            Amount::Bytes(bytes) => bytes,
            Amount::Percent(percent) => {
                u64::try_from(u128::from(whole) * u128::from(percent) / 100).unwrap_or(u64::MAX)
            }
        }
    }
}

/// Save the dataset after `seconds` if at least `changes` happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last save.
    pub seconds: u64,
    /// Changes since the last save.
    pub changes: u64,
}

/// Where the master listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterAddr {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// How much output a client may leave unread before it is disconnected; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimit {
    /// Disconnected at once beyond so many bytes.
    pub hard: u64,
    /// Disconnected when beyond so many bytes for `soft_seconds` on end.
    pub soft: u64,
    /// See `soft`.
    pub soft_seconds: u64,
}

/// The limits of the three classes of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimits {
    /// Ordinary clients, MONITOR included.
    pub normal: OutputLimit,
    /// Replicas.
    pub replica: OutputLimit,
    /// Clients subscribed to a channel.
    pub pubsub: OutputLimit,
}

impl OutputLimits {
    /// What holds while nothing is configured.
    pub const DEFAULT: OutputLimits = OutputLimits {
        normal: OutputLimit { hard: 0, soft: 0, soft_seconds: 0 },
        replica: OutputLimit { hard: 256 << 20, soft: 64 << 20, soft_seconds: 60 },
        pubsub: OutputLimit { hard: 32 << 20, soft: 8 << 20, soft_seconds: 60 },
    };
}

/// Save points while none are configured.
pub const DEFAULT_SAVE: [SavePoint; 3] = [
    SavePoint { seconds: 3600, changes: 1 },
    SavePoint { seconds: 300, changes: 100 },
    SavePoint { seconds: 60, changes: 10_000 },
];

/// Addresses that are listened on while none are configured; a leading `-` tolerates that one is not available.
pub const DEFAULT_BIND: [&str; 2] = ["*", "-::*"];

const DEFAULT_OOM: [i32; 3] = [0, 200, 800];
const DEFAULT_PERCENTILES: [f64; 3] = [50.0, 99.0, 99.9];

impl Value {
    /// The value of a parameter that nobody has set. (The working directory starts empty and is filled in by
    /// [`Settings::new`](super::Settings::new).)
    pub fn default_of(param: &Param) -> Value {
        match param.kind {
            Kind::Bool(default) => Value::Bool(default),
            Kind::Int { default, .. } => {
                Value::Int(param.machine_default.map_or(default, |compute| compute()))
            }
            Kind::Octal { .. } | Kind::Flags { .. } => Value::Int(0),
            Kind::Choice { default, .. } => Value::Int(default),
            Kind::Memory { default, .. } => Value::Amount(Amount::Bytes(default)),
            Kind::Text(default) => Value::Text(default.to_owned()),
            Kind::Dir | Kind::Notify => Value::Text(String::new()),
            Kind::Bytes => Value::Bytes(Vec::new()),
            Kind::Save => Value::Save(DEFAULT_SAVE.to_vec()),
            Kind::Bind => Value::Bind(DEFAULT_BIND.map(str::to_owned).to_vec()),
            Kind::ReplicaOf => Value::Master(None),
            Kind::OutputLimits => Value::Limits(OutputLimits::DEFAULT),
            Kind::OomScores => Value::Oom(DEFAULT_OOM),
            Kind::Percentiles => Value::Percentiles(DEFAULT_PERCENTILES.to_vec()),
        }
    }

    /// The value as CONFIG GET shows it.
    pub fn show(&self, param: &Param) -> Vec<u8> {
        match (self, param.kind) {
            (Value::Bytes(bytes), _) => return bytes.clone(),
            (Value::Bool(on), _) => if *on { "yes" } else { "no" }.to_owned(),
            (Value::Int(bits), Kind::Octal { .. }) => format!("{bits:o}"),
            (Value::Int(number), Kind::Choice { names, .. }) => word_of(names, *number).to_owned(),
            (Value::Int(bits), Kind::Flags { names }) => show_flags(names, *bits),
            (Value::Int(number), _) => number.to_string(),
            (Value::Amount(Amount::Bytes(bytes)), _) => bytes.to_string(),
            (Value::Amount(Amount::Percent(percent)), _) => format!("{percent}%"),
            (Value::Text(text), _) => text.clone(),
            (Value::Save(points), _) => {
                join(points.iter().map(|point| format!("{} {}", point.seconds, point.changes)))
            }
            (Value::Bind(addresses), _) => addresses.join(" "),
            (Value::Master(master), _) => {
                master.as_ref().map_or_else(String::new, |addr| format!("{} {}", addr.host, addr.port))
            }
            (Value::Limits(limits), _) => show_limits(limits),
            (Value::Oom(scores), _) => join(scores.iter().map(i32::to_string)),
            (Value::Percentiles(list), _) => join(list.iter().map(|percentile| show_percentile(*percentile))),
        }
        .into_bytes()
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" ")
}

/// The canonical word for a choice's discriminant.
pub(super) fn word_of(names: &'static [(&'static str, i64)], number: i64) -> &'static str {
    names.iter().find(|(_, candidate)| *candidate == number).map_or("unknown", |(word, _)| word)
}

pub(super) fn show_flags(names: &'static [(&'static str, i64)], bits: i64) -> String {
    if bits == 0 {
        return word_of(names, 0).to_owned();
    }
    join(names.iter().filter(|(_, bit)| *bit != 0 && bits & bit == *bit).map(|(word, _)| (*word).to_owned()))
}

/// Six decimals at most, without trailing zeros.
pub(super) fn show_percentile(percentile: f64) -> String {
    let text = format!("{percentile:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Clients and tools know the class of replicas as `slave` here.
fn show_limits(limits: &OutputLimits) -> String {
    let classes = [("normal", limits.normal), ("slave", limits.replica), ("pubsub", limits.pubsub)];
    join(
        classes
            .iter()
            .map(|(class, limit)| format!("{class} {} {} {}", limit.hard, limit.soft, limit.soft_seconds)),
    )
}

#[cfg(test)]
mod tests;
