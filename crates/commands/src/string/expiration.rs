//! The options that SET and GETEX share: EX, PX, EXAT, PXAT.

use redan_engine::{Cx, ReplyError, errors};

use crate::arg;

/// How an expiry is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Seconds from now.
    Ex,
    /// Milliseconds from now.
    Px,
    /// Unix seconds.
    ExAt,
    /// Unix milliseconds.
    PxAt,
}

impl Form {
    /// The form that an option stands for.
    pub(super) fn of(option: &[u8]) -> Option<Self> {
        const FORMS: [(&str, Form); 4] =
            [("EX", Form::Ex), ("PX", Form::Px), ("EXAT", Form::ExAt), ("PXAT", Form::PxAt)];
        FORMS.iter().find(|(word, _)| arg::is(option, word)).map(|&(_, form)| form)
    }

    pub(super) fn is_absolute(self) -> bool {
        matches!(self, Self::ExAt | Self::PxAt)
    }
}

/// An expiry as given in a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Expiration<'a> {
    pub(super) form: Form,
    pub(super) text: &'a [u8],
}

impl Expiration<'_> {
    /// The time it means, in Unix milliseconds.
    ///
    /// # Errors
    /// No integer; or an `invalid expire time`: not positive, or too large to be a time.
    pub(super) fn at_ms(self, cx: &Cx<'_, '_>) -> Result<i64, ReplyError> {
        let given = arg::int(self.text)?;
        let per_unit = if matches!(self.form, Form::Ex | Form::ExAt) { 1000 } else { 1 };
        let base_ms = if self.form.is_absolute() { 0 } else { cx.now_ms };
        let at_ms = Some(given)
            .filter(|&given| given > 0)
            .and_then(|given| given.checked_mul(per_unit))
            .and_then(|ms| ms.checked_add(base_ms));
        at_ms.ok_or_else(|| errors::invalid_expire(&cx.entry.full_name))
    }
}
