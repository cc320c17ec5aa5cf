//! The core: everything of the machine that is not one master's own. Functions that work on a master get it as
//! their second hand: to send, to tell, to ask for time, chance and names.

use std::collections::{BTreeSet, VecDeque};

use crate::addr::Addr;
use crate::config::{Config, RUN_ID_LEN, ServerFacts};
use crate::event::{Event, LogLevel};
use crate::ids::{InstanceId, LinkId, MasterId, Millis, Now, SaveId};
use crate::instance::{Instance, Master};
use crate::io::{Endpoint, LinkKind, Output};
use crate::link::{LinkKey, Links, Pending};
use crate::names::Names;
use crate::periods::Periods;
use crate::scripts::ScriptQueue;

/// Failures to simulate, set by SENTINEL SIMULATE-FAILURE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SimulatedFailures {
    pub(crate) crash_after_election: bool,
    pub(crate) crash_after_promotion: bool,
}

impl SimulatedFailures {
    /// As INFO shows them.
    pub(crate) fn bits(self) -> u8 {
        u8::from(self.crash_after_election) | u8::from(self.crash_after_promotion) << 1
    }
}

/// Options that concern all masters.
#[derive(Clone, Debug)]
pub(crate) struct Globals {
    pub(crate) my_id: String,
    pub(crate) current_epoch: u64,
    pub(crate) deny_scripts_reconfig: bool,
    pub(crate) announce_hostnames: bool,
    pub(crate) announce_ip: Option<String>,
    pub(crate) announce_port: u16,
    pub(crate) sentinel_user: Option<Vec<u8>>,
    pub(crate) sentinel_pass: Option<Vec<u8>>,
    pub(crate) server: ServerFacts,
}

pub(crate) struct Core {
    pub(crate) now: Now,
    pub(crate) globals: Globals,
    pub(crate) periods: Periods,
    pub(crate) links: Links,
    pub(crate) names: Names,
    pub(crate) scripts: ScriptQueue,
    pub(crate) simulate: SimulatedFailures,
    /// In TILT since then.
    pub(crate) tilt_since: Option<Millis>,
    /// Groups in which something changed.
    pub(crate) touched: BTreeSet<MasterId>,
    pub(crate) outputs: VecDeque<Output>,
    rng: fastrand::Rng,
    /// The last save asked for and the last that is done (well or badly).
    save_asked: SaveId,
    pub(crate) save_done: SaveId,
}

impl Core {
    /// Also tells whether an id had to be drawn, which must then be saved.
    pub(crate) fn new(config: &Config, server: ServerFacts, seed: u64, now: Now) -> (Core, bool) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let fresh = config.my_id.is_none();
        let draw =
            || (0..RUN_ID_LEN).map(|_| char::from_digit(rng.u32(..16), 16).expect("below 16")).collect();
        let my_id = config.my_id.clone().unwrap_or_else(draw);
        let globals = Globals {
            my_id,
            current_epoch: config.current_epoch,
            deny_scripts_reconfig: config.deny_scripts_reconfig,
            announce_hostnames: config.announce_hostnames,
            announce_ip: config.announce_ip.clone(),
            announce_port: config.announce_port,
            sentinel_user: config.sentinel_user.clone(),
            sentinel_pass: config.sentinel_pass.clone(),
            server,
        };
        let mut names = Names::default();
        names.enabled = config.resolve_hostnames;
        let core = Core {
            now,
            globals,
            periods: Periods::default(),
            links: Links::default(),
            names,
            scripts: ScriptQueue::default(),
            simulate: SimulatedFailures::default(),
            tilt_since: None,
            touched: BTreeSet::new(),
            outputs: VecDeque::new(),
            rng,
            save_asked: SaveId::default(),
            save_done: SaveId::default(),
        };
        (core, fresh)
    }

    /// The monotonic time of the input being handled.
    pub(crate) fn mono(&self) -> Millis {
        self.now.mono
    }

    /// A random span below `limit_ms`.
    pub(crate) fn jitter(&mut self, limit_ms: u64) -> u64 {
        self.rng.u64(..limit_ms)
    }

    // --- telling -------------------------------------------------------------------------------------------

    pub(crate) fn log(&mut self, level: LogLevel, text: impl Into<String>) {
        self.outputs.push_back(Output::Log { level, text: text.into() });
    }

    /// An event that concerns no instance.
    pub(crate) fn event(&mut self, level: LogLevel, name: &'static str, message: impl Into<String>) {
        self.outputs.push_back(Output::Event(Event { level, name, message: message.into() }));
    }

    /// An event of a master's group; a warning also runs the master's notification script.
    pub(crate) fn group_event(
        &mut self,
        level: LogLevel,
        name: &'static str,
        master: &Master,
        message: String,
    ) {
        if let (LogLevel::Warning, Some(script)) = (level, &master.options.notification_script) {
            let argv = vec![script.clone(), name.into(), message.clone().into_bytes()];
            self.scripts.schedule(argv);
        }
        self.event(level, name, message);
    }

    /// An event about an instance: its description, then `more` as it is.
    pub(crate) fn instance_event(
        &mut self,
        level: LogLevel,
        name: &'static str,
        master: &Master,
        instance: &Instance,
        more: &str,
    ) {
        let message = self.describe(master, instance) + more;
        self.group_event(level, name, master, message);
    }

    /// `<type> <name> <ip> <port>`, and for others than masters ` @ <master> <ip> <port>`.
    pub(crate) fn describe(&self, master: &Master, instance: &Instance) -> String {
        let place = |of: &Instance| format!("{} {} {}", of.name, self.announced(&of.addr), of.addr.port);
        let own = format!("{} {}", instance.kind(), place(instance));
        if instance.id == master.base.id { own } else { format!("{own} @ {}", place(&master.base)) }
    }

    /// The host of an address as it is announced.
    pub(crate) fn announced<'a>(&self, addr: &'a Addr) -> &'a str {
        addr.announced(self.globals.announce_hostnames)
    }

    /// Ends the process, by order of SENTINEL SIMULATE-FAILURE.
    pub(crate) fn crash(&mut self) {
        self.log(LogLevel::Warning, "Sentinel CRASH because of SENTINEL simulate-failure");
        self.outputs.push_back(Output::Crash);
    }

    // --- saving --------------------------------------------------------------------------------------------

    /// Asks for the state to be saved. Requests that the driver has not seen yet become one.
    pub(crate) fn save(&mut self) -> SaveId {
        let waiting = Output::SaveState { save: self.save_asked };
        if !self.outputs.contains(&waiting) {
            self.save_asked = SaveId(self.save_asked.0 + 1);
            self.outputs.push_back(Output::SaveState { save: self.save_asked });
        }
        self.save_asked
    }

    // --- connections ---------------------------------------------------------------------------------------

    /// Opens a connection.
    pub(crate) fn connect(&mut self, key: LinkKey, kind: LinkKind, ip: String, port: u16) -> LinkId {
        let link = self.links.open(key, kind, self.now.mono);
        let (to, tls) = (Endpoint { ip, port }, self.globals.server.tls);
        self.outputs.push_back(Output::Connect { link, kind, to, tls });
        link
    }

    /// Sends a command if the connection stands, and remembers what the reply will mean.
    pub(crate) fn send(&mut self, key: LinkKey, kind: LinkKind, command: &[&[u8]], pending: Pending) {
        let Some(conn) = self.links.get_mut(key).conn_slot(kind).as_mut() else { return };
        if conn.local_ip.is_none() {
            return;
        }
        conn.pending.push_back(pending);
        let command = command.iter().map(|word| word.to_vec()).collect();
        self.outputs.push_back(Output::Send { link: conn.id, command });
    }

    /// Drops a connection, if there is one.
    pub(crate) fn close(&mut self, key: LinkKey, kind: LinkKind) {
        if let Some(link) = self.links.forget(key, kind, self.now.mono) {
            self.outputs.push_back(Output::Close { link });
            self.touch_users(key);
        }
    }

    /// Drops both connections.
    pub(crate) fn close_both(&mut self, key: LinkKey) {
        self.close(key, LinkKind::Command);
        self.close(key, LinkKind::PubSub);
    }

    /// Ends an instance's use of its link.
    pub(crate) fn release_link(&mut self, key: LinkKey, user: InstanceId) {
        for link in self.links.release(key, user) {
            self.outputs.push_back(Output::Close { link });
        }
    }

    /// The groups that use a link have to be looked at again.
    pub(crate) fn touch_users(&mut self, key: LinkKey) {
        let users = self.links.get(key).users.iter().map(|user| user.master);
        self.touched.extend(users);
    }
}
