//! Publish and subscribe.

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[];
