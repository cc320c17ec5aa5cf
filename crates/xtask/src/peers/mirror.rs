//! The machine's own Debian mirror, read from its apt configuration.
//!
//! Two formats exist side by side (`man 5 sources.list`): one line per entry in `*.list`, and stanzas of
//! fields ("deb822") in `*.sources`. Both are read into [`SourceEntry`], and written as stanzas.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The release whose mirror entry is looked for; other suites are derived from it.
const RELEASE: &str = "bookworm";

/// The entry that serves bookworm on this machine.
pub(super) struct Mirror {
    entry: SourceEntry,
}

/// One entry of an apt configuration: field names and their values, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceEntry {
    fields: Vec<(String, String)>,
}

impl Mirror {
    /// Reads `/etc/apt`. An error when no entry serves bookworm.
    pub(super) fn of_this_machine() -> Result<Mirror> {
        Mirror::read(Path::new("/etc/apt"))
    }

    fn read(etc_apt: &Path) -> Result<Mirror> {
        let mut files = Vec::new();
        if let Ok(entries) = fs::read_dir(etc_apt.join("sources.list.d")) {
            files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
            files.sort();
        }
        files.insert(0, etc_apt.join("sources.list"));
        for file in files {
            let parse = match file.extension().and_then(|extension| extension.to_str()) {
                Some("list") => parse_list,
                Some("sources") => parse_deb822,
                _ => continue,
            };
            let Ok(text) = fs::read_to_string(&file) else { continue };
            if let Some(entry) = parse(&text).into_iter().find(SourceEntry::serves_release) {
                return Ok(Mirror { entry });
            }
        }
        bail!("no entry for {RELEASE} in {}: this task needs Debian 12", etc_apt.display())
    }

    /// The same mirror's binary packages of another suite.
    pub(super) fn binary_entry(&self, suite: &str) -> SourceEntry {
        self.derive("deb", suite)
    }

    /// The same mirror's source packages of another suite.
    pub(super) fn source_entry(&self, suite: &str) -> SourceEntry {
        self.derive("deb-src", suite)
    }

    fn derive(&self, kind: &str, suite: &str) -> SourceEntry {
        let mut entry = self.entry.clone();
        entry.set("Types", kind);
        entry.set("Suites", suite);
        entry.set("Components", "main");
        entry
    }
}

impl SourceEntry {
    /// Sets a field; its name is compared without regard to case, as apt does.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|(found, _)| found.eq_ignore_ascii_case(name)) {
            Some(field) => field.1 = value.to_owned(),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The entry as a stanza, with a final newline.
    pub(super) fn to_deb822(&self) -> String {
        self.fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
    }

    fn get(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value.as_str())
    }

    fn has_word(&self, name: &str, word: &str) -> bool {
        self.get(name).split_whitespace().any(|found| found == word)
    }

    fn serves_release(&self) -> bool {
        self.has_word("Types", "deb")
            && self.has_word("Suites", RELEASE)
            && self.has_word("Components", "main")
            && !self.get("Enabled").eq_ignore_ascii_case("no")
    }
}

/// Reads `deb [option=value ...] uri suite component...` lines.
fn parse_list(text: &str) -> Vec<SourceEntry> {
    text.lines().filter_map(|line| parse_list_line(line).ok()).collect()
}

fn parse_list_line(line: &str) -> Result<SourceEntry> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let (kind, rest) = line.split_once(char::is_whitespace).context("a type and more")?;
    let mut entry = SourceEntry { fields: vec![("Types".into(), kind.into())] };
    let mut rest = rest.trim_start();
    if let Some(options) = rest.strip_prefix('[') {
        let (options, after) = options.split_once(']').context("options end with a bracket")?;
        for (name, value) in options.split_whitespace().filter_map(|option| option.split_once('=')) {
            let field = match name {
                "arch" => "Architectures",
                "lang" => "Languages",
                "target" => "Targets",
                same => same,
            };
            entry.set(field, &value.replace(',', " "));
        }
        rest = after;
    }
    let mut words = rest.split_whitespace();
    entry.set("URIs", words.next().context("a mirror")?);
    entry.set("Suites", words.next().context("a suite")?);
    entry.set("Components", &words.collect::<Vec<_>>().join(" "));
    Ok(entry)
}

/// Reads stanzas of `Name: value` fields; lines that start with a blank continue the value before them.
fn parse_deb822(text: &str) -> Vec<SourceEntry> {
    let mut entries = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            if !fields.is_empty() {
                entries.push(SourceEntry { fields: std::mem::take(&mut fields) });
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_keep_comments_out_and_embedded_keys_in() {
        let text = "Types: deb\n# a comment\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\n\
                    Components: main contrib\nSigned-By:\n -----BEGIN PGP\n .\n -----END PGP\n\nTypes: deb\nSuites: x\n";
        let entries = parse_deb822(text);
        assert_eq!(entries.len(), 2);
        assert!(entries[0].serves_release());
        assert!(!entries[1].serves_release());
        let derived = Mirror { entry: entries[0].clone() }.source_entry("trixie").to_deb822();
        assert_eq!(
            derived,
            "Types: deb-src\nURIs: http://mirror/debian\nSuites: trixie\nComponents: main\n\
             Signed-By: \n -----BEGIN PGP\n .\n -----END PGP\n"
        );
    }

    #[test]
    fn one_line_entries_become_stanzas() {
        let text = "# deb http://no/ bookworm main\n\
                    deb-src http://mirror/debian bookworm main\n\
                    deb [arch=amd64,arm64 signed-by=/k.gpg] http://mirror/debian bookworm main non-free # why\n\
                    deb http://mirror/security bookworm-security main\n\
                    deb broken\n";
        let entries = parse_list(text);
        let serving: Vec<_> = entries.iter().filter(|entry| entry.serves_release()).collect();
        assert_eq!(serving.len(), 1);
        let derived = Mirror { entry: serving[0].clone() }.binary_entry("bookworm-backports").to_deb822();
        assert_eq!(
            derived,
            "Types: deb\nArchitectures: amd64 arm64\nsigned-by: /k.gpg\nURIs: http://mirror/debian\n\
             Suites: bookworm-backports\nComponents: main\n"
        );
    }

    #[test]
    fn a_disabled_or_missing_entry_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sources.list.d")).unwrap();
        let file = dir.path().join("sources.list.d/debian.sources");
        let stanza = "Types: deb\nURIs: http://m/\nSuites: bookworm\nComponents: main\n";
        fs::write(&file, format!("Enabled: no\n{stanza}")).unwrap();
        assert!(Mirror::read(dir.path()).is_err());
        fs::write(&file, stanza).unwrap();
        assert!(Mirror::read(dir.path()).is_ok());
    }
}
