//! SENTINEL SET: one row per option of a master.

use redan_resp::parse_i64;

use super::Call;
use crate::config::MasterOptions;
use crate::event::LogLevel;
use crate::ids::MasterId;
use crate::io::Host;
use crate::machine::Sentinel;
use crate::reply::{Answer, Reply};

/// Why a value is refused.
enum Refusal {
    /// The word at this place among the option's arguments has the wrong form.
    BadArgument(usize),
    /// With a text of its own.
    Text(&'static str),
}

type Apply = fn(&mut MasterOptions, &[&[u8]], &dyn Host) -> Result<(), Refusal>;

/// An option and what setting it means.
struct OptionRow {
    name: &'static str,
    args: usize,
    /// It takes effect on new connections only, so the present ones are dropped.
    reconnects: bool,
    /// Its value must not be shown.
    secret: bool,
    apply: Apply,
}

impl OptionRow {
    const fn new(name: &'static str, apply: Apply) -> Self {
        OptionRow { name, args: 1, reconnects: false, secret: false, apply }
    }
}

const OPTIONS: &[OptionRow] = &[
    OptionRow::new("down-after-milliseconds", |o, a, _| {
        o.down_after_ms = positive(a[0])?;
        Ok(())
    }),
    OptionRow::new("failover-timeout", |o, a, _| {
        o.failover_timeout_ms = positive(a[0])?;
        Ok(())
    }),
    OptionRow::new("parallel-syncs", |o, a, _| {
        o.parallel_syncs = positive(a[0])?.try_into().unwrap_or(u32::MAX);
        Ok(())
    }),
    OptionRow::new("notification-script", |o, a, host| {
        let refusal = "Notification script seems non existing or non executable";
        o.notification_script = script(a[0], host, refusal)?;
        Ok(())
    }),
    OptionRow::new("client-reconfig-script", |o, a, host| {
        let refusal = "Client reconfiguration script seems non existing or non executable";
        o.client_reconfig_script = script(a[0], host, refusal)?;
        Ok(())
    }),
    OptionRow {
        reconnects: true,
        secret: true,
        ..OptionRow::new("auth-pass", |o, a, _| {
            o.auth_pass = non_empty(a[0]);
            Ok(())
        })
    },
    OptionRow {
        reconnects: true,
        ..OptionRow::new("auth-user", |o, a, _| {
            o.auth_user = non_empty(a[0]);
            Ok(())
        })
    },
    OptionRow::new("quorum", |o, a, _| {
        o.quorum = positive(a[0])?.try_into().unwrap_or(u32::MAX);
        Ok(())
    }),
    OptionRow { args: 2, ..OptionRow::new("rename-command", rename_command) },
    OptionRow::new("master-reboot-down-after-period", |o, a, _| {
        let period = parse_i64(a[0]).and_then(|ms| u64::try_from(ms).ok());
        o.reboot_down_after_ms = period.ok_or(Refusal::BadArgument(0))?;
        Ok(())
    }),
];

fn positive(word: &[u8]) -> Result<u64, Refusal> {
    let value = parse_i64(word).and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
    value.ok_or(Refusal::BadArgument(0))
}

fn non_empty(word: &[u8]) -> Option<Vec<u8>> {
    (!word.is_empty()).then(|| word.to_vec())
}

fn script(path: &[u8], host: &dyn Host, refusal: &'static str) -> Result<Option<Vec<u8>>, Refusal> {
    if !path.is_empty() && !host.is_executable(path) {
        return Err(Refusal::Text(refusal));
    }
    Ok(non_empty(path))
}

fn rename_command(options: &mut MasterOptions, args: &[&[u8]], _host: &dyn Host) -> Result<(), Refusal> {
    let text =
        |i: usize| std::str::from_utf8(args[i]).ok().filter(|t| !t.is_empty()).ok_or(Refusal::BadArgument(i));
    let (from, to) = (text(0)?, text(1)?);
    options.renamed_commands.retain(|(known, _)| !known.eq_ignore_ascii_case(from));
    if !from.eq_ignore_ascii_case(to) {
        options.renamed_commands.push((from.to_owned(), to.to_owned()));
    }
    Ok(())
}

pub(super) fn set(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    let id = match sentinel.named_master(call) {
        Ok(id) => id,
        Err(answer) => return answer,
    };
    let mut rest = &call.words[3..];
    let mut changed = false;
    while let Some((name, args)) = rest.split_first() {
        match set_one(sentinel, id, name, args, call.host) {
            Ok(used) => rest = &args[used..],
            Err(answer) => {
                // What came before the mistake stays set.
                if changed {
                    sentinel.core.save();
                }
                return answer;
            }
        }
        changed = true;
    }
    sentinel.answer_after_save()
}

/// Sets one option; returns how many of `args` it took.
fn set_one(
    sentinel: &mut Sentinel,
    id: MasterId,
    name: &[u8],
    args: &[&[u8]],
    host: &dyn Host,
) -> Result<usize, Answer> {
    let shown = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let fits = |row: &&OptionRow| name.eq_ignore_ascii_case(row.name.as_bytes()) && args.len() >= row.args;
    let Some(row) = OPTIONS.iter().find(fits) else {
        let name = shown(name);
        return Err(Answer::error(format!(
            "Unknown option or number of arguments for SENTINEL SET '{name}'"
        )));
    };
    let args = &args[..row.args];
    if row.name.ends_with("-script") && sentinel.core.globals.deny_scripts_reconfig {
        return Err(Answer::error(
            "Reconfiguration of scripts path is denied for security reasons. Check the \
             deny-scripts-reconfig configuration directive in your Sentinel configuration",
        ));
    }
    let core = &mut sentinel.core;
    let master = sentinel.masters.get_mut(&id).expect("found by name");
    (row.apply)(&mut master.options, args, host).map_err(|refusal| match refusal {
        Refusal::Text(text) => Answer::error(text),
        Refusal::BadArgument(at) => {
            let (bad, name) = (shown(args[at]), shown(name));
            Reply::error(format!("Invalid argument '{bad}' for SENTINEL SET '{name}'")).into()
        }
    })?;
    if row.reconnects {
        core.close_both(master.base.link);
        for replica in master.replicas.values() {
            core.close_both(replica.base.link);
        }
    }
    core.touched.insert(id);
    let values: Vec<String> =
        args.iter().map(|arg| if row.secret { "******".into() } else { shown(arg) }).collect();
    let more = format!(" {} {}", shown(name), values.join(" "));
    core.instance_event(LogLevel::Warning, "+set", master, &master.base, &more);
    Ok(row.args)
}
