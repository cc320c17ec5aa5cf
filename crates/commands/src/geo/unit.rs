//! Units of length.

use redan_engine::ReplyError;

use super::errors::UNIT;
use crate::arg;

/// A unit of length.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Unit {
    /// Metres of one.
    pub(super) metres: f64,
}

impl Unit {
    /// Metres themselves.
    pub(super) const METRE: Self = Self { metres: 1.0 };

    /// Reads `m`, `km`, `ft` or `mi`.
    ///
    /// # Errors
    /// `unsupported unit provided`.
    pub(super) fn parse(word: &[u8]) -> Result<Self, ReplyError> {
        let known = [("M", 1.0), ("KM", 1000.0), ("FT", 0.3048), ("MI", 1609.34)];
        let found = known.into_iter().find(|(name, _)| arg::is(word, name));
        found.map(|(_, metres)| Self { metres }).ok_or(UNIT)
    }
}

/// A distance as it is replied: with four digits behind the point.
pub(super) fn distance_text(distance: f64) -> String {
    let scaled = (distance * 10_000.0).round_ties_even();
    // Distances on earth are far smaller; whatever else comes is printed as it is.
    if scaled.abs() < i64::MAX as f64 {
        let scaled = scaled as i64;
        let sign = if scaled < 0 { "-" } else { "" };
        let magnitude = scaled.unsigned_abs();
        format!("{sign}{}.{:04}", magnitude / 10_000, magnitude % 10_000)
    } else {
        format!("{distance:.4}")
    }
}
