//! Signals: the ones that end the process, and the ones that must not.

use crate::host::Server;
use std::io;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Handles signals for as long as the process runs, in the main thread's runtime.
///
/// # Errors
/// When a handler cannot be installed.
pub fn handle(server: Arc<Server>) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Being told that the terminal is gone is nothing to a server; listening takes the deadly default away.
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move { while hangup.recv().await.is_some() {} });
    let mut alarm = signal(SignalKind::alarm())?;
    tokio::spawn(async move {
        while alarm.recv().await.is_some() {
            tracing::warn!("Received SIGALRM");
        }
    });
    tokio::spawn(async move {
        let mut interrupted = false;
        loop {
            let sigint = tokio::select! {
                _ = terminate.recv() => false,
                _ = interrupt.recv() => true,
            };
            on_signal(&server, sigint, interrupted).await;
            interrupted |= sigint;
        }
    });
    Ok(())
}

async fn on_signal(server: &Arc<Server>, sigint: bool, again: bool) {
    if sigint && again && server.shutdown_in_ms().is_some() {
        tracing::warn!("You insist... exiting now.");
        server.exit(1);
    }
    let name = if sigint { "SIGINT" } else { "SIGTERM" };
    tracing::warn!("Received {name} scheduling shutdown...");
    let server = Arc::clone(server);
    // Saving takes time, and a second signal must be heard meanwhile.
    let ended = tokio::task::spawn_blocking(move || server.shutdown_by_signal(sigint));
    drop(ended);
}
