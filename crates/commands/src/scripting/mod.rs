//! Scripts and functions: EVAL and its kin, SCRIPT, FCALL, FUNCTION.

mod eval;
mod function;
mod library;
#[cfg(test)]
mod sandbox_tests;
mod script;
#[cfg(test)]
mod tests;

use redan_engine::{Arg, ArgKind, Command};

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    eval::EVAL,
    eval::EVAL_RO,
    eval::EVALSHA,
    eval::EVALSHA_RO,
    function::FCALL,
    function::FCALL_RO,
    library::FUNCTION,
    script::SCRIPT,
];

/// The arguments behind what names a script: a count of keys, the keys, the rest.
const NUMKEYS: Arg = Arg::new("numkeys", ArgKind::Integer);
const KEYS: Arg = Arg::key("key", 0).optional().multiple();
const ARGV: Arg = Arg::new("arg", ArgKind::String).optional().multiple();
