//! The ACL file: a line for each user, as in the configuration file but without comments.

use super::permissions::Permissions;
use super::rule::{RuleError, RuleScope, has_spaces, merge_selectors};
use crate::errors;
use std::collections::BTreeMap;

/// Reads the text of an ACL file, all of it or nothing.
///
/// # Errors
/// Everything that is wrong with it, on one line. `name` is the file's, for these messages.
pub fn load_acl_file(
    name: &str,
    text: &[u8],
    scope: RuleScope<'_>,
) -> Result<BTreeMap<Vec<u8>, Permissions>, String> {
    let mut file = File { name, scope, users: BTreeMap::new(), problems: String::new() };
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if !line.is_empty() {
            file.read_line(index + 1, line);
        }
    }
    if file.problems.is_empty() { Ok(file.users) } else { Err(errors::acl_file_refused(&file.problems)) }
}

struct File<'a> {
    name: &'a str,
    scope: RuleScope<'a>,
    users: BTreeMap<Vec<u8>, Permissions>,
    problems: String,
}

impl File<'_> {
    fn read_line(&mut self, number: usize, line: &[u8]) {
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let [b"user", name, rules @ ..] = &words[..] else {
            return self.complain(errors::acl_file_no_user(self.name, number));
        };
        if has_spaces(name) {
            return self.complain(errors::acl_file_bad_name(self.name, number, name));
        }
        if self.users.contains_key(*name) {
            return self.complain(errors::acl_file_duplicate(name, number));
        }
        let mut permissions = Permissions::new(self.scope);
        match merge_selectors(rules.iter().copied()) {
            Ok(rules) => self.apply(number, &rules, &mut permissions),
            Err(_) => self.complain(errors::acl_file_unmatched(self.name, number)),
        }
        self.users.insert(name.to_vec(), permissions);
    }

    /// Unknown commands are all told; of other mistakes only the first, because the others may follow from it. They are told
    /// without the rule, which may be a password.
    fn apply(&mut self, number: usize, rules: &[Vec<u8>], permissions: &mut Permissions) {
        let mut told = false;
        for rule in rules {
            match permissions.apply(rule.trim_ascii(), self.scope) {
                Ok(()) => {}
                Err(RuleError::UnknownCommand) => {
                    self.complain(errors::acl_file_unknown(self.name, number, rule));
                }
                Err(error) if !std::mem::replace(&mut told, true) => {
                    self.complain(errors::acl_file_mistake(self.name, number, error));
                }
                Err(_) => {}
            }
        }
    }

    fn complain(&mut self, problem: String) {
        self.problems.push_str(&problem);
    }
}
