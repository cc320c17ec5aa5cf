//! The parameters of replication, from the configuration to the machines.

use super::Replication;
use crate::config::choices::DisklessLoad;
use crate::config::{Settings, rows};
use crate::host::Server;
use redan_replication::primary::io::{Input, PrimaryConfig};
use redan_replication::replica::io::{Input as LinkInput, LinkConfig, LoadMode};
use std::sync::Arc;

/// Gives the machines their parameters, now and whenever one changes.
pub(super) fn watch(server: &Arc<Server>) {
    server.replication().configure(&server.config().load());
    let names = [
        rows::REPL_TIMEOUT.name(),
        rows::REPL_PING_REPLICA_PERIOD.name(),
        rows::REPL_DISKLESS_SYNC.name(),
        rows::REPL_DISKLESS_SYNC_DELAY.name(),
        rows::REPL_DISKLESS_SYNC_MAX_REPLICAS.name(),
        rows::REPL_BACKLOG_TTL.name(),
        rows::MIN_REPLICAS_TO_WRITE.name(),
        rows::MIN_REPLICAS_MAX_LAG.name(),
        rows::MASTERUSER.name(),
        rows::MASTERAUTH.name(),
        rows::REPLICA_ANNOUNCE_IP.name(),
        rows::REPLICA_ANNOUNCE_PORT.name(),
        rows::PORT.name(),
        rows::REPL_DISKLESS_LOAD.name(),
        rows::CLIENT_OUTPUT_BUFFER_LIMIT.name(),
        rows::REPLICA_REFUSE_EMPTY_MASTER.name(),
        rows::REPLICA_READ_ONLY.name(),
        rows::REPLICA_SERVE_STALE_DATA.name(),
    ];
    let weak = Arc::downgrade(server);
    server.config().on_change(&names, move |settings| {
        if let Some(server) = weak.upgrade() {
            server.replication().configure(settings);
        }
        Ok(())
    });
}

impl Replication {
    fn configure(&self, settings: &Settings) {
        let link = self.link_config(settings);
        self.act(false, |machines, now| {
            machines.primary.handle(now, Input::Config(primary_config(settings)));
            machines.link.handle(now, LinkInput::Config(link));
            self.refresh_conditions(machines);
            machines
                .replicas
                .values()
                .filter_map(|replica| replica.cursor())
                .for_each(|cursor| self.set_limits(settings, cursor));
        });
    }

    /// The link's parameters; one of them depends on whether there is data to lose.
    pub(super) fn link_config(&self, settings: &Settings) -> LinkConfig {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let password = settings.get(rows::MASTERAUTH);
        let announced = settings.get(rows::REPLICA_ANNOUNCE_PORT);
        let port = if announced != 0 { announced } else { settings.get(rows::PORT) };
        LinkConfig {
            master_user: text(settings.get(rows::MASTERUSER)),
            master_auth: (!password.is_empty()).then(|| password.to_vec()),
            timeout_ms: seconds(settings.get(rows::REPL_TIMEOUT)),
            announce_port: u16::try_from(port).unwrap_or(0),
            announce_ip: text(settings.get(rows::REPLICA_ANNOUNCE_IP)),
            load: match settings.get(rows::REPL_DISKLESS_LOAD) {
                // Neither the data nor the file of the replica may go before the payload is known to hold something.
                _ if settings.get(rows::REPLICA_REFUSE_EMPTY_MASTER) => LoadMode::SwapDb,
                DisklessLoad::Disabled => LoadMode::Disk,
                DisklessLoad::OnEmptyDb if self.engine.keyspace().is_empty() => LoadMode::Flush,
                DisklessLoad::OnEmptyDb => LoadMode::Disk,
                DisklessLoad::Swapdb => LoadMode::SwapDb,
            },
            offer_lz4: false,
            refuse_empty_master: settings.get(rows::REPLICA_REFUSE_EMPTY_MASTER),
        }
    }
}

fn primary_config(settings: &Settings) -> PrimaryConfig {
    let count = |number: i64| usize::try_from(number).unwrap_or(0);
    PrimaryConfig {
        timeout_ms: seconds(settings.get(rows::REPL_TIMEOUT)),
        ping_period_ms: seconds(settings.get(rows::REPL_PING_REPLICA_PERIOD)),
        diskless_sync: settings.get(rows::REPL_DISKLESS_SYNC),
        diskless_sync_delay_ms: seconds(settings.get(rows::REPL_DISKLESS_SYNC_DELAY)),
        diskless_sync_max_replicas: count(settings.get(rows::REPL_DISKLESS_SYNC_MAX_REPLICAS)),
        backlog_ttl_ms: seconds(settings.get(rows::REPL_BACKLOG_TTL)),
        min_replicas_to_write: count(settings.get(rows::MIN_REPLICAS_TO_WRITE)),
        min_replicas_max_lag_ms: seconds(settings.get(rows::MIN_REPLICAS_MAX_LAG)),
    }
}

/// Whole seconds in milliseconds.
fn seconds(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or(0).saturating_mul(1000)
}
