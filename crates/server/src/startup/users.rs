//! Whether the `user` lines of the configuration can be understood, before anything is started.

use crate::config::load::{Loaded, RawLine};
use crate::config::{LoadError, rows};
use redan_engine::{CommandTable, Permissions, RuleError, RuleScope, errors, has_spaces, merge_selectors};
use std::collections::HashSet;

/// Checks all lines. Commands that do not exist are told later, with the user's name.
pub(super) fn check(loaded: &Loaded, sentinel: bool) -> Result<(), LoadError> {
    if loaded.users.is_empty() {
        return Ok(());
    }
    let table = CommandTable::new(&redan_commands::all(), sentinel);
    let channels = loaded.settings.get(rows::ACL_PUBSUB_DEFAULT);
    let all_channels = channels == crate::config::choices::AclPubsubDefault::AllChannels;
    let mut seen = HashSet::new();
    for line in &loaded.users {
        let wrong = |word: &[u8], reason: &str| {
            let word = String::from_utf8_lossy(word);
            LoadError::at(line.number, &line.text, format!("Error in user declaration '{word}': {reason}"))
        };
        let name = &line.words[0];
        if has_spaces(name) {
            return Err(wrong(name, "Spaces not allowed in ACL usernames"));
        }
        if !seen.insert(name) {
            let reason = "Duplicate user found. A user can only be defined once in config files";
            return Err(wrong(name, reason));
        }
        check_rules(line, RuleScope { table: &table, all_channels })
            .map_err(|(rule, reason)| wrong(&rule, reason))?;
    }
    Ok(())
}

fn check_rules(line: &RawLine, scope: RuleScope<'_>) -> Result<(), (Vec<u8>, &'static str)> {
    let rules = merge_selectors(line.words[1..].iter().map(Vec::as_slice));
    let rules = rules.map_err(|start| (start, "Unmatched parenthesis"))?;
    let mut permissions = Permissions::new(scope);
    for rule in rules {
        match permissions.apply(&rule, scope) {
            Ok(()) | Err(RuleError::UnknownCommand) => {}
            Err(error) => return Err((rule, errors::acl_rule(error))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::{Sources, load};

    fn problem(text: &str) -> Option<String> {
        let sources = Sources { arguments: text.into(), ..Sources::default() };
        let loaded = load(&sources, "/", &mut std::io::empty()).expect("lines of parameters and users");
        check(&loaded, false).err().map(|error| error.to_string())
    }

    #[test]
    fn lines_are_understood_or_refused() {
        for (text, reason) in [
            ("user a on >pw ~* +@all (+get ~x)", None),
            ("user a +no-such-command", None),
            ("user a on\nuser a on", Some("Error in user declaration 'a': Duplicate user found.")),
            ("user a nonsense", Some("Error in user declaration 'nonsense': Syntax error")),
            ("user a (+get", Some("Error in user declaration '(+get': Unmatched parenthesis")),
            ("user a &x", None),
            (
                "acl-pubsub-default allchannels\nuser a &x",
                Some("Error in user declaration '&x': Adding a pattern"),
            ),
            ("user \"a b\" on", Some("Error in user declaration 'a b': Spaces not allowed in ACL usernames")),
        ] {
            let found = problem(text);
            match reason {
                None => assert_eq!(found, None, "{text}"),
                Some(reason) => {
                    assert!(found.as_ref().is_some_and(|found| found.contains(reason)), "{text}: {found:?}")
                }
            }
        }
    }
}
