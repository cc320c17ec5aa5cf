//! The configuration of the server, complete as Redis has it.
//!
//! Everything derives from one table: [`rows`] declares each parameter once, with its name, alias, kind, default and
//! documentation, and a typed key for reading it. [`load`](load::load) reads file, environment and arguments into
//! [`Settings`]; [`Config`] shares them with the whole server and changes them; [`rewrite`] brings them back into the
//! file.
//!
//! ```
//! use redan_server::config::{Config, SetContext, Settings, rows};
//!
//! let config = Config::new(Settings::new("/"));
//! config.set(&[(b"timeout", b"60")], SetContext::default()).unwrap();
//! assert_eq!(config.peek().get(rows::TIMEOUT), 60);
//! assert_eq!(config.get(&[b"timeo*"]), [(b"timeout".to_vec(), b"60".to_vec())]);
//! ```

mod checks;
pub mod choices;
mod error;
pub mod load;
mod memory_limit;
mod notify;
pub mod param;
pub mod rewrite;
pub mod rows;
mod settings;
mod store;
pub mod table;
pub mod value;
pub mod words;

pub(crate) use error::os_text;
pub use error::{LoadError, SetError};
pub use memory_limit::memory_limit;
pub use settings::{Key, Setting, Settings};
pub use store::{Config, SetContext};
pub use value::Value;
