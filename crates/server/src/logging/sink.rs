//! Where the lines go.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Standard output, or a file that may be renamed or removed by log rotation at any time.
#[derive(Debug)]
pub(super) enum Sink {
    Stdout,
    File { path: PathBuf, open: Option<File> },
}

impl Sink {
    pub(super) fn new(file: Option<PathBuf>) -> Sink {
        match file {
            Some(path) => Sink::File { path, open: None },
            None => Sink::Stdout,
        }
    }

    /// Writes whole lines. Failures are ignored: there is nowhere to report them.
    pub(super) fn write(&mut self, lines: &[u8]) {
        match self {
            Sink::Stdout => {
                let mut out = std::io::stdout().lock();
                let _ = out.write_all(lines).and_then(|()| out.flush());
            }
            Sink::File { path, open } => {
                if !open.as_ref().is_some_and(|file| is_at(file, path)) {
                    // One that cannot be opened anew leaves the old one, which is better than nothing.
                    if let Ok(file) = OpenOptions::new().append(true).create(true).open(&*path) {
                        *open = Some(file);
                    }
                }
                if let Some(file) = open {
                    let _ = file.write_all(lines);
                }
            }
        }
    }
}

/// Tells whether the path still leads to the open file.
fn is_at(file: &File, path: &PathBuf) -> bool {
    let identity = |data: Metadata| (data.dev(), data.ino());
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(there)) => identity(open) == identity(there),
        _ => false,
    }
}
