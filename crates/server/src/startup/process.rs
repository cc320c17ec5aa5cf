//! The process and its surroundings: directory, limits, pid file, title, out-of-memory score, supervisor.

use crate::config::choices::{OomScoreAdj, Supervised};
use crate::config::{Settings, os_text, rows};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

/// Descriptors kept for everything that is not a client.
const RESERVED_DESCRIPTORS: u64 = 32;
/// Where a daemon's pid goes while none is configured.
const DEFAULT_PID_FILE: &str = "/var/run/redis.pid";

/// Enters the working directory and sees that there are descriptors for all clients.
pub(super) fn prepare(settings: &mut Settings) -> Result<(), String> {
    let dir = settings.get(rows::DIR);
    std::env::set_current_dir(dir)
        .map_err(|error| format!("Can't chdir to '{dir}': {}. Exiting.", os_text(&error)))?;
    let wanted = settings.get(rows::MAXCLIENTS) as u64;
    let possible = raise_descriptor_limit(wanted);
    if possible < wanted {
        if possible == 0 {
            return Err(
                "Your current 'ulimit -n' is not enough for the server to start. Please increase your open \
                        file limit. Exiting."
                    .to_owned(),
            );
        }
        tracing::warn!(
            "You requested maxclients of {wanted} requiring at least {} max file descriptors.",
            wanted + RESERVED_DESCRIPTORS
        );
        tracing::warn!(
            "Current maximum open files is {}. maxclients has been reduced to {possible} to compensate for low ulimit. \
             If you need higher maxclients increase 'ulimit -n'.",
            possible + RESERVED_DESCRIPTORS
        );
        settings.limit_clients(possible);
    }
    // The directory is the process's own business, but scores are the system's: it goes on without.
    if let Err(error) = adjust_oom_score(settings, settings.get(rows::REPLICAOF).is_some()) {
        tracing::warn!("Unable to write oom_score_adj: {}", os_text(&error));
    }
    Ok(())
}

/// Tries to get descriptors for so many clients. Returns for how many there are some.
pub(crate) fn raise_descriptor_limit(clients: u64) -> u64 {
    let wanted = clients + RESERVED_DESCRIPTORS;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return clients };
    if soft >= wanted {
        return clients;
    }
    let attempts = [(wanted, hard.max(wanted)), (wanted.min(hard), hard)];
    for (soft, hard) in attempts {
        if setrlimit(Resource::RLIMIT_NOFILE, soft, hard).is_ok() {
            return soft.saturating_sub(RESERVED_DESCRIPTORS).min(clients);
        }
    }
    soft.saturating_sub(RESERVED_DESCRIPTORS)
}

/// Writes the process's out-of-memory score, if that is configured.
pub(crate) fn adjust_oom_score(settings: &Settings, replica: bool) -> io::Result<()> {
    use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed};
    static BASE: AtomicI32 = AtomicI32::new(i32::MIN);
    static ADJUSTED: AtomicBool = AtomicBool::new(false);
    const FILE: &str = "/proc/self/oom_score_adj";
    let mode = settings.get(rows::OOM_SCORE_ADJ);
    if mode == OomScoreAdj::No && !ADJUSTED.load(Relaxed) {
        return Ok(());
    }
    if BASE.load(Relaxed) == i32::MIN {
        let found = std::fs::read_to_string(FILE)?;
        BASE.store(found.trim().parse().unwrap_or(0), Relaxed);
    }
    let base = BASE.load(Relaxed);
    let value = settings.get(rows::OOM_SCORE_ADJ_VALUES)[usize::from(replica)];
    let score = match mode {
        OomScoreAdj::No => base,
        OomScoreAdj::Relative => base + value,
        OomScoreAdj::Absolute => value,
    };
    std::fs::write(FILE, score.clamp(-1000, 1000).to_string())?;
    ADJUSTED.store(mode != OomScoreAdj::No, Relaxed);
    Ok(())
}

/// Where the process id is written, if anywhere.
pub(crate) fn pid_file(settings: &Settings) -> Option<PathBuf> {
    let name = settings.get(rows::PIDFILE);
    if !name.is_empty() {
        return Some(Path::new(settings.get(rows::DIR)).join(name));
    }
    settings.get(rows::DAEMONIZE).then(|| PathBuf::from(DEFAULT_PID_FILE))
}

/// Writes the process id.
pub(super) fn write_pid_file(settings: &Settings) {
    let Some(path) = pid_file(settings) else { return };
    if let Err(error) = std::fs::write(&path, format!("{}\n", std::process::id())) {
        tracing::warn!("Failed to write PID file: {}", os_text(&error));
    }
}

/// Shows in process lists what the server does. Linux shows 15 letters of it.
pub(super) fn set_title(settings: &Settings) {
    if settings.get(rows::SET_PROC_TITLE) {
        let title = format!("redis:{}", settings.get(rows::PORT));
        // A name for lists only.
        let _ = std::fs::write("/proc/self/comm", title);
    }
}

/// Tells systemd that the server is ready, if it wants to know.
pub(super) fn tell_ready(settings: &Settings) {
    tell_supervisor(settings, "READY=1\nSTATUS=Ready to accept connections\n");
}

/// Tells systemd that the server is about to end, if it wants to know.
pub(crate) fn tell_stopping(settings: &Settings) {
    tell_supervisor(settings, "STOPPING=1\n");
}

fn tell_supervisor(settings: &Settings, state: &str) {
    let wanted = matches!(settings.get(rows::SUPERVISED), Supervised::Systemd | Supervised::Auto);
    let Some(path) = std::env::var_os("NOTIFY_SOCKET").filter(|_| wanted) else { return };
    let told = UnixDatagram::unbound().and_then(|socket| socket.send_to(state.as_bytes(), path));
    if let Err(error) = told {
        tracing::warn!("Could not tell systemd about the state of the server: {error}");
    }
}

/// Replaces the process by a new one with the same arguments; returns only when that fails.
pub(crate) fn execute_again() -> io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_default();
    std::process::Command::new(program).arg0(name).args(args).exec()
}
