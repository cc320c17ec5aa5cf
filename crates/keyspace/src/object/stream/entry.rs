//! An entry as readers see it.

use super::id::StreamId;
use super::node::Field;
use super::packed;

/// An entry of a stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamEntry<'a> {
    /// Its id.
    pub id: StreamId,
    pub(super) count: usize,
    /// The names of its fields, if they are those of its node.
    pub(super) names: Option<&'a [u8]>,
    /// Its values, each behind its name if `names` has none.
    pub(super) data: &'a [u8],
}

impl<'a> StreamEntry<'a> {
    /// Number of fields.
    pub fn field_count(&self) -> usize {
        self.count
    }

    /// Whether the names of its fields are those of its node (see [`NodeRef`](super::NodeRef)).
    pub fn has_node_names(&self) -> bool {
        self.names.is_some()
    }

    /// The fields with their values, in the order they were given.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = Field<'a>> + Clone + use<'a> {
        let (names, data) = (self.names, self.data);
        let (mut name_at, mut at) = (0, 0);
        (0..self.count).map(move |_| {
            let name = match names {
                Some(names) => packed::string(names, &mut name_at),
                None => packed::string(data, &mut at),
            };
            (name, packed::string(data, &mut at))
        })
    }
}
