//! The append-only file: a directory with a manifest that names its parts.

mod manifest;

pub use manifest::{AofFile, AofFileKind, Manifest, ManifestError, ManifestErrorKind};
