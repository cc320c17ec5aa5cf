//! DEBUG LOADAOF: the dataset is thrown away and read from the files again.

use super::Aof;
use super::shared::State;
use super::writer::Work;
use crate::host::Server;
use redan_engine::{Client, ClientId, ReplyError, condition, errors};
use redan_persistence::aof::DirStorage;
use redan_resp::ReplyBuf;
use std::sync::Arc;

/// The reply when files cannot be loaded.
const FAILED: ReplyError = ReplyError::fixed("ERR Error trying to load the AOF files, check server logs.");

impl Aof {
    /// DEBUG LOADAOF; the caller runs alone. `Ok(true)`: it goes on in the background, and the client waits.
    ///
    /// # Errors
    /// When the files cannot be loaded.
    pub fn reload(&self, server: &Server, client: &Client, may_wait: bool) -> Result<bool, ReplyError> {
        if server.persist().is_loading() {
            return Err(errors::LOADING);
        }
        if self.shared.state() == State::On {
            self.ask_and_wait(|reply| Work::Flush { reply }).map_err(|_| FAILED)?;
        }
        let old = self.engine.keyspace().flush_all();
        crate::host::free_later(server, old);
        if !may_wait {
            return self.read_again(server).map(|()| false);
        }
        let Some(owner) = self.server.get().and_then(std::sync::Weak::upgrade) else { return Err(FAILED) };
        let id = client.id;
        self.waiting.lock().insert(id, None);
        self.engine.conditions().put(condition::LOADING, true);
        let run = move || {
            crate::memory::join_thread();
            let aof = owner.aof();
            let result = aof.read_again(&owner);
            let alone = aof.engine.gate().enter_alone();
            aof.engine.conditions().put(condition::LOADING, false);
            drop(alone);
            aof.tell(id, result);
        };
        let spawned = std::thread::Builder::new().name("aof-load".to_owned()).spawn(run);
        if spawned.is_err() {
            self.engine.conditions().put(condition::LOADING, false);
            self.waiting.lock().remove(&id);
            return Err(FAILED);
        }
        Ok(true)
    }

    fn read_again(&self, server: &Server) -> Result<(), ReplyError> {
        let settings = server.config().load();
        let storage = DirStorage::new(super::aof_dir(&settings));
        self.load(server, &storage, &settings).map_err(|()| FAILED)?;
        tracing::info!("Append Only File loaded by DEBUG LOADAOF");
        Ok(())
    }

    /// Tells a client that waits how it ended.
    pub(super) fn tell(&self, client: ClientId, result: Result<(), ReplyError>) {
        self.waiting.lock().insert(client, Some(result));
        match self.engine.clients().get(client) {
            Some(client) => client.mailbox.ring(),
            None => drop(self.waiting.lock().remove(&client)),
        }
    }

    /// A client was woken; `None` if it does not wait for anything here. True if it got its reply.
    pub fn resume(&self, client: ClientId, out: &mut ReplyBuf) -> Option<bool> {
        let mut waiting = self.waiting.lock();
        let Some(result) = waiting.get_mut(&client)?.take() else { return Some(false) };
        waiting.remove(&client);
        match result {
            Ok(()) => out.ok(),
            Err(error) => out.error(error.text()),
        }
        Some(true)
    }

    /// Notes a client that waits for something the writer does.
    pub(super) fn wait_for(&self, client: &Arc<Client>) {
        self.waiting.lock().insert(client.id, None);
    }
}
