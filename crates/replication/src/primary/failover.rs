//! FAILOVER: hands the role over to a replica without losing a write.
//!
//! Writes are paused until the target (or any replica) has acknowledged everything. Then this server turns into a replica
//! of it and asks it with `PSYNC ... FAILOVER` to become the master.

use redan_resp::{OwnedArgs, parse_i64};

use super::io::{FailoverState, Output, ReplicaId, Role};
use super::peer::{Peer, Stage};
use super::{Primary, Timer, is_arg, text_arg};
use crate::{LogLevel, Millis};

/// A failover in progress.
#[derive(Debug, Default)]
pub(super) struct Failover {
    pub(super) state: FailoverState,
    target: Option<(String, u16)>,
    /// Goes on when the time is over although the target lags.
    force: bool,
    timeout_ms: Option<u64>,
}

impl Failover {
    /// Whether it ends by itself, and has not come so far yet.
    pub(super) fn has_deadline(&self) -> bool {
        self.state == FailoverState::WaitingForSync && self.timeout_ms.is_some()
    }
}

/// Reads `FAILOVER [TO host port [FORCE]] [TIMEOUT ms]`.
fn parse(args: &OwnedArgs) -> Result<Failover, &'static str> {
    const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
    let mut failover = Failover::default();
    let mut i = 1;
    while i < args.len() {
        if is_arg(args, i, "timeout") && i + 1 < args.len() && failover.timeout_ms.is_none() {
            let timeout_ms = parse_i64(&args[i + 1]).ok_or(NOT_AN_INTEGER)?;
            if timeout_ms <= 0 {
                return Err("ERR FAILOVER timeout must be greater than 0");
            }
            failover.timeout_ms = Some(timeout_ms.unsigned_abs());
            i += 2;
        } else if is_arg(args, i, "to") && i + 2 < args.len() && failover.target.is_none() {
            let port = parse_i64(&args[i + 2]).ok_or(NOT_AN_INTEGER)?;
            // A number that is no port names no replica.
            failover.target = Some((text_arg(args, i + 1), u16::try_from(port).unwrap_or(0)));
            i += 3;
        } else if is_arg(args, i, "force") && !failover.force {
            failover.force = true;
            i += 1;
        } else {
            return Err("ERR syntax error");
        }
    }
    Ok(failover)
}

impl Primary {
    pub(super) fn on_failover(&mut self, now: Millis, client: ReplicaId, args: &OwnedArgs) {
        if args.len() == 2 && is_arg(args, 1, "abort") {
            if self.failover.state == FailoverState::NoFailover {
                return self.reply_error(client, "ERR No failover in progress.");
            }
            self.abort_failover("Failover manually aborted");
            return self.reply_ok(client);
        }
        let checked = parse(args).and_then(|failover| self.check_failover(&failover).map(|()| failover));
        let mut failover = match checked {
            Ok(failover) => failover,
            Err(error) => return self.reply_error(client, error),
        };
        match &failover.target {
            Some((host, port)) => {
                let text = format!("FAILOVER requested to {host}:{port}.");
                self.log_line(LogLevel::Notice, text);
            }
            None => self.log_line(LogLevel::Notice, "FAILOVER requested to any replica."),
        }
        if let Some(timeout_ms) = failover.timeout_ms {
            self.timers.set(Timer::Failover as usize, now.saturating_add(timeout_ms));
        }
        failover.state = FailoverState::WaitingForSync;
        self.failover = failover;
        self.outputs.push_back(Output::PauseWrites);
        self.reply_ok(client);
        self.try_failover();
    }

    fn check_failover(&self, failover: &Failover) -> Result<(), &'static str> {
        if self.failover.state != FailoverState::NoFailover {
            return Err("ERR FAILOVER already in progress.");
        }
        if self.role != Role::Master {
            return Err("ERR FAILOVER is not valid when server is a replica.");
        }
        if self.replicas().next().is_none() {
            return Err("ERR FAILOVER requires connected replicas.");
        }
        if failover.force && (failover.timeout_ms.is_none() || failover.target.is_none()) {
            return Err("ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
        }
        let Some((host, port)) = &failover.target else { return Ok(()) };
        match self.replicas().find(|(_, peer)| peer.is_at(host, *port)) {
            None => Err("ERR FAILOVER target HOST and PORT is not a replica."),
            Some((_, peer)) if peer.stage != Some(Stage::Online) => {
                Err("ERR FAILOVER target replica is not online.")
            }
            Some(_) => Ok(()),
        }
    }

    /// Goes on if the target, or any replica, has everything.
    pub(super) fn try_failover(&mut self) {
        if self.failover.state != FailoverState::WaitingForSync {
            return;
        }
        let end = self.log.end_offset();
        let target = self.failover.target.clone();
        let is_target = |(_, peer): &(ReplicaId, &Peer)| match &target {
            Some((host, port)) => peer.is_at(host, *port),
            None => true,
        };
        let synced = self.online().filter(is_target).find(|(_, peer)| peer.ack_offset == end);
        let Some(row) = synced.map(|(id, peer)| peer.row(id, 0)) else { return };
        let (host, port) = target.unwrap_or((row.ip, row.port));
        self.log_line(LogLevel::Notice, format!("Failover target {host}:{port} is synced, failing over."));
        self.hand_over(host, port);
    }

    fn hand_over(&mut self, host: String, port: u16) {
        self.timers.stop(Timer::Failover as usize);
        self.failover.state = FailoverState::InProgress;
        self.failover.target = Some((host.clone(), port));
        self.outputs.push_back(Output::FailoverTo { host, port });
    }

    pub(super) fn on_failover_timeout(&mut self) {
        if self.failover.state != FailoverState::WaitingForSync {
            return;
        }
        match self.failover.target.clone() {
            Some((host, port)) if self.failover.force => {
                let text = format!("FAILOVER to {host}:{port} time out exceeded, failing over.");
                self.log_line(LogLevel::Notice, text);
                self.hand_over(host, port);
            }
            _ => self.abort_failover("Replica never caught up before timeout"),
        }
    }

    pub(super) fn on_failover_answered(&mut self, accepted: bool, reason: &str) {
        if self.failover.state != FailoverState::InProgress {
            return;
        }
        if accepted {
            self.end_failover();
        } else {
            self.abort_failover(reason);
        }
    }

    fn abort_failover(&mut self, reason: &str) {
        let text = match &self.failover.target {
            Some((host, port)) => format!("FAILOVER to {host}:{port} aborted: {reason}"),
            None => format!("FAILOVER to any replica aborted: {reason}"),
        };
        self.log_line(LogLevel::Notice, text);
        if self.failover.state == FailoverState::InProgress {
            self.outputs.push_back(Output::BecomeMaster);
        }
        self.end_failover();
    }

    fn end_failover(&mut self) {
        self.timers.stop(Timer::Failover as usize);
        self.failover = Failover::default();
        self.outputs.push_back(Output::UnpauseWrites);
    }
}
