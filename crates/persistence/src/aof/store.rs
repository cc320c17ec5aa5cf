//! The writing side of an AOF: appending, switching to another increment, publishing a new base.
//!
//! Whatever happens and whenever, the manifest on disk names files that exist and whose commands, one file behind the
//! other, make the dataset; only the last file may be cut short. So
//! - a manifest is written beside the old one and renamed; the files it names are there for good before;
//! - an increment is synced to its end before the manifest names another one behind it;
//! - history is removed when a manifest without it is there for good;
//! - what was not appended as a whole is cut off again before anything else is appended.

use std::io;

use super::manifest::{AofFile, Manifest, ManifestError};
use super::storage::{Storage, StorageFile};

/// How the name of a base begins that is being written.
pub const TEMP_BASE_PREFIX: &str = "temp-rewriteaof-bg-";

/// How a base is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseFormat {
    /// As an RDB file.
    Rdb,
    /// As commands.
    Commands,
}

/// Why there is no manifest to go by.
#[derive(Debug, thiserror::Error)]
pub enum ManifestFailure {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// What it says is no manifest.
    #[error("{0}")]
    Invalid(#[from] ManifestError),
}

/// Reads the manifest of the AOF called `stem`; without one, it is empty.
///
/// # Errors
/// When it is there and cannot be used.
pub fn load_manifest(storage: &impl Storage, stem: &str) -> Result<Manifest, ManifestFailure> {
    match storage.read(&Manifest::file_name(stem)) {
        Ok(text) => Ok(Manifest::parse(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Manifest::default()),
        Err(error) => Err(error.into()),
    }
}

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Length of the file behind it, in bytes.
    pub file_len: u64,
}

/// The file that is appended to.
#[derive(Debug)]
struct Current<F> {
    file: F,
    /// Bytes that belong to it.
    len: u64,
    /// Bytes that are on disk for good.
    synced: u64,
    /// There may be bytes behind `len`.
    must_cut: bool,
    /// It is not in the manifest: it collects commands until the first base is there.
    is_temp: bool,
}

/// See the module's text.
#[derive(Debug)]
pub struct AofStore<S: Storage> {
    storage: S,
    stem: String,
    manifest: Manifest,
    current: Option<Current<S::File>>,
    /// Which manifest is on disk is not known: this one has to be written again first.
    is_stale: bool,
}

impl<S: Storage> AofStore<S> {
    /// An AOF whose manifest was read (see [`load_manifest`]); nothing is opened yet.
    pub fn new(storage: S, stem: &str, manifest: Manifest) -> Self {
        Self { storage, stem: stem.to_owned(), manifest, current: None, is_stale: false }
    }

    /// The files.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where they are.
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// Length of the base and all increments, in bytes.
    pub fn total_len(&self) -> u64 {
        let len = |file: &AofFile| self.storage.len(&file.name).unwrap_or(0);
        let temp = self.current.as_ref().filter(|current| current.is_temp).map_or(0, |current| current.len);
        self.manifest.files().map(len).sum::<u64>() + temp
    }

    /// Opens the last increment to append to, or creates the first one, whose first byte has `offset`. With `base`, the
    /// bytes of a base that is written first because there is none.
    ///
    /// # Errors
    /// When the disk refuses; nothing is open then.
    pub fn open(&mut self, offset: i64, base: Option<(&[u8], BaseFormat)>) -> io::Result<()> {
        let mut next = self.manifest.clone();
        if let Some((bytes, format)) = base {
            let file = next.next_base(&self.stem, format == BaseFormat::Rdb);
            let open = self.storage.open(&file.name, true)?;
            write_all(&open, bytes)?;
            open.sync()?;
            next.base = Some(file);
        }
        if next.incr.is_empty() {
            next.incr.push(next.next_incr(&self.stem, Some(offset)));
        }
        let last = next.incr.last_mut().expect("there is one by now");
        last.end_offset = None;
        let file = self.storage.open(&last.name, false)?;
        let len = self.storage.len(&last.name)?;
        if next != self.manifest {
            self.persist(&next)?;
            self.manifest = next;
        }
        // What was read at the start is on disk, as far as anybody can tell; it is synced all the same.
        file.sync()?;
        self.current = Some(Current { file, len, synced: len, must_cut: false, is_temp: false });
        Ok(())
    }

    /// Puts another manifest in place, while no file is open.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn replace(&mut self, manifest: &Manifest) -> io::Result<()> {
        self.persist(manifest)?;
        self.manifest = manifest.clone();
        Ok(())
    }

    /// Whether a file is open.
    pub fn is_open(&self) -> bool {
        self.current.is_some()
    }

    /// Appends all of `bytes`, or nothing.
    ///
    /// # Errors
    /// When the disk refuses; it may be tried again.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<Appended> {
        self.repair()?;
        let current = self.current.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        current.must_cut = true;
        write_all(&current.file, bytes).inspect_err(|_| {
            // If this fails too, it is done before the next append.
            current.must_cut = current.file.set_len(current.len).is_err();
        })?;
        current.must_cut = false;
        current.len += bytes.len() as u64;
        Ok(Appended { file_len: current.len })
    }

    /// Makes everything that was appended last.
    ///
    /// # Errors
    /// When the disk refuses. The system may then have forgotten any of what was appended since the last sync, without
    /// ever saying so again: it does not count as appended any more, and must be appended anew.
    pub fn sync(&mut self) -> io::Result<()> {
        self.repair()?;
        let Some(current) = &mut self.current else { return Ok(()) };
        match current.file.sync() {
            Ok(()) => {
                current.synced = current.len;
                Ok(())
            }
            Err(error) => {
                current.len = current.synced;
                current.must_cut = true;
                Err(error)
            }
        }
    }

    /// A handle of the open file, to be synced on another thread. Its success is reported to
    /// [`on_synced`](Self::on_synced) with the length that the file has now.
    pub fn sync_handle(&self) -> Option<(S::File, u64)> {
        self.current.as_ref().map(|current| (current.file.clone(), current.len))
    }

    /// The open file is on disk up to `len`.
    pub fn on_synced(&mut self, len: u64) {
        if let Some(current) = &mut self.current {
            current.synced = current.synced.max(len.min(current.len));
        }
    }

    /// Bytes of the open file that are not known to be on disk.
    pub fn unsynced(&self) -> u64 {
        self.current.as_ref().map_or(0, |current| current.len - current.synced)
    }

    /// Length of the open file in bytes.
    pub fn file_len(&self) -> u64 {
        self.current.as_ref().map_or(0, |current| current.len)
    }

    /// Bytes of the open file that are known to be on disk.
    pub fn synced_len(&self) -> u64 {
        self.current.as_ref().map_or(0, |current| current.synced)
    }

    /// Goes on with another increment, whose first byte has `offset`, because a base of everything before is being made.
    /// The old one is synced. Returns the number of the new one, for [`publish`](Self::publish).
    ///
    /// # Errors
    /// When the disk refuses; then it goes on with the old one.
    pub fn switch(&mut self, offset: i64) -> io::Result<i64> {
        self.sync_in_place()?;
        let mut next = self.manifest.clone();
        let incr = next.next_incr(&self.stem, Some(offset));
        let file = self.storage.open(&incr.name, true)?;
        let seq = incr.seq;
        next.incr.push(incr);
        self.persist(&next)?;
        self.manifest = next;
        self.current = Some(Current { file, len: 0, synced: 0, must_cut: false, is_temp: false });
        Ok(seq)
    }

    /// Collects commands in a file beside the AOF, until [`publish`](Self::publish) makes it the increment behind the first
    /// base.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open_temp(&mut self) -> io::Result<()> {
        let file = self.storage.open(&Manifest::temp_incr_name(&self.stem), true)?;
        self.current = Some(Current { file, len: 0, synced: 0, must_cut: true, is_temp: true });
        Ok(())
    }

    /// Gives up what [`open_temp`](Self::open_temp) began.
    pub fn drop_temp(&mut self) {
        if self.current.take_if(|current| current.is_temp).is_some() {
            // If it stays, it is emptied the next time.
            let _ = self.storage.remove(&Manifest::temp_incr_name(&self.stem));
        }
    }

    /// Whether the open file is one of [`open_temp`](Self::open_temp).
    pub fn is_temp(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.is_temp)
    }

    /// Puts the base that was written to `temp_name`, and synced, in place of the old one and of all increments before number
    /// `from_seq` (for a temporary increment, and when nothing is open: of all). `temp_offset` is the offset of a
    /// temporary increment's first byte.
    ///
    /// # Errors
    /// When the disk refuses; the AOF is what it was.
    pub fn publish(
        &mut self,
        temp_name: &str,
        format: BaseFormat,
        from_seq: Option<i64>,
        temp_offset: i64,
    ) -> io::Result<()> {
        self.repair()?;
        let mut next = self.manifest.clone();
        let base = next.next_base(&self.stem, format == BaseFormat::Rdb);
        let base_name = base.name.clone();
        next.rebase(base, from_seq.unwrap_or(i64::MAX));
        let temp_incr = Manifest::temp_incr_name(&self.stem);
        let incr = self.is_temp().then(|| next.next_incr(&self.stem, Some(temp_offset)));
        self.storage.rename(temp_name, &base_name)?;
        if let Some(incr) = &incr {
            self.sync_in_place()?;
            self.storage.rename(&temp_incr, &incr.name)?;
            next.incr.push(incr.clone());
        }
        if let Err(error) = self.persist(&next) {
            if let Some(incr) = &incr {
                // If it does not get its name back, it is made anew under that name when it is needed.
                let _ = self.storage.rename(&incr.name, &temp_incr);
            }
            return Err(error);
        }
        self.manifest = next;
        if let Some(current) = &mut self.current {
            current.is_temp = false;
        }
        Ok(())
    }

    /// Removes what is not needed any more; returns the names.
    ///
    /// # Errors
    /// When the disk refuses to write the manifest without them; then nothing is removed.
    pub fn remove_history(&mut self) -> io::Result<Vec<String>> {
        if self.manifest.history.is_empty() {
            return Ok(Vec::new());
        }
        self.repair()?;
        let next = Manifest { history: Vec::new(), ..self.manifest.clone() };
        self.persist(&next)?;
        let old = std::mem::replace(&mut self.manifest, next);
        let names: Vec<String> = old.history.into_iter().map(|file| file.name).collect();
        for name in &names {
            // One that stays takes room, and nothing else.
            let _ = self.storage.remove(name);
        }
        Ok(names)
    }

    /// Removes what a rewrite that failed has left.
    pub fn remove_temp_base(&self, name: &str) {
        // One that stays is overwritten by the next.
        let _ = self.storage.remove(name);
    }

    /// Closes the file, whose end has `offset`. The file is to be synced before.
    ///
    /// # Errors
    /// When the offset cannot be noted; the AOF is valid without.
    pub fn close(&mut self, offset: i64) -> io::Result<()> {
        let Some(current) = self.current.take() else { return Ok(()) };
        if current.is_temp {
            self.current = Some(current);
            self.drop_temp();
            return Ok(());
        }
        let mut next = self.manifest.clone();
        if let Some(last) = next.incr.last_mut().filter(|last| last.start_offset.is_some()) {
            last.end_offset = Some(offset);
            self.persist(&next)?;
            self.manifest = next;
        }
        Ok(())
    }

    /// [`sync`](Self::sync) that keeps what was appended appended: for a file that nothing is appended to any more.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync_in_place(&mut self) -> io::Result<()> {
        self.repair()?;
        let Some(current) = &mut self.current else { return Ok(()) };
        if current.synced < current.len {
            current.file.sync()?;
            current.synced = current.len;
        }
        Ok(())
    }

    /// Brings the disk to where this is known to be.
    fn repair(&mut self) -> io::Result<()> {
        if self.is_stale {
            let manifest = self.manifest.clone();
            self.persist(&manifest)?;
        }
        if let Some(current) = self.current.as_mut().filter(|current| current.must_cut) {
            current.file.set_len(current.len)?;
            current.must_cut = false;
        }
        Ok(())
    }

    /// Puts a manifest in the place of the one on disk.
    fn persist(&mut self, manifest: &Manifest) -> io::Result<()> {
        let temp = Manifest::temp_file_name(&self.stem);
        let file = self.storage.open(&temp, true)?;
        write_all(&file, manifest.to_string().as_bytes())?;
        file.sync()?;
        // The files that it names come first.
        self.storage.sync_names()?;
        self.is_stale = true;
        self.storage.rename(&temp, &Manifest::file_name(&self.stem))?;
        self.storage.sync_names()?;
        self.is_stale = false;
        Ok(())
    }
}

fn write_all(file: &impl StorageFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
