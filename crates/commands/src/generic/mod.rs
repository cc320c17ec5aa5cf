//! Generic commands: over keys of any type.

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[];
