//! LPOS: where elements are.

use std::ops::ControlFlow;

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::listpack::Needle;
use redan_keyspace::{Aggregate, End, List};
use redan_resp::Args;

use crate::string::value::notify_miss;
use crate::{arg, typed};

/// LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]
pub(super) const LPOS: Command = Command::new("lpos", -3, lpos)
    .flags(flag::READONLY)
    .acl(category::LIST)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::List,
        "6.0.6",
        "O(N) where N is the number of elements of the list, or of those up to MAXLEN.",
        "Returns the indexes of the elements of a list that have a value.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::new("element", ArgKind::String),
        Arg::new("rank", ArgKind::Integer).after("RANK").optional(),
        Arg::new("num-matches", ArgKind::Integer).after("COUNT").optional(),
        Arg::new("len", ArgKind::Integer).after("MAXLEN").optional(),
    ]);

const RANK_ZERO: ReplyError = ReplyError::fixed(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
);
const COUNT_NEGATIVE: ReplyError = ReplyError::fixed("ERR COUNT can't be negative");
const MAXLEN_NEGATIVE: ReplyError = ReplyError::fixed("ERR MAXLEN can't be negative");

/// What to look for.
struct Options {
    /// From where.
    end: End,
    /// Matches to be passed over.
    skip: u64,
    /// Matches to be replied, as an array; `None`: a single one.
    count: Option<usize>,
    /// Elements to be looked at.
    max_len: usize,
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Self, ReplyError> {
        let mut options = Self { end: End::Head, skip: 0, count: None, max_len: usize::MAX };
        let mut rest = args.iter();
        // 0 stands for no limit.
        let limit =
            |value: i64| if value == 0 { usize::MAX } else { usize::try_from(value).unwrap_or(usize::MAX) };
        while let Some(word) = rest.next() {
            let value = rest.next().ok_or(errors::SYNTAX)?;
            if arg::is(word, "RANK") {
                let rank = arg::symmetric_int(value)?;
                options.end = if rank < 0 { End::Tail } else { End::Head };
                options.skip = rank.unsigned_abs().checked_sub(1).ok_or(RANK_ZERO)?;
            } else if arg::is(word, "COUNT") {
                options.count = Some(limit(arg::int_from_or(value, 0, COUNT_NEGATIVE)?));
            } else if arg::is(word, "MAXLEN") {
                options.max_len = limit(arg::int_from_or(value, 0, MAXLEN_NEGATIVE)?);
            } else {
                return Err(errors::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Hands out the indexes of what was looked for.
    fn search(&self, list: &List, value: &[u8], mut found: impl FnMut(usize)) {
        let needle = Needle::new(value);
        let (mut skip, mut left) = (self.skip, self.count.unwrap_or(1));
        let mut passed = 0;
        let _ = list.visit(self.end, 0, self.max_len, |element| {
            passed += 1;
            if needle.matches(element) {
                if skip > 0 {
                    skip -= 1;
                } else {
                    found(if self.end == End::Head { passed - 1 } else { list.len() - passed });
                    left -= 1;
                }
            }
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
}

fn lpos(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let options = Options::parse(args.skip(3))?;
    let key = cx.key(&args[1]);
    let Some(list) = typed::read::<List>(&mut cx.view, &key)? else {
        if options.count.is_some() {
            cx.out.array(0)
        } else {
            cx.out.null()
        }
        notify_miss(cx, key.bytes);
        return Ok(());
    };
    if options.count.is_some() {
        let array = cx.out.begin_deferred();
        let mut matches = 0;
        options.search(list, &args[2], |index| {
            cx.out.int(index as i64);
            matches += 1;
        });
        cx.out.end_deferred_array(array, matches);
    } else {
        let mut place = None;
        options.search(list, &args[2], |index| place = Some(index));
        match place {
            Some(index) => cx.out.int(index as i64),
            None => cx.out.null(),
        }
    }
    Ok(())
}
