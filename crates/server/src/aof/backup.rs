//! BACKUP: a copy of the append-only file that does not change any more.
//!
//! The file goes on in a new increment; everything before it is complete and only ever read or removed. So hard links to
//! it, and a manifest of it, are a copy, as fast as it is small.

use super::Aof;
use super::shared::State;
use super::writer::{Work, Writer};
use crate::config::rows;
use crate::host::Server;
use redan_engine::{Client, CmdResult, ReplyError, errors};
use redan_persistence::aof::Manifest;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

impl Aof {
    /// BACKUP; the caller runs alone. The client waits for the end.
    ///
    /// # Errors
    /// When there is nothing to copy, or no place for it.
    pub fn backup(&self, client: &Arc<Client>, name: &[u8]) -> CmdResult {
        let name = plain_name(name).ok_or(errors::err("BACKUP takes the name of a directory, not a path"))?;
        if self.shared.state() != State::On {
            return Err(errors::err("BACKUP copies the append only file, and there is none: use BGSAVE"));
        }
        let log = self.engine.log();
        let cursor = self.cursor.lock().ok_or(errors::err("the append only file is not open"))?;
        let db = log.stream_db();
        log.set_fence(cursor, true).map_err(|error| ReplyError::new(format!("ERR {error}")))?;
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        self.wait_for(client);
        self.send(Work::Backup { name, db, reply });
        let (id, server) = (client.id, self.server.get().cloned());
        let run = move || {
            let result = answer.recv().unwrap_or_else(|_| Err("the thread is gone".to_owned()));
            let result = result.map_err(|error| ReplyError::new(format!("ERR BACKUP failed: {error}")));
            if let Some(server) = server.and_then(|server| server.upgrade()) {
                let server: Arc<Server> = server;
                server.aof().tell(id, result);
            }
        };
        let spawned = std::thread::Builder::new().name("backup".to_owned()).spawn(run);
        spawned.map(drop).map_err(|error| ReplyError::new(format!("ERR {error}")))
    }
}

/// A name that stays where it is put.
fn plain_name(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    is_plain.then(|| name.to_owned())
}

impl Writer {
    /// Links everything before the cursor's fence into a new directory beside the one of the files.
    pub(super) fn back_up(&mut self, name: &str, db: Option<u32>) -> io::Result<()> {
        let stem = self.stem();
        self.cut_off(db)?;
        let Some(store) = &self.store else { return Err(io::ErrorKind::NotConnected.into()) };
        let from = store.storage().dir();
        let to = from.parent().unwrap_or(Path::new(".")).join(name);
        let mut manifest = Manifest { history: Vec::new(), ..store.manifest().clone() };
        manifest.incr.pop();
        fs::create_dir(&to)?;
        let copied = copy(&manifest, &stem, from, &to);
        if copied.is_err() {
            // Only what was made here is removed.
            let _ = fs::remove_dir_all(&to);
        } else {
            tracing::info!("Backup of the append only file made in {}", to.display());
        }
        copied
    }

    fn stem(&self) -> String {
        self.settings().get(rows::APPENDFILENAME).to_owned()
    }
}

fn copy(manifest: &Manifest, stem: &str, from: &Path, to: &Path) -> io::Result<()> {
    for file in manifest.files() {
        fs::hard_link(from.join(&file.name), to.join(&file.name))?;
    }
    let mut file = File::create_new(to.join(Manifest::file_name(stem)))?;
    file.write_all(manifest.to_string().as_bytes())?;
    file.sync_all()?;
    File::open(to)?.sync_all()?;
    File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_lead_anywhere() {
        assert_eq!(plain_name(b"monday"), Some("monday".to_owned()));
        for name in ["", ".", "..", "../x", "/tmp/x", "a/b", "a\\b", ".hidden", "a\0b"] {
            assert_eq!(plain_name(name.as_bytes()), None, "{name:?}");
        }
        assert_eq!(plain_name(b"\xff"), None);
    }

    #[test]
    fn a_copy_has_all_files_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("appendonlydir"), dir.path().join("copy"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&to).unwrap();
        let text = "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n";
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        for file in manifest.files() {
            fs::write(from.join(&file.name), &file.name).unwrap();
        }
        copy(&manifest, "a", &from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("a.manifest")).unwrap(), text);
        assert_eq!(fs::read_to_string(to.join("a.1.incr.aof")).unwrap(), "a.1.incr.aof");
        fs::remove_file(to.join("a.1.base.rdb")).unwrap();
        assert!(copy(&manifest, "a", &from, &to).is_err(), "what is there is not overwritten");
    }
}
