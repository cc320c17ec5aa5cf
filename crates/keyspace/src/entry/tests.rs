use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::value::{INLINE_MAX, NewValue};

/// What an entry has to be, written without any layout.
#[derive(Clone, Debug)]
struct Model {
    key: Vec<u8>,
    value: Plain,
    modified: bool,
    expiry: Option<(i64, u32)>,
    clock: u32,
    epoch: u8,
}

#[derive(Clone, Debug, PartialEq)]
enum Plain {
    Int(i64),
    Bytes(Vec<u8>),
}

impl Plain {
    fn of(value: &NewValue<'_>) -> Self {
        match value {
            NewValue::Int(value) => Self::Int(*value),
            NewValue::Text(bytes) => Self::Bytes(bytes.to_vec()),
            NewValue::Bytes(bytes) => crate::parse_int(bytes).map_or(Self::Bytes(bytes.to_vec()), Self::Int),
            NewValue::Owned(bytes) => crate::parse_int(bytes).map_or(Self::Bytes(bytes.clone()), Self::Int),
            NewValue::Shared(bytes) => Self::Bytes(bytes.to_vec()),
            NewValue::Object(_) => unreachable!("the model is one of strings"),
        }
    }

    fn text(&self) -> Vec<u8> {
        match self {
            Self::Int(value) => value.to_string().into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl Model {
    fn encoding(&self) -> Encoding {
        match &self.value {
            Plain::Int(_) => Encoding::Int,
            Plain::Bytes(bytes) if bytes.len() <= EMBSTR_MAX && !self.modified => Encoding::Embstr,
            Plain::Bytes(_) => Encoding::Raw,
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Replace(Plain, bool, Option<(i64, u32)>),
    SetInt(i64),
    Append(Vec<u8>),
    Mutate(usize, u8),
    SetExpiry(Option<(i64, u32)>),
    Place(u32),
    Rekey(Vec<u8>),
    Duplicate(Vec<u8>),
    Share,
    DropShared,
    Clock(u32),
    Epoch(u8),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => vec(any::<u8>(), 0..40),
        // Around the length that does not fit into the slot.
        1 => (65_533_usize..65_538).prop_map(|len| vec![b'k'; len]),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..70),
        3 => (INLINE_MAX - 2..INLINE_MAX + 3).prop_map(|len| vec![b'v'; len]),
        1 => (2_000_usize..70_000).prop_map(|len| vec![b'w'; len]),
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    prop_oneof![1 => any::<i64>().prop_map(Plain::Int), 3 => bytes().prop_map(Plain::Bytes)]
}

fn expiry() -> impl Strategy<Value = Option<(i64, u32)>> {
    proptest::option::of((any::<i64>(), any::<u32>()))
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (plain(), any::<bool>(), expiry()).prop_map(|(value, owned, expiry)| Op::Replace(value, owned, expiry)),
        1 => any::<i64>().prop_map(Op::SetInt),
        3 => bytes().prop_map(Op::Append),
        3 => (0_usize..1200, any::<u8>()).prop_map(|(min_len, byte)| Op::Mutate(min_len, byte)),
        3 => expiry().prop_map(Op::SetExpiry),
        1 => any::<u32>().prop_map(Op::Place),
        1 => key().prop_map(Op::Rekey),
        1 => key().prop_map(Op::Duplicate),
        1 => Just(Op::Share),
        1 => Just(Op::DropShared),
        1 => (0..=CLOCK_MASK).prop_map(Op::Clock),
        1 => any::<u8>().prop_map(Op::Epoch),
    ]
}

fn new_value(plain: &Plain, owned: bool) -> NewValue<'_> {
    match plain {
        Plain::Int(value) => NewValue::Int(*value),
        Plain::Bytes(bytes) if owned => NewValue::Owned(bytes.clone()).settle(),
        Plain::Bytes(bytes) => NewValue::Text(bytes),
    }
}

fn check(entry: &Entry, model: &Model) {
    assert_eq!(entry.key(), model.key);
    assert_eq!(entry.string().to_vec(), model.value.text());
    assert_eq!(matches!(entry.string(), StringRef::Int(_)), matches!(model.value, Plain::Int(_)));
    assert_eq!(entry.string().len(), model.value.text().len());
    assert_eq!(entry.encoding(), model.encoding());
    assert_eq!(entry.expiry(), model.expiry);
    assert_eq!(entry.expire_at_ms(), model.expiry.map(|(at_ms, _)| at_ms));
    assert_eq!((entry.clock(), entry.epoch()), (model.clock, model.epoch));
    assert_eq!(
        entry.shared().map(|shared| shared.to_vec()),
        (entry.shape.form() == Form::Large).then(|| model.value.text())
    );
    assert_eq!(entry.block_len(), {
        let header =
            if model.expiry.is_some() { 12 } else { 0 } + if model.key.len() >= 65_535 { 4 } else { 0 };
        let value = if entry.shape.form() == Form::Inline { model.value.text().len() } else { 8 };
        header + model.key.len() + value
    });
}

fn apply(entry: &mut Entry, model: &mut Model, shared: &mut Vec<(Arc<Vec<u8>>, Vec<u8>)>, op: Op) {
    match op {
        Op::Replace(value, owned, expiry) => {
            let new = new_value(&value, owned);
            entry.replace(new.payload(), expiry);
            *model = Model { value: Plain::of(&new), modified: false, expiry, ..model.clone() };
        }
        Op::SetInt(value) => {
            entry.set_int(value);
            *model = Model { value: Plain::Int(value), modified: false, ..model.clone() };
        }
        Op::Append(tail) => {
            let text = [model.value.text(), tail.clone()].concat();
            assert_eq!(entry.append(&tail), text.len());
            *model = Model { value: Plain::Bytes(text), modified: true, ..model.clone() };
        }
        Op::Mutate(min_len, byte) => {
            let mut text = model.value.text();
            text.resize(text.len().max(min_len), 0);
            if let Some(last) = text.last_mut() {
                *last = byte;
            }
            let bytes = entry.string_mut(min_len);
            if let Some(last) = bytes.last_mut() {
                *last = byte;
            }
            *model = Model { value: Plain::Bytes(text), modified: true, ..model.clone() };
        }
        Op::SetExpiry(expiry) => {
            entry.set_expiry(expiry);
            model.expiry = expiry;
        }
        Op::Place(place) => {
            if let Some((_, old)) = &mut model.expiry {
                *old = place;
                entry.set_volatile_place(place);
            }
        }
        Op::Rekey(key) => {
            let old = std::mem::replace(entry, Entry::new(b"", 0, Payload::Int(0), None));
            *entry = old.rekey(&key, 99);
            *model = Model { key, expiry: None, ..model.clone() };
            assert_eq!(entry.hash(), 99);
        }
        Op::Duplicate(key) => {
            let copy = entry.duplicate(&key, 98);
            check(&copy, &Model { key, expiry: None, ..model.clone() });
        }
        Op::Share => shared.extend(entry.shared().map(|shared| (shared, model.value.text()))),
        Op::DropShared => shared.clear(),
        Op::Clock(clock) => {
            entry.set_clock(clock);
            model.clock = clock;
        }
        Op::Epoch(epoch) => {
            entry.set_epoch(epoch);
            model.epoch = epoch;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_transition_matches_the_model(
        key in key(), first in plain(), owned: bool, expiry in expiry(), ops in vec(op(), 0..40),
    ) {
        let new = new_value(&first, owned);
        let mut entry = Entry::new(&key, 7, new.payload(), expiry);
        let mut model = Model { key, value: Plain::of(&new), modified: false, expiry, clock: 0, epoch: 0 };
        let mut shared = Vec::new();
        check(&entry, &model);
        for op in ops {
            apply(&mut entry, &mut model, &mut shared, op);
            check(&entry, &model);
            // Whoever holds a shared string sees it as it was.
            for (handle, expected) in &shared {
                prop_assert_eq!(&**handle, expected);
            }
        }
    }
}

#[test]
fn a_short_pair_takes_one_exact_block() {
    let entry = Entry::new(&[b'k'; 16], 0, Payload::Inline(&[b'v'; 32]), None);
    assert_eq!(entry.heap_usage(0), 48);
    assert_eq!(size_of::<Entry>(), 20);
}

#[test]
fn overwriting_with_the_same_length_stays_in_place() {
    let mut entry = Entry::new(b"key", 0, Payload::Inline(b"one"), None);
    let before = entry.key().as_ptr();
    entry.replace(Payload::Inline(b"two"), None);
    assert_eq!(entry.key().as_ptr(), before);
    assert_eq!(entry.string(), StringRef::Bytes(b"two"));
}

#[test]
fn appending_does_not_copy_each_time() {
    let mut entry = Entry::new(b"key", 0, Payload::Inline(b""), None);
    let mut moves = 0;
    let mut last = std::ptr::null();
    for n in 0..100_000 {
        assert_eq!(entry.append(b"x"), n + 1);
        let StringRef::Bytes(bytes) = entry.string() else { panic!("an appended string is bytes") };
        moves += usize::from(bytes.as_ptr() != last);
        last = bytes.as_ptr();
    }
    assert!(moves < 40, "{moves}");
}

#[test]
fn an_empty_pair_allocates_nothing() {
    let mut entry = Entry::new(b"", 0, Payload::Inline(b""), None);
    assert_eq!(entry.heap_usage(0), 0);
    entry.replace(Payload::Inline(b"x"), None);
    entry.replace(Payload::Inline(b""), None);
    entry.set_expiry(Some((5, 0)));
    entry.set_expiry(None);
    assert_eq!((entry.key(), entry.string()), (&b""[..], StringRef::Bytes(b"")));
}
