//! What a slot says about its block, in 32 bits.
//!
//! ```text
//! bits 0-15   length of the key; all ones: it is in the block
//! bits 16-26  length of an inline value
//! bits 27-28  form of the value
//! bit  29     the block starts with an expiry
//! bit  30     the value was changed in place
//! ```

use crate::value::INLINE_MAX;

const KEY_LEN_MASK: u32 = 0xFFFF;
const VALUE_LEN_SHIFT: u32 = 16;
const VALUE_LEN_MASK: u32 = 0x7FF << VALUE_LEN_SHIFT;
const FORM_SHIFT: u32 = 27;
const FORM_MASK: u32 = 3 << FORM_SHIFT;
const HAS_EXPIRY: u32 = 1 << 29;
const MODIFIED: u32 = 1 << 30;

const _: () = assert!(INLINE_MAX <= (VALUE_LEN_MASK >> VALUE_LEN_SHIFT) as usize);

/// How a value is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum Form {
    /// An i64 in the block.
    Int = 0,
    /// The string itself in the block.
    Inline = 1,
    /// A pointer to a shared string in the block.
    Large = 2,
    /// A pointer to a shared object in the block.
    Object = 3,
}

/// The shape of a block; see the module's page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shape(u32);

impl Shape {
    /// The shape for a key and a value, which is not modified.
    pub(super) fn new(key_len: usize, form: Form, inline_len: usize, has_expiry: bool) -> Self {
        Self(u32::try_from(key_len).unwrap_or(KEY_LEN_MASK).min(KEY_LEN_MASK))
            .with_value(form, inline_len)
            .with_expiry(has_expiry)
    }

    /// The key's length, unless the block has to say it.
    #[inline]
    pub(super) fn key_len(self) -> Option<usize> {
        let len = self.0 & KEY_LEN_MASK;
        (len != KEY_LEN_MASK).then_some(len as usize)
    }

    #[inline]
    pub(super) fn form(self) -> Form {
        match (self.0 & FORM_MASK) >> FORM_SHIFT {
            0 => Form::Int,
            1 => Form::Inline,
            2 => Form::Large,
            _ => Form::Object,
        }
    }

    /// Length of an inline value; 0 for other forms.
    #[inline]
    pub(super) fn inline_len(self) -> usize {
        ((self.0 & VALUE_LEN_MASK) >> VALUE_LEN_SHIFT) as usize
    }

    #[inline]
    pub(super) fn has_expiry(self) -> bool {
        self.0 & HAS_EXPIRY != 0
    }

    #[inline]
    pub(super) fn is_modified(self) -> bool {
        self.0 & MODIFIED != 0
    }

    /// With another value, which is not modified.
    pub(super) fn with_value(self, form: Form, inline_len: usize) -> Self {
        assert!(
            inline_len <= INLINE_MAX && (form == Form::Inline || inline_len == 0),
            "longer strings are large"
        );
        let kept = self.0 & (KEY_LEN_MASK | HAS_EXPIRY);
        Self(kept | (inline_len as u32) << VALUE_LEN_SHIFT | (form as u32) << FORM_SHIFT)
    }

    pub(super) fn with_expiry(self, has_expiry: bool) -> Self {
        Self(if has_expiry { self.0 | HAS_EXPIRY } else { self.0 & !HAS_EXPIRY })
    }

    pub(super) fn with_modified(self, modified: bool) -> Self {
        Self(if modified { self.0 | MODIFIED } else { self.0 & !MODIFIED })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_part_is_kept_apart(
            key_len in prop_oneof![0_usize..70_000, Just(usize::MAX)],
            inline_len in 0..=INLINE_MAX,
            form in prop_oneof![Just(Form::Int), Just(Form::Inline), Just(Form::Large), Just(Form::Object)],
            expiry: bool,
            modified: bool,
        ) {
            let inline_len = if form == Form::Inline { inline_len } else { 0 };
            let shape = Shape::new(key_len, Form::Inline, 3, !expiry)
                .with_modified(!modified)
                .with_value(form, inline_len)
                .with_expiry(expiry)
                .with_modified(modified);
            prop_assert_eq!(shape.key_len(), (key_len < 65_535).then_some(key_len));
            prop_assert_eq!((shape.form(), shape.inline_len()), (form, inline_len));
            prop_assert_eq!((shape.has_expiry(), shape.is_modified()), (expiry, modified));
        }
    }
}
