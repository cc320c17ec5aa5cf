//! What a user may do, and how it proves who it is.

use super::check::Denied;
use super::password::Passwords;
use super::rule::{RuleError, RuleScope};
use super::selector::{KnownKeys, Selector};
use crate::{CommandEntry, CommandTable, KeyFlags};
use redan_resp::Args;

/// See the module's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    enabled: bool,
    any_password: bool,
    skip_sanitize: bool,
    passwords: Passwords,
    /// The root selector comes first; there is always one.
    selectors: Vec<Selector>,
}

impl Permissions {
    /// A new user's: nothing, except that it may have all channels from the start.
    pub fn new(scope: RuleScope<'_>) -> Self {
        Self {
            enabled: false,
            any_password: false,
            skip_sanitize: false,
            passwords: Passwords::default(),
            selectors: vec![Selector::new(scope.all_channels)],
        }
    }

    /// What the default user may do while nobody says otherwise: everything, without a password.
    pub fn everything(scope: RuleScope<'_>) -> Self {
        let mut all = Self::new(scope);
        for rule in ["+@all", "~*", "&*", "on", "nopass"] {
            all.apply(rule.as_bytes(), scope).expect("these are rules");
        }
        all
    }

    /// Applies one rule.
    ///
    /// # Errors
    /// What is wrong with it; nothing has changed then.
    pub fn apply(&mut self, rule: &[u8], scope: RuleScope<'_>) -> Result<(), RuleError> {
        let is = |word: &str| rule.eq_ignore_ascii_case(word.as_bytes());
        if is("on") || is("off") {
            self.enabled = is("on");
        } else if is("skip-sanitize-payload") || is("sanitize-payload") {
            self.skip_sanitize = is("skip-sanitize-payload");
        } else if is("nopass") || is("resetpass") {
            self.any_password = is("nopass");
            self.passwords.clear();
        } else if is("clearselectors") {
            self.selectors.truncate(1);
        } else if is("reset") {
            *self = Self::new(scope);
        } else {
            return match rule {
                [] => Ok(()),
                [b'>' | b'#' | b'<' | b'!', ..] => self.apply_password(rule),
                [b'(', inside @ .., b')'] => {
                    self.selectors.push(Selector::parse(inside, scope)?);
                    Ok(())
                }
                _ => self.selectors[0].apply(rule, scope.table),
            };
        }
        Ok(())
    }

    fn apply_password(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        let password = &rule[1..];
        let removed = match rule[0] {
            b'>' => {
                self.passwords.add(password);
                None
            }
            b'#' if self.passwords.add_hex(password) => None,
            b'<' => Some(self.passwords.remove(password)),
            b'!' => Some(self.passwords.remove_hex(password).ok_or(RuleError::BadHash)?),
            _ => return Err(RuleError::BadHash),
        };
        match removed {
            None => self.any_password = false,
            Some(false) => return Err(RuleError::NoSuchPassword),
            Some(true) => {}
        }
        Ok(())
    }

    /// Whether the user may log in.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether any password will do.
    pub fn takes_any_password(&self) -> bool {
        self.any_password
    }

    /// Whether payloads of RESTORE are not looked at closely.
    pub fn skips_sanitizing(&self) -> bool {
        self.skip_sanitize
    }

    /// The passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// The selector that rules outside of parentheses make.
    pub fn root(&self) -> &Selector {
        &self.selectors[0]
    }

    /// The other selectors.
    pub fn selectors(&self) -> &[Selector] {
        &self.selectors[1..]
    }

    /// Whether there is nothing the user may not do.
    pub fn allows_all(&self, table: &CommandTable) -> bool {
        self.selectors.iter().any(|selector| selector.allows_all(table))
    }

    /// Whether a command may run with these arguments; else what of it may not. Of several selectors that all refuse, the
    /// one that came furthest answers.
    ///
    /// # Errors
    /// What is denied.
    pub fn check(&self, entry: &CommandEntry, args: Args<'_>) -> Result<(), Denied> {
        let mut keys: KnownKeys = None;
        let mut furthest = Denied::Command;
        for selector in &self.selectors {
            match selector.check(entry, args, &mut keys) {
                Ok(()) => return Ok(()),
                Err(denied) => furthest = furthest.max(denied),
            }
        }
        Err(furthest)
    }

    /// Whether a command may run with these arguments and do this to any key beyond those it names.
    pub fn allows_with_every_key(&self, entry: &CommandEntry, args: Args<'_>, flags: KeyFlags) -> bool {
        let mut keys: KnownKeys = None;
        self.selectors.iter().any(|selector| {
            selector.check(entry, args, &mut keys).is_ok() && selector.allows_every_key(flags)
        })
    }

    /// Whether a channel, or a pattern of channels, may be subscribed to.
    pub fn allows_channel(&self, channel: &[u8], pattern: bool) -> bool {
        self.selectors.iter().any(|selector| selector.allows_channel(channel, pattern))
    }

    /// Whether somebody who could do `before` may have lost a channel by this.
    pub fn lost_channels(&self, before: &Self) -> bool {
        if self.selectors.iter().any(Selector::allows_all_channels) {
            return false;
        }
        let allowed: Vec<&Selector> = self.selectors.iter().collect();
        !before.selectors.iter().all(|selector| selector.channels_within(&allowed))
    }

    /// The flags, in the order they are shown.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        let flags = [
            (self.enabled, "on"),
            (!self.enabled, "off"),
            (self.any_password, "nopass"),
            (self.skip_sanitize, "skip-sanitize-payload"),
            (!self.skip_sanitize, "sanitize-payload"),
        ];
        flags.into_iter().filter(|(on, _)| *on).map(|(_, name)| name)
    }

    /// Everything, as rules that make the same of a new user.
    pub fn describe(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for flag in self.flags() {
            text.extend_from_slice(flag.as_bytes());
            text.push(b' ');
        }
        for hash in self.passwords.hex() {
            text.push(b'#');
            text.extend_from_slice(hash.as_bytes());
            text.push(b' ');
        }
        self.root().describe(&mut text);
        for selector in self.selectors() {
            text.extend_from_slice(b" (");
            selector.describe(&mut text);
            text.push(b')');
        }
        text
    }
}
