//! REPLCONF: what replicas tell about themselves.

use redan_resp::{OwnedArgs, parse_i64, split_inline};

use super::io::{FailoverState, Output, ReplicaId, SnapshotContent};
use super::peer::{Peer, Stage};
use super::{Primary, text_arg};
use crate::Millis;

/// Longest announced address in bytes, with its end, as Redis limits it.
const MAX_HOST_LEN: usize = 256;

impl Primary {
    pub(super) fn on_replconf(&mut self, now: Millis, replica: ReplicaId, args: &OwnedArgs) {
        if args.len().is_multiple_of(2) {
            return self.reply_error(replica, "ERR syntax error");
        }
        for i in (1..args.len()).step_by(2) {
            let option = args[i].to_ascii_lowercase();
            match &option[..] {
                // Neither is answered.
                b"ack" => return self.on_ack(now, replica, args, i),
                b"getack" => return,
                _ => {}
            }
            if let Err(error) = set_option(self.peer_mut(replica), &option, args, i) {
                return self.reply_error(replica, error);
            }
        }
        self.reply_ok(replica);
    }

    fn on_ack(&mut self, now: Millis, replica: ReplicaId, args: &OwnedArgs, i: usize) {
        let number = |i: usize| args.get(i).and_then(parse_i64).and_then(|value| u64::try_from(value).ok());
        let Some(offset) = number(i + 1) else { return };
        let Some(peer) = self.peers.get_mut(&replica).filter(|peer| peer.stage.is_some()) else { return };
        let before = (peer.ack_offset, peer.aof_offset);
        peer.ack_offset = peer.ack_offset.max(offset);
        if super::is_arg(args, i + 2, "fack")
            && let Some(fsynced) = number(i + 3)
        {
            peer.aof_offset = peer.aof_offset.max(fsynced);
        }
        let has_advanced = before != (peer.ack_offset, peer.aof_offset);
        peer.ack_ms = now;
        match (peer.stage, peer.cursor) {
            (Some(Stage::Online), Some(cursor)) if std::mem::take(&mut peer.stream_on_ack) => {
                self.outputs.push_back(Output::StartStream { replica, cursor });
            }
            (Some(Stage::WaitEnd), _) => peer.has_acked_payload = true,
            _ => {}
        }
        if has_advanced {
            self.outputs.push_back(Output::AcksAdvanced);
        }
        if self.failover.state == FailoverState::WaitingForSync {
            self.try_failover();
        }
    }
}

/// Sets the option at `i`, whose value follows it.
fn set_option(peer: &mut Peer, option: &[u8], args: &OwnedArgs, i: usize) -> Result<(), String> {
    let not_an_integer = || "ERR value is not an integer or out of range".to_owned();
    let value = &args[i + 1];
    match option {
        b"listening-port" => {
            let port = parse_i64(value).ok_or_else(not_an_integer)?;
            peer.listening_port = u16::try_from(port).map_err(|_| not_an_integer())?;
        }
        b"ip-address" if value.len() < MAX_HOST_LEN => {
            // An empty one takes an earlier one back.
            peer.announced_ip = Some(text_arg(args, i + 1)).filter(|ip| !ip.is_empty());
        }
        b"ip-address" => {
            let len = value.len();
            return Err(format!(
                "ERR REPLCONF ip-address provided by replica instance is too long: {len} bytes"
            ));
        }
        b"capa" => match &value.to_ascii_lowercase()[..] {
            b"eof" => peer.capa_eof = true,
            b"psync2" => peer.capa_psync2 = true,
            b"redan-lz4" => peer.capa_lz4 = true,
            // Not known here: not used.
            _ => {}
        },
        b"rdb-only" => {
            peer.rdb_only = match parse_i64(value).ok_or_else(not_an_integer)? {
                0 => false,
                1 => true,
                _ => return Err("ERR value is out of range, must be between 0 and 1".to_owned()),
            };
        }
        b"rdb-filter-only" => {
            let filters = split_inline(value).map_err(|_| "ERR Missing rdb-filter-only values".to_owned())?;
            peer.content = SnapshotContent { without_data: true, without_functions: true };
            for filter in &filters {
                if !filter.eq_ignore_ascii_case(b"functions") {
                    let filter = String::from_utf8_lossy(filter);
                    return Err(format!("ERR Unsupported rdb-filter-only option: {filter}"));
                }
                peer.content.without_functions = false;
            }
        }
        // Valkey tells its version.
        b"version" => {}
        _ => return Err(format!("ERR Unrecognized REPLCONF option: {}", text_arg(args, i))),
    }
    Ok(())
}
