//! Reactions to the payload of a full sync.

use bytes::Bytes;

use super::io::{LoadMode, Output, Position};
use super::payload::{Framing, Parts, PayloadReader};
use super::{ACK_PERIOD_MS, Phase, ReplicaLink, Timer};
use crate::{LogLevel, Millis, ReplId};

impl ReplicaLink {
    pub(super) fn begin_transfer(&mut self) {
        self.phase = Phase::Header;
        self.payload_size = None;
        self.payload_read = 0;
    }

    pub(super) fn on_header(&mut self, now: Millis, line: &str) {
        if line.is_empty() {
            return;
        }
        if let Some(error) = line.strip_prefix('-') {
            self.log(LogLevel::Warning, format!("MASTER aborted replication with an error: {error}"));
            return self.retry_now(now);
        }
        let Some(framing) = Framing::parse(line) else {
            let text = format!(
                "Bad protocol from MASTER, the first byte is not '$' (we received '{line}'), are you sure the host \
                 and port are right?"
            );
            self.log(LogLevel::Warning, text);
            return self.retry_now(now);
        };
        let to = if self.config.load == LoadMode::Disk { "to disk" } else { "to parser" };
        match framing {
            Framing::Marked(_) => self.log(
                LogLevel::Notice,
                format!("MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF {to}"),
            ),
            Framing::Sized(size) => self.log(
                LogLevel::Notice,
                format!("MASTER <-> REPLICA sync: receiving {size} bytes from master {to}"),
            ),
        }
        self.payload_size = if let Framing::Sized(size) = framing { Some(size) } else { None };
        let (id, offset) = self.target.unwrap_or((ReplId::NONE, 0));
        self.phase = Phase::Payload(PayloadReader::new(framing));
        if self.config.load == LoadMode::Flush {
            self.replace_history();
        }
        if self.config.load != LoadMode::Disk {
            self.log(LogLevel::Notice, "MASTER <-> REPLICA sync: Loading DB in memory");
        }
        if self.config.load == LoadMode::Flush {
            self.log(LogLevel::Notice, "MASTER <-> REPLICA sync: Flushing old data");
        }
        let (link, size, load) = (self.link, self.payload_size, self.config.load);
        self.outputs.push_back(Output::PayloadStart { link, id, offset, size, load });
        if self.payload_size == Some(0) {
            self.on_payload(now, Bytes::new());
        }
    }

    /// The old data is about to go: nobody can continue from it.
    pub(super) fn replace_history(&mut self) {
        self.discard_cached();
        self.outputs.push_back(Output::DropReplicas);
    }

    pub(super) fn on_payload(&mut self, now: Millis, bytes: Bytes) {
        let Phase::Payload(reader) = &mut self.phase else { return };
        let mut parts = Parts::new();
        let rest = reader.feed(bytes, &mut parts);
        let link = self.link;
        for bytes in parts {
            self.payload_read += bytes.len() as u64;
            self.outputs.push_back(Output::Payload { link, bytes });
        }
        let Some(rest) = rest else { return };
        self.inbuf.clear();
        self.inbuf.extend_from_slice(&rest);
        self.phase = Phase::Loading;
        self.broke_while_loading = false;
        self.timers.stop(Timer::Silence as usize);
        self.timers.set(Timer::Ack as usize, now + ACK_PERIOD_MS);
        let refuse_if_empty = self.config.refuse_empty_master;
        if self.config.load == LoadMode::Disk {
            if !refuse_if_empty {
                self.replace_history();
            }
            self.log(LogLevel::Notice, "MASTER <-> REPLICA sync: Loading DB in memory");
        }
        self.outputs.push_back(Output::PayloadDone { link, refuse_if_empty });
    }

    pub(super) fn on_loaded(&mut self, now: Millis, db: u32) {
        // With `LoadMode::Flush` a driver that loads while it receives may know of an error early, never of success.
        if !matches!(self.phase, Phase::Loading) {
            return;
        }
        if self.config.load == LoadMode::SwapDb || self.config.refuse_empty_master {
            self.replace_history();
        }
        let (id, offset) = self.target.unwrap_or((ReplId::NONE, 0));
        let position = Position { id, offset, db };
        self.outputs.push_back(Output::AdoptHistory(position));
        self.log(LogLevel::Notice, "MASTER <-> REPLICA sync: Finished with success");
        self.start_streaming(now, position, self.target.is_none());
    }

    pub(super) fn on_payload_failed(&mut self, now: Millis, error: &str) {
        if matches!(self.phase, Phase::Payload(_) | Phase::Loading) {
            let from = if self.config.load == LoadMode::Disk { "from disk" } else { "from socket" };
            let text = format!("Failed trying to load the MASTER synchronization DB {from}: {error}");
            self.log(LogLevel::Warning, text);
            self.retry_now(now);
        }
    }

    pub(super) fn on_refused(&mut self, now: Millis) {
        if matches!(self.phase, Phase::Loading) {
            self.log(
                LogLevel::Warning,
                "MASTER <-> REPLICA sync: the master came back empty, keeping the data set of this replica",
            );
            self.retry_later(now);
        }
    }
}
