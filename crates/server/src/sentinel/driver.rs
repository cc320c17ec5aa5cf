//! The loop around the machine.

use super::link::Links;
use super::names;
use super::scripts::Scripts;
use super::store::Job;
use super::{Machine, Sentinel};
use crate::config::rows;
use crate::host::Server;
use redan_sentinel::{Event, Input, LogLevel, Output};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What the process ends with when a failure is simulated.
const SIMULATED_FAILURE: i32 = 99;
/// Threads that look names up. A name server that does not answer keeps one of them busy for a while.
const LOOKUP_THREADS: usize = 16;
/// How many inputs are handled before outputs are carried out.
const INPUTS_PER_TURN: usize = 128;

/// Starts the thread.
pub(super) fn start(server: &Arc<Server>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(LOOKUP_THREADS)
        .thread_name("sentinel-names")
        .build()?;
    let server = Arc::clone(server);
    let (reports, inbox) = unbounded_channel();
    let Some(sentinel) = server.sentinel_driver() else { return Ok(()) };
    let saver = sentinel.store.start(reports.clone())?;
    std::thread::Builder::new().name("sentinel".to_owned()).spawn(move || {
        crate::memory::join_thread();
        let Some(sentinel) = server.sentinel_driver() else { return };
        let (links, from_links) = Links::new();
        let scripts = Scripts::default();
        let driver = Driver { server: &server, sentinel, links, scripts, saver, reports };
        runtime.block_on(driver.run(from_links, inbox));
    })?;
    Ok(())
}

struct Driver<'s> {
    server: &'s Server,
    sentinel: &'s Sentinel,
    links: Links,
    scripts: Scripts,
    saver: Sender<Job>,
    /// Where names, scripts and the disk report to.
    reports: UnboundedSender<Input>,
}

impl Driver<'_> {
    async fn run(mut self, mut from_links: Receiver<Input>, mut from_others: UnboundedReceiver<Input>) {
        loop {
            self.carry_out();
            let wake_at = self.sentinel.machine().poll_timeout().map(|at| self.sentinel.instant(at));
            let sleep = async {
                match wake_at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            // Whatever happens, the machine also does what has become due.
            tokio::select! {
                biased;
                Some(input) = from_others.recv() => {
                    self.take_in(input, || from_others.try_recv().ok());
                }
                Some(input) = from_links.recv() => {
                    self.take_in(input, || from_links.try_recv().ok());
                }
                () = self.sentinel.wake.notified() => {}
                () = sleep => {
                    let mut machine = self.sentinel.machine();
                    machine.handle_timeout(self.sentinel.now());
                }
            }
        }
    }

    /// Gives the machine an input and those that have come behind it.
    fn take_in(&self, first: Input, mut next: impl FnMut() -> Option<Input>) {
        let (mut input, mut left) = (Some(first), INPUTS_PER_TURN);
        while let Some(current) = input {
            let saved = match &current {
                Input::Saved { save } => Some((*save, true)),
                Input::SaveFailed { save, .. } => Some((*save, false)),
                _ => None,
            };
            self.sentinel.machine().handle(self.sentinel.now(), current);
            if let Some((save, worked)) = saved {
                self.sentinel.release(self.server.engine(), save, worked);
            }
            left -= 1;
            input = if left > 0 { next() } else { None };
        }
    }

    /// Does what the machine asks for.
    fn carry_out(&mut self) {
        loop {
            let next = {
                let mut machine = self.sentinel.machine();
                machine.poll_output().map(|output| self.prepare(&machine, output))
            };
            match next {
                Some(Task::Save(job)) => {
                    // The thread that saves lives as long as the process.
                    let _ = self.saver.send(job);
                }
                Some(Task::Other(output)) => self.perform(output),
                None => return,
            }
        }
    }

    /// A state to be saved is taken while the machine is what it was when it asked for that.
    fn prepare(&self, machine: &Machine, output: Output) -> Task {
        match output {
            Output::SaveState { save } => {
                let (settings, users) = (self.server.config().load(), self.server.user_lines());
                Task::Save(Job { save, config: machine.to_config(), settings, users })
            }
            output => Task::Other(output),
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Connect { link, to, tls, .. } => {
                let source = self.server.config().peek().get(rows::BIND_SOURCE_ADDR).to_owned();
                self.links.connect(link, to, tls, source);
            }
            Output::Send { link, command } => self.links.send(link, &command),
            Output::Close { link } => self.links.close(link),
            Output::Resolve { name } => names::look_up(name, self.reports.clone()),
            Output::Event(event) => self.tell(&event),
            Output::Log { level, text } => log(level, &text),
            Output::RunScript { script, argv } => self.scripts.run(script, argv, self.reports.clone()),
            Output::KillScript { script } => self.scripts.kill(script),
            Output::SetLogLevel(level) => self.set_log_level(level),
            Output::Crash => {
                self.server.log().flush();
                std::process::exit(SIMULATED_FAILURE);
            }
            Output::SaveState { .. } => unreachable!("saves are made ready before"),
        }
    }

    fn tell(&self, event: &Event) {
        log(event.level, &event.log_line());
        if event.is_published() {
            self.server.engine().publish(event.name.as_bytes(), event.message.as_bytes());
        }
    }

    fn set_log_level(&self, level: LogLevel) {
        let context = crate::config::SetContext { loading: false, local_client: true };
        let pair = (rows::LOGLEVEL.name().as_bytes(), level.as_str().as_bytes());
        if let Err(error) = self.server.config().set(&[pair], context) {
            tracing::warn!("{error}");
        }
    }
}

/// An output that can be carried out without the machine.
enum Task {
    Save(Job),
    Other(Output),
}

fn log(level: LogLevel, text: &str) {
    match level {
        LogLevel::Debug => tracing::trace!("{text}"),
        LogLevel::Verbose => tracing::debug!("{text}"),
        LogLevel::Notice => tracing::info!("{text}"),
        LogLevel::Warning | LogLevel::Nothing => tracing::warn!("{text}"),
    }
}
