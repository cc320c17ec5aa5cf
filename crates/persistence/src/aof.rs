//! The append-only file: a directory with a manifest that names its parts.
//!
//! A base holds the dataset as it was at the last rewrite, increments hold the commands since then. [`AofStore`] is the
//! writing side, without threads and clocks: it appends, switches to another increment and publishes a new base, and
//! keeps the manifest such that a crash at any moment leaves something that loads. [`AofReader`] is the reading side.
//! [`AofBaseWriter`] writes a base as commands (a base in RDB format is a snapshot like any other).
//!
//! Lines that start with `#` are annotations ([`Annotation`]); whoever does not know them skips them.

mod annotation;
mod base;
mod manifest;
mod object;
mod reader;
mod storage;
mod store;
mod transitions;

pub use annotation::Annotation;
pub use base::AofBaseWriter;
pub use manifest::{AofFile, AofFileKind, Manifest, ManifestError, ManifestErrorKind};
pub use reader::{AofReader, ReadError, Record};
pub use storage::{DirStorage, Storage, StorageFile};
pub use store::{AofStore, Appended, BaseFormat, ManifestFailure, TEMP_BASE_PREFIX, load_manifest};
