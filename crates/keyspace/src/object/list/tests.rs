use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::limits::{Limit, Limits};

fn limits(fill: i64, depth: i64, threshold: i64) -> ListLimits {
    let limits = Limits::default();
    limits.set(Limit::ListMaxListpackSize, fill);
    limits.set(Limit::ListCompressDepth, depth);
    limits.set(Limit::ListPackedThreshold, threshold);
    ListLimits::of(&limits)
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[0-9]{1,3}".prop_map(String::into_bytes),
        4 => "[ab]{0,3}".prop_map(String::into_bytes),
        2 => (any::<u8>(), 40..200usize).prop_map(|(byte, len)| vec![byte; len]),
        1 => (any::<u8>(), 3000..9000usize).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Head), Just(End::Tail)]
}

#[derive(Clone, Debug)]
enum Op {
    Push(End, Vec<Vec<u8>>),
    Pop(End, usize),
    Insert(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Remove(usize, usize),
    RemoveValue(usize, End, usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (end(), vec(value(), 1..8)).prop_map(|(end, values)| Op::Push(end, values)),
        2 => (end(), 0..6usize).prop_map(|(end, n)| Op::Pop(end, n)),
        4 => (any::<usize>(), value()).prop_map(|(at, value)| Op::Insert(at, value)),
        3 => (any::<usize>(), value()).prop_map(|(at, value)| Op::Replace(at, value)),
        1 => (any::<usize>(), 0..20usize).prop_map(|(at, n)| Op::Remove(at, n)),
        2 => (any::<usize>(), end(), 1..4usize).prop_map(|(at, end, max)| Op::RemoveValue(at, end, max)),
    ]
}

fn remove_value(model: &mut Vec<Vec<u8>>, value: &[u8], end: End, max: usize) -> usize {
    let hits = model.iter().enumerate().filter(|(_, element)| *element == value).map(|(index, _)| index);
    let mut hits: Vec<_> = hits.collect();
    if end == End::Tail {
        hits.reverse();
    }
    hits.truncate(max);
    hits.sort_unstable();
    for &index in hits.iter().rev() {
        model.remove(index);
    }
    hits.len()
}

fn apply(list: &mut List, model: &mut Vec<Vec<u8>>, op: Op, limits: &ListLimits) {
    match op {
        Op::Push(end, values) => {
            list.push(end, values.iter().map(|value| &value[..]), limits);
            for value in values {
                model.insert(if end == End::Head { 0 } else { model.len() }, value);
            }
        }
        Op::Pop(end, n) => {
            let n_model = n.min(model.len());
            assert_eq!(list.pop(end, n, limits), n_model);
            let from = if end == End::Head { 0 } else { model.len() - n_model };
            model.drain(from..from + n_model);
        }
        Op::Insert(at, value) => {
            let at = at % (model.len() + 1);
            list.insert(at, &value[..], limits);
            model.insert(at, value);
        }
        Op::Replace(at, value) => {
            let at = at % (model.len() + 1);
            assert_eq!(list.replace(at, &value[..], limits), at < model.len());
            if at < model.len() {
                model[at] = value;
            }
        }
        Op::Remove(at, n) => {
            let at = at % (model.len() + 1);
            let n_model = n.min(model.len() - at);
            assert_eq!(list.remove(at, n, limits), n_model);
            model.drain(at..at + n_model);
        }
        Op::RemoveValue(at, end, max) => {
            let Some(value) = model.get(at % (model.len() + 1)).cloned() else { return };
            assert_eq!(
                list.remove_value(&value[..], end, max, limits),
                remove_value(model, &value, end, max)
            );
        }
    }
}

fn elements(list: &List, end: End, skip: usize, n: usize) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let _ = list.visit(end, skip, n, |value| {
        out.push(value.to_vec());
        ControlFlow::Continue(())
    });
    out
}

fn compare(list: &List, model: &[Vec<u8>], limits: &ListLimits) {
    assert_eq!(list.len(), model.len());
    assert_eq!(elements(list, End::Head, 0, usize::MAX), model);
    let mut reversed = elements(list, End::Tail, 0, usize::MAX);
    reversed.reverse();
    assert_eq!(reversed, model);
    assert_eq!(list.peek(End::Head).map(StringRef::to_vec).as_ref(), model.first());
    assert_eq!(list.peek(End::Tail).map(StringRef::to_vec).as_ref(), model.last());
    if let Form::Quicklist(quicklist) = &list.0 {
        quicklist.check(limits.depth);
    }
    let mut loaded = List::default();
    for node in list.nodes() {
        match node {
            ListNode::Packed(listpack) => loaded.append_listpack(listpack.into_owned()),
            ListNode::Plain(bytes) => loaded.append_plain(bytes.to_vec()),
        }
    }
    loaded.loaded(limits);
    assert_eq!(elements(&loaded, End::Head, 0, usize::MAX), model);
}

proptest! {
    #[test]
    fn it_is_a_vec(
        ops in vec(op(), 0..40),
        fill in prop_oneof![Just(-1i64), Just(-2), 1..6i64],
        depth in 0..3i64,
        threshold in prop_oneof![Just(0i64), Just(1), Just(50)],
        skip in 0..20usize,
        n in 0..20usize,
    ) {
        let limits = limits(fill, depth, threshold);
        let (mut list, mut model) = (List::default(), Vec::new());
        let mut copy = (list.clone(), model.clone());
        for (step, op) in ops.into_iter().enumerate() {
            apply(&mut list, &mut model, op, &limits);
            compare(&list, &model, &limits);
            let part: Vec<_> = model.iter().skip(skip).take(n).cloned().collect();
            prop_assert_eq!(elements(&list, End::Head, skip, n), part);
            let part: Vec<_> = model.iter().rev().skip(skip).take(n).cloned().collect();
            prop_assert_eq!(elements(&list, End::Tail, skip, n), part);
            if step == 10 {
                copy = (list.clone(), model.clone());
            }
        }
        compare(&copy.0, &copy.1, &limits);
    }
}

fn numbers(list: &mut List, n: i64, limits: &ListLimits) {
    for number in 0..n {
        list.push(End::Tail, [number], limits);
    }
}

#[test]
fn it_converts_there_and_back() {
    let limits = limits(10, 0, 0);
    let mut list = List::default();
    numbers(&mut list, 10, &limits);
    assert_eq!(list.encoding(), Encoding::Listpack);
    list.push(End::Head, [1i64], &limits);
    assert_eq!((list.encoding(), list.node_count()), (Encoding::Quicklist, 2));
    list.pop(End::Head, 1, &limits);
    list.pop(End::Tail, 4, &limits);
    assert_eq!(list.encoding(), Encoding::Quicklist, "not before it is half as long as it may be");
    list.pop(End::Tail, 1, &limits);
    assert_eq!((list.encoding(), list.len()), (Encoding::Listpack, 5));
}

#[test]
fn sizes_in_bytes_convert_by_bytes() {
    let limits = limits(-1, 0, 0);
    let mut list = List::default();
    list.push(End::Tail, [&[b'x'; 4089][..]], &limits);
    assert_eq!(list.encoding(), Encoding::Listpack);
    let mut list = List::default();
    list.push(End::Tail, [&[b'x'; 4090][..]], &limits);
    assert_eq!(list.encoding(), Encoding::Quicklist);
    assert!(matches!(list.nodes().next(), Some(ListNode::Packed(_))));
    list.push(End::Tail, [&[b'x'; 4097][..]], &limits);
    assert!(matches!(list.nodes().nth(1), Some(ListNode::Plain(_))));
}

#[test]
fn inner_nodes_are_compressed() {
    let limits = limits(-1, 2, 0);
    let mut list = List::default();
    for _ in 0..10_000 {
        list.push(End::Tail, [b"some text that repeats itself"], &limits);
    }
    let Form::Quicklist(quicklist) = &list.0 else { panic!("it is long") };
    assert_eq!(quicklist.compressed(), quicklist.node_count() - 4);
    assert!(list.memory_usage(0) < list.byte_len() / 10);
    list.remove(0, 9_000, &limits);
    let Form::Quicklist(quicklist) = &list.0 else { panic!("it is long") };
    assert_eq!(quicklist.compressed(), quicklist.node_count() - 4);
}

#[test]
fn a_copy_shares_its_nodes() {
    let limits = limits(-2, 0, 0);
    let mut list = List::default();
    numbers(&mut list, 100_000, &limits);
    let copy = list.clone();
    list.push(End::Tail, [5i64], &limits);
    let (Form::Quicklist(ours), Form::Quicklist(theirs)) = (&list.0, &copy.0) else {
        panic!("they are long")
    };
    let same = |(a, b): (ListNode<'_>, ListNode<'_>)| match (a, b) {
        (ListNode::Packed(Cow::Borrowed(a)), ListNode::Packed(Cow::Borrowed(b))) => std::ptr::eq(a, b),
        _ => false,
    };
    let shared = ours.nodes().zip(theirs.nodes()).filter_map(|pair| same(pair).then_some(())).count();
    assert_eq!(shared, ours.node_count() - 1);
}

#[test]
fn it_is_small() {
    assert_eq!(size_of::<List>(), 24);
    let limits = limits(-2, 0, 0);
    let mut list = List::default();
    numbers(&mut list, 1_000_000, &limits);
    let overhead = list.memory_usage(0) as f64 / list.byte_len() as f64;
    assert!(overhead < 1.02, "{overhead}");
}
