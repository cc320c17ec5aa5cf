//! `cargo xtask config-status`: the server knows its own parameter table, so it prints the status itself.

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// Asks a development build of the server for the status of every configuration parameter.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--package", "redan-server", "--", "--internal-config-status"]);
    process::check(&mut cargo)
}
