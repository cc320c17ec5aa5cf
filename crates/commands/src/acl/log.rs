//! ACL LOG.

use crate::arg;
use redan_engine::{CmdResult, Cx, errors};
use redan_resp::Args;

/// Entries shown when nobody says how many.
const DEFAULT_COUNT: usize = 10;

/// ACL LOG [count | RESET]
pub(super) fn log(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 3 {
        return Err(errors::unknown_subcommand_or_arity("ACL", &args[1]));
    }
    let log = cx.engine.users().log();
    let count = match args.get(2) {
        None => DEFAULT_COUNT,
        Some(word) if arg::is(word, "RESET") => {
            log.reset();
            cx.out.ok();
            return Ok(());
        }
        Some(count) => usize::try_from(arg::int(count)?).unwrap_or(0),
    };
    let entries = log.newest(count);
    cx.out.array(entries.len());
    for entry in entries {
        cx.out.map(10);
        cx.out.bulk(b"count");
        cx.out.int(entry.count as i64);
        for (name, value) in [
            ("reason", entry.reason.as_bytes()),
            ("context", entry.context.name().as_bytes()),
            ("object", &entry.object),
            ("username", &entry.user),
        ] {
            cx.out.bulk(name.as_bytes());
            cx.out.bulk(value);
        }
        cx.out.bulk(b"age-seconds");
        cx.out.double((cx.now_ms - entry.updated_ms) as f64 / 1000.0);
        cx.out.bulk(b"client-info");
        cx.out.bulk(entry.client.as_bytes());
        for (name, value) in [
            ("entry-id", entry.id as i64),
            ("timestamp-created", entry.created_ms),
            ("timestamp-last-updated", entry.updated_ms),
        ] {
            cx.out.bulk(name.as_bytes());
            cx.out.int(value);
        }
    }
    Ok(())
}
