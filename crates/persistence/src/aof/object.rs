//! Aggregates as the commands that create them.

use redan_keyspace::{FieldRef, Hash, IntText, List, Object, Set, SortedSet, StringRef, ValueRef};
use redan_resp::{CommandBuilder, OwnedArgs, encode_command, format_f64_17};

use crate::dump;

/// Most elements that one command adds.
const MAX_ITEMS: usize = 64;

/// Writes the commands that create `object` under `key`.
pub(super) fn put(out: &mut Vec<u8>, key: &[u8], object: &Object) {
    match object {
        Object::List(list) => put_list(out, key, list),
        Object::Set(set) => put_set(out, key, set),
        Object::SortedSet(set) => put_sorted_set(out, key, set),
        Object::Hash(hash) => put_hash(out, key, hash),
        Object::Stream(_) => {
            // The only form that has everything: ids, tombstones, groups and what is pending, exactly as they are.
            let payload = dump::encode(ValueRef::Object(object), true);
            CommandBuilder::new(out, 4).arg(b"RESTORE").arg(key).arg(b"0").arg(&payload);
        }
    }
}

/// Adds elements by one command after the other.
struct Adder<'a> {
    out: &'a mut Vec<u8>,
    args: OwnedArgs,
    head: [&'a [u8]; 2],
    items: usize,
}

impl<'a> Adder<'a> {
    fn new(out: &'a mut Vec<u8>, command: &'static [u8], key: &'a [u8]) -> Self {
        Self { out, args: OwnedArgs::new(), head: [command, key], items: 0 }
    }

    /// The next argument; a command's elements begin with [`begin_item`](Self::begin_item).
    fn arg(&mut self, arg: &[u8]) {
        self.args.push(arg);
    }

    fn string(&mut self, string: StringRef<'_>) {
        self.arg(string.bytes(&mut IntText::new()));
    }

    fn begin_item(&mut self) {
        if self.items == MAX_ITEMS {
            self.flush();
        }
        if self.items == 0 {
            let [command, key] = self.head;
            self.arg(command);
            self.arg(key);
        }
        self.items += 1;
    }

    fn flush(&mut self) {
        if self.items > 0 {
            encode_command(self.out, self.args.iter());
            self.args.clear();
            self.items = 0;
        }
    }
}

fn put_list(out: &mut Vec<u8>, key: &[u8], list: &List) {
    let mut adder = Adder::new(out, b"RPUSH", key);
    list.for_each(|element| {
        adder.begin_item();
        adder.string(element);
    });
    adder.flush();
}

fn put_set(out: &mut Vec<u8>, key: &[u8], set: &Set) {
    let mut adder = Adder::new(out, b"SADD", key);
    for member in set {
        adder.begin_item();
        adder.string(member);
    }
    adder.flush();
}

fn put_sorted_set(out: &mut Vec<u8>, key: &[u8], set: &SortedSet) {
    let mut adder = Adder::new(out, b"ZADD", key);
    let mut text = Vec::new();
    for (member, score) in set.iter() {
        text.clear();
        format_f64_17(score, &mut text);
        adder.begin_item();
        adder.arg(&text);
        adder.string(member);
    }
    adder.flush();
}

fn put_hash(out: &mut Vec<u8>, key: &[u8], hash: &Hash) {
    let mut adder = Adder::new(out, b"HMSET", key);
    hash.for_each(|FieldRef { field, value, .. }| {
        adder.begin_item();
        adder.string(field);
        adder.string(value);
    });
    adder.flush();
    hash.for_each(|FieldRef { field, expire_at_ms, .. }| {
        if let Some(at_ms) = expire_at_ms {
            let mut command = CommandBuilder::new(out, 6);
            command.arg(b"HPEXPIREAT").arg(key).int(at_ms).arg(b"FIELDS").arg(b"1");
            command.arg(field.bytes(&mut IntText::new()));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use redan_keyspace::{Limits, SetTtl};

    fn text(object: &Object) -> String {
        let mut out = Vec::new();
        put(&mut out, b"k", object);
        let words = String::from_utf8(out).unwrap();
        let is_content = |line: &&str| !line.starts_with(['*', '$']) && !line.is_empty();
        words.split("\r\n").filter(is_content).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn elements_come_in_commands_of_limited_length() {
        let limits = Limits::default();
        let mut set = Set::for_members(b"1", 1, &limits);
        for number in 0..65 {
            set.insert(number.to_string().as_bytes(), &limits);
        }
        let numbers = |range: std::ops::Range<i32>| range.map(|n| format!(" {n}")).collect::<String>();
        assert_eq!(text(&Object::Set(set)), format!("SADD k{} SADD k{}", numbers(0..64), numbers(64..65)));
    }

    #[test]
    fn fields_keep_their_time() {
        let limits = Limits::default();
        let mut hash = Hash::default();
        hash.set(b"f", b"v", SetTtl::Clear, &limits);
        hash.set(b"g", b"7", SetTtl::Clear, &limits);
        hash.set_expiry(b"g", Some(1_700_000_000_000));
        assert_eq!(text(&Object::Hash(hash)), "HMSET k g 7 f v HPEXPIREAT k 1700000000000 FIELDS 1 g");
    }

    #[test]
    fn scores_are_exact() {
        let limits = Limits::default();
        let mut set = SortedSet::new();
        for (score, member) in [(0.1, "a"), (f64::INFINITY, "b")] {
            set.update(member.as_bytes(), &limits, |_| Some(score));
        }
        assert_eq!(text(&Object::SortedSet(set)), "ZADD k 0.10000000000000001 a inf b");
    }
}
