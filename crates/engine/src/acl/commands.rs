//! Which commands a selector allows.

use super::rule::RuleError;
use crate::{Category, CommandEntry, CommandTable, category, flag};
use redan_resp::Args;
use std::collections::BTreeMap;

/// The commands a selector allows, and the rules that say so.
///
/// The rules are kept in the order they were given, so that they can be shown again, and kept short: one that a later
/// rule makes void is dropped. What they come to is a bit for each entry of the command table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CommandRules {
    /// Began with `+@all`: also allows commands of later versions.
    open: bool,
    /// A bit for each entry of the table; when empty, all are as `open` says.
    allowed: Vec<u64>,
    /// First arguments with which a command is allowed although it is not as such.
    first_args: BTreeMap<u16, Vec<Vec<u8>>>,
    /// The rules since `+@all` or `-@all`: allowed or not, the name of a command or `@category`.
    rules: Vec<(bool, String)>,
}

impl CommandRules {
    /// `+@all` and `-@all`.
    pub(super) fn set_all(&mut self, allow: bool) {
        *self = Self { open: allow, ..Self::default() };
    }

    /// Whether there is nothing it does not allow.
    pub(super) fn allows_all(&self, table: &CommandTable) -> bool {
        self.open && (self.allowed.is_empty() || table.entries().iter().all(|entry| self.bit(entry.index)))
    }

    /// Applies a rule that begins with `+` or `-`.
    pub(super) fn apply(&mut self, rule: &[u8], table: &CommandTable) -> Result<(), RuleError> {
        let (allow, name) = (rule[0] == b'+', &rule[1..]);
        if let Some(category) = name.strip_prefix(b"@") {
            return self.set_category(category, allow, table);
        }
        match memchr_last(name, b'|') {
            Some(bar) if allow => self.allow_part(name, bar, table),
            _ => {
                let entry = table.by_full_name(name).ok_or(RuleError::UnknownCommand)?;
                self.set_command(entry, allow, table);
                self.note(entry.full_name.clone(), allow);
                Ok(())
            }
        }
    }

    /// `+container|subcommand` or `+command|first-argument`.
    fn allow_part(&mut self, name: &[u8], bar: usize, table: &CommandTable) -> Result<(), RuleError> {
        let whole = table.by_full_name(&name[..bar]).ok_or(RuleError::UnknownCommand)?;
        let part = &name[bar + 1..];
        if whole.parent.is_some() {
            return Err(RuleError::FirstArgOfSubcommand);
        }
        if part.is_empty() {
            return Err(RuleError::Syntax);
        }
        if whole.subcommands.is_empty() {
            let known = self.first_args.entry(whole.index).or_default();
            if !known.iter().any(|arg| arg.eq_ignore_ascii_case(part)) {
                known.push(part.to_vec());
            }
        } else {
            let entry = table.by_full_name(name).ok_or(RuleError::UnknownCommand)?;
            self.set_command(entry, true, table);
        }
        self.note(String::from_utf8_lossy(name).to_ascii_lowercase(), true);
        Ok(())
    }

    fn set_category(&mut self, name: &[u8], allow: bool, table: &CommandTable) -> Result<(), RuleError> {
        let (bit, name) = category_named(name).ok_or(RuleError::UnknownCommand)?;
        self.note(format!("@{name}"), allow);
        for entry in table.entries().iter().filter(|entry| entry.command.categories() & bit != 0) {
            self.set_command(entry, allow, table);
        }
        Ok(())
    }

    /// Allows or forbids a command with its subcommands.
    fn set_command(&mut self, entry: &CommandEntry, allow: bool, table: &CommandTable) {
        if self.allowed.is_empty() {
            let all = if self.open { u64::MAX } else { 0 };
            self.allowed = vec![all; table.entries().len().div_ceil(64)];
        }
        self.first_args.remove(&entry.index);
        for index in std::iter::once(entry.index).chain(entry.subcommands.iter().copied()) {
            let (word, bit) = (usize::from(index) / 64, 1 << (index % 64));
            if allow {
                self.allowed[word] |= bit;
            } else {
                self.allowed[word] &= !bit;
            }
        }
    }

    /// Appends a rule to those that are shown; former ones about the same, or about parts of it, go.
    fn note(&mut self, name: String, allow: bool) {
        self.rules.retain(|(_, old)| {
            !old.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
        });
        self.rules.push((allow, name));
    }

    /// Whether the command may run with these arguments.
    pub(super) fn permits(&self, entry: &CommandEntry, args: Args<'_>) -> bool {
        if entry.has(flag::NO_AUTH) || self.bit(entry.index) {
            return true;
        }
        let first = args.get(if entry.parent.is_some() { 2 } else { 1 });
        match (self.first_args.get(&entry.index), first) {
            (Some(allowed), Some(first)) => allowed.iter().any(|arg| arg.eq_ignore_ascii_case(first)),
            _ => false,
        }
    }

    #[inline]
    fn bit(&self, index: u16) -> bool {
        match self.allowed.get(usize::from(index) / 64) {
            Some(word) => word >> (index % 64) & 1 != 0,
            None => self.open,
        }
    }

    /// The rules that make this of a selector that allows nothing.
    pub(super) fn describe(&self) -> String {
        let mut text = if self.open { "+@all".to_owned() } else { "-@all".to_owned() };
        for (allow, name) in &self.rules {
            text.push_str(if *allow { " +" } else { " -" });
            text.push_str(name);
        }
        text
    }
}

/// A category's bit and its name as we write it, by its name in any case.
fn category_named(name: &[u8]) -> Option<(Category, &'static str)> {
    category::NAMES.iter().copied().find(|(_, known)| known.as_bytes().eq_ignore_ascii_case(name))
}

fn memchr_last(text: &[u8], byte: u8) -> Option<usize> {
    text.iter().rposition(|other| *other == byte)
}
