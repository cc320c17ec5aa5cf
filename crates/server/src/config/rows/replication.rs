//! Masters and replicas.

use crate::config::choices::{DisklessLoad, PropagationError};
use crate::config::value::MasterAddr;

super::rows! {
    Replication;
    /// The master to replicate.
    REPLICAOF: MasterAddr = special("replicaof", Kind::ReplicaOf).alias("slaveof").immutable();
    /// Password the master asks for.
    MASTERAUTH: [u8] = secret("masterauth");
    /// User to authenticate as with the master.
    MASTERUSER: str = optional("masteruser").sensitive();
    /// Answer clients while the link to the master is down.
    REPLICA_SERVE_STALE_DATA: bool = flag("replica-serve-stale-data", true).alias("slave-serve-stale-data");
    /// Refuse writes of clients on a replica.
    REPLICA_READ_ONLY: bool = flag("replica-read-only", true).alias("slave-read-only").debug();
    /// Stream full synchronisations instead of sending a file.
    REPL_DISKLESS_SYNC: bool = flag("repl-diskless-sync", true).debug();
    /// Seconds to wait for further replicas before a streamed full synchronisation starts.
    REPL_DISKLESS_SYNC_DELAY: i64 = int("repl-diskless-sync-delay", 5);
    /// Replicas that end that wait early; 0 for no such number.
    REPL_DISKLESS_SYNC_MAX_REPLICAS: i64 = int("repl-diskless-sync-max-replicas", 0);
    /// When a replica loads the dataset straight from the socket.
    REPL_DISKLESS_LOAD: DisklessLoad =
        choice("repl-diskless-load", DisklessLoad::NAMES, DisklessLoad::Disabled as i64).deny_loading().debug();
    /// Send a full synchronisation over a connection of its own.
    REPL_RDB_CHANNEL: bool = flag("repl-rdb-channel", true).hidden().inert();
    /// Seconds between the pings a master sends to its replicas.
    REPL_PING_REPLICA_PERIOD: i64 =
        int("repl-ping-replica-period", 10).range(1, i32::MAX as i64).alias("repl-ping-slave-period");
    /// Seconds of silence after which a replication link is given up.
    REPL_TIMEOUT: i64 = int("repl-timeout", 60).range(1, i32::MAX as i64);
    /// Send to replicas in fewer, larger packets.
    REPL_DISABLE_TCP_NODELAY: bool = flag("repl-disable-tcp-nodelay", false).inert();
    /// Bytes of history kept for replicas that come back.
    REPL_BACKLOG_SIZE: u64 = memory("repl-backlog-size", 1 << 20).size_range(1, i64::MAX as u64);
    /// Seconds without replicas after which a master drops that history; 0 for never.
    REPL_BACKLOG_TTL: i64 = int("repl-backlog-ttl", 3600).range(0, i64::MAX);
    /// Bytes a replica may buffer while a full synchronisation is under way; 0 for the output limit of replicas.
    REPLICA_FULL_SYNC_BUFFER_LIMIT: u64 = memory("replica-full-sync-buffer-limit", 0).inert();
    /// How willing Sentinels are to promote the replica; lower is better, 0 is never.
    REPLICA_PRIORITY: i64 = int("replica-priority", 100).alias("slave-priority");
    /// Show the replica in what Sentinels report.
    REPLICA_ANNOUNCED: bool = flag("replica-announced", true);
    /// Address the replica tells its master.
    REPLICA_ANNOUNCE_IP: str = optional("replica-announce-ip").alias("slave-announce-ip");
    /// Port the replica tells its master; 0 for the one it listens on.
    REPLICA_ANNOUNCE_PORT: i64 = int("replica-announce-port", 0).range(0, 65535).alias("slave-announce-port");
    /// Replicas that must be connected for a master to take writes; 0 for any number.
    MIN_REPLICAS_TO_WRITE: i64 = int("min-replicas-to-write", 0).alias("min-slaves-to-write");
    /// Seconds since its last sign of life for which such a replica counts.
    MIN_REPLICAS_MAX_LAG: i64 = int("min-replicas-max-lag", 10).alias("min-slaves-max-lag");
    /// What happens when a replicated command fails.
    PROPAGATION_ERROR_BEHAVIOR: PropagationError = choice(
        "propagation-error-behavior",
        PropagationError::NAMES,
        PropagationError::Ignore as i64,
    ).inert();
    /// Keep the data of a replica whose master came back without any.
    REPLICA_REFUSE_EMPTY_MASTER: bool = flag("replica-refuse-empty-master", false);
    /// Go on replicating when a replica cannot write to its disk.
    REPLICA_IGNORE_DISK_WRITE_ERRORS: bool = flag("replica-ignore-disk-write-errors", false).inert();
    /// Do not evict on a replica; the master's deletions come through replication.
    REPLICA_IGNORE_MAXMEMORY: bool = flag("replica-ignore-maxmemory", true).alias("slave-ignore-maxmemory").inert();
}
