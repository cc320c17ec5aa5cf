//! When fields expire: how commands say it, and what times there are.

use redan_engine::{Cx, ReplyError, errors};

use crate::arg;

/// A time before now.
const NEGATIVE: ReplyError = ReplyError::fixed("ERR invalid expire time, must be >= 0");

/// The latest time at which a field may expire, Unix ms: what Redis can store.
const LATEST_MS: i64 = (1 << 46) - 1;

/// How a time is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unit {
    per_unit: i64,
    relative: bool,
}

impl Unit {
    /// Seconds from now.
    pub(super) const EX: Unit = Unit { per_unit: 1000, relative: true };
    /// Milliseconds from now.
    pub(super) const PX: Unit = Unit { per_unit: 1, relative: true };
    /// Unix seconds.
    pub(super) const EXAT: Unit = Unit { per_unit: 1000, relative: false };
    /// Unix milliseconds.
    pub(super) const PXAT: Unit = Unit { per_unit: 1, relative: false };

    /// The unit that an option stands for.
    pub(super) fn of(option: &[u8]) -> Option<Self> {
        const UNITS: [(&str, Unit); 4] =
            [("EX", Unit::EX), ("PX", Unit::PX), ("EXAT", Unit::EXAT), ("PXAT", Unit::PXAT)];
        UNITS.iter().find(|(word, _)| arg::is(option, word)).map(|&(_, unit)| unit)
    }

    /// The time that `text` means in this unit, Unix ms.
    ///
    /// # Errors
    /// No integer, a negative one, or a time too late to be stored.
    pub(super) fn at_ms(self, cx: &Cx<'_, '_>, text: &[u8]) -> Result<i64, ReplyError> {
        let given = arg::int(text)?;
        if given < 0 {
            return Err(NEGATIVE);
        }
        let base_ms = if self.relative { cx.now_ms } else { 0 };
        let at_ms = given.checked_mul(self.per_unit).and_then(|ms| ms.checked_add(base_ms));
        at_ms.filter(|&at_ms| at_ms <= LATEST_MS).ok_or_else(|| errors::invalid_expire(&cx.entry.full_name))
    }
}
