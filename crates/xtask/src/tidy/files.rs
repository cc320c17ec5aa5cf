//! Rules about files as a whole.

use crate::tidy::{Source, Tree, Violation};

/// Longest file, in lines.
const MAX_LINES: usize = 800;
/// Longest test module inside the file it tests, in lines.
const MAX_INLINE_TEST_LINES: usize = 200;
/// File names that invite everything that has no place.
const DRAWERS: &[&str] = &["utils.rs", "util.rs", "misc.rs", "helpers.rs"];

/// Files stay short enough to be read, and long tests move into a file of their own.
pub(super) fn no_file_is_too_long(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in &tree.sources {
        let lines = source.text.lines().count();
        if lines > MAX_LINES {
            violations.push(source.violation(None, format!("{lines} lines; at most {MAX_LINES}")));
        }
        if let Some((line, tests)) = inline_tests(source).filter(|(_, tests)| *tests > MAX_INLINE_TEST_LINES)
        {
            let message =
                format!("{tests} lines of tests; past {MAX_INLINE_TEST_LINES} they move to tests.rs");
            violations.push(source.violation(Some(line), message));
        }
    }
    violations
}

/// No file is named so that everything would fit in.
pub(super) fn no_drawer_for_everything(tree: &Tree) -> Vec<Violation> {
    let is_drawer =
        |source: &&Source| source.path.rsplit('/').next().is_some_and(|name| DRAWERS.contains(&name));
    let drawers = tree.sources.iter().filter(is_drawer);
    drawers.map(|source| source.violation(None, "name the file after what is in it")).collect()
}

/// The README has a section that says what is not there yet.
pub(super) fn the_readme_says_what_is_missing(tree: &Tree) -> Vec<Violation> {
    let says = |text: &String| text.lines().any(|line| line.starts_with('#') && line.contains("Not yet"));
    if tree.readme.as_ref().is_some_and(says) {
        return Vec::new();
    }
    vec![Violation { path: "README.md".into(), line: None, message: "lacks a section `Not yet`".into() }]
}

/// The first line, from 1, and the length of a test module written in the file itself.
fn inline_tests(source: &Source) -> Option<(usize, usize)> {
    let lines: Vec<&str> = source.code.lines().collect();
    let start = lines.iter().position(|line| line.starts_with("mod tests {"))?;
    let length = lines[start..].iter().position(|line| *line == "}")?;
    Some((start + 1, length + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &str, text: String) -> Tree {
        Tree { sources: vec![Source::new(path, text)], ..Tree::default() }
    }

    #[test]
    fn long_files_and_long_tests_are_found() {
        assert_eq!(no_file_is_too_long(&tree("a.rs", "x\n".repeat(800))), []);
        assert_eq!(no_file_is_too_long(&tree("a.rs", "x\n".repeat(801))).len(), 1);
        let tests = |lines| format!("fn f() {{\n}}\nmod tests {{\n{}}}\n", "    x\n".repeat(lines));
        assert_eq!(no_file_is_too_long(&tree("a.rs", tests(198))), []);
        assert_eq!(no_file_is_too_long(&tree("a.rs", tests(199)))[0].line, Some(3));
    }

    #[test]
    fn drawers_are_found() {
        assert_eq!(no_drawer_for_everything(&tree("crates/a/src/utils.rs", String::new())).len(), 1);
        assert_eq!(no_drawer_for_everything(&tree("crates/a/src/glob.rs", String::new())), []);
    }

    #[test]
    fn a_readme_without_its_confession_is_found() {
        let readme = |text: Option<&str>| Tree { readme: text.map(str::to_owned), ..Tree::default() };
        assert_eq!(the_readme_says_what_is_missing(&readme(Some("# Redan\n## Not yet\n"))), []);
        assert_eq!(the_readme_says_what_is_missing(&readme(Some("Not yet"))).len(), 1);
        assert_eq!(the_readme_says_what_is_missing(&readme(None)).len(), 1);
    }
}
