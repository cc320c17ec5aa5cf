//! Values in an RDB file: one decoder per type.

use std::io::Read;
use std::sync::Arc;

use redan_keyspace::{Limits, NewValue, Object};

use super::error::RdbErrorKind;
use super::format::{ValueType, module_part};
use super::input::{RdbInput, RdbString};

/// A decoded value, not yet in the form the keyspace keeps.
#[derive(Debug, Clone)]
pub enum RdbValue<'a> {
    /// A string.
    String(RdbString<'a>),
    /// Anything else.
    Object(Object),
    /// An aggregate without elements, which is not to be stored.
    Empty,
    /// A module's value that was checked for form and skipped.
    SkippedModule,
}

impl<'a> RdbValue<'a> {
    /// The value in the form that the keyspace takes; `None` if there is nothing to store.
    pub fn into_new_value(self) -> Option<NewValue<'a>> {
        match self {
            RdbValue::String(RdbString::Int(number)) => Some(NewValue::Int(number)),
            RdbValue::String(RdbString::Borrowed(bytes)) => Some(NewValue::Bytes(bytes)),
            RdbValue::String(RdbString::Owned(bytes)) => Some(NewValue::Owned(bytes)),
            RdbValue::Object(object) => Some(NewValue::Object(Arc::new(object))),
            RdbValue::Empty | RdbValue::SkippedModule => None,
        }
    }
}

/// Characters of module type names, by their six-bit codes.
const MODULE_NAME_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Reads a value of the given type, in the encoding that `limits` asks for. Modules' values are errors unless they are
/// to be skipped.
pub(crate) fn read<'a, R: Read>(
    input: &'a mut RdbInput<R>,
    value_type: ValueType,
    skip_modules: bool,
    limits: &Limits,
) -> Result<RdbValue<'a>, RdbErrorKind> {
    match value_type {
        ValueType::String => input.string().map(RdbValue::String),
        ValueType::Module2 => {
            let name = module_name(input.length()?);
            if !skip_modules {
                return Err(RdbErrorKind::NoModuleType(name));
            }
            skip_module_parts(input)?;
            Ok(RdbValue::SkippedModule)
        }
        ValueType::ModulePreGa => Err(RdbErrorKind::Corrupt("Pre-release module format not supported")),
        other => Ok(super::object::read(input, other, limits)?.map_or(RdbValue::Empty, RdbValue::Object)),
    }
}

/// The name of the module type with this id: nine characters of six bits, then ten bits of encoding version.
pub(super) fn module_name(id: u64) -> String {
    (0..9).rev().map(|index| char::from(MODULE_NAME_CHARS[(id >> (10 + 6 * index) & 63) as usize])).collect()
}

/// Skips what a module wrote, up to and including its end mark.
pub(super) fn skip_module_parts<R: Read>(input: &mut RdbInput<R>) -> Result<(), RdbErrorKind> {
    loop {
        match input.length()? {
            module_part::EOF => return Ok(()),
            module_part::SINT | module_part::UINT => {
                input.length()?;
            }
            module_part::FLOAT => input.skip(4)?,
            module_part::DOUBLE => input.skip(8)?,
            module_part::STRING => input.skip_string()?,
            _ => return Err(RdbErrorKind::Corrupt("Unknown part in a module's data")),
        }
    }
}
