//! CLIENT PAUSE, UNPAUSE and UNBLOCK: who waits, and for how long.

use crate::arg;
use redan_engine::{Arg, ArgKind, ClientFlags, ClientId, CmdResult, Cx, PauseKind, Unblock, errors};
use redan_resp::Args;

pub(super) const ARGS: &[Arg] = &[
    Arg::new("timeout", ArgKind::Integer),
    Arg::one_of("mode", &[Arg::token("write", "WRITE"), Arg::token("all", "ALL")]).optional(),
];

pub(super) const UNBLOCK_ARGS: &[Arg] = &[
    Arg::new("client-id", ArgKind::Integer),
    Arg::one_of("unblock-type", &[Arg::token("timeout", "TIMEOUT"), Arg::token("error", "ERROR")]).optional(),
];

/// CLIENT PAUSE timeout [WRITE | ALL]
pub(super) fn pause(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let kind = match args.get(3) {
        _ if args.len() > 4 => return Err(cx.arity_error()),
        None => PauseKind::All,
        Some(mode) if arg::is(mode, "ALL") => PauseKind::All,
        Some(mode) if arg::is(mode, "WRITE") => PauseKind::Write,
        Some(_) => return Err(errors::err("CLIENT PAUSE mode must be WRITE or ALL")),
    };
    let timeout_ms = arg::int(&args[2]).map_err(|_| errors::TIMEOUT_NOT_INTEGER)?;
    if timeout_ms < 0 {
        return Err(errors::TIMEOUT_NEGATIVE);
    }
    let until_ms = cx.now_ms.checked_add(timeout_ms).ok_or(errors::TIMEOUT_RANGE)?;
    cx.engine.pause(kind, until_ms);
    cx.out.ok();
    Ok(())
}

/// CLIENT UNPAUSE
pub(super) fn unpause(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.engine.unpause();
    cx.out.ok();
    Ok(())
}

/// CLIENT UNBLOCK client-id [TIMEOUT | ERROR]
pub(super) fn unblock(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let reason = match args.get(3) {
        _ if args.len() > 4 => return Err(cx.arity_error()),
        None => Unblock::Timeout,
        Some(word) if arg::is(word, "TIMEOUT") => Unblock::Timeout,
        Some(word) if arg::is(word, "ERROR") => Unblock::Error,
        Some(_) => return Err(errors::err("CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
    };
    let id = arg::int(&args[2])?;
    let target = u64::try_from(id).ok().and_then(|id| cx.engine.clients().get(ClientId(id)));
    // Who waits for the end of a pause is not in a blocking command.
    let target = target.filter(|client| client.has(ClientFlags::BLOCKED) && !client.has(ClientFlags::PAUSED));
    if let Some(client) = &target {
        client.unblock(reason);
    }
    cx.out.int(i64::from(target.is_some()));
    Ok(())
}
