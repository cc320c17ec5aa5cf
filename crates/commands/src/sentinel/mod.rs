//! SENTINEL, and the commands that answer differently in a Sentinel.

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[];
