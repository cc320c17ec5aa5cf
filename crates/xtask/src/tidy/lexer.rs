//! Blanks comments and literals out of Rust source, so that rules see code alone.
//!
//! Just enough of the language is known: line and nested block comments, strings with escapes, raw strings,
//! byte and character literals, and lifetimes, which begin like characters and are not.

/// `text` with everything that is not code replaced by blanks; lines keep their numbers.
pub(super) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_or_comment_end(bytes, at);
        if end > at {
            code.extend(bytes[at..end].iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
            at = end;
        } else {
            // A whole word at once, so that the `r` of `for` does not begin a raw string.
            let word = bytes[at..].iter().take_while(|byte| is_word_byte(**byte)).count().max(1);
            code.extend_from_slice(&bytes[at..at + word]);
            at += word;
        }
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// Whether `byte` can be part of an identifier.
pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn literal_or_comment_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return at + block_comment_length(rest);
    }
    let prefix = rest.iter().take_while(|byte| matches!(byte, b'r' | b'b' | b'c')).count().min(2);
    if let Some(length) = raw_string_length(rest, prefix) {
        return at + length;
    }
    match rest.get(prefix) {
        Some(b'"') => at + prefix + quoted_length(&rest[prefix..], b'"'),
        Some(b'\'') if is_character(&rest[prefix..]) => at + prefix + quoted_length(&rest[prefix..], b'\''),
        _ => at,
    }
}

fn block_comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The length of `r"..."`, `br#"..."#` and the like.
fn raw_string_length(rest: &[u8], prefix: usize) -> Option<usize> {
    if !rest[..prefix].contains(&b'r') {
        return None;
    }
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let body = &rest[open + 1..];
    let length = body.windows(close.len()).position(|window| window == close);
    Some(length.map_or(rest.len(), |length| open + 1 + length + close.len()))
}

/// The length of a literal with escapes, both quotes included.
fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Tells `'a'` from `'a`.
fn is_character(rest: &[u8]) -> bool {
    match rest.get(1) {
        Some(b'\\') => true,
        Some(byte) if *byte < 0x80 => rest.get(2) == Some(&b'\''),
        // A character beyond ASCII: a lifetime never is.
        Some(_) => true,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blanked(text: &str) -> String {
        code_only(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_vanish() {
        assert_eq!(blanked("a // unsafe\nb"), "a b");
        assert_eq!(blanked("a /* x /* y */ z */ b"), "a b");
        assert_eq!(blanked(r#"a("un\"safe", b"x", c"y") b"#), "a( , , ) b");
        assert_eq!(blanked(r###"a(r"\", br#"x"y"#) b"###), "a( , ) b");
        assert_eq!(blanked("a('\"', '\\'', b'x', '\\u{1}', 'é') b"), "a( , , , , ) b");
    }

    #[test]
    fn code_stays() {
        assert_eq!(blanked("fn f<'a>(x: &'a str) -> &'static str"), "fn f<'a>(x: &'a str) -> &'static str");
        assert_eq!(blanked("for r in b { br#fn }"), "for r in b { br#fn }");
        assert_eq!(code_only("\"a\nb\"\nc").lines().count(), 3);
    }

    #[test]
    fn unfinished_text_ends() {
        for text in ["\"a", "r#\"a", "/* a", "'\\", "b'", "r#", "\"\\"] {
            assert!(code_only(text).len() <= text.len() + 2);
        }
    }
}
