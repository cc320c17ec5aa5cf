//! What is done from time to time, on a thread of its own.

use crate::config::rows;
use crate::host::Server;
use crate::memory;
use crate::net::placement::Watch;
use redan_engine::{ClientFlags, ClientKind, Counters, ExpireCursor, Worker, condition};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How often things are done that need not scale with `hz`.
const TENTH: Duration = Duration::from_millis(100);
/// Share of a processor that looking for expired keys may take, in percent, at the lowest effort.
const EXPIRE_PERCENT: u64 = 25;
/// Added to it for each step of `active-expire-effort`.
const EXPIRE_PERCENT_STEP: u64 = 2;

/// Starts the thread.
///
/// # Errors
/// When the system has none.
pub fn start(server: &Arc<Server>) -> std::io::Result<()> {
    let server = Arc::clone(server);
    std::thread::Builder::new().name("cron".to_owned()).spawn(move || run(&server))?;
    Ok(())
}

fn run(server: &Arc<Server>) {
    memory::join_thread();
    let mut cron = Cron {
        server,
        worker: Worker::new(server.engine()),
        cursor: ExpireCursor::default(),
        watch: Watch::new(),
        next_tenth: Instant::now(),
        tenths: 0,
    };
    loop {
        let hz = server.config().peek().get(rows::HZ).clamp(1, 500) as u64;
        std::thread::sleep(Duration::from_micros(1_000_000 / hz.max(10)));
        cron.tick(hz.max(10));
    }
}

struct Cron<'s> {
    server: &'s Arc<Server>,
    worker: Worker,
    cursor: ExpireCursor,
    watch: Watch,
    next_tenth: Instant,
    tenths: u64,
}

impl Cron<'_> {
    fn tick(&mut self, hz: u64) {
        let server = self.server;
        server.poll_shutdown();
        if server.is_cron_paused() {
            return;
        }
        self.expire(hz);
        if Instant::now() < self.next_tenth {
            return;
        }
        self.next_tenth = Instant::now() + TENTH;
        self.tenths += 1;
        server.engine().end_stale_pause();
        server.engine().keep_to_memory(&mut self.worker);
        server.engine().keep_tracking_to_limit();
        server.info_state().sample(server);
        server.aof().on_cron(server);
        server.persist().on_cron(server);
        server.replication().on_cron();
        server.close_idle_exchanges();
        server.net().balance(&mut self.watch, server.engine().clients());
        memory::calibrate();
        if self.tenths.is_multiple_of(10) {
            self.look_after_clients();
        }
    }

    /// Deletes keys whose time has come, on a master that serves.
    fn expire(&mut self, hz: u64) {
        const NOT_NOW: u32 =
            condition::LOADING | condition::REPLICA | condition::PAUSE_WRITE | condition::PAUSE_ALL;
        let engine = self.server.engine();
        if !self.server.expires_actively() || engine.conditions().any(NOT_NOW) {
            return;
        }
        let effort = self.server.config().peek().get(rows::ACTIVE_EXPIRE_EFFORT).clamp(1, 10) as u64;
        let percent = EXPIRE_PERCENT + EXPIRE_PERCENT_STEP * (effort - 1);
        let budget_us = 1_000_000 / hz * percent / 100;
        engine.expire_cycle(&mut self.worker, &mut self.cursor, budget_us);
    }

    /// Ends connections that are idle for too long or do not take what is pushed to them.
    fn look_after_clients(&self) {
        let engine = self.server.engine();
        let timeout_ms = self.server.config().peek().get(rows::TIMEOUT) * 1000;
        let now_ms = engine.clock().wall_ms();
        for client in engine.clients().all() {
            let idle_ms = now_ms - client.last_active_ms.load(Relaxed);
            let may_be_idle = client.kind() != ClientKind::Normal || client.has(ClientFlags::BLOCKED);
            if timeout_ms > 0 && idle_ms > timeout_ms && !may_be_idle {
                tracing::debug!("Closing idle client {}", client.id.0);
                client.mailbox.kill();
                continue;
            }
            let written = client.reply_bytes.load(Relaxed);
            if written > 0
                && !client.mailbox.is_killed()
                && self.server.is_over_output_limit(&client, written)
            {
                Counters::count(&engine.counters().output_limit_disconnections);
                tracing::warn!(
                    "Client {} addr={} scheduled to be closed ASAP for overcoming of output buffer limits.",
                    client.id.0,
                    client.meta.lock().addr
                );
                client.mailbox.kill();
            }
        }
    }
}
