//! The world: all hosts, and time.

use crate::Failure;
use crate::env::{Env, Event, HostId, NODES, hosts, is_node, name, nodes};
use crate::faults::{Break, Fault};
use crate::guard::Guard;
use crate::invariants::Invariants;
use crate::net::{ConnId, End, Message};
use crate::node::{Node, NodeDisk};
use redan_sentinel::Config;

/// When faults begin, after everybody has met everybody.
const QUIET_MS: u64 = 8_000;
/// How long faults go on.
const FAULTS_MS: u64 = 45_000;
/// How long after healing everything must have become one again.
const HEALING_MS: u64 = 120_000;
/// How long it must stay so.
const STABLE_MS: u64 = 12_000;
/// How often the world is looked at for convergence.
const LOOK_MS: u64 = 500;

/// A process, or what is left of it.
pub(crate) enum State {
    /// A running node.
    Node(Box<Node>),
    /// A running Sentinel.
    Guard(Box<Guard>),
    /// A node that was killed.
    DeadNode(NodeDisk),
    /// A Sentinel that was killed.
    DeadGuard(Config),
}

/// A machine with its process.
pub(crate) struct Machine {
    pub(crate) state: State,
    /// The process is stopped.
    pub(crate) paused: bool,
    /// How often the process was started.
    pub(crate) life: u32,
}

/// What a run was like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Everything that happened, a line each.
    pub trace: Vec<String>,
    /// Events handled.
    pub events: u64,
    /// Writes of clients.
    pub writes: u64,
    /// Failovers that were won.
    pub failovers: usize,
    /// How long healing took, virtual milliseconds.
    pub healed_after_ms: u64,
}

/// See the module's text.
pub struct World {
    seed: u64,
    pub(crate) env: Env,
    pub(crate) machines: Vec<Machine>,
    broken: Option<Break>,
    invariants: Invariants,
    events: u64,
    writes: u64,
    healing: bool,
}

impl World {
    /// A world of three nodes, the first of them the master, and three Sentinels; `broken` is a bug to be found.
    pub fn new(seed: u64, broken: Option<Break>) -> World {
        let mut world = World {
            seed,
            env: Env::new(seed),
            machines: Vec::new(),
            broken,
            invariants: Invariants::default(),
            events: 0,
            writes: 0,
            healing: false,
        };
        let master = HostId(0);
        for host in hosts() {
            let state = if is_node(host) {
                let replicaof = (host != master).then_some(master);
                State::DeadNode(NodeDisk { replicaof, saved: None })
            } else {
                State::DeadGuard(Guard::first_disk(master))
            };
            world.machines.push(Machine { state, paused: false, life: 0 });
        }
        // Sentinels find replicas that have shown up at their master.
        for host in nodes() {
            world.start(host);
        }
        for host in hosts().skip(NODES) {
            let later = world.env.now + world.env.rng.u64(500..2500);
            world.env.at(later, Event::Return(host));
        }
        let now = world.env.now;
        world.env.at(now + 100, Event::Write);
        world.env.at(now + QUIET_MS, Event::Fault);
        world
    }

    /// Lives through it.
    ///
    /// # Errors
    /// What was violated, at the end of the trace of all events.
    pub fn run(mut self) -> Result<Report, Failure> {
        match self.live() {
            Ok(healed_after_ms) => Ok(Report {
                seed: self.seed,
                events: self.events,
                writes: self.writes,
                failovers: self.invariants.failovers(),
                trace: self.env.trace,
                healed_after_ms,
            }),
            Err(violation) => Err(Failure { seed: self.seed, violation, trace: self.env.trace }),
        }
    }

    /// First faults, then peace; returns how long healing took.
    fn live(&mut self) -> Result<u64, String> {
        let heal_at = self.env.now + QUIET_MS + FAULTS_MS;
        self.live_until(heal_at)?;
        self.heal();
        let mut agreed_since = None;
        loop {
            self.live_until(self.env.now + LOOK_MS)?;
            let elapsed = self.env.now - heal_at;
            match crate::invariants::convergence::check(self) {
                Ok(()) => {
                    let since = *agreed_since.get_or_insert(elapsed);
                    if elapsed >= since + STABLE_MS {
                        return Ok(since);
                    }
                }
                Err(why) if elapsed > HEALING_MS => return Err(format!("no convergence: {why}")),
                Err(_) => agreed_since = None,
            }
        }
    }

    /// Lets everything happen that happens until then.
    fn live_until(&mut self, end: u64) -> Result<(), String> {
        loop {
            let event_at = self.env.events.first_key_value().map(|((at, _), _)| *at);
            let timer = self.next_timer();
            let (at, host) = match (event_at, timer) {
                (Some(event), Some((due, host))) if due <= event => (due, Some(host)),
                (Some(event), _) => (event, None),
                (None, Some((due, host))) => (due, Some(host)),
                (None, None) => return Err("nothing will ever happen again".into()),
            };
            if at > end {
                self.env.now = end;
                return Ok(());
            }
            self.env.now = self.env.now.max(at);
            self.events += 1;
            match host {
                Some(host) => self.on_time(host),
                None => {
                    if let Some((_, event)) = self.env.events.pop_first() {
                        self.on_event(event);
                    }
                }
            }
            self.check()?;
        }
    }

    /// The host that wants to act first, of those that run.
    fn next_timer(&self) -> Option<(u64, HostId)> {
        let due = |(host, machine): (HostId, &Machine)| {
            let due = match &machine.state {
                State::Node(node) if !machine.paused => node.due(),
                State::Guard(guard) if !machine.paused => guard.due(),
                _ => None,
            };
            due.map(|due| (due, host))
        };
        hosts().zip(&self.machines).filter_map(due).min()
    }

    /// Says on whose behalf what follows happens.
    fn act_as(&mut self, host: HostId) -> (&mut Env, &mut Machine) {
        let machine = &mut self.machines[host.0];
        self.env.actor = (host, machine.life);
        (&mut self.env, machine)
    }

    fn on_time(&mut self, host: HostId) {
        let (env, machine) = self.act_as(host);
        match &mut machine.state {
            State::Node(node) => node.on_time(env),
            State::Guard(guard) => guard.on_time(env),
            _ => {}
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Deliver(conn, to) => self.deliver(conn, to),
            Event::Alarm { host, life, alarm } => {
                if self.machines[host.0].life != life {
                    return;
                }
                if self.machines[host.0].paused {
                    return self.env.retry(Event::Alarm { host, life, alarm });
                }
                let (env, machine) = self.act_as(host);
                match &mut machine.state {
                    State::Node(node) => node.on_alarm(env, alarm),
                    State::Guard(guard) => guard.on_alarm(env, &alarm),
                    _ => {}
                }
            }
            Event::Write => self.on_write(),
            Event::Fault => {
                if !self.healing {
                    self.on_fault();
                    let pause_ms = self.env.rng.u64(200..4000);
                    self.env.at(self.env.now + pause_ms, Event::Fault);
                }
            }
            Event::Return(host) => self.on_return(host),
            Event::Join(one, other) => {
                self.env.apart.remove(&(one, other));
            }
            Event::FastDisks => self.env.disk_ms = 20,
        }
    }

    /// The first message of a lane arrives, unless something is in its way.
    fn deliver(&mut self, id: ConnId, to: End) {
        let Some(conn) = self.env.conns.get(&id) else { return };
        let (host, from) = (conn.host(to), conn.host(to.other()));
        let opens = matches!(lane_front(&self.env, id, to), Some(Message::Open));
        // The system takes connections in for processes that are stopped.
        if self.env.are_apart(host, from) || (self.machines[host.0].paused && !opens) {
            return self.env.retry(Event::Deliver(id, to));
        }
        let Some(lane) = self.env.conns.get_mut(&id).map(|conn| conn.lane(to)) else { return };
        lane.scheduled = false;
        let Some((_, message)) = lane.queue.pop_front() else { return };
        self.env.schedule(id, to);
        self.receive(host, id, message);
    }

    fn receive(&mut self, host: HostId, conn: ConnId, message: Message) {
        let (env, machine) = self.act_as(host);
        match (message, &mut machine.state) {
            (Message::Open, State::Node(_) | State::Guard(_)) => env.push(conn, End::Client, Message::Opened),
            (Message::Open, _) => {
                env.push(conn, End::Client, Message::Refused);
                env.leave(conn, End::Server);
            }
            (Message::Opened, State::Node(node)) => node.on_opened(env, conn, true),
            (Message::Opened, State::Guard(guard)) => guard.on_opened(env, conn, true),
            (Message::Refused, State::Node(node)) => {
                env.leave(conn, End::Client);
                node.on_opened(env, conn, false);
            }
            (Message::Refused, State::Guard(guard)) => {
                env.leave(conn, End::Client);
                guard.on_opened(env, conn, false);
            }
            (Message::Data(bytes), State::Node(node)) => node.on_data(env, conn, bytes),
            (Message::Data(bytes), State::Guard(guard)) => guard.on_data(env, conn, &bytes),
            (Message::Gone, State::Node(node)) => node.on_gone(env, conn),
            (Message::Gone, State::Guard(guard)) => guard.on_gone(env, conn),
            // Nobody is there to hear it.
            (_, State::DeadNode(_) | State::DeadGuard(_)) => {}
        }
    }

    /// A client writes to a node that takes it.
    fn on_write(&mut self) {
        let first = self.env.rng.usize(..NODES);
        let value = self.writes + 1;
        for index in (0..NODES).map(|offset| (first + offset) % NODES) {
            let (env, machine) = self.act_as(HostId(index));
            if let State::Node(node) = &mut machine.state
                && !machine.paused
                && node.write(env, value)
            {
                self.writes = value;
                break;
            }
        }
        let pause_ms = self.env.rng.u64(20..300);
        // What is written last must have time to arrive before the world is compared.
        if !self.healing {
            self.env.at(self.env.now + pause_ms, Event::Write);
        }
    }

    fn on_fault(&mut self) {
        let fault = Fault::draw(&mut self.env);
        let now = self.env.now;
        self.env.trace.push(format!("{:>9}.{:03} FAULT {fault:?}", now / 1000, now % 1000));
        match fault {
            Fault::Pause(host, for_ms) if self.is_running(host) => {
                self.machines[host.0].paused = true;
                self.env.at(now + for_ms, Event::Return(host));
            }
            Fault::Kill(host, for_ms, keeps_data) if self.is_running(host) => {
                self.kill(host, keeps_data);
                self.env.at(now + for_ms, Event::Return(host));
            }
            Fault::Pause(..) | Fault::Kill(..) => {}
            Fault::Part(one, other, for_ms) => self.env.part(one, other, for_ms),
            Fault::Isolate(host, for_ms) => hosts().for_each(|other| self.env.part(host, other, for_ms)),
            Fault::Cut(conn) => self.env.cut(conn),
            Fault::SlowDisks(for_ms) => {
                self.env.disk_ms = 2_000;
                self.env.at(now + for_ms, Event::FastDisks);
            }
        }
    }

    fn is_running(&self, host: HostId) -> bool {
        let machine = &self.machines[host.0];
        !machine.paused && matches!(machine.state, State::Node(_) | State::Guard(_))
    }

    fn kill(&mut self, host: HostId, keeps_data: bool) {
        let machine = &mut self.machines[host.0];
        machine.life += 1;
        machine.state = match &machine.state {
            State::Node(node) => {
                let mut disk = node.disk.clone();
                if !keeps_data {
                    disk.saved = None;
                }
                State::DeadNode(disk)
            }
            State::Guard(guard) => State::DeadGuard(guard.disk.clone()),
            _ => return,
        };
        let mine = |conn: &crate::net::Conn| conn.client == host || conn.server == host;
        let conns: Vec<ConnId> =
            self.env.conns.iter().filter(|(_, conn)| mine(conn)).map(|(id, _)| *id).collect();
        for id in conns {
            if let Some(end) = self.env.conns.get(&id).map(|conn| conn.end_of(host)) {
                self.env.leave(id, end);
            }
        }
    }

    /// A process goes on, or is started again.
    fn on_return(&mut self, host: HostId) {
        let machine = &mut self.machines[host.0];
        if machine.paused {
            machine.paused = false;
        } else {
            self.start(host);
        }
        let now = self.env.now;
        self.env.trace.push(format!("{:>9}.{:03} {} is back", now / 1000, now % 1000, name(host)));
    }

    fn start(&mut self, host: HostId) {
        let broken = self.broken;
        let (env, machine) = self.act_as(host);
        match &machine.state {
            State::DeadNode(disk) => {
                let node = Node::start(env, disk.clone(), broken);
                machine.state = State::Node(Box::new(node));
            }
            State::DeadGuard(disk) => {
                let guard = Guard::start(env, disk.clone(), broken);
                machine.state = State::Guard(Box::new(guard));
                self.invariants.on_start(host);
            }
            _ => {}
        }
    }

    /// Everything is well again.
    fn heal(&mut self) {
        self.healing = true;
        self.env.apart.clear();
        self.env.disk_ms = 20;
        let now = self.env.now;
        self.env.trace.push(format!("{:>9}.{:03} HEALED", now / 1000, now % 1000));
        for host in hosts() {
            if !self.is_running(host) {
                self.on_return(host);
            }
        }
        // What was to return already has.
        self.env.events.retain(|_, event| !matches!(event, Event::Return(_) | Event::Fault));
    }

    fn check(&mut self) -> Result<(), String> {
        let World { invariants, machines, .. } = self;
        let actor = self.env.actor.0;
        match &mut machines[actor.0].state {
            State::Node(node) => invariants.check_node(actor, node),
            State::Guard(guard) => invariants.check_guard(actor, guard),
            _ => Ok(()),
        }
    }

    /// All nodes that run.
    pub(crate) fn running_nodes(&self) -> impl Iterator<Item = (HostId, &Node)> {
        hosts().zip(&self.machines).filter_map(|(host, machine)| match &machine.state {
            State::Node(node) => Some((host, &**node)),
            _ => None,
        })
    }

    /// All Sentinels that run.
    pub(crate) fn running_guards(&self) -> impl Iterator<Item = (HostId, &Guard)> {
        hosts().zip(&self.machines).filter_map(|(host, machine)| match &machine.state {
            State::Guard(guard) => Some((host, &**guard)),
            _ => None,
        })
    }
}

fn lane_front(env: &Env, id: ConnId, to: End) -> Option<&Message> {
    let conn = env.conns.get(&id)?;
    let lane = if to == End::Client { &conn.to_client } else { &conn.to_server };
    lane.queue.front().map(|(_, message)| message)
}
