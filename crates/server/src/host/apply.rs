//! From the configuration to what acts on it: at the start for all parameters, then whenever one changes.

use super::{Server, encodings};
use crate::config::choices::{AclPubsubDefault, MaxmemoryPolicy};
use crate::config::value::OutputLimit;
use crate::config::{Settings, rows};
use crate::net::Plan;
use crate::startup::process;
use crate::{config, memory};
use redan_engine::NotifyClasses;
use redan_keyspace::EvictionPolicy;
use std::sync::Arc;

/// Applies what takes effect without other threads, and watches all parameters for changes.
pub(super) fn apply_all(server: &Arc<Server>) {
    let settings = server.config.load();
    apply_engine(server, &settings);
    apply_memory(server, &settings);
    encodings::apply(server, &settings);
    apply_password(server, &settings);
    server.engine.log().set_backlog_size(settings.get(rows::REPL_BACKLOG_SIZE));
    watch_engine(server);
    watch_process(server);
    watch_listeners(server);
}

/// Registers `apply` for changes of the named parameters.
fn watch(
    server: &Arc<Server>,
    names: &[&str],
    apply: impl Fn(&Arc<Server>, &Settings) -> Result<(), String> + Send + 'static,
) {
    let weak = Arc::downgrade(server);
    server.config.on_change(names, move |settings| match weak.upgrade() {
        Some(server) => apply(&server, settings),
        None => Ok(()),
    });
}

fn watch_engine(server: &Arc<Server>) {
    let engine = [
        rows::PROTO_MAX_BULK_LEN.name(),
        rows::CLIENT_QUERY_BUFFER_LIMIT.name(),
        rows::NOTIFY_KEYSPACE_EVENTS.name(),
        rows::MAXMEMORY.name(),
        rows::MAXMEMORY_POLICY.name(),
        rows::MAXMEMORY_SAMPLES.name(),
        rows::MIN_REPLICAS_TO_WRITE.name(),
        rows::LAZYFREE_LAZY_EXPIRE.name(),
        rows::LAZYFREE_LAZY_EVICTION.name(),
        rows::LAZYFREE_LAZY_SERVER_DEL.name(),
        rows::LAZYFREE_LAZY_USER_DEL.name(),
        rows::LAZYFREE_LAZY_USER_FLUSH.name(),
        rows::HLL_SPARSE_MAX_BYTES.name(),
        rows::SLOWLOG_LOG_SLOWER_THAN.name(),
        rows::SLOWLOG_MAX_LEN.name(),
        rows::LATENCY_MONITOR_THRESHOLD.name(),
        rows::LATENCY_TRACKING.name(),
        rows::TRACKING_TABLE_MAX_KEYS.name(),
        rows::LATENCY_TRACKING_INFO_PERCENTILES.name(),
        rows::CLIENT_OUTPUT_BUFFER_LIMIT.name(),
        rows::REPLICA_SERVE_STALE_DATA.name(),
        rows::ACL_PUBSUB_DEFAULT.name(),
        rows::ACLLOG_MAX_LEN.name(),
        rows::BUSY_REPLY_THRESHOLD.name(),
    ];
    watch(server, &engine, |server, settings| {
        apply_engine(server, settings);
        Ok(())
    });
    let memory = [
        rows::MAXMEMORY.name(),
        rows::MAXMEMORY_POLICY.name(),
        rows::LFU_LOG_FACTOR.name(),
        rows::LFU_DECAY_TIME.name(),
        rows::JEMALLOC_BG_THREAD.name(),
    ];
    watch(server, &memory, |server, settings| {
        apply_memory(server, settings);
        Ok(())
    });
    watch(server, &encodings::names(&server.config.load()), |server, settings| {
        encodings::apply(server, settings);
        Ok(())
    });
    watch(server, &[rows::REQUIREPASS.name()], |server, settings| {
        apply_password(server, settings);
        Ok(())
    });
    watch(server, &[rows::REPL_BACKLOG_SIZE.name()], |server, settings| {
        server.engine.log().set_backlog_size(settings.get(rows::REPL_BACKLOG_SIZE));
        Ok(())
    });
}

fn watch_process(server: &Arc<Server>) {
    watch(server, &[rows::LOGLEVEL.name()], |server, settings| {
        server.log.set_level(settings.get(rows::LOGLEVEL));
        Ok(())
    });
    watch(server, &[rows::DIR.name()], |_, settings| {
        let moved = std::env::set_current_dir(settings.get(rows::DIR));
        moved.map_err(|error| config::os_text(&error))
    });
    watch(server, &[rows::MAXCLIENTS.name()], |_, settings| {
        let wanted = settings.get(rows::MAXCLIENTS) as u64;
        match process::raise_descriptor_limit(wanted) {
            possible if possible >= wanted => Ok(()),
            possible => Err(format!(
                "The operating system is not able to handle the specified number of clients, try with {possible}"
            )),
        }
    });
    watch(server, &[rows::OOM_SCORE_ADJ.name(), rows::OOM_SCORE_ADJ_VALUES.name()], |server, settings| {
        process::adjust_oom_score(settings, server.replication.is_replica())
            .map_err(|_| "Failed to apply new oom_score_adj configuration, check server logs.".to_owned())
    });
    watch(server, &[rows::RDB_KEY_SAVE_DELAY.name()], |server, settings| {
        server.persist.set_delay(settings.get(rows::RDB_KEY_SAVE_DELAY));
        Ok(())
    });
    watch(server, &[rows::STOP_WRITES_ON_BGSAVE_ERROR.name(), rows::SAVE.name()], |server, _| {
        server.persist.refresh_condition(server);
        Ok(())
    });
}

fn watch_listeners(server: &Arc<Server>) {
    let failures = [
        (rows::PORT.name(), "Unable to listen on this port. Check server logs."),
        (rows::BIND.name(), "Failed to bind to specified addresses."),
    ];
    for (name, failure) in failures {
        watch(server, &[name], move |server, settings| {
            server.net.reopen_tcp(server, &Plan::of(settings)).map_err(|error| {
                tracing::warn!("{}", error.to_string().replace(", aborting.", "."));
                failure.to_owned()
            })
        });
    }
}

fn apply_password(server: &Server, settings: &Settings) {
    server.engine.set_default_password(settings.get(rows::REQUIREPASS));
}

/// What the allocator and the access clock need to know.
fn apply_memory(server: &Server, settings: &Settings) {
    let clock = server.engine.keyspace().clock();
    clock.set_lfu(policy(settings).is_lfu());
    clock.set_log_factor(settings.get(rows::LFU_LOG_FACTOR) as u32);
    clock.set_decay_minutes(settings.get(rows::LFU_DECAY_TIME) as u32);
    let background = settings.get(rows::JEMALLOC_BG_THREAD);
    if let Err(error) = tikv_jemalloc_ctl::background_thread::write(background) {
        tracing::debug!("The allocator's background thread is not available: {error}");
    }
}

fn apply_engine(server: &Server, settings: &Settings) {
    let limits = settings.get(rows::CLIENT_OUTPUT_BUFFER_LIMIT);
    let notify = NotifyClasses::parse(settings.get(rows::NOTIFY_KEYSPACE_EVENTS).as_bytes());
    server.engine.set_settings(redan_engine::Settings {
        proto_max_bulk_len: size(settings.get(rows::PROTO_MAX_BULK_LEN)),
        query_buffer_limit: size(settings.get(rows::CLIENT_QUERY_BUFFER_LIMIT)),
        notify: notify.unwrap_or_default(),
        maxmemory: settings.get(rows::MAXMEMORY).bytes_of(memory::limit()),
        maxmemory_policy: policy(settings),
        maxmemory_samples: settings.get(rows::MAXMEMORY_SAMPLES) as usize,
        min_replicas_to_write: settings.get(rows::MIN_REPLICAS_TO_WRITE) as usize,
        lazyfree_lazy_expire: settings.get(rows::LAZYFREE_LAZY_EXPIRE),
        lazyfree_lazy_eviction: settings.get(rows::LAZYFREE_LAZY_EVICTION),
        hll_sparse_max_bytes: size(settings.get(rows::HLL_SPARSE_MAX_BYTES)),
        lazyfree_lazy_server_del: settings.get(rows::LAZYFREE_LAZY_SERVER_DEL),
        lazyfree_lazy_user_del: settings.get(rows::LAZYFREE_LAZY_USER_DEL),
        lazyfree_lazy_user_flush: settings.get(rows::LAZYFREE_LAZY_USER_FLUSH),
        slowlog_slower_than_us: settings.get(rows::SLOWLOG_LOG_SLOWER_THAN),
        slowlog_max_len: settings.get(rows::SLOWLOG_MAX_LEN) as usize,
        latency_monitor_threshold_ms: settings.get(rows::LATENCY_MONITOR_THRESHOLD) as u64,
        tracking_max_keys: usize::try_from(settings.get(rows::TRACKING_TABLE_MAX_KEYS)).unwrap_or(0),
        latency_tracking: settings.get(rows::LATENCY_TRACKING),
        latency_percentiles: settings.get(rows::LATENCY_TRACKING_INFO_PERCENTILES).to_vec(),
        pubsub_output_limit: output_limit(limits.pubsub),
        normal_output_limit: output_limit(limits.normal),
        acl_all_channels: settings.get(rows::ACL_PUBSUB_DEFAULT) == AclPubsubDefault::AllChannels,
        acl_log_max_len: usize::try_from(settings.get(rows::ACLLOG_MAX_LEN)).unwrap_or(usize::MAX),
        busy_reply_threshold_ms: settings.get(rows::BUSY_REPLY_THRESHOLD),
        replica_serve_stale_data: settings.get(rows::REPLICA_SERVE_STALE_DATA),
    });
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn output_limit(limit: OutputLimit) -> (u64, u64, u64) {
    (limit.hard, limit.soft, limit.soft_seconds.saturating_mul(1000))
}

/// `maxmemory-policy` in the keyspace's terms.
pub(crate) fn policy(settings: &Settings) -> EvictionPolicy {
    match settings.get(rows::MAXMEMORY_POLICY) {
        MaxmemoryPolicy::VolatileLru => EvictionPolicy::VolatileLru,
        MaxmemoryPolicy::VolatileLfu => EvictionPolicy::VolatileLfu,
        MaxmemoryPolicy::VolatileRandom => EvictionPolicy::VolatileRandom,
        MaxmemoryPolicy::VolatileTtl => EvictionPolicy::VolatileTtl,
        MaxmemoryPolicy::AllkeysLru => EvictionPolicy::AllKeysLru,
        MaxmemoryPolicy::AllkeysLfu => EvictionPolicy::AllKeysLfu,
        MaxmemoryPolicy::AllkeysRandom => EvictionPolicy::AllKeysRandom,
        MaxmemoryPolicy::NoEviction => EvictionPolicy::NoEviction,
    }
}
