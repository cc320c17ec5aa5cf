//! WAIT: until replicas have a client's writes.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, Park, ReplyError, category, condition, errors, flag,
};
use redan_resp::{Args, parse_i64};

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
    let deadline_ms = deadline(cx, &args[2])?;
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

/// The end of a timeout in milliseconds; 0 means for ever.
fn deadline(cx: &Cx<'_, '_>, timeout: &[u8]) -> Result<Option<i64>, ReplyError> {
    let timeout_ms = parse_i64(timeout).ok_or(errors::TIMEOUT_NOT_INTEGER)?;
    match timeout_ms {
        0 => Ok(None),
        1.. => timeout_ms.checked_add(cx.now_ms).map(Some).ok_or(errors::TIMEOUT_RANGE),
        _ => Err(errors::TIMEOUT_NEGATIVE),
    }
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
    fn nobody_waits_inside_a_transaction() {
        let mut rig = Rig::new();
        rig.run("MULTI");
        rig.run("WAIT 1 0");
        assert_eq!(rig.run("EXEC"), "*1|:0");
    }
}
