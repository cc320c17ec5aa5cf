//! Access control: users, what they may do, and the record of what they were refused.
//!
//! [`Permissions`] are what a list of rules (`on >secret ~app:* +@read`) makes of a user: a plain value, parsed, printed
//! and asked without anything around it but the command table. It holds passwords, a root [`Selector`] and further ones;
//! a command may run if any one selector allows it with all its keys and channels.
//!
//! A [`User`] is the identity that connections hold: a name whose permissions change under it. [`Users`] is the registry.
//! Permissions change only while nothing else runs, and every change gives the registry a new generation. A session
//! notes the generation when it enters the gate, together with one bit: whether its user is restricted in any way. An
//! unrestricted user's commands are not looked at further.

mod check;
mod commands;
mod file;
mod log;
mod password;
mod permissions;
mod rule;
mod selector;
#[cfg(test)]
mod tests;
mod user;
mod users;

pub use check::{AclContext, Denied};
pub use file::load_acl_file;
pub use log::{AclEntry, AclLog};
pub use password::Passwords;
pub use permissions::Permissions;
pub use rule::{RuleError, RuleScope, has_spaces, merge_selectors};
pub use selector::Selector;
pub use user::User;
pub use users::{DEFAULT_USER, SetUserError, Users};
