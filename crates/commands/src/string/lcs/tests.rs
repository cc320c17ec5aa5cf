use proptest::prelude::*;

use super::*;
use crate::testing::Rig;

#[test]
fn replies() {
    let mut rig = Rig::new();
    rig.run("MSET key1 ohmytext key2 mynewtext");
    rig.propagated();
    rig.check(&[
        ("LCS key1 key2", "$6|mytext", ""),
        ("LCS key1 key2 LEN", ":6", ""),
        ("LCS key1 key2 IDX", "*4|$7|matches|*2|*2|*2|:4|:7|*2|:5|:8|*2|*2|:2|:3|*2|:0|:1|$3|len|:6", ""),
        ("LCS key1 key2 IDX MINMATCHLEN 4", "*4|$7|matches|*1|*2|*2|:4|:7|*2|:5|:8|$3|len|:6", ""),
        (
            "LCS key1 key2 IDX MINMATCHLEN 4 WITHMATCHLEN",
            "*4|$7|matches|*1|*3|*2|:4|:7|*2|:5|:8|:4|$3|len|:6",
            "",
        ),
        ("LCS key1 key2 IDX MINMATCHLEN -3 MINMATCHLEN 5", "*4|$7|matches|*0|$3|len|:6", ""),
        ("LCS key1 none", "$0|", ""),
        ("LCS none key1 IDX", "*4|$7|matches|*0|$3|len|:0", ""),
        ("LCS key1 key2 LEN IDX", "-ERR If you want both the length and indexes, please just use IDX.", ""),
        ("LCS key1 key2 MINMATCHLEN", "-ERR syntax error", ""),
        ("LCS key1 key2 NOPE", "-ERR syntax error", ""),
    ]);
}

#[test]
fn the_table_is_bounded() {
    let limited = |limit| Table::fill(&[0; 9], &[0; 9], limit).map(|table| table.len());
    assert_eq!(limited(400), Ok(9));
    assert_eq!(limited(399), Err(errors::LCS_MEMORY));
}

/// By trying out everything.
fn naive(a: &[u8], b: &[u8]) -> usize {
    match (a, b) {
        ([], _) | (_, []) => 0,
        ([x, a @ ..], [y, b @ ..]) if x == y => 1 + naive(a, b),
        ([_, shorter_a @ ..], [_, shorter_b @ ..]) => naive(shorter_a, b).max(naive(a, shorter_b)),
    }
}

fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|byte| rest.any(|other| other == byte))
}

proptest! {
    #[test]
    fn nothing_longer_is_common(a in "[abc]{0,10}", b in "[abc]{0,10}") {
        let table = Table::fill(a.as_bytes(), b.as_bytes(), usize::MAX).expect("no limit");
        let common = table.subsequence();
        prop_assert_eq!(common.len(), naive(a.as_bytes(), b.as_bytes()));
        prop_assert_eq!(common.len(), table.len() as usize);
        prop_assert!(is_subsequence(&common, a.as_bytes()) && is_subsequence(&common, b.as_bytes()));
    }

    #[test]
    fn matches_spell_the_subsequence(a in "[ab]{0,20}", b in "[ab]{0,20}") {
        let table = Table::fill(a.as_bytes(), b.as_bytes(), usize::MAX).expect("no limit");
        let mut spelled = Vec::new();
        for found in table.matches().into_iter().rev() {
            let range = |start: usize| start..start + found.len as usize;
            prop_assert_eq!(&a[range(found.in_a)], &b[range(found.in_b)]);
            spelled.extend_from_slice(a[range(found.in_a)].as_bytes());
        }
        prop_assert_eq!(spelled, table.subsequence());
    }
}
