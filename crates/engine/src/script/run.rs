//! How the engine runs a script that a handler has named.

use super::{Script, ScriptCx, ScriptEngine, ScriptJob, ScriptKind, ScriptSource, ScriptWatch, script_flag};
use crate::stats::bump;
use crate::{
    CmdResult, CommandEntry, Cx, Engine, Flags, ReplyError, RunNow, Session, SessionOrigin, Worker,
    condition, errors, flag,
};
use redan_resp::{Args, OwnedArgs};
use std::sync::Arc;

/// How a script ended. Its reply is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScriptEnd {
    /// With a reply.
    Done,
    /// With an error reply of this code.
    Failed {
        /// The error's code; `None` when it has been counted already, with the command that it came from.
        uncounted: Option<String>,
    },
}

impl Engine {
    /// Gives the engine what runs its scripts, once.
    pub fn set_scripts(&self, scripts: Arc<dyn ScriptEngine>) {
        assert!(self.scripts.set(scripts).is_ok(), "one script engine");
    }

    /// What runs scripts.
    pub fn scripts(&self) -> &dyn ScriptEngine {
        self.scripts.get().expect("the script engine is set before the first command").as_ref()
    }

    /// Whether there is anything that runs scripts: a Sentinel has nothing.
    pub fn has_scripts(&self) -> bool {
        self.scripts.get().is_some()
    }

    /// How the running script fares.
    pub fn script_watch(&self) -> &Arc<ScriptWatch> {
        &self.script_watch
    }

    /// Others are told from now on that a script keeps the server busy, if one still does. Whoever the watch's bell has
    /// woken calls this. False when the script has ended meanwhile.
    pub fn announce_busy(&self) -> bool {
        let _changing = self.busy.lock();
        let late = self.script_watch.is_late();
        if late {
            self.conditions().put(condition::BUSY, true);
            self.gate().set_impatient(true);
        }
        late
    }

    /// Whether clients are being told that a script keeps the server busy.
    pub fn is_busy(&self) -> bool {
        self.conditions().any(condition::BUSY)
    }

    fn end_busy(&self) {
        let _changing = self.busy.lock();
        self.conditions().put(condition::BUSY, false);
        self.gate().set_impatient(false);
    }

    /// What clients are told while a script keeps the server busy.
    pub(crate) fn busy_error(&self) -> ReplyError {
        let kind = self.script_watch.running(0).map_or(ScriptKind::Eval, |running| running.kind);
        errors::busy_with(kind)
    }

    /// Runs the script of a job for a command whose handler has returned. The caller runs alone.
    pub(crate) fn run_script(
        &self,
        worker: &mut Worker,
        session: &mut Session,
        entry: &CommandEntry,
        args: Args<'_>,
        job: ScriptJob,
        now_ms: i64,
    ) {
        let command = match job.script.kind {
            ScriptKind::Eval => OwnedArgs::new(),
            ScriptKind::Function => args.to_owned_args(),
        };
        let from_master = session.state.origin != SessionOrigin::Client;
        let limit_ms = self.settings().busy_reply_threshold_ms;
        self.script_watch.begin(worker.tick_ns, limit_ms, job.script.kind, command, from_master);
        let mut cx = ScriptCx::new(self, worker, session, (entry, args), job, now_ms);
        let end = self.scripts().run(&mut cx);
        cx.finish();
        if self.script_watch.end() {
            self.end_busy();
        }
        if let ScriptEnd::Failed { uncounted } = end {
            bump(&worker.stats.commands[entry.index as usize].failed, 1);
            if let Some(code) = uncounted {
                self.count_error(worker, &code);
            }
        }
    }

    /// Whether the dataset may be written to now, as far as roles, disks and replicas go.
    pub(crate) fn check_writable(&self, conditions: u32) -> Option<ReplyError> {
        if conditions & condition::READ_ONLY != 0 {
            return Some(errors::READ_ONLY);
        }
        if conditions & condition::REPLICA != 0 {
            return None;
        }
        if conditions & condition::SAVE_ERROR != 0 {
            return Some(errors::MISCONF_SAVE);
        }
        if conditions & condition::AOF_ERROR != 0 {
            return Some(errors::misconf_aof(&self.host().aof_error()));
        }
        (conditions & condition::FEW_REPLICAS != 0).then_some(errors::NO_REPLICAS)
    }

    /// The flags of a command as they are for these arguments: a script that says what it does has those flags.
    pub(crate) fn flags_for(&self, entry: &CommandEntry, args: Args<'_>) -> Flags {
        let flags = entry.command.flags;
        if !entry.runs_script {
            return flags;
        }
        let source = ScriptSource::of(&entry.full_name).expect("a command that runs scripts");
        let said = args.get(1).and_then(|named| self.scripts().flags_of(source, named));
        match said {
            Some(said) if said & script_flag::UNDECLARED == 0 => {
                let mut flags = flags & !(flag::STALE | flag::DENYOOM | flag::WRITE | flag::MAY_REPLICATE);
                if said & (script_flag::ALLOW_OOM | script_flag::NO_WRITES) == 0 {
                    flags |= flag::DENYOOM;
                }
                if said & script_flag::NO_WRITES == 0 {
                    flags |= flag::WRITE;
                }
                if said & script_flag::ALLOW_STALE != 0 {
                    flags |= flag::STALE;
                }
                flags
            }
            _ => flags,
        }
    }
}

impl Cx<'_, '_> {
    /// Has a script run once the handler has returned; its reply is the command's. The command's arguments are the name of
    /// the script, the count of keys, the keys and the rest.
    ///
    /// # Errors
    /// Why the script does not run in the state the server is in.
    pub fn run_script(&mut self, script: Script, keys: usize, read_only: bool) -> CmdResult {
        self.check_script(script.flags, read_only)?;
        let read_only = read_only || script.flags & script_flag::NO_WRITES != 0;
        self.session.run_now = Some(RunNow::Script(ScriptJob { script, keys, read_only }));
        Ok(())
    }

    fn check_script(&self, flags: u32, read_only: bool) -> CmdResult {
        let conditions = self.engine.conditions().get();
        let says = |bits| flags & bits != 0;
        let stale = conditions & condition::STALE != 0;
        if says(script_flag::UNDECLARED) {
            return if stale { Err(errors::MASTER_DOWN) } else { Ok(()) };
        }
        if stale && !says(script_flag::ALLOW_STALE) {
            return Err(errors::MASTER_DOWN);
        }
        if !says(script_flag::NO_WRITES) {
            if self.is_from_client()
                && let Some(error) = self.engine.check_writable(conditions)
            {
                return Err(error);
            }
            if read_only {
                return Err(errors::SCRIPT_WRITES);
            }
        }
        let over = self.is_from_client()
            && conditions & condition::MEMORY_LIMITED != 0
            && !says(script_flag::ALLOW_OOM | script_flag::NO_WRITES)
            && !self.engine.has_memory();
        if over { Err(errors::SCRIPT_OOM) } else { Ok(()) }
    }

    /// Shows a command to those who watch, before it runs: what a script does comes behind it.
    pub fn show_to_monitors(&mut self, args: Args<'_>) {
        if self.engine.conditions().any(condition::MONITORED) {
            self.engine.feed_monitors_always(self.session, self.entry, args, false);
        }
    }
}
