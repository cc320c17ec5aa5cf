//! Tests of inline requests.

use super::*;
use proptest::prelude::*;

fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    split_inline(line).ok().map(|words| words.iter().map(<[u8]>::to_vec).collect())
}

#[test]
fn words_and_quotes() {
    let table: &[(&str, &[&[u8]])] = &[
        ("", &[]),
        ("   ", &[]),
        (" \t\r\n\x0b\x0c ", &[]),
        ("PING", &[b"PING"]),
        ("  SET  k\tv  ", &[b"SET", b"k", b"v"]),
        ("a\x0bb \x0bc", &[b"a\x0bb", b"c"]),
        (r#""a b" 'c d'"#, &[b"a b", b"c d"]),
        (r#""" ''"#, &[b"", b""]),
        (r#""\x41\x7a\x00\xfF""#, &[b"Az\0\xff"]),
        (r#""\n\r\t\b\a\\\"\q""#, &[b"\n\r\t\x08\x07\\\"q"]),
        (r#""\xg1\x4""#, &[b"xg1x4"]),
        (r#"'\n\x41 \' \\ \\''"#, &[br"\n\x41 ' \\ \'"]),
        (r#"foo"bar baz""#, &[b"foobar baz"]),
        (r#"foo'bar'"#, &[b"foobar"]),
        (r#"a\nb \"#, &[br"a\nb", br"\"]),
        ("\"a\"\x0bb", &[b"a", b"b"]),
        ("sch\u{f6}n", &["sch\u{f6}n".as_bytes()]),
        ("a\0b", &[b"a\0b"]),
    ];
    for &(line, words) in table {
        assert_eq!(split(line.as_bytes()).expect(line), words, "{line:?}");
    }
}

#[test]
fn unbalanced_quotes() {
    for line in [
        r#"""#,
        "'",
        r#""a"#,
        "'a",
        r#""a"b"#,
        "'a'b",
        r#"a"b"c"#,
        r#""a""b""#,
        r#""""test-key""""#,
        r#""\"#,
        r#""\""#,
        r"'\'",
        r#"a "b"#,
        r#"a ""x"#,
    ] {
        assert_eq!(split(line.as_bytes()), None, "{line:?}");
    }
}

/// A word in double quotes with everything escaped that can be.
fn quote(word: &[u8]) -> Vec<u8> {
    let escaped: String = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("\"{escaped}\"").into_bytes()
}

proptest! {
    #[test]
    fn quoting_round_trip(words in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..8), 0..6)) {
        let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(&b' ');
        prop_assert_eq!(split(&line), Some(words));
    }

    #[test]
    fn plain_words(words in proptest::collection::vec("[a-zA-Z0-9:{}\\\\]{1,9}", 0..6), spaces in "[ \t]{1,3}") {
        let expected: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_bytes()).collect();
        prop_assert_eq!(split(words.join(&spaces).as_bytes()), Some(expected));
    }

    #[test]
    fn any_line(line in "[ a\"'\\\\x0-9]{0,40}") {
        if let Some(words) = split(line.as_bytes()) {
            prop_assert!(words.iter().map(Vec::len).sum::<usize>() <= line.len());
        }
    }
}
