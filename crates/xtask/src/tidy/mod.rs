//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md that can be read off the sources.
//!
//! Each rule is a function from the [`Tree`] to [`Violation`]s, tested against small trees that break it.

mod crates;
mod files;
mod lexer;
mod tree;
mod words;

use anyhow::{Result, bail};

pub(crate) use crate::tidy::tree::Violation;
use crate::tidy::tree::{Source, Tree};
use crate::workspace::Workspace;

/// Prints every violation; an error when there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let violations = check(workspace)?;
    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        bail!("{} violations", violations.len());
    }
    println!("tidy");
    Ok(())
}

/// All violations in the repository.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<Violation>> {
    Ok(check_tree(&Tree::read(workspace.root())?))
}

fn check_tree(tree: &Tree) -> Vec<Violation> {
    let rules: &[fn(&Tree) -> Vec<Violation>] = &[
        words::runtime_only_in_server,
        words::unsafe_only_where_listed,
        crates::dependencies_follow_the_table,
        crates::lints_are_inherited,
        files::no_file_is_too_long,
        files::no_drawer_for_everything,
        files::the_readme_says_what_is_missing,
    ];
    rules.iter().flat_map(|rule| rule(tree)).collect()
}
