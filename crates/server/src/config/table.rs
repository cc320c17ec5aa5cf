//! Looking rows up, by position and by name.

use super::param::Param;
use super::rows::THEMES;
use std::collections::HashMap;
use std::sync::LazyLock;

struct Table {
    rows: Vec<&'static Param>,
    by_name: HashMap<&'static str, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let rows: Vec<&'static Param> = THEMES.iter().flat_map(|theme| theme.iter()).collect();
    let names = rows
        .iter()
        .enumerate()
        .flat_map(|(index, row)| std::iter::once(row.name).chain(row.alias).map(move |name| (name, index)));
    Table { by_name: names.collect(), rows }
});

/// All rows in the order of the table.
pub fn all() -> impl Iterator<Item = &'static Param> {
    TABLE.rows.iter().copied()
}

/// The row of a name or an alias, in any case.
pub fn find(name: &str) -> Option<&'static Param> {
    position(name).map(at)
}

pub(super) fn at(index: usize) -> &'static Param {
    TABLE.rows[index]
}

pub(super) fn position(name: &str) -> Option<usize> {
    match TABLE.by_name.get(name) {
        Some(index) => Some(*index),
        None => TABLE.by_name.get(name.to_ascii_lowercase().as_str()).copied(),
    }
}
