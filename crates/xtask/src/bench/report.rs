//! The table of results, in Markdown.

use std::fmt::Write as _;
use std::fs;

use anyhow::Result;

/// One figure of both servers.
pub(super) struct Row {
    /// What was measured, with its unit.
    pub(super) name: String,
    ours: f64,
    theirs: f64,
    target: Target,
}

/// What a figure has to be.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// Shown for information.
    None,
    /// At least this many times the other server's.
    RatioAtLeast(f64),
    /// At most this many times the other server's.
    RatioAtMost(f64),
    /// At most this, whatever the other server has.
    AtMost(f64),
}

impl Row {
    /// A figure of ours and of theirs.
    pub(super) fn new(name: &str, ours: f64, theirs: f64, target: Target) -> Row {
        Row { name: name.to_owned(), ours, theirs, target }
    }

    /// Whether our figure is what it has to be.
    pub(super) fn meets_target(&self) -> bool {
        match self.target {
            Target::None => true,
            Target::RatioAtLeast(least) => self.ratio() >= least,
            Target::RatioAtMost(most) => self.ratio() <= most,
            Target::AtMost(most) => self.ours <= most,
        }
    }

    fn ratio(&self) -> f64 {
        self.ours / self.theirs
    }

    fn target_cell(&self) -> String {
        let target = match self.target {
            Target::None => return String::new(),
            Target::RatioAtLeast(least) => format!("≥ {least:.2}×"),
            Target::RatioAtMost(most) => format!("≤ {most:.2}×"),
            Target::AtMost(most) => format!("≤ {most}"),
        };
        if self.meets_target() { target } else { format!("{target} (missed)") }
    }
}

/// The table with a line above it that says on what machine.
pub(super) fn markdown(rows: &[Row], peer: &str, runs: usize) -> Result<String> {
    let mut text = String::new();
    writeln!(text, "{}; 50 connections, default settings, no persistence, median of {runs}.\n", machine())?;
    writeln!(text, "| | Redan | {peer} | ratio | target |")?;
    writeln!(text, "|---|---:|---:|---:|---:|")?;
    for row in rows {
        let (name, ours, theirs) = (&row.name, figure(row.ours), figure(row.theirs));
        writeln!(text, "| {name} | {ours} | {theirs} | {:.2}× | {} |", row.ratio(), row.target_cell())?;
    }
    Ok(text)
}

/// Three significant digits where there is a fraction.
fn figure(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{:.0}k", value / 1000.0),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// Processors and their model.
fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{processors} × {}", model.map_or("unknown processor", |(_, model)| model.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_met_or_marked() {
        let row = |ours, target| Row::new("x", ours, 100.0, target);
        assert!(row(100.0, Target::RatioAtLeast(1.0)).meets_target());
        assert!(!row(99.0, Target::RatioAtLeast(1.0)).meets_target());
        assert!(row(65.0, Target::RatioAtMost(0.65)).meets_target());
        assert!(!row(66.0, Target::RatioAtMost(0.65)).meets_target());
        assert!(!row(91.0, Target::AtMost(90.0)).meets_target());
        assert!(row(f64::MAX, Target::None).meets_target());
        // A figure that is not a number must not pass for a good one.
        assert!(!row(f64::NAN, Target::RatioAtLeast(1.0)).meets_target());
        let table = markdown(&[row(91.0, Target::AtMost(90.0))], "redis-server", 3).unwrap();
        assert!(table.contains("| x | 91.0 | 100 | 0.91× | ≤ 90 (missed) |"), "{table}");
    }

    #[test]
    fn figures_keep_three_digits() {
        assert_eq!([1.234, 12.34, 123.4, 123_456.0].map(figure), ["1.23", "12.3", "123", "123k"]);
    }
}
