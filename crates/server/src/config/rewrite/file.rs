//! Replacing a file so that a crash leaves the old or the new one.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// Mode of a file that was not there before.
const NEW_FILE_MODE: u32 = 0o644;

/// Replaces the content of a file, keeping its mode and owner and following symbolic links.
///
/// A new file is written beside it, synced, and renamed over it. Where that is impossible (the file is a mount point of
/// its own, as in containers, or the directory cannot be written) the file is overwritten in place, which a crash can
/// interrupt.
pub fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match replace(&path, content) {
        Err(error) if path.exists() => overwrite(&path, content).map_err(|_| error),
        result => result,
    }
}

/// Replaces the content of a file in one step or not at all, keeping its mode and owner and following symbolic links.
///
/// # Errors
/// Whatever keeps that from happening; the file is as it was then.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), content)
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = temporary_name(path);
    let result = write_new(&temporary, path, content).and_then(|()| std::fs::rename(&temporary, path));
    if result.is_err() {
        // Nothing more can be done if it was not created, or cannot be removed.
        let _ = std::fs::remove_file(&temporary);
        return result;
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// Hidden, so that `include conf.d/*` does not pick up one that a crash has left.
fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn write_new(temporary: &Path, original: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(temporary)?;
    file.write_all(content)?;
    match std::fs::metadata(original) {
        Ok(old) => {
            let new = file.metadata()?;
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
            file.set_permissions(old.permissions())?;
        }
        Err(_) => file.set_permissions(Permissions::from_mode(NEW_FILE_MODE))?,
    }
    file.sync_all()
}

fn overwrite(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(content)?;
    file.set_len(content.len() as u64)?;
    file.sync_all()
}
