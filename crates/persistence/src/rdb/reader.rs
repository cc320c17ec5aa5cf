//! The parts of an RDB file, one by one.

use std::io::Read;

use redan_keyspace::Limits;

use super::error::{Doing, RdbError, RdbErrorKind};
use super::format::{RDB_VERSION, ValueType, module_part, opcode};
use super::input::RdbInput;
use super::value::{self, RdbValue};

/// The first version that ends with a checksum.
const FIRST_CHECKSUM_VERSION: u16 = 5;

/// A fact about the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aux {
    /// Its name.
    pub name: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// What stands before the value of a key; the key itself comes with the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// How the value is stored.
    pub value_type: ValueType,
    /// When the key expires, in Unix milliseconds.
    pub expire_at_ms: Option<i64>,
    /// How long the key was idle, in seconds (written under an LRU policy).
    pub idle_s: Option<u64>,
    /// How often the key was used, logarithmically (written under an LFU policy).
    pub freq: Option<u8>,
}

/// How the file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// The version has no checksum.
    Absent,
    /// There is one, but the reader was told not to look.
    Ignored,
    /// The file was written without.
    Disabled,
    /// It matches.
    Verified,
}

/// One part of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A fact about the file.
    Aux(Aux),
    /// The following keys belong to this database.
    SelectDb(u64),
    /// Size of the selected database.
    ResizeDb {
        /// Number of keys.
        keys: u64,
        /// Number of keys with an expiry.
        expires: u64,
    },
    /// Size of one cluster slot.
    SlotInfo {
        /// The slot.
        slot: u64,
        /// Number of keys.
        keys: u64,
        /// Number of keys with an expiry.
        expires: u64,
    },
    /// The code of a function library.
    Function(Vec<u8>),
    /// Data of this module, skipped.
    ModuleAux(String),
    /// A key; its value must be asked for with [`RdbReader::value`].
    Entry(Entry),
    /// The end of the file.
    End(Checksum),
}

/// What a reader does about things it may refuse.
#[derive(Debug, Clone, Copy)]
pub struct ReaderOptions {
    /// Compare the checksum at the end with that of the data (`rdbchecksum`).
    pub verify_checksum: bool,
    /// Skip what modules wrote instead of refusing the file, as a checker does.
    pub skip_modules: bool,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        ReaderOptions { verify_checksum: true, skip_modules: false }
    }
}

/// Reads an RDB file part by part.
///
/// Call [`RdbReader::header`] once, then [`RdbReader::next_part`] until it gives [`Part::End`]; after each
/// [`Part::Entry`], call [`RdbReader::value`]. An error ends the reading.
#[derive(Debug)]
pub struct RdbReader<R> {
    input: RdbInput<R>,
    options: ReaderOptions,
    version: u16,
    doing: Doing,
    key: Vec<u8>,
    value_type: Option<ValueType>,
}

impl<R: Read> RdbReader<R> {
    /// Reads from `source`.
    pub fn new(source: R, options: ReaderOptions) -> Self {
        RdbReader {
            input: RdbInput::new(source),
            options,
            version: 0,
            doing: Doing::Start,
            key: Vec::new(),
            value_type: None,
        }
    }

    /// How many bytes were read.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// The version of the file; 0 before the header was read.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// Gives back the source, and the bytes that were taken from it but belong to what follows.
    pub fn into_rest(self) -> (Vec<u8>, R) {
        self.input.into_rest()
    }

    /// Reads magic and version; returns the version.
    pub fn header(&mut self) -> Result<u16, RdbError> {
        let header = self.read_header();
        header.map_err(|kind| self.error(kind))
    }

    /// Reads the next part.
    pub fn next_part(&mut self) -> Result<Part, RdbError> {
        let part = self.read_part();
        part.map_err(|kind| self.error(kind))
    }

    /// Reads the value of the entry that [`RdbReader::next_part`] gave, in the encoding that `limits` asks for, and hands
    /// key and value to `take`.
    ///
    /// An error of `take` is reported with the position and the key.
    pub fn value<T>(
        &mut self,
        limits: &Limits,
        take: impl FnOnce(&[u8], RdbValue<'_>) -> Result<T, RdbErrorKind>,
    ) -> Result<T, RdbError> {
        let taken = self.read_value(limits, take);
        taken.map_err(|kind| self.error(kind))
    }

    /// An error at this place.
    pub(crate) fn error(&self, kind: RdbErrorKind) -> RdbError {
        let in_value = self.doing == Doing::ReadValue;
        RdbError {
            kind,
            offset: self.offset(),
            doing: self.doing,
            key: in_value.then(|| self.key.clone()),
            value_type: self.value_type,
        }
    }

    fn read_header(&mut self) -> Result<u16, RdbErrorKind> {
        let header: [u8; 9] = self.input.array()?;
        let Some(version) = header.strip_prefix(b"REDIS") else { return Err(RdbErrorKind::WrongSignature) };
        let version =
            version.iter().take_while(|b| b.is_ascii_digit()).fold(0, |n, b| n * 10 + u16::from(b - b'0'));
        if !(1..=RDB_VERSION).contains(&version) {
            return Err(RdbErrorKind::UnsupportedVersion(version.into()));
        }
        self.version = version;
        Ok(version)
    }

    fn read_part(&mut self) -> Result<Part, RdbErrorKind> {
        let mut expire_at_ms = None;
        let mut idle_s = None;
        let mut freq = None;
        loop {
            self.doing = Doing::ReadType;
            match self.input.byte()? {
                opcode::EXPIRETIME_MS => {
                    self.doing = Doing::ReadExpire;
                    expire_at_ms = Some(self.input.millis()?);
                }
                opcode::EXPIRETIME => {
                    self.doing = Doing::ReadExpire;
                    expire_at_ms = Some(i64::from(self.input.seconds()?) * 1000);
                }
                opcode::IDLE => idle_s = Some(self.input.length()?),
                opcode::FREQ => freq = Some(self.input.byte()?),
                byte => {
                    let Some(value_type) = ValueType::from_byte(byte) else { return self.read_other(byte) };
                    self.value_type = Some(value_type);
                    self.doing = Doing::ReadKey;
                    self.input.string_into(&mut self.key)?;
                    self.doing = Doing::ReadValue;
                    // An expiry of -1 is how the format's writers keep "none" in memory.
                    let expire_at_ms = expire_at_ms.filter(|&at| at != -1);
                    return Ok(Part::Entry(Entry { value_type, expire_at_ms, idle_s, freq }));
                }
            }
        }
    }

    /// Reads a part that is no entry.
    fn read_other(&mut self, byte: u8) -> Result<Part, RdbErrorKind> {
        match byte {
            opcode::AUX => {
                self.doing = Doing::ReadAux;
                Ok(Part::Aux(Aux {
                    name: self.input.string()?.into_vec(),
                    value: self.input.string()?.into_vec(),
                }))
            }
            opcode::SELECTDB => {
                self.doing = Doing::ReadLen;
                self.input.length().map(Part::SelectDb)
            }
            opcode::RESIZEDB => {
                self.doing = Doing::ReadLen;
                Ok(Part::ResizeDb { keys: self.input.length()?, expires: self.input.length()? })
            }
            opcode::SLOT_INFO => {
                self.doing = Doing::ReadLen;
                let slot = self.input.length()?;
                Ok(Part::SlotInfo { slot, keys: self.input.length()?, expires: self.input.length()? })
            }
            opcode::FUNCTION2 => {
                self.doing = Doing::ReadFunctions;
                Ok(Part::Function(self.input.string()?.into_vec()))
            }
            opcode::FUNCTION_PRE_GA => Err(RdbErrorKind::PreReleaseFunctions),
            opcode::MODULE_AUX => {
                self.doing = Doing::ReadModuleAux;
                self.read_module_aux().map(Part::ModuleAux)
            }
            opcode::EOF => {
                self.doing = Doing::CheckSum;
                self.read_checksum().map(Part::End)
            }
            other => Err(RdbErrorKind::UnknownType(other)),
        }
    }

    /// Reads the data of a module; gives the module's name.
    fn read_module_aux(&mut self) -> Result<String, RdbErrorKind> {
        let name = value::module_name(self.input.length()?);
        let when_form = self.input.length()?;
        let _when = self.input.length()?;
        if when_form != module_part::UINT {
            return Err(RdbErrorKind::Corrupt("bad when_opcode"));
        }
        if !self.options.skip_modules {
            return Err(RdbErrorKind::NoModule(name));
        }
        value::skip_module_parts(&mut self.input)?;
        Ok(name)
    }

    fn read_checksum(&mut self) -> Result<Checksum, RdbErrorKind> {
        if self.version < FIRST_CHECKSUM_VERSION {
            return Ok(Checksum::Absent);
        }
        let expected = self.input.checksum();
        let found = u64::from_le_bytes(self.input.array()?);
        if !self.options.verify_checksum {
            Ok(Checksum::Ignored)
        } else if found == 0 {
            Ok(Checksum::Disabled)
        } else if found == expected {
            Ok(Checksum::Verified)
        } else {
            Err(RdbErrorKind::WrongChecksum { expected, found })
        }
    }

    fn read_value<T>(
        &mut self,
        limits: &Limits,
        take: impl FnOnce(&[u8], RdbValue<'_>) -> Result<T, RdbErrorKind>,
    ) -> Result<T, RdbErrorKind> {
        let value_type = self.value_type.ok_or(RdbErrorKind::Corrupt("value asked for without a key"))?;
        let value = value::read(&mut self.input, value_type, self.options.skip_modules, limits)?;
        let taken = take(&self.key, value)?;
        self.value_type = None;
        Ok(taken)
    }
}
