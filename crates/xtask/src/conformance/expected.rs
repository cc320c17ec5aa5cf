//! `tests/conformance/expected.toml`: how many tests of each suite file pass, as a floor that only rises.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::conformance::outcome::{Outcome, Suite};

const HEADER: &str = "\
# The public Tcl suites (Debian's source package redis 8.0.2) against Redan, one entry per file.
#
#   reference  tests that pass with Redis 8.0.2 itself
#   seconds    how long that took on two cores; the time-out is derived from it
#   pass       the floor: fewer passing tests fail `cargo xtask conformance --floor`
#   whole      every test passes except the listed ones; any other failure fails the floor
#   except     tests that are known not to pass, and why
#
# `cargo xtask conformance --update` raises `pass` and never lowers it. Reasons are written by hand.
";

/// All entries by suite and file.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    #[serde(default)]
    main: BTreeMap<String, Entry>,
    #[serde(default)]
    sentinel: BTreeMap<String, Entry>,
}

/// What is expected of one suite file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Tests that Redis itself passes.
    pub(super) reference: usize,
    /// Seconds that takes with Redis.
    pub(super) seconds: u64,
    /// Tests that must pass.
    pub(super) pass: usize,
    /// Whether tests outside `except` must not fail.
    #[serde(default)]
    pub(super) whole: bool,
    /// Tests that may fail.
    #[serde(default)]
    pub(super) except: Vec<Exception>,
}

/// A test that is known not to pass.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    /// The test's name.
    pub(super) test: String,
    /// Why it does not pass.
    pub(super) reason: String,
}

impl Entry {
    /// What is wrong with `outcome`, in words; nothing when the floor holds.
    pub(super) fn complaints(&self, outcome: &Outcome) -> Vec<String> {
        let mut complaints = Vec::new();
        if outcome.passed.len() < self.pass {
            complaints.push(format!("{} tests pass, the floor is {}", outcome.passed.len(), self.pass));
        }
        if self.whole {
            for failure in &outcome.failed {
                if !self.except.iter().any(|exception| exception.test == failure.test) {
                    complaints.push(format!("not excepted: {}", failure.test));
                }
            }
            complaints.extend(outcome.aborted.iter().map(|why| format!("aborted: {why}")));
        }
        complaints
    }
}

impl Expected {
    /// The file's place in the repository.
    pub(super) fn path(root: &Path) -> PathBuf {
        root.join("tests/conformance/expected.toml")
    }

    /// Reads the file; an error names the place that is wrong.
    pub(super) fn load(root: &Path) -> Result<Expected> {
        let path = Expected::path(root);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("reading {}", path.display()))
    }

    /// Writes the file in its one canonical form.
    pub(super) fn save(&self, root: &Path) -> Result<()> {
        let path = Expected::path(root);
        fs::write(&path, self.to_toml()).with_context(|| format!("writing {}", path.display()))
    }

    /// The entries of one suite.
    pub(super) fn suite(&self, suite: Suite) -> &BTreeMap<String, Entry> {
        match suite {
            Suite::Main => &self.main,
            Suite::Sentinel => &self.sentinel,
        }
    }

    /// The entry to change for one file; a new one when there is none.
    pub(super) fn entry(&mut self, suite: Suite, file: &str) -> &mut Entry {
        let entries = match suite {
            Suite::Main => &mut self.main,
            Suite::Sentinel => &mut self.sentinel,
        };
        entries.entry(file.to_owned()).or_default()
    }

    fn to_toml(&self) -> String {
        let mut text = HEADER.to_owned();
        for (suite, entries) in [("main", &self.main), ("sentinel", &self.sentinel)] {
            for (file, entry) in entries {
                write_entry(&mut text, suite, file, entry);
            }
        }
        text
    }
}

fn write_entry(text: &mut String, suite: &str, file: &str, entry: &Entry) {
    let quoted = |value: &str| toml::Value::from(value).to_string();
    let Entry { reference, seconds, pass, whole, except } = entry;
    let written = write!(text, "\n[{suite}.{}]\n", quoted(file))
        .and_then(|()| writeln!(text, "reference = {reference}\nseconds = {seconds}\npass = {pass}"))
        .and_then(|()| if *whole { writeln!(text, "whole = true") } else { Ok(()) });
    written.expect("writing to a string does not fail");
    if !except.is_empty() {
        text.push_str("except = [\n");
        for exception in except {
            let (test, reason) = (quoted(&exception.test), quoted(&exception.reason));
            text.push_str(&format!("    {{ test = {test}, reason = {reason} }},\n"));
        }
        text.push_str("]\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::outcome::Failure;

    fn outcome(passed: usize, failed: &[&str]) -> Outcome {
        let failure = |test: &&str| Failure { test: (*test).to_owned(), why: String::new() };
        Outcome {
            passed: vec!["a".into(); passed],
            failed: failed.iter().map(failure).collect(),
            ..Outcome::default()
        }
    }

    #[test]
    fn the_floor_holds_or_says_why_not() {
        let exception = Exception { test: "known".into(), reason: "why".into() };
        let mut entry = Entry { pass: 3, except: vec![exception], ..Entry::default() };
        assert_eq!(entry.complaints(&outcome(3, &["new"])), Vec::<String>::new());
        assert_eq!(entry.complaints(&outcome(2, &[])).len(), 1);
        entry.whole = true;
        assert_eq!(entry.complaints(&outcome(3, &["known"])), Vec::<String>::new());
        assert_eq!(entry.complaints(&outcome(3, &["known", "new"])), ["not excepted: new"]);
        let aborted = Outcome { aborted: Some("x".into()), ..outcome(3, &[]) };
        assert_eq!(entry.complaints(&aborted), ["aborted: x"]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut expected = Expected::default();
        *expected.entry(Suite::Main, "unit/x") = Entry {
            reference: 3,
            seconds: 1,
            pass: 2,
            whole: true,
            except: vec![Exception { test: "a \"b\" \\ [c]".into(), reason: "d".into() }],
        };
        expected.entry(Suite::Sentinel, "00-base").pass = 1;
        assert_eq!(toml::from_str::<Expected>(&expected.to_toml()).unwrap(), expected);
    }

    #[test]
    fn the_committed_file_is_canonical() {
        let root = crate::workspace::Workspace::find().unwrap();
        let text = fs::read_to_string(Expected::path(root.root())).unwrap();
        assert_eq!(Expected::load(root.root()).unwrap().to_toml(), text);
    }
}
