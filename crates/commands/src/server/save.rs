//! SAVE, BGSAVE, BGREWRITEAOF, BACKUP, LASTSAVE, SHUTDOWN.

use crate::arg;
use redan_engine::{Arg, CmdResult, Command, Cx, Group, Park, SaveRefusal, ShutdownRequest, errors, flag};
use redan_resp::Args;

/// SAVE
pub(super) const SAVE: Command = Command::new("save", 1, save)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING | flag::NO_MULTI)
    .exclusive()
    .docs(
        Group::Server,
        "1.0.0",
        "O(N) where N is the total number of keys in all databases",
        "Synchronously saves the database(s) to disk.",
    );

/// BGSAVE [SCHEDULE]
pub(super) const BGSAVE: Command = Command::new("bgsave", -1, bgsave)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING)
    .exclusive()
    .docs(Group::Server, "1.0.0", "O(1)", "Asynchronously saves the database(s) to disk.")
    .args(&[Arg::token("schedule", "SCHEDULE").optional()]);

/// BGREWRITEAOF
pub(super) const BGREWRITEAOF: Command = Command::new("bgrewriteaof", 1, bgrewriteaof)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING)
    .exclusive()
    .docs(Group::Server, "1.0.0", "O(1)", "Asynchronously rewrites the append-only file to disk.");

/// BACKUP name
pub(super) const BACKUP: Command = Command::new("backup", 2, backup)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING | flag::NO_MULTI)
    .exclusive()
    .docs(
        Group::Server,
        "8.0.0",
        "O(N) where N is the number of files of the append-only file",
        "Links the files of the append-only file, as they are now, into a new directory beside it.",
    )
    .args(&[Arg::new("name", redan_engine::ArgKind::String)]);

/// LASTSAVE
pub(super) const LASTSAVE: Command = Command::new("lastsave", 1, lastsave)
    .flags(flag::LOADING | flag::STALE | flag::FAST)
    .acl(redan_engine::category::ADMIN | redan_engine::category::DANGEROUS)
    .docs(Group::Server, "1.0.0", "O(1)", "Returns the Unix timestamp of the last successful save to disk.")
    .tips(&["nondeterministic_output"]);

/// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
pub(super) const SHUTDOWN: Command = Command::new("shutdown", -1, shutdown)
    .flags(
        flag::ADMIN
            | flag::NOSCRIPT
            | flag::LOADING
            | flag::STALE
            | flag::NO_MULTI
            | flag::ALLOW_BUSY
            | flag::SENTINEL,
    )
    .exclusive()
    .docs(
        Group::Server,
        "1.0.0",
        "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
        "Synchronously saves the database(s) to disk and shuts down the Redis server.",
    )
    .args(&[
        Arg::one_of("save-selector", &[Arg::token("nosave", "NOSAVE"), Arg::token("save", "SAVE")]).optional(),
        Arg::token("now", "NOW").optional(),
        Arg::token("force", "FORCE").optional(),
        Arg::token("abort", "ABORT").optional(),
    ]);

fn save(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.host().save()?;
    cx.out.ok();
    Ok(())
}

fn bgsave(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let schedule = match args.len() {
        1 => false,
        2 if arg::is(&args[1], "SCHEDULE") => true,
        _ => return Err(errors::SYNTAX),
    };
    match cx.host().bgsave(schedule) {
        Ok(true) => cx.out.simple("Background saving started"),
        Ok(false) => cx.out.simple("Background saving scheduled"),
        Err(SaveRefusal::InProgress) => return Err(errors::SAVE_IN_PROGRESS),
        Err(SaveRefusal::OtherInProgress) => return Err(errors::OTHER_SNAPSHOT),
        Err(SaveRefusal::Failed) => return Err(errors::SAVE_FAILED),
    }
    Ok(())
}

fn bgrewriteaof(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    if cx.host().bgrewriteaof()? {
        cx.out.simple("Background append only file rewriting started");
    } else {
        cx.out.simple("Background append only file rewriting scheduled");
    }
    Ok(())
}

fn backup(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.host().backup(&cx.session.client, &args[1])?;
    cx.park(Park::Host { deadline_ms: None });
    Ok(())
}

fn lastsave(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.out.int(cx.host().last_save_s());
    Ok(())
}

fn shutdown(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut request = ShutdownRequest::default();
    let mut abort = false;
    for option in args.skip(1).iter() {
        let known = [
            ("NOSAVE", &mut request.nosave),
            ("SAVE", &mut request.save),
            ("NOW", &mut request.now),
            ("FORCE", &mut request.force),
            ("ABORT", &mut abort),
        ];
        let (_, wanted) = known.into_iter().find(|(word, _)| arg::is(option, word)).ok_or(errors::SYNTAX)?;
        *wanted = true;
    }
    if (request.save && request.nosave) || (abort && args.len() > 2) {
        return Err(errors::SYNTAX);
    }
    if abort {
        cx.host().shutdown_abort()?;
        cx.out.ok();
        return Ok(());
    }
    if cx.engine.is_busy() {
        // A script's time is over: it can only be ended, with all that it has not written to disk.
        if !request.nosave {
            return Err(errors::BUSY);
        }
        request.now = true;
    }
    if cx.host().shutdown(&cx.session.client, request)? && cx.may_wait() {
        cx.park(Park::Host { deadline_ms: None });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let mut rig = Rig::new();
        for wrong in ["SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW", "SHUTDOWN LATER", "BGSAVE NOW"] {
            assert_eq!(rig.run(wrong), "-ERR syntax error", "{wrong}");
        }
        assert_eq!(rig.run("BGSAVE SCHEDULE"), "+Background saving started");
        assert_eq!(rig.run("LASTSAVE"), ":1700000000");
    }
}
