//! A run of entries in one block of memory.
//!
//! First come the names of the fields of the run's first entry: their number and the strings. Then the entries, each
//! with what [`packed`] makes of
//!
//! - a head: the lowest bit says that the entry was deleted, the next one that its fields have the names above; else
//!   the rest is the number of its fields;
//! - the number of bytes that follow, so that it can be skipped;
//! - the milliseconds since the entry before it (deleted or not), and the sequence number: counted from the one before
//!   it within the same millisecond;
//! - the values, each behind its name if the names are not those above.
//!
//! The first entry counts from the id under which the run is filed. This takes about a quarter less than the listpack
//! that an RDB file has in its place. A run ends where its listpack would be full, so that it goes into a file as one.

use super::entry::StreamEntry;
use super::id::StreamId;
use super::packed::{self, listpack_int_len, listpack_len, number, put_number, put_string};
use crate::value::StringRef;

/// A field and its value.
pub type Field<'a> = (StringRef<'a>, StringRef<'a>);

const DELETED: u64 = 1;
const SAME_NAMES: u64 = 2;

/// A run of entries.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The newest entry, deleted or not.
    last: StreamId,
    live: u32,
    deleted: u32,
    /// What a listpack would need for all but the two counts of entries.
    listpack_rest: u64,
    /// Where the entries begin.
    entries_at: u32,
    bytes: Vec<u8>,
}

impl Node {
    /// A run without entries that is filed under `first`.
    pub(super) fn new<'a>(first: StreamId, names: impl ExactSizeIterator<Item = StringRef<'a>>) -> Self {
        /// Header and end mark of a listpack.
        const FRAME: usize = 7;
        let mut bytes = Vec::new();
        // Behind the names a listpack has a zero.
        let mut rest = FRAME + listpack_int_len(names.len() as i64) + listpack_int_len(0);
        put_number(&mut bytes, names.len() as u64);
        for name in names {
            rest += listpack_len(name);
            put_string(&mut bytes, name);
        }
        let entries_at = bytes.len() as u32;
        Self { last: first, live: 0, deleted: 0, listpack_rest: rest as u64, entries_at, bytes }
    }

    /// Entries that are not deleted.
    pub(super) fn live(&self) -> u64 {
        u64::from(self.live)
    }

    /// All entries, deleted or not.
    pub(super) fn total(&self) -> u64 {
        u64::from(self.live) + u64::from(self.deleted)
    }

    /// The newest entry, deleted or not.
    pub(super) fn last(&self) -> StreamId {
        self.last
    }

    /// What a listpack of these entries would need, bytes.
    pub(super) fn listpack_len(&self) -> usize {
        let counts = listpack_int_len(self.live.into()) + listpack_int_len(self.deleted.into());
        counts + self.listpack_rest as usize
    }

    /// Bytes allocated.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Gives back what was allocated for entries to come.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// The names that entries may share.
    pub(super) fn names(&self) -> impl ExactSizeIterator<Item = StringRef<'_>> + Clone {
        let mut at = 0;
        let count = number(&self.bytes, &mut at) as usize;
        (0..count).map(move |_| packed::string(&self.bytes, &mut at))
    }

    /// Adds an entry behind all others.
    pub(super) fn append<'a>(
        &mut self,
        first: StreamId,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = Field<'a>> + Clone,
    ) {
        debug_assert!(id > self.last || (self.total() == 0 && id >= self.last), "ids grow");
        let count = fields.len();
        let same = self.shares_names(fields.clone());
        put_number(&mut self.bytes, if same { SAME_NAMES } else { (count as u64) << 2 });
        let body_at = self.bytes.len();
        self.bytes.push(0);
        let same_ms = id.ms == self.last.ms;
        put_number(&mut self.bytes, id.ms - self.last.ms);
        put_number(&mut self.bytes, if same_ms { id.seq - self.last.seq } else { id.seq });
        let mut listpack = listpack_int_len(0)
            + listpack_int_len(id.ms.wrapping_sub(first.ms) as i64)
            + listpack_int_len(id.seq.wrapping_sub(first.seq) as i64);
        let mut elements = count + 3;
        if !same {
            listpack += listpack_int_len(count as i64);
            elements += count + 1;
        }
        for (name, value) in fields {
            if !same {
                listpack += listpack_len(name);
                put_string(&mut self.bytes, name);
            }
            listpack += listpack_len(value);
            put_string(&mut self.bytes, value);
        }
        self.close_body(body_at);
        self.listpack_rest += (listpack + listpack_int_len(elements as i64)) as u64;
        self.last = id;
        self.live += 1;
    }

    fn shares_names<'a>(&self, mut fields: impl ExactSizeIterator<Item = Field<'a>>) -> bool {
        let mut names = self.names();
        names.len() == fields.len()
            && names.all(|ours| fields.next().is_some_and(|(name, _)| ours == packed::canonical(name)))
    }

    /// Writes how long the body is that begins behind the byte at `at`, for which one byte was left.
    fn close_body(&mut self, at: usize) {
        let len = self.bytes.len() - at - 1;
        if len < 0x80 {
            self.bytes[at] = len as u8;
            return;
        }
        let end = self.bytes.len();
        put_number(&mut self.bytes, len as u64);
        let digits = self.bytes.len() - end;
        // The number goes to the front of the body, over the byte that was left for it.
        self.bytes[at..].rotate_right(digits);
        self.bytes.remove(at + digits);
    }

    /// All entries, deleted ones included.
    pub(super) fn walk(&self, first: StreamId) -> Walk<'_> {
        let mut names_at = 0;
        let name_count = number(&self.bytes, &mut names_at) as usize;
        let names = &self.bytes[names_at..self.entries_at as usize];
        Walk { bytes: &self.bytes, names, name_count, at: self.entries_at as usize, id: first }
    }

    /// The entries that were not deleted.
    pub(super) fn entries(&self, first: StreamId) -> impl Iterator<Item = StreamEntry<'_>> {
        self.walk(first).filter(|step| !step.deleted).map(|step| step.entry)
    }

    /// The newest entry that was not deleted.
    pub(super) fn last_live(&self, first: StreamId) -> Option<StreamId> {
        if self.deleted == 0 && self.live > 0 {
            return Some(self.last);
        }
        self.entries(first).last().map(|entry| entry.id)
    }

    /// Where the entry with this id is, if it is there and not deleted.
    pub(super) fn find(&self, first: StreamId, id: StreamId) -> Option<usize> {
        if id > self.last {
            return None;
        }
        let step = self.walk(first).find(|step| step.entry.id >= id)?;
        (step.entry.id == id && !step.deleted).then_some(step.at)
    }

    /// Marks an entry as deleted, given where it is.
    pub(super) fn delete_at(&mut self, at: usize) {
        debug_assert!(self.bytes[at] & DELETED as u8 == 0, "deleted once");
        self.bytes[at] |= DELETED as u8;
        self.live -= 1;
        self.deleted += 1;
    }
}

/// An entry on the way through a node.
pub(super) struct Step<'a> {
    /// Where it begins.
    pub(super) at: usize,
    pub(super) deleted: bool,
    pub(super) entry: StreamEntry<'a>,
}

/// All entries of a node in order.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    names: &'a [u8],
    name_count: usize,
    at: usize,
    /// The entry before the one at `at`.
    id: StreamId,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Step<'a>;

    #[inline]
    fn next(&mut self) -> Option<Step<'a>> {
        if self.at == self.bytes.len() {
            return None;
        }
        let start = self.at;
        let mut at = start;
        let head = number(self.bytes, &mut at);
        let len = number(self.bytes, &mut at) as usize;
        let end = at + len;
        let ms = number(self.bytes, &mut at);
        let seq = number(self.bytes, &mut at);
        self.id = if ms == 0 {
            StreamId::new(self.id.ms, self.id.seq + seq)
        } else {
            StreamId::new(self.id.ms + ms, seq)
        };
        self.at = end;
        let same = head & SAME_NAMES != 0;
        let entry = StreamEntry {
            id: self.id,
            count: if same { self.name_count } else { (head >> 2) as usize },
            names: same.then_some(self.names),
            data: &self.bytes[at..end],
        };
        Some(Step { at: start, deleted: head & DELETED != 0, entry })
    }
}
