//! Where things are: the repository, its build directory, the server's binaries.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// The repository this program was started in.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

/// How the server is built for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Profile {
    /// Unoptimised with debug assertions.
    Dev,
    /// Optimised with a short build time.
    Quick,
    /// What is shipped.
    Release,
}

impl Profile {
    /// The name `cargo build --profile` takes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Profile::Dev => "dev",
            Profile::Quick => "quick",
            Profile::Release => "release",
        }
    }

    /// The folder below `target/` that cargo builds this profile into.
    fn folder(self) -> &'static str {
        match self {
            Profile::Dev => "debug",
            Profile::Quick => "quick",
            Profile::Release => "release",
        }
    }
}

impl Workspace {
    /// Finds the repository from the manifest folder that cargo hands to the programs it runs.
    pub(crate) fn find() -> Result<Workspace> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root =
            manifest.ancestors().nth(2).context("crates/xtask lies two folders below the root")?.to_owned();
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Workspace { root, target })
    }

    /// The repository's top folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path below cargo's build folder; everything tasks produce goes there.
    pub(crate) fn target(&self, path: &str) -> PathBuf {
        self.target.join(path)
    }

    /// A cargo command that runs in the repository's top folder.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // What cargo sets for the program it runs describes this crate, not the ones that are to be built.
        command.current_dir(&self.root).env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
        command
    }

    /// Where cargo puts the server's binary for `profile`.
    pub(crate) fn server_binary(&self, profile: Profile) -> PathBuf {
        self.target.join(profile.folder()).join("redan")
    }

    /// Builds the server and returns its binary.
    pub(crate) fn build_server(&self, profile: Profile) -> Result<PathBuf> {
        let mut cargo = self.cargo();
        cargo.args(["build", "--quiet", "--package", "redan-server", "--profile", profile.name()]);
        process::check(&mut cargo)?;
        Ok(self.server_binary(profile))
    }
}
