//! A node of a stream as a listpack.
//!
//! First the numbers of live and deleted entries, the number of field names that entries may share, these names, and a
//! zero. Then for each entry: flags, the milliseconds and the sequence number counted from the node's id, the number of
//! fields unless the flags say that the names are the shared ones, the fields (only values if the names are shared),
//! and the number of all these elements, for readers that come from the end. Deleted entries are read over, and not
//! written.

use redan_keyspace::stream::{NodeRef, StreamId, StreamLoader};
use redan_keyspace::{Listpack, StringRef};

use super::{Result, corrupt};

const DELETED: i64 = 1;
const SAME_NAMES: i64 = 2;

/// Elements of every entry beside its fields: flags, milliseconds, sequence number.
const FIXED: i64 = 3;

/// Writes a node over what the listpack held.
pub(super) fn encode(node: NodeRef<'_>, listpack: &mut Listpack) {
    let (first, names) = (node.first(), node.names());
    listpack.clear();
    listpack.push_back(node.len() as i64);
    listpack.push_back(0);
    listpack.push_back(names.len() as i64);
    names.for_each(|name| listpack.push_back(name));
    listpack.push_back(0);
    for entry in node.entries() {
        let (same, count) = (entry.has_node_names(), entry.field_count() as i64);
        listpack.push_back(if same { SAME_NAMES } else { 0 });
        listpack.push_back(entry.id.ms.wrapping_sub(first.ms) as i64);
        listpack.push_back(entry.id.seq.wrapping_sub(first.seq) as i64);
        if !same {
            listpack.push_back(count);
        }
        for (name, value) in entry.fields() {
            if !same {
                listpack.push_back(name);
            }
            listpack.push_back(value);
        }
        listpack.push_back(elements(same, count));
    }
}

/// How many elements an entry has before the one that says so.
fn elements(same_names: bool, fields: i64) -> i64 {
    if same_names { FIXED + fields } else { FIXED + 1 + 2 * fields }
}

/// Reads a node with the id `first`.
pub(super) fn decode(loader: &mut StreamLoader, first: StreamId, listpack: &Listpack) -> Result<()> {
    let mut rest = Elements(listpack.iter());
    let (live, deleted) = (rest.count()?, rest.count()?);
    let name_count = rest.count()?;
    let names = rest.strings(name_count)?;
    if rest.int()? != 0 {
        return Err(broken());
    }
    loader.node(first, names.iter().copied()).map_err(|_| corrupt("Stream nodes out of order"))?;
    let (mut live_seen, mut deleted_seen) = (0, 0);
    while !rest.is_at_end() {
        let flags = rest.int()?;
        let ms = first.ms.wrapping_add(rest.int()? as u64);
        let seq = first.seq.wrapping_add(rest.int()? as u64);
        let same = flags & SAME_NAMES != 0;
        let count = if same { names.len() } else { rest.count()? };
        let strings = rest.strings(if same { count } else { count.checked_mul(2).ok_or_else(broken)? })?;
        if rest.int()? != elements(same, count as i64) {
            return Err(broken());
        }
        if flags & DELETED != 0 {
            deleted_seen += 1;
            continue;
        }
        live_seen += 1;
        let fields = (0..count).map(|field| match same {
            true => (names[field], strings[field]),
            false => (strings[2 * field], strings[2 * field + 1]),
        });
        loader.entry(StreamId::new(ms, seq), fields).map_err(|_| corrupt("Stream entries out of order"))?;
    }
    if (live_seen, deleted_seen) == (live, deleted) { Ok(()) } else { Err(broken()) }
}

fn broken() -> crate::rdb::error::RdbErrorKind {
    corrupt("Stream listpack integrity check failed.")
}

/// The elements that were not read yet.
struct Elements<I>(I);

impl<'a, I: Iterator<Item = StringRef<'a>> + Clone> Elements<I> {
    fn is_at_end(&self) -> bool {
        self.0.clone().next().is_none()
    }

    fn int(&mut self) -> Result<i64> {
        self.0.next().and_then(StringRef::as_int).ok_or_else(broken)
    }

    /// A number of things.
    fn count(&mut self) -> Result<usize> {
        usize::try_from(self.int()?).map_err(|_| broken())
    }

    /// So many strings. Memory is taken as they are found, not as the count promises.
    fn strings(&mut self, count: usize) -> Result<Vec<StringRef<'a>>> {
        let strings: Vec<_> = self.0.by_ref().take(count).collect();
        if strings.len() == count { Ok(strings) } else { Err(broken()) }
    }
}
