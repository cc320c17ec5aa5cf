//! MSETEX: several strings at once, with one expiry and one condition for all.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, FindKeys, Group, KeySpec, ReplyError, category, errors, flag,
    key_flag, notify_class,
};
use redan_keyspace::{IntText, SetTtl};
use redan_resp::Args;

use super::expiration::{Expiration, Form};
use super::value::store;
use crate::arg;

/// MSETEX numkeys key value [key value ...] [NX | XX] [EX seconds | PX ms | EXAT unix-seconds | PXAT unix-ms | KEEPTTL]
pub(super) const MSETEX: Command = Command::new("msetex", -4, msetex)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::STRING)
    .keys(&[KeySpec {
        find: FindKeys::KeyNum { num: 0, first: 1, step: 2 },
        ..KeySpec::counted(1, key_flag::OW | key_flag::UPDATE)
    }])
    .docs(
        Group::String,
        "8.4.0",
        "O(N) where N is the number of keys to set.",
        "Stores several strings at once, with an expiry and a condition for all of them.",
    )
    .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
    .args(&[
        Arg::new("numkeys", ArgKind::Integer),
        Arg::block("data", &[Arg::key("key", 0), Arg::new("value", ArgKind::String)]).multiple(),
        Arg::one_of("condition", &[Arg::token("nx", "NX"), Arg::token("xx", "XX")]).optional(),
        Arg::one_of(
            "expiration",
            &[
                Arg::new("seconds", ArgKind::Integer).after("EX"),
                Arg::new("milliseconds", ArgKind::Integer).after("PX"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).after("EXAT"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("PXAT"),
                Arg::token("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
    ]);

/// What may follow the pairs.
#[derive(Default)]
struct Options<'a> {
    /// Whether all keys have to be there, or all must not be.
    present: Option<bool>,
    keep_ttl: bool,
    expiration: Option<Expiration<'a>>,
}

impl<'a> Options<'a> {
    fn parse(words: Args<'a>) -> Result<Self, ReplyError> {
        let mut options = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if let Some(present) =
                [("NX", false), ("XX", true)].iter().find(|(known, _)| arg::is(word, known))
            {
                if options.present.replace(present.1).is_some() {
                    return Err(errors::SYNTAX);
                }
                continue;
            }
            if options.keep_ttl || options.expiration.is_some() {
                return Err(errors::SYNTAX);
            }
            if arg::is(word, "KEEPTTL") {
                options.keep_ttl = true;
            } else {
                let form = Form::of(word).ok_or(errors::SYNTAX)?;
                options.expiration = Some(Expiration { form, text: rest.next().ok_or(errors::SYNTAX)? });
            }
        }
        Ok(options)
    }
}

fn msetex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let number = arg::int(&args[1]).ok().and_then(|number| usize::try_from(number).ok());
    let number = number.filter(|&number| number > 0).ok_or(errors::INVALID_NUMKEYS)?;
    let words = args.skip(2);
    let pairs = number.checked_mul(2).filter(|&pairs| pairs <= words.len()).ok_or(errors::PAIRS_MISSING)?;
    let options = Options::parse(words.skip(pairs))?;
    let expire_at_ms = options.expiration.map(|expiration| expiration.at_ms(cx)).transpose()?;
    let pairs = words.take(pairs);
    if let Some(present) = options.present
        && pairs.iter().step_by(2).any(|key| cx.view.peek(&cx.key(key)).is_some() != present)
    {
        cx.out.int(0);
        return Ok(());
    }
    let ttl = match expire_at_ms {
        Some(at_ms) => SetTtl::At(at_ms),
        None if options.keep_ttl => SetTtl::Keep,
        None => SetTtl::Clear,
    };
    let mut rest = pairs.iter();
    while let (Some(key), Some(value)) = (rest.next(), rest.next()) {
        let key = cx.key(key);
        store(cx, &key, value, ttl);
        // Replicas and files need not know this command.
        match ttl {
            SetTtl::At(at_ms) => {
                cx.notify(notify_class::GENERIC, "expire", key.bytes);
                cx.propagate(&[b"SET", key.bytes, value, b"PXAT", IntText::new().format(at_ms)]);
            }
            SetTtl::Keep => cx.propagate(&[b"SET", key.bytes, value, b"KEEPTTL"]),
            SetTtl::Clear => cx.propagate(&[b"SET", key.bytes, value]),
        }
    }
    cx.out.int(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn all_keys_or_none() {
        Rig::new().check(&[
            ("SET z 1", "+OK", "SET z 1"),
            ("MSETEX 2 a 1 b 2", ":1", "MULTI; SET a 1; SET b 2; EXEC"),
            ("MSETEX 2 b 3 c 4 NX", ":0", ""),
            ("MSETEX 2 b 3 c 4 XX", ":0", ""),
            ("MSETEX 1 c 4 NX PXAT 1800000000000", ":1", "SET c 4 PXAT 1800000000000"),
            ("MSETEX 1 c 5 KEEPTTL XX", ":1", "SET c 5 KEEPTTL"),
            ("EXPIRETIME c", ":1800000000", ""),
            ("MSETEX 1 a 5 EXAT 1800000000", ":1", "SET a 5 PXAT 1800000000000"),
            ("MGET a b c", "*3|$1|5|$1|2|$1|5", ""),
        ]);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        Rig::new().check(&[
            ("MSETEX 0 a 1", "-ERR invalid numkeys value", ""),
            ("MSETEX x a 1", "-ERR invalid numkeys value", ""),
            ("MSETEX 2 a 1", "-ERR wrong number of key-value pairs", ""),
            ("MSETEX 9223372036854775807 a 1", "-ERR wrong number of key-value pairs", ""),
            ("MSETEX 1 a 1 NX XX", "-ERR syntax error", ""),
            ("MSETEX 1 a 1 EX", "-ERR syntax error", ""),
            ("MSETEX 1 a 1 EX 1 PX 1", "-ERR syntax error", ""),
            ("MSETEX 1 a 1 EX 0", "-ERR invalid expire time in 'msetex' command", ""),
            ("EXISTS a", ":0", ""),
        ]);
    }
}
