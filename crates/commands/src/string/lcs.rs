//! LCS: the longest common subsequence of two strings.
//!
//! The textbook method: a table whose cell (i, j) is the length of the longest common subsequence of the first i bytes
//! of one string and the first j of the other, filled from the front; the way back from its last cell tells the
//! bytes. Where two ways back are equally long, the second string gives way first, as in Redis, whose clients see
//! which of several subsequences is chosen.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::StringRef;
use redan_resp::{Args, ReplyBuf};

use super::value::notify_miss;
use crate::arg;

/// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]
pub(super) const LCS: Command = Command::new("lcs", -3, lcs)
    .flags(flag::READONLY)
    .acl(category::STRING)
    .keys(&[KeySpec::range(1, 1, 1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::String,
        "7.0.0",
        "O(N*M) where N and M are the lengths of the strings.",
        "Finds the longest common subsequence of two strings.",
    )
    .args(&[
        Arg::key("key1", 0),
        Arg::key("key2", 0),
        Arg::token("len", "LEN").optional(),
        Arg::token("idx", "IDX").optional(),
        Arg::new("min-match-len", ArgKind::Integer).after("MINMATCHLEN").optional(),
        Arg::token("withmatchlen", "WITHMATCHLEN").optional(),
    ]);

fn lcs(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (a, b) = (string_or_empty(cx, &args[1])?, string_or_empty(cx, &args[2])?);
    let options = Options::parse(args.skip(3))?;
    let limit = cx.engine.settings().proto_max_bulk_len;
    let table = Table::fill(&a, &b, limit)?;
    if options.indexes {
        reply_indexes(cx.out, &table, &options);
    } else if options.length {
        cx.out.int(i64::from(table.len()));
    } else {
        cx.out.bulk(&table.subsequence());
    }
    Ok(())
}

/// The string of a key; a missing key counts as empty.
fn string_or_empty(cx: &mut Cx<'_, '_>, name: &[u8]) -> Result<Vec<u8>, ReplyError> {
    let key = cx.key(name);
    match cx.view.get(&key) {
        Some(entry) => entry.string().map(StringRef::to_vec).ok_or(errors::LCS_TYPES),
        None => {
            notify_miss(cx, name);
            Ok(Vec::new())
        }
    }
}

#[derive(Default)]
struct Options {
    length: bool,
    indexes: bool,
    with_match_len: bool,
    min_match_len: u32,
}

impl Options {
    fn parse(options: Args<'_>) -> Result<Self, ReplyError> {
        let mut parsed = Self::default();
        let mut rest = options.iter();
        while let Some(word) = rest.next() {
            if arg::is(word, "IDX") {
                parsed.indexes = true;
            } else if arg::is(word, "LEN") {
                parsed.length = true;
            } else if arg::is(word, "WITHMATCHLEN") {
                parsed.with_match_len = true;
            } else if arg::is(word, "MINMATCHLEN") {
                let least = arg::int(rest.next().ok_or(errors::SYNTAX)?)?.max(0);
                parsed.min_match_len = u32::try_from(least).unwrap_or(u32::MAX);
            } else {
                return Err(errors::SYNTAX);
            }
        }
        if parsed.length && parsed.indexes { Err(errors::LCS_LEN_AND_IDX) } else { Ok(parsed) }
    }
}

/// The table of lengths; `cells[i * (b.len() + 1) + j]` is for the first i bytes of `a` and the first j of `b`.
struct Table<'s> {
    a: &'s [u8],
    b: &'s [u8],
    cells: Vec<u32>,
}

/// A piece that both strings have: where it begins in each, and its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Match {
    in_a: usize,
    in_b: usize,
    len: u32,
}

impl<'s> Table<'s> {
    /// Time and memory are the product of the lengths; `limit` bounds the memory in bytes.
    fn fill(a: &'s [u8], b: &'s [u8], limit: usize) -> Result<Self, ReplyError> {
        const LONGEST: usize = u32::MAX as usize - 1;
        if a.len() >= LONGEST || b.len() >= LONGEST {
            return Err(errors::LCS_TOO_LONG);
        }
        let width = b.len() + 1;
        let cells = (a.len() + 1).checked_mul(width).filter(|cells| *cells <= limit / size_of::<u32>());
        let mut cells = vec![0u32; cells.ok_or(errors::LCS_MEMORY)?];
        for (i, byte) in a.iter().enumerate() {
            let (above, row) = cells[i * width..(i + 2) * width].split_at_mut(width);
            for (j, other) in b.iter().enumerate() {
                row[j + 1] = if byte == other { above[j] + 1 } else { above[j + 1].max(row[j]) };
            }
        }
        Ok(Self { a, b, cells })
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * (self.b.len() + 1) + j]
    }

    /// The length of the longest common subsequence.
    fn len(&self) -> u32 {
        self.at(self.a.len(), self.b.len())
    }

    /// Places (in `a`, in `b`) of its bytes, the last one first.
    fn trace(&self) -> impl Iterator<Item = (usize, usize)> {
        let (mut i, mut j) = (self.a.len(), self.b.len());
        std::iter::from_fn(move || {
            while i > 0 && j > 0 {
                if self.a[i - 1] == self.b[j - 1] {
                    (i, j) = (i - 1, j - 1);
                    return Some((i, j));
                }
                if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
            }
            None
        })
    }

    fn subsequence(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.trace().map(|(i, _)| self.a[i]).collect();
        bytes.reverse();
        bytes
    }

    /// Its bytes as pieces that are contiguous in both strings, the last one first.
    fn matches(&self) -> Vec<Match> {
        let mut matches: Vec<Match> = Vec::new();
        for (i, j) in self.trace() {
            match matches.last_mut() {
                Some(last) if (last.in_a, last.in_b) == (i + 1, j + 1) => {
                    *last = Match { in_a: i, in_b: j, len: last.len + 1 };
                }
                _ => matches.push(Match { in_a: i, in_b: j, len: 1 }),
            }
        }
        matches
    }
}

fn reply_indexes(out: &mut ReplyBuf, table: &Table<'_>, options: &Options) {
    let mut matches = table.matches();
    matches.retain(|found| found.len >= options.min_match_len);
    out.map(2);
    out.bulk(b"matches");
    out.array(matches.len());
    for found in matches {
        out.array(2 + usize::from(options.with_match_len));
        for start in [found.in_a as i64, found.in_b as i64] {
            out.array(2);
            out.int(start);
            out.int(start + i64::from(found.len) - 1);
        }
        if options.with_match_len {
            out.int(i64::from(found.len));
        }
    }
    out.bulk(b"len");
    out.int(i64::from(table.len()));
}

#[cfg(test)]
mod tests;
