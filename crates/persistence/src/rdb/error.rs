//! What can be wrong with an RDB file, and where.

use std::fmt;
use std::io;

use super::format::ValueType;
use redan_keyspace::lzf::LzfError;

/// What was being read when an error was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// The magic and version.
    Start,
    /// An opcode or type.
    ReadType,
    /// The expiry of a key.
    ReadExpire,
    /// A key.
    ReadKey,
    /// A value.
    ReadValue,
    /// The checksum at the end.
    CheckSum,
    /// A database number or size.
    ReadLen,
    /// A fact about the file.
    ReadAux,
    /// A module's data that belongs to no key.
    ReadModuleAux,
    /// A function library.
    ReadFunctions,
}

impl Doing {
    /// The name that `redis-check-rdb` reports.
    pub fn name(self) -> &'static str {
        match self {
            Doing::Start => "start",
            Doing::ReadType => "read-type",
            Doing::ReadExpire => "read-expire",
            Doing::ReadKey => "read-key",
            Doing::ReadValue => "read-object-value",
            Doing::CheckSum => "check-sum",
            Doing::ReadLen => "read-len",
            Doing::ReadAux => "read-aux",
            Doing::ReadModuleAux => "read-module-aux",
            Doing::ReadFunctions => "read-functions",
        }
    }
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum RdbErrorKind {
    /// The source failed.
    #[error("I/O error reading RDB: {0}")]
    Io(#[from] io::Error),
    /// The data ends before its end marker.
    #[error("Unexpected EOF reading RDB file")]
    UnexpectedEof,
    /// The data does not start with `REDIS`.
    #[error("Wrong signature trying to load DB from file")]
    WrongSignature,
    /// The version is not one of those that can be read.
    #[error("Can't handle RDB format version {0}")]
    UnsupportedVersion(i32),
    /// A byte that is neither an opcode nor a type.
    #[error("Invalid object type: {0}")]
    UnknownType(u8),
    /// A type that exists, but cannot be loaded.
    #[error("values of type {} ({}) are not supported yet", .0.byte(), .0.name())]
    UnsupportedType(ValueType),
    /// A length, or a string's encoding, that does not exist.
    #[error("Unknown length encoding {0} in RDB file")]
    BadLength(u8),
    /// A compressed string that is damaged.
    #[error("Invalid LZF compressed string: {0}")]
    Lzf(#[from] LzfError),
    /// A string that is longer than this machine can hold.
    #[error("no memory for a string of {0} bytes")]
    OutOfMemory(u64),
    /// Anything else that cannot be as it is.
    #[error("{0}")]
    Corrupt(&'static str),
    /// A value of a module that is not there.
    #[error("The RDB file contains module data I can't load: no matching module type '{0}'")]
    NoModuleType(String),
    /// Other data of a module that is not there.
    #[error("The RDB file contains AUX module data I can't load: no matching module '{0}'")]
    NoModule(String),
    /// Functions as the release candidates of Redis 7.0 wrote them.
    #[error("Pre-release function format not supported.")]
    PreReleaseFunctions,
    /// A database number beyond the configured ones.
    #[error(
        "FATAL: Data file was created with a Redis server configured to handle more than {configured} databases"
    )]
    TooManyDatabases {
        /// The number in the file.
        found: u64,
        /// How many databases there are.
        configured: u32,
    },
    /// The same key twice in one database.
    #[error("RDB has duplicated key in DB {db}")]
    DuplicateKey {
        /// The database.
        db: u32,
    },
    /// The checksum does not match.
    #[error("Wrong RDB checksum expected: ({expected:x}) but got ({found:x})")]
    WrongChecksum {
        /// The checksum of the data.
        expected: u64,
        /// The checksum in the file.
        found: u64,
    },
    /// The caller wanted no more.
    #[error("loading was cancelled")]
    Cancelled,
}

/// What is wrong with an RDB file, where, and what was being read there.
#[derive(Debug)]
pub struct RdbError {
    /// What is wrong.
    pub kind: RdbErrorKind,
    /// How many bytes were read when it was found.
    pub offset: u64,
    /// What was being read.
    pub doing: Doing,
    /// The key that was being read, once it is known.
    pub key: Option<Vec<u8>>,
    /// The type of the value that was being read, once it is known.
    pub value_type: Option<ValueType>,
}

impl fmt::Display for RdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (offset {}, {}", self.kind, self.offset, self.doing.name())?;
        if let Some(value_type) = self.value_type {
            write!(f, ", type {} ({})", value_type.byte(), value_type.name())?;
        }
        if let Some(key) = &self.key {
            write!(f, ", key '{}'", key.escape_ascii())?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for RdbError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.kind)
    }
}
