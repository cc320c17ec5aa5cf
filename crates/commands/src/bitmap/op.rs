//! BITOP: strings combined bit by bit.

use std::sync::Arc;

use redan_engine::{
    Arg, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag, notify_class,
};
use redan_keyspace::{IntText, NewValue, SetTtl};
use redan_resp::Args;

use crate::arg;
use crate::string::value::{notify_miss, notify_stored, string_of};

/// BITOP operation destkey key [key ...]
pub(super) const BITOP: Command = Command::new("bitop", -4, bitop)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::BITMAP)
    .keys(&[
        KeySpec::one(2, key_flag::OW | key_flag::UPDATE),
        KeySpec::range(3, -1, 1, key_flag::RO | key_flag::ACCESS),
    ])
    .docs(
        Group::Bitmap,
        "2.6.0",
        "O(N) where N is the length of all strings together.",
        "Combines the strings of keys bit by bit and stores the result in a key.",
    )
    .args(&[
        Arg::one_of(
            "operation",
            &[
                Arg::token("and", "AND"),
                Arg::token("or", "OR"),
                Arg::token("xor", "XOR"),
                Arg::token("not", "NOT"),
                Arg::token("diff", "DIFF"),
                Arg::token("diff1", "DIFF1"),
                Arg::token("andor", "ANDOR"),
                Arg::token("one", "ONE"),
            ],
        ),
        Arg::key("destkey", 0),
        Arg::key("key", 1).multiple(),
    ]);

fn bitop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let operation = Operation::parse(&args[1]).ok_or(errors::SYNTAX)?;
    operation.check_keys(args.len() - 3)?;
    let mut fold = Fold::new(operation);
    for source in args.skip(3).iter() {
        let key = cx.key(source);
        match cx.view.get(&key) {
            Some(entry) => fold.add(string_of(entry)?.bytes(&mut IntText::new())),
            None => {
                fold.add(b"");
                notify_miss(cx, key.bytes);
            }
        }
    }
    let result = fold.finish();
    cx.out.int(result.len() as i64);
    let key = cx.key(&args[2]);
    if !result.is_empty() {
        // Never an integer, even if the bits happen to look like one.
        let existed = cx.view.set(&key, NewValue::Shared(Arc::new(result)), SetTtl::Clear);
        notify_stored(cx, key.bytes, existed, "set");
    } else if cx.view.remove(&key) {
        cx.notify(notify_class::GENERIC, "del", key.bytes);
    }
    Ok(())
}

/// How bits of the same offset are combined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operation {
    /// Set in all strings.
    And,
    /// Set in any string.
    Or,
    /// Set in an odd number of strings.
    Xor,
    /// Not set in the only string.
    Not,
    /// Set in the first string and in no other.
    Diff,
    /// Set in any string but not in the first.
    Diff1,
    /// Set in the first string and in any other.
    AndOr,
    /// Set in exactly one string.
    One,
}

impl Operation {
    const ALL: [(&'static str, Self); 8] = [
        ("AND", Self::And),
        ("OR", Self::Or),
        ("XOR", Self::Xor),
        ("NOT", Self::Not),
        ("DIFF", Self::Diff),
        ("DIFF1", Self::Diff1),
        ("ANDOR", Self::AndOr),
        ("ONE", Self::One),
    ];

    fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| arg::is(word, name)).map(|(_, operation)| *operation)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).expect("every operation has a name").0
    }

    fn check_keys(self, sources: usize) -> Result<(), ReplyError> {
        match self {
            Self::Not if sources != 1 => Err(errors::BITOP_NOT_KEYS),
            Self::Diff | Self::Diff1 | Self::AndOr if sources < 2 => Err(errors::err(format!(
                "BITOP {} must be called with at least two source keys.",
                self.name()
            ))),
            _ => Ok(()),
        }
    }
}

/// Strings combined one after the other, so that only one of them has to be at hand. All count as long as the longest
/// one, with zeros at the end.
struct Fold {
    operation: Operation,
    /// Strings added so far.
    added: usize,
    /// The first string, for operations that treat it differently from others; else what all came to so far.
    head: Vec<u8>,
    /// What strings after the first came to, or for ONE the bits that were set more than once.
    rest: Vec<u8>,
}

impl Fold {
    fn new(operation: Operation) -> Self {
        Self { operation, added: 0, head: Vec::new(), rest: Vec::new() }
    }

    fn add(&mut self, string: &[u8]) {
        self.added += 1;
        if self.added == 1 {
            self.head = string.to_vec();
            return;
        }
        match self.operation {
            Operation::And => {
                pad(&mut self.head, string.len());
                let (front, behind) = self.head.split_at_mut(string.len());
                combine(front, string, |a, b| a & b);
                behind.fill(0);
            }
            Operation::Or => {
                pad(&mut self.head, string.len());
                combine(&mut self.head, string, |a, b| a | b);
            }
            Operation::Xor => {
                pad(&mut self.head, string.len());
                combine(&mut self.head, string, |a, b| a ^ b);
            }
            Operation::Not => unreachable!("NOT has one string"),
            Operation::Diff | Operation::Diff1 | Operation::AndOr => {
                pad(&mut self.rest, string.len());
                combine(&mut self.rest, string, |a, b| a | b);
            }
            Operation::One => self.add_to_one(string),
        }
    }

    /// Sets in `rest` the bits that are now set a second time, and in `head` those that are set at all.
    fn add_to_one(&mut self, string: &[u8]) {
        pad(&mut self.head, string.len());
        pad(&mut self.rest, string.len());
        for ((seen, again), byte) in self.head.iter_mut().zip(&mut self.rest).zip(string) {
            *again |= *seen & byte;
            *seen |= byte;
        }
    }

    /// The result, as long as the longest string.
    fn finish(mut self) -> Vec<u8> {
        let len = self.head.len().max(self.rest.len());
        pad(&mut self.head, len);
        pad(&mut self.rest, len);
        match self.operation {
            Operation::And | Operation::Or | Operation::Xor => {}
            Operation::Not => self.head.iter_mut().for_each(|byte| *byte = !*byte),
            Operation::Diff | Operation::One => combine(&mut self.head, &self.rest, |a, b| a & !b),
            Operation::Diff1 => combine(&mut self.head, &self.rest, |a, b| !a & b),
            Operation::AndOr => combine(&mut self.head, &self.rest, |a, b| a & b),
        }
        self.head
    }
}

fn pad(bytes: &mut Vec<u8>, len: usize) {
    if bytes.len() < len {
        bytes.resize(len, 0);
    }
}

/// Combines byte by byte as far as the shorter one reaches; the compiler makes wide instructions of it.
#[inline]
fn combine(into: &mut [u8], with: &[u8], how: impl Fn(u8, u8) -> u8) {
    for (into, with) in into.iter_mut().zip(with) {
        *into = how(*into, *with);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// A bit of the result, from the same bit of all strings.
    fn naive(operation: Operation, bits: &[bool]) -> bool {
        let set = bits.iter().filter(|bit| **bit).count();
        let others = bits[1..].contains(&true);
        match operation {
            Operation::And => set == bits.len(),
            Operation::Or => set > 0,
            Operation::Xor => set % 2 == 1,
            Operation::Not => !bits[0],
            Operation::Diff => bits[0] && !others,
            Operation::Diff1 => !bits[0] && others,
            Operation::AndOr => bits[0] && others,
            Operation::One => set == 1,
        }
    }

    proptest! {
        #[test]
        fn every_operation_works_bit_by_bit(strings in vec(vec(any::<u8>(), 0..40), 1..6)) {
            let longest = strings.iter().map(Vec::len).max().expect("there is a string");
            for (_, operation) in Operation::ALL {
                let strings = if operation == Operation::Not { &strings[..1] } else { &strings[..] };
                let mut fold = Fold::new(operation);
                strings.iter().for_each(|string| fold.add(string));
                let result = fold.finish();
                let longest = if operation == Operation::Not { strings[0].len() } else { longest };
                prop_assert_eq!(result.len(), longest);
                for bit in 0..longest * 8 {
                    let at = |string: &[u8]| string.get(bit / 8).is_some_and(|b| b >> (7 - bit % 8) & 1 == 1);
                    let bits: Vec<bool> = strings.iter().map(|string| at(string)).collect();
                    prop_assert_eq!(at(&result), naive(operation, &bits), "{:?} at {}", operation, bit);
                }
            }
        }
    }
}
