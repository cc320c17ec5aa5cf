//! The RDB format: one file (or stream) that holds a whole dataset.
//!
//! ```text
//! REDIS0010                    magic and version, in decimal
//! [AUX name value]...          facts about the file
//! [FUNCTION2 code]...          function libraries
//! [SELECTDB n RESIZEDB keys expires
//!   [EXPIRETIME_MS t] [IDLE s | FREQ f] type key value ...]...
//! EOF crc64                    the checksum of everything before it, since version 5; zeroes: not computed
//! ```
//!
//! Writing: an [`RdbEncoder`] holds the primitives, [`RdbWriter`] the order of the parts, [`RdbSink`] collects what a
//! snapshot captures under its locks and [`save_snapshot`] does the rest on a thread of its own. Reading: [`RdbInput`] holds the primitives,
//! [`RdbReader`] gives the parts one by one, and [`load()`] puts them into a keyspace.

mod encode;
mod error;
mod format;
mod input;
mod load;
mod object;
mod reader;
mod save;
mod sink;
mod value;
mod writer;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod tests;

pub use encode::RdbEncoder;
pub use error::{Doing, RdbError, RdbErrorKind};
pub use format::{LOWEST_WRITTEN_VERSION, RDB_VERSION, ValueType, opcode};
pub use input::{RdbInput, RdbString};
pub use load::{LoadEvent, LoadOptions, LoadReport, load};
pub use reader::{Aux, Checksum, Entry, Part, RdbReader, ReaderOptions};
pub use save::{
    FanOut, RdbOutput, SaveError, SaveOptions, SaveProgress, SaveStats, WriteOutput, save_commands,
    save_snapshot,
};
pub use sink::{AccessField, RdbSink, SinkOptions};
pub use value::RdbValue;
pub use writer::{RdbHeader, RdbWriter, ReplicationInfo};

pub(crate) use object::digest as digest_object;
pub(crate) use value::read as read_value;
pub(crate) use writer::{EntryWriter, KeyMeta, put_value, type_of};
