//! A Sentinel: the driver of its machine.

use crate::decode::{Request, Requests};
use crate::env::{Alarm, Env, HostId, SENTINEL_PORT, address, host_at};
use crate::faults::Break;
use crate::net::ConnId;
use bytes::{Bytes, BytesMut};
use redan_resp::{FrameDecoder, Protocol, ReplyBuf, encode_command};
use redan_sentinel::{
    Answer, Config, ConfigLine, Event, Host, Input, LinkId, Millis, Now, Output, Reply, SaveId, Sentinel,
    ServerFacts,
};
use std::collections::{BTreeMap, VecDeque};

/// The master's name.
const MASTER: &str = "mymaster";

/// A link of the machine.
struct Link {
    conn: ConnId,
    decoder: FrameDecoder,
    buf: BytesMut,
}

/// A client's connection.
#[derive(Default)]
struct Session {
    requests: Requests,
    /// An answer that waits for the disk, and what came behind it.
    held: Option<Held>,
    waiting: VecDeque<Vec<Vec<u8>>>,
}

struct Held {
    save: SaveId,
    saved: Reply,
}

/// See the module's text.
pub(crate) struct Guard {
    host: HostId,
    machine: Sentinel,
    broken: Option<Break>,
    /// What it finds again when it starts.
    pub(crate) disk: Config,
    /// States on their way to the disk.
    saving: BTreeMap<SaveId, Config>,
    links: BTreeMap<LinkId, Link>,
    sessions: BTreeMap<ConnId, Session>,
    /// What it has told since somebody last looked.
    pub(crate) told: Vec<Event>,
}

/// The file system: there are no scripts.
struct NoFiles;

impl Host for NoFiles {
    fn is_executable(&self, _path: &[u8]) -> bool {
        false
    }
}

impl Guard {
    /// What is configured before the first start.
    pub(crate) fn first_disk(master: HostId) -> Config {
        let (ip, port) = address(master);
        let lines = [
            format!("monitor {MASTER} {ip} {port} 2"),
            format!("down-after-milliseconds {MASTER} 1000"),
            format!("failover-timeout {MASTER} 4000"),
        ];
        let line = |(index, line): (usize, &String)| ConfigLine {
            number: index + 1,
            args: line.split(' ').map(|word| word.as_bytes().to_vec()).collect(),
        };
        let lines: Vec<ConfigLine> = lines.iter().enumerate().map(line).collect();
        Config::parse(&lines, &NoFiles).expect("the lines are valid")
    }

    /// A Sentinel that starts with what is on its disk.
    pub(crate) fn start(env: &mut Env, disk: Config, broken: Option<Break>) -> Guard {
        let facts = ServerFacts { port: SENTINEL_PORT, ..ServerFacts::default() };
        let seed = env.rng.u64(..);
        let mut guard = Guard {
            host: env.actor.0,
            machine: Sentinel::new(disk.clone(), facts, seed, now(env)),
            broken,
            disk,
            saving: BTreeMap::new(),
            links: BTreeMap::new(),
            sessions: BTreeMap::new(),
            told: Vec::new(),
        };
        guard.settle(env);
        guard
    }

    pub(crate) fn due(&self) -> Option<u64> {
        self.machine.poll_timeout().map(|at| at.0)
    }

    pub(crate) fn on_time(&mut self, env: &mut Env) {
        self.machine.handle_timeout(now(env));
        self.settle(env);
    }

    pub(crate) fn on_opened(&mut self, env: &mut Env, conn: ConnId, works: bool) {
        if let Some(link) = self.link_of(conn) {
            let input = if works {
                Input::Connected { link, local_ip: address(self.host).0 }
            } else {
                self.links.remove(&link);
                Input::ConnectFailed { link, error: "Connection refused".into() }
            };
            self.machine.handle(now(env), input);
            self.settle(env);
        }
    }

    pub(crate) fn on_data(&mut self, env: &mut Env, conn: ConnId, bytes: &Bytes) {
        match self.link_of(conn) {
            Some(link) => self.on_reply(env, link, bytes),
            None => {
                self.sessions.entry(conn).or_default().requests.add(bytes);
                while let Some(request) =
                    self.sessions.get_mut(&conn).and_then(|session| session.requests.next())
                {
                    if let Request::Command(words) = request {
                        self.on_command(env, conn, words);
                    }
                }
            }
        }
        self.settle(env);
    }

    pub(crate) fn on_gone(&mut self, env: &mut Env, conn: ConnId) {
        env.close(conn);
        self.sessions.remove(&conn);
        if let Some(link) = self.link_of(conn) {
            self.links.remove(&link);
            self.machine.handle(now(env), Input::Closed { link });
        }
        self.settle(env);
    }

    pub(crate) fn on_alarm(&mut self, env: &mut Env, alarm: &Alarm) {
        let Alarm::Saved { save } = alarm else { return };
        let save = SaveId(*save);
        if let Some(config) = self.saving.remove(&save) {
            self.disk = config;
        }
        self.machine.handle(now(env), Input::Saved { save });
        let held = |session: &Session| session.held.as_ref().is_some_and(|held| held.save <= save);
        let ready: Vec<ConnId> =
            self.sessions.iter().filter(|(_, session)| held(session)).map(|(conn, _)| *conn).collect();
        for conn in ready {
            self.release(env, conn);
        }
        self.settle(env);
    }

    /// Everything it would write down.
    pub(crate) fn config(&self) -> Config {
        self.machine.to_config()
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        self.machine.my_id()
    }

    /// Which node it believes to be the master.
    pub(crate) fn master(&self) -> Option<HostId> {
        let config = self.config();
        config.masters.first().and_then(|master| host_at(&master.host, master.port))
    }

    fn link_of(&self, conn: ConnId) -> Option<LinkId> {
        self.links.iter().find(|(_, link)| link.conn == conn).map(|(id, _)| *id)
    }

    fn on_reply(&mut self, env: &mut Env, id: LinkId, bytes: &[u8]) {
        if let Some(link) = self.links.get_mut(&id) {
            link.buf.extend_from_slice(bytes);
        }
        while let Some(frame) = self
            .links
            .get_mut(&id)
            .and_then(|link| link.decoder.decode(&mut link.buf).expect("hosts send valid replies"))
        {
            self.machine.handle(now(env), Input::Frame { link: id, frame });
            // The frame may have been the link's last.
            self.settle(env);
        }
    }

    fn on_command(&mut self, env: &mut Env, conn: ConnId, words: Vec<Vec<u8>>) {
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        if session.held.is_some() {
            return session.waiting.push_back(words);
        }
        let parts: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let name = String::from_utf8_lossy(parts[0]).to_ascii_uppercase();
        let answer = match name.as_str() {
            "SENTINEL" if self.broken == Some(Break::VotesForAll) && parts.len() == 6 && parts[5] != b"*" => {
                let epoch = std::str::from_utf8(parts[4]).ok().and_then(|epoch| epoch.parse().ok());
                let vote =
                    [Reply::Integer(1), Reply::bulk(parts[5]), Reply::Integer(epoch.unwrap_or_default())];
                Reply::Array(vote.into()).into()
            }
            "PING" => Reply::Simple("PONG".into()).into(),
            "SENTINEL" => self.machine.handle_command(now(env), &parts, &NoFiles),
            "PUBLISH" => self.machine.handle_publish(now(env), parts[1], parts[2]).into(),
            "INFO" => Reply::bulk(self.machine.info_section()).into(),
            _ => Answer::ok(),
        };
        match answer {
            Answer::Now(reply) => reply_with(env, conn, &reply),
            Answer::AfterSave { save, saved, .. } => {
                session.held = Some(Held { save, saved });
            }
        }
        self.settle(env);
    }

    /// The disk is done: a client gets its answer, and what it asked behind that is looked at.
    fn release(&mut self, env: &mut Env, conn: ConnId) {
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        if let Some(held) = session.held.take() {
            reply_with(env, conn, &held.saved);
        }
        for words in std::mem::take(&mut session.waiting) {
            self.on_command(env, conn, words);
        }
    }

    fn settle(&mut self, env: &mut Env) {
        while let Some(output) = self.machine.poll_output() {
            self.perform(env, output);
        }
    }

    fn perform(&mut self, env: &mut Env, output: Output) {
        match output {
            Output::Connect { link, to, .. } => match host_at(&to.ip, to.port) {
                Some(host) => {
                    let conn = env.connect(host);
                    let (decoder, buf) = (FrameDecoder::new(), BytesMut::new());
                    self.links.insert(link, Link { conn, decoder, buf });
                }
                None => {
                    let error = "no such host".into();
                    self.machine.handle(now(env), Input::ConnectFailed { link, error });
                }
            },
            Output::Send { link, command } => {
                if let Some(link) = self.links.get(&link) {
                    let mut bytes = Vec::new();
                    encode_command(&mut bytes, command.iter().map(Vec::as_slice));
                    env.send(link.conn, bytes);
                }
            }
            Output::Close { link } => {
                if let Some(link) = self.links.remove(&link) {
                    env.close(link.conn);
                }
            }
            Output::SaveState { save } => {
                self.saving.insert(save, self.machine.to_config());
                let delay_ms = env.rng.u64(1..=env.disk_ms);
                env.alarm(delay_ms, Alarm::Saved { save: save.0 });
            }
            Output::Event(event) => {
                env.note(&event.log_line());
                self.told.push(event);
            }
            Output::Log { text, .. } => env.note(&text),
            // There are neither names nor scripts, and nobody changes the level or asks for a crash.
            Output::Resolve { .. }
            | Output::RunScript { .. }
            | Output::KillScript { .. }
            | Output::SetLogLevel(_)
            | Output::Crash => {}
        }
    }
}

fn now(env: &Env) -> Now {
    Now { mono: Millis(env.now), wall: Millis(env.now) }
}

fn reply_with(env: &mut Env, conn: ConnId, reply: &Reply) {
    let mut out = ReplyBuf::new(Protocol::Resp2);
    reply.write_to(&mut out);
    env.send(conn, out.take());
}
