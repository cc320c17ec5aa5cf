//! A private copy of the suite for one run: unchanged test files, and a `src/` that leads to the programs
//! under test.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::peers::Peers;
use crate::process;

/// What is copied out of the source package.
const PARTS: &[&str] = &["tests", "utils", "runtest", "runtest-sentinel", "redis.conf", "sentinel.conf"];

/// Programs that are tested.
const TESTED: &[&str] = &["redis-server", "redis-sentinel", "redis-check-rdb", "redis-check-aof"];

/// Programs the suites use as clients; always the real ones, of the suites' own version.
const CLIENTS: &[&str] = &["redis-cli", "redis-benchmark"];

/// What the programs of the suites' own version are called among the peers.
const SUITE_VERSION: &str = "8.0";

/// The programs a run is about.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    /// One binary that is all of them.
    Redan(PathBuf),
    /// Real Redis of the suites' own version.
    Redis,
}

/// A folder to run one suite file in; removed when dropped unless kept.
pub(super) struct Tree {
    dir: PathBuf,
    keep: bool,
}

impl Tree {
    /// Copies the suite into `dir`, which must not exist.
    pub(super) fn create(dir: PathBuf, peers: &Peers, subject: &Subject, keep: bool) -> Result<Tree> {
        fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
        let tree = Tree { dir, keep };
        let mut copy = Command::new("cp");
        copy.arg("--recursive").args(PARTS).arg(&tree.dir).current_dir(peers.suite());
        process::check(&mut copy)?;
        tree.link_programs(peers, subject)?;
        Ok(tree)
    }

    /// Where the suite's own command lines are relative to.
    pub(super) fn path(&self) -> &Path {
        &self.dir
    }

    /// Makes the certificates the suites' TLS mode wants, with the script they bring for it.
    pub(super) fn make_certificates(&self) -> Result<()> {
        let mut script = Command::new("sh");
        script.arg("utils/gen-test-certs.sh").current_dir(&self.dir);
        process::capture(&mut script).map(drop)
    }

    fn link_programs(&self, peers: &Peers, subject: &Subject) -> Result<()> {
        let src = self.dir.join("src");
        fs::create_dir(&src)?;
        let real = |name: &str| peers.program(&format!("{name}-{SUITE_VERSION}"));
        for name in CLIENTS {
            symlink(real(name), src.join(name))?;
        }
        match subject {
            Subject::Redis => {
                for name in TESTED {
                    symlink(real(name), src.join(name))?;
                }
            }
            Subject::Redan(binary) => {
                // A copy: a build that goes on meanwhile must not change the program half-way.
                fs::copy(binary, src.join("redan"))
                    .with_context(|| format!("{} is not built", binary.display()))?;
                for name in TESTED {
                    symlink("redan", src.join(name))?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.keep {
            // Only a folder below target/ stays behind when this fails.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}
