use std::ops::{Bound, RangeBounds};

use proptest::prelude::*;

use super::*;
use crate::view::Access;

/// Limits at which a set of more than `entries` members is a big one.
fn limits(entries: i64) -> Limits {
    let limits = Limits::default();
    limits.set(Limit::ZsetMaxListpackEntries, entries);
    limits
}

fn owned((member, score): (StringRef<'_>, f64)) -> (f64, Vec<u8>) {
    (score, member.to_vec())
}

/// A sorted set beside a sorted list of the same members.
struct Model {
    set: SortedSet,
    members: Vec<(f64, Vec<u8>)>,
    limits: Limits,
}

impl Model {
    fn new(entries: i64) -> Self {
        Self { set: SortedSet::new(), members: Vec::new(), limits: limits(entries) }
    }

    fn place(&self, member: &[u8]) -> Option<usize> {
        self.members.iter().position(|(_, other)| other == member)
    }

    fn put(&mut self, member: &[u8], score: f64) {
        let known = self.place(member).map(|at| self.members.remove(at).0);
        self.set.update(member, &self.limits, |old| {
            assert_eq!(old, known);
            Some(score)
        });
        let at = self.members.partition_point(|(s, m)| (*s, m.as_slice()) < (score, member));
        self.members.insert(at, (score, member.to_vec()));
    }

    fn remove(&mut self, member: &[u8]) {
        let known = self.place(member).map(|at| self.members.remove(at).0);
        assert_eq!(self.set.remove(member), known);
    }

    fn remove_ranks(&mut self, from: usize, len: usize) {
        let from = from % (self.members.len() + 1);
        let ranks = from..(from + len).min(self.members.len());
        self.set.remove_ranks(ranks.clone());
        self.members.drain(ranks);
    }

    fn check(&self) {
        assert_eq!(self.set.len(), self.members.len());
        assert!(self.set.iter().map(owned).eq(self.members.iter().cloned()));
        assert!(self.set.iter().rev().map(owned).eq(self.members.iter().rev().cloned()));
        for (rank, (score, member)) in self.members.iter().enumerate() {
            assert_eq!(self.set.rank(member), Some((rank, *score)));
            assert_eq!(self.set.score(member), Some(*score));
        }
        assert_eq!(self.set.score(b"no such member"), None);
        let mut shown = Vec::new();
        let mut cursor = 0;
        loop {
            cursor = self.set.scan(cursor, 7, |member, score| shown.push((score, member.to_vec())));
            if cursor == 0 {
                break;
            }
        }
        shown.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
        assert_eq!(shown, self.members);
    }

    fn check_ranges(&self, range: ScoreRange) {
        let inside = |score: f64| (range.min, range.max).contains(&score);
        let expected: Vec<_> = self.members.iter().filter(|(score, _)| inside(*score)).cloned().collect();
        let ranks = self.set.score_ranks(&range);
        assert_eq!(self.set.range(ranks.clone()).map(owned).collect::<Vec<_>>(), expected);
        assert_eq!(ranks.len(), expected.len());
        let mut from_both = self.set.range(ranks);
        for n in 0..expected.len() {
            let (next, place) = if n % 3 == 0 {
                (from_both.next_back(), expected.len() - 1 - n / 3)
            } else {
                (from_both.next(), n - n / 3 - 1)
            };
            assert_eq!(next.map(owned).as_ref(), Some(&expected[place]));
        }
        assert!(from_both.next().is_none() && from_both.next_back().is_none());
    }
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0..60_u32).prop_map(|n| n.to_string().into_bytes()),
        4 => (0..60_u32).prop_map(|n| format!("member:{n:04}").into_bytes()),
        1 => (0..6_usize).prop_map(|n| vec![b'x'; 20 + n]),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-8..8_i32).prop_map(f64::from),
        2 => any::<f64>().prop_filter("no NaN", |score| !score.is_nan()),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(0.1),
    ]
}

fn bound() -> impl Strategy<Value = Bound<f64>> {
    prop_oneof![score().prop_map(Bound::Included), score().prop_map(Bound::Excluded)]
}

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>, f64),
    Remove(Vec<u8>),
    RemoveRanks(usize, usize),
    Ranges(Bound<f64>, Bound<f64>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (member(), score()).prop_map(|(member, score)| Step::Put(member, score)),
        3 => member().prop_map(Step::Remove),
        1 => (any::<u16>(), 0..20_usize).prop_map(|(from, len)| Step::RemoveRanks(from.into(), len)),
        2 => (bound(), bound()).prop_map(|(min, max)| Step::Ranges(min, max)),
    ]
}

proptest! {
    #[test]
    fn it_is_a_sorted_list(steps in prop::collection::vec(step(), 1..250), entries in 0..150_i64) {
        let mut model = Model::new(entries);
        for step in steps {
            match step {
                Step::Put(member, score) => model.put(&member, score),
                Step::Remove(member) => model.remove(&member),
                Step::RemoveRanks(from, len) => model.remove_ranks(from, len),
                Step::Ranges(min, max) => model.check_ranges(ScoreRange { min, max }),
            }
        }
        model.check();
        if let Some(listpack) = model.set.listpack() {
            let again = SortedSet::from_listpack(listpack.clone(), &model.limits).expect("well-formed");
            prop_assert!(again.iter().map(owned).eq(model.members.iter().cloned()));
        }
        let copy = model.set.clone();
        model.put(b"another", 1.0);
        prop_assert_eq!(copy.score(b"another"), None);
    }

    #[test]
    fn what_is_built_at_once_is_the_same(
        pairs in prop::collection::vec((member(), score()), 0..150),
        entries in 0..150_i64,
    ) {
        let mut model = Model::new(entries);
        let mut builder = SortedSetBuilder::new();
        for (member, score) in &pairs {
            prop_assert_eq!(builder.insert(member, *score), model.place(member).is_none());
            model.put(member, *score);
        }
        model.set = builder.finish(&model.limits);
        model.check();
        prop_assert_eq!(model.set.listpack().is_some(), model.members.len() as i64 <= entries);
    }

    #[test]
    fn members_of_one_score_have_ranges(
        members in prop::collection::btree_set("[ab]{0,5}", 0..60),
        min in "[ab]{0,5}",
        max in "[ab]{0,5}",
        entries in prop_oneof![Just(0_i64), Just(1000)],
    ) {
        let limits = limits(entries);
        let mut set = SortedSet::new();
        members.iter().for_each(|member| set.update(member.as_bytes(), &limits, |_| Some(0.0)));
        type Accepts = fn(&str, &str) -> bool;
        let mins: [(LexBound<'_>, Accepts); 4] = [
            (LexBound::Lowest, |_, _| true),
            (LexBound::Highest, |_, _| false),
            (LexBound::Included(min.as_bytes()), |member, min| member >= min),
            (LexBound::Excluded(min.as_bytes()), |member, min| member > min),
        ];
        let maxs: [(LexBound<'_>, Accepts); 4] = [
            (LexBound::Lowest, |_, _| false),
            (LexBound::Highest, |_, _| true),
            (LexBound::Included(max.as_bytes()), |member, max| member <= max),
            (LexBound::Excluded(max.as_bytes()), |member, max| member < max),
        ];
        for (low, above) in mins {
            for (high, below) in maxs {
                let ranks = set.lex_ranks(&LexRange { min: low, max: high });
                let inside = |member: &&String| above(member, &min) && below(member, &max);
                let expected: Vec<Vec<u8>> = members.iter().filter(inside).map(|m| m.clone().into_bytes()).collect();
                let got: Vec<Vec<u8>> = set.range(ranks).map(|(member, _)| member.to_vec()).collect();
                prop_assert_eq!(got, expected);
            }
        }
    }
}

#[test]
fn a_set_becomes_big_at_its_limits() {
    let limits = limits(3);
    let mut set = SortedSet::new();
    for n in 0..3 {
        set.update(&[b'a' + n], &limits, |_| Some(1.0));
    }
    assert_eq!(set.encoding(), Encoding::Listpack);
    set.update(b"a", &limits, |_| Some(2.0));
    assert_eq!(set.encoding(), Encoding::Listpack);
    set.update(b"d", &limits, |_| Some(1.0));
    assert_eq!(set.encoding(), Encoding::Skiplist);
    set.remove_ranks(0..3);
    assert_eq!(set.encoding(), Encoding::Skiplist);
    let mut set = SortedSet::new();
    set.update(&[b'x'; 64], &limits, |_| Some(1.0));
    assert_eq!(set.encoding(), Encoding::Listpack);
    set.update(&[b'x'; 65], &limits, |_| Some(1.0));
    assert_eq!(set.encoding(), Encoding::Skiplist);
}

#[test]
fn bad_listpacks_are_refused_and_unordered_ones_sorted() {
    let limits = Limits::default();
    let listpack = |elements: &[&[u8]]| elements.iter().copied().collect::<Listpack>();
    let read = |elements: &[&[u8]]| SortedSet::from_listpack(listpack(elements), &limits);
    assert!(read(&[b"a"]).is_none(), "a member without a score");
    assert!(read(&[b"a", b"b"]).is_none(), "a score that is no number");
    assert!(read(&[b"a", b"nan"]).is_none());
    assert!(read(&[b"a", b"1", b"a", b"2"]).is_none(), "a member twice");
    assert!(read(&[b"a", b"1", b"b", b"2", b"a", b"3"]).is_none(), "a member twice, in order");
    let sorted = read(&[b"a", b"2", b"c", b"1.5", b"b", b"1.5"]).expect("only out of order");
    let members: Vec<_> = sorted.iter().map(owned).collect();
    assert_eq!(members, [(1.5, b"b".to_vec()), (1.5, b"c".to_vec()), (2.0, b"a".to_vec())]);
}

#[test]
fn random_picks_are_fair() {
    const PICKS: u32 = 16_000;
    for entries in [0, 1000] {
        let limits = limits(entries);
        let mut set = SortedSet::new();
        (0..16_u8).for_each(|n| set.update(&[b'a' + n], &limits, |_| Some(f64::from(n % 3))));
        let (mut counts, mut random) = ([0_u32; 16], fastrand::Rng::with_seed(11));
        for _ in 0..PICKS {
            let (member, _) = set.random(random.u64(..)).expect("there are members");
            counts[usize::from(member.to_vec()[0] - b'a')] += 1;
        }
        let mean = f64::from(PICKS) / 16.0;
        let chi_square: f64 = counts.iter().map(|&n| (f64::from(n) - mean).powi(2) / mean).sum();
        // 15 degrees of freedom: above 37.7 in one of a thousand.
        assert!(chi_square < 37.7, "{chi_square}: {counts:?}");
    }
}

#[test]
fn a_million_members_stay_below_seventy_bytes_each() {
    let limits = Limits::default();
    let mut set = SortedSet::new();
    let mut random = fastrand::Rng::with_seed(5);
    for n in 0..1_000_000 {
        let score = random.f64() * 1e6;
        set.update(format!("member:{n:07}").as_bytes(), &limits, |_| Some(score));
    }
    let bytes = set.memory_usage(5) as f64 / 1e6;
    assert!(bytes < 70.0, "{bytes}");
}

#[test]
fn it_is_copied_for_whoever_shares_it() {
    let keyspace = crate::Keyspace::new(1, 1);
    let mut view = keyspace.view_exclusive(crate::DbIndex(0), Access::write(0));
    let key = crate::Key::new(b"key");
    let (mut entry, _) = view.edit_or_insert_with(&key, || crate::NewValue::from(SortedSet::new()));
    let set = entry.aggregate_mut::<SortedSet>().expect("a sorted set");
    set.update(b"m", keyspace.limits(), |_| Some(1.0));
    entry.changed(1);
    let shared = view.get(&key).and_then(crate::EntryRef::shared_object).expect("an object");
    let mut entry = view.edit(&key).expect("it is there");
    assert_eq!(entry.aggregate_mut::<SortedSet>().expect("a sorted set").remove(b"m"), Some(1.0));
    assert_eq!(SortedSet::of(&shared).expect("a sorted set").len(), 1);
    entry.changed(1);
    assert!(entry.remove_if_emptied());
}
