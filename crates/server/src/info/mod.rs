//! The process's sections of INFO. Names and order are those of Redis, because exporters read them by name and people by
//! eye; what does not exist here is shown with the value it has in a Redis that does not use it.

mod clients;
mod memory;
mod persistence;
mod sample;
mod server;
mod stats;

use crate::clock;
use crate::host::Server;
use redan_engine::InfoSection;
use sample::Samples;
use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What INFO remembers between two questions.
pub struct Info {
    /// 40 hexadecimal digits that are different for each start.
    run_id: String,
    started_s: i64,
    samples: Samples,
    rewrites_everything: AtomicBool,
}

impl Info {
    /// As of the start of the process.
    pub(crate) fn new() -> Self {
        let run_id = (0..40).map(|_| fastrand::digit(16)).collect();
        Self {
            run_id,
            started_s: clock::unix_s(),
            samples: Samples::default(),
            rewrites_everything: AtomicBool::new(false),
        }
    }

    /// The run id, 40 hexadecimal digits.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// When the process started, Unix seconds.
    pub fn started_s(&self) -> i64 {
        self.started_s
    }

    /// Whether CONFIG REWRITE writes all parameters (DEBUG CONFIG-REWRITE-FORCE-ALL).
    pub(crate) fn rewrites_everything(&self) -> bool {
        self.rewrites_everything.load(Relaxed)
    }

    pub(crate) fn set_rewrites_everything(&self, everything: bool) {
        self.rewrites_everything.store(everything, Relaxed);
    }

    /// Takes the samples that rates are computed from; called ten times a second.
    pub(crate) fn sample(&self, server: &Server) {
        self.samples.take(server.engine());
    }
}

/// Appends the fields of a section.
pub(crate) fn write(server: &Server, section: InfoSection, out: &mut String) {
    let mut fields = Fields(out);
    match section {
        InfoSection::Server => server::write(server, &mut fields),
        InfoSection::Clients => clients::write(server, &mut fields),
        InfoSection::Memory => memory::write(server, &mut fields),
        InfoSection::Persistence => persistence::write(server, &mut fields),
        InfoSection::Threads => stats::write_threads(server, &mut fields),
        InfoSection::Stats => stats::write(server, &mut fields),
        InfoSection::Replication => server.replication().info(out),
        InfoSection::Cpu => stats::write_cpu(&mut fields),
        InfoSection::Sentinel => {
            if let Some(sentinel) = server.sentinel_driver() {
                sentinel.info(out);
            }
        }
    }
}

/// Writes `name:value` lines.
struct Fields<'o>(&'o mut String);

impl Fields<'_> {
    fn add(&mut self, name: &str, value: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{name}:{value}\r\n");
    }
}

/// A size as people like it.
fn human(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.2}{unit}", bytes as f64 / *size as f64),
        None => format!("{bytes}B"),
    }
}

/// The quotient, or what is given without a divisor.
fn ratio(part: u64, whole: u64, otherwise: f64) -> f64 {
    if whole == 0 { otherwise } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_for_people() {
        assert_eq!(human(1023), "1023B");
        assert_eq!(human(1536), "1.50K");
        assert_eq!(human(3 << 30), "3.00G");
    }
}
