//! What a running script sees of the server: its arguments, and a way to run commands.

use super::{ScriptJob, ScriptSource, script_flag};
use crate::dispatch::Call;
use crate::effects::Repl;
use crate::stats::bump;
use crate::{
    CommandEntry, Engine, Lookup, ReplyError, Session, SessionOrigin, Worker, condition, errors, flag,
};
use redan_keyspace::DbIndex;
use redan_resp::{Args, Protocol, ReplyBuf};

/// See the module's text.
pub struct ScriptCx<'a> {
    engine: &'a Engine,
    worker: &'a mut Worker,
    session: &'a mut Session,
    /// The command that runs the script.
    entry: &'a CommandEntry,
    args: Args<'a>,
    job: ScriptJob,
    now_ms: i64,
    /// The client's replies, while the session's buffer takes those of the script's commands.
    pub(super) client_out: ReplyBuf,
    /// Memory was over its limit when the script began.
    over_memory: bool,
    /// It has written: no state of the server stops it halfway any more.
    has_written: bool,
    caller_db: DbIndex,
}

/// Why a command was not run for a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallError(pub ReplyError);

impl<'a> ScriptCx<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        worker: &'a mut Worker,
        session: &'a mut Session,
        (entry, args): (&'a CommandEntry, Args<'a>),
        job: ScriptJob,
        now_ms: i64,
    ) -> Self {
        let over_memory = engine.conditions().any(condition::MEMORY_LIMITED) && !engine.has_memory();
        let protocol = session.out.protocol();
        let mut client_out = std::mem::replace(&mut session.out, std::mem::take(&mut worker.script_out));
        client_out.set_protocol(protocol);
        session.out.set_protocol(Protocol::Resp2);
        let caller_db = session.state.db;
        Self {
            engine,
            worker,
            session,
            entry,
            args,
            job,
            now_ms,
            client_out,
            over_memory,
            has_written: false,
            caller_db,
        }
    }

    /// Gives the session back as it was.
    pub(super) fn finish(self) {
        let mut scratch = std::mem::replace(&mut self.session.out, self.client_out);
        scratch.clear();
        scratch.shrink_if_idle(KEEP_BYTES);
        self.worker.script_out = scratch;
        self.session.state.db = self.caller_db;
        self.worker.effects.repl = Repl::default();
    }

    /// The engine.
    pub fn engine(&self) -> &'a Engine {
        self.engine
    }

    /// What is to run.
    pub fn job(&self) -> &ScriptJob {
        &self.job
    }

    /// How the script was named: its text, its SHA-1, the function's name.
    pub fn name(&self) -> &'a [u8] {
        self.args.get(1).unwrap_or_default()
    }

    /// KEYS.
    pub fn keys(&self) -> Args<'a> {
        self.args.skip(3).take(self.job.keys)
    }

    /// ARGV.
    pub fn argv(&self) -> Args<'a> {
        self.args.skip(3 + self.job.keys)
    }

    /// Where the script's own reply goes, in the client's protocol.
    pub fn reply(&mut self) -> &mut ReplyBuf {
        &mut self.client_out
    }

    /// The protocol of the replies to the script's commands; RESP2 until the script wants RESP3.
    pub fn protocol(&self) -> Protocol {
        self.session.out.protocol()
    }

    /// Changes that.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.session.out.set_protocol(protocol);
    }

    /// Where the effects of the script's next commands go: the append-only file, the replicas.
    pub fn set_repl(&mut self, file: bool, replicas: bool) {
        self.worker.effects.repl = Repl { file, replicas };
    }

    /// Whether the client's user may run a command.
    ///
    /// # Errors
    /// When there is no such command.
    pub fn may_run(&self, args: Args<'_>) -> Result<bool, ReplyError> {
        match self.engine.table().lookup(args) {
            Lookup::Found(entry) if entry.command.accepts(args.len()) => {
                Ok(self.session.state.denied(entry, args).is_none())
            }
            _ => Err(errors::err("Invalid command passed to redis.acl_check_cmd()")),
        }
    }

    /// Runs a command; its reply, which may be an error, in wire format.
    ///
    /// A command that must not run is counted as rejected, its error as an error reply: whoever passes the error on need
    /// not count it again.
    pub fn call(&mut self, args: Args<'_>) -> Result<&[u8], CallError> {
        self.session.out.clear();
        let engine = self.engine;
        let found = match engine.table().lookup(args) {
            Lookup::Found(entry) => Some(entry),
            _ => None,
        };
        if let Err(error) = self.check(found, args) {
            if let Some(entry) = found {
                bump(&self.worker.stats.commands[entry.index as usize].rejected, 1);
            }
            engine.count_error(self.worker, error.code());
            return Err(CallError(error));
        }
        let entry = found.expect("checked");
        if entry.has(flag::WRITE) {
            self.has_written = true;
            engine.script_watch().note_write();
        }
        self.execute(entry, args);
        Ok(self.session.out.as_slice())
    }

    fn execute(&mut self, entry: &'a CommandEntry, args: Args<'_>) {
        let engine = self.engine;
        let started_ns = engine.clock().monotonic_ns();
        let access = engine.access(self.now_ms, &self.session.state, entry.has(flag::WRITE));
        let view = engine.keyspace().view_exclusive(self.session.state.db, access);
        let call =
            Call { entry, args, raw: None, first_key: None, nested: true, again: false, scripted: true };
        engine.call_handler(self.worker, self.session, view, &call, self.now_ms);
        if !self.worker.effects.events.is_empty() {
            engine.publish_events(self.worker);
        }
        let spent_ns = engine.clock().monotonic_ns().saturating_sub(started_ns);
        self.worker.stats.commands[entry.index as usize].count(spent_ns, engine.tracks_latency());
        bump(&self.worker.stats.processed, 1);
    }

    /// Everything that may stand between a script and a command.
    fn check(&mut self, entry: Option<&CommandEntry>, args: Args<'_>) -> Result<(), ReplyError> {
        let Some(entry) = entry else { return Err(errors::SCRIPT_UNKNOWN_COMMAND) };
        if !entry.command.accepts(args.len()) {
            return Err(errors::SCRIPT_WRONG_ARITY);
        }
        if entry.has(flag::NOSCRIPT) && !self.engine.switches().scripts_may_all() {
            return Err(errors::SCRIPT_NOT_ALLOWED);
        }
        if ScriptSource::of(&entry.full_name).is_some() {
            return Err(errors::SCRIPT_NESTED);
        }
        let conditions = self.engine.conditions().get();
        if conditions & condition::STALE != 0 && !entry.has(flag::STALE) {
            return Err(errors::SCRIPT_STALE);
        }
        if let Some(denied) = self.engine.script_denied(&self.session.state, self.entry, entry, args) {
            return Err(denied);
        }
        if self.job.read_only && entry.has(flag::WRITE | flag::MAY_REPLICATE) {
            return Err(errors::SCRIPT_READ_ONLY);
        }
        if self.is_obeyed() || self.has_written {
            return Ok(());
        }
        if entry.has(flag::WRITE)
            && let Some(error) = self.engine.check_writable(conditions)
        {
            return Err(error);
        }
        let allow_oom = self.job.script.flags & script_flag::ALLOW_OOM != 0;
        if self.over_memory && !allow_oom && entry.has(flag::DENYOOM) {
            return Err(errors::OOM);
        }
        Ok(())
    }

    fn is_obeyed(&self) -> bool {
        self.session.state.origin != SessionOrigin::Client
    }
}

/// Longest buffer for replies kept between scripts.
const KEEP_BYTES: usize = 64 * 1024;
