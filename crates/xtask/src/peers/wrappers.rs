//! Small scripts that start the unpacked programs with their private libraries.
//!
//! Each one `exec`s, so the process a test starts is the program itself, with the program's own name (a
//! server turns into a sentinel or a check tool by that name).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

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

fn write_one(bin: &Path, root: &Path, name: &str, environment: &str) -> Result<()> {
    let folders = [root.join("usr/bin"), root.join("bin")];
    let Some(program) = folders.iter().map(|folder| folder.join(name)).find(|path| path.exists()) else {
        bail!("no package brought {name}");
    };
    let root = root.display();
    let arch = std::env::consts::ARCH;
    let libraries = format!("{root}/usr/lib/{arch}-linux-gnu:{root}/lib/{arch}-linux-gnu");
    let script = format!(
        "#!/bin/sh\nexport LD_LIBRARY_PATH='{libraries}' {environment}\nexec '{}' \"$@\"\n",
        program.display()
    );
    let file = bin.join(name);
    fs::write(&file, script).with_context(|| format!("writing {}", file.display()))?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
