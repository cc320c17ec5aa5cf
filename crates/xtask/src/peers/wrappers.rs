//! Small scripts that start the unpacked programs with their private libraries.
//!
//! Each one `exec`s, so the process a test starts is the program itself, with the program's own name (a
//! server turns into a sentinel or a check tool by that name).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;

/// Programs the tests start.
pub(super) const PROGRAMS: &[&str] = &[
    "redis-server",
    "redis-sentinel",
    "redis-cli",
    "redis-benchmark",
    "redis-check-rdb",
    "redis-check-aof",
    "valkey-server",
    "valkey-sentinel",
    "valkey-cli",
    "valkey-benchmark",
    "valkey-check-rdb",
    "valkey-check-aof",
];

/// Programs of Redis 8.0, as they are called beside those of 7.0.
pub(super) const PROGRAMS_8_0: &[&str] = &[
    "redis-server-8.0",
    "redis-sentinel-8.0",
    "redis-cli-8.0",
    "redis-benchmark-8.0",
    "redis-check-rdb-8.0",
    "redis-check-aof-8.0",
];

/// Tools that get a wrapper only where the machine has none.
const TOOLS_IF_MISSING: &[&str] = &["ps", "xz", "patch"];

/// Writes a wrapper for each program below `root` that tests need into `bin`.
pub(super) fn write(bin: &Path, root: &Path) -> Result<()> {
    for name in PROGRAMS {
        write_one(bin, root, name, "")?;
    }
    for name in TOOLS_IF_MISSING {
        if process::find(name).is_none() {
            write_one(bin, root, name, "")?;
        }
    }
    let tcl = root.join("usr/share/tcltk/tcl8.6");
    let packages =
        format!("{root}/usr/lib/tcltk/{}-linux-gnu", std::env::consts::ARCH, root = root.display());
    let environment = format!("TCL_LIBRARY='{}' TCLLIBPATH='{packages}'", tcl.display());
    write_one(bin, root, "tclsh8.6", &environment)
}

/// Writes a wrapper for each program of Redis 8.0. They need a newer C library than the machine's, so its own
/// loader starts them; the server's binary is all of server, sentinel and check tools by its name.
pub(super) fn write_8_0(bin: &Path, root: &Path) -> Result<()> {
    let libraries = root.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
    let loaders = super::files_ending_in(&libraries, ".so.2")?;
    let is_loader =
        |path: &&PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("ld-linux"));
    let loader = loaders.iter().find(is_loader).context("no package brought the loader")?;
    for name in PROGRAMS_8_0 {
        let plain = name.trim_end_matches("-8.0");
        let file = match plain {
            "redis-cli" | "redis-benchmark" => plain,
            _ => "redis-check-rdb",
        };
        let command = format!(
            "'{}' --argv0 {plain} --library-path '{}' '{}'",
            loader.display(),
            libraries.display(),
            find_program(root, file)?.display()
        );
        write_script(bin, name, "", &command)?;
    }
    Ok(())
}

fn write_one(bin: &Path, root: &Path, name: &str, environment: &str) -> Result<()> {
    let program = find_program(root, name)?;
    let root = root.display();
    let arch = std::env::consts::ARCH;
    let libraries = format!("{root}/usr/lib/{arch}-linux-gnu:{root}/lib/{arch}-linux-gnu");
    let export = format!("export LD_LIBRARY_PATH='{libraries}' {environment}\n");
    write_script(bin, name, &export, &format!("'{}'", program.display()))
}

fn find_program(root: &Path, name: &str) -> Result<PathBuf> {
    let folders = [root.join("usr/bin"), root.join("bin")];
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.exists());
    found.with_context(|| format!("no package brought {name}"))
}

fn write_script(bin: &Path, name: &str, export: &str, command: &str) -> Result<()> {
    let file = bin.join(name);
    let script = format!("#!/bin/sh\n{export}exec {command} \"$@\"\n");
    fs::write(&file, script).with_context(|| format!("writing {}", file.display()))?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
