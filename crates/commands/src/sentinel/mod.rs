//! SENTINEL. The Sentinel itself lives outside of the engine: all of its commands go to the host.

mod rows;

use crate::container;
use redan_engine::{CmdResult, Command, Cx, Group, Park, ReplyError, flag};
use redan_resp::Args;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[SENTINEL];

/// SENTINEL
const SENTINEL: Command = Command::new("sentinel", -2, container)
    .flags(flag::ADMIN | flag::ONLY_SENTINEL)
    .docs(Group::Sentinel, "2.8.4", "Depends on subcommand.", "A container for Redis Sentinel commands.")
    .subcommands(rows::SUBCOMMANDS);

/// Asks the Sentinel; what it promises may have to be on disk before it can be said.
pub(crate) fn ask(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let wait = cx.host().sentinel(cx.session, args, cx.out)?;
    if wait && !cx.may_wait() {
        return Err(ReplyError::fixed("ERR this cannot be waited for inside of a transaction"));
    }
    if wait {
        cx.park(Park::Host { deadline_ms: None });
    }
    Ok(())
}
