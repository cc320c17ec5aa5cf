//! The state file: where state goes when the configuration file cannot be written.
//!
//! A container often mounts its configuration read-only. Redis refuses to start then; here the state lives in a
//! file of its own, in the same line format, with a first line that names it. At start the state is laid over the
//! configuration: what a Sentinel must not forget (its id, epochs, votes, the address a master failed over to,
//! who it knows) comes from the state; what an operator decides (which masters, quorum, timeouts, passwords)
//! comes from the configuration.

use crate::config::{Config, ConfigError, ConfigLine, MasterConfig};
use crate::io::Host;

const HEADER: &str = "# Redan Sentinel state, version 1. Written by the server; do not edit.";

/// Writes the state down.
pub fn encode(config: &Config) -> Vec<u8> {
    let mut out = HEADER.as_bytes().to_vec();
    out.push(b'\n');
    for line in config.lines().into_iter().filter(|line| !line.is_default) {
        out.extend(line.line);
        out.push(b'\n');
    }
    out
}

/// Reads a state from the `sentinel` directives of its file.
///
/// # Errors
/// A line that is not a valid directive.
pub fn decode(lines: &[ConfigLine]) -> Result<Config, ConfigError> {
    /// Scripts are not taken from the state, so it does not matter whether they exist.
    struct Anything;
    impl Host for Anything {
        fn is_executable(&self, _path: &[u8]) -> bool {
            true
        }
    }
    // What was known by name is known by name, even if names have been switched off since.
    let is_switch =
        |line: &&ConfigLine| line.args.first().is_some_and(|w| w.eq_ignore_ascii_case(b"resolve-hostnames"));
    let switch: Vec<ConfigLine> = lines.iter().filter(is_switch).cloned().collect();
    let on = ConfigLine { number: 0, args: vec![b"resolve-hostnames".to_vec(), b"yes".to_vec()] };
    let rest = lines.iter().filter(|line| !is_switch(line)).cloned();
    let mut config = Config::parse(&std::iter::once(on).chain(rest).collect::<Vec<_>>(), &Anything)?;
    config.resolve_hostnames = Config::parse(&switch, &Anything)?.resolve_hostnames;
    Ok(config)
}

/// Lays a remembered state over the operator's configuration.
///
/// Masters that only the state knows were added with `SENTINEL MONITOR` and come back with all their settings;
/// a master in the configuration file keeps the settings given there and gets back only what was learnt.
pub fn restore(config: &mut Config, state: Config) {
    config.my_id = state.my_id.or(config.my_id.take());
    config.current_epoch = config.current_epoch.max(state.current_epoch);
    for remembered in state.masters {
        match config.masters.iter_mut().find(|master| master.name == remembered.name) {
            Some(master) => restore_master(master, remembered),
            None => config.masters.push(remembered),
        }
    }
}

fn restore_master(master: &mut MasterConfig, remembered: MasterConfig) {
    // An equal epoch means that the operator moved the master by hand and nothing happened since.
    if remembered.config_epoch > master.config_epoch {
        master.host = remembered.host;
        master.port = remembered.port;
        master.config_epoch = remembered.config_epoch;
    }
    master.leader_epoch = master.leader_epoch.max(remembered.leader_epoch);
    for replica in remembered.replicas {
        if !master.replicas.contains(&replica) {
            master.replicas.push(replica);
        }
    }
    for known in remembered.sentinels {
        match master.sentinels.iter_mut().find(|other| other.run_id == known.run_id) {
            Some(other) => *other = known,
            None => master.sentinels.push(known),
        }
    }
}
