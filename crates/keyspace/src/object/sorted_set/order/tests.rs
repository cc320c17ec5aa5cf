use proptest::prelude::*;

use super::*;

/// A tree whose members are named by their numbers: among equal scores the lower number comes first.
#[derive(Default)]
struct Model {
    order: Order,
    /// The same items, sorted.
    items: Vec<(f64, u32)>,
}

fn before(target: (f64, u32)) -> impl Fn(Item) -> bool {
    move |item| (item.score, item.id) < target
}

fn up_to(target: (f64, u32)) -> impl Fn(Item) -> bool {
    move |item| (item.score, item.id) <= target
}

impl Model {
    fn insert(&mut self, score: f64, id: u32) {
        let place = self.items.partition_point(|item| *item < (score, id));
        if self.items.get(place) == Some(&(score, id)) {
            return;
        }
        self.items.insert(place, (score, id));
        self.order.insert(Item { score, id }, before((score, id)));
    }

    fn remove(&mut self, at: usize) {
        if self.items.is_empty() {
            return;
        }
        let target = self.items.remove(at % self.items.len());
        let removed = self.order.remove(up_to(target));
        assert_eq!((removed.score, removed.id), target);
    }

    fn remove_range(&mut self, from: usize, len: usize) {
        let from = from % (self.items.len() + 1);
        let to = (from + len).min(self.items.len());
        let ids: Vec<u32> = self.items.drain(from..to).map(|item| item.1).collect();
        assert_eq!(self.order.remove_range(from..to), ids);
    }

    fn check(&self) {
        assert_eq!(self.order.len(), self.items.len());
        let all: Vec<(f64, u32)> = self.order.range(0..self.order.len()).map(|i| (i.score, i.id)).collect();
        assert_eq!(all, self.items);
        let mut back: Vec<(f64, u32)> =
            self.order.range(0..self.order.len()).rev().map(|i| (i.score, i.id)).collect();
        back.reverse();
        assert_eq!(back, self.items);
    }

    fn check_at(&self, at: usize) {
        let at = at % (self.items.len() + 1);
        if let Some(&target) = self.items.get(at) {
            assert_eq!(self.order.rank(before(target)), at);
            assert_eq!(self.order.rank(up_to(target)), at + 1);
            let tail: Vec<u32> = self.order.range(at..self.items.len()).map(|item| item.id).collect();
            assert!(tail.into_iter().eq(self.items[at..].iter().map(|item| item.1)));
            let mut head = self.order.range(0..at);
            // From both ends in turn: the two meet.
            let mut given = 0;
            while let Some(item) = if given % 2 == 0 { head.next() } else { head.next_back() } {
                let expected = if given % 2 == 0 { given / 2 } else { at - 1 - given / 2 };
                assert_eq!((item.score, item.id), self.items[expected]);
                given += 1;
            }
            assert_eq!(given, at);
        }
        assert_eq!(self.order.rank(|_| true), self.items.len());
        assert_eq!(self.order.rank(|_| false), 0);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, u32),
    /// Items in order, from a score on.
    Run(u8, u16, bool),
    Remove(u16),
    RemoveRange(u16, u16),
    Look(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any::<u8>(), 0..2000_u32).prop_map(|(score, id)| Step::Insert(score, id)),
        2 => (any::<u8>(), 1..400_u16, any::<bool>()).prop_map(|(score, len, up)| Step::Run(score, len, up)),
        6 => any::<u16>().prop_map(Step::Remove),
        1 => (any::<u16>(), 0..500_u16).prop_map(|(from, len)| Step::RemoveRange(from, len)),
        2 => any::<u16>().prop_map(Step::Look),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_is_a_sorted_list(steps in prop::collection::vec(step(), 1..120)) {
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Insert(score, id) => model.insert(f64::from(score), id),
                Step::Run(score, len, up) => {
                    let ids: Vec<u32> = (0..u32::from(len)).collect();
                    let ids: Vec<u32> = if up { ids } else { ids.into_iter().rev().collect() };
                    ids.into_iter().for_each(|id| model.insert(f64::from(score), 10_000 + id));
                }
                Step::Remove(at) => model.remove(usize::from(at)),
                Step::RemoveRange(from, len) => model.remove_range(usize::from(from), usize::from(len)),
                Step::Look(at) => model.check_at(usize::from(at)),
            }
        }
        model.check();
    }
}

#[test]
fn items_in_order_fill_their_leaves() {
    for descending in [false, true] {
        let mut order = Order::default();
        for n in 0..100_000_u32 {
            let score = if descending { -f64::from(n) } else { f64::from(n) };
            order.insert(Item { score, id: n }, before((score, n)));
        }
        let per_item = order.memory_usage() as f64 / 100_000.0;
        assert!(per_item < 13.5, "{per_item} bytes");
    }
}

#[test]
fn items_in_any_order_fill_two_thirds() {
    let (mut order, mut random) = (Order::default(), fastrand::Rng::with_seed(1));
    for id in 0..100_000_u32 {
        let score = random.f64();
        order.insert(Item { score, id }, before((score, id)));
    }
    let per_item = order.memory_usage() as f64 / 100_000.0;
    assert!(per_item < 19.5, "{per_item} bytes");
}

#[test]
fn what_is_emptied_can_be_filled_again() {
    let mut model = Model::default();
    for round in 0..3_u32 {
        (0..5000_u32).for_each(|n| model.insert(f64::from(n * 7 % 501), n + round));
        model.check();
        if round == 1 {
            model.remove_range(0, 5000);
        } else {
            (0..5000).for_each(|n| model.remove(n * 31));
        }
        model.check();
        assert_eq!(model.order.memory_usage(), size_of::<node::Leaf>());
    }
}

#[test]
fn numbers_can_be_exchanged() {
    let mut order = Order::default();
    for id in 0..3000_u32 {
        order.insert(Item { score: f64::from(id), id }, |item| item.score < f64::from(id));
    }
    for id in (0..3000_u32).rev() {
        order.renumber(9000 - id, |item| item.score <= f64::from(id));
    }
    assert!(order.range(0..3000).enumerate().all(|(n, item)| item.id == 9000 - n as u32));
    assert_eq!(order.rank(|item| item.id > 9000 - 1234), 1234, "inner nodes know the new numbers");
}
