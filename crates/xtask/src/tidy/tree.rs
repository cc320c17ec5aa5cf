//! What the rules look at: sources, manifests and the README, read once.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::tidy::lexer;

/// The repository as far as rules care.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Every `.rs` file of the workspace.
    pub(super) sources: Vec<Source>,
    /// Every member's manifest.
    pub(super) manifests: Vec<Manifest>,
    /// The README, when there is one.
    pub(super) readme: Option<String>,
}

/// One Rust file.
#[derive(Debug)]
pub(super) struct Source {
    /// Its path from the repository's top folder, with `/`.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
    /// Its text with comments and literals blanked out, line for line.
    pub(super) code: String,
}

/// One member's `Cargo.toml`.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Its path from the repository's top folder.
    pub(super) path: String,
    /// The folder it is in: the crate's short name.
    pub(super) folder: String,
    /// Its content.
    pub(super) table: toml::Table,
}

/// A rule that is broken somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The file, from the repository's top folder.
    pub(super) path: String,
    /// The line, from 1, when the rule is about one.
    pub(super) line: Option<usize>,
    /// What is wrong and what to do instead.
    pub(super) message: String,
}

impl Tree {
    /// Reads the repository at `root`.
    pub(super) fn read(root: &Path) -> Result<Tree> {
        let mut tree = Tree { readme: fs::read_to_string(root.join("README.md")).ok(), ..Tree::default() };
        for top in ["crates", "tests", "benches"] {
            tree.read_folder(root, &root.join(top))?;
        }
        tree.sources.sort_by(|a, b| a.path.cmp(&b.path));
        tree.manifests.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn read_folder(&mut self, root: &Path, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
            let path = entry?.path();
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            if path.is_dir() {
                self.read_folder(root, &path)?;
            } else if relative.ends_with(".rs") {
                let text = fs::read_to_string(&path).with_context(|| format!("reading {relative}"))?;
                self.sources.push(Source::new(relative, text));
            } else if relative.ends_with("Cargo.toml") {
                let text = fs::read_to_string(&path).with_context(|| format!("reading {relative}"))?;
                self.manifests.push(Manifest::parse(relative, &text)?);
            }
        }
        Ok(())
    }
}

impl Source {
    /// A file with its code laid bare.
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Source {
        let text = text.into();
        Source { path: path.into(), code: lexer::code_only(&text), text }
    }

    /// The crate's short name: the folder below `crates/`, or the top folder.
    pub(super) fn folder(&self) -> &str {
        let mut parts = self.path.split('/');
        match parts.next() {
            Some("crates") => parts.next().unwrap_or_default(),
            top => top.unwrap_or_default(),
        }
    }

    /// A violation in this file.
    pub(super) fn violation(&self, line: Option<usize>, message: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), line, message: message.into() }
    }
}

impl Manifest {
    /// Reads a manifest's text.
    pub(super) fn parse(path: impl Into<String>, text: &str) -> Result<Manifest> {
        let path = path.into();
        let table = toml::from_str(text).with_context(|| format!("reading {path}"))?;
        let folder = path.trim_end_matches("/Cargo.toml").rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Manifest { path, folder, table })
    }

    /// A violation in this manifest.
    pub(super) fn violation(&self, message: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), line: None, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}
