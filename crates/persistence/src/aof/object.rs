//! Aggregates as the commands that create them.

use redan_keyspace::{Object, ValueRef};
use redan_resp::CommandBuilder;

use crate::dump;

/// Writes the commands that create `object` under `key`.
pub(super) fn put(out: &mut Vec<u8>, key: &[u8], object: &Object) {
    // The form that every type has: its serialisation, as MIGRATE sends it.
    let payload = dump::encode(ValueRef::Object(object), true);
    CommandBuilder::new(out, 4).arg(b"RESTORE").arg(key).arg(b"0").arg(&payload);
}
