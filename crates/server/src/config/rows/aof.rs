//! The append only file.

use crate::config::checks;
use crate::config::choices::AppendFsync;

super::rows! {
    Aof;
    /// Log every write to the append only file.
    APPENDONLY: bool = flag("appendonly", false);
    /// Base name of the files.
    APPENDFILENAME: str = text("appendfilename", "appendonly.aof").immutable().checked(checks::appendfilename);
    /// Directory of the files, inside the working directory.
    APPENDDIRNAME: str = text("appenddirname", "appendonlydir").immutable().checked(checks::appenddirname);
    /// When the file is synced to disk.
    APPENDFSYNC: AppendFsync = choice("appendfsync", AppendFsync::NAMES, AppendFsync::Everysec as i64);
    /// Do not sync while the file is rewritten or a snapshot is saved.
    NO_APPENDFSYNC_ON_REWRITE: bool = flag("no-appendfsync-on-rewrite", false);
    /// Growth in percent since the last rewrite that starts another; 0 for never.
    AUTO_AOF_REWRITE_PERCENTAGE: i64 = int("auto-aof-rewrite-percentage", 100);
    /// Smallest file that is rewritten by itself.
    AUTO_AOF_REWRITE_MIN_SIZE: u64 = memory("auto-aof-rewrite-min-size", 64 << 20);
    /// Load a file whose end is missing, up to the last whole command.
    AOF_LOAD_TRUNCATED: bool = flag("aof-load-truncated", true);
    /// Write base files in RDB format.
    AOF_USE_RDB_PREAMBLE: bool = flag("aof-use-rdb-preamble", true);
    /// Note the time in the file now and then.
    AOF_TIMESTAMP_ENABLED: bool = flag("aof-timestamp-enabled", false);
    /// Sync a rewritten file to disk bit by bit while it is written.
    AOF_REWRITE_INCREMENTAL_FSYNC: bool = flag("aof-rewrite-incremental-fsync", true);
    /// Keep files that a rewrite has made obsolete.
    AOF_DISABLE_AUTO_GC: bool = flag("aof-disable-auto-gc", false).hidden();
}
