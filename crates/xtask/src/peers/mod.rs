//! `cargo xtask peers`: the programs Redan is tested against.
//!
//! On a Debian 12 machine with nothing but a C compiler, Rust and apt this fetches, into `target/peers`:
//!
//! - Redis 7.0 (server, sentinel, tools) and Valkey 8.0 from bookworm and bookworm-backports,
//! - Redis 8.0 from trixie, with trixie's C library beside it; its programs are called `redis-server-8.0` etc.,
//! - the shared libraries they need, Tcl with TLS, and a few small tools when the machine lacks them,
//! - the source package `redis` 8.0 of trixie, of which only the Tcl test suites are used.
//!
//! Packages are downloaded and unpacked, never installed: no maintainer script runs and no service starts.
//! apt works in a private folder, with sources derived from the machine's own and signatures checked.
//! The programs are started through wrappers in `target/peers/bin` that name the private library folders.

mod apt;
mod mirror;
mod suite;
mod wrappers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::peers::apt::PrivateApt;
use crate::process;
use crate::workspace::Workspace;

/// Raised whenever what this task lays out changes, so that older folders are made anew.
const LAYOUT: u32 = 2;

/// Arguments of `cargo xtask peers`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fetch everything again even when it is already there.
    #[arg(long)]
    fresh: bool,
}

/// The fetched programs and test suites, below `target/peers`.
pub(crate) struct Peers {
    dir: PathBuf,
}

/// Prints what is there after fetching what is missing.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.fresh {
        let dir = workspace.target("peers");
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("removing {}", dir.display()))?;
        }
    }
    let peers = Peers::ensure(workspace)?;
    print!("{}", peers.describe()?);
    Ok(())
}

impl Peers {
    /// Fetches what is missing. Quick and offline when everything is there already.
    pub(crate) fn ensure(workspace: &Workspace) -> Result<Peers> {
        let peers = Peers { dir: workspace.target("peers") };
        fs::create_dir_all(&peers.dir)?;
        // Two tasks at once must not unpack into the same folder.
        let lock = fs::File::create(peers.dir.join("lock"))?;
        lock.lock().context("waiting for another `cargo xtask peers`")?;

        let stamp = peers.dir.join("complete");
        if fs::read_to_string(&stamp).is_ok_and(|found| found == peers.stamp()) {
            return Ok(peers);
        }
        println!("fetching peers into {}", peers.dir.display());
        peers.fetch().context("cargo xtask peers")?;
        peers.verify()?;
        fs::write(&stamp, peers.stamp())?;
        Ok(peers)
    }

    /// The folder with the wrappers (`redis-server`, `redis-cli`, `valkey-server`, `tclsh8.6`, ...).
    pub(crate) fn bin(&self) -> PathBuf {
        self.dir.join("bin")
    }

    /// One program's wrapper.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin().join(name)
    }

    /// The unpacked source package with the Tcl suites.
    pub(crate) fn suite(&self) -> PathBuf {
        self.dir.join("suite")
    }

    /// What makes a finished folder valid: the layout and its place, since wrappers hold absolute paths.
    fn stamp(&self) -> String {
        format!("layout {LAYOUT}\nat {}\n", self.dir.display())
    }

    fn fetch(&self) -> Result<()> {
        let apt = PrivateApt::prepare(&self.dir.join("apt"))?;

        for root in [apt::ROOT, apt::ROOT_8_0] {
            fresh_dir(&self.dir.join(root))?;
        }
        for packages in apt::PACKAGES {
            let debs = fresh_dir(&self.dir.join("debs"))?;
            apt.download(packages, &debs)?;
            for deb in files_ending_in(&debs, ".deb")? {
                let root = self.dir.join(packages.root);
                process::check(Command::new("dpkg").arg("-x").arg(&deb).arg(root))?;
            }
        }
        let bin = fresh_dir(&self.bin())?;
        wrappers::write(&bin, &self.dir.join(apt::ROOT))?;
        wrappers::write_8_0(&bin, &self.dir.join(apt::ROOT_8_0))?;

        let source = fresh_dir(&self.dir.join("source"))?;
        apt.download_suite_source(&source)?;
        suite::unpack(&source, &fresh_dir(&self.suite())?, &self.bin())
    }

    /// Starts each program once, so that a missing library shows here and not in the middle of a test.
    fn verify(&self) -> Result<()> {
        // The AOF checker is the one program that takes `--version` for a file name.
        let programs = wrappers::PROGRAMS.iter().chain(wrappers::PROGRAMS_8_0);
        for name in programs.filter(|name| !name.contains("check-aof")) {
            let program = self.program(name);
            process::capture(Command::new(&program).arg("--version"))
                .with_context(|| format!("{name} was fetched but does not run"))?;
        }
        self.tcl("puts [info patchlevel]")?;
        self.tcl("package require tls").context("Tcl does not find its TLS package")?;
        if !self.suite().join("runtest").is_file() {
            bail!("the suite's source package holds no runtest");
        }
        Ok(())
    }

    fn describe(&self) -> Result<String> {
        let version = |name: &str| -> Result<String> {
            let text = process::capture(Command::new(self.program(name)).arg("--version"))?;
            Ok(text.lines().next().unwrap_or_default().to_owned())
        };
        Ok(format!(
            "redis    {}\nredis    {}\nvalkey   {}\ntcl      {} with tls {}\nsuite    {}\nprograms {}\n",
            version("redis-server")?,
            version("redis-server-8.0")?,
            version("valkey-server")?,
            self.tcl("puts [info patchlevel]")?,
            self.tcl("puts [package require tls]")?,
            suite::version(&self.suite())?,
            self.bin().display()
        ))
    }

    fn tcl(&self, script: &str) -> Result<String> {
        let file = self.dir.join("probe.tcl");
        fs::write(&file, script)?;
        let output = process::capture(Command::new(self.program("tclsh8.6")).arg(&file))?;
        Ok(output.trim().to_owned())
    }
}

/// Makes `dir` an empty folder.
fn fresh_dir(dir: &Path) -> Result<PathBuf> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    Ok(dir.to_owned())
}

/// The files of `dir` whose name ends in `suffix`, sorted.
fn files_ending_in(dir: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("listing {}", dir.display()))? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(suffix)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
