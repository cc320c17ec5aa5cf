//! What clients ask, and answers that wait until what they promise is on disk.

use super::Sentinel;
use redan_engine::{Client, ClientId, Engine, ReplyError, SessionState};
use redan_resp::{Args, ReplyBuf};
use redan_sentinel::{Answer, Reply, SaveId};
use std::collections::HashMap;
use std::sync::Arc;

/// The clients whose answers wait.
pub(super) type Held = HashMap<ClientId, HeldAnswer>;

/// An answer that waits.
pub(super) struct HeldAnswer {
    client: Arc<Client>,
    save: SaveId,
    saved: Reply,
    failed: Reply,
    /// Whether the save has worked, once it is over.
    outcome: Option<bool>,
}

impl Sentinel {
    /// See [`Host::sentinel`](redan_engine::Host::sentinel): SENTINEL, ROLE, or PUBLISH of a greeting.
    ///
    /// # Errors
    /// None of its own: errors of the Sentinel are replies already.
    pub fn command(
        &self,
        session: &mut SessionState,
        args: Args<'_>,
        out: &mut ReplyBuf,
    ) -> Result<bool, ReplyError> {
        let words: Vec<&[u8]> = args.iter().collect();
        let mut machine = self.machine();
        let now = self.now();
        let answer = match words.as_slice() {
            [name, channel, message] if name.eq_ignore_ascii_case(b"publish") => {
                machine.handle_publish(now, channel, message).into()
            }
            [name] if name.eq_ignore_ascii_case(b"role") => machine.role().into(),
            _ => machine.handle_command(now, &words, &self.store.files),
        };
        let wait = match answer {
            Answer::Now(reply) => {
                reply.write_to(out);
                false
            }
            Answer::AfterSave { save, saved, failed } => {
                // The machine is still locked: the save cannot be over before the client is entered.
                let client = Arc::clone(&session.client);
                let answer = HeldAnswer { client, save, saved, failed, outcome: None };
                self.held.lock().insert(session.client.id, answer);
                true
            }
        };
        drop(machine);
        self.wake.notify_one();
        Ok(wait)
    }

    /// Whether a client waits for an answer.
    pub fn is_waiting(&self, client: ClientId) -> bool {
        self.held.lock().contains_key(&client)
    }

    /// Gives a client the answer it has waited for, if it is there; tells whether it was.
    pub fn resume(&self, client: ClientId, out: &mut ReplyBuf) -> bool {
        let mut held = self.held.lock();
        let Some(outcome) = held.get(&client).and_then(|answer| answer.outcome) else { return false };
        if let Some(answer) = held.remove(&client) {
            let reply = if outcome { answer.saved } else { answer.failed };
            reply.write_to(out);
        }
        true
    }

    /// A save is over: whoever waited for it, or for one before it, can be answered.
    pub(super) fn release(&self, engine: &Engine, save: SaveId, worked: bool) {
        let mut held = self.held.lock();
        // Some may have gone away meanwhile.
        held.retain(|id, _| engine.clients().get(*id).is_some());
        for answer in held.values_mut().filter(|answer| answer.save <= save && answer.outcome.is_none()) {
            answer.outcome = Some(worked);
            answer.client.mailbox.ring();
        }
    }
}
