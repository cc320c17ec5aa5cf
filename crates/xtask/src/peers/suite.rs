//! The source package with the Tcl suites: the upstream archive with Debian's patches (security fixes
//! come with tests) applied.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// Unpacks the package in `source` into the empty folder `into`; `bin` may hold `xz` and `patch`.
pub(super) fn unpack(source: &Path, into: &Path, bin: &Path) -> Result<()> {
    let path = process::path_with(bin)?;
    for archive in super::files_ending_in(source, ".orig.tar.gz")? {
        process::check(tar(&path, &archive, into).arg("--strip-components=1"))?;
    }
    for archive in super::files_ending_in(source, ".debian.tar.xz")? {
        process::check(&mut tar(&path, &archive, into))?;
    }
    let patches = into.join("debian/patches");
    let series = fs::read_to_string(patches.join("series")).context("reading Debian's patch series")?;
    for name in series.lines().map(str::trim).filter(|name| !name.is_empty() && !name.starts_with('#')) {
        let mut patch = Command::new("patch");
        patch.env("PATH", &path).current_dir(into);
        patch.args(["--strip=1", "--forward", "--silent", "--no-backup-if-mismatch", "--input"]);
        process::check(patch.arg(patches.join(name)))?;
    }
    Ok(())
}

/// The Debian version of the unpacked package.
pub(super) fn version(suite: &Path) -> Result<String> {
    let changelog = fs::read_to_string(suite.join("debian/changelog")).context("reading the changelog")?;
    let first = changelog.lines().next().unwrap_or_default();
    Ok(first.split(';').next().unwrap_or_default().trim().to_owned())
}

fn tar(path: &std::ffi::OsStr, archive: &Path, into: &Path) -> Command {
    let mut tar = Command::new("tar");
    tar.env("PATH", path).arg("--extract").arg("--file").arg(archive).arg("--directory").arg(into);
    tar
}
