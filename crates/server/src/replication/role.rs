//! What this server is: a master or a replica, and how it becomes the other.

use super::drive::{After, Machines};
use super::{Replication, random_id};
use crate::config::rows;
use crate::host::Server;
use crate::logging::Role as LogRole;
use crate::startup::process;
use redan_engine::{Client, ReplyError, condition, errors};
use redan_persistence::rdb::ReplicationInfo;
use redan_replication::primary::io::{FailoverState, Input, Role};
use redan_replication::replica::io::{Input as LinkInput, MasterAddr, Position};
use redan_replication::{Millis, ReplId, ReplicationIds};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A change of role.
#[derive(Debug)]
pub(super) enum RoleChange {
    /// Become a master.
    Lead,
    /// Become a replica, or follow another master.
    Follow {
        master: MasterAddr,
        /// Ask it to become the master first.
        failover: bool,
    },
}

impl Replication {
    /// See [`Host::replicaof`](redan_engine::Host::replicaof).
    ///
    /// # Errors
    /// While a failover is under way.
    pub fn replicaof(
        &self,
        target: Option<(&[u8], u16)>,
        client: &Arc<Client>,
    ) -> Result<&'static str, ReplyError> {
        let machines = self.machines.lock();
        if machines.primary.failover_state() != FailoverState::NoFailover {
            return Err(ReplyError::fixed("ERR REPLICAOF not allowed while failing over."));
        }
        let current = machines.link.master().cloned();
        drop(machines);
        let who = describe(client);
        let Some((host, port)) = target else {
            if current.is_some() {
                tracing::info!("MASTER MODE enabled (user request from '{who}')");
                self.act_on_role(RoleChange::Lead);
            }
            return Ok("OK");
        };
        let master = MasterAddr { host: String::from_utf8_lossy(host).into_owned(), port };
        if current.is_some_and(|now| now.port == port && now.host.eq_ignore_ascii_case(&master.host)) {
            tracing::info!(
                "REPLICAOF would result into synchronization with the master we are already connected with. No \
                 operation performed."
            );
            return Ok("OK Already connected to specified master");
        }
        let text = format!("REPLICAOF {}:{port} enabled (user request from '{who}')", master.host);
        self.act_on_role(RoleChange::Follow { master, failover: false });
        tracing::info!("{text}");
        Ok("OK")
    }

    /// Changes the role; the caller runs alone.
    pub(super) fn change_role(
        &self,
        machines: &mut Machines,
        now: Millis,
        after: &mut After,
        change: RoleChange,
    ) {
        match change {
            RoleChange::Lead => machines.link.handle(now, LinkInput::Unset),
            RoleChange::Follow { master, failover } => {
                let own = machines.link.master().is_none().then(|| {
                    self.log.rewind_to_data();
                    self.position()
                });
                if own.is_some() {
                    // From now on its offset is that of a stream that others may continue.
                    self.log.create_backlog();
                }
                self.is_replica.store(true, Relaxed);
                machines.link_up = false;
                machines.primary.handle(now, Input::Role(Role::Replica { link_up: false }));
                machines.link.handle(now, LinkInput::SetMaster { master, own, failover });
                self.refresh_conditions(machines);
                after.has_new_role = true;
            }
        }
    }

    /// Changes the role on a thread that waits until it may run alone.
    pub(super) fn change_role_soon(&self, change: RoleChange) {
        let server = Arc::clone(self.server());
        let run = move || {
            let replication = server.replication();
            let alone = replication.engine.gate().enter_alone();
            // An earlier one may have done it.
            let is_due = match change {
                RoleChange::Lead => replication.is_replica(),
                RoleChange::Follow { failover, .. } => {
                    let state = replication.machines.lock().primary.failover_state();
                    !failover || state == FailoverState::InProgress
                }
            };
            if is_due {
                replication.act_on_role(change);
            }
            drop(alone);
        };
        let spawned = std::thread::Builder::new().name("role".to_owned()).spawn(run);
        if let Err(error) = spawned {
            tracing::warn!("No thread to change the role: {error}");
        }
    }

    /// What this server has.
    fn position(&self) -> Position {
        Position {
            id: self.log.ids().id,
            offset: self.log.end_offset(),
            db: self.log.stream_db().unwrap_or(0),
        }
    }

    /// Conditions that follow from the role.
    pub(super) fn refresh_conditions(&self, machines: &Machines) {
        let settings = self.server().config().peek();
        let conditions = self.engine.conditions();
        let is_replica = self.is_replica();
        let became_replica = is_replica && !conditions.any(condition::REPLICA);
        conditions.put(condition::REPLICA, is_replica);
        if became_replica {
            self.engine.unblock_all(&errors::UNBLOCKED_BY_ROLE);
        }
        conditions.put(condition::READ_ONLY, is_replica && settings.get(rows::REPLICA_READ_ONLY));
        let is_stale = is_replica && !machines.link_up && !settings.get(rows::REPLICA_SERVE_STALE_DATA);
        conditions.put(condition::STALE, is_stale);
    }

    /// Tells the configuration, the log and the system of a new role.
    pub(super) fn note_role(&self) {
        let server = self.server();
        let master = self.machines.lock().link.master().cloned();
        let value = match &master {
            Some(MasterAddr { host, port }) => format!("{host} {port}"),
            None => "no one".to_owned(),
        };
        if let Err(reason) = server.config().put(rows::REPLICAOF.name(), value.as_bytes()) {
            tracing::warn!("Failed noting the new role in the configuration: {reason}");
        }
        note_role_outside(server, master.is_some());
        // Who waits for replicas waits for replicas of a master.
        self.engine.ring_parked();
    }

    /// At the start: what the configuration says, as far as it concerns the loading of the dataset.
    pub(super) fn prepare_role(&self, server: &Server) {
        let settings = server.config().load();
        self.is_replica.store(settings.get(rows::REPLICAOF).is_some(), Relaxed);
        self.refresh_conditions(&self.machines.lock());
        if self.is_replica() {
            note_role_outside(server, true);
        }
    }

    /// The dataset was loaded from a file, which may say where replication stood. `then` is called when that is known
    /// again and before anything happens to the dataset.
    ///
    /// # Errors
    /// Those of `then`.
    pub fn on_loaded(
        &self,
        history: Option<Position>,
        then: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        let alone = self.engine.gate().enter_alone();
        let settings = self.server().config().load();
        let master = settings.get(rows::REPLICAOF);
        if let Some(history) = history {
            self.resume_history(history, master.is_some());
        }
        then()?;
        if let Some(master) = master {
            let master = MasterAddr { host: master.host.clone(), port: master.port };
            self.log.create_backlog();
            self.act(true, |machines, now| {
                machines.primary.handle(now, Input::Role(Role::Replica { link_up: false }));
                machines.link.handle(now, LinkInput::SetMaster { master, own: history, failover: false });
            });
        }
        drop(alone);
        Ok(())
    }

    /// A restart goes on where the file was written. A replica has the history itself. A master begins one of its own,
    /// because the file may lack the last writes of the old one; its replicas can still continue from what is in the file.
    fn resume_history(&self, history: Position, is_replica: bool) {
        let mut ids = ReplicationIds::new(if is_replica { history.id } else { random_id() });
        if !is_replica {
            ids.id2 = history.id;
            ids.second_offset = i64::try_from(history.offset).unwrap_or(i64::MAX).saturating_add(1);
        }
        self.log.set_ids(ids);
        self.log.set_offset(history.offset, is_replica.then_some(history.db));
        self.log.create_backlog();
    }
}

/// Where a file says that replication stood.
pub(crate) fn position_of(info: &ReplicationInfo) -> Option<Position> {
    Some(Position {
        id: ReplId::parse(info.id.as_bytes())?,
        offset: u64::try_from(info.offset).ok()?,
        db: u32::try_from(info.stream_db).unwrap_or(0),
    })
}

fn note_role_outside(server: &Server, is_replica: bool) {
    server.log().set_role(if is_replica { LogRole::Replica } else { LogRole::Master });
    if process::adjust_oom_score(&server.config().load(), is_replica).is_err() {
        tracing::warn!("Unable to write oom_score_adj");
    }
}

/// Who asked, for the log.
fn describe(client: &Client) -> String {
    let meta = client.meta.lock();
    format!("id={} addr={} laddr={} fd={} name={}", client.id.0, meta.addr, meta.laddr, client.fd, meta.name)
}
