//! Lines of arguments: splitting at blanks with quoting, and quoting again.

/// The arguments of a line.
#[derive(Debug)]
pub struct Words;

impl Words {
    /// Splits a line at blanks and undoes quoting, exactly as inline requests are split. `None` when quotes are not
    /// closed, or not followed by a blank.
    pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let words = redan_resp::split_inline(line).ok()?;
        Some(words.iter().map(<[u8]>::to_vec).collect())
    }

    /// Writes a word in double quotes, so that [`Words::split`] reads it back unchanged.
    pub fn quote(word: &[u8]) -> Vec<u8> {
        let mut quoted = vec![b'"'];
        for byte in word {
            match byte {
                b'\\' | b'"' => quoted.extend([b'\\', *byte]),
                b'\n' => quoted.extend(b"\\n"),
                b'\r' => quoted.extend(b"\\r"),
                b'\t' => quoted.extend(b"\\t"),
                0x07 => quoted.extend(b"\\a"),
                0x08 => quoted.extend(b"\\b"),
                b' '..=b'~' => quoted.push(*byte),
                _ => quoted.extend(format!("\\x{byte:02x}").bytes()),
            }
        }
        quoted.push(b'"');
        quoted
    }
}

#[cfg(test)]
mod tests {
    use super::Words;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quoted_words_are_read_back(words: Vec<Vec<u8>>) {
            let line = words.iter().map(|word| Words::quote(word)).collect::<Vec<_>>().join(&b' ');
            prop_assert!(line.iter().all(|byte| (b' '..=b'~').contains(byte)));
            prop_assert_eq!(Words::split(&line), Some(words));
        }
    }
}
