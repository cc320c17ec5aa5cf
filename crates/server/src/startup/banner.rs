//! What the log says at the start. Scripts and tests wait for some of these lines.

use crate::cli::{Launch, REDIS_VERSION, VERSION};
use crate::config::{Settings, rows};
use std::io::IsTerminal;

/// The first lines.
pub(super) fn greet(launch: &Launch, sentinel: bool) {
    let pid = std::process::id();
    tracing::info!("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
    tracing::info!("Redis version={REDIS_VERSION}, bits=64, redan={VERSION}, pid={pid}, just started");
    match launch.file {
        None if launch.options.is_empty() && !launch.stdin => tracing::warn!(
            "Warning: no config file specified, using the default config. In order to specify a config file use \
             redan /path/to/{}.conf",
            if sentinel { "sentinel" } else { "redis" }
        ),
        _ => tracing::info!("Configuration loaded"),
    }
}

/// How the server runs: as a picture on a terminal, else as a line.
pub(super) fn show(settings: &Settings, sentinel: bool) {
    let mode = if sentinel { "sentinel" } else { "standalone" };
    let (port, pid) = (settings.get(rows::PORT), std::process::id());
    let picture = settings.get(rows::ALWAYS_SHOW_LOGO)
        || (settings.get(rows::LOGFILE).is_empty() && std::io::stdout().is_terminal());
    if picture {
        tracing::info!(
            "\n\n    /\\      Redan {VERSION}, speaks Redis {REDIS_VERSION}\n   /  \\     Running in {mode} mode\n  \
             / /\\ \\    Port: {port}\n / /  \\ \\   PID: {pid}\n/_/    \\_\\\n"
        );
    } else {
        tracing::info!("Running mode={mode}, port={port}.");
        tracing::info!("Serving with {} threads, PID: {pid}", settings.get(rows::IO_THREADS));
    }
}
