//! The options of XADD and XTRIM, and the one that says what becomes of references.

use redan_engine::{Arg, ArgKind, Cx, ReplyError, errors};
use redan_keyspace::Limit;
use redan_keyspace::stream::{EntryLog, References, StreamId, Trim, TrimBy};
use redan_resp::Args;

use super::{id, texts};
use crate::arg;

/// Most entries that approximate trimming takes at once unless the client says more.
const LIMIT_MAX: u64 = 1_000_000;

/// How XADD and XTRIM say what to trim.
pub(super) const TRIM_SYNTAX: Arg = Arg::block(
    "trim",
    &[
        Arg::one_of("strategy", &[Arg::token("maxlen", "MAXLEN"), Arg::token("minid", "MINID")]),
        Arg::one_of("operator", &[Arg::token("equal", "="), Arg::token("approximately", "~")]).optional(),
        Arg::new("threshold", ArgKind::String),
        Arg::new("count", ArgKind::Integer).after("LIMIT").optional(),
    ],
);

/// How commands say what becomes of references.
pub(super) const REFERENCES_SYNTAX: Arg = Arg::one_of(
    "condition",
    &[Arg::token("keepref", "KEEPREF"), Arg::token("delref", "DELREF"), Arg::token("acked", "ACKED")],
)
.optional();

/// What a word says about references, if it does.
pub(super) fn references(word: &[u8]) -> Option<References> {
    match word {
        word if arg::is(word, "KEEPREF") => Some(References::Keep),
        word if arg::is(word, "DELREF") => Some(References::Delete),
        word if arg::is(word, "ACKED") => Some(References::Acknowledged),
        _ => None,
    }
}

/// The id that XADD is to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewId {
    /// `*`: by the clock.
    Auto,
    /// `ms-*`: the next one of that millisecond.
    AutoSeq(u64),
    /// This one.
    Given(StreamId),
}

/// What is to be trimmed, and where the arguments say so.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrimOption {
    pub(super) trim: Trim,
    /// Index of the length or id.
    at: usize,
}

impl TrimOption {
    /// The threshold of exact trimming that has just done the same, whatever the nodes of whoever repeats it are like;
    /// `None` if it was exact.
    pub(super) fn exact_threshold(&self, log: &EntryLog) -> Option<String> {
        self.trim.approximate.then(|| match self.trim.by {
            TrimBy::Length(_) => log.len().to_string(),
            TrimBy::Id(_) => log.first_id().unwrap_or(StreamId::MAX).to_string(),
        })
    }

    /// Makes the arguments say so.
    pub(super) fn make_exact<'a>(&self, args: &mut [&'a [u8]], threshold: &'a str) {
        args[self.at - 1] = b"=";
        args[self.at] = threshold.as_bytes();
    }
}

/// The options of XADD and XTRIM.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) trim: Option<TrimOption>,
    /// XADD NOMKSTREAM.
    pub(super) must_exist: bool,
    pub(super) new_id: NewId,
    /// Index of XADD's id.
    pub(super) id_at: usize,
}

/// What was read so far.
#[derive(Default)]
struct Given {
    by: Option<(TrimBy, bool, usize)>,
    limit: Option<u64>,
    references: Option<References>,
}

impl Options {
    /// Reads the options of XADD up to its id, or all of XTRIM's.
    ///
    /// # Errors
    /// A syntax error, or one of the texts that belong to an option.
    pub(super) fn parse(cx: &Cx<'_, '_>, args: Args<'_>, is_add: bool) -> Result<Self, ReplyError> {
        let mut given = Given::default();
        let (mut must_exist, mut new_id, mut at) = (false, NewId::Auto, 2);
        while let Some(word) = args.get(at) {
            let more = args.len() - 1 - at;
            if is_add && word == b"*" {
                break;
            } else if more > 0 && (arg::is(word, "MAXLEN") || arg::is(word, "MINID")) {
                at = given.strategy(args, at, arg::is(word, "MINID"))?;
            } else if more > 0 && arg::is(word, "LIMIT") {
                let limit = arg::int(&args[at + 1])?;
                given.limit = Some(u64::try_from(limit).map_err(|_| texts::NEGATIVE_LIMIT)?);
                at += 1;
            } else if is_add && arg::is(word, "NOMKSTREAM") {
                must_exist = true;
            } else if let Some(references) = references(word) {
                if given.references.replace(references).is_some() {
                    return Err(texts::TWO_REFERENCES);
                }
            } else if is_add {
                new_id = parse_new_id(word)?;
                break;
            } else {
                return Err(errors::SYNTAX);
            }
            at += 1;
        }
        Ok(Self { trim: given.finish(cx, is_add)?, must_exist, new_id, id_at: at })
    }
}

impl Given {
    /// Reads MAXLEN or MINID at `at`, and gives back the index of its last argument.
    fn strategy(&mut self, args: Args<'_>, mut at: usize, by_id: bool) -> Result<usize, ReplyError> {
        if self.by.is_some() {
            return Err(texts::TWO_STRATEGIES);
        }
        at += 1;
        let operator = Some(&args[at]).filter(|word| args.len() - at >= 2 && matches!(*word, b"~" | b"="));
        let approximate = operator == Some(b"~");
        at += usize::from(operator.is_some());
        let by = if by_id {
            TrimBy::Id(id::parse(&args[at], 0)?)
        } else {
            TrimBy::Length(u64::try_from(arg::int(&args[at])?).map_err(|_| texts::NEGATIVE_MAXLEN)?)
        };
        self.by = Some((by, approximate, at));
        Ok(at)
    }

    fn finish(self, cx: &Cx<'_, '_>, is_add: bool) -> Result<Option<TrimOption>, ReplyError> {
        let Some((by, approximate, at)) = self.by else {
            return match self.limit {
                Some(1..) => Err(texts::LIMIT_WITHOUT_STRATEGY),
                _ if !is_add => Err(texts::NO_STRATEGY),
                _ => Ok(None),
            };
        };
        let limit = match self.limit {
            // What our master or a file says was made exact, and is to be done whole.
            _ if !cx.is_from_client() => 0,
            Some(_) if !approximate => return Err(texts::LIMIT_WITHOUT_TILDE),
            Some(limit) => limit,
            None if approximate => default_limit(cx),
            None => 0,
        };
        let references = self.references.unwrap_or_default();
        Ok(Some(TrimOption { trim: Trim { by, approximate, limit, references }, at }))
    }
}

/// How much approximate trimming takes at once, so that nobody waits long for it.
fn default_limit(cx: &Cx<'_, '_>) -> u64 {
    match cx.view.keyspace().limits().size(Limit::StreamNodeMaxEntries) as u64 {
        0 => 10_000,
        entries => entries.saturating_mul(100).min(LIMIT_MAX),
    }
}

fn parse_new_id(text: &[u8]) -> Result<NewId, ReplyError> {
    match text.strip_suffix(b"-*") {
        Some(ms) => redan_resp::parse_u64(ms).map(NewId::AutoSeq).ok_or(texts::INVALID_ID),
        None => id::parse(text, 0).map(NewId::Given),
    }
}
