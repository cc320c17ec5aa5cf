//! The payload of a full sync: where it ends.

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use smallvec::SmallVec;

/// Length of the mark that ends a payload of unknown size.
const MARK_LEN: usize = 40;

/// How the end of the payload is known, from the line before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// `$<bytes>`
    Sized(u64),
    /// `$EOF:<mark>`
    Marked([u8; MARK_LEN]),
}

impl Framing {
    /// Reads the line without its end; None when it is no such line.
    pub(super) fn parse(line: &str) -> Option<Framing> {
        let rest = line.strip_prefix('$')?;
        match rest.strip_prefix("EOF:").and_then(|mark| mark.as_bytes().first_chunk()) {
            Some(mark) => Some(Framing::Marked(*mark)),
            None => rest.trim().parse().ok().map(Framing::Sized),
        }
    }
}

/// Chunks of payload.
pub(super) type Parts = SmallVec<[Bytes; 2]>;

/// Cuts the payload out of what arrives.
#[derive(Debug)]
pub(super) enum PayloadReader {
    /// So many bytes are missing.
    Sized(u64),
    /// The mark, and bytes at the end of what arrived that may be its beginning (fewer than its length).
    Marked { mark: [u8; MARK_LEN], held: BytesMut },
}

impl PayloadReader {
    pub(super) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Sized(bytes) => PayloadReader::Sized(bytes),
            Framing::Marked(mark) => PayloadReader::Marked { mark, held: BytesMut::new() },
        }
    }

    /// Takes what arrived; payload goes to `out`. Returns what follows the payload once its end is reached.
    pub(super) fn feed(&mut self, mut chunk: Bytes, out: &mut Parts) -> Option<Bytes> {
        match self {
            PayloadReader::Sized(missing) => {
                let take = chunk.len().min(usize::try_from(*missing).unwrap_or(usize::MAX));
                *missing -= take as u64;
                push(out, chunk.split_to(take));
                (*missing == 0).then_some(chunk)
            }
            PayloadReader::Marked { mark, held } => feed_marked(mark, held, chunk, out),
        }
    }
}

fn feed_marked(
    mark: &[u8; MARK_LEN],
    held: &mut BytesMut,
    mut chunk: Bytes,
    out: &mut Parts,
) -> Option<Bytes> {
    if !held.is_empty() {
        // A mark that began in what is held ends at most so far in the chunk.
        let before = held.len();
        held.extend_from_slice(&chunk[..chunk.len().min(MARK_LEN - 1)]);
        if let Some(at) = memmem::find(held, mark) {
            push(out, held.split_to(at).freeze());
            held.clear();
            return Some(chunk.split_off(at + MARK_LEN - before));
        }
        if chunk.len() < MARK_LEN {
            let sure = held.len().saturating_sub(MARK_LEN - 1);
            push(out, held.split_to(sure).freeze());
            return None;
        }
        push(out, held.split_to(before).freeze());
        held.clear();
    }
    if let Some(at) = memmem::find(&chunk, mark) {
        let rest = chunk.split_off(at + MARK_LEN);
        chunk.truncate(at);
        push(out, chunk);
        return Some(rest);
    }
    let sure = chunk.len().saturating_sub(MARK_LEN - 1);
    held.extend_from_slice(&chunk[sure..]);
    chunk.truncate(sure);
    push(out, chunk);
    None
}

fn push(out: &mut Parts, bytes: Bytes) {
    if !bytes.is_empty() {
        out.push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn header_lines() {
        let mark = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(Framing::parse("$123"), Some(Framing::Sized(123)));
        let marked = Framing::Marked(mark.as_bytes().try_into().unwrap());
        assert_eq!(Framing::parse(&format!("$EOF:{mark}")), Some(marked));
        for odd in ["", "$", "+1", "$-1", "$EOF:short", "$12x"] {
            assert_eq!(Framing::parse(odd), None, "{odd}");
        }
    }

    /// Feeds the pieces and returns payload and rest; the reader must not report the end twice.
    fn read(framing: Framing, pieces: &[&[u8]]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut reader = PayloadReader::new(framing);
        let (mut payload, mut rest) = (Vec::new(), None::<Vec<u8>>);
        for piece in pieces {
            if let Some(rest) = &mut rest {
                rest.extend_from_slice(piece);
                continue;
            }
            let mut out = Parts::new();
            rest = reader.feed(Bytes::copy_from_slice(piece), &mut out).map(|rest| rest.to_vec());
            out.iter().for_each(|part| payload.extend_from_slice(part));
        }
        rest.map(|rest| (payload, rest))
    }

    #[test]
    fn the_mark_is_found_at_every_split() {
        let mark = *b"aaaabaaaacaaaadaaaaeaaaafaaaagaaaahaaaai";
        let mut bytes = b"REDIS0011 aaaabaaaac payload aaaabaaaacaaaad".to_vec();
        let payload = bytes.clone();
        bytes.extend_from_slice(&mark);
        bytes.extend_from_slice(b"*1\r\n");
        for i in 0..=bytes.len() {
            for j in i..=bytes.len() {
                let pieces = [&bytes[..i], &bytes[i..j], &bytes[j..]];
                let expected = Some((payload.clone(), b"*1\r\n".to_vec()));
                assert_eq!(read(Framing::Marked(mark), &pieces), expected, "split at {i} and {j}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(Framing::Marked(mark), &single), Some((payload, b"*1\r\n".to_vec())));
    }

    proptest! {
        #[test]
        fn payloads_come_out_whole(
            payload in proptest::collection::vec(b'a'..=b'b', 0..400),
            rest in proptest::collection::vec(any::<u8>(), 0..50),
            cuts in proptest::collection::vec(0usize..500, 0..8),
            marked: bool,
        ) {
            let mark = [b'b'; MARK_LEN];
            // A mark within the payload would end it.
            prop_assume!(memmem::find(&payload, &mark).is_none());
            let mut bytes = payload.clone();
            let framing = if marked {
                bytes.push(b'a');
                bytes.extend_from_slice(&mark);
                Framing::Marked(mark)
            } else {
                Framing::Sized(payload.len() as u64)
            };
            bytes.extend_from_slice(&rest);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            let (got, got_rest) = read(framing, &pieces).expect("the end arrived");
            let expected = if marked { [&payload[..], b"a"].concat() } else { payload };
            prop_assert_eq!(got, expected);
            prop_assert_eq!(got_rest, rest);
        }
    }
}
