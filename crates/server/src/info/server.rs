//! INFO server.

use super::Fields;
use crate::cli::{self, REDIS_VERSION, VERSION};
use crate::clock;
use crate::config::choices::Supervised;
use crate::config::{Settings, rows};
use crate::host::{Server, uptime_s};

/// Shown as the gcc version, which is what Redis is built with.
const COMPILER: &str = "0.0.0";

pub(super) fn write(server: &Server, fields: &mut Fields<'_>) {
    let settings = server.config().load();
    let uptime_s = uptime_s(server);
    let mode = if server.is_sentinel() { "sentinel" } else { "standalone" };
    fields.add("redis_version", REDIS_VERSION);
    fields.add("redis_git_sha1", "00000000");
    fields.add("redis_git_dirty", 0);
    fields.add("redis_build_id", "0000000000000000");
    fields.add("redis_mode", mode);
    fields.add("os", os());
    fields.add("arch_bits", usize::BITS);
    fields.add("monotonic_clock", "POSIX clock_gettime");
    fields.add("multiplexing_api", "epoll");
    fields.add("atomicvar_api", "c11-builtin");
    fields.add("gcc_version", COMPILER);
    fields.add("process_id", std::process::id());
    fields.add("process_supervised", supervisor(&settings));
    fields.add("run_id", server.info_state().run_id());
    fields.add("tcp_port", settings.get(rows::PORT));
    fields.add("server_time_usec", clock::unix_us());
    fields.add("uptime_in_seconds", uptime_s);
    fields.add("uptime_in_days", uptime_s / 86_400);
    fields.add("hz", settings.get(rows::HZ));
    fields.add("configured_hz", settings.get(rows::HZ));
    fields.add("lru_clock", clock::unix_s() & 0xFF_FFFF);
    fields.add("executable", executable());
    let file = server.config_file().map(|file| file.display().to_string());
    fields.add("config_file", file.unwrap_or_default());
    fields.add("io_threads_active", u8::from(settings.get(rows::IO_THREADS) > 1));
    write_listeners(&settings, fields);
    if let Some(left_ms) = server.shutdown_in_ms() {
        fields.add("shutdown_in_milliseconds", left_ms);
    }
    fields.add("redan_version", VERSION);
    fields.add("redan_allocator", cli::allocator_name());
}

fn write_listeners(settings: &Settings, fields: &mut Fields<'_>) {
    let mut next = 0;
    let mut add = |listener: String| {
        fields.add(&format!("listener{next}"), listener);
        next += 1;
    };
    let port = settings.get(rows::PORT);
    if port != 0 {
        let binds: String = settings.get(rows::BIND).iter().map(|bind| format!(",bind={bind}")).collect();
        add(format!("name=tcp{binds},port={port}"));
    }
    let unix = settings.get(rows::UNIXSOCKET);
    if !unix.is_empty() {
        add(format!("name=unix,bind={unix}"));
    }
}

fn os() -> String {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    format!("{} {} {}", read("ostype").trim(), read("osrelease").trim(), std::env::consts::ARCH)
}

fn supervisor(settings: &Settings) -> &'static str {
    match settings.get(rows::SUPERVISED) {
        Supervised::Systemd => "systemd",
        Supervised::Upstart => "upstart",
        Supervised::Auto if std::env::var_os("NOTIFY_SOCKET").is_some() => "systemd",
        Supervised::Auto | Supervised::No => "no",
    }
}

fn executable() -> String {
    std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default()
}
