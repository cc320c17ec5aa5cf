use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::value::parse_int;

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        (-5000i64..5000).prop_map(|number| number.to_string().into_bytes()),
        vec(any::<u8>(), 0..80),
        "[-0-9a]{0,4}".prop_map(String::into_bytes),
        (any::<u8>(), prop_oneof![Just(125usize), Just(4093), Just(4096), Just(16_378), Just(20_000)])
            .prop_map(|(byte, len)| vec![byte; len]),
    ]
}

#[derive(Clone, Debug)]
enum Op {
    PushBack(Vec<u8>),
    PushFront(Vec<u8>),
    InsertBefore(usize, Vec<u8>),
    InsertAfter(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Remove(usize),
    RemoveRange(usize, usize),
    Split(usize, bool),
    Shrink,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => value().prop_map(Op::PushBack),
        3 => value().prop_map(Op::PushFront),
        2 => (any::<usize>(), value()).prop_map(|(at, value)| Op::InsertBefore(at, value)),
        2 => (any::<usize>(), value()).prop_map(|(at, value)| Op::InsertAfter(at, value)),
        2 => (any::<usize>(), value()).prop_map(|(at, value)| Op::Replace(at, value)),
        2 => any::<usize>().prop_map(Op::Remove),
        1 => (0..40usize, 0..10usize).prop_map(|(from, n)| Op::RemoveRange(from, n)),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(at, back)| Op::Split(at, back)),
        1 => Just(Op::Shrink),
    ]
}

/// Does the same to both.
fn apply(listpack: &mut Listpack, model: &mut Vec<Vec<u8>>, op: Op) {
    // Where an operation is to happen; `None` if there is no element.
    let place = |at: usize, model: &[Vec<u8>]| at.checked_rem(model.len());
    match op {
        Op::PushBack(value) => {
            listpack.push_back(&value[..]);
            model.push(value);
        }
        Op::PushFront(value) => {
            listpack.push_front(&value[..]);
            model.insert(0, value);
        }
        Op::InsertBefore(at, value) => {
            let Some(at) = place(at, model) else { return };
            let pos = listpack.seek(at).unwrap();
            listpack.insert_before(pos, &value[..]);
            assert!(listpack.matches(pos, &value[..]));
            model.insert(at, value);
        }
        Op::InsertAfter(at, value) => {
            let Some(at) = place(at, model) else { return };
            let pos = listpack.insert_after(listpack.seek(at).unwrap(), &value[..]);
            assert!(listpack.matches(pos, &value[..]));
            model.insert(at + 1, value);
        }
        Op::Replace(at, value) => {
            let Some(at) = place(at, model) else { return };
            listpack.replace(listpack.seek(at).unwrap(), &value[..]);
            model[at] = value;
        }
        Op::Remove(at) => {
            let Some(at) = place(at, model) else { return };
            let next = listpack.remove(listpack.seek(at).unwrap());
            model.remove(at);
            assert_eq!(next.map(|pos| listpack.get(pos).to_vec()), model.get(at).cloned());
        }
        Op::RemoveRange(from, n) => {
            let from_cut = from.min(model.len());
            let to = (from_cut + n).min(model.len());
            assert_eq!(listpack.remove_range(from, n), to - from_cut);
            model.drain(from_cut..to);
        }
        Op::Split(at, back) => {
            let Some(at) = place(at, model) else { return };
            let tail = listpack.split_off(listpack.seek(at).unwrap());
            let model_tail = model.split_off(at);
            assert_eq!((listpack.len(), tail.len()), (model.len(), model_tail.len()));
            if back {
                listpack.append(&tail);
                model.extend(model_tail);
            } else {
                *listpack = tail;
                *model = model_tail;
            }
        }
        Op::Shrink => listpack.shrink_to_fit(),
    }
}

/// Compares everything that can be read.
fn compare(listpack: &Listpack, model: &[Vec<u8>]) {
    assert_eq!(listpack.len(), model.len());
    assert_eq!(listpack.is_empty(), model.is_empty());
    let values: Vec<_> = listpack.iter().map(StringRef::to_vec).collect();
    assert_eq!(values, model);
    for value in listpack.iter() {
        if let StringRef::Bytes(bytes) = value {
            assert_eq!(parse_int(bytes), None, "integers are stored as such");
        }
    }
    let mut reversed: Vec<_> = listpack.iter_rev().map(StringRef::to_vec).collect();
    reversed.reverse();
    assert_eq!(reversed, model);
    let back = Listpack::from_bytes(listpack.as_bytes().to_vec()).unwrap();
    assert_eq!(&back, listpack);
    let mut pos = listpack.first();
    let mut last = None;
    for (index, value) in model.iter().enumerate() {
        assert_eq!(listpack.seek(index), pos);
        let here = pos.unwrap();
        assert!(listpack.matches(here, &value[..]));
        assert_eq!(listpack.prev(here), last);
        assert_eq!(listpack.iter_to(here).count(), index + 1);
        assert_eq!(listpack.iter_from(here).count(), model.len() - index);
        last = pos;
        pos = listpack.next(here);
    }
    assert_eq!((pos, last), (None, listpack.last()));
    assert_eq!(listpack.seek(model.len()), None);
}

proptest! {
    #[test]
    fn it_is_a_vec(ops in vec(op(), 0..60)) {
        let (mut listpack, mut model) = (Listpack::new(), Vec::new());
        for op in ops {
            apply(&mut listpack, &mut model, op);
            compare(&listpack, &model);
        }
    }

    #[test]
    fn find_finds_the_first(values in vec("[0-9a]{0,2}", 0..30), wanted in "[0-9a]{0,2}", from in 0..30usize, skip in 0..3usize) {
        let listpack: Listpack = values.iter().map(String::as_bytes).collect();
        let Some(pos) = listpack.seek(from) else { return Ok(()) };
        let expected = (from..values.len()).step_by(skip + 1).find(|&index| values[index] == wanted);
        prop_assert_eq!(
            listpack.find(wanted.as_bytes(), pos, skip),
            expected.map(|index| listpack.seek(index).unwrap())
        );
    }

    #[test]
    fn damaged_bytes_are_refused_or_readable(
        values in vec(value(), 0..6),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        cuts: bool,
    ) {
        let listpack: Listpack = values.iter().map(|value| &value[..]).collect();
        let mut bytes = listpack.as_bytes().to_vec();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(listpack) = Listpack::from_bytes(bytes) {
            let values: Vec<_> = listpack.iter().collect();
            let mut reversed: Vec<_> = listpack.iter_rev().collect();
            reversed.reverse();
            prop_assert_eq!(values.len(), listpack.len());
            prop_assert_eq!(values, reversed);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_readable(bytes in vec(any::<u8>(), 0..40)) {
        let mut whole = (bytes.len() as u32 + 7).to_le_bytes().to_vec();
        whole.extend_from_slice(&[0xFF, 0xFF]);
        whole.extend_from_slice(&bytes);
        whole.push(0xFF);
        if let Ok(listpack) = Listpack::from_bytes(whole) {
            prop_assert_eq!(listpack.iter().count(), listpack.iter_rev().count());
        }
    }
}

#[test]
fn the_bytes_are_those_of_the_format() {
    let listpack: Listpack = [&b"a"[..], b"17", b"-1", b""].into_iter().collect();
    assert_eq!(listpack.as_bytes(), [17, 0, 0, 0, 4, 0, 0x81, b'a', 2, 17, 1, 0xDF, 0xFF, 2, 0x80, 1, 0xFF]);
}

#[test]
fn many_elements_are_counted_by_walking() {
    let mut listpack = Listpack::new();
    for number in 0..70_000 {
        listpack.push_back(number % 100);
    }
    assert_eq!(listpack.as_bytes()[4..6], [0xFF, 0xFF]);
    assert_eq!(listpack.len(), 70_000);
    assert_eq!(listpack.get(listpack.seek(69_999).unwrap()), StringRef::Int(99));
    assert_eq!(listpack.seek(70_000), None);
    assert_eq!(listpack.remove_range(10, 69_980), 69_980);
    assert_eq!((listpack.len(), &listpack.as_bytes()[4..6]), (20, &[20, 0][..]));
}

#[test]
fn integers_that_others_stored_as_text_are_found() {
    let bytes = vec![11, 0, 0, 0, 1, 0, 0x82, b'1', b'2', 3, 0xFF];
    let listpack = Listpack::from_bytes(bytes).unwrap();
    let first = listpack.first().unwrap();
    assert_eq!(listpack.find(b"12", first, 0), Some(first));
    assert_eq!(listpack.find(12, first, 0), Some(first));
    assert_eq!(listpack.find(13, first, 0), None);
}

#[test]
fn damage_is_named() {
    let refused = |bytes: &[u8]| Listpack::from_bytes(bytes.to_vec()).unwrap_err();
    let error = |offset, damage| ListpackError { offset, damage };
    assert_eq!(refused(b""), error(0, ListpackDamage::Length));
    assert_eq!(refused(&[8, 0, 0, 0, 0, 0, 0xFF]), error(0, ListpackDamage::Length));
    assert_eq!(refused(&[7, 0, 0, 0, 0, 0, 0]), error(6, ListpackDamage::End));
    assert_eq!(refused(&[9, 0, 0, 0, 1, 0, 5, 2, 0xFF]), error(6, ListpackDamage::Element));
    assert_eq!(refused(&[9, 0, 0, 0, 2, 0, 5, 1, 0xFF]), error(4, ListpackDamage::Count));
    assert_eq!(refused(&[9, 0, 0, 0, 1, 0, 0xF5, 1, 0xFF]), error(6, ListpackDamage::Element));
}

#[test]
fn a_buffer_is_not_bigger_than_it_needs_to_be() {
    let mut listpack = Listpack::new();
    for number in 0..1000 {
        listpack.push_back(number);
        assert_eq!(listpack.allocated(), size_class::size_class(listpack.byte_len()));
    }
    listpack.remove_range(0, 900);
    assert!(listpack.allocated() < 2 * listpack.byte_len());
}
