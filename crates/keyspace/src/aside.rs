//! Filling a keyspace beside the one in use, to exchange them when it is complete (`repl-diskless-load swapdb`).

use crate::keyspace::{DbIndex, Detached, Keyspace};
use crate::shard::ShardId;

impl Keyspace {
    /// An empty keyspace to load a dataset into that [`take_over`](Self::take_over) puts in place of this one.
    pub fn aside(&self) -> Keyspace {
        let aside = Keyspace::new(self.databases(), self.random_below(u64::MAX));
        aside.clock().follow(self.clock());
        aside.set_epoch(self.epoch());
        aside
    }

    /// Replaces everything by what was loaded aside (*exclusive*), and hands the old tables back. O(databases × shards),
    /// and O(keys) if a snapshot was begun meanwhile.
    pub fn take_over(&self, aside: Keyspace) -> Detached {
        let old = self.flush_all();
        // To a running snapshot the new entries must look like what they are: born behind its cut.
        let stamp = (aside.epoch() != self.epoch()).then(|| self.epoch());
        for db in (0..self.databases()).map(DbIndex) {
            let Some(loaded) = aside.database(db) else { continue };
            let (from, to) = (aside.physical(db), self.physical(db));
            let database = self.database_or_create(to);
            for (shard, (source, target)) in loaded.shards().zip(database.shards()).enumerate() {
                if source.keys() == 0 {
                    continue;
                }
                let mut table = std::mem::take(source.lock(ShardId::new(from, shard)).table_mut());
                if let Some(epoch) = stamp {
                    (0..table.len() as u32).for_each(|at| table.get_mut(at).set_epoch(epoch));
                }
                let mut held = target.lock(ShardId::new(to, shard));
                *held.table_mut() = table;
                held.publish();
            }
        }
        old
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Access, DbIndex, DbSize, EntryRef, Key, Keyspace, LoadedAccess, NewValue, Progress, SnapshotSink,
    };
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    fn fill(keyspace: &Keyspace, db: u32, prefix: &str, keys: usize) {
        let loader = keyspace.loader(DbIndex(db), 1_000);
        for i in 0..keys {
            let key = format!("{prefix}{i}");
            let expire_at_ms = (i % 3 == 0).then_some(9_000);
            loader
                .insert(&Key::new(key.as_bytes()), NewValue::Int(i as i64), expire_at_ms, LoadedAccess::Now)
                .unwrap();
        }
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl SnapshotSink for Count {
        fn capture(&self, _: DbIndex, entry: EntryRef<'_>) {
            assert!(entry.key().starts_with(b"old"));
            self.0.fetch_add(1, Relaxed);
        }

        fn wait_for_room(&self) {}
    }

    #[test]
    fn the_new_dataset_replaces_the_old_one() {
        let keyspace = Keyspace::new(4, 1);
        fill(&keyspace, 0, "old", 5_000);
        fill(&keyspace, 1, "old", 10);
        keyspace.swap(DbIndex(0), DbIndex(2));
        let aside = keyspace.aside();
        fill(&aside, 0, "new", 3_000);
        fill(&aside, 3, "new", 30);
        assert_eq!(keyspace.take_over(aside).keys(), 5_010);
        let keys: Vec<u64> = (0..4).map(|db| keyspace.len(DbIndex(db))).collect();
        assert_eq!(keys, [3_000, 0, 0, 30]);
        assert_eq!(keyspace.expires_len(DbIndex(0)), 1_000);
        let mut view = keyspace.view_exclusive(DbIndex(3), Access::write(2_000));
        assert!(view.exists(&Key::new(b"new7")));
        assert!(!view.exists(&Key::new(b"old7")));
    }

    #[test]
    fn a_running_snapshot_goes_on_with_the_old_one() {
        for begun_before_loading in [true, false] {
            let keyspace = Keyspace::new(2, 1);
            fill(&keyspace, 0, "old", 2_000);
            let sink = Arc::new(Count::default());
            let begin = || keyspace.begin_snapshot(Arc::clone(&sink) as Arc<_>).unwrap();
            let early = begun_before_loading.then(begin);
            let aside = keyspace.aside();
            fill(&aside, 0, "new", 500);
            let snapshot = early.unwrap_or_else(begin);
            assert_eq!(snapshot.sizes(), [DbSize { db: DbIndex(0), keys: 2_000, expires: 667 }]);
            snapshot.walk_step(700);
            drop(keyspace.take_over(aside));
            while snapshot.walk_step(1_000) == Progress::Running {}
            assert_eq!(sink.0.load(Relaxed), 2_000);
            assert_eq!(keyspace.len(DbIndex(0)), 500);
        }
    }
}
