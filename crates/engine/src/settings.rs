//! The configuration the engine itself heeds, as plain typed values. The server fills it from its configuration.

use crate::NotifyClasses;
use redan_keyspace::EvictionPolicy;

/// What the engine and the handlers need to know of the configuration, as of its last change.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `proto-max-bulk-len`, bytes: the longest string.
    pub proto_max_bulk_len: usize,
    /// `client-query-buffer-limit`, bytes.
    pub query_buffer_limit: usize,
    /// `notify-keyspace-events`.
    pub notify: NotifyClasses,
    /// `maxmemory`, bytes; 0 for none.
    pub maxmemory: u64,
    /// `maxmemory-policy`.
    pub maxmemory_policy: EvictionPolicy,
    /// `maxmemory-samples`.
    pub maxmemory_samples: usize,
    /// `min-replicas-to-write`.
    pub min_replicas_to_write: usize,
    /// `lazyfree-lazy-expire`: expired keys propagate as UNLINK.
    pub lazyfree_lazy_expire: bool,
    /// `lazyfree-lazy-eviction`: evicted keys propagate as UNLINK.
    pub lazyfree_lazy_eviction: bool,
    /// `hll-sparse-max-bytes`: a sparse HyperLogLog that would get longer becomes dense.
    pub hll_sparse_max_bytes: usize,
    /// `lazyfree-lazy-server-del`: keys that commands delete by the way propagate as UNLINK.
    pub lazyfree_lazy_server_del: bool,
    /// `lazyfree-lazy-user-del`: DEL is UNLINK.
    pub lazyfree_lazy_user_del: bool,
    /// `lazyfree-lazy-user-flush`: FLUSHALL and FLUSHDB are asynchronous by default.
    pub lazyfree_lazy_user_flush: bool,
    /// `slowlog-log-slower-than`, microseconds; negative for never.
    pub slowlog_slower_than_us: i64,
    /// `latency-monitor-threshold`, milliseconds; 0 for never.
    pub latency_monitor_threshold_ms: u64,
    /// `tracking-table-max-keys`; 0 for no limit.
    pub tracking_max_keys: usize,
    /// `latency-tracking`.
    pub latency_tracking: bool,
    /// `latency-tracking-info-percentiles`.
    pub latency_percentiles: Vec<f64>,
    /// `slowlog-max-len`.
    pub slowlog_max_len: usize,
    /// `client-output-buffer-limit pubsub`: hard limit, soft limit (bytes), soft time (ms).
    pub pubsub_output_limit: (u64, u64, u64),
    /// `client-output-buffer-limit normal`: hard limit, soft limit (bytes), soft time (ms).
    pub normal_output_limit: (u64, u64, u64),
    /// `acl-pubsub-default allchannels`: new users may use all channels.
    pub acl_all_channels: bool,
    /// `acllog-max-len`.
    pub acl_log_max_len: usize,
    /// `busy-reply-threshold`, milliseconds; 0 for never: others are told of a script that runs longer.
    pub busy_reply_threshold_ms: i64,
    /// `replica-serve-stale-data`.
    pub replica_serve_stale_data: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            proto_max_bulk_len: 512 << 20,
            query_buffer_limit: 1 << 30,
            notify: NotifyClasses::default(),
            maxmemory: 0,
            maxmemory_policy: EvictionPolicy::NoEviction,
            maxmemory_samples: 5,
            min_replicas_to_write: 0,
            lazyfree_lazy_expire: false,
            lazyfree_lazy_eviction: false,
            hll_sparse_max_bytes: 3000,
            lazyfree_lazy_server_del: false,
            lazyfree_lazy_user_del: false,
            lazyfree_lazy_user_flush: false,
            slowlog_slower_than_us: 10_000,
            slowlog_max_len: 128,
            latency_monitor_threshold_ms: 0,
            tracking_max_keys: 1_000_000,
            latency_tracking: true,
            latency_percentiles: vec![50.0, 99.0, 99.9],
            pubsub_output_limit: (32 << 20, 8 << 20, 60_000),
            normal_output_limit: (0, 0, 0),
            acl_all_channels: false,
            acl_log_max_len: 128,
            busy_reply_threshold_ms: 5000,
            replica_serve_stale_data: true,
        }
    }
}
