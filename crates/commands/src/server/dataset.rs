//! DBSIZE, FLUSHDB, FLUSHALL, SWAPDB, TIME.

use crate::arg;
use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, ReplyError, category, errors, flag};
use redan_keyspace::DbIndex;
use redan_resp::Args;
use std::sync::atomic::Ordering;

/// DBSIZE
pub(super) const DBSIZE: Command = Command::new("dbsize", 1, dbsize)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::KEYSPACE)
    .docs(Group::Server, "1.0.0", "O(1)", "Returns the number of keys in the database.")
    .tips(&["request_policy:all_shards", "response_policy:agg_sum"]);

const FLUSH_ARGS: &[Arg] =
    &[Arg::one_of("flush-type", &[Arg::token("async", "ASYNC"), Arg::token("sync", "SYNC")]).optional()];

/// FLUSHDB [ASYNC | SYNC]
pub(super) const FLUSHDB: Command = Command::new("flushdb", -1, flushdb)
    .flags(flag::WRITE)
    .acl(category::KEYSPACE | category::DANGEROUS)
    .exclusive()
    .docs(
        Group::Server,
        "1.0.0",
        "O(N) where N is the number of keys in the selected database",
        "Removes all keys from the current database.",
    )
    .args(FLUSH_ARGS)
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]);

/// FLUSHALL [ASYNC | SYNC]
pub(super) const FLUSHALL: Command = Command::new("flushall", -1, flushall)
    .flags(flag::WRITE)
    .acl(category::KEYSPACE | category::DANGEROUS)
    .exclusive()
    .docs(
        Group::Server,
        "1.0.0",
        "O(N) where N is the total number of keys in all databases",
        "Removes all keys from all databases.",
    )
    .args(FLUSH_ARGS)
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]);

/// SWAPDB index1 index2
pub(super) const SWAPDB: Command = Command::new("swapdb", 3, swapdb)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::KEYSPACE | category::DANGEROUS)
    .exclusive()
    .docs(
        Group::Server,
        "4.0.0",
        "O(N) where N is the count of clients watching or blocking on keys from both databases.",
        "Swaps two databases.",
    )
    .args(&[Arg::new("index1", ArgKind::Integer), Arg::new("index2", ArgKind::Integer)]);

/// TIME
pub(super) const TIME: Command = Command::new("time", 1, time)
    .flags(flag::LOADING | flag::STALE | flag::FAST)
    .docs(Group::Server, "2.6.0", "O(1)", "Returns the server time.")
    .tips(&["nondeterministic_output"]);

fn dbsize(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.out.int(cx.engine.keyspace().len(cx.db()) as i64);
    Ok(())
}

fn flushdb(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    flush(cx, args, Some(cx.db()))
}

fn flushall(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    flush(cx, args, None)
}

fn flush(cx: &mut Cx<'_, '_>, args: Args<'_>, db: Option<DbIndex>) -> CmdResult {
    let lazy = wants_async(cx, args)?;
    let keyspace = cx.engine.keyspace();
    let gone = match db {
        Some(db) => keyspace.flush(db),
        None => keyspace.flush_all(),
    };
    // It goes to replicas even if there was nothing to flush: theirs may differ.
    cx.add_dirty(gone.keys().max(1));
    if lazy || !cx.is_nested() {
        // As Redis counts: a plain FLUSHALL outside of a transaction is one in the background that is waited for.
        cx.engine.counters().lazyfreed_objects.fetch_add(gone.keys(), Ordering::Relaxed);
    }
    if lazy {
        cx.free_later(gone);
    } else {
        drop(gone);
    }
    cx.host().dataset_flushed(db);
    cx.out.ok();
    Ok(())
}

fn wants_async(cx: &Cx<'_, '_>, args: Args<'_>) -> Result<bool, ReplyError> {
    match args.len() {
        1 => Ok(cx.engine.settings().lazyfree_lazy_user_flush),
        2 if arg::is(&args[1], "ASYNC") => Ok(true),
        2 if arg::is(&args[1], "SYNC") => Ok(false),
        _ => Err(errors::SYNTAX),
    }
}

fn swapdb(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let first = arg::int(&args[1]).map_err(|_| errors::err("invalid first DB index"))?;
    let second = arg::int(&args[2]).map_err(|_| errors::err("invalid second DB index"))?;
    let (first, second) = (database(cx, first)?, database(cx, second)?);
    cx.settle_watched(first, second);
    cx.engine.keyspace().swap(first, second);
    cx.add_dirty(1);
    cx.out.ok();
    Ok(())
}

fn database(cx: &Cx<'_, '_>, index: i64) -> Result<DbIndex, ReplyError> {
    u32::try_from(index)
        .ok()
        .filter(|&index| index < cx.engine.keyspace().databases())
        .map(DbIndex)
        .ok_or(errors::DB_RANGE)
}

fn time(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    // Time stands still inside of transactions and scripts.
    let now_us = if cx.is_nested() { cx.now_ms * 1000 } else { cx.engine.clock().wall_us() };
    cx.out.array(2);
    cx.out.bulk_int(now_us / 1_000_000);
    cx.out.bulk_int(now_us % 1_000_000);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn flushing_counts_and_propagates() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("DBSIZE"), ":0");
        assert_eq!(rig.run("FLUSHALL"), "+OK");
        assert_eq!(rig.run("FLUSHDB ASYNC"), "+OK");
        assert_eq!(rig.run("FLUSHDB NOW"), "-ERR syntax error");
        assert_eq!(rig.propagated(), "SELECT 0; FLUSHALL; FLUSHDB ASYNC");
    }

    #[test]
    fn swapdb_checks_both() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("SWAPDB a 1"), "-ERR invalid first DB index");
        assert_eq!(rig.run("SWAPDB 1 b"), "-ERR invalid second DB index");
        assert_eq!(rig.run("SWAPDB 1 16"), "-ERR DB index is out of range");
        assert_eq!(rig.run("SWAPDB 1 2"), "+OK");
    }

    #[test]
    fn time_is_the_clock() {
        assert_eq!(Rig::new().run("TIME"), "*2|$10|1700000000|$1|0");
    }
}
