//! Which suite files a run consists of, and how long each may take.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::conformance::Args;
use crate::conformance::expected::{Entry, Expected};
use crate::conformance::outcome::Suite;
use crate::peers::Peers;

/// Folders of the main suite's files, below `tests/`; the suite's own list.
const MAIN_FOLDERS: &[&str] = &["unit", "unit/type", "unit/cluster", "integration"];

/// One suite file to run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The suite it belongs to.
    pub(super) suite: Suite,
    /// Its name as the suite's program wants it, without `.tcl`.
    pub(super) file: String,
    /// What is expected of it.
    pub(super) entry: Entry,
    /// When to end it.
    pub(super) timeout: Duration,
    /// When the suite shall give up because no test has begun or ended.
    pub(super) stall: Duration,
}

impl Plan {
    /// The files that `args` ask for, longest first, so that parallel runs end together.
    pub(super) fn select(peers: &Peers, expected: &Expected, args: &Args) -> Result<Vec<Plan>> {
        let suites: &[Suite] = if args.floor { &[Suite::Main, Suite::Sentinel] } else { &[args.suite] };
        let mut plans = Vec::new();
        for &suite in suites {
            let existing = files(&peers.suite(), suite)?;
            for file in &existing {
                let entry = expected.suite(suite).get(file).cloned().unwrap_or_default();
                if !is_wanted(file, &args.files, &existing) || (args.floor && entry.pass == 0) {
                    continue;
                }
                plans.push(Plan::new(suite, file.clone(), entry, args.timeout));
            }
        }
        plans.sort_by_key(|plan| std::cmp::Reverse(plan.entry.seconds));
        Ok(plans)
    }

    fn new(suite: Suite, file: String, entry: Entry, timeout: Option<u64>) -> Plan {
        let timeout = Duration::from_secs(timeout.unwrap_or(60 + 3 * entry.seconds));
        let stall = Duration::from_secs((entry.seconds).clamp(45, 300));
        Plan { suite, file, entry, timeout, stall }
    }
}

/// A file's whole name selects that file alone, anything else every file whose name holds it.
fn is_wanted(file: &str, names: &[String], existing: &BTreeSet<String>) -> bool {
    let by_name = |name: &String| file == name || (!existing.contains(name) && file.contains(name.as_str()));
    names.is_empty() || names.iter().any(by_name)
}

fn files(suite_dir: &Path, suite: Suite) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let (top, folders) = match suite {
        Suite::Main => (suite_dir.join("tests"), MAIN_FOLDERS),
        Suite::Sentinel => (suite_dir.join("tests/sentinel/tests"), &[""][..]),
    };
    for folder in folders {
        let dir = top.join(folder);
        for entry in fs::read_dir(&dir).with_context(|| format!("listing {}", dir.display()))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(".tcl") {
                found.insert(if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_select_files() {
        let existing = ["unit/type/list", "unit/type/list-2", "unit/scan"].map(str::to_owned).into();
        let wanted = |file: &str, names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            is_wanted(file, &names, &existing)
        };
        assert!(wanted("unit/type/list", &[]));
        assert!(wanted("unit/type/list", &["unit/type/list"]));
        assert!(!wanted("unit/type/list-2", &["unit/type/list"]));
        assert!(wanted("unit/type/list-2", &["unit/type/"]));
        assert!(wanted("unit/type/list-2", &["x", "list"]));
        assert!(!wanted("unit/type/list-2", &["zset"]));
    }
}
