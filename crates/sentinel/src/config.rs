//! The `sentinel ...` configuration directives: their meaning, the order in which they take effect, and the
//! lines written back.
//!
//! A [`Config`] is both what the operator wrote and what the machine remembers across restarts: known
//! replicas, known Sentinels and epochs are directives too. [`crate::Sentinel::to_config`] gives the current
//! one; parsing what [`Config::lines`] wrote gives the same value again.
//!
//! Order does not matter to the operator: global options are read first, then `monitor` lines, then the rest,
//! so that an option may precede the `monitor` line of its master.

mod directives;
mod lines;
#[cfg(test)]
mod tests;

pub(crate) use directives::{leading_int, leading_uint, yes_or_no};
pub use lines::{ConfigLine, RewriteLine, merge_into};

use thiserror::Error;

use crate::event::LogLevel;
use crate::io::Host;

/// Default of `down-after-milliseconds`.
pub const DEFAULT_DOWN_AFTER_MS: u64 = 30_000;
/// Default of `failover-timeout`.
pub const DEFAULT_FAILOVER_TIMEOUT_MS: u64 = 180_000;
/// Default of `parallel-syncs`.
pub const DEFAULT_PARALLEL_SYNCS: u32 = 1;
/// Length of a run id.
pub const RUN_ID_LEN: usize = 40;

/// A refused directive.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct ConfigError {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong, in Redis's words.
    pub text: String,
}

/// What the machine needs to know about the server it lives in; not part of the `sentinel` directives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// The port clients and other Sentinels connect to (the TLS port if `tls` is set and there is one).
    pub port: u16,
    /// `requirepass`: used towards other Sentinels too unless `sentinel-pass` is given.
    pub requirepass: Option<Vec<u8>>,
    /// `tls-replication`: connect out with TLS.
    pub tls: bool,
    /// `loglevel`, for `SENTINEL CONFIG GET`.
    pub loglevel: LogLevel,
}

impl Default for ServerFacts {
    fn default() -> Self {
        ServerFacts { port: 26379, requirepass: None, tls: false, loglevel: LogLevel::Notice }
    }
}

/// Everything the directives say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `myid`; one is drawn if there is none.
    pub my_id: Option<String>,
    /// `current-epoch`.
    pub current_epoch: u64,
    /// `deny-scripts-reconfig`, yes by default.
    pub deny_scripts_reconfig: bool,
    /// `resolve-hostnames`.
    pub resolve_hostnames: bool,
    /// `announce-hostnames`.
    pub announce_hostnames: bool,
    /// `announce-ip`.
    pub announce_ip: Option<String>,
    /// `announce-port`; 0 means the server's.
    pub announce_port: u16,
    /// `sentinel-user`.
    pub sentinel_user: Option<Vec<u8>>,
    /// `sentinel-pass`.
    pub sentinel_pass: Option<Vec<u8>>,
    /// The monitored masters, in the order of their `monitor` lines.
    pub masters: Vec<MasterConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            my_id: None,
            current_epoch: 0,
            deny_scripts_reconfig: true,
            resolve_hostnames: false,
            announce_hostnames: false,
            announce_ip: None,
            announce_port: 0,
            sentinel_user: None,
            sentinel_pass: None,
            masters: Vec::new(),
        }
    }
}

/// Settings of one master that an operator may change at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterOptions {
    /// How many Sentinels must agree that the master is down.
    pub quorum: u32,
    /// `down-after-milliseconds`.
    pub down_after_ms: u64,
    /// `failover-timeout`.
    pub failover_timeout_ms: u64,
    /// `parallel-syncs`.
    pub parallel_syncs: u32,
    /// `master-reboot-down-after-period`; 0 switches it off.
    pub reboot_down_after_ms: u64,
    /// `auth-user`.
    pub auth_user: Option<Vec<u8>>,
    /// `auth-pass`.
    pub auth_pass: Option<Vec<u8>>,
    /// `notification-script`.
    pub notification_script: Option<Vec<u8>>,
    /// `client-reconfig-script`.
    pub client_reconfig_script: Option<Vec<u8>>,
    /// `rename-command`: name and what to send instead.
    pub renamed_commands: Vec<(String, String)>,
}

impl MasterOptions {
    /// The defaults, with a quorum.
    pub fn with_quorum(quorum: u32) -> Self {
        MasterOptions {
            quorum,
            down_after_ms: DEFAULT_DOWN_AFTER_MS,
            failover_timeout_ms: DEFAULT_FAILOVER_TIMEOUT_MS,
            parallel_syncs: DEFAULT_PARALLEL_SYNCS,
            reboot_down_after_ms: 0,
            auth_user: None,
            auth_pass: None,
            notification_script: None,
            client_reconfig_script: None,
            renamed_commands: Vec::new(),
        }
    }

    /// What to send instead of `command`.
    pub(crate) fn renamed<'a>(&'a self, command: &'a str) -> &'a str {
        let found = self.renamed_commands.iter().find(|(from, _)| from.eq_ignore_ascii_case(command));
        found.map_or(command, |(_, to)| to)
    }
}

/// One monitored master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterConfig {
    /// The name it is known by to all Sentinels and clients.
    pub name: String,
    /// IP address, or a name if `resolve-hostnames` is on.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Settings.
    pub options: MasterOptions,
    /// `config-epoch`: the version of the address.
    pub config_epoch: u64,
    /// `leader-epoch`: the last epoch in which this Sentinel voted.
    pub leader_epoch: u64,
    /// `known-replica`: host and port.
    pub replicas: Vec<(String, u16)>,
    /// `known-sentinel`.
    pub sentinels: Vec<KnownSentinel>,
}

/// Another Sentinel, as remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSentinel {
    /// Address or name it announced.
    pub host: String,
    /// Port it announced.
    pub port: u16,
    /// Its id.
    pub run_id: String,
}

impl Config {
    /// Reads the directives; `host` answers whether scripts may be run.
    ///
    /// # Errors
    /// The first directive that cannot be accepted, with its line.
    pub fn parse(lines: &[ConfigLine], host: &dyn Host) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        for phase in directives::PHASES {
            for line in lines.iter().filter(|line| directives::phase_of(&line.args) == phase) {
                directives::apply(&mut config, &line.args, host)
                    .map_err(|text| ConfigError { line: line.number, text: text.into() })?;
            }
        }
        Ok(config)
    }

    /// The master of that name.
    pub fn master_mut(&mut self, name: &[u8]) -> Option<&mut MasterConfig> {
        self.masters.iter_mut().find(|master| master.name.as_bytes() == name)
    }
}
