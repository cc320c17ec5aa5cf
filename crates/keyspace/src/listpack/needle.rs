//! Comparing elements.

use crate::value::StringRef;

/// A value that elements are compared with. Text that looks like an integer need not be stored as one: others write
/// listpacks too, and not all elements of aggregates live in listpacks.
#[derive(Clone, Copy, Debug)]
pub struct Needle<'a> {
    value: StringRef<'a>,
    number: Option<i64>,
}

impl<'a> Needle<'a> {
    /// The value to be compared with.
    #[inline]
    pub fn new(value: impl Into<StringRef<'a>>) -> Self {
        let value = value.into();
        Self { value, number: value.as_int() }
    }

    /// Whether an element has the value.
    #[inline]
    pub fn matches(&self, element: StringRef<'_>) -> bool {
        match (element, self.value) {
            (StringRef::Int(number), _) => self.number == Some(number),
            (StringRef::Bytes(bytes), StringRef::Bytes(wanted)) => bytes == wanted,
            (StringRef::Bytes(_), StringRef::Int(_)) => element.as_int() == self.number,
        }
    }
}
