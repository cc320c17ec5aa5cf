//! Rules about words that may appear in some places only.

use crate::tidy::lexer::is_word_byte;
use crate::tidy::{Source, Tree, Violation};

/// Crates that may have a runtime, sockets and a clock.
const WITH_RUNTIME: &[&str] = &["server", "xtask", "tests", "benches"];

/// Words that name a runtime, a socket or a clock.
const RUNTIME_WORDS: &[&str] = &[
    "tokio",
    "socket2",
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "UnixDatagram",
    "UnixListener",
    "UnixStream",
    "Instant::now",
    "SystemTime::now",
];

/// Files that may hold `unsafe`, and why.
const UNSAFE_FILES: &[(&str, &str)] = &[
    ("crates/keyspace/src/entry.rs", "an entry is one allocation with an inline key and a tagged value"),
    ("crates/keyspace/src/prefetch.rs", "the processor's prefetch instruction has no safe wrapper"),
    ("crates/server/src/alloc.rs", "the allocator reads its options from an exported symbol"),
    ("crates/server/src/sys/arena.rs", "the allocator's controls are typed by name only"),
    ("crates/server/src/sys/crash.rs", "signal handlers"),
    ("crates/server/src/sys/daemon.rs", "fork"),
    ("crates/xtask/src/conformance/sys.rs", "system calls without a safe wrapper"),
];

/// Everything but the server gets time and randomness passed in and does no I/O on sockets.
pub(super) fn runtime_only_in_server(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let pure = tree.sources.iter().filter(|source| !WITH_RUNTIME.contains(&source.folder()));
    for source in pure {
        for word in RUNTIME_WORDS {
            for line in lines_with(source, word) {
                violations.push(source.violation(Some(line), format!("`{word}` belongs into crate server")));
            }
        }
    }
    violations
}

/// `unsafe` lives in named files; a name that is no longer needed is a violation too.
pub(super) fn unsafe_only_where_listed(tree: &Tree) -> Vec<Violation> {
    unsafe_only_in(tree, UNSAFE_FILES)
}

fn unsafe_only_in(tree: &Tree, allowed: &[(&str, &str)]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in &tree.sources {
        let lines = lines_with(source, "unsafe");
        if allowed.iter().any(|(path, _)| *path == source.path) {
            if lines.is_empty() {
                let message = "no longer needs `unsafe`: take it off the list in xtask's tidy/words.rs";
                violations.push(source.violation(None, message));
            }
            continue;
        }
        for line in lines {
            let message = "`unsafe` outside the files listed in xtask's tidy/words.rs";
            violations.push(source.violation(Some(line), message));
        }
    }
    violations
}

/// Lines, from 1, whose code holds `word` as a whole word.
fn lines_with(source: &Source, word: &str) -> Vec<usize> {
    let holds = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let before = at.checked_sub(1).map(|before| line.as_bytes()[before]);
            let after = line.as_bytes().get(at + word.len()).copied();
            !before.is_some_and(is_word_byte) && !after.is_some_and(is_word_byte)
        })
    };
    source.code.lines().enumerate().filter(|(_, line)| holds(line)).map(|(index, _)| index + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &str, text: &str) -> Tree {
        Tree { sources: vec![Source::new(path, text)], ..Tree::default() }
    }

    #[test]
    fn a_clock_in_a_pure_crate_is_found() {
        let text = "// tokio\nfn f() {\n    let now = std::time::Instant::now();\n}\n";
        let violations = runtime_only_in_server(&tree("crates/engine/src/a.rs", text));
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].line, Some(3));
        assert_eq!(runtime_only_in_server(&tree("crates/server/src/a.rs", text)), []);
        assert_eq!(runtime_only_in_server(&tree("tests/src/lib.rs", text)), []);
        assert_eq!(runtime_only_in_server(&tree("crates/sim/src/a.rs", "use tokio::net;")).len(), 1);
        assert_eq!(runtime_only_in_server(&tree("crates/sim/src/a.rs", "let tokio_like = 1;")), []);
    }

    #[test]
    fn unsafe_outside_the_list_is_found_and_the_list_stays_short() {
        let allowed = [("crates/a/src/b.rs", "why")];
        let code = "#![allow(unsafe_code)]\nfn f() { unsafe { g() } }";
        assert_eq!(unsafe_only_in(&tree("crates/a/src/b.rs", code), &allowed), []);
        assert_eq!(unsafe_only_in(&tree("crates/a/src/c.rs", code), &allowed)[0].line, Some(2));
        assert_eq!(unsafe_only_in(&tree("crates/a/src/b.rs", "fn f() {}"), &allowed).len(), 1);
    }
}
