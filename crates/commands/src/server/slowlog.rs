//! SLOWLOG.

use crate::arg;
use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Flags, Group, errors, flag};
use redan_resp::Args;

const FLAGS: Flags = flag::ADMIN | flag::LOADING | flag::STALE;

/// SLOWLOG subcommand [argument]
pub(super) const SLOWLOG: Command = Command::new("slowlog", -2, crate::container)
    .docs(Group::Server, "2.2.12", "Depends on subcommand.", "A container for slow log commands.")
    .subcommands(&[
        Command::new("get", -2, get)
            .flags(FLAGS)
            .docs(
                Group::Server,
                "2.2.12",
                "O(N) where N is the number of entries returned",
                "Returns the slow log's entries.",
            )
            .args(&[Arg::new("count", ArgKind::Integer).optional()])
            .tips(&["request_policy:all_nodes", "nondeterministic_output"]),
        Command::new("help", 2, help).flags(flag::LOADING | flag::STALE).docs(
            Group::Server,
            "6.2.0",
            "O(1)",
            "Returns helpful text about the subcommands.",
        ),
        Command::new("len", 2, len)
            .flags(FLAGS)
            .docs(Group::Server, "2.2.12", "O(1)", "Returns the number of entries in the slow log.")
            .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"]),
        Command::new("reset", 2, reset)
            .flags(FLAGS)
            .docs(
                Group::Server,
                "2.2.12",
                "O(N) where N is the number of entries in the slowlog",
                "Clears all entries from the slow log.",
            )
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
    ]);

const DEFAULT_COUNT: i64 = 10;

fn get(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let count = match args.get(2) {
        _ if args.len() > 3 => return Err(cx.arity_error()),
        None => DEFAULT_COUNT,
        Some(count) => arg::int(count)
            .ok()
            .filter(|count| *count >= -1)
            .ok_or(errors::err("count should be greater than or equal to -1"))?,
    };
    let commands = cx.engine.slowlog().newest(usize::try_from(count).unwrap_or(usize::MAX));
    cx.out.array(commands.len());
    for command in commands {
        cx.out.array(6);
        cx.out.int(command.id as i64);
        cx.out.int(command.at_s);
        cx.out.int(command.took_us as i64);
        cx.out.array(command.args.len());
        command.args.iter().for_each(|arg| cx.out.bulk(arg));
        cx.out.bulk(command.addr.as_bytes());
        cx.out.bulk(command.name.as_bytes());
    }
    Ok(())
}

fn len(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.out.int(cx.engine.slowlog().len() as i64);
    Ok(())
}

fn reset(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.engine.slowlog().reset();
    cx.out.ok();
    Ok(())
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "SLOWLOG",
        &[
            (
                "GET [<count>]",
                "The newest slow commands (10 without a count, all with -1): id, time, microseconds, arguments, address and name of the client.",
            ),
            ("LEN", "How many there are."),
            ("RESET", "Forget them."),
        ],
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;
    use redan_engine::Settings;

    #[test]
    fn slow_commands_are_kept() {
        let mut rig = Rig::new();
        // The rig's clock stands still: only a limit of zero is reached.
        let all = Settings { slowlog_slower_than_us: 0, slowlog_max_len: 2, ..Settings::default() };
        rig.engine.set_settings(all);
        rig.run("PING");
        rig.run("CONFIG SET masterauth secret port 1");
        rig.run("ECHO a");
        assert_eq!(rig.run("SLOWLOG LEN"), ":2");
        rig.engine.set_settings(Settings { slowlog_slower_than_us: -1, ..Settings::default() });
        let newest = rig.run("SLOWLOG GET 1");
        assert_eq!(newest, "*1|*6|:3|:1700000000|:0|*2|$7|SLOWLOG|$3|LEN|$0||$0|");
        assert_eq!(rig.run("SLOWLOG RESET"), "+OK");
        assert_eq!(rig.run("SLOWLOG GET -1"), "*0");
        assert_eq!(rig.run("SLOWLOG GET -2"), "-ERR count should be greater than or equal to -1");
    }

    #[test]
    fn secrets_are_not_kept() {
        let mut rig = Rig::new();
        rig.engine.set_settings(Settings { slowlog_slower_than_us: 0, ..Settings::default() });
        rig.run("CONFIG SET masterauth secret port 1");
        let newest = rig.run("SLOWLOG GET 1");
        assert!(newest.ends_with("|$10|masterauth|$10|(redacted)|$4|port|$1|1|$0||$0|"), "{newest}");
    }
}
