//! Where the state lives: in the configuration file, as with Redis, or beside it.
//!
//! A file that cannot be replaced in one step (it is read-only, or mounted by itself as in a container) is left alone,
//! and the state goes to `sentinel.state` in the working directory instead. That file is removed as soon as the
//! configuration file holds everything.

use super::file_lines;
use crate::config::Settings;
use crate::config::load::RawLine;
use crate::config::rewrite::{Rewrite, replace_file, rewrite};
use crate::config::words::Words;
use crate::config::{LoadError, os_text};
use redan_sentinel::{Config, ConfigLine, Host, Input, SaveId, state_file};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::mpsc::UnboundedSender;

/// Name of the state file.
const STATE_FILE: &str = "sentinel.state";

/// The file system as seen from the working directory, as far as the machine asks about it. The process may not be in
/// that directory yet.
#[derive(Clone)]
pub(super) struct Files {
    dir: PathBuf,
}

impl Host for Files {
    fn is_executable(&self, path: &[u8]) -> bool {
        let path = self.dir.join(std::ffi::OsStr::from_bytes(path));
        nix::unistd::access(&path, nix::unistd::AccessFlags::X_OK).is_ok()
    }
}

/// A state to be saved.
pub(super) struct Job {
    pub(super) save: SaveId,
    pub(super) config: Config,
    pub(super) settings: Arc<Settings>,
    /// The `user` lines.
    pub(super) users: Vec<Vec<u8>>,
}

/// The two places where the state may be.
#[derive(Clone)]
pub(super) struct Store {
    config_file: Option<PathBuf>,
    state_file: PathBuf,
    pub(super) files: Files,
}

impl Store {
    /// `dir` is the working directory, an absolute path.
    pub(super) fn new(config_file: Option<&Path>, dir: &Path) -> Self {
        Self {
            config_file: config_file.map(Path::to_owned),
            state_file: dir.join(STATE_FILE),
            files: Files { dir: dir.to_owned() },
        }
    }

    /// The configuration these lines give, with what is remembered laid over it.
    pub(super) fn read(&self, lines: &[RawLine]) -> Result<Config, LoadError> {
        let numbered =
            |(index, line): (usize, &RawLine)| ConfigLine { number: index, args: line.words.clone() };
        let numbered: Vec<ConfigLine> = lines.iter().enumerate().map(numbered).collect();
        let mut config =
            Config::parse(&numbered, &self.files).map_err(|error| match lines.get(error.line) {
                Some(line) => LoadError::at(line.number, &line.text, error.text),
                None => LoadError::general(error.text),
            })?;
        match std::fs::read(&self.state_file) {
            Ok(text) => state_file::restore(&mut config, decode(&self.state_file, &text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&self.state_file, &os_text(&error))),
        }
        Ok(config)
    }

    /// Starts the thread that writes. What it has done it says to `inbox`.
    ///
    /// # Errors
    /// When the system has none.
    pub(super) fn start(&self, inbox: UnboundedSender<Input>) -> io::Result<Sender<Job>> {
        let (sender, jobs) = channel();
        let store = self.clone();
        std::thread::Builder::new()
            .name("sentinel-save".to_owned())
            .spawn(move || store.run(&jobs, &inbox))?;
        Ok(sender)
    }

    fn run(&self, jobs: &Receiver<Job>, inbox: &UnboundedSender<Input>) {
        crate::memory::join_thread();
        let mut beside = false;
        while let Ok(mut job) = jobs.recv() {
            // Only the newest state matters: done with it means done with all before.
            while let Ok(later) = jobs.try_recv() {
                job = later;
            }
            let save = job.save;
            let input = match self.write(&job, &mut beside) {
                Ok(()) => Input::Saved { save },
                Err(error) => Input::SaveFailed { save, error: os_text(&error) },
            };
            if inbox.send(input).is_err() {
                return;
            }
        }
    }

    /// Writes the state to the one place or the other. `beside` tells where it went the last time.
    fn write(&self, job: &Job, beside: &mut bool) -> io::Result<()> {
        let Some(path) = &self.config_file else {
            return replace_file(&self.state_file, &state_file::encode(&job.config));
        };
        match write_config(path, job) {
            Ok(()) => {
                *beside = false;
                match std::fs::remove_file(&self.state_file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        tracing::warn!("Can't remove {}: {}", self.state_file.display(), os_text(&error));
                    }
                    _ => {}
                }
                Ok(())
            }
            Err(error) if !is_out_of_reach(&error) => Err(error),
            Err(error) => {
                if !std::mem::replace(beside, true) {
                    let (config, state) = (path.display(), self.state_file.display());
                    tracing::warn!(
                        "{config} can't be replaced ({}): the state goes to {state}",
                        os_text(&error)
                    );
                }
                replace_file(&self.state_file, &state_file::encode(&job.config))
            }
        }
    }
}

/// Whether the file is one that somebody else has put where this process must not replace it. Everything else that goes
/// wrong (a full disk, a directory of that name) is for an administrator to see.
fn is_out_of_reach(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, NotFound, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), CrossesDevices | NotFound | PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}

fn write_config(path: &Path, job: &Job) -> io::Result<()> {
    let old = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    let lines = file_lines(job.config.lines());
    let what = Rewrite {
        settings: &job.settings,
        users: Some(&job.users),
        sentinel: Some(&lines),
        everything: false,
    };
    replace_file(path, &rewrite(&old, &what))
}

fn decode(path: &Path, text: &[u8]) -> Result<Config, LoadError> {
    let mut lines = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let broken = || unreadable(path, &format!("line {} is broken", index + 1));
        if line.starts_with(b"#") || line.trim_ascii().is_empty() {
            continue;
        }
        let mut words = Words::split(line).ok_or_else(broken)?;
        if words.is_empty() || !words.remove(0).eq_ignore_ascii_case(b"sentinel") {
            return Err(broken());
        }
        lines.push(ConfigLine { number: index + 1, args: words });
    }
    state_file::decode(&lines).map_err(|error| unreadable(path, &format!("line {}: {error}", error.line)))
}

fn unreadable(path: &Path, reason: &str) -> LoadError {
    LoadError::general(format!("Can't read the Sentinel's state file {}: {reason}", path.display()))
}

#[cfg(test)]
mod tests;
