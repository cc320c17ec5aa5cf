//! What an AOF needs of the disk: few operations, so that a test can stand in for a disk that fails and forgets.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory of files.
pub trait Storage: Send + Sync {
    /// A file of it.
    type File: StorageFile;

    /// Opens a file for appending; creates it if it is missing, empties it if `truncate` is set.
    ///
    /// # Errors
    /// Those of the system.
    fn open(&self, name: &str, truncate: bool) -> io::Result<Self::File>;

    /// Length of a file in bytes.
    ///
    /// # Errors
    /// Those of the system, for a file that does not exist too.
    fn len(&self, name: &str) -> io::Result<u64>;

    /// The whole content of a (short) file.
    ///
    /// # Errors
    /// Those of the system.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Gives a file another name, which may be another file's until now.
    ///
    /// # Errors
    /// Those of the system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. What takes long about it is done in the background.
    ///
    /// # Errors
    /// Those of the system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes what was renamed, created and removed last.
    ///
    /// # Errors
    /// Those of the system.
    fn sync_names(&self) -> io::Result<()>;
}

/// An open file. All who share it write to the same end.
pub trait StorageFile: Clone + Send + 'static {
    /// Appends bytes; may write fewer.
    ///
    /// # Errors
    /// Those of the system.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Cuts the file.
    ///
    /// # Errors
    /// Those of the system.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes what was written last.
    ///
    /// # Errors
    /// Those of the system.
    fn sync(&self) -> io::Result<()>;
}

/// A directory of the file system.
#[derive(Debug, Clone)]
pub struct DirStorage {
    dir: PathBuf,
}

impl DirStorage {
    /// The directory `dir`, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Storage for DirStorage {
    type File = Arc<File>;

    fn open(&self, name: &str, truncate: bool) -> io::Result<Arc<File>> {
        let path = self.dir.join(name);
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        if truncate {
            file.set_len(0)?;
        }
        Ok(Arc::new(file))
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        std::fs::metadata(self.dir.join(name)).map(|metadata| metadata.len())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.dir.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.dir.join(name);
        // The name goes now, the content with the last handle: freeing a large file takes long.
        let file = File::open(&path);
        std::fs::remove_file(&path)?;
        if let Ok(file) = file {
            // Without a thread it is freed here.
            let _ = std::thread::Builder::new().name("aof-free".to_owned()).spawn(move || drop(file));
        }
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

impl StorageFile for Arc<File> {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&mut &**self).write(bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
