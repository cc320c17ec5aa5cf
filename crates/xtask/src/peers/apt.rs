//! apt in a private folder: own sources, lists and cache; the machine's own configuration (proxy,
//! credentials, keyrings, signature checks) stays in force.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::peers::mirror::{Mirror, SourceEntry};
use crate::process;

/// Binary packages of one suite that are unpacked into one folder.
pub(super) struct Packages {
    /// The Debian suite.
    suite: &'static str,
    /// The folder below `target/peers`.
    pub(super) root: &'static str,
    names: &'static [&'static str],
}

/// The folder of what runs with the machine's own C library.
pub(super) const ROOT: &str = "root";
/// The folder of trixie's programs, with trixie's C library.
pub(super) const ROOT_8_0: &str = "root-8.0";

/// Everything that is unpacked. Libraries and small tools are always fetched, so that a bare container and a
/// developer's machine run the same files.
pub(super) const PACKAGES: &[Packages] = &[
    Packages {
        suite: "bookworm",
        root: ROOT,
        names: &[
            "redis-server",
            "redis-sentinel",
            "redis-tools",
            // Shared libraries of these and of Valkey.
            "libatomic1",
            "libhiredis0.14",
            "libjemalloc2",
            "liblua5.1-0",
            "liblzf1",
            "lua-bitop",
            "lua-cjson",
            // What runs the suites.
            "tcl8.6",
            "libtcl8.6",
            "tcl-tls",
            // `ps` for the suites, `xz` and `patch` for the source package; used when the machine has none.
            "procps",
            "libproc2-0",
            "xz-utils",
            "patch",
        ],
    },
    Packages {
        suite: "bookworm-backports",
        root: ROOT,
        names: &["valkey-server", "valkey-sentinel", "valkey-tools"],
    },
    // Redis 8.0 with the libraries it needs, down to the C library and its loader.
    Packages {
        suite: "trixie",
        root: ROOT_8_0,
        names: &[
            "redis-tools",
            "libatomic1",
            "libc6",
            "libcap2",
            "libgcc-s1",
            "libjemalloc2",
            "liblzf1",
            "libssl3t64",
            "libstdc++6",
            "libsystemd0",
            "libzstd1",
            "zlib1g",
        ],
    },
];

/// The source package whose test suites are run, from trixie.
const SUITE_SOURCE: &str = "redis";

/// An apt whose state lives in a folder of ours.
pub(super) struct PrivateApt {
    dir: PathBuf,
}

impl PrivateApt {
    /// Writes the private sources and downloads the package indexes.
    pub(super) fn prepare(dir: &Path) -> Result<PrivateApt> {
        let apt = PrivateApt { dir: dir.to_owned() };
        for folder in ["lists/partial", "cache/archives/partial", "state"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        let mirror = Mirror::of_this_machine()?;
        apt.write_sources(&binary_and_source_entries(&mirror, None))?;
        let Err(error) = apt.update() else { return Ok(apt) };

        // A keyring older than the newest keys cannot check every suite: fetch the current keyring through
        // bookworm itself, which it can check, and go by that one.
        println!(
            "the machine's keyring does not verify all suites, fetching the current one through bookworm"
        );
        apt.write_sources(&[mirror.binary_entry("bookworm")])?;
        apt.update().context(error)?;
        let keyring = apt.newer_keyring()?;
        apt.write_sources(&binary_and_source_entries(&mirror, Some(&keyring)))?;
        apt.update()?;
        Ok(apt)
    }

    /// Downloads packages into `into`; apt checks them against the signed index.
    pub(super) fn download(&self, packages: &Packages, into: &Path) -> Result<()> {
        let of_suite = packages.names.iter().map(|name| format!("{name}/{}", packages.suite));
        process::capture(self.apt_get("download").args(of_suite).current_dir(into)).map(drop)
    }

    /// Downloads the source package with the suites; apt checks its parts against the signed index.
    pub(super) fn download_suite_source(&self, into: &Path) -> Result<()> {
        let mut apt = self.apt_get("source");
        apt.args(["--download-only", SUITE_SOURCE]).current_dir(into);
        process::capture(&mut apt).map(drop)
    }

    fn newer_keyring(&self) -> Result<PathBuf> {
        let folder = super::fresh_dir(&self.dir.join("keyring"))?;
        process::capture(self.apt_get("download").arg("debian-archive-keyring").current_dir(&folder))?;
        for deb in super::files_ending_in(&folder, ".deb")? {
            process::check(Command::new("dpkg").arg("-x").arg(deb).arg(&folder))?;
        }
        Ok(folder.join("usr/share/keyrings/debian-archive-keyring.gpg"))
    }

    fn write_sources(&self, entries: &[SourceEntry]) -> Result<()> {
        let text: Vec<String> = entries.iter().map(SourceEntry::to_deb822).collect();
        fs::write(self.sources(), text.join("\n")).context("writing the private apt sources")
    }

    fn update(&self) -> Result<()> {
        process::capture(&mut self.apt_get("update")).map(drop)
    }

    fn sources(&self) -> PathBuf {
        self.dir.join("peers.sources")
    }

    fn apt_get(&self, verb: &str) -> Command {
        let mut command = Command::new("apt-get");
        let mut option = |name: &str, value: &str| {
            command.arg("-o").arg(format!("{name}={value}"));
        };
        let path = |name: &str| self.dir.join(name).to_string_lossy().into_owned();
        option("Dir::Etc::sourcelist", &self.sources().to_string_lossy());
        option("Dir::Etc::sourceparts", "/dev/null");
        option("Dir::State", &path("state"));
        option("Dir::State::lists", &path("lists"));
        option("Dir::State::status", "/var/lib/dpkg/status");
        option("Dir::Cache", &path("cache"));
        option("Acquire::Languages", "none");
        option("Acquire::Retries", "3");
        option("Acquire::IndexTargets::deb::DEP-11::DefaultEnabled", "false");
        // Without this a list that could not be verified is a warning and the exit code still 0.
        option("APT::Update::Error-Mode", "any");
        command.arg("--quiet").arg(verb);
        command
    }
}

fn binary_and_source_entries(mirror: &Mirror, keyring: Option<&Path>) -> Vec<SourceEntry> {
    let mut entries = vec![
        mirror.binary_entry("bookworm"),
        mirror.binary_entry("bookworm-updates"),
        mirror.binary_entry("bookworm-backports"),
        mirror.binary_entry("trixie"),
        mirror.source_entry("trixie"),
    ];
    if let Some(keyring) = keyring {
        for entry in &mut entries {
            entry.set("Signed-By", &keyring.to_string_lossy());
        }
    }
    entries
}
