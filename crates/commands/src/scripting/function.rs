//! FCALL and FCALL_RO.

use super::eval::key_count;
use super::{ARGV, KEYS, NUMKEYS};
use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_resp::{Args, parse_i64};

const FUNCTION: Arg = Arg::new("function", ArgKind::String);
const COMPLEXITY: &str = "Depends on the function that is executed.";

/// FCALL function numkeys [key [key ...]] [arg [arg ...]]
pub(super) const FCALL: Command = Command::new("fcall", -3, fcall)
    .flags(flag::NOSCRIPT | flag::STALE | flag::SKIP_MONITOR | flag::MAY_REPLICATE | flag::NO_MANDATORY_KEYS)
    .acl(category::SCRIPTING)
    .exclusive()
    .keys(&[KeySpec {
        notes: "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE",
        ..KeySpec::counted(2, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)
    }])
    .docs(Group::Scripting, "7.0.0", COMPLEXITY, "Invokes a function.")
    .args(&[FUNCTION, NUMKEYS, KEYS, ARGV]);

/// FCALL_RO function numkeys [key [key ...]] [arg [arg ...]]
pub(super) const FCALL_RO: Command = Command::new("fcall_ro", -3, fcall_ro)
    .flags(flag::NOSCRIPT | flag::STALE | flag::SKIP_MONITOR | flag::NO_MANDATORY_KEYS | flag::READONLY)
    .acl(category::SCRIPTING)
    .exclusive()
    .keys(&[KeySpec {
        notes: "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS",
        ..KeySpec::counted(2, key_flag::RO | key_flag::ACCESS)
    }])
    .docs(Group::Scripting, "7.0.0", COMPLEXITY, "Invokes a read-only function.")
    .args(&[FUNCTION, NUMKEYS, KEYS, ARGV]);

fn fcall(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    call(cx, args, false)
}

fn fcall_ro(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    call(cx, args, true)
}

fn call(cx: &mut Cx<'_, '_>, args: Args<'_>, read_only: bool) -> CmdResult {
    cx.show_to_monitors(args);
    let function = cx.engine.scripts().function(&args[1])?;
    let keys = key_count(args, parse_i64(&args[2]).ok_or(errors::BAD_KEY_COUNT)?)?;
    cx.run_script(function, keys, read_only)
}
