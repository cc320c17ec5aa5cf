//! INFO memory.

use super::{Fields, human, ratio};
use crate::cli;
use crate::config::rows;
use crate::host::Server;
use crate::memory;
use redan_engine::ClientKind;
use redan_keyspace::DbIndex;
use std::sync::atomic::Ordering::Relaxed;

/// Memory of clients by kind, bytes.
struct OfClients {
    normal: usize,
    replicas: usize,
}

pub(super) fn write(server: &Server, fields: &mut Fields<'_>) {
    let engine = server.engine();
    let settings = server.config().load();
    let (used, peak, rss) = (memory::used(), memory::peak(), memory::resident());
    let clients = of_clients(server);
    let backlog = engine.log().heap_size() as u64;
    let tables: u64 = (0..engine.keyspace().databases())
        .map(|db| engine.keyspace().table_memory_usage(DbIndex(db)) as u64)
        .sum();
    let startup = server.startup_memory();
    let overhead = startup + tables + clients.normal as u64 + clients.replicas as u64 + backlog;
    let dataset = used.saturating_sub(overhead);
    let machine = memory::of_machine();
    let maxmemory = engine.settings().maxmemory;
    let allocator = memory::allocator();
    fields.add("used_memory", used);
    fields.add("used_memory_human", human(used));
    fields.add("used_memory_rss", rss);
    fields.add("used_memory_rss_human", human(rss));
    fields.add("used_memory_peak", peak);
    fields.add("used_memory_peak_human", human(peak));
    fields.add("used_memory_peak_perc", format_args!("{:.2}%", ratio(used, peak, 0.0) * 100.0));
    fields.add("used_memory_overhead", overhead);
    fields.add("used_memory_startup", startup);
    fields.add("used_memory_dataset", dataset);
    let net = used.saturating_sub(startup);
    fields.add("used_memory_dataset_perc", format_args!("{:.2}%", ratio(dataset, net, 0.0) * 100.0));
    fields.add("allocator_allocated", allocator.allocated);
    fields.add("allocator_active", allocator.active);
    fields.add("allocator_resident", allocator.resident);
    fields.add("allocator_muzzy", 0);
    fields.add("total_system_memory", machine);
    fields.add("total_system_memory_human", human(machine));
    write_scripts(server, fields);
    fields.add("maxmemory", maxmemory);
    fields.add("maxmemory_human", human(maxmemory));
    fields.add("maxmemory_policy", settings.get(rows::MAXMEMORY_POLICY).as_str());
    write_fragmentation(fields, allocator, used, rss);
    fields.add("mem_not_counted_for_evict", 0);
    fields.add("mem_replication_backlog", backlog);
    fields.add("mem_total_replication_buffers", backlog);
    fields.add("mem_clients_slaves", clients.replicas);
    fields.add("mem_clients_normal", clients.normal);
    fields.add("mem_cluster_links", 0);
    fields.add("mem_aof_buffer", 0);
    fields.add("mem_allocator", cli::allocator_name());
    fields.add("mem_overhead_db_hashtable_rehashing", 0);
    fields.add("active_defrag_running", 0);
    fields.add("lazyfree_pending_objects", server.lazy_free().pending());
    fields.add("lazyfreed_objects", engine.counters().lazyfreed_objects.load(Relaxed));
}

fn write_scripts(server: &Server, fields: &mut Fields<'_>) {
    let engine = server.engine();
    let scripts = if engine.has_scripts() { engine.scripts().figures() } else { Default::default() };
    let machines = scripts.vm_eval + scripts.vm_functions;
    let kept = scripts.scripts + scripts.functions;
    fields.add("used_memory_lua", scripts.vm_eval);
    fields.add("used_memory_vm_eval", scripts.vm_eval);
    fields.add("used_memory_lua_human", human(scripts.vm_eval));
    fields.add("used_memory_scripts_eval", scripts.scripts);
    fields.add("number_of_cached_scripts", scripts.cached_scripts);
    fields.add("number_of_functions", scripts.function_count);
    fields.add("number_of_libraries", scripts.libraries);
    fields.add("used_memory_vm_functions", scripts.vm_functions);
    fields.add("used_memory_vm_total", machines);
    fields.add("used_memory_vm_total_human", human(machines));
    fields.add("used_memory_functions", scripts.functions);
    fields.add("used_memory_scripts", kept);
    fields.add("used_memory_scripts_human", human(kept));
}

fn write_fragmentation(fields: &mut Fields<'_>, allocator: memory::AllocatorStats, used: u64, rss: u64) {
    let mut pair = |ratio_name: &str, bytes_name: &str, part: u64, whole: u64| {
        fields.add(ratio_name, format_args!("{:.2}", ratio(part, whole, 1.0)));
        fields.add(bytes_name, i128::from(part) - i128::from(whole));
    };
    pair("allocator_frag_ratio", "allocator_frag_bytes", allocator.active, allocator.allocated);
    pair("allocator_rss_ratio", "allocator_rss_bytes", allocator.resident, allocator.active);
    pair("rss_overhead_ratio", "rss_overhead_bytes", rss, allocator.resident);
    pair("mem_fragmentation_ratio", "mem_fragmentation_bytes", rss, used);
}

fn of_clients(server: &Server) -> OfClients {
    let mut sums = OfClients { normal: 0, replicas: 0 };
    for client in server.engine().clients().all() {
        let buffers = [&client.query_bytes, &client.query_free, &client.multi_bytes, &client.reply_bytes];
        let bytes = buffers.iter().map(|bytes| bytes.load(Relaxed)).sum::<usize>()
            + client.mailbox.pending_bytes()
            + CLIENT_LEN;
        match client.kind() {
            ClientKind::Replica => sums.replicas += bytes,
            _ => sums.normal += bytes,
        }
    }
    sums
}

/// What a connection takes without buffers, roughly: its task, session and registration.
const CLIENT_LEN: usize = 1800;
