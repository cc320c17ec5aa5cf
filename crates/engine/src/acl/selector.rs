//! A selector: keys, channels and commands that are allowed together.

use super::check::Denied;
use super::commands::CommandRules;
use super::rule::{RuleError, RuleScope, has_spaces};
use crate::{Channels, CommandEntry, CommandTable, KeyFlags, key_flag};
use redan_resp::Args;
use redan_resp::glob::glob_match;
use smallvec::SmallVec;

/// Keys that may be read, written or both.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyPattern {
    pattern: Vec<u8>,
    read: bool,
    write: bool,
}

impl KeyPattern {
    /// Reads `~pattern` or `%RW~pattern`. (Redis takes `%RW` for an empty pattern, too.)
    fn parse(rule: &[u8]) -> Option<Self> {
        let mut key = Self { pattern: Vec::new(), read: true, write: true };
        let pattern = if rule[0] == b'~' {
            &rule[1..]
        } else {
            (key.read, key.write) = (false, false);
            let end = rule.iter().position(|byte| *byte == b'~').unwrap_or(rule.len());
            for letter in &rule[1..end] {
                let seen = match letter {
                    b'r' | b'R' => &mut key.read,
                    b'w' | b'W' => &mut key.write,
                    _ => return None,
                };
                if std::mem::replace(seen, true) {
                    return None;
                }
            }
            rule.get(end + 1..).unwrap_or_default()
        };
        pattern.clone_into(&mut key.pattern);
        ((key.read || key.write) && !has_spaces(pattern)).then_some(key)
    }

    /// Whether it allows what a command does to a key.
    fn allows(&self, flags: KeyFlags) -> bool {
        let reads = flags & key_flag::ACCESS != 0;
        let writes = flags & (key_flag::INSERT | key_flag::DELETE | key_flag::UPDATE) != 0;
        (self.read || !reads) && (self.write || !writes)
    }

    fn describe(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(match (self.read, self.write) {
            (true, false) => b"%R~",
            (false, true) => b"%W~",
            _ => b"~",
        });
        out.extend_from_slice(&self.pattern);
    }
}

/// The keys of a command, found once for all selectors that ask.
pub(super) type KnownKeys = Option<SmallVec<[(u32, KeyFlags); 4]>>;

/// What may be done: these commands with these keys and channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    all_keys: bool,
    keys: Vec<KeyPattern>,
    all_channels: bool,
    channels: Vec<Vec<u8>>,
    commands: CommandRules,
}

impl Selector {
    /// A selector that allows nothing, but maybe all channels.
    pub(super) fn new(all_channels: bool) -> Self {
        Self {
            all_keys: false,
            keys: Vec::new(),
            all_channels,
            channels: Vec::new(),
            commands: CommandRules::default(),
        }
    }

    /// A selector from its rules in parentheses.
    pub(super) fn parse(text: &[u8], scope: RuleScope<'_>) -> Result<Self, RuleError> {
        let mut selector = Self::new(scope.all_channels);
        // Quotes that are not closed make it an empty one, as in Redis.
        let rules = redan_resp::split_inline(text).unwrap_or_default();
        rules.iter().try_for_each(|rule| selector.apply(rule, scope.table))?;
        Ok(selector)
    }

    /// Applies one rule.
    pub(super) fn apply(&mut self, rule: &[u8], table: &CommandTable) -> Result<(), RuleError> {
        let is = |words: &[&str]| words.iter().any(|word| rule.eq_ignore_ascii_case(word.as_bytes()));
        if is(&["allkeys", "~*"]) || is(&["resetkeys"]) {
            self.all_keys = !is(&["resetkeys"]);
            self.keys.clear();
        } else if is(&["allchannels", "&*"]) || is(&["resetchannels"]) {
            self.all_channels = !is(&["resetchannels"]);
            self.channels.clear();
        } else if is(&["allcommands", "+@all"]) {
            self.commands.set_all(true);
        } else if is(&["nocommands", "-@all"]) {
            self.commands.set_all(false);
        } else {
            return match rule.first() {
                Some(b'~' | b'%') => self.add_keys(rule),
                Some(b'&') => self.add_channels(&rule[1..]),
                Some(b'+' | b'-') => self.commands.apply(rule, table),
                _ => Err(RuleError::Syntax),
            };
        }
        Ok(())
    }

    fn add_keys(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        if self.all_keys {
            return Err(RuleError::KeysAfterAll);
        }
        let new = KeyPattern::parse(rule).ok_or(RuleError::Syntax)?;
        match self.keys.iter_mut().find(|known| known.pattern == new.pattern) {
            Some(known) => {
                known.read |= new.read;
                known.write |= new.write;
            }
            None => self.keys.push(new),
        }
        Ok(())
    }

    fn add_channels(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        if self.all_channels {
            return Err(RuleError::ChannelsAfterAll);
        }
        if has_spaces(pattern) {
            return Err(RuleError::Syntax);
        }
        if !self.channels.iter().any(|known| known == pattern) {
            self.channels.push(pattern.to_vec());
        }
        Ok(())
    }

    /// Whether there is nothing it does not allow.
    pub(super) fn allows_all(&self, table: &CommandTable) -> bool {
        self.all_keys && self.all_channels && self.commands.allows_all(table)
    }

    /// Whether the command may run with these arguments; else what of it may not.
    pub(super) fn check(
        &self,
        entry: &CommandEntry,
        args: Args<'_>,
        keys: &mut KnownKeys,
    ) -> Result<(), Denied> {
        if !self.commands.permits(entry, args) {
            return Err(Denied::Command);
        }
        if !self.all_keys && entry.has_keys() {
            let keys = keys.get_or_insert_with(|| entry.known_keys(args));
            let denied = keys.iter().find(|(at, flags)| !self.allows_key(&args[*at as usize], *flags));
            if let Some((at, _)) = denied {
                return Err(Denied::Key(*at));
            }
        }
        if self.all_channels {
            return Ok(());
        }
        let (count, pattern) = match entry.command.channels {
            Channels::No => return Ok(()),
            Channels::First => (1, false),
            Channels::All => (usize::MAX, false),
            Channels::Patterns => (usize::MAX, true),
        };
        let named = args.iter().enumerate().skip(1).take(count);
        match named.into_iter().find(|(_, channel)| !self.allows_channel(channel, pattern)) {
            Some((at, _)) => Err(Denied::Channel(at as u32)),
            None => Ok(()),
        }
    }

    fn allows_key(&self, key: &[u8], flags: KeyFlags) -> bool {
        self.all_keys
            || self.keys.iter().any(|known| known.allows(flags) && glob_match(&known.pattern, key, false))
    }

    /// Whether this may be done to any key at all, whatever its name.
    pub(super) fn allows_every_key(&self, flags: KeyFlags) -> bool {
        self.all_keys || self.keys.iter().any(|known| known.pattern == b"*" && known.allows(flags))
    }

    /// Whether a channel may be used. A pattern that is subscribed to must be among the allowed ones literally: whether
    /// one pattern holds all of another is not asked.
    pub(super) fn allows_channel(&self, channel: &[u8], pattern: bool) -> bool {
        self.all_channels
            || self.channels.iter().any(|known| match pattern {
                true => known == channel,
                false => glob_match(known, channel, false),
            })
    }

    /// Whether every channel that `before` names is named here too, so that nobody has lost one.
    pub(super) fn channels_within(&self, allowed: &[&Self]) -> bool {
        if self.all_channels {
            return false;
        }
        self.channels.iter().all(|channel| allowed.iter().any(|selector| selector.channels.contains(channel)))
    }

    /// Whether all channels are allowed.
    pub(super) fn allows_all_channels(&self) -> bool {
        self.all_channels
    }

    /// The rules about commands.
    pub fn describe_commands(&self) -> String {
        self.commands.describe()
    }

    /// The key patterns, as rules with a space between.
    pub fn describe_keys(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        let mut text = Vec::new();
        for key in &self.keys {
            if !text.is_empty() {
                text.push(b' ');
            }
            key.describe(&mut text);
        }
        text
    }

    /// The channel patterns, as rules with a space between.
    pub fn describe_channels(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        let rules: Vec<Vec<u8>> = self.channels.iter().map(|channel| [b"&", &channel[..]].concat()).collect();
        rules.join(&b' ')
    }

    /// Everything, as rules that make the same of a new selector.
    pub(super) fn describe(&self, out: &mut Vec<u8>) {
        for part in [
            self.describe_keys(),
            if self.all_channels { Vec::new() } else { b"resetchannels".to_vec() },
            self.describe_channels(),
        ] {
            if !part.is_empty() {
                out.extend_from_slice(&part);
                out.push(b' ');
            }
        }
        out.extend_from_slice(self.commands.describe().as_bytes());
    }
}
