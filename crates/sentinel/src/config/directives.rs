//! One directive at a time: a table of names, argument counts and what they change.

use std::net::IpAddr;

use super::{Config, KnownSentinel, MasterConfig, MasterOptions, RUN_ID_LEN};
use crate::io::Host;

/// When a directive takes effect, whatever its place in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Global options, needed to understand addresses.
    Global,
    /// `monitor`.
    Monitor,
    /// Everything that speaks of a monitored master.
    PerMaster,
}

pub(super) const PHASES: [Phase; 3] = [Phase::Global, Phase::Monitor, Phase::PerMaster];

const NO_SUCH_MASTER: &str = "No such master with specified name.";
const UNRESOLVABLE: &str = "Can't resolve instance hostname.";
const BAD_PORT: &str = "Invalid port number.";

type Outcome = Result<(), &'static str>;
type Args<'a> = &'a [Vec<u8>];

/// What a directive does with its arguments (those after its name).
enum Action {
    Global(fn(&mut Config, Args<'_>) -> Outcome),
    /// The first argument names the master; the function gets the others.
    Master(fn(&mut MasterConfig, Args<'_>, &dyn Host) -> Outcome),
    /// The same, for directives that carry an address.
    MasterAddress(fn(&mut MasterConfig, Args<'_>) -> Outcome),
}

struct Directive {
    name: &'static str,
    /// Arguments after the name.
    args: usize,
    action: Action,
}

const fn global(name: &'static str, apply: fn(&mut Config, Args<'_>) -> Outcome) -> Directive {
    Directive { name, args: 1, action: Action::Global(apply) }
}

const fn of_master(
    name: &'static str,
    args: usize,
    apply: fn(&mut MasterConfig, Args<'_>, &dyn Host) -> Outcome,
) -> Directive {
    Directive { name, args, action: Action::Master(apply) }
}

const fn address(
    name: &'static str,
    args: usize,
    apply: fn(&mut MasterConfig, Args<'_>) -> Outcome,
) -> Directive {
    Directive { name, args, action: Action::MasterAddress(apply) }
}

const DIRECTIVES: &[Directive] = &[
    global("announce-ip", |c, a| {
        if !a[0].is_empty() {
            c.announce_ip = Some(text(&a[0])?);
        }
        Ok(())
    }),
    global("announce-port", |c, a| {
        c.announce_port = leading_int(&a[0]).try_into().map_err(|_| BAD_PORT)?;
        Ok(())
    }),
    global("deny-scripts-reconfig", |c, a| {
        let refusal = "Please specify yes or no for the deny-scripts-reconfig options.";
        c.deny_scripts_reconfig = yes_or_no(&a[0]).ok_or(refusal)?;
        Ok(())
    }),
    global("sentinel-user", |c, a| {
        c.sentinel_user = non_empty(&a[0]).or(c.sentinel_user.take());
        Ok(())
    }),
    global("sentinel-pass", |c, a| {
        c.sentinel_pass = non_empty(&a[0]).or(c.sentinel_pass.take());
        Ok(())
    }),
    global("current-epoch", |c, a| {
        c.current_epoch = c.current_epoch.max(leading_uint(&a[0]));
        Ok(())
    }),
    global("myid", |c, a| {
        if a[0].len() != RUN_ID_LEN {
            return Err("Malformed Sentinel id in myid option.");
        }
        c.my_id = Some(text(&a[0])?);
        Ok(())
    }),
    global("resolve-hostnames", |c, a| {
        let refusal = "Please specify yes or no for the resolve-hostnames option.";
        c.resolve_hostnames = yes_or_no(&a[0]).ok_or(refusal)?;
        Ok(())
    }),
    global("announce-hostnames", |c, a| {
        let refusal = "Please specify yes or no for the announce-hostnames option.";
        c.announce_hostnames = yes_or_no(&a[0]).ok_or(refusal)?;
        Ok(())
    }),
    of_master("down-after-milliseconds", 2, |m, a, _| {
        m.options.down_after_ms = positive_ms(&a[0])?;
        Ok(())
    }),
    of_master("failover-timeout", 2, |m, a, _| {
        m.options.failover_timeout_ms = positive_ms(&a[0])?;
        Ok(())
    }),
    of_master("parallel-syncs", 2, |m, a, _| {
        m.options.parallel_syncs = leading_int(&a[0]).clamp(0, i64::from(u32::MAX)) as u32;
        Ok(())
    }),
    of_master("notification-script", 2, |m, a, host| {
        if !host.is_executable(&a[0]) {
            return Err("Notification script seems non existing or non executable.");
        }
        m.options.notification_script = Some(a[0].clone());
        Ok(())
    }),
    of_master("client-reconfig-script", 2, |m, a, host| {
        if !host.is_executable(&a[0]) {
            return Err("Client reconfiguration script seems non existing or non executable.");
        }
        m.options.client_reconfig_script = Some(a[0].clone());
        Ok(())
    }),
    of_master("auth-pass", 2, |m, a, _| {
        m.options.auth_pass = Some(a[0].clone());
        Ok(())
    }),
    of_master("auth-user", 2, |m, a, _| {
        m.options.auth_user = Some(a[0].clone());
        Ok(())
    }),
    of_master("config-epoch", 2, |m, a, _| {
        m.config_epoch = leading_uint(&a[0]);
        Ok(())
    }),
    of_master("leader-epoch", 2, |m, a, _| {
        m.leader_epoch = leading_uint(&a[0]);
        Ok(())
    }),
    of_master("rename-command", 3, |m, a, _| {
        let renamed = &mut m.options.renamed_commands;
        let name = text(&a[0])?;
        if renamed.iter().any(|(from, _)| from.eq_ignore_ascii_case(&name)) {
            return Err("Same command renamed multiple times with rename-command.");
        }
        renamed.push((name, text(&a[1])?));
        Ok(())
    }),
    of_master("master-reboot-down-after-period", 2, |m, a, _| {
        m.options.reboot_down_after_ms =
            leading_int(&a[0]).try_into().map_err(|_| "negative time parameter.")?;
        Ok(())
    }),
    address("known-replica", 3, known_replica),
    address("known-slave", 3, known_replica),
    // The form without an id is from before Sentinels had one, and says nothing useful.
    address("known-sentinel", 3, |_, _| Ok(())),
    address("known-sentinel", 4, known_sentinel),
];

/// When the directive takes effect.
pub(super) fn phase_of(args: Args<'_>) -> Phase {
    let Some(name) = args.first() else { return Phase::PerMaster };
    let is_global =
        |d: &Directive| matches!(d.action, Action::Global(_)) && name.eq_ignore_ascii_case(d.name.as_bytes());
    if name.eq_ignore_ascii_case(b"monitor") {
        Phase::Monitor
    } else if DIRECTIVES.iter().any(is_global) {
        Phase::Global
    } else {
        Phase::PerMaster
    }
}

/// Applies one directive (its name and arguments, without the word `sentinel`).
pub(super) fn apply(config: &mut Config, args: Args<'_>, host: &dyn Host) -> Outcome {
    let unknown = "Unrecognized sentinel configuration statement.";
    let (name, args) = args.split_first().ok_or(unknown)?;
    if name.eq_ignore_ascii_case(b"monitor") && args.len() == 4 {
        return monitor(config, args);
    }
    let fits = |d: &&Directive| name.eq_ignore_ascii_case(d.name.as_bytes()) && args.len() == d.args;
    match DIRECTIVES.iter().find(fits).ok_or(unknown)?.action {
        Action::Global(apply) => apply(config, args),
        Action::Master(apply) => {
            apply(config.master_mut(&args[0]).ok_or(NO_SUCH_MASTER)?, &args[1..], host)?;
            let epochs = config.masters.iter().map(|m| m.config_epoch).max().unwrap_or(0);
            config.current_epoch = config.current_epoch.max(epochs);
            Ok(())
        }
        Action::MasterAddress(apply) => {
            let names = config.resolve_hostnames;
            let master = config.master_mut(&args[0]).ok_or(NO_SUCH_MASTER)?;
            if args.len() > 1 {
                check_host(&args[1], names)?;
            }
            apply(master, &args[1..])
        }
    }
}

fn monitor(config: &mut Config, args: Args<'_>) -> Outcome {
    let quorum = leading_int(&args[3]);
    let quorum = u32::try_from(quorum).ok().filter(|q| *q > 0).ok_or("Quorum must be 1 or greater.")?;
    let port = port(&args[2])?;
    check_host(&args[1], config.resolve_hostnames)?;
    if config.master_mut(&args[0]).is_some() {
        return Err("Duplicate master name.");
    }
    config.masters.push(MasterConfig {
        name: text(&args[0])?,
        host: text(&args[1])?,
        port,
        options: MasterOptions::with_quorum(quorum),
        config_epoch: 0,
        leader_epoch: 0,
        replicas: Vec::new(),
        sentinels: Vec::new(),
    });
    Ok(())
}

fn known_replica(master: &mut MasterConfig, args: Args<'_>) -> Outcome {
    let replica = (text(&args[0])?, port(&args[1])?);
    let same = |known: &(String, u16)| known.1 == replica.1 && known.0.eq_ignore_ascii_case(&replica.0);
    if master.replicas.iter().any(same) {
        return Err("Duplicate hostname and port for replica.");
    }
    master.replicas.push(replica);
    Ok(())
}

fn known_sentinel(master: &mut MasterConfig, args: Args<'_>) -> Outcome {
    let known = KnownSentinel { host: text(&args[0])?, port: port(&args[1])?, run_id: text(&args[2])? };
    if master.sentinels.iter().any(|other| other.run_id == known.run_id) {
        return Err("Duplicate runid for sentinel.");
    }
    master.sentinels.push(known);
    Ok(())
}

fn check_host(host: &[u8], names_allowed: bool) -> Outcome {
    let host = std::str::from_utf8(host).map_err(|_| UNRESOLVABLE)?;
    if host.is_empty() || !(names_allowed || host.parse::<IpAddr>().is_ok()) {
        return Err(UNRESOLVABLE);
    }
    Ok(())
}

fn port(word: &[u8]) -> Result<u16, &'static str> {
    leading_int(word).try_into().map_err(|_| BAD_PORT)
}

fn text(word: &[u8]) -> Result<String, &'static str> {
    String::from_utf8(word.to_vec()).map_err(|_| "Names and addresses must be valid UTF-8.")
}

fn non_empty(word: &[u8]) -> Option<Vec<u8>> {
    (!word.is_empty()).then(|| word.to_vec())
}

fn positive_ms(word: &[u8]) -> Result<u64, &'static str> {
    let refusal = "negative or zero time parameter.";
    u64::try_from(leading_int(word)).ok().filter(|ms| *ms > 0).ok_or(refusal)
}

/// `yes` or `no` in any case.
pub(crate) fn yes_or_no(word: &[u8]) -> Option<bool> {
    match word {
        w if w.eq_ignore_ascii_case(b"yes") => Some(true),
        w if w.eq_ignore_ascii_case(b"no") => Some(false),
        _ => None,
    }
}

/// The integer a word begins with, 0 if it begins with none: what `atoi` gives, but without overflow.
pub(crate) fn leading_int(word: &[u8]) -> i64 {
    let word = word.trim_ascii_start();
    let (negative, digits) = match word.first() {
        Some(b'-') => (true, &word[1..]),
        Some(b'+') => (false, &word[1..]),
        _ => (false, word),
    };
    let magnitude = i64::try_from(leading_uint(digits)).unwrap_or(i64::MAX);
    if negative { -magnitude } else { magnitude }
}

/// The digits a word begins with as a number, saturating; 0 if there are none.
pub(crate) fn leading_uint(word: &[u8]) -> u64 {
    let digits = word.trim_ascii_start().iter().take_while(|b| b.is_ascii_digit());
    digits.fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0')))
}
