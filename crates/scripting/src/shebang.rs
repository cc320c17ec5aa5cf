//! The first line of a script: `#!lua name=library flags=no-writes,allow-oom`.

use redan_engine::script_flag;

/// What a first line says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Shebang {
    /// The engine's name.
    pub(crate) engine: Vec<u8>,
    /// Its words behind that, quotes removed.
    pub(crate) words: Vec<Vec<u8>>,
    /// How long the line is, without its end.
    pub(crate) len: usize,
}

impl Shebang {
    /// The first line of a source; `None` if it says nothing, an error if its quotes do not match.
    pub(crate) fn of(source: &[u8]) -> Result<Option<Self>, ()> {
        if !source.starts_with(b"#!") {
            return Ok(None);
        }
        let len = source.iter().position(|byte| *byte == b'\n').unwrap_or(source.len());
        // An engine without a name is a word that split_inline would drop.
        let line = &source[2..len];
        let nameless = line.first().is_none_or(u8::is_ascii_whitespace);
        let words = redan_resp::split_inline(line).map_err(|_| ())?;
        let mut words: Vec<Vec<u8>> = words.iter().map(<[u8]>::to_vec).collect();
        let engine = if nameless || words.is_empty() { Vec::new() } else { words.remove(0) };
        Ok(Some(Self { engine, words, len }))
    }
}

/// The flags that a script of EVAL says it has.
pub(crate) fn script_flags(source: &[u8]) -> Result<u32, String> {
    let shebang = match Shebang::of(source) {
        Ok(None) => return Ok(script_flag::UNDECLARED),
        Ok(Some(shebang)) => shebang,
        Err(()) => return Err("Invalid script shebang".to_owned()),
    };
    if shebang.engine != b"lua" {
        return Err(format!(
            "Unexpected engine in script shebang: {}",
            String::from_utf8_lossy(&shebang.engine)
        ));
    }
    let mut flags = 0;
    for word in &shebang.words {
        let Some(names) = word.strip_prefix(b"flags=") else {
            return Err(format!("Unknown lua shebang option: {}", String::from_utf8_lossy(word)));
        };
        for name in names.split(|byte| *byte == b',').filter(|name| !name.is_empty()) {
            let known = script_flag::NAMES.iter().find(|(_, known)| known.as_bytes() == name);
            match known {
                Some((bit, _)) => flags |= bit,
                None => {
                    return Err(format!(
                        "Unexpected flag in script shebang: {}",
                        String::from_utf8_lossy(name)
                    ));
                }
            }
        }
    }
    Ok(flags)
}

/// A source with its first line emptied: what the compiler sees, with the same numbers of lines.
pub(crate) fn without(source: &[u8]) -> &[u8] {
    match Shebang::of(source) {
        Ok(Some(shebang)) => &source[shebang.len..],
        _ => source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines() {
        assert_eq!(script_flags(b"return 1"), Ok(script_flag::UNDECLARED));
        assert_eq!(script_flags(b"#!lua\nreturn 1"), Ok(0));
        assert_eq!(script_flags(b"#!lua flags=\nreturn 1"), Ok(0));
        let two = script_flag::NO_WRITES | script_flag::ALLOW_STALE;
        assert_eq!(script_flags(b"#!lua flags=no-writes,allow-stale"), Ok(two));
        assert!(script_flags(b"#!not-lua\n").unwrap_err().starts_with("Unexpected engine"));
        assert!(script_flags(b"#!lua badger=data\n").unwrap_err().starts_with("Unknown lua shebang option"));
        assert!(script_flags(b"#!lua flags=what?\n").unwrap_err().starts_with("Unexpected flag"));
        assert_eq!(without(b"#!lua\nreturn 1"), b"\nreturn 1");
    }
}
