//! The table of commands: from the name in a request to its row.

use crate::command::{BeginSearch, FindKeys};
use crate::{Command, Flags, KeyFlags, Run, ScriptSource, condition, errors, flag, key_flag};
use redan_resp::Args;
use smallvec::SmallVec;

/// Longest command name; longer ones are unknown without a look.
const MAX_NAME: usize = 32;

/// A row as the server runs it, with what is derived from it.
pub struct CommandEntry {
    /// The row.
    pub command: &'static Command,
    /// Its place in the table: the index of its statistics.
    pub index: u16,
    /// `get`, or `client|list` for a subcommand; `rename-command` does not change it.
    pub full_name: String,
    /// What clients have to call it instead; empty if they cannot call it at all.
    alias: Option<String>,
    /// Entries of its subcommands.
    pub subcommands: Vec<u16>,
    /// The container, for a subcommand.
    pub parent: Option<u16>,
    /// It runs a script: what it does depends on that.
    pub(crate) runs_script: bool,
    /// The [`condition`] bits under which it needs a closer look.
    pub(crate) heeds: u32,
    /// First, last (negative: from the end) and step of its keys, when that is how they lie; else `None`.
    pub(crate) simple_keys: Option<(usize, i32, usize)>,
}

impl CommandEntry {
    /// Whether any of the flags is set.
    #[inline]
    pub fn has(&self, flags: Flags) -> bool {
        self.command.flags & flags != 0
    }

    /// Whether clients cannot call it: `rename-command` has taken its name away.
    pub fn is_hidden(&self) -> bool {
        self.alias.as_deref() == Some("")
    }

    /// Whether its keys cannot be told by a single range.
    pub fn has_movable_keys(&self) -> bool {
        !self.command.keys.is_empty() && self.simple_keys.is_none()
    }

    /// The positions of the keys among `args`; `None` when the arguments do not fit the command's shape.
    pub fn key_positions(&self, args: Args<'_>) -> Option<SmallVec<[u32; 4]>> {
        let mut positions = SmallVec::new();
        if let Some((first, last, step)) = self.simple_keys {
            let end =
                if last < 0 { args.len().checked_sub(last.unsigned_abs() as usize)? } else { last as usize };
            let mut at = first;
            while at <= end && at < args.len() {
                positions.push(at as u32);
                at += step;
            }
            return Some(positions);
        }
        if let Some(finder) = self.command.key_finder {
            let mut keys = SmallVec::new();
            finder(args, &mut keys);
            return Some(keys.into_iter().map(|(at, _)| at).collect());
        }
        for spec in self.command.keys {
            if spec.flags & crate::key_flag::NOT_KEY == 0 {
                find_keys(spec.begin, spec.find, args, &mut positions)?;
            }
        }
        Some(positions)
    }

    /// Whether it names keys at all.
    pub fn has_keys(&self) -> bool {
        self.command.keys.iter().any(|spec| spec.flags & key_flag::NOT_KEY == 0)
    }

    /// The keys among `args` with what the command does to each; `None` as for [`key_positions`](Self::key_positions).
    pub fn keys_with_flags(&self, args: Args<'_>) -> Option<SmallVec<[(u32, KeyFlags); 4]>> {
        let mut keys = SmallVec::new();
        self.find_all_keys(args, &mut keys).then_some(keys)
    }

    /// As [`keys_with_flags`](Self::keys_with_flags), but of arguments that do not fit the command's shape those keys
    /// that can be told all the same.
    pub(crate) fn known_keys(&self, args: Args<'_>) -> SmallVec<[(u32, KeyFlags); 4]> {
        let mut keys = SmallVec::new();
        self.find_all_keys(args, &mut keys);
        keys
    }

    fn find_all_keys(&self, args: Args<'_>, keys: &mut SmallVec<[(u32, KeyFlags); 4]>) -> bool {
        if let Some(finder) = self.command.key_finder {
            finder(args, keys);
            return true;
        }
        let mut complete = true;
        for spec in self.command.keys.iter().filter(|spec| spec.flags & key_flag::NOT_KEY == 0) {
            let mut positions = SmallVec::new();
            complete &= find_keys(spec.begin, spec.find, args, &mut positions).is_some();
            keys.extend(positions.into_iter().map(|at| (at, spec.flags)));
        }
        complete
    }
}

fn find_keys(
    begin: BeginSearch,
    find: FindKeys,
    args: Args<'_>,
    into: &mut SmallVec<[u32; 4]>,
) -> Option<()> {
    let start = match begin {
        BeginSearch::Index(at) => at as usize,
        BeginSearch::Keyword { word, from } => match find_keyword(word, from, args) {
            Some(at) => at + 1,
            None => return Some(()),
        },
        BeginSearch::Unknown => return Some(()),
    };
    let (first, last, step) = match find {
        FindKeys::Range { last, step, limit } => {
            let last = if last >= 0 {
                start + last as usize
            } else if limit > 1 {
                start + (args.len().saturating_sub(start) / limit as usize).checked_sub(1)?
            } else {
                args.len().checked_sub(last.unsigned_abs() as usize)?
            };
            (start, last, step)
        }
        FindKeys::KeyNum { num, first, step } => {
            let count = redan_resp::parse_i64(args.get(start + num as usize)?)?;
            let count = usize::try_from(count).ok()?;
            if count == 0 || count > args.len() {
                return if count == 0 { Some(()) } else { None };
            }
            let first = start + first as usize;
            (first, first + (count - 1) * step as usize, step)
        }
        FindKeys::Unknown => return Some(()),
    };
    if last >= args.len() {
        return None;
    }
    into.extend((first..=last).step_by(step.max(1) as usize).map(|at| at as u32));
    Some(())
}

fn find_keyword(word: &str, from: i32, args: Args<'_>) -> Option<usize> {
    let is_word = |at: &usize| args[*at].eq_ignore_ascii_case(word.as_bytes());
    if from >= 0 {
        (from as usize..args.len()).find(is_word)
    } else {
        (1..=args.len().saturating_sub(from.unsigned_abs() as usize)).rev().find(is_word)
    }
}

/// What a name stands for.
#[derive(Clone, Copy)]
pub enum Lookup<'t> {
    /// A command, or a subcommand.
    Found(&'t CommandEntry),
    /// A container whose subcommand does not exist.
    UnknownSubcommand(&'t CommandEntry),
    /// Nothing.
    Unknown,
}

/// All commands of a server, by name.
pub struct CommandTable {
    entries: Vec<CommandEntry>,
    /// Open addressing; entry index plus one, 0 for an empty place.
    buckets: Box<[(Name, u16)]>,
}

type Name = [u64; MAX_NAME / 8];

impl CommandTable {
    /// A table of the rows that exist in this mode (Sentinel or not).
    pub fn new(groups: &[&'static [Command]], sentinel: bool) -> Self {
        let mut table = Self { entries: Vec::new(), buckets: Box::new([]) };
        for command in groups.iter().copied().flatten() {
            let here = if sentinel {
                command.flags & (flag::SENTINEL | flag::ONLY_SENTINEL) != 0
            } else {
                command.flags & flag::ONLY_SENTINEL == 0
            };
            if here {
                table.add(command, None, sentinel);
            }
        }
        table.index();
        table
    }

    fn add(&mut self, command: &'static Command, parent: Option<u16>, sentinel: bool) -> u16 {
        let index = u16::try_from(self.entries.len()).expect("fewer than 65536 commands");
        let full_name = match parent {
            Some(parent) => format!("{}|{}", self.entries[parent as usize].full_name, command.name),
            None => command.name.to_owned(),
        };
        self.entries.push(CommandEntry {
            command,
            index,
            full_name,
            alias: None,
            subcommands: Vec::new(),
            parent,
            runs_script: parent.is_none() && ScriptSource::of(command.name).is_some(),
            heeds: heeds(command),
            simple_keys: simple_keys(command),
        });
        for sub in command.subcommands {
            let hidden = if sentinel {
                command.flags & flag::ONLY_SENTINEL == 0 && sub.flags & flag::SENTINEL == 0
            } else {
                sub.flags & flag::ONLY_SENTINEL != 0
            };
            if !hidden {
                let sub = self.add(sub, Some(index), sentinel);
                self.entries[index as usize].subcommands.push(sub);
            }
        }
        index
    }

    fn index(&mut self) {
        let size = (self.entries.len() * 4).next_power_of_two().max(16);
        let mut buckets = vec![(Name::default(), 0); size];
        for entry in self.entries.iter().filter(|entry| entry.parent.is_none() && !entry.is_hidden()) {
            let name = entry.alias.as_ref().unwrap_or(&entry.full_name);
            let name = name_of(name.as_bytes()).expect("command names are short");
            let mut at = bucket_of(&name, size);
            while buckets[at].1 != 0 {
                at = (at + 1) % size;
            }
            buckets[at] = (name, entry.index + 1);
        }
        self.buckets = buckets.into_boxed_slice();
    }

    /// Gives a command another name, or none (`rename-command`).
    ///
    /// # Errors
    /// Says so when there is no such command or the new name is taken.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), String> {
        let Some(index) = self.find(from).map(|entry| entry.index) else {
            return Err("No such command in rename-command".into());
        };
        if !to.is_empty() && (self.find(to).is_some() || name_of(to).is_none()) {
            return Err("Target command name already exists".into());
        }
        let Ok(alias) = std::str::from_utf8(to) else {
            return Err("A command's name must be text in rename-command".into());
        };
        // It keeps its entry and its own name: statistics, its subcommands and the engine's rules refer to them.
        self.entries[index as usize].alias = Some(alias.to_owned());
        self.index();
        Ok(())
    }

    /// The command of this name, in any case; containers without looking at subcommands.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<&CommandEntry> {
        let name = name_of(name)?;
        let size = self.buckets.len();
        let mut at = bucket_of(&name, size);
        loop {
            let (known, entry) = &self.buckets[at];
            if *entry == 0 {
                return None;
            }
            if *known == name {
                return Some(&self.entries[*entry as usize - 1]);
            }
            at = (at + 1) % size;
        }
    }

    /// What a request asks for.
    #[inline]
    pub fn lookup(&self, args: Args<'_>) -> Lookup<'_> {
        match args.get(0).and_then(|name| self.find(name)) {
            None => Lookup::Unknown,
            Some(entry) if entry.subcommands.is_empty() => Lookup::Found(entry),
            Some(entry) => self.lookup_subcommand(entry, args),
        }
    }

    fn lookup_subcommand<'t>(&'t self, container: &'t CommandEntry, args: Args<'_>) -> Lookup<'t> {
        let Some(name) = args.get(1) else { return Lookup::Found(container) };
        let found = container
            .subcommands
            .iter()
            .map(|&index| &self.entries[index as usize])
            .find(|sub| sub.command.name.as_bytes().eq_ignore_ascii_case(name));
        match found {
            Some(sub) => Lookup::Found(sub),
            None => Lookup::UnknownSubcommand(container),
        }
    }

    /// The command `get` or subcommand `config|get`, in any case, whatever `rename-command` has made of it. Walks the
    /// table.
    pub fn by_full_name(&self, name: &[u8]) -> Option<&CommandEntry> {
        self.entries.iter().find(|entry| entry.full_name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// The entry with this index.
    #[inline]
    pub fn entry(&self, index: u16) -> &CommandEntry {
        &self.entries[index as usize]
    }

    /// All entries, subcommands behind their containers.
    pub fn entries(&self) -> &[CommandEntry] {
        &self.entries
    }

    /// The error for a request that [`lookup`](Self::lookup) did not find.
    pub fn unknown(&self, lookup: Lookup<'_>, args: Args<'_>) -> errors::ReplyError {
        match lookup {
            Lookup::UnknownSubcommand(container) => {
                errors::unknown_subcommand(&container.full_name, args.get(1).unwrap_or_default())
            }
            _ => errors::unknown_command(args.get(0).unwrap_or_default(), args),
        }
    }
}

/// The conditions that may stand in the way of a command. EXEC and scripts answer for whatever they are about to run; PING tells
/// probes about a server that cannot persist.
fn heeds(command: &Command) -> u32 {
    use condition::*;
    let has = |bits| command.flags & bits != 0;
    let exec = command.name == "exec" || ScriptSource::of(command.name).is_some();
    let mut bits = PAUSE_ALL | MONITORED;
    let mut add = |on: bool, more: u32| bits |= if on { more } else { 0 };
    add(has(flag::WRITE) || exec, READ_ONLY | FEW_REPLICAS | SAVE_ERROR | AOF_ERROR | MEMORY_LIMITED);
    add(has(flag::WRITE | flag::MAY_REPLICATE) || exec, PAUSE_WRITE);
    add(has(flag::DENYOOM), MEMORY_LIMITED);
    add(command.name == "ping", SAVE_ERROR | AOF_ERROR);
    add(!has(flag::LOADING) || exec, LOADING);
    add(!has(flag::STALE) || exec, STALE);
    add(has(flag::NO_ASYNC_LOADING) || exec, ASYNC_LOADING);
    add(!has(flag::ALLOW_BUSY) || exec, BUSY);
    // A protected command always needs a closer look.
    if has(flag::PROTECTED) { u32::MAX } else { bits }
}

fn simple_keys(command: &Command) -> Option<(usize, i32, usize)> {
    match (command.run, command.keys) {
        (Run::Shared, []) | (_, []) => None,
        (_, [spec]) => match (spec.begin, spec.find) {
            (BeginSearch::Index(first), FindKeys::Range { last, step, limit }) if limit < 2 => {
                Some((first as usize, if last < 0 { last } else { first + last }, step as usize))
            }
            _ => None,
        },
        _ => None,
    }
}

#[inline]
fn name_of(name: &[u8]) -> Option<Name> {
    if name.is_empty() || name.len() > MAX_NAME {
        return None;
    }
    let mut lower = [0u8; MAX_NAME];
    lower[..name.len()].copy_from_slice(name);
    let mut words = Name::default();
    for (word, bytes) in words.iter_mut().zip(lower.chunks_exact(8)) {
        *word = to_lower(u64::from_le_bytes(bytes.try_into().expect("eight bytes")));
    }
    Some(words)
}

/// Lower-cases the eight ASCII letters of a word at once, leaving every other byte alone.
#[inline]
const fn to_lower(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let heptets = word & (0x7f * ONES);
    let above_z = heptets + (0x7f - b'Z' as u64) * ONES;
    let from_a = heptets + (0x80 - b'A' as u64) * ONES;
    let ascii = !word & (0x80 * ONES);
    let upper = ascii & (above_z ^ from_a);
    word | (upper >> 2)
}

#[inline]
fn bucket_of(name: &Name, size: usize) -> usize {
    let mixed = name[0] ^ name[1].rotate_left(23) ^ name[2].rotate_left(41) ^ name[3].rotate_left(53);
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & (size - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_casing_a_word_changes_letters_only() {
        for byte in 0..=255u8 {
            let word = u64::from_le_bytes([byte, b'A', byte, b'z', 0, 0xC1, b'[', byte]);
            let expected = word.to_le_bytes().map(|b| b.to_ascii_lowercase());
            assert_eq!(to_lower(word).to_le_bytes(), expected, "byte {byte}");
        }
    }
}
