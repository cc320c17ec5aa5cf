use super::{MAX_STARS, glob_match, is_literal, match_one};
use proptest::prelude::*;

/// The definition of a match, by recursion and without any cleverness.
fn naive(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| naive(rest, &text[skip..], nocase)),
        (_, []) | ([], _) => false,
        (_, [byte, rest @ ..]) => {
            match_one(pattern, *byte, nocase).is_some_and(|len| naive(&pattern[len..], rest, nocase))
        }
    }
}

#[test]
fn elements_match_as_documented() {
    let table: &[(&str, &str, bool)] = &[
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "anything", true),
        ("**", "", true),
        ("h?llo", "hello", true),
        ("h?llo", "hllo", false),
        ("h*llo", "heeeello", true),
        ("h*llo", "hllo", true),
        ("h[ae]llo", "hallo", true),
        ("h[ae]llo", "hillo", false),
        ("h[^e]llo", "hallo", true),
        ("h[^e]llo", "hello", false),
        ("h[a-b]llo", "hbllo", true),
        ("h[b-a]llo", "hallo", true),
        ("h[a-b]llo", "hcllo", false),
        ("a[]b", "ab", false),
        ("a[^]b", "axb", true),
        ("a[", "ab", false),
        ("a[^", "ab", true),
        ("a[b", "ab", true),
        ("a[bc", "ac", true),
        ("[\\]]", "]", true),
        ("[a\\-z]", "-", true),
        ("[a\\-z]", "b", false),
        ("[a-", "-", true),
        ("\\*", "*", true),
        ("\\*", "a", false),
        ("a\\", "a\\", true),
        ("*foo*bar*", "xxfooyybarzz", true),
        ("*foo*bar", "foobarx", false),
        ("?", "", false),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(
            glob_match(pattern.as_bytes(), text.as_bytes(), false),
            *expected,
            "{pattern:?} on {text:?}"
        );
    }
}

#[test]
fn case_is_folded_on_request_only() {
    assert!(glob_match(b"HELLO[A-C]", b"hellob", true));
    assert!(!glob_match(b"HELLO", b"hello", false));
    assert!(glob_match(b"\\H", b"h", true));
    assert!(!glob_match(b"[\\H]", b"h", true));
}

#[test]
fn literals_are_told_apart() {
    assert!(is_literal(b"plain:key]-^"));
    for special in [&b"a*"[..], b"?", b"[a", b"a\\b"] {
        assert!(!is_literal(special));
    }
}

#[test]
fn hostile_patterns_stay_cheap() {
    // A recursive matcher needs more steps for this than there are atoms; this one about 60 000 * 40.
    let pattern = b"*a".repeat(20).into_iter().chain(*b"*b").collect::<Vec<u8>>();
    assert!(!glob_match(&pattern, &vec![b'a'; 60_000], false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn agrees_with_the_naive_model(
        pattern in proptest::collection::vec(prop::sample::select(b"aAbB*?[]^-\\".to_vec()), 0..12),
        text in proptest::collection::vec(prop::sample::select(b"aAbB]^-\\*".to_vec()), 0..8),
        nocase: bool,
    ) {
        prop_assert_eq!(glob_match(&pattern, &text, nocase), naive(&pattern, &text, nocase));
    }

    #[test]
    fn any_bytes_are_accepted(pattern: Vec<u8>, text: Vec<u8>) {
        glob_match(&pattern, &text, true);
    }
}

#[test]
fn too_many_stars_match_nothing() {
    let matches = |stars: usize| glob_match(&b"*?".repeat(stars), &b"a".repeat(stars), false);
    assert!(matches(MAX_STARS));
    assert!(!matches(MAX_STARS + 1));
    assert!(glob_match(&b"*".repeat(MAX_STARS * 2), b"a", false), "stars side by side are one");
}
