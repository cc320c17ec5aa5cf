//! RDB snapshots.

use crate::config::checks;
use crate::config::choices::SanitizeDumpPayload;
use crate::config::value::SavePoint;

super::rows! {
    Snapshotting;
    /// When to save by itself: pairs of seconds and changes.
    SAVE: [SavePoint] = special("save", Kind::Save);
    /// Refuse writes while snapshots fail.
    STOP_WRITES_ON_BGSAVE_ERROR: bool = flag("stop-writes-on-bgsave-error", true);
    /// Compress strings in snapshots.
    RDBCOMPRESSION: bool = flag("rdbcompression", true);
    /// End snapshots with a checksum, and check it on load.
    RDBCHECKSUM: bool = flag("rdbchecksum", true).immutable();
    /// Which payloads are checked in depth.
    SANITIZE_DUMP_PAYLOAD: SanitizeDumpPayload =
        choice("sanitize-dump-payload", SanitizeDumpPayload::NAMES, SanitizeDumpPayload::No as i64).debug();
    /// File name of the snapshot.
    DBFILENAME: str = text("dbfilename", "dump.rdb").protected().checked(checks::dbfilename);
    /// Remove the file of a full synchronisation when nothing else needs it.
    RDB_DEL_SYNC_FILES: bool = flag("rdb-del-sync-files", false);
    /// Working directory, where snapshots and the append only file live.
    DIR: str = special("dir", Kind::Dir).protected().deny_loading();
    /// Sync a snapshot to disk bit by bit while it is written.
    RDB_SAVE_INCREMENTAL_FSYNC: bool = flag("rdb-save-incremental-fsync", true);
}
