//! LPOP, RPOP, LMPOP: elements taken from the ends.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, Handler, KeySpec, ReplyError, category, errors, flag,
    key_flag,
};
use redan_keyspace::{Aggregate, End, IntText, Key, List};
use redan_resp::Args;

use super::read::reply_range;
use super::{ENDS, end, limits, notify_popped, popped_from, remove_at};
use crate::{arg, typed};

const fn row(name: &'static str, handler: Handler, summary: &'static str) -> Command {
    Command::new(name, -2, handler)
        .flags(flag::WRITE | flag::FAST)
        .acl(category::LIST)
        .keys(const { &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)] })
        .docs(Group::List, "1.0.0", "O(N) where N is the number of returned elements.", summary)
        .args(const { &[Arg::key("key", 0), Arg::new("count", ArgKind::Integer).optional()] })
}

/// LPOP key [count]
pub(super) const LPOP: Command = row(
    "lpop",
    |cx, args| pop(cx, args, End::Head),
    "Takes one or more elements from the front of a list, and deletes the list with its last element.",
);

/// RPOP key [count]
pub(super) const RPOP: Command = row(
    "rpop",
    |cx, args| pop(cx, args, End::Tail),
    "Takes one or more elements from the end of a list, and deletes the list with its last element.",
);

fn pop(cx: &mut Cx<'_, '_>, args: Args<'_>, end: End) -> CmdResult {
    if args.len() > 3 {
        return Err(cx.arity_error());
    }
    let count = args.get(2).map(|count| arg::int_from(count, 0)).transpose()?;
    let limits = limits(cx);
    let key = cx.key(&args[1]);
    let Some(entry) = typed::edit::<List>(&mut cx.view, &key)? else {
        if count.is_some() {
            cx.out.null_array()
        } else {
            cx.out.null()
        }
        return Ok(());
    };
    let list = entry.aggregate::<List>().expect("its type was checked");
    let n = match count {
        None => {
            typed::reply_element(cx.out, list.peek(end).expect("no list is empty"));
            1
        }
        Some(count) => {
            let n = list.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            reply_range(cx.out, list, end, 0, n);
            n
        }
    };
    if n > 0 {
        let emptied = remove_at(entry, end, n, &limits);
        notify_popped(cx, &key, end, emptied);
    }
    Ok(())
}

const MANY_ARGS: &[Arg] = &[
    Arg::new("numkeys", ArgKind::Integer),
    Arg::key("key", 0).multiple(),
    Arg::one_of("where", ENDS),
    Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
];

/// LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count]
pub(super) const LMPOP: Command = Command::new("lmpop", -4, lmpop)
    .flags(flag::WRITE)
    .acl(category::LIST)
    .keys(&[KeySpec::counted(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)])
    .docs(
        Group::List,
        "7.0.0",
        "O(N+M) where N is the number of keys and M the number of returned elements.",
        "Takes elements from the first of several lists that exists, and deletes the list with its last element.",
    )
    .args(MANY_ARGS);

fn lmpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let request = PopMany::parse(args.skip(1))?;
    if !request.try_serve(cx)? {
        cx.out.null_array();
    }
    Ok(())
}

/// What LMPOP and BLMPOP ask for.
pub(super) struct PopMany<'a> {
    /// The lists, in the order in which they are tried.
    pub(super) keys: Args<'a>,
    end: End,
    count: usize,
}

impl<'a> PopMany<'a> {
    /// Reads the arguments from `numkeys` on.
    ///
    /// # Errors
    /// `numkeys should be greater than 0`, `count should be greater than 0`, `syntax error`.
    pub(super) fn parse(args: Args<'a>) -> Result<Self, ReplyError> {
        let numkeys = arg::int_from_or(&args[0], 1, errors::NUMKEYS)?;
        let numkeys = usize::try_from(numkeys).unwrap_or(usize::MAX);
        let rest = args.skip(1);
        let place = rest.get(numkeys).ok_or(errors::SYNTAX)?;
        let mut request = Self { keys: rest.take(numkeys), end: end(place)?, count: 1 };
        let options = rest.skip(numkeys + 1);
        match (options.get(0), options.get(1), options.len()) {
            (None, ..) => {}
            (Some(word), Some(count), 2) if arg::is(word, "COUNT") => {
                let count = arg::int_from_or(count, 1, errors::COUNT_NOT_POSITIVE)?;
                request.count = usize::try_from(count).unwrap_or(usize::MAX);
            }
            // A second COUNT is an error, but a bad first one is found before it.
            (Some(word), Some(count), _) if arg::is(word, "COUNT") => {
                arg::int_from_or(count, 1, errors::COUNT_NOT_POSITIVE)?;
                return Err(errors::SYNTAX);
            }
            _ => return Err(errors::SYNTAX),
        }
        Ok(request)
    }

    /// Takes elements from the first list that is there and replies them; false if none is.
    ///
    /// # Errors
    /// `WRONGTYPE`.
    pub(super) fn try_serve(&self, cx: &mut Cx<'_, '_>) -> Result<bool, ReplyError> {
        let limits = limits(cx);
        for key in self.keys.iter() {
            let key = cx.key(key);
            let Some(entry) = typed::edit::<List>(&mut cx.view, &key)? else { continue };
            let list = entry.aggregate::<List>().expect("its type was checked");
            let n = self.count.min(list.len());
            cx.out.array(2);
            cx.out.bulk(key.bytes);
            reply_range(cx.out, list, self.end, 0, n);
            let emptied = remove_at(entry, self.end, n, &limits);
            notify_popped(cx, &key, self.end, emptied);
            propagate_pop(cx, &key, self.end, Some(n));
            return Ok(true);
        }
        Ok(false)
    }
}

/// Propagates what was taken as LPOP or RPOP.
pub(super) fn propagate_pop(cx: &mut Cx<'_, '_>, key: &Key<'_>, end: End, count: Option<usize>) {
    let name = popped_from(end).1;
    match count {
        Some(count) => cx.propagate(&[name, key.bytes, IntText::new().format(count as i64)]),
        None => cx.propagate(&[name, key.bytes]),
    }
}
