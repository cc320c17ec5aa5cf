//! EVAL, EVALSHA and their read-only forms.

use super::{ARGV, KEYS, NUMKEYS};
use crate::arg;
use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Flags, Group, KeySpec, ReplyError, Script, category, errors, flag,
    key_flag,
};
use redan_resp::Args;

const WRITING: Flags =
    flag::NOSCRIPT | flag::STALE | flag::SKIP_MONITOR | flag::MAY_REPLICATE | flag::NO_MANDATORY_KEYS;
const READING: Flags =
    flag::NOSCRIPT | flag::STALE | flag::SKIP_MONITOR | flag::NO_MANDATORY_KEYS | flag::READONLY;

const WRITTEN_KEYS: &[KeySpec] = &[KeySpec {
    notes: "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE",
    ..KeySpec::counted(2, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)
}];
const READ_KEYS: &[KeySpec] = &[KeySpec {
    notes: "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS",
    ..KeySpec::counted(2, key_flag::RO | key_flag::ACCESS)
}];

const SCRIPT: Arg = Arg::new("script", ArgKind::String);
const SHA1: Arg = Arg::new("sha1", ArgKind::String);
const COMPLEXITY: &str = "Depends on the script that is executed.";

/// EVAL script numkeys [key [key ...]] [arg [arg ...]]
pub(super) const EVAL: Command = Command::new("eval", -3, eval)
    .flags(WRITING)
    .acl(category::SCRIPTING)
    .exclusive()
    .keys(WRITTEN_KEYS)
    .docs(Group::Scripting, "2.6.0", COMPLEXITY, "Executes a server-side Lua script.")
    .args(&[SCRIPT, NUMKEYS, KEYS, ARGV]);

/// EVAL_RO script numkeys [key [key ...]] [arg [arg ...]]
pub(super) const EVAL_RO: Command = Command::new("eval_ro", -3, eval_ro)
    .flags(READING)
    .acl(category::SCRIPTING)
    .exclusive()
    .keys(READ_KEYS)
    .docs(Group::Scripting, "7.0.0", COMPLEXITY, "Executes a read-only server-side Lua script.")
    .args(&[SCRIPT, NUMKEYS, KEYS, ARGV]);

/// EVALSHA sha1 numkeys [key [key ...]] [arg [arg ...]]
pub(super) const EVALSHA: Command = Command::new("evalsha", -3, evalsha)
    .flags(WRITING)
    .acl(category::SCRIPTING)
    .exclusive()
    .keys(WRITTEN_KEYS)
    .docs(Group::Scripting, "2.6.0", COMPLEXITY, "Executes a cached server-side Lua script by its SHA-1.")
    .args(&[SHA1, NUMKEYS, KEYS, ARGV]);

/// EVALSHA_RO sha1 numkeys [key [key ...]] [arg [arg ...]]
pub(super) const EVALSHA_RO: Command = Command::new("evalsha_ro", -3, evalsha_ro)
    .flags(READING)
    .acl(category::SCRIPTING)
    .exclusive()
    .keys(READ_KEYS)
    .docs(
        Group::Scripting,
        "7.0.0",
        COMPLEXITY,
        "Executes a cached read-only server-side Lua script by its SHA-1.",
    )
    .args(&[SHA1, NUMKEYS, KEYS, ARGV]);

fn eval(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    run(cx, args, false, |cx| cx.engine.scripts().eval(&args[1]))
}

fn eval_ro(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    run(cx, args, true, |cx| cx.engine.scripts().eval(&args[1]))
}

fn evalsha(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    run(cx, args, false, |cx| cx.engine.scripts().eval_sha(&args[1]))
}

fn evalsha_ro(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    run(cx, args, true, |cx| cx.engine.scripts().eval_sha(&args[1]))
}

fn run<'k>(
    cx: &mut Cx<'_, 'k>,
    args: Args<'_>,
    read_only: bool,
    find: impl FnOnce(&Cx<'_, 'k>) -> Result<Script, ReplyError>,
) -> CmdResult {
    cx.show_to_monitors(args);
    let keys = key_count(args, arg::int(&args[2])?)?;
    let script = find(cx)?;
    cx.run_script(script, keys, read_only)
}

/// Checks a count of keys against the arguments there are.
pub(super) fn key_count(args: Args<'_>, keys: i64) -> Result<usize, ReplyError> {
    match usize::try_from(keys) {
        Err(_) => Err(errors::NEGATIVE_KEYS),
        Ok(keys) if keys > args.len() - 3 => Err(errors::TOO_MANY_KEYS),
        Ok(keys) => Ok(keys),
    }
}
