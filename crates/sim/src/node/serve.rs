//! The commands that a node understands.

use super::Node;
use crate::decode::Request;
use crate::env::{Env, address, host_at};
use crate::faults::Break;
use crate::net::ConnId;
use redan_replication::primary::io::{Input as PrimaryInput, ReplicaId, Role};
use redan_replication::replica::io::{Input, LinkState, MasterAddr, Position};
use redan_resp::{OwnedArgs, Protocol, ReplyBuf};
use std::fmt::Write;

impl Node {
    pub(super) fn serve(&mut self, env: &mut Env, conn: ConnId, bytes: &[u8]) {
        self.sessions.entry(conn).or_default().requests.add(bytes);
        while let Some(request) = self.sessions.get_mut(&conn).and_then(|session| session.requests.next()) {
            match request {
                Request::Newline => {
                    self.primary.handle(env.now, PrimaryInput::Newline(ReplicaId(conn.0)));
                }
                Request::Command(words) => {
                    let mut out = ReplyBuf::new(Protocol::Resp2);
                    self.execute(env, conn, words, &mut out);
                    if !out.is_empty() {
                        env.send(conn, out.take());
                    }
                }
            }
            // Replies of the replication machines keep their place among the others.
            self.settle(env);
        }
    }

    fn execute(&mut self, env: &mut Env, conn: ConnId, words: Vec<Vec<u8>>, out: &mut ReplyBuf) {
        let name = String::from_utf8_lossy(&words[0]).to_ascii_uppercase();
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        match (name.as_str(), &mut session.queued) {
            ("EXEC", queued) => {
                let commands = queued.take().unwrap_or_default();
                out.array(commands.len());
                for command in commands {
                    self.execute(env, conn, command, out);
                }
            }
            (_, Some(queued)) => {
                queued.push(words);
                out.simple("QUEUED");
            }
            ("MULTI", none) => {
                *none = Some(Vec::new());
                out.ok();
            }
            ("PING", _) if session.subscribed => {
                out.array(2);
                out.bulk(b"pong");
                out.bulk(b"");
            }
            ("PING", _) => out.simple("PONG"),
            ("SUBSCRIBE", _) => {
                session.subscribed = true;
                out.array(3);
                out.bulk(b"subscribe");
                out.bulk(&words[1]);
                out.int(1);
            }
            ("PUBLISH", _) => out.int(self.publish(env, &words[1], &words[2])),
            ("INFO", _) => out.bulk(self.info(env).as_bytes()),
            ("SLAVEOF" | "REPLICAOF", _) => {
                self.replicaof(env, &words[1], &words[2]);
                out.ok();
            }
            ("CONFIG", _) => {
                self.disk.replicaof = self.follows();
                out.ok();
            }
            ("CLIENT", _) => {
                if words[1].eq_ignore_ascii_case(b"KILL") {
                    out.int(0);
                } else {
                    out.ok();
                }
            }
            ("REPLCONF", _) => {
                let args: OwnedArgs = words.iter().collect();
                self.primary.handle(env.now, PrimaryInput::ReplConf { replica: ReplicaId(conn.0), args });
            }
            ("PSYNC" | "SYNC", _) => {
                let args: OwnedArgs = words.iter().collect();
                let peer = env.conns.get(&conn).map(|conn| address(conn.client).0);
                let replica = ReplicaId(conn.0);
                let (peer_ip, has_pending_output) = (peer.unwrap_or_default(), false);
                self.primary
                    .handle(env.now, PrimaryInput::Sync { replica, args, peer_ip, has_pending_output });
            }
            _ => out.error(&format!("ERR unknown command '{name}'")),
        }
    }

    fn publish(&mut self, env: &mut Env, channel: &[u8], message: &[u8]) -> i64 {
        let mut out = ReplyBuf::new(Protocol::Resp2);
        out.array(3);
        out.bulk(b"message");
        out.bulk(channel);
        out.bulk(message);
        let bytes = bytes::Bytes::from(out.take());
        let subscribers = self.sessions.iter().filter(|(_, session)| session.subscribed);
        let subscribers: Vec<ConnId> = subscribers.map(|(conn, _)| *conn).collect();
        subscribers.iter().for_each(|conn| env.send(*conn, bytes.clone()));
        i64::try_from(subscribers.len()).expect("hosts are few")
    }

    fn replicaof(&mut self, env: &mut Env, host: &[u8], port: &[u8]) {
        let now = env.now;
        let (host, port) = (String::from_utf8_lossy(host), String::from_utf8_lossy(port));
        env.note(&format!("REPLICAOF {host} {port}"));
        let Some(master) = port.parse().ok().and_then(|port| host_at(&host, port)) else {
            return self.link.handle(now, Input::Unset);
        };
        if self.follows() == Some(master) || self.broken == Some(Break::FollowsNobodyElse) {
            return;
        }
        let was_master = self.link.master().is_none();
        let own = was_master.then(|| Position {
            id: self.log.ids().id,
            offset: self.log.end_offset(),
            db: self.log.stream_db().unwrap_or_default(),
        });
        let (host, port) = address(master);
        let master = MasterAddr { host, port };
        self.link.handle(now, Input::SetMaster { master, own, failover: false });
        self.primary.handle(now, PrimaryInput::Role(Role::Replica { link_up: false }));
    }

    fn info(&self, env: &Env) -> String {
        let mut out = format!("# Server\r\nrun_id:{}\r\n\r\n# Replication\r\n", self.run_id);
        let status = self.link.status(env.now);
        let written = match &status.master {
            None => writeln!(out, "role:master\r"),
            Some(master) => {
                let up = if status.state == LinkState::Connected { "up" } else { "down" };
                let down_s = status.down_since_seconds.unwrap_or(0);
                write!(
                    out,
                    "role:slave\r\nmaster_host:{}\r\nmaster_port:{}\r\nmaster_link_status:{up}\r\n\
                     master_link_down_since_seconds:{down_s}\r\nslave_repl_offset:{}\r\nslave_priority:100\r\n\
                     replica_announced:1\r\n",
                    master.host, master.port, status.applied_offset
                )
            }
        };
        debug_assert!(written.is_ok(), "strings can be written to");
        for (number, row) in self.primary.rows(env.now).iter().enumerate() {
            let _ = write!(out, "slave{number}:{row}\r\n");
        }
        out
    }
}
