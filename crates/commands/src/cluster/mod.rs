//! The commands by which clients of a cluster say how they want to be served. There is no cluster mode: they are refused, but
//! they are known, so that rules of users may name them.

use redan_engine::{CmdResult, Command, Cx, Flags, Group, category, errors, flag};
use redan_resp::Args;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    row("asking", flag::FAST, "Signals that a cluster client is following an -ASK redirect."),
    row(
        "readonly",
        flag::FAST | flag::LOADING | flag::STALE,
        "Enables read-only queries for a connection to a cluster replica node.",
    ),
    row(
        "readwrite",
        flag::FAST | flag::LOADING | flag::STALE,
        "Enables read-write queries for a connection to a cluster replica node.",
    ),
];

const fn row(name: &'static str, flags: Flags, summary: &'static str) -> Command {
    Command::new(name, 1, refuse).flags(flags).acl(category::CONNECTION).docs(
        Group::Cluster,
        "3.0.0",
        "O(1)",
        summary,
    )
}

fn refuse(_: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    Err(errors::NO_CLUSTER)
}

#[test]
fn there_is_no_cluster() {
    let mut rig = crate::testing::Rig::new();
    for command in ["ASKING", "READONLY", "READWRITE"] {
        assert_eq!(rig.run(command), "-ERR This instance has cluster support disabled");
    }
}
