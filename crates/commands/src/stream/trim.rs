//! XTRIM: old entries go.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, flag, key_flag, notify_class};
use redan_keyspace::Stream;
use redan_resp::Args;
use smallvec::SmallVec;

use super::options::{Options, REFERENCES_SYNTAX, TRIM_SYNTAX};
use super::texts;
use crate::typed;

/// XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]
pub(super) const XTRIM: Command = Command::new("xtrim", -4, xtrim)
    .flags(flag::WRITE)
    .acl(category::STREAM)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::DELETE)])
    .docs(
        Group::Stream,
        "5.0.0",
        "O(N) for N entries that go; a whole node of them costs as little as one.",
        "Deletes entries from the beginning of a stream.",
    )
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0), TRIM_SYNTAX, REFERENCES_SYNTAX]);

fn xtrim(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let options = Options::parse(cx, args, false)?;
    let option = options.trim.ok_or(texts::NO_STRATEGY)?;
    let key = cx.key(&args[1]);
    let Some(mut entry) = typed::edit::<Stream>(&mut cx.view, &key)? else {
        cx.out.int(0);
        return Ok(());
    };
    let stream = entry.aggregate_mut::<Stream>().expect("its type was checked");
    let deleted = stream.trim(&option.trim);
    cx.out.int(deleted as i64);
    if deleted == 0 {
        return Ok(());
    }
    let threshold = option.exact_threshold(stream.log());
    entry.changed(deleted);
    if let Some(threshold) = threshold {
        let mut form: SmallVec<[&[u8]; 8]> = args.iter().collect();
        option.make_exact(&mut form, &threshold);
        cx.propagate(&form);
    }
    cx.notify(notify_class::STREAM, "xtrim", key.bytes);
    Ok(())
}
