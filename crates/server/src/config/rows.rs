//! The table of parameters, one slice per theme, and a typed key for each row.

mod advanced;
mod aof;
mod clients;
mod cluster;
mod defrag;
mod encodings;
mod general;
mod lazyfree;
mod memory;
mod network;
mod observability;
mod replication;
mod scripting;
mod security;
mod snapshotting;
mod test_only;
mod tls;

pub use advanced::*;
pub use aof::*;
pub use clients::*;
pub use cluster::*;
pub use defrag::*;
pub use encodings::*;
pub use general::*;
pub use lazyfree::*;
pub use memory::*;
pub use network::*;
pub use observability::*;
pub use replication::*;
pub use scripting::*;
pub use security::*;
pub use snapshotting::*;
pub use test_only::*;
pub use tls::*;

use super::param::Param;

/// The slices in the order in which rows are numbered.
pub(super) const THEMES: [&[Param]; 17] = [
    network::ROWS,
    general::ROWS,
    snapshotting::ROWS,
    replication::ROWS,
    security::ROWS,
    clients::ROWS,
    memory::ROWS,
    lazyfree::ROWS,
    aof::ROWS,
    scripting::ROWS,
    cluster::ROWS,
    observability::ROWS,
    encodings::ROWS,
    defrag::ROWS,
    tls::ROWS,
    advanced::ROWS,
    test_only::ROWS,
];

/// Positions in [`THEMES`].
#[derive(Clone, Copy)]
enum Theme {
    Network,
    General,
    Snapshotting,
    Replication,
    Security,
    Clients,
    Memory,
    Lazyfree,
    Aof,
    Scripting,
    Cluster,
    Observability,
    Encodings,
    Defrag,
    Tls,
    Advanced,
    TestOnly,
}

/// The number of a theme's first row.
const fn base(theme: Theme) -> u16 {
    let mut rows = 0;
    let mut before = 0;
    while before < theme as usize {
        rows += THEMES[before].len() as u16;
        before += 1;
    }
    rows
}

/// Declares the rows of a theme: `/// doc`, then `KEY: type of the value = row;`.
macro_rules! rows {
    ($theme:ident; $($(#[doc = $doc:literal])+ $key:ident: $type:ty = $row:expr;)+) => {
        use crate::config::param::*;
        use crate::config::settings::Key;

        #[allow(clippy::upper_case_acronyms, non_camel_case_types)]
        enum Position {
            $($key,)+
        }

        pub(super) const ROWS: &[Param] = &[$($row.documented(concat!($($doc),+).trim_ascii()),)+];

        $(
            $(#[doc = $doc])+
            pub const $key: Key<$type> =
                Key::new(super::base(super::Theme::$theme) + Position::$key as u16);
        )+

        /// Reads every row of the theme through its key, which panics where key and row disagree on the type.
        #[cfg(test)]
        pub(super) fn read_all(settings: &crate::config::Settings) -> Vec<(&'static str, &'static str)> {
            $(let _ = settings.get($key);)+
            vec![$(($key.name(), stringify!($key)),)+]
        }
    };
}
use rows;

/// Every key's parameter name and own name, after having read its default.
#[cfg(test)]
pub(super) fn read_all(settings: &super::Settings) -> Vec<(&'static str, &'static str)> {
    [
        network::read_all,
        general::read_all,
        snapshotting::read_all,
        replication::read_all,
        security::read_all,
        clients::read_all,
        memory::read_all,
        lazyfree::read_all,
        aof::read_all,
        scripting::read_all,
        cluster::read_all,
        observability::read_all,
        encodings::read_all,
        defrag::read_all,
        tls::read_all,
        advanced::read_all,
        test_only::read_all,
    ]
    .iter()
    .flat_map(|read| read(settings))
    .collect()
}

#[cfg(test)]
mod tests;
