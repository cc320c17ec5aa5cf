//! Publish and subscribe.

mod introspect;
#[cfg(test)]
mod many_tests;
mod publish;
mod subscribe;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    introspect::PUBSUB,
    publish::PUBLISH,
    publish::SPUBLISH,
    subscribe::PSUBSCRIBE,
    subscribe::PUNSUBSCRIBE,
    subscribe::SSUBSCRIBE,
    subscribe::SUBSCRIBE,
    subscribe::SUNSUBSCRIBE,
    subscribe::UNSUBSCRIBE,
];
