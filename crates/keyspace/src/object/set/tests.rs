use std::collections::{BTreeSet, HashMap};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Members of all forms: short and long text, integers that fit everywhere and nowhere, lookalikes.
fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (-30_i64..600).prop_map(|n| n.to_string().into_bytes()),
        2 => (0_u8..60).prop_map(|n| format!("member:{n}").into_bytes()),
        1 => (0_u8..9).prop_map(|n| format!("a member that is longer than its slot: {n}").into_bytes()),
        1 => (0_u8..9).prop_map(|n| vec![b'x'; 60 + usize::from(n)]),
        1 => (0_i64..9).prop_map(|n| (i64::MIN + n).to_string().into_bytes()),
        1 => proptest::sample::select(&["", "007", "-0", "+1", "9223372036854775808", "00000000000000000001"][..])
            .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

fn texts(set: &Set) -> BTreeSet<Vec<u8>> {
    let members: Vec<Vec<u8>> = set.iter().map(StringRef::to_vec).collect();
    let distinct: BTreeSet<Vec<u8>> = members.iter().cloned().collect();
    assert_eq!(members.len(), distinct.len(), "no member is there twice");
    assert_eq!(set.len(), distinct.len());
    distinct
}

fn small_limits() -> Limits {
    let limits = Limits::default();
    limits.set(Limit::SetMaxIntsetEntries, 20);
    limits.set(Limit::SetMaxListpackEntries, 12);
    limits
}

fn set_of(members: &[Vec<u8>], limits: &Limits) -> Set {
    let mut set = Set::default();
    for member in members {
        set.insert(member, limits);
    }
    set
}

proptest! {
    #[test]
    fn behaves_like_a_set(ops in vec((0_u8..3, member()), 0..250), small: bool) {
        let limits = if small { small_limits() } else { Limits::default() };
        let (mut set, mut model) = (Set::default(), BTreeSet::new());
        for (op, member) in ops {
            if op > 0 {
                prop_assert_eq!(set.insert(&member, &limits), model.insert(member.clone()));
            } else {
                prop_assert_eq!(set.remove(&member), model.remove(&member));
            }
            prop_assert_eq!(set.contains(&member), model.contains(&member));
        }
        prop_assert_eq!(texts(&set), model.clone());
        let picked: BTreeSet<Vec<u8>> = (0..set.len()).map(|at| set.get(at).unwrap().to_vec()).collect();
        prop_assert_eq!(picked, model.clone());
        prop_assert!(set.get(set.len()).is_none());
        let before = set.clone();
        set.settle(&limits);
        prop_assert_eq!(texts(&set), model);
        prop_assert_eq!(texts(&before), texts(&set));
    }

    #[test]
    fn algebra_agrees_with_a_model(sets in vec(vec(member(), 0..80), 1..5)) {
        let limits = small_limits();
        let built: Vec<Set> = sets.iter().map(|members| set_of(members, &limits)).collect();
        let models: Vec<BTreeSet<Vec<u8>>> = built.iter().map(texts).collect();
        let refs: Vec<&Set> = built.iter().collect();
        let distinct = |shown: Vec<Vec<u8>>| {
            let distinct: BTreeSet<Vec<u8>> = shown.iter().cloned().collect();
            assert_eq!(shown.len(), distinct.len(), "shown once");
            distinct
        };
        let mut shown = Vec::new();
        Set::union(&refs, |member| shown.push(member.to_vec()));
        let union = distinct(std::mem::take(&mut shown));
        prop_assert_eq!(union, models.iter().flatten().cloned().collect());
        Set::intersection(&refs, |member| {
            shown.push(member.to_vec());
            true
        });
        let intersection = distinct(std::mem::take(&mut shown));
        let common = models[0].iter().filter(|member| models.iter().all(|model| model.contains(*member)));
        prop_assert_eq!(intersection, common.cloned().collect());
        Set::difference(refs[0], &refs[1..], |member| shown.push(member.to_vec()));
        let difference = distinct(shown);
        let own = models[0].iter().filter(|member| !models[1..].iter().any(|model| model.contains(*member)));
        prop_assert_eq!(difference, own.cloned().collect());
    }

    #[test]
    fn popping_takes_every_member_once(members in vec(member(), 0..100), seed: u64, kept in 0_usize..30) {
        let (limits, mut random) = (small_limits(), fastrand::Rng::with_seed(seed));
        let mut set = set_of(&members, &limits);
        let all = texts(&set);
        let split = set.split_random(kept.min(set.len()), &mut random, &limits);
        let mut seen = texts(&split);
        prop_assert_eq!(seen.len(), kept.min(all.len()));
        while let Some(member) = set.pop_random(&mut random, <[u8]>::to_vec) {
            prop_assert!(seen.insert(member));
        }
        prop_assert_eq!(seen, all);
        prop_assert!(set.is_empty() && set.random(&mut random).is_none());
    }
}

#[test]
fn encodings_change_at_the_limits() {
    let limits = Limits::default();
    let mut set = Set::for_members(b"1", 1, &limits);
    (0..512).for_each(|n| assert!(set.insert(n.to_string().as_bytes(), &limits)));
    assert_eq!(set.encoding(), Encoding::Intset);
    set.insert(b"512", &limits);
    assert_eq!((set.encoding(), set.len()), (Encoding::Hashtable, 513));

    let mut set = Set::for_members(b"a", 1, &limits);
    (0..128).for_each(|n| assert!(set.insert(format!("m{n}").as_bytes(), &limits)));
    assert_eq!(set.encoding(), Encoding::Listpack);
    set.insert(b"one more", &limits);
    assert_eq!((set.encoding(), set.len()), (Encoding::Hashtable, 129));

    for (integers, then) in [(3, Encoding::Listpack), (128, Encoding::Hashtable)] {
        let mut set = Set::default();
        (0..integers).for_each(|n| assert!(set.insert(n.to_string().as_bytes(), &limits)));
        set.insert(b"a", &limits);
        assert_eq!((set.encoding(), set.len()), (then, integers + 1));
    }
    let mut set = Set::for_members(b"a", 1, &limits);
    set.insert(&[b'x'; 64], &limits);
    assert_eq!(set.encoding(), Encoding::Listpack);
    set.insert(&[b'y'; 65], &limits);
    assert_eq!(set.encoding(), Encoding::Hashtable);

    assert_eq!(Set::for_members(b"1", 513, &limits).encoding(), Encoding::Hashtable);
    assert_eq!(Set::for_members(b"a", 128, &limits).encoding(), Encoding::Listpack);
    let mut set = Set::for_members(b"a", 1, &limits);
    set.expect(129, &limits);
    assert_eq!(set.encoding(), Encoding::Hashtable);
}

#[test]
fn results_settle_as_integers() {
    let limits = Limits::default();
    let mut set = Set::new_table(0);
    for member in ["3", "1", "2"] {
        set.insert(member.as_bytes(), &limits);
    }
    set.settle(&limits);
    assert_eq!(set.encoding(), Encoding::Intset);
    assert!(set.iter().eq([1, 2, 3].map(StringRef::Int)));
    set.insert(b"a", &limits);
    set.settle(&limits);
    assert_eq!(set.encoding(), Encoding::Listpack);
}

#[test]
fn random_picks_are_fair() {
    let limits = Limits::default();
    let mut random = fastrand::Rng::with_seed(11);
    for kind in ["int", "list", "table"] {
        let mut set = if kind == "table" { Set::new_table(0) } else { Set::default() };
        if kind == "list" {
            set = Set::new_listpack();
        }
        (0..20).for_each(|n| assert!(set.insert(n.to_string().as_bytes(), &limits)));
        let mut counts: HashMap<Vec<u8>, f64> = HashMap::new();
        for _ in 0..20_000 {
            *counts.entry(set.random(&mut random).unwrap().to_vec()).or_default() += 1.0;
        }
        let chi_square: f64 = counts.values().map(|n| (n - 1000.0).powi(2) / 1000.0).sum();
        // 19 degrees of freedom: 43.8 has a probability of 0.1 %.
        assert!(counts.len() == 20 && chi_square < 43.8, "{kind}: {chi_square}");
    }
}
