//! LZF, the compression of RDB strings and of the inner nodes of long lists.
//!
//! The stream is a sequence of two kinds of items, told apart by the top three bits of their first byte:
//!
//! - `000nnnnn`: a literal run; the next `n + 1` bytes (1 to 32) are copied as they are.
//! - `lllddddd [eeeeeeee] dddddddd`: a match of length `l + 2` (3 to 8), or, when `l` is 7, of length `e + 9`
//!   (9 to 264), that starts `d + 1` bytes (1 to 8192) before the end of what was produced so far. A match may
//!   overlap its own output, which is how runs are expressed.
//!
//! The format is Marc Lehmann's; it has no header, no length and no checksum, so the caller stores both lengths.

#[cfg(test)]
mod tests;

/// Longest literal run one item can hold.
const MAX_LITERALS: usize = 1 << 5;
/// Farthest a match may reach back.
const MAX_DISTANCE: usize = 1 << 13;
/// Longest match one item can express.
const MAX_MATCH: usize = 264;
/// Shortest match worth an item.
const MIN_MATCH: usize = 3;
/// The most output bytes one input byte can stand for: a long match is three bytes for [`MAX_MATCH`].
const MAX_EXPANSION: usize = MAX_MATCH / 3;

const TABLE_BITS: u32 = 13;

/// A compressor with its match table, to be kept and used again.
///
/// Positions in the table carry a base that grows with every call, so entries of earlier inputs are recognised as
/// stale and the table (32 KiB, allocated on first use) need not be cleared for every short string.
#[derive(Debug, Default)]
pub struct Compressor {
    table: Vec<u32>,
    base: u32,
}

impl Compressor {
    /// A compressor that has not allocated its table yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the compressed form of `input` to `out` if that takes at most `limit` bytes.
    ///
    /// Returns whether it did; otherwise `out` is as before. Linear in the length of `input`; never allocates more
    /// than `limit` bytes in `out`.
    pub fn compress(&mut self, input: &[u8], limit: usize, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let done = input.len() > MIN_MATCH
            && self.begin(input.len())
            && self.compress_items(input, &mut Budget { out, limit: start.saturating_add(limit) }).is_some();
        if !done {
            out.truncate(start);
        }
        done
    }

    /// Makes all entries in the table stale for an input of `len` bytes; false if it is too long to index.
    fn begin(&mut self, len: usize) -> bool {
        let Ok(len) = u32::try_from(len) else { return false };
        if self.table.is_empty() {
            self.table.resize(1 << TABLE_BITS, 0);
        }
        // Base 0 is never used: it would make the zeroes of a new table valid positions.
        match self.base.checked_add(len) {
            Some(end) if self.base > 0 && end < u32::MAX => true,
            _ => {
                self.table.fill(0);
                self.base = 1;
                len < u32::MAX - 1
            }
        }
    }

    /// Writes the items; `None` when the budget is exhausted.
    fn compress_items(&mut self, input: &[u8], out: &mut Budget<'_>) -> Option<()> {
        let mut literals_from = 0;
        let mut pos = 0;
        while pos + MIN_MATCH <= input.len() {
            match self.find(input, pos) {
                Some((distance, len)) => {
                    out.literals(&input[literals_from..pos])?;
                    out.copy(distance, len)?;
                    let end = pos + len;
                    // The last positions of the match are the likeliest to be matched next.
                    for skipped in (end - 2).max(pos + 1)..end {
                        self.note(input, skipped);
                    }
                    pos = end;
                    literals_from = end;
                }
                // The longer nothing is found, the bigger the steps: incompressible data passes quickly.
                None => pos += 1 + ((pos - literals_from) >> 6),
            }
        }
        out.literals(&input[literals_from..])?;
        self.base += u32::try_from(input.len()).expect("checked by begin");
        Some(())
    }

    /// The distance and length of an earlier occurrence of what stands at `pos`, which is noted for later ones.
    fn find(&mut self, input: &[u8], pos: usize) -> Option<(usize, usize)> {
        let candidate = self.note(input, pos)?;
        let distance = pos - candidate;
        if distance > MAX_DISTANCE || input[candidate..candidate + MIN_MATCH] != input[pos..pos + MIN_MATCH] {
            return None;
        }
        let max = (input.len() - pos).min(MAX_MATCH);
        let len = MIN_MATCH
            + input[candidate + MIN_MATCH..]
                .iter()
                .zip(&input[pos + MIN_MATCH..pos + max])
                .take_while(|(a, b)| a == b)
                .count();
        Some((distance, len))
    }

    /// Enters `pos` into the table and returns the position of this input that was there before.
    fn note(&mut self, input: &[u8], pos: usize) -> Option<usize> {
        let &[a, b, c] = input.get(pos..pos + MIN_MATCH)? else { return None };
        let word = u32::from(a) << 16 | u32::from(b) << 8 | u32::from(c);
        let slot = (word.wrapping_mul(0x9E37_79B1) >> (32 - TABLE_BITS)) as usize;
        let entry = self.base + pos as u32;
        let old = std::mem::replace(&mut self.table[slot], entry);
        // A failed call does not move the base, so an entry may also lie ahead of `pos`: stale as well.
        (old >= self.base && old < entry).then(|| (old - self.base) as usize)
    }
}

/// Output that refuses to grow past its limit.
struct Budget<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl Budget<'_> {
    fn literals(&mut self, bytes: &[u8]) -> Option<()> {
        let items = bytes.len().div_ceil(MAX_LITERALS);
        if self.out.len() + bytes.len() + items > self.limit {
            return None;
        }
        for run in bytes.chunks(MAX_LITERALS) {
            self.out.push((run.len() - 1) as u8);
            self.out.extend_from_slice(run);
        }
        Some(())
    }

    fn copy(&mut self, distance: usize, len: usize) -> Option<()> {
        let (distance, len) = (distance - 1, len - 2);
        let high = (distance >> 8) as u8;
        if len < 7 {
            self.out.push((len as u8) << 5 | high);
        } else {
            self.out.extend_from_slice(&[7 << 5 | high, (len - 7) as u8]);
        }
        self.out.push(distance as u8);
        (self.out.len() <= self.limit).then_some(())
    }
}

/// Why a compressed string is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LzfError {
    /// The input ends within an item.
    #[error("compressed data ends too early")]
    Truncated,
    /// A match starts before the first byte.
    #[error("a match reaches before the start of the data")]
    BadDistance,
    /// The data does not expand to the length it is said to have.
    #[error("compressed data does not expand to the stated length")]
    WrongLength,
    /// There is no memory for the result.
    #[error("out of memory for the expanded data")]
    OutOfMemory,
}

/// Expands `input`, which must give exactly `expected_len` bytes.
///
/// Nothing is allocated when the stated length is more than the input could possibly expand to.
pub fn decompress(input: &[u8], expected_len: usize) -> Result<Vec<u8>, LzfError> {
    if expected_len / MAX_EXPANSION > input.len() {
        return Err(LzfError::WrongLength);
    }
    let mut out = Vec::new();
    out.try_reserve_exact(expected_len).map_err(|_| LzfError::OutOfMemory)?;
    let mut rest = input;
    while let Some((&control, after)) = rest.split_first() {
        rest = if control < 1 << 5 {
            let (run, after) = after.split_at_checked(usize::from(control) + 1).ok_or(LzfError::Truncated)?;
            if out.len() + run.len() > expected_len {
                return Err(LzfError::WrongLength);
            }
            out.extend_from_slice(run);
            after
        } else {
            expand_match(control, after, expected_len, &mut out)?
        };
    }
    if out.len() == expected_len { Ok(out) } else { Err(LzfError::WrongLength) }
}

/// Expands one match and returns the input behind it.
fn expand_match<'a>(
    control: u8,
    input: &'a [u8],
    expected_len: usize,
    out: &mut Vec<u8>,
) -> Result<&'a [u8], LzfError> {
    let mut bytes = input.iter();
    let mut next = || bytes.next().copied().ok_or(LzfError::Truncated);
    let mut len = usize::from(control >> 5) + 2;
    if len == 9 {
        len += usize::from(next()?);
    }
    let distance = (usize::from(control & 0x1F) << 8 | usize::from(next()?)) + 1;
    let from = out.len().checked_sub(distance).ok_or(LzfError::BadDistance)?;
    if out.len() + len > expected_len {
        return Err(LzfError::WrongLength);
    }
    // Where the match overlaps its output, every round doubles what can be copied at once.
    while len > 0 {
        let step = len.min(out.len() - from);
        out.extend_from_within(from..from + step);
        len -= step;
    }
    Ok(bytes.as_slice())
}
