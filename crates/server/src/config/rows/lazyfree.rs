//! Freeing large values in the background.

super::rows! {
    Lazyfree;
    /// Free evicted values in the background.
    LAZYFREE_LAZY_EVICTION: bool = flag("lazyfree-lazy-eviction", false).debug();
    /// Free expired values in the background.
    LAZYFREE_LAZY_EXPIRE: bool = flag("lazyfree-lazy-expire", false).debug();
    /// Free values that commands overwrite in the background.
    LAZYFREE_LAZY_SERVER_DEL: bool = flag("lazyfree-lazy-server-del", false).debug();
    /// Make DEL behave as UNLINK.
    LAZYFREE_LAZY_USER_DEL: bool = flag("lazyfree-lazy-user-del", false).debug();
    /// Make FLUSHDB, FLUSHALL, SCRIPT FLUSH and FUNCTION FLUSH asynchronous unless they say SYNC.
    LAZYFREE_LAZY_USER_FLUSH: bool = flag("lazyfree-lazy-user-flush", false).debug();
    /// Free the old dataset of a replica in the background when a full synchronisation replaces it.
    REPLICA_LAZY_FLUSH: bool = flag("replica-lazy-flush", false).alias("slave-lazy-flush");
}
