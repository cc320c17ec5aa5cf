//! Indexes as clients give them: counted from the end when negative.

/// The index of an element of a list of `len`, if there is one.
pub(super) fn element(index: i64, len: usize) -> Option<usize> {
    let from_head = if index < 0 { index.checked_add_unsigned(len as u64)? } else { index };
    usize::try_from(from_head).ok().filter(|&index| index < len)
}

/// The first index and the number of the elements from `start` to `stop`, both included and cut to a list of `len`.
pub(super) fn range(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let from_head = |index: i64| if index < 0 { index.saturating_add_unsigned(len as u64) } else { index };
    let start = usize::try_from(from_head(start)).unwrap_or(0).min(len);
    // The end is the index behind the last.
    let end = usize::try_from(from_head(stop).saturating_add(1)).unwrap_or(0).min(len);
    (start, end.saturating_sub(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements() {
        for (index, len, expected) in [
            (0, 3, Some(0)),
            (2, 3, Some(2)),
            (3, 3, None),
            (-1, 3, Some(2)),
            (-3, 3, Some(0)),
            (-4, 3, None),
            (0, 0, None),
            (-1, 0, None),
            (i64::MAX, 3, None),
            (i64::MIN, 3, None),
        ] {
            assert_eq!(element(index, len), expected, "{index} of {len}");
        }
    }

    #[test]
    fn ranges() {
        for (start, stop, len, expected) in [
            (0, -1, 5, (0, 5)),
            (1, 3, 5, (1, 3)),
            (-3, -2, 5, (2, 2)),
            (-100, 100, 5, (0, 5)),
            (4, 2, 5, (4, 0)),
            (5, 9, 5, (5, 0)),
            (0, -6, 5, (0, 0)),
            (-1, -2, 5, (4, 0)),
            (i64::MIN, i64::MAX, 5, (0, 5)),
            (i64::MAX, i64::MIN, 5, (5, 0)),
            (0, 0, 0, (0, 0)),
        ] {
            assert_eq!(range(start, stop, len), expected, "{start}..{stop} of {len}");
        }
    }
}
