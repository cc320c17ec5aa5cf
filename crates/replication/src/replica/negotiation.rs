//! Reactions to the lines up to PSYNC's answer.

use bytes::Bytes;

use super::handshake::{self, PsyncAnswer, Step};
use super::io::{Output, Position};
use super::{Phase, ReplicaLink};
use crate::{LogLevel, Millis, ReplId};

impl ReplicaLink {
    /// Interprets lines for as long as lines are expected, and hands on what is behind them.
    pub(super) fn read_lines(&mut self, now: Millis) {
        let link = self.link;
        while self.link == link {
            match self.phase {
                Phase::Handshake(_) | Phase::Header => {}
                Phase::Payload(_) | Phase::Streaming(_) => {
                    let rest = self.inbuf.split().freeze();
                    return if rest.is_empty() {
                    } else {
                        self.on_received(now, rest)
                    };
                }
                _ => return,
            }
            match handshake::take_line(&mut self.inbuf) {
                Some(line) => self.on_line(now, &line),
                None if self.inbuf.len() > handshake::MAX_LINE => {
                    self.log(
                        LogLevel::Warning,
                        "Too long a line from MASTER, are you sure the host and port are right?",
                    );
                    return self.retry_later(now);
                }
                None => return,
            }
        }
    }

    pub(super) fn on_line(&mut self, now: Millis, line: &str) {
        match self.phase {
            Phase::Handshake(Step::Psync) => self.on_psync_answer(now, line),
            Phase::Handshake(step) => self.on_answer(now, step, line),
            _ => self.on_header(now, line),
        }
    }

    pub(super) fn on_answer(&mut self, now: Millis, step: Step, line: &str) {
        let is_error = line.starts_with('-');
        match step {
            Step::Ping if !handshake::is_ping_answer(line) => {
                self.log(LogLevel::Warning, format!("Error reply to PING from master: '{line}'"));
                return self.retry_later(now);
            }
            Step::Ping => {
                self.log(LogLevel::Notice, "Master replied to PING, replication can continue...");
                let introduction = handshake::introduction(&self.config);
                self.send(introduction);
            }
            Step::Auth if is_error => {
                self.log(LogLevel::Warning, format!("Unable to AUTH to MASTER: {line}"));
                return self.retry_later(now);
            }
            Step::ListeningPort | Step::IpAddress | Step::Capa if is_error => {
                let option = match step {
                    Step::ListeningPort => "listening-port",
                    Step::IpAddress => "ip-address",
                    _ => "capa",
                };
                let text = format!("(Non critical) Master does not understand REPLCONF {option}: {line}");
                self.log(LogLevel::Notice, text);
            }
            _ => {}
        }
        let next = step.next(&self.config);
        self.phase = Phase::Handshake(next);
        if next == Step::Psync {
            self.send_psync();
        }
    }

    pub(super) fn send_psync(&mut self) {
        match self.cached {
            Some(Position { id, offset, .. }) => {
                let text = format!("Trying a partial resynchronization (request {id}:{}).", offset + 1);
                self.log(LogLevel::Notice, text);
            }
            None => self.log(LogLevel::Notice, "Partial resynchronization not possible (no cached master)"),
        }
        self.send(handshake::psync(self.cached, self.failover));
    }

    pub(super) fn on_psync_answer(&mut self, now: Millis, line: &str) {
        if line.is_empty() {
            // The master is alive and prepares its answer.
            return;
        }
        let answer = PsyncAnswer::parse(line);
        match &answer {
            PsyncAnswer::FullResync(_) | PsyncAnswer::Continue(_) if self.failover => {
                self.failover = false;
                self.outputs.push_back(Output::FailoverAccepted);
            }
            PsyncAnswer::FullResync(_) | PsyncAnswer::Continue(_) => {}
            _ if self.failover => {
                self.log_refusal(&answer, line);
                self.refuse_failover();
                return self.retry_later(now);
            }
            _ => {}
        }
        match answer {
            PsyncAnswer::FullResync(target) => {
                match target {
                    Some((id, offset)) => {
                        self.log(LogLevel::Notice, format!("Full resync from master: {id}:{offset}"))
                    }
                    None => self.log(LogLevel::Warning, "Master replied with wrong +FULLRESYNC syntax."),
                }
                self.target = Some(target.unwrap_or((ReplId::NONE, 0)));
                self.begin_transfer();
            }
            PsyncAnswer::Continue(id) => self.on_continue(now, id),
            PsyncAnswer::TryLater => {
                self.log_refusal(&answer, line);
                self.retry_later(now);
            }
            PsyncAnswer::NotSupported | PsyncAnswer::Unexpected => {
                self.log_refusal(&answer, line);
                self.log(LogLevel::Notice, "Retrying with SYNC...");
                self.send(Bytes::from_static(b"SYNC\r\n"));
                self.target = None;
                self.begin_transfer();
            }
        }
    }

    pub(super) fn log_refusal(&mut self, answer: &PsyncAnswer, line: &str) {
        match answer {
            PsyncAnswer::TryLater => {
                let text = format!("Master is currently unable to PSYNC but should be in the future: {line}");
                self.log(LogLevel::Notice, text);
            }
            PsyncAnswer::NotSupported => {
                let text = format!("Master does not support PSYNC or is in error state (reply: {line})");
                self.log(LogLevel::Notice, text);
            }
            _ => self.log(LogLevel::Warning, format!("Unexpected reply to PSYNC from master: {line}")),
        }
    }

    pub(super) fn refuse_failover(&mut self) {
        if std::mem::take(&mut self.failover) {
            let reason = "Failover target rejected psync request";
            self.outputs.push_back(Output::FailoverRejected { reason });
        }
    }

    pub(super) fn on_continue(&mut self, now: Millis, id: Option<ReplId>) {
        let Some(mut position) = self.cached.take() else {
            self.log(LogLevel::Warning, "Master continues a replication that was not asked for");
            return self.retry_later(now);
        };
        self.log(LogLevel::Notice, "Successful partial resynchronization with master.");
        if let Some(new) = id
            && new != position.id
        {
            self.log(LogLevel::Notice, format!("Master replication ID changed to {new}"));
            let (old, offset) = (position.id, position.offset);
            self.outputs.push_back(Output::ReplIdChanged { old, new, offset });
            position.id = new;
        }
        self.outputs.push_back(Output::Continue(position));
        self.log(LogLevel::Notice, "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
        self.start_streaming(now, position, false);
    }
}
