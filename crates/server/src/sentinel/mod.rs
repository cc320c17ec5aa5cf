//! The driver of the Sentinel machine.

use redan_engine::{CmdResult, ReplyError, SessionState};
use redan_resp::{Args, ReplyBuf};
use std::sync::Arc;

use crate::config::load::RawLine;
use crate::host::Server;

/// See the module's text.
pub struct Sentinel {
    _lines: Vec<RawLine>,
}

impl Sentinel {
    /// A driver at rest, with the `sentinel` lines of the configuration.
    pub fn new(lines: Vec<RawLine>) -> Self {
        Self { _lines: lines }
    }

    /// Begins to work: called once, when everything else is wired.
    pub fn start(&self, _server: &Arc<Server>) {}

    /// The fields of INFO sentinel.
    pub fn info(&self, _out: &mut String) {}

    /// See [`Host::sentinel`](redan_engine::Host::sentinel).
    ///
    /// # Errors
    /// Always: nothing is monitored.
    pub fn command(&self, _session: &mut SessionState, _args: Args<'_>, _out: &mut ReplyBuf) -> CmdResult {
        Err(ReplyError::fixed("ERR Sentinel is not available"))
    }

    /// The `sentinel` lines for CONFIG REWRITE.
    pub fn config_lines(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
}
