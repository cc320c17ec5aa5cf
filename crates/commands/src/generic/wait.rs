//! WAIT and WAITAOF: until replicas, or disks, have a client's writes.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, Park, category, condition, errors, flag};
use redan_resp::Args;

use crate::arg;

/// WAIT numreplicas timeout
pub(super) const WAIT: Command = Command::new("wait", 3, wait)
    .flags(flag::BLOCKING)
    .acl(category::CONNECTION)
    .docs(
        Group::Generic,
        "3.0.0",
        "O(1)",
        "Waits until so many replicas have acknowledged all writes of this connection.",
    )
    .tips(&["request_policy:all_shards", "response_policy:agg_min"])
    .args(&[Arg::new("numreplicas", ArgKind::Integer), Arg::new("timeout", ArgKind::Integer)]);

fn wait(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if cx.engine.conditions().get() & condition::REPLICA != 0 {
        return Err(errors::WAIT_ON_REPLICA);
    }
    let wanted = arg::int(&args[1])?;
    let deadline_ms = arg::timeout_ms(&args[2], cx.now_ms)?;
    let offset = cx.session.last_write_offset;
    let acked = cx.host().acked_replicas(offset);
    match usize::try_from(wanted) {
        Ok(replicas) if acked < replicas && cx.may_wait() => {
            cx.park(Park::Acks { offset, replicas, deadline_ms });
            cx.host().request_acks();
        }
        _ => cx.out.int(acked as i64),
    }
    Ok(())
}

/// WAITAOF numlocal numreplicas timeout
pub(super) const WAITAOF: Command = Command::new("waitaof", 4, waitaof)
    .flags(flag::BLOCKING)
    .acl(category::CONNECTION)
    .docs(
        Group::Generic,
        "7.2.0",
        "O(1)",
        "Waits until all writes of this connection are on the disk of the server, of so many replicas, or both.",
    )
    .tips(&["request_policy:all_shards", "response_policy:agg_min"])
    .args(&[
        Arg::new("numlocal", ArgKind::Integer),
        Arg::new("numreplicas", ArgKind::Integer),
        Arg::new("timeout", ArgKind::Integer),
    ]);

fn waitaof(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let local = match arg::int(&args[1])? {
        0 => false,
        1 => true,
        _ => return Err(errors::err("value is out of range, value must between 0 and 1")),
    };
    let replicas = usize::try_from(arg::int_from(&args[2], 0)?).unwrap_or(usize::MAX);
    let deadline_ms = arg::timeout_ms(&args[3], cx.now_ms)?;
    if cx.engine.conditions().get() & condition::REPLICA != 0 {
        return Err(errors::WAITAOF_ON_REPLICA);
    }
    let offset = cx.session.last_write_offset;
    let fsynced = cx.host().is_fsynced(offset);
    if local && fsynced.is_none() {
        return Err(errors::WAITAOF_WITHOUT_AOF);
    }
    let here = fsynced == Some(true);
    let there = cx.host().fsynced_replicas(offset);
    if (there >= replicas && (here || !local)) || !cx.may_wait() {
        cx.out.array(2);
        cx.out.int(i64::from(here));
        cx.out.int(there as i64);
        return Ok(());
    }
    cx.park(Park::Fsync { offset, local, replicas, deadline_ms });
    if replicas > 0 {
        cx.host().request_acks();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn enough_replicas_and_wrong_arguments_are_answered_at_once() {
        Rig::new().check(&[
            ("WAIT 0 0", ":0", ""),
            ("WAIT -1 0", ":0", ""),
            ("WAIT x 0", "-ERR value is not an integer or out of range", ""),
            ("WAIT 1 x", "-ERR timeout is not an integer or out of range", ""),
            ("WAIT 1 -1", "-ERR timeout is negative", ""),
            ("WAIT 1 9223372036854775807", "-ERR timeout is out of range", ""),
        ]);
    }

    #[test]
    fn too_few_replicas_are_waited_for() {
        assert_eq!(Rig::new().run("WAIT 1 100"), "", "the reply comes later");
    }

    #[test]
    fn a_disk_is_waited_for_where_there_is_one() {
        Rig::new().check(&[
            ("WAITAOF 0 0 0", "*2|:0|:0", ""),
            (
                "WAITAOF 1 0 0",
                "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
                "",
            ),
            ("WAITAOF 2 0 0", "-ERR value is out of range, value must between 0 and 1", ""),
            ("WAITAOF 0 -1 0", "-ERR value is out of range, must be positive", ""),
            ("WAITAOF 0 0 -1", "-ERR timeout is negative", ""),
        ]);
        assert_eq!(Rig::new().run("WAITAOF 0 1 100"), "", "the reply comes later");
    }

    #[test]
    fn nobody_waits_inside_a_transaction() {
        let mut rig = Rig::new();
        rig.run("MULTI");
        rig.run("WAIT 1 0");
        assert_eq!(rig.run("EXEC"), "*1|:0");
    }
}
