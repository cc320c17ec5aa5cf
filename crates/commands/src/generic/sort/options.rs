//! What SORT is asked for.

use redan_engine::{Cx, ReplyError, errors, key_flag};
use redan_resp::Args;

use super::{Pattern, denied};
use crate::arg;

/// The options of SORT.
pub(super) struct Options<'a> {
    /// What the elements are weighed by, if not by themselves.
    pub(super) by: Option<Pattern<'a>>,
    /// Whether they are sorted at all: BY a constant says no.
    pub(super) sorts: bool,
    /// From the last to the first.
    pub(super) descending: bool,
    /// As text, not as numbers.
    pub(super) alpha: bool,
    /// What is given instead of the elements.
    pub(super) get: Vec<Pattern<'a>>,
    /// The key of the result.
    pub(super) store: Option<&'a [u8]>,
    offset: i64,
    count: i64,
}

impl<'a> Options<'a> {
    /// Reads the options.
    ///
    /// # Errors
    /// `syntax error`, `value is not an integer`, and those of a user who may not read all keys.
    pub(super) fn parse(cx: &Cx<'_, '_>, args: Args<'a>, may_store: bool) -> Result<Self, ReplyError> {
        let mut options = Self {
            by: None,
            sorts: true,
            descending: false,
            alpha: false,
            get: Vec::new(),
            store: None,
            offset: 0,
            count: -1,
        };
        let reads_all = || cx.may_touch_every_key(args, key_flag::ACCESS);
        let mut rest = args.skip(2).iter();
        while let Some(word) = rest.next() {
            let mut value = || rest.next().ok_or(errors::SYNTAX);
            if arg::is(word, "ASC") {
                options.descending = false;
            } else if arg::is(word, "DESC") {
                options.descending = true;
            } else if arg::is(word, "ALPHA") {
                options.alpha = true;
            } else if arg::is(word, "LIMIT") {
                let (offset, count) = (value()?, value()?);
                options.offset = arg::int(offset)?;
                options.count = arg::int(count)?;
            } else if arg::is(word, "STORE") && may_store {
                options.store = Some(value()?);
            } else if arg::is(word, "BY") {
                let pattern = Pattern::new(value()?);
                if !pattern.is_constant() && !reads_all() {
                    return Err(denied("BY"));
                }
                options.sorts &= !pattern.is_constant();
                options.by = Some(pattern);
            } else if arg::is(word, "GET") {
                options.get.push(Pattern::new(value()?));
                if !reads_all() {
                    return Err(denied("GET"));
                }
            } else {
                return Err(errors::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Sorts the elements by themselves, as text.
    pub(super) fn sort_by_text(&mut self) {
        self.sorts = true;
        self.alpha = true;
        self.by = None;
    }

    /// How many of `len` elements in their final order are passed over, and how many are wanted.
    pub(super) fn range(&self, len: usize) -> (usize, usize) {
        let skip = usize::try_from(self.offset.max(0)).map_or(len, |offset| offset.min(len));
        // A negative count is no limit.
        let n = usize::try_from(self.count).unwrap_or(usize::MAX);
        (skip, n.min(len - skip))
    }
}

/// Where the key of STORE stands; the last one counts.
pub(super) fn find_store(args: Args<'_>) -> Option<usize> {
    let (mut at, mut found) = (2, None);
    while let Some(word) = args.get(at) {
        if arg::is(word, "LIMIT") {
            at += 2;
        } else if arg::is(word, "BY") || arg::is(word, "GET") {
            at += 1;
        } else if arg::is(word, "STORE") && at + 1 < args.len() {
            at += 1;
            found = Some(at);
        }
        at += 1;
    }
    found
}

/// Whether the options may make other keys be read: those of patterns, which all have an asterisk.
pub(super) fn look_anything_up(args: Args<'_>) -> bool {
    args.skip(2).iter().any(|arg| arg.contains(&b'*'))
}
