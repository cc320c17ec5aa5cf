//! Bytes as quoted text, for lines that people read (MONITOR, logs): printable ASCII as it is, the rest escaped.

/// Appends `bytes` in double quotes. An inline request reads it back as the same bytes.
pub fn quote_into(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x20..=0x7e => out.push(byte),
            _ => {
                out.extend_from_slice(&[
                    b'\\',
                    b'x',
                    HEX[usize::from(byte >> 4)],
                    HEX[usize::from(byte & 15)],
                ]);
            }
        }
    }
    out.push(b'"');
}

/// `bytes` in double quotes, as text.
pub fn quoted(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    quote_into(bytes, &mut out);
    String::from_utf8(out).expect("quoted bytes are ASCII")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn only_printable_ascii_is_left_alone() {
        assert_eq!(quoted(b"a \"b\"\\\n\x00\xff\t"), r#""a \"b\"\\\n\x00\xff\t""#);
    }
}
