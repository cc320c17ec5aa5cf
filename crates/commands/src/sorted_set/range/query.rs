//! What a command of the ZRANGE family asks for.

use std::ops::Range;

use redan_engine::{ReplyError, errors};
use redan_keyspace::{Aggregate, LexRange, ScoreRange, SortedSet};
use redan_resp::Args;

use super::super::errors::{LIMIT_BY_RANK, SCORES_BY_LEX};
use super::super::value::{lex_range, rank_range, score_range};
use crate::arg;

/// What the bounds of a range are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    Rank,
    Score,
    Lex,
}

/// What a command's syntax leaves open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    /// What the bounds are; `None`: BYSCORE and BYLEX say so.
    pub(super) by: Option<By>,
    /// Whether the order is from the highest on; `None`: REV says so.
    pub(super) reverse: Option<bool>,
    /// Whether there is WITHSCORES.
    pub(super) scores: bool,
}

enum Bounds<'a> {
    Rank(i64, i64),
    Score(ScoreRange),
    Lex(LexRange<'a>),
}

/// A range, and how its members are given.
pub(super) struct Query<'a> {
    bounds: Bounds<'a>,
    /// From the highest on.
    pub(super) reverse: bool,
    /// Members passed over; none are left if it is negative.
    offset: i64,
    /// Members given at most; all if it is negative.
    count: i64,
    /// Members come with their scores.
    pub(super) with_scores: bool,
}

impl<'a> Query<'a> {
    /// Reads the bounds and the options behind them.
    ///
    /// # Errors
    /// Of the syntax, or of the bounds.
    pub(super) fn parse(args: Args<'a>, syntax: Syntax) -> Result<Self, ReplyError> {
        let Syntax { by, reverse, scores } = syntax;
        let (mut by_now, mut reverse_now) = (by.unwrap_or(By::Rank), reverse.unwrap_or(false));
        let (mut offset, mut count, mut with_scores) = (0, -1, false);
        let mut rest = args.skip(2).iter();
        while let Some(word) = rest.next() {
            if scores && arg::is(word, "WITHSCORES") {
                with_scores = true;
            } else if arg::is(word, "LIMIT") && rest.len() >= 2 {
                offset = arg::int(rest.next().ok_or(errors::SYNTAX)?)?;
                count = arg::int(rest.next().ok_or(errors::SYNTAX)?)?;
            } else if reverse.is_none() && arg::is(word, "REV") {
                reverse_now = true;
            } else if by.is_none() && arg::is(word, "BYLEX") {
                by_now = By::Lex;
            } else if by.is_none() && arg::is(word, "BYSCORE") {
                by_now = By::Score;
            } else {
                return Err(errors::SYNTAX);
            }
        }
        if count != -1 && by_now == By::Rank {
            return Err(LIMIT_BY_RANK);
        }
        if with_scores && by_now == By::Lex {
            return Err(SCORES_BY_LEX);
        }
        // From the highest on the upper bound comes first.
        let (Some(first), Some(second)) = (args.get(0), args.get(1)) else { return Err(errors::SYNTAX) };
        let (min, max) = if reverse_now { (second, first) } else { (first, second) };
        let bounds = match by_now {
            By::Rank => Bounds::Rank(arg::int(first)?, arg::int(second)?),
            By::Score => Bounds::Score(score_range(min, max)?),
            By::Lex => Bounds::Lex(lex_range(min, max)?),
        };
        Ok(Self { bounds, reverse: reverse_now, offset, count, with_scores })
    }

    /// The ranks that are meant, counted from the lowest score; to be walked backwards if [`reverse`](Self::reverse).
    pub(super) fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let all = match &self.bounds {
            Bounds::Rank(start, stop) => {
                let len = set.len();
                let ranks = rank_range(*start, *stop, len);
                return if self.reverse { len - ranks.end..len - ranks.start } else { ranks };
            }
            Bounds::Score(range) => set.score_ranks(range),
            Bounds::Lex(range) => set.lex_ranks(range),
        };
        let skipped = usize::try_from(self.offset).unwrap_or(usize::MAX).min(all.len());
        let given = usize::try_from(self.count).unwrap_or(usize::MAX).min(all.len() - skipped);
        if self.reverse {
            all.end - skipped - given..all.end - skipped
        } else {
            all.start + skipped..all.start + skipped + given
        }
    }
}
