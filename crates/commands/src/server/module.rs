//! MODULE: there are none, and clients that ask are told so.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, errors, flag};
use redan_resp::Args;

/// What loads or unloads.
const LOADING: u32 = flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING;

/// MODULE subcommand [argument]
pub(super) const MODULE: Command = Command::new("module", -2, crate::container)
    .docs(Group::Server, "4.0.0", "Depends on subcommand.", "Tells about modules, of which there are none.")
    .subcommands(&[
        Command::new("help", 2, help).flags(flag::LOADING | flag::STALE).docs(
            Group::Server,
            "5.0.0",
            "O(1)",
            "Explains the subcommands.",
        ),
        Command::new("list", 2, list)
            .flags(flag::ADMIN | flag::NOSCRIPT)
            .docs(
                Group::Server,
                "4.0.0",
                "O(N) where N is the number of loaded modules.",
                "Returns the modules that are loaded.",
            )
            .tips(&["nondeterministic_output_order"]),
        Command::new("load", -3, refuse)
            .flags(LOADING)
            .docs(Group::Server, "4.0.0", "O(1)", "Would load a module.")
            .args(&[
                Arg::new("path", ArgKind::String),
                Arg::new("arg", ArgKind::String).optional().multiple(),
            ]),
        Command::new("loadex", -3, refuse)
            .flags(LOADING)
            .docs(Group::Server, "7.0.0", "O(1)", "Would load a module with a configuration.")
            .args(&[
                Arg::new("path", ArgKind::String),
                Arg::block(
                    "configs",
                    &[Arg::new("name", ArgKind::String), Arg::new("value", ArgKind::String)],
                )
                .after("CONFIG")
                .optional()
                .multiple(),
                Arg::new("args", ArgKind::String).after("ARGS").optional().multiple(),
            ]),
        Command::new("unload", 3, refuse)
            .flags(LOADING)
            .docs(Group::Server, "4.0.0", "O(1)", "Would unload a module.")
            .args(&[Arg::new("name", ArgKind::String)]),
    ]);

fn list(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.out.array(0);
    Ok(())
}

fn refuse(_: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    Err(errors::MODULES_DISABLED)
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "MODULE",
        &[
            ("LIST", "The modules that are loaded: none."),
            ("LOAD <path> [<arg> ...]", "Is refused."),
            ("LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]", "Is refused."),
            ("UNLOAD <name>", "Is refused."),
        ],
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn there_are_none() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("MODULE LIST"), "*0");
        assert!(rig.run("MODULE HELP").starts_with("*11|+MODULE <subcommand>"));
        assert!(rig.run("MODULE LOAD x.so").starts_with("-ERR MODULE command not allowed."));
        assert!(rig.run("MODULE UNLOAD x").starts_with("-ERR MODULE command not allowed."));
        assert!(rig.run("MODULE NOPE").starts_with("-ERR unknown subcommand 'NOPE'."));
    }
}
