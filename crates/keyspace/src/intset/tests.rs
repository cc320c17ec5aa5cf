use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Integers near the edges of all widths.
fn value() -> impl Strategy<Value = i64> {
    const EDGES: [i64; 7] = [0, 127, 32_767, 32_768, 1 << 31, (1 << 31) - 1, i64::MAX - 2];
    prop_oneof![
        4 => -20_i64..20,
        2 => (proptest::sample::select(&EDGES[..]), -2_i64..3, any::<bool>())
            .prop_map(|(edge, by, negative)| if negative { -edge + by } else { edge + by }),
        1 => Just(i64::MIN),
        1 => any::<i64>(),
    ]
}

#[test]
fn the_bytes_are_those_of_redis() {
    let mut set = Intset::new();
    assert_eq!(set.as_bytes(), [2, 0, 0, 0, 0, 0, 0, 0]);
    assert!(set.insert(5) && set.insert(-2) && !set.insert(5));
    assert_eq!(set.as_bytes(), [2, 0, 0, 0, 2, 0, 0, 0, 0xFE, 0xFF, 5, 0]);
    assert!(set.insert(-40_000));
    assert_eq!(
        set.as_bytes(),
        [4, 0, 0, 0, 3, 0, 0, 0, 0xC0, 0x63, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 5, 0, 0, 0]
    );
    assert!(set.remove(-40_000) && !set.remove(-40_000));
    assert_eq!(set.as_bytes()[..8], [4, 0, 0, 0, 2, 0, 0, 0], "the width stays");
}

#[test]
fn damaged_bytes_are_refused() {
    let good = Intset::from_iter([1, 2, 70_000]).as_bytes().to_vec();
    assert!(Intset::from_bytes(good.clone()).is_ok());
    let broken = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        Intset::from_bytes(bytes).expect_err("it is damaged")
    };
    assert_eq!(broken(&|bytes| bytes.truncate(7)), IntsetError::Header);
    assert_eq!(broken(&|bytes| bytes[0] = 3), IntsetError::Width);
    assert_eq!(broken(&|bytes| bytes[3] = 1), IntsetError::Width);
    assert_eq!(broken(&|bytes| bytes[4] = 0), IntsetError::Empty);
    assert_eq!(broken(&|bytes| bytes[4] = 4), IntsetError::Length);
    assert_eq!(broken(&|bytes| bytes[4..8].fill(0xFF)), IntsetError::Length);
    assert_eq!(broken(&|bytes| bytes.push(0)), IntsetError::Length);
    assert_eq!(broken(&|bytes| bytes[8] = 2), IntsetError::Order);
    assert_eq!(broken(&|bytes| bytes[8] = 3), IntsetError::Order);
}

proptest! {
    #[test]
    fn behaves_like_a_set(ops in vec((any::<bool>(), value()), 0..200)) {
        let (mut set, mut model) = (Intset::new(), BTreeSet::new());
        for (insert, value) in ops {
            if insert {
                prop_assert_eq!(set.insert(value), model.insert(value));
            } else {
                prop_assert_eq!(set.remove(value), model.remove(&value));
            }
            prop_assert_eq!(set.contains(value), model.contains(&value));
            prop_assert_eq!(set.len(), model.len());
        }
        prop_assert!(set.iter().eq(model.iter().copied()));
        prop_assert_eq!(set.min(), model.first().copied());
        prop_assert_eq!(set.max(), model.last().copied());
        prop_assert_eq!(set.get(model.len()), None);
        if !set.is_empty() {
            prop_assert_eq!(&Intset::from_bytes(set.as_bytes().to_vec()).unwrap(), &set);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..40), width in 0_u8..9, len in 0_u8..6) {
        let mut framed = vec![width, 0, 0, 0, len, 0, 0, 0];
        framed.extend_from_slice(&bytes);
        for bytes in [bytes, framed] {
            if let Ok(set) = Intset::from_bytes(bytes.clone()) {
                prop_assert!(set.iter().is_sorted());
                prop_assert_eq!(set.as_bytes(), &bytes[..]);
            }
        }
    }
}
