//! The snapshot's file: written beside the old one and put in its place when it is complete and on the disk.

use bytes::Bytes;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// With `rdb-save-incremental-fsync`, the file is synced whenever so many bytes were written.
const SYNC_EVERY_LEN: u64 = 4 << 20;

/// What went wrong, in words for the log.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {}", crate::config::os_text(.error))]
pub struct FileError {
    doing: String,
    error: io::Error,
}

/// A file under a temporary name, which is removed unless the file is completed.
#[derive(Debug)]
pub struct TempFile {
    file: Option<File>,
    temp: PathBuf,
    target: PathBuf,
    /// Bytes since the last sync, if it is synced on the way.
    unsynced: Option<u64>,
}

impl TempFile {
    /// Creates `temp` in the folder of `target`.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(target: &Path, temp_name: &str, sync_on_the_way: bool) -> Result<Self, FileError> {
        let temp = target.with_file_name(temp_name);
        let open = OpenOptions::new().write(true).create(true).truncate(true).open(&temp);
        let file = open.map_err(|error| FileError {
            doing: format!("Failed opening the temp RDB file {} for saving", temp.display()),
            error,
        })?;
        let unsynced = sync_on_the_way.then_some(0);
        Ok(Self { file: Some(file), temp, target: target.to_owned(), unsynced })
    }

    /// Appends a chunk.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write_chunk(&mut self, chunk: &Bytes) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotConnected.into()) };
        file.write_all(chunk)?;
        if let Some(unsynced) = &mut self.unsynced {
            *unsynced += chunk.len() as u64;
            if *unsynced >= SYNC_EVERY_LEN {
                *unsynced = 0;
                file.sync_data()?;
            }
        }
        Ok(())
    }

    /// Puts the file in its place for good.
    ///
    /// # Errors
    /// When it cannot be synced or renamed; the old file is still there then.
    pub fn complete(mut self) -> Result<(), FileError> {
        let fail = |doing: String| move |error| FileError { doing, error };
        if let Some(file) = self.file.take() {
            file.sync_all().map_err(fail("Write error while saving DB to the disk(fsync)".to_owned()))?;
        }
        let moving = format!(
            "Error moving temp DB file {} on the final destination {}",
            self.temp.display(),
            self.target.display()
        );
        std::fs::rename(&self.temp, &self.target).map_err(fail(moving))?;
        let folder = self.target.parent().unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        let result = synced.map_err(fail("Failed to fsync directory while saving DB".to_owned()));
        // The name exists no more, whoever asks.
        self.temp = PathBuf::new();
        result
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.temp.as_os_str().is_empty() {
            // What cannot be removed is overwritten next time.
            let _ = std::fs::remove_file(&self.temp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_file_stays_until_the_new_one_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("dump.rdb");
        std::fs::write(&target, "old").unwrap();
        let mut file = TempFile::create(&target, "temp-1.rdb", true).unwrap();
        file.write_chunk(&Bytes::from_static(b"new")).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        file.complete().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
        assert!(!dir.path().join("temp-1.rdb").exists());
    }

    #[test]
    fn an_incomplete_file_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("dump.rdb");
        drop(TempFile::create(&target, "temp-2.rdb", false).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let error = TempFile::create(&dir.path().join("no/such/file"), "temp-3.rdb", false).unwrap_err();
        assert!(error.to_string().starts_with("Failed opening the temp RDB file"), "{error}");
    }
}
