//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[];
