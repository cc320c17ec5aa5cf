//! How a manifest goes from one state to the next.

use super::manifest::{AofFile, AofFileKind, Manifest};

/// The names of an AOF's files, made of `appendfilename`.
impl Manifest {
    /// The name of the manifest itself.
    pub fn file_name(stem: &str) -> String {
        format!("{stem}.manifest")
    }

    /// The name under which a manifest is written before it takes its place.
    pub fn temp_file_name(stem: &str) -> String {
        format!("temp-{stem}.manifest")
    }

    /// The name of the increment that collects commands until the first rewrite succeeds.
    pub fn temp_incr_name(stem: &str) -> String {
        format!("temp-{stem}.incr")
    }

    /// The name of base number `seq`.
    fn base_name(stem: &str, seq: i64, is_rdb: bool) -> String {
        format!("{stem}.{seq}.base.{}", if is_rdb { "rdb" } else { "aof" })
    }

    /// The next increment. Its number is behind that of every increment that may still be on disk.
    pub fn next_incr(&self, stem: &str, start_offset: Option<i64>) -> AofFile {
        let is_incr = |file: &&AofFile| file.name.contains(".incr.");
        let seqs = self.incr.iter().chain(self.history.iter().filter(is_incr)).map(|file| file.seq);
        let seq = seqs.max().unwrap_or(0) + 1;
        let name = format!("{stem}.{seq}.incr.aof");
        AofFile { name, seq, kind: AofFileKind::Incr, start_offset, end_offset: None }
    }

    /// The next base.
    pub fn next_base(&self, stem: &str, is_rdb: bool) -> AofFile {
        let is_base = |file: &&AofFile| !file.name.contains(".incr.");
        let seqs = self.base.iter().chain(self.history.iter().filter(is_base)).map(|file| file.seq);
        let seq = seqs.max().unwrap_or(0) + 1;
        let name = Self::base_name(stem, seq, is_rdb);
        AofFile { name, seq, kind: AofFileKind::Base, start_offset: None, end_offset: None }
    }

    /// Puts a new base in place of the old one and of all increments before `from_seq`, which become history.
    pub fn rebase(&mut self, base: AofFile, from_seq: i64) {
        let old_base = self.base.replace(base);
        let kept = self.incr.partition_point(|file| file.seq < from_seq);
        for mut file in old_base.into_iter().chain(self.incr.drain(..kept)) {
            file.kind = AofFileKind::History;
            file.start_offset = None;
            file.end_offset = None;
            self.history.insert(0, file);
        }
    }

    /// The AOF of a version that had only one file: that file is the base.
    pub fn of_old_file(name: &str) -> Self {
        let kind = AofFileKind::Base;
        let base = AofFile { name: name.to_owned(), seq: 1, kind, start_offset: None, end_offset: None };
        Manifest { base: Some(base), ..Manifest::default() }
    }

    /// Whether there is nothing to load.
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.incr.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(manifest: &Manifest) -> String {
        manifest.to_string().replace("file ", "").replace('\n', "; ")
    }

    #[test]
    fn rewrites_leave_history_newest_first() {
        let mut manifest = Manifest::default();
        manifest.rebase(manifest.next_base("a", true), 1);
        manifest.incr.push(manifest.next_incr("a", Some(0)));
        for _ in 0..2 {
            let incr = manifest.next_incr("a", None);
            let from = incr.seq;
            manifest.incr.push(incr);
            manifest.rebase(manifest.next_base("a", true), from);
        }
        assert_eq!(
            text(&manifest),
            "a.3.base.rdb seq 3 type b; a.2.incr.aof seq 2 type h; a.2.base.rdb seq 2 type h; \
             a.1.incr.aof seq 1 type h; a.1.base.rdb seq 1 type h; a.3.incr.aof seq 3 type i; "
        );
        assert_eq!(Manifest::parse(manifest.to_string().as_bytes()), Ok(manifest));
    }

    #[test]
    fn without_increments_numbers_begin_again() {
        let mut manifest = Manifest::of_old_file("a");
        manifest.incr.push(manifest.next_incr("a", None));
        manifest.rebase(manifest.next_base("a", false), i64::MAX);
        assert_eq!(manifest.next_incr("a", None).seq, 2, "the old one is still on disk");
        manifest.history.clear();
        assert_eq!(manifest.next_incr("a", None).seq, 1);
        assert_eq!(text(&manifest), "a.2.base.aof seq 2 type b; ");
    }
}
