//! INFO replication and ROLE.

use super::Replication;
use crate::config::rows;
use redan_replication::Millis;
use redan_replication::replica::io::{LinkState, LinkStatus};
use redan_resp::ReplyBuf;
use std::fmt::{Display, Write};

/// Writes a field; a string takes everything.
fn add(out: &mut String, name: &str, value: impl Display) {
    let _ = write!(out, "{name}:{value}\r\n");
}

impl Replication {
    /// The fields of INFO replication.
    pub fn info(&self, out: &mut String) {
        let now = self.now();
        let machines = self.machines.lock();
        let status = machines.link.status(now);
        add(out, "role", if status.master.is_some() { "slave" } else { "master" });
        if status.master.is_some() {
            self.link_info(&status, out);
        }
        let rows = machines.primary.rows(now);
        add(out, "connected_slaves", rows.len());
        let config = machines.primary.config();
        if config.min_replicas_to_write > 0 && config.min_replicas_max_lag_ms > 0 {
            add(out, "min_slaves_good_slaves", machines.primary.good_replicas(now));
        }
        for (i, row) in rows.iter().enumerate() {
            let _ = write!(out, "slave{i}:{row}\r\n");
        }
        add(out, "master_failover_state", machines.primary.failover_state().info_name());
        drop(machines);
        self.log_info(out);
    }

    fn link_info(&self, status: &LinkStatus, out: &mut String) {
        let settings = self.server().config().peek();
        let Some(master) = &status.master else { return };
        add(out, "master_host", &master.host);
        add(out, "master_port", master.port);
        let is_up = status.state == LinkState::Connected;
        add(out, "master_link_status", if is_up { "up" } else { "down" });
        add(out, "master_last_io_seconds_ago", status.last_io_seconds_ago);
        add(out, "master_sync_in_progress", u8::from(status.sync_in_progress));
        add(out, "slave_read_repl_offset", status.read_offset);
        add(out, "slave_repl_offset", status.applied_offset);
        if status.sync_in_progress {
            let (read, total) = (status.sync_read_bytes, status.sync_total_bytes);
            let percent = if total == 0 { 0.0 } else { read as f64 / total as f64 * 100.0 };
            add(out, "master_sync_total_bytes", total);
            add(out, "master_sync_read_bytes", read);
            add(out, "master_sync_left_bytes", total.saturating_sub(read));
            add(out, "master_sync_perc", format_args!("{percent:.2}"));
            add(out, "master_sync_last_io_seconds_ago", status.sync_last_io_seconds_ago);
        }
        if let Some(seconds) = status.down_since_seconds {
            add(out, "master_link_down_since_seconds", seconds);
        }
        add(out, "slave_priority", settings.get(rows::REPLICA_PRIORITY));
        add(out, "slave_read_only", u8::from(settings.get(rows::REPLICA_READ_ONLY)));
        add(out, "replica_announced", u8::from(settings.get(rows::REPLICA_ANNOUNCED)));
    }

    fn log_info(&self, out: &mut String) {
        let ids = self.log.ids();
        add(out, "master_replid", ids.id);
        add(out, "master_replid2", ids.id2);
        add(out, "master_repl_offset", self.log.end_offset());
        add(out, "second_repl_offset", ids.second_offset);
        add(out, "repl_backlog_active", u8::from(self.log.has_backlog()));
        add(out, "repl_backlog_size", self.log.backlog_size());
        add(out, "repl_backlog_first_byte_offset", self.log.first_byte_offset());
        add(out, "repl_backlog_histlen", self.log.histlen());
    }

    /// See [`Host::role`](redan_engine::Host::role).
    pub fn role(&self, out: &mut ReplyBuf) {
        let now: Millis = self.now();
        let machines = self.machines.lock();
        let status = machines.link.status(now);
        if let Some(master) = &status.master {
            out.array(5);
            out.bulk(b"slave");
            out.bulk(master.host.as_bytes());
            out.int(i64::from(master.port));
            out.bulk(status.state.role_name().as_bytes());
            let offset = if status.state == LinkState::Connected { status.applied_offset as i64 } else { -1 };
            return out.int(offset);
        }
        let replicas = machines.primary.online_rows(now);
        out.array(3);
        out.bulk(b"master");
        out.int(self.log.end_offset() as i64);
        out.array(replicas.len());
        for row in replicas {
            out.array(3);
            out.bulk(row.ip.as_bytes());
            out.bulk(row.port.to_string().as_bytes());
            out.bulk(row.offset.to_string().as_bytes());
        }
    }
}
