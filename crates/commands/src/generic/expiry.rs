//! What EXPIRE, GETEX and RESTORE share: a time that is over already deletes.

use redan_engine::{Cx, condition, notify_class};
use redan_keyspace::Key;

/// Whether a key that is to expire at this time is deleted at once.
///
/// Only a master decides that: a replica and a server that reads its files take over the time, however long ago it
/// was, and wait to be told.
pub(crate) fn is_over(cx: &Cx<'_, '_>, at_ms: i64) -> bool {
    at_ms <= cx.now_ms && cx.is_from_client() && cx.engine.conditions().get() & condition::REPLICA == 0
}

/// Deletes a key because its time is over, as what it propagates.
pub(crate) fn delete_expired(cx: &mut Cx<'_, '_>, key: &Key<'_>) {
    delete(cx, key, cx.engine.settings().lazyfree_lazy_expire);
}

/// The same for a value that a key is not even to get, so that it is the old one that goes.
pub(crate) fn delete_replaced(cx: &mut Cx<'_, '_>, key: &Key<'_>) {
    delete(cx, key, cx.engine.settings().lazyfree_lazy_server_del);
}

fn delete(cx: &mut Cx<'_, '_>, key: &Key<'_>, lazy: bool) {
    cx.view.remove(key);
    cx.propagate(&[if lazy { b"UNLINK" } else { b"DEL" }, key.bytes]);
    cx.notify(notify_class::GENERIC, "del", key.bytes);
}
