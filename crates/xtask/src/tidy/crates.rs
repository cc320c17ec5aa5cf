//! Rules about manifests.

use crate::tidy::tree::Manifest;
use crate::tidy::{Tree, Violation};

/// Which crates of ours each crate may use: the table of ARCHITECTURE.md.
const MAY_USE: &[(&str, &[&str])] = &[
    ("resp", &[]),
    ("keyspace", &[]),
    ("persistence", &["keyspace", "resp"]),
    ("replication", &["resp"]),
    ("sentinel", &["resp"]),
    ("engine", &["resp", "keyspace", "persistence", "replication"]),
    ("scripting", &["engine", "resp"]),
    ("commands", &["engine", "resp", "keyspace", "persistence", "replication", "scripting"]),
    ("sim", &["replication", "sentinel", "resp"]),
    ("xtask", &[]),
];

/// Crates that wire everything together or test it.
const MAY_USE_ALL: &[&str] = &["server", "tests", "benches"];

/// Libraries that bring a runtime or sockets.
const RUNTIME_LIBRARIES: &[&str] = &["tokio", "tokio-rustls", "socket2", "mio"];

/// Dependencies point the way the table says.
pub(super) fn dependencies_follow_the_table(tree: &Tree) -> Vec<Violation> {
    tree.manifests.iter().flat_map(check_dependencies).collect()
}

/// Every member takes its lints from the workspace.
pub(super) fn lints_are_inherited(tree: &Tree) -> Vec<Violation> {
    let inherits = |manifest: &&Manifest| {
        let lints = manifest.table.get("lints").and_then(|lints| lints.get("workspace"));
        lints.and_then(toml::Value::as_bool) == Some(true)
    };
    let sinners = tree.manifests.iter().filter(|manifest| !inherits(manifest));
    sinners.map(|manifest| manifest.violation("lacks `[lints] workspace = true`")).collect()
}

fn check_dependencies(manifest: &Manifest) -> Vec<Violation> {
    let folder = manifest.folder.as_str();
    if MAY_USE_ALL.contains(&folder) {
        return Vec::new();
    }
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == folder) else {
        return vec![manifest.violation("a new crate: give it a row in xtask's tidy/crates.rs")];
    };
    let mut violations = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(dependencies) = manifest.table.get(section).and_then(toml::Value::as_table) else {
            continue;
        };
        for name in dependencies.keys() {
            if let Some(ours) = name.strip_prefix("redan-")
                && !allowed.contains(&ours)
            {
                violations.push(manifest.violation(format!("{folder} must not know {ours}")));
            }
            if RUNTIME_LIBRARIES.contains(&name.as_str()) {
                violations.push(manifest.violation(format!("only server may use {name}")));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &str, text: &str) -> Tree {
        Tree { manifests: vec![Manifest::parse(path, text).unwrap()], ..Tree::default() }
    }

    #[test]
    fn a_dependency_against_the_table_is_found() {
        let bad = "[dependencies]\nredan-resp.workspace = true\nredan-keyspace.workspace = true\n";
        let violations = dependencies_follow_the_table(&tree("crates/sentinel/Cargo.toml", bad));
        assert_eq!(violations.len(), 1);
        assert!(violations[0].message.contains("keyspace"));
        assert_eq!(dependencies_follow_the_table(&tree("crates/server/Cargo.toml", bad)), []);
        let runtime = "[dev-dependencies]\ntokio = \"1\"\n";
        assert_eq!(dependencies_follow_the_table(&tree("crates/resp/Cargo.toml", runtime)).len(), 1);
        assert_eq!(dependencies_follow_the_table(&tree("crates/new/Cargo.toml", "")).len(), 1);
    }

    #[test]
    fn missing_lints_are_found() {
        assert_eq!(lints_are_inherited(&tree("tests/Cargo.toml", "[lints]\nworkspace = true\n")), []);
        assert_eq!(lints_are_inherited(&tree("tests/Cargo.toml", "[lints.rust]\nx = \"warn\"\n")).len(), 1);
        assert_eq!(lints_are_inherited(&tree("tests/Cargo.toml", "")).len(), 1);
    }
}
