//! Ranges of scores and of members.

use std::cmp::Ordering;
use std::ops::Bound;

/// A range of scores. A bound is never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// Where it begins.
    pub min: Bound<f64>,
    /// Where it ends.
    pub max: Bound<f64>,
}

impl ScoreRange {
    /// Whether a score lies in front of the range.
    #[inline]
    pub fn is_above(&self, score: f64) -> bool {
        match self.min {
            Bound::Included(min) => score < min,
            Bound::Excluded(min) => score <= min,
            Bound::Unbounded => false,
        }
    }

    /// Whether a score lies behind the range.
    #[inline]
    pub fn is_below(&self, score: f64) -> bool {
        match self.max {
            Bound::Included(max) => score > max,
            Bound::Excluded(max) => score >= max,
            Bound::Unbounded => false,
        }
    }
}

/// An end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// In front of all members.
    Lowest,
    /// This member and what follows.
    Included(&'a [u8]),
    /// What follows this member.
    Excluded(&'a [u8]),
    /// Behind all members.
    Highest,
}

/// A range of members that have the same score, in the order of their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// Where it begins.
    pub min: LexBound<'a>,
    /// Where it ends.
    pub max: LexBound<'a>,
}

impl LexRange<'_> {
    /// Whether a member lies in front of the range.
    #[inline]
    pub fn is_above(&self, member: &[u8]) -> bool {
        match self.min {
            LexBound::Lowest => false,
            LexBound::Included(min) => member.cmp(min) == Ordering::Less,
            LexBound::Excluded(min) => member.cmp(min) != Ordering::Greater,
            LexBound::Highest => true,
        }
    }

    /// Whether a member lies behind the range.
    #[inline]
    pub fn is_below(&self, member: &[u8]) -> bool {
        match self.max {
            LexBound::Lowest => true,
            LexBound::Included(max) => member.cmp(max) == Ordering::Greater,
            LexBound::Excluded(max) => member.cmp(max) != Ordering::Less,
            LexBound::Highest => false,
        }
    }
}
