//! OBJECT: how a value is stored, and how it was used.

use redan_engine::{Arg, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_keyspace::{EntryRef, EvictionPolicy, StringRef};
use redan_resp::Args;

const KEYS: &[KeySpec] = &[KeySpec::one(2, key_flag::RO)];
const ARGS: &[Arg] = &[Arg::key("key", 0)];
const TIPS: &[&str] = &["nondeterministic_output"];

/// OBJECT subcommand
pub(super) const OBJECT: Command = Command::new("object", -2, crate::container)
    .docs(
        Group::Generic,
        "2.2.3",
        "Depends on subcommand.",
        "Tells how the values of keys are stored and used.",
    )
    .subcommands(&[
        Command::new("encoding", 3, encoding)
            .flags(flag::READONLY)
            .acl(category::KEYSPACE)
            .keys(KEYS)
            .docs(Group::Generic, "2.2.3", "O(1)", "Returns the internal representation of a value.")
            .tips(TIPS)
            .args(ARGS),
        Command::new("freq", 3, freq)
            .flags(flag::READONLY)
            .acl(category::KEYSPACE)
            .keys(KEYS)
            .docs(Group::Generic, "4.0.0", "O(1)", "Returns the logarithmic counter of a key's uses.")
            .tips(TIPS)
            .args(ARGS),
        Command::new("help", 2, help).flags(flag::LOADING | flag::STALE).acl(category::KEYSPACE).docs(
            Group::Generic,
            "6.2.0",
            "O(1)",
            "Explains the subcommands.",
        ),
        Command::new("idletime", 3, idletime)
            .flags(flag::READONLY)
            .acl(category::KEYSPACE)
            .keys(KEYS)
            .docs(Group::Generic, "2.2.3", "O(1)", "Returns the seconds since a key was last used.")
            .tips(TIPS)
            .args(ARGS),
        Command::new("refcount", 3, refcount)
            .flags(flag::READONLY)
            .acl(category::KEYSPACE)
            .keys(KEYS)
            .docs(Group::Generic, "2.2.3", "O(1)", "Returns how often a value is referred to.")
            .tips(TIPS)
            .args(ARGS),
    ]);

fn encoding(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = cx.key(&args[2]);
    match cx.view.peek(&key) {
        Some(entry) => cx.out.bulk(entry.encoding().as_str().as_bytes()),
        None => cx.out.null(),
    }
    Ok(())
}

fn freq(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let lfu = cx.engine.keyspace().clock().is_lfu();
    let now_ms = cx.now_ms;
    reply_int(cx, &args, |entry| {
        if lfu { Ok(i64::from(entry.lfu_freq(now_ms))) } else { Err(errors::FREQ_NOT_TRACKED) }
    })
}

fn idletime(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let lfu = cx.engine.keyspace().clock().is_lfu();
    let now_ms = cx.now_ms;
    reply_int(cx, &args, |entry| {
        if lfu { Err(errors::IDLE_NOT_TRACKED) } else { Ok((entry.idle_ms(now_ms) / 1000) as i64) }
    })
}

/// What Redis answers for the integers that all its keys share, as long as no eviction policy needs a clock for each.
const SHARED_REFERENCES: i64 = i32::MAX as i64;
const SHARED_INTEGERS: std::ops::Range<i64> = 0..10_000;

fn refcount(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let settings = cx.engine.settings();
    let clocked = !matches!(
        settings.maxmemory_policy,
        EvictionPolicy::NoEviction
            | EvictionPolicy::AllKeysRandom
            | EvictionPolicy::VolatileRandom
            | EvictionPolicy::VolatileTtl
    );
    let shares = settings.maxmemory == 0 || !clocked;
    reply_int(cx, &args, |entry| match entry.string() {
        Some(StringRef::Int(value)) if shares && SHARED_INTEGERS.contains(&value) => Ok(SHARED_REFERENCES),
        _ => Ok(1),
    })
}

/// Replies a figure of the key, which is looked at without a trace.
fn reply_int(
    cx: &mut Cx<'_, '_>,
    args: &Args<'_>,
    figure: impl FnOnce(EntryRef<'_>) -> Result<i64, redan_engine::ReplyError>,
) -> CmdResult {
    let key = cx.key(&args[2]);
    match cx.view.peek(&key) {
        Some(entry) => cx.out.int(figure(entry)?),
        None => cx.out.null(),
    }
    Ok(())
}

fn help(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    crate::help(
        cx,
        "OBJECT",
        &[
            ("ENCODING <key>", "How the value of the key is stored."),
            ("FREQ <key>", "How often the key is used, as a logarithmic counter."),
            ("IDLETIME <key>", "Seconds since the key was last used, about."),
            ("REFCOUNT <key>", "How often the value of the key is referred to."),
        ],
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn strings() {
        let mut rig = Rig::new();
        rig.run("SET int 20000");
        rig.run("SET shared 7");
        rig.run("SET embstr hello");
        rig.run_args(&[b"SET", b"raw", &[b'x'; 45]]);
        rig.run("SET appended hello");
        rig.run("APPEND appended !");
        rig.run("SET float 1");
        rig.run("INCRBYFLOAT float 1");
        for (key, encoding) in [
            ("int", "$3|int"),
            ("shared", "$3|int"),
            ("embstr", "$6|embstr"),
            ("raw", "$3|raw"),
            ("appended", "$3|raw"),
            ("float", "$6|embstr"),
            ("none", "$-1"),
        ] {
            assert_eq!(rig.run(&format!("OBJECT ENCODING {key}")), encoding, "{key}");
        }
        assert_eq!(rig.run("OBJECT REFCOUNT int"), ":1");
        assert_eq!(rig.run("OBJECT REFCOUNT shared"), ":2147483647");
        assert_eq!(rig.run("OBJECT REFCOUNT none"), "$-1");
    }

    #[test]
    fn uses() {
        let mut rig = Rig::new();
        rig.run("SET k v");
        rig.advance_ms(7000);
        assert_eq!(rig.run("OBJECT IDLETIME k"), ":7");
        assert_eq!(rig.run("TTL k"), ":-1");
        assert_eq!(rig.run("OBJECT idletime k"), ":7", "neither OBJECT nor TTL is a use");
        assert_eq!(rig.run("TOUCH k none"), ":1");
        assert_eq!(rig.run("OBJECT IDLETIME k"), ":0");
        assert!(rig.run("OBJECT FREQ k").starts_with("-ERR An LFU maxmemory policy is not selected"));
        assert_eq!(rig.run("OBJECT FREQ none"), "$-1");
        rig.engine.keyspace().clock().set_lfu(true);
        rig.run("SET f v");
        assert!(rig.run("OBJECT FREQ f").starts_with(':'));
        assert!(rig.run("OBJECT IDLETIME f").starts_with("-ERR An LFU maxmemory policy is selected"));
    }

    #[test]
    fn unknown_subcommands_are_refused() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("OBJECT NOPE k"), "-ERR unknown subcommand 'NOPE'. Try OBJECT HELP.");
        assert_eq!(rig.run("OBJECT"), "-ERR wrong number of arguments for 'object' command");
        assert!(rig.run("OBJECT HELP").starts_with("*11|+OBJECT <subcommand>"));
    }
}
