//! What rules have in common: where they hold, what can be wrong with them, how selectors are put together.

use crate::CommandTable;

/// What rules are read against.
#[derive(Clone, Copy)]
pub struct RuleScope<'t> {
    /// The commands there are.
    pub table: &'t CommandTable,
    /// Whether new users and selectors may use all channels (`acl-pubsub-default`).
    pub all_channels: bool,
}

/// What is wrong with a rule. [`errors::acl_rule`](crate::errors::acl_rule) says it to a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RuleError {
    /// No such command or category.
    UnknownCommand,
    /// No such rule, or a pattern with white space.
    Syntax,
    /// A key pattern for somebody who may use all keys.
    KeysAfterAll,
    /// A channel pattern for somebody who may use all channels.
    ChannelsAfterAll,
    /// The password to be removed is not there.
    NoSuchPassword,
    /// Not 64 lower-case hex digits.
    BadHash,
    /// `+config|get|first`.
    FirstArgOfSubcommand,
}

/// Whether a name or pattern has white space or zeros in it, which the notation of rules has no room for.
pub fn has_spaces(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, 0 | b' ' | b'\t'..=b'\r'))
}

/// Puts selectors that came as several arguments, `(+get ~x)`, together again.
///
/// # Errors
/// The argument that opens a selector which nothing closes.
pub fn merge_selectors<'a>(rules: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, Vec<u8>> {
    let mut merged: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<(&[u8], Vec<u8>)> = None;
    for rule in rules {
        let closes = rule.last() == Some(&b')');
        match &mut open {
            Some((_, selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(rule);
                if closes {
                    merged.extend(open.take().map(|(_, selector)| selector));
                }
            }
            None if rule.first() == Some(&b'(') && !closes => open = Some((rule, rule.to_vec())),
            None => merged.push(rule.to_vec()),
        }
    }
    match open {
        Some((start, _)) => Err(start.to_vec()),
        None => Ok(merged),
    }
}
