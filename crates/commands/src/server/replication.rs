//! REPLICAOF, ROLE, FAILOVER, and what replicas say to their master: PSYNC, SYNC, REPLCONF.

use crate::arg;
use redan_engine::{
    Arg, ArgKind, ClientKind, CmdResult, Command, Cx, Flags, Group, category, condition, errors, flag,
};
use redan_resp::Args;

const REPLICAOF_FLAGS: Flags = flag::NO_ASYNC_LOADING | flag::ADMIN | flag::NOSCRIPT | flag::STALE;
const REPLICAOF_ARGS: &[Arg] = &[Arg::one_of(
    "args",
    &[
        Arg::block("host-port", &[Arg::new("host", ArgKind::String), Arg::new("port", ArgKind::Integer)]),
        Arg::block("no-one", &[Arg::token("no", "NO"), Arg::token("one", "ONE")]),
    ],
)];
const SYNC_FLAGS: Flags = flag::NO_ASYNC_LOADING | flag::ADMIN | flag::NO_MULTI | flag::NOSCRIPT;

/// REPLICAOF (host port | NO ONE)
pub(super) const REPLICAOF: Command = Command::new("replicaof", 3, replicaof)
    .flags(REPLICAOF_FLAGS)
    .exclusive()
    .docs(
        Group::Server,
        "5.0.0",
        "O(1)",
        "Configures a server as replica of another, or promotes it to a master.",
    )
    .args(REPLICAOF_ARGS);

/// SLAVEOF (host port | NO ONE)
pub(super) const SLAVEOF: Command = Command::new("slaveof", 3, replicaof)
    .flags(REPLICAOF_FLAGS)
    .exclusive()
    .docs(
        Group::Server,
        "1.0.0",
        "O(1)",
        "Sets a Redis server as a replica of another, or promotes it to being a master.",
    )
    .deprecated("5.0.0", "`REPLICAOF`")
    .args(REPLICAOF_ARGS);

/// ROLE
pub(super) const ROLE: Command = Command::new("role", 1, role)
    .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::SENTINEL)
    .acl(category::ADMIN | category::DANGEROUS)
    .docs(Group::Server, "2.8.12", "O(1)", "Returns the replication role.");

/// FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]
pub(super) const FAILOVER: Command = Command::new("failover", -1, failover)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::STALE)
    .exclusive()
    .docs(
        Group::Server,
        "6.2.0",
        "O(1)",
        "Starts a coordinated failover from a server to one of its replicas.",
    )
    .args(&[
        Arg::block(
            "target",
            &[
                Arg::new("host", ArgKind::String),
                Arg::new("port", ArgKind::Integer),
                Arg::token("force", "FORCE").optional(),
            ],
        )
        .after("TO")
        .optional(),
        Arg::token("abort", "ABORT").optional(),
        Arg::new("milliseconds", ArgKind::Integer).after("TIMEOUT").optional(),
    ]);

/// PSYNC replicationid offset
pub(super) const PSYNC: Command = Command::new("psync", -3, sync)
    .flags(SYNC_FLAGS)
    .docs(Group::Server, "2.8.0", "", "An internal command used in replication.")
    .args(&[Arg::new("replicationid", ArgKind::String), Arg::new("offset", ArgKind::Integer)]);

/// SYNC
pub(super) const SYNC: Command = Command::new("sync", 1, sync).flags(SYNC_FLAGS).docs(
    Group::Server,
    "1.0.0",
    "",
    "An internal command used in replication.",
);

/// REPLCONF [option value ...]
pub(super) const REPLCONF: Command = Command::new("replconf", -1, replconf)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::ALLOW_BUSY)
    .docs(Group::Server, "3.0.0", "O(1)", "An internal command for configuring the replication stream.");

fn replicaof(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let target = if arg::is(&args[1], "NO") && arg::is(&args[2], "ONE") {
        None
    } else {
        if cx.session.client.kind() == ClientKind::Replica {
            return Err(errors::err("Command is not valid when client is a replica."));
        }
        let port = redan_resp::parse_i64(&args[2]).and_then(|port| u16::try_from(port).ok());
        Some((&args[1], port.ok_or(errors::err("Invalid master port"))?))
    };
    let status = cx.host().replicaof(target, &cx.session.client)?;
    cx.out.simple(status);
    Ok(())
}

fn role(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if cx.engine.conditions().any(condition::SENTINEL) {
        return crate::sentinel::ask(cx, args);
    }
    cx.host().role(cx.out);
    Ok(())
}

fn failover(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.host().failover(args)?;
    cx.out.ok();
    Ok(())
}

/// From here on the connection is the replication driver's, which also replies.
fn sync(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if cx.may_wait() {
        cx.session.hand_over = Some(args.to_owned_args());
    }
    Ok(())
}

fn replconf(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.host().replconf(cx.session, args, cx.out)
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn a_master_has_a_port() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("REPLICAOF localhost 65536"), "-ERR Invalid master port");
        assert_eq!(rig.run("SLAVEOF localhost x"), "-ERR Invalid master port");
        assert_eq!(rig.run("REPLICAOF localhost 6380"), "+OK");
        assert_eq!(rig.run("REPLICAOF no one"), "+OK");
    }

    #[test]
    fn a_sync_gives_the_connection_away() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("PSYNC ? -1"), "");
        let args = rig.handed_over().expect("it was handed over");
        assert_eq!(args.get(2), Some(b"-1".as_slice()));
    }
}
