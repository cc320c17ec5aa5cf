//! Glob patterns as Redis matches them: KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET, ACL key patterns.
//!
//! `*` stands for any run of bytes, `?` for one byte, `[a-z]`, `[^a-z]` for one byte of a class, and `\` takes the
//! special meaning from the byte after it. Malformed patterns are never an error: a class that is not closed ends with
//! the pattern, a lone `\` at the end stands for itself.
//!
//! Every element other than `*` consumes exactly one byte, so it is enough to remember the last `*` and to let it
//! swallow one byte more whenever what follows does not fit: an earlier star never has to be tried again. That bounds
//! the work by pattern length times text length, where a recursive matcher can be driven into exponential time.

#[cfg(test)]
mod tests;

/// A pattern with more runs of stars than this in front of other elements matches nothing that it has to try them all
/// for, as in Redis: nobody means such a pattern, and clients use them to keep servers busy.
const MAX_STARS: usize = 1000;

/// Tells whether the whole of `text` matches `pattern`; with `nocase`, ASCII letters match in either case (a byte
/// escaped inside a class stays case-sensitive, as in Redis).
///
/// Takes at most `pattern.len() * text.len()` steps and no memory.
pub fn glob_match(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to resume when the present attempt fails: the pattern after the last star, the text it has swallowed.
    let mut resume: Option<(usize, usize)> = None;
    let mut stars = 0;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            p += pattern[p..].iter().take_while(|byte| **byte == b'*').count();
            if p == pattern.len() {
                return true;
            }
            stars += 1;
            if stars > MAX_STARS {
                return false;
            }
            resume = Some((p, t));
            continue;
        }
        if let Some(len) = match_one(&pattern[p..], text[t], nocase) {
            p += len;
            t += 1;
            continue;
        }
        let Some((star_p, star_t)) = resume else { return false };
        resume = Some((star_p, star_t + 1));
        (p, t) = (star_p, star_t + 1);
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Tells whether `pattern` has no special byte, so that it can match one text only: itself.
pub fn is_literal(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

/// Matches the element at the start of `pattern` (not a star) against one byte; the element's length if it fits.
fn match_one(pattern: &[u8], byte: u8, nocase: bool) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => match_class(pattern, byte, nocase),
        b'\\' if pattern.len() >= 2 => same(pattern[1], byte, nocase).then_some(2),
        literal => same(literal, byte, nocase).then_some(1),
    }
}

/// Matches a class (`pattern` starts with `[`); returns the length up to and including its `]` if `byte` is accepted.
fn match_class(pattern: &[u8], byte: u8, nocase: bool) -> Option<usize> {
    let mut i = 1;
    let negated = pattern.get(i) == Some(&b'^');
    if negated {
        i += 1;
    }
    let mut found = false;
    let len = loop {
        match &pattern[i..] {
            [] => break i,
            [b'\\', escaped, ..] => {
                found |= *escaped == byte;
                i += 2;
            }
            [b']', ..] => break i + 1,
            [first, b'-', last, ..] => {
                found |= in_range(*first, *last, byte, nocase);
                i += 3;
            }
            [member, ..] => {
                found |= same(*member, byte, nocase);
                i += 1;
            }
        }
    };
    (found != negated).then_some(len)
}

/// A range may be written in either order; its ends are ordered before case is folded.
fn in_range(first: u8, last: u8, byte: u8, nocase: bool) -> bool {
    let (low, high) = (first.min(last), first.max(last));
    if nocase {
        let byte = byte.to_ascii_lowercase();
        low.to_ascii_lowercase() <= byte && byte <= high.to_ascii_lowercase()
    } else {
        low <= byte && byte <= high
    }
}

fn same(a: u8, b: u8, nocase: bool) -> bool {
    if nocase { a.eq_ignore_ascii_case(&b) } else { a == b }
}
