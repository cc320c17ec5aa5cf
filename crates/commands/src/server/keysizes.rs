//! INFO keysizes: how many keys of each type have about which size.
//!
//! Counted when somebody asks, by a walk that locks one shard at a time, instead of kept up to date by every write:
//! a write pays nothing for it, and a walk over a million keys takes about as long as a SCAN of them. This is why the
//! section is shown only to those who ask for it by name, or for everything.

use std::fmt::Write;

use redan_engine::Engine;
use redan_keyspace::{Access, DbIndex, EntryRef, ExpiryMode, Kind, ValueRef};

/// The types that are counted, in the order in which they are shown, with the names of their fields.
const KINDS: [(Kind, &str); 5] = [
    (Kind::String, "distrib_strings_sizes"),
    (Kind::List, "distrib_lists_items"),
    (Kind::Set, "distrib_sets_items"),
    (Kind::SortedSet, "distrib_zsets_items"),
    (Kind::Hash, "distrib_hashes_items"),
];

/// Bin 0 is for what is empty, bin n for sizes from 2^(n-1) to below 2^n.
const BINS: usize = u64::BITS as usize + 1;

/// Keys by type and size.
struct Histogram([[u64; BINS]; KINDS.len()]);

impl Histogram {
    fn count(&mut self, entry: EntryRef<'_>) {
        let size = match entry.value() {
            ValueRef::String(string) => string.len(),
            ValueRef::Object(object) => object.len(),
        };
        let bin = size.checked_ilog2().map_or(0, |log| log as usize + 1);
        if let Some(place) = KINDS.iter().position(|(kind, _)| *kind == entry.kind()) {
            self.0[place][bin] += 1;
        }
    }
}

/// The lower end of a bin, as `16`, `2K`, `1M`.
fn label(bin: usize) -> String {
    let Some(log) = bin.checked_sub(1) else { return "0".to_owned() };
    let unit = ["", "K", "M", "G", "T", "P", "E"][log / 10];
    format!("{}{unit}", 1 << (log % 10))
}

/// Prints the section.
pub(super) fn print(engine: &Engine, out: &mut String) {
    let keyspace = engine.keyspace();
    // Keys whose time has come are counted until they are deleted, and are not deleted by being counted.
    let access =
        Access { expiry: ExpiryMode::Ignore, touch: false, ..Access::read(engine.clock().wall_ms()) };
    for db in (0..keyspace.databases()).map(DbIndex).filter(|&db| keyspace.len(db) > 0) {
        let mut histogram = Histogram([[0; BINS]; KINDS.len()]);
        let mut view = keyspace.view_keyed(db, access, std::iter::empty());
        view.for_each_key(|entry| histogram.count(entry));
        for ((_, name), bins) in KINDS.iter().zip(histogram.0) {
            let filled = bins.iter().enumerate().filter(|(_, keys)| **keys > 0);
            let bins: Vec<String> = filled.map(|(bin, keys)| format!("{}={keys}", label(bin))).collect();
            if !bins.is_empty() {
                let _ = write!(out, "db{}_{name}:{}\r\n", db.0, bins.join(","));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn keys_are_counted_by_type_and_size() {
        let mut rig = Rig::new();
        assert!(rig.run("INFO keysizes").ends_with("|# Keysizes|"));
        rig.run("SET one x");
        rig.run("SET three xxx");
        rig.run("SETRANGE big 2047 x");
        rig.run("SET empty x");
        rig.run_args(&[b"SET", b"empty", b""]);
        rig.run("SADD set a b c d e");
        rig.run("SELECT 3");
        rig.run("SADD set a");
        let info = rig.run("INFO keysizes");
        assert!(info.contains("|db0_distrib_strings_sizes:0=1,1=1,2=1,2K=1|"), "{info}");
        assert!(info.contains("|db0_distrib_sets_items:4=1|db3_distrib_sets_items:1=1|"), "{info}");
        assert!(!rig.run("INFO").contains("Keysizes"));
    }

    #[test]
    fn labels_are_powers_of_two() {
        let labels = [0, 1, 2, 10, 11, 12, 21, 31, 64].map(super::label);
        assert_eq!(labels, ["0", "1", "2", "512", "1K", "2K", "1M", "1G", "8E"]);
    }
}
