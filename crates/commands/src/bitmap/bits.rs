//! Counting and finding bits, 64 at a time.

/// How many bits are set. O(n).
pub(super) fn count(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<8>();
    let in_words: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    in_words + tail.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// How many bits from `first` to `last`, both included and inside of `bytes`, are set. O(n).
pub(super) fn count_between(bytes: &[u8], first: usize, last: usize) -> u64 {
    let in_front = bytes[first / 8] & !(0xff >> (first % 8));
    let behind = bytes[last / 8] & (0x7f >> (last % 8));
    count(&bytes[first / 8..=last / 8]) - u64::from(in_front.count_ones() + behind.count_ones())
}

/// Where the first bit that is `wanted` is. O(n).
pub(super) fn find(bytes: &[u8], wanted: bool) -> Option<usize> {
    // Looking for a zero is looking for a one in the complement.
    let flip = if wanted { 0 } else { u64::MAX };
    let (words, tail) = bytes.as_chunks::<8>();
    let in_words = words.iter().map(|word| u64::from_be_bytes(*word) ^ flip);
    if let Some((at, word)) = in_words.enumerate().find(|(_, word)| *word != 0) {
        return Some(at * 64 + word.leading_zeros() as usize);
    }
    let in_tail = tail.iter().map(|byte| byte ^ flip as u8);
    let (at, byte) = in_tail.enumerate().find(|(_, byte)| *byte != 0)?;
    Some(words.len() * 64 + at * 8 + byte.leading_zeros() as usize)
}

/// Where the first bit that is `wanted` is, among those from `first` to `last`, both included and inside of `bytes`.
/// O(n).
pub(super) fn find_between(bytes: &[u8], first: usize, last: usize, wanted: bool) -> Option<usize> {
    let bytes = &bytes[..=last / 8];
    // The bits in front of `first` in its byte are made such that they are not found.
    let in_front = !(0xff >> (first % 8));
    let byte = if wanted { bytes[first / 8] & !in_front } else { bytes[first / 8] | in_front };
    let at = match find(&[byte], wanted) {
        Some(at) => first / 8 * 8 + at,
        None => (first / 8 + 1) * 8 + find(&bytes[first / 8 + 1..], wanted)?,
    };
    (at <= last).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn naive(bytes: &[u8]) -> Vec<bool> {
        bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> (7 - bit) & 1 == 1)).collect()
    }

    /// Strings in which long runs of equal bytes are likely.
    fn strings() -> impl Strategy<Value = Vec<u8>> {
        let run = (prop_oneof![Just(0), Just(0xff), any::<u8>()], 1..20usize);
        vec(run, 1..6).prop_map(|runs| {
            runs.into_iter().flat_map(|(byte, times)| std::iter::repeat_n(byte, times)).collect()
        })
    }

    proptest! {
        #[test]
        fn counts_and_finds_like_a_loop(bytes in strings(), a: prop::sample::Index, b: prop::sample::Index) {
            let bits = naive(&bytes);
            prop_assert_eq!(count(&bytes), bits.iter().filter(|bit| **bit).count() as u64);
            let (a, b) = (a.index(bits.len()), b.index(bits.len()));
            let (first, last) = (a.min(b), a.max(b));
            let between = &bits[first..=last];
            prop_assert_eq!(
                count_between(&bytes, first, last),
                between.iter().filter(|bit| **bit).count() as u64
            );
            for wanted in [false, true] {
                prop_assert_eq!(find(&bytes, wanted), bits.iter().position(|bit| *bit == wanted));
                let expected = between.iter().position(|bit| *bit == wanted).map(|at| first + at);
                prop_assert_eq!(find_between(&bytes, first, last, wanted), expected);
            }
        }
    }

    #[test]
    fn nothing_is_in_the_empty_string() {
        assert_eq!((count(b""), find(b"", true), find(b"", false)), (0, None, None));
    }
}
