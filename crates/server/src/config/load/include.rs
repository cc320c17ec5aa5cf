//! Files and patterns of files.

use crate::config::error::{LoadError, os_text};
use redan_resp::glob::glob_match;
use std::path::{Component, Path, PathBuf};

/// Reads a file; it must exist.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    std::fs::read(path)
        .map_err(|error| LoadError::Unreadable { path: path.display().to_string(), reason: os_text(&error) })
}

/// Reads the files an `include` names, relative to `dir`. With wildcards, in sorted order, and it is no error if there
/// are none.
pub(super) fn read_pattern(dir: &Path, pattern: &str) -> Result<Vec<Vec<u8>>, LoadError> {
    if has_wildcard(pattern) {
        return expand(dir, pattern).iter().map(|path| read(path)).collect();
    }
    let text = std::fs::read(dir.join(pattern))
        .map_err(|error| LoadError::Unreadable { path: pattern.to_owned(), reason: os_text(&error) })?;
    Ok(vec![text])
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Expands wildcards component by component, as a shell does: a leading dot must be written.
fn expand(dir: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut paths = vec![dir.to_owned()];
    for component in Path::new(pattern).components() {
        paths = match component {
            Component::Normal(name) => {
                let name = name.to_string_lossy();
                paths.iter().flat_map(|base| step(base, &name)).collect()
            }
            _ => paths.iter().map(|base| base.join(component)).collect(),
        };
    }
    paths.sort();
    paths
}

fn step(base: &Path, name: &str) -> Vec<PathBuf> {
    if !has_wildcard(name) {
        let path = base.join(name);
        return if path.exists() { vec![path] } else { Vec::new() };
    }
    let Ok(entries) = std::fs::read_dir(base) else { return Vec::new() };
    let matches = |entry: &String| {
        (!entry.starts_with('.') || name.starts_with('.'))
            && glob_match(name.as_bytes(), entry.as_bytes(), false)
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(matches).map(|entry| base.join(entry)).collect()
}
