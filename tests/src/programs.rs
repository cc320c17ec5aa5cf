//! Which programs take part.

use std::path::{Path, PathBuf};

/// A program a test can start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// Ours.
    Redan,
    /// Debian's redis-server 7.0.
    Redis7,
    /// Debian's redis-server 8.0.
    Redis8,
    /// Debian's valkey-server 8.0.
    Valkey8,
}

impl Program {
    /// The path of its server.
    pub fn server(self) -> PathBuf {
        match self {
            Self::Redan => redan(),
            Self::Redis7 => peer("redis-server"),
            Self::Redis8 => peer("redis-server-8.0"),
            Self::Valkey8 => peer("valkey-server"),
        }
    }

    /// The path of its Sentinel, and the arguments that make it one.
    pub fn sentinel(self) -> (PathBuf, &'static [&'static str]) {
        match self {
            Self::Redan => (redan(), &["--sentinel"]),
            Self::Redis7 => (peer("redis-sentinel"), &[]),
            Self::Redis8 => (peer("redis-server-8.0"), &["--sentinel"]),
            Self::Valkey8 => (peer("valkey-server"), &["--sentinel"]),
        }
    }
}

/// Whether the peers were fetched. Tests that need them fail where `REDAN_PEERS` promises them.
pub fn peers_are_here() -> bool {
    std::env::var_os("REDAN_PEERS").is_some() || peers_folder().join("redis-server").exists()
}

fn peers_folder() -> PathBuf {
    std::env::var_os("REDAN_PEERS").map_or_else(|| target().join("peers/bin"), PathBuf::from)
}

fn peer(name: &str) -> PathBuf {
    peers_folder().join(name)
}

fn redan() -> PathBuf {
    if let Some(path) = std::env::var_os("REDAN_BIN") {
        return PathBuf::from(path);
    }
    let built = ["quick", "release", "debug"].map(|profile| target().join(profile).join("redan"));
    let newest = built
        .into_iter()
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
        .max_by_key(|(modified, _)| *modified);
    newest.expect("build redan first, or set REDAN_BIN").1
}

fn target() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}
