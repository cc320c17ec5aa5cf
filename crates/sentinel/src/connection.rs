//! Connections: what follows when one stands, fails, ends, or brings a frame.

use redan_resp::Frame;

use crate::core::Core;
use crate::event::LogLevel;
use crate::hello::HELLO_CHANNEL;
use crate::ids::{InstanceId, LinkId, MasterId, Member, SaveId};
use crate::instance::{FailoverState, Master};
use crate::io::LinkKind;
use crate::link::{LinkKey, Pending};
use crate::machine::Sentinel;

impl Sentinel {
    pub(crate) fn on_connected(&mut self, id: LinkId, local_ip: String) {
        let Some((key, kind)) = self.core.links.find(id) else { return };
        let now = self.core.mono();
        let link = self.core.links.get_mut(key);
        let user = link.users[0];
        let conn = link.conn_slot(kind).as_mut().expect("known connections are in their link");
        conn.local_ip = Some(local_ip);
        conn.ready = kind == LinkKind::Command;
        self.core.touch_users(key);
        let Some(master) = self.masters.get_mut(&user.master) else { return };
        master.introduce(&mut self.core, key, kind, user);
        match kind {
            LinkKind::Command => master.send_ping(&mut self.core, user.member),
            LinkKind::PubSub => {
                self.core.links.get_mut(key).pubsub_activity_at = now;
                let subscribe = master.options.renamed("SUBSCRIBE").as_bytes();
                let command = [subscribe, HELLO_CHANNEL.as_bytes()];
                self.core.send(key, kind, &command, Pending::Subscribe);
            }
        }
    }

    pub(crate) fn on_connect_failed(&mut self, id: LinkId, error: &str) {
        let Some((key, kind)) = self.core.links.find(id) else { return };
        let user = self.core.links.get(key).users[0];
        if let Some(master) = self.masters.get(&user.master)
            && let Some(instance) = master.instance(user.member)
        {
            let event = match kind {
                LinkKind::Command => "-cmd-link-reconnection",
                LinkKind::PubSub => "-pubsub-link-reconnection",
            };
            self.core.instance_event(LogLevel::Debug, event, master, instance, &format!(" #{error}"));
        }
        self.on_closed(id);
    }

    pub(crate) fn on_closed(&mut self, id: LinkId) {
        let Some((key, kind)) = self.core.links.find(id) else { return };
        let now = self.core.mono();
        self.core.links.forget(key, kind, now);
        self.core.touch_users(key);
    }

    pub(crate) fn on_resolved(&mut self, name: &str, ip: Option<String>) {
        let changed = self.core.names.on_resolved(name, ip);
        let Core { links, names, touched, .. } = &mut self.core;
        for master in self.masters.values_mut() {
            if std::mem::take(&mut master.waits_for_names) {
                // Ask the master again whom it has: now the answer can be understood.
                master.base.info.refreshed_at = None;
                master.base.info.sent_at = None;
                touched.insert(master.id);
            }
            for member in master.members() {
                let instance = master.instance_mut(member).expect("from the list of members");
                let link = links.get_mut(instance.link);
                if !instance.addr.host.eq_ignore_ascii_case(name) || link.command.is_some() {
                    continue;
                }
                touched.insert(instance.id.master);
                instance.addr.ip = names.known_ip(name).map(str::to_owned).or(instance.addr.ip.take());
                if changed {
                    link.last_attempt = None;
                }
            }
        }
    }

    pub(crate) fn on_save_done(&mut self, save: SaveId, error: Option<String>) {
        self.core.save_done = self.core.save_done.max(save);
        match error {
            None => self.core.log(LogLevel::Notice, "Sentinel new configuration saved on disk"),
            Some(error) => self.core.log(
                LogLevel::Warning,
                format!("WARNING: Sentinel was not able to save the new configuration on disk!!!: {error}"),
            ),
        }
        let waiting = self.masters.values().filter(|m| m.failover.state == FailoverState::WaitStart);
        self.core.touched.extend(waiting.map(|master| master.id));
    }

    pub(crate) fn on_frame(&mut self, id: LinkId, frame: Frame) {
        let Some((key, kind)) = self.core.links.find(id) else { return };
        if self.core.links.get(key).is_congested() {
            // All users of the link wait for this.
            self.core.touch_users(key);
        }
        let link = self.core.links.get_mut(key);
        if kind == LinkKind::PubSub {
            link.pubsub_activity_at = self.core.now.mono;
            if let Some(payload) = hello_payload(&frame) {
                return self.on_hello(payload);
            }
        }
        let conn = link.conn_slot(kind).as_mut().expect("known connections are in their link");
        match conn.pending.pop_front() {
            Some(pending) => self.on_reply(key, pending, frame),
            None if kind == LinkKind::PubSub => {}
            // A reply to nothing: what follows on this connection cannot be trusted.
            None => self.core.close(key, kind),
        }
    }

    fn on_reply(&mut self, key: LinkKey, pending: Pending, frame: Frame) {
        let asked_by = match pending {
            Pending::Discard => return,
            Pending::Subscribe if frame.as_error().is_some() => {
                return self.core.close(key, LinkKind::PubSub);
            }
            Pending::Subscribe => {
                if let Some(conn) = &mut self.core.links.get_mut(key).pubsub {
                    conn.ready = true;
                }
                return self.core.touch_users(key);
            }
            Pending::Ping(id) | Pending::Info(id) | Pending::Publish(id) | Pending::AskMasterDown(id, _) => {
                id
            }
        };
        self.core.touched.insert(asked_by.master);
        if let Pending::Ping(_) = pending {
            // A sign of life is one for all who share the link, even if whoever asked is gone.
            self.core.note_pong(key, &frame);
            self.touch_down_users(key);
        }
        let core = &mut self.core;
        let Some(master) = self.masters.get_mut(&asked_by.master) else { return };
        match pending {
            Pending::Ping(_) => master.on_ping_reply(core, key, asked_by.member, &frame),
            Pending::Info(_) => match frame {
                Frame::Bulk(text) | Frame::Verbatim { text, .. } => {
                    master.on_info(core, asked_by.member, &text);
                }
                _ => master.on_info_refused(asked_by.member),
            },
            Pending::Publish(_) => {
                let instance = master.instance_mut(asked_by.member).filter(|_| frame.as_error().is_none());
                if let Some(instance) = instance {
                    // Counted from the sending: a hello forced meanwhile is not put off.
                    instance.hello_published_at = instance.hello_sent_at;
                }
            }
            Pending::AskMasterDown(_, moves) => {
                if moves == master.moves {
                    master.on_master_down_reply(core, asked_by.member, &frame);
                }
            }
            Pending::Discard | Pending::Subscribe => {}
        }
    }
}

impl Sentinel {
    /// Users of a link that are believed down may be up again. For the others a sign of life only puts off what
    /// they are waiting for: a process that serves many masters as Sentinel would wake all of them each second.
    fn touch_down_users(&mut self, key: LinkKey) {
        let is_down = |user: &InstanceId| {
            let master = self.masters.get(&user.master);
            master.and_then(|master| master.instance(user.member)).is_some_and(|instance| instance.s_down)
        };
        let users = self.core.links.get(key).users.iter();
        let down: Vec<MasterId> = users.filter(|user| is_down(user)).map(|user| user.master).collect();
        self.core.touched.extend(down);
    }
}

/// The payload, if the frame is a message of the hello channel.
fn hello_payload(frame: &Frame) -> Option<&[u8]> {
    match frame {
        Frame::Array(parts) | Frame::Push(parts) => match &parts[..] {
            [kind, channel, payload] if kind.as_bytes()? == b"message" => {
                payload.as_bytes().filter(|_| channel.as_bytes() == Some(HELLO_CHANNEL.as_bytes()))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The text of a simple string or an error.
fn status_text(frame: &Frame) -> Option<&[u8]> {
    match frame {
        Frame::Simple(text) | Frame::Error(text) => Some(text),
        _ => None,
    }
}

/// Whether a reply to PING means that the instance works. One that loads its data or has lost its master does.
fn says_it_works(frame: &Frame) -> bool {
    let text = status_text(frame).unwrap_or_default();
    [&b"PONG"[..], b"LOADING", b"MASTERDOWN"].iter().any(|word| text.starts_with(word))
}

impl Core {
    /// Takes in a reply to PING as far as it concerns the link.
    fn note_pong(&mut self, key: LinkKey, frame: &Frame) {
        let now = self.mono();
        let link = self.links.get_mut(key);
        link.last_pong_at = now;
        if says_it_works(frame) {
            link.last_avail_at = now;
            link.unanswered_since = None;
        }
    }
}

impl Master {
    /// Presents us on a new connection: password, then name.
    fn introduce(&self, core: &mut Core, key: LinkKey, kind: LinkKind, user: InstanceId) {
        let (name, password) = match user.member {
            Member::Sentinel(_) => {
                let globals = &core.globals;
                match &globals.sentinel_pass {
                    Some(password) => (globals.sentinel_user.clone(), Some(password.clone())),
                    None => (None, globals.server.requirepass.clone()),
                }
            }
            _ => (self.options.auth_user.clone(), self.options.auth_pass.clone()),
        };
        if let Some(password) = password {
            let auth = self.options.renamed("AUTH").as_bytes();
            let words: Vec<&[u8]> =
                [Some(auth), name.as_deref(), Some(&password)].into_iter().flatten().collect();
            core.send(key, kind, &words, Pending::Discard);
        }
        let purpose = match kind {
            LinkKind::Command => "cmd",
            LinkKind::PubSub => "pubsub",
        };
        let name = format!("sentinel-{}-{purpose}", core.globals.my_id.get(..8).unwrap_or_default());
        let client = self.options.renamed("CLIENT").as_bytes();
        core.send(key, kind, &[client, b"SETNAME", name.as_bytes()], Pending::Discard);
    }

    fn on_ping_reply(&mut self, core: &mut Core, key: LinkKey, member: Member, frame: &Frame) {
        let text = status_text(frame).unwrap_or_default();
        if member == Member::Master && text.starts_with(b"PONG") {
            self.rebooted_at = None;
        }
        let kill = self.options.renamed("SCRIPT").as_bytes().to_vec();
        let Some(instance) = self.instance_mut(member) else { return };
        if text.starts_with(b"BUSY") && instance.s_down && !instance.script_kill_sent {
            instance.script_kill_sent = true;
            core.send(key, LinkKind::Command, &[&kill, b"KILL"], Pending::Discard);
        }
    }

    /// INFO was answered with an error: it may be asked for again.
    fn on_info_refused(&mut self, member: Member) {
        if let Some(instance) = self.instance_mut(member) {
            instance.info.pending = false;
        }
    }

    /// Takes in what another Sentinel says about the master, and its vote.
    fn on_master_down_reply(&mut self, core: &mut Core, member: Member, frame: &Frame) {
        let Member::Sentinel(number) = member else { return };
        let Some(peer) = self.sentinels.get_mut(&number) else { return };
        let Some([down, leader, epoch]) = frame.as_slice() else { return };
        let (Some(down), Some(leader), Some(epoch)) = (down.as_int(), leader.as_bytes(), epoch.as_int())
        else {
            return;
        };
        peer.answered_at = Some(core.mono());
        peer.master_down = down == 1;
        if leader != b"*"
            && let (Ok(leader), Ok(epoch)) = (std::str::from_utf8(leader), u64::try_from(epoch))
        {
            if peer.leader_epoch != epoch {
                let text = format!("{} voted for {leader} {epoch}", peer.base.name);
                core.log(LogLevel::Notice, text);
            }
            peer.leader = Some(leader.to_owned());
            peer.leader_epoch = epoch;
        }
    }
}
