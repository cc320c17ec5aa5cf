//! INFO stats, cpu and threads.

use super::Fields;
use super::sample::{Metric, busy_us};
use crate::config::rows;
use crate::host::Server;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(super) fn write(server: &Server, fields: &mut Fields<'_>) {
    let engine = server.engine();
    let (counters, totals, keys) = (engine.counters(), engine.totals(), engine.keyspace().stats());
    let samples = &server.info_state().samples;
    let count = |counter: &AtomicU64| counter.load(Relaxed);
    fields.add("total_connections_received", count(&counters.connections_received));
    fields.add("total_commands_processed", totals.commands);
    fields.add("instantaneous_ops_per_sec", samples.rate(Metric::Commands));
    fields.add("total_net_input_bytes", totals.net_in);
    fields.add("total_net_output_bytes", totals.net_out);
    fields.add("total_net_repl_input_bytes", 0);
    fields.add("total_net_repl_output_bytes", 0);
    let kbps = |metric| samples.rate(metric) as f64 / 1024.0;
    fields.add("instantaneous_input_kbps", format_args!("{:.2}", kbps(Metric::NetIn)));
    fields.add("instantaneous_output_kbps", format_args!("{:.2}", kbps(Metric::NetOut)));
    fields.add("instantaneous_input_repl_kbps", "0.00");
    fields.add("instantaneous_output_repl_kbps", "0.00");
    fields.add("rejected_connections", count(&counters.rejected_connections));
    fields.add("sync_full", count(&counters.sync_full));
    fields.add("sync_partial_ok", count(&counters.sync_partial_ok));
    fields.add("sync_partial_err", count(&counters.sync_partial_err));
    fields.add("expired_subkeys", keys.expired_fields);
    fields.add("expired_keys", keys.expired);
    fields.add("expired_stale_perc", "0.00");
    fields.add("expired_time_cap_reached_count", count(&counters.expired_time_cap_reached));
    fields.add("expire_cycle_cpu_milliseconds", 0);
    fields.add("evicted_keys", count(&counters.evicted_keys));
    fields.add("evicted_clients", count(&counters.evicted_clients));
    let scripts = if engine.has_scripts() { engine.scripts().figures() } else { Default::default() };
    fields.add("evicted_scripts", scripts.evicted);
    fields.add("total_eviction_exceeded_time", 0);
    fields.add("current_eviction_exceeded_time", 0);
    fields.add("keyspace_hits", keys.hits);
    fields.add("keyspace_misses", keys.misses);
    fields.add("pubsub_channels", engine.pubsub().channel_count(false));
    fields.add("pubsub_patterns", engine.pubsub().pattern_count());
    fields.add("pubsubshard_channels", engine.pubsub().channel_count(true));
    fields.add("latest_fork_usec", 0);
    fields.add("total_forks", 0);
    fields.add("migrate_cached_sockets", server.kept_exchanges());
    fields.add("slave_expires_tracked_keys", 0);
    write_rest(server, fields, &totals);
}

fn write_rest(server: &Server, fields: &mut Fields<'_>, totals: &redan_engine::Totals) {
    let counters = server.engine().counters();
    for name in [
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
    ] {
        fields.add(name, 0);
    }
    let tracking = server.engine().tracking_counts();
    fields.add("tracking_total_keys", tracking.keys);
    fields.add("tracking_total_items", tracking.items);
    fields.add("tracking_total_prefixes", tracking.prefixes);
    fields.add("unexpected_error_replies", counters.unexpected_error_replies.load(Relaxed));
    fields.add("total_error_replies", totals.error_replies);
    fields.add("dump_payload_sanitizations", 0);
    fields.add("total_reads_processed", totals.reads);
    fields.add("total_writes_processed", totals.writes);
    fields.add("io_threaded_reads_processed", totals.reads);
    fields.add("io_threaded_writes_processed", totals.writes);
    fields.add("client_query_buffer_limit_disconnections", counters.query_limit_disconnections.load(Relaxed));
    fields
        .add("client_output_buffer_limit_disconnections", counters.output_limit_disconnections.load(Relaxed));
    fields.add("reply_buffer_shrinks", 0);
    fields.add("reply_buffer_expands", 0);
    write_event_loops(server, fields);
    fields.add("acl_access_denied_auth", counters.auth_denied.load(Relaxed));
    fields.add("acl_access_denied_cmd", counters.acl_denied_commands.load(Relaxed));
    fields.add("acl_access_denied_key", counters.acl_denied_keys.load(Relaxed));
    fields.add("acl_access_denied_channel", counters.acl_denied_channels.load(Relaxed));
}

/// There are several event loops, one a worker; what is shown is their sum.
fn write_event_loops(server: &Server, fields: &mut Fields<'_>) {
    let engine = server.engine();
    let samples = &server.info_state().samples;
    let entries = engine.table().entries().len();
    let commands_ns: u64 = (0..entries).map(|index| engine.command_totals(index as u16)[1]).sum();
    let (cycles, busy) = (samples.rate(Metric::Cycles), samples.rate(Metric::Busy));
    fields.add("eventloop_cycles", samples.cycles(engine));
    fields.add("eventloop_duration_sum", busy_us());
    fields.add("eventloop_duration_cmd_sum", commands_ns / 1000);
    fields.add("instantaneous_eventloop_cycles_per_sec", cycles);
    fields.add("instantaneous_eventloop_duration_usec", busy.checked_div(cycles).unwrap_or(0));
}

pub(super) fn write_cpu(fields: &mut Fields<'_>) {
    let seconds = |time: TimeVal| format!("{}.{:06}", time.tv_sec(), time.tv_usec());
    // Workers are threads of the process; the thread of Redis that runs commands is all of them here.
    let names = [
        (UsageWho::RUSAGE_SELF, "used_cpu_sys", "used_cpu_user"),
        (UsageWho::RUSAGE_CHILDREN, "used_cpu_sys_children", "used_cpu_user_children"),
        (UsageWho::RUSAGE_SELF, "used_cpu_sys_main_thread", "used_cpu_user_main_thread"),
    ];
    for (who, system, user) in names {
        if let Ok(usage) = getrusage(who) {
            fields.add(system, seconds(usage.system_time()));
            fields.add(user, seconds(usage.user_time()));
        }
    }
}

pub(super) fn write_threads(server: &Server, fields: &mut Fields<'_>) {
    let workers = server.config().peek().get(rows::IO_THREADS);
    let totals = server.engine().totals();
    let clients = server.engine().clients().len() as i64;
    for worker in 0..workers {
        // Clients are dealt out in turn.
        let share = clients / workers + i64::from(worker < clients % workers);
        fields.add(
            &format!("io_thread_{worker}"),
            format_args!(
                "clients={share},reads={},writes={}",
                totals.reads / workers as u64,
                totals.writes / workers as u64
            ),
        );
    }
}
