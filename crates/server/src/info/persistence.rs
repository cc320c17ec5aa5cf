//! INFO persistence.

use super::{Fields, ratio};
use crate::clock;
use crate::host::Server;
use crate::persist::Purpose;
use redan_engine::condition;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn write(server: &Server, fields: &mut Fields<'_>) {
    let figures = server.persist().figures();
    let loading = server.persist().loading();
    let running = figures.running;
    let is_loading = server.persist().is_loading();
    let in_save = running.is_some_and(|purpose| purpose != Purpose::AofBase);
    let aof = server.aof().figures();
    let progress = ratio(figures.keys_processed, figures.keys_total, 0.0) * 100.0;
    let conditions = server.engine().conditions();
    fields.add("loading", u8::from(conditions.any(condition::LOADING)));
    fields.add("async_loading", u8::from(conditions.any(condition::ASYNC_LOADING)));
    fields.add("current_cow_peak", 0);
    fields.add("current_cow_size", 0);
    fields.add("current_cow_size_age", 0);
    fields.add("current_fork_perc", format_args!("{:.2}", if running.is_some() { progress } else { 0.0 }));
    fields.add("current_save_keys_processed", figures.keys_processed);
    fields.add("current_save_keys_total", figures.keys_total);
    fields.add("rdb_changes_since_last_save", figures.changes);
    fields.add("rdb_bgsave_in_progress", u8::from(in_save));
    fields.add("rdb_last_save_time", figures.last_save_s);
    fields.add("rdb_last_bgsave_status", word(figures.last_ok));
    fields.add("rdb_last_bgsave_time_sec", figures.last_took_s);
    fields.add("rdb_current_bgsave_time_sec", if in_save { figures.current_s } else { -1 });
    fields.add("rdb_saves", figures.saves);
    fields.add("rdb_last_cow_size", 0);
    fields.add("rdb_last_load_keys_expired", loading.last_keys_expired.load(Relaxed));
    fields.add("rdb_last_load_keys_loaded", loading.last_keys_loaded.load(Relaxed));
    fields.add("aof_enabled", u8::from(aof.enabled));
    fields.add("aof_rewrite_in_progress", u8::from(aof.rewriting));
    fields.add("aof_rewrite_scheduled", u8::from(aof.scheduled));
    fields.add("aof_last_rewrite_time_sec", aof.last_took_s);
    fields.add("aof_current_rewrite_time_sec", aof.current_s);
    fields.add("aof_last_bgrewrite_status", word(aof.last_ok));
    fields.add("aof_rewrites", aof.rewrites);
    fields.add("aof_rewrites_consecutive_failures", aof.failures);
    fields.add("aof_last_write_status", word(aof.write_ok));
    fields.add("aof_last_cow_size", 0);
    fields.add("module_fork_in_progress", 0);
    fields.add("module_fork_last_cow_size", 0);
    if aof.enabled {
        fields.add("aof_current_size", aof.current_size);
        fields.add("aof_base_size", aof.base_size);
        fields.add("aof_pending_rewrite", 0);
        fields.add("aof_buffer_length", aof.buffer_len);
        fields.add("aof_pending_bio_fsync", aof.pending_fsync);
        fields.add("aof_delayed_fsync", aof.delayed_fsync);
    }
    if is_loading {
        write_loading(server, fields);
    }
}

fn word(ok: bool) -> &'static str {
    if ok { "ok" } else { "err" }
}

fn write_loading(server: &Server, fields: &mut Fields<'_>) {
    let loading = server.persist().loading();
    let (loaded, total) = (loading.loaded_bytes.load(Relaxed), loading.total_bytes.load(Relaxed));
    let started_s = loading.started_s.load(Relaxed);
    let elapsed_s = (clock::unix_s() - started_s).max(0) as u64;
    let left = total.saturating_sub(loaded);
    let eta_s = (u128::from(elapsed_s) * u128::from(left)).checked_div(u128::from(loaded)).unwrap_or(1);
    fields.add("loading_start_time", started_s);
    fields.add("loading_total_bytes", total);
    fields.add("loading_rdb_used_mem", loading.rdb_used_memory.load(Relaxed));
    fields.add("loading_loaded_bytes", loaded);
    fields.add("loading_loaded_perc", format_args!("{:.2}", ratio(loaded, total, 0.0) * 100.0));
    fields.add("loading_eta_seconds", eta_s);
}
