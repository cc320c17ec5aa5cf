//! One row of the configuration table: what a parameter is called, what it accepts and how it may be used.
//!
//! Rows are built in `const` context by a constructor for the kind (`flag`, `int`, `memory`, ...) followed by
//! builder methods, so that a row reads as one sentence. Everything else (CONFIG GET/SET/REWRITE, the file parser,
//! arguments, environment) derives from these rows.

/// What a parameter accepts, and its value while nobody has set it.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `yes` or `no`.
    Bool(bool),
    /// A decimal integer between two inclusive bounds.
    Int {
        /// Smallest value accepted.
        min: i64,
        /// Largest value accepted.
        max: i64,
        /// The value while unset.
        default: i64,
    },
    /// An octal number from 0 to the given bound; 0 while unset.
    Octal {
        /// Largest value accepted.
        max: i64,
    },
    /// A number of bytes with an optional unit (`b k kb m mb g gb`), or a percentage where allowed.
    Memory {
        /// Smallest value accepted, in bytes.
        min: u64,
        /// Largest value accepted, in bytes.
        max: u64,
        /// The value while unset, in bytes.
        default: u64,
        /// Whether `N%` (up to 100) is accepted too.
        percent: bool,
    },
    /// One of several words; the number is the discriminant of the choice's enum.
    Choice {
        /// Accepted words; of several words with one number the first is canonical.
        names: &'static [(&'static str, i64)],
        /// The value while unset.
        default: i64,
    },
    /// Any combination of words that are bits; none by default.
    Flags {
        /// Accepted words with their bits; the one with no bit stands for the empty set.
        names: &'static [(&'static str, i64)],
    },
    /// UTF-8 text with the value it has while unset.
    Text(&'static str),
    /// Arbitrary bytes (passwords), empty while unset.
    Bytes,
    /// `save <seconds> <changes> ...`.
    Save,
    /// Addresses to listen on.
    Bind,
    /// `<host> <port>` of the master, or `no one`.
    ReplicaOf,
    /// `<class> <hard> <soft> <seconds> ...` for the three classes of clients.
    OutputLimits,
    /// Three out-of-memory score adjustments.
    OomScores,
    /// Classes of keyspace events.
    Notify,
    /// A list of percentiles.
    Percentiles,
    /// The working directory; always kept as an absolute path.
    Dir,
}

/// How a parameter may be used; a set of the constants below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// Nothing special.
    pub const NONE: Flags = Flags(0);
    /// CONFIG SET refuses it.
    pub const IMMUTABLE: Flags = Flags(1);
    /// Its value must not appear in logs, SLOWLOG or MONITOR.
    pub const SENSITIVE: Flags = Flags(1 << 1);
    /// CONFIG GET shows it by its exact name only.
    pub const HIDDEN: Flags = Flags(1 << 2);
    /// CONFIG SET refuses it while a dataset is loaded.
    pub const DENY_LOADING: Flags = Flags(1 << 3);
    /// CONFIG SET refuses it unless `enable-protected-configs` allows it.
    pub const PROTECTED: Flags = Flags(1 << 4);
    /// Setting it applies it even if the value stays the same (it names a file that may have changed).
    pub const VOLATILE: Flags = Flags(1 << 5);
    /// An empty value means unset, and CONFIG REWRITE drops the line.
    pub const NULLABLE: Flags = Flags(1 << 6);
    /// Shown by CONFIG debug reports (crash reports).
    pub const DEBUG: Flags = Flags(1 << 7);

    /// Tells whether all of `other` is in the set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// A check of a text beyond its kind.
pub type TextCheck = fn(&str) -> Result<(), &'static str>;
/// A check of a value beyond its kind.
pub type ValueCheck = fn(&super::Value) -> Result<(), &'static str>;

/// A row of the configuration table.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Canonical name, lower case.
    pub name: &'static str,
    /// Older name that works everywhere the canonical one does.
    pub alias: Option<&'static str>,
    /// What it accepts.
    pub kind: Kind,
    /// How it may be used.
    pub flags: Flags,
    /// Whether the server acts on it; `false` means accepted and remembered, but without effect.
    pub acted: bool,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// Further check of a text value; the error is shown to the user.
    pub check: Option<TextCheck>,
    /// Further check of a value given to CONFIG SET (a file may carry what a running server refuses).
    pub live_check: Option<ValueCheck>,
    /// Bounds to which an accepted integer is silently reduced.
    pub clamp: Option<(i64, i64)>,
    /// Computes the default of an integer from the machine instead of taking the constant.
    pub machine_default: Option<fn() -> i64>,
}

const fn row(name: &'static str, kind: Kind) -> Param {
    Param {
        name,
        alias: None,
        kind,
        flags: Flags::NONE,
        acted: true,
        doc: "",
        check: None,
        live_check: None,
        clamp: None,
        machine_default: None,
    }
}

/// A `yes`/`no` parameter.
pub(super) const fn flag(name: &'static str, default: bool) -> Param {
    row(name, Kind::Bool(default))
}

/// An integer between 0 and `i32::MAX`; see [`Param::range`] for other bounds.
pub(super) const fn int(name: &'static str, default: i64) -> Param {
    row(name, Kind::Int { min: 0, max: i32::MAX as i64, default })
}

/// An octal number.
pub(super) const fn octal(name: &'static str, max: i64) -> Param {
    row(name, Kind::Octal { max })
}

/// A size in bytes between 0 and `i64::MAX`; see [`Param::size_range`] for other bounds.
pub(super) const fn memory(name: &'static str, default: u64) -> Param {
    row(name, Kind::Memory { min: 0, max: i64::MAX as u64, default, percent: false })
}

/// One of several words.
pub(super) const fn choice(name: &'static str, names: &'static [(&'static str, i64)], default: i64) -> Param {
    row(name, Kind::Choice { names, default })
}

/// Text that may be empty.
pub(super) const fn text(name: &'static str, default: &'static str) -> Param {
    row(name, Kind::Text(default))
}

/// Text that is unset by default and when empty.
pub(super) const fn optional(name: &'static str) -> Param {
    row(name, Kind::Text("")).with(Flags::NULLABLE)
}

/// A secret: bytes, unset by default and when empty, kept out of logs.
pub(super) const fn secret(name: &'static str) -> Param {
    row(name, Kind::Bytes).with(Flags::NULLABLE).with(Flags::SENSITIVE)
}

/// A parameter with a form of its own.
pub(super) const fn special(name: &'static str, kind: Kind) -> Param {
    row(name, kind)
}

impl Param {
    /// Sets the bounds of an integer.
    pub(super) const fn range(mut self, low: i64, high: i64) -> Param {
        if let Kind::Int { min, max, .. } = &mut self.kind {
            *min = low;
            *max = high;
        }
        self
    }

    /// Sets the bounds of a size.
    pub(super) const fn size_range(mut self, low: u64, high: u64) -> Param {
        if let Kind::Memory { min, max, .. } = &mut self.kind {
            *min = low;
            *max = high;
        }
        self
    }

    /// Accepts a percentage besides a size.
    pub(super) const fn or_percent(mut self) -> Param {
        if let Kind::Memory { percent, .. } = &mut self.kind {
            *percent = true;
        }
        self
    }

    pub(super) const fn alias(mut self, alias: &'static str) -> Param {
        self.alias = Some(alias);
        self
    }

    const fn with(mut self, flags: Flags) -> Param {
        self.flags = self.flags.with(flags);
        self
    }

    pub(super) const fn immutable(self) -> Param {
        self.with(Flags::IMMUTABLE)
    }

    pub(super) const fn sensitive(self) -> Param {
        self.with(Flags::SENSITIVE)
    }

    pub(super) const fn hidden(self) -> Param {
        self.with(Flags::HIDDEN)
    }

    pub(super) const fn protected(self) -> Param {
        self.with(Flags::PROTECTED)
    }

    pub(super) const fn deny_loading(self) -> Param {
        self.with(Flags::DENY_LOADING)
    }

    pub(super) const fn volatile(self) -> Param {
        self.with(Flags::VOLATILE)
    }

    pub(super) const fn debug(self) -> Param {
        self.with(Flags::DEBUG)
    }

    /// Marks a parameter that is understood but changes nothing.
    pub(super) const fn inert(mut self) -> Param {
        self.acted = false;
        self
    }

    pub(super) const fn checked(mut self, check: TextCheck) -> Param {
        self.check = Some(check);
        self
    }

    pub(super) const fn live_checked(mut self, check: ValueCheck) -> Param {
        self.live_check = Some(check);
        self
    }

    pub(super) const fn clamped(mut self, low: i64, high: i64) -> Param {
        self.clamp = Some((low, high));
        self
    }

    pub(super) const fn machine(mut self, default: fn() -> i64) -> Param {
        self.machine_default = Some(default);
        self
    }

    pub(super) const fn documented(mut self, doc: &'static str) -> Param {
        self.doc = doc;
        self
    }

    /// Tells whether the parameter takes several arguments on its line (or one that is split at blanks).
    pub const fn is_multi(&self) -> bool {
        matches!(
            self.kind,
            Kind::Flags { .. }
                | Kind::Save
                | Kind::Bind
                | Kind::ReplicaOf
                | Kind::OutputLimits
                | Kind::OomScores
                | Kind::Percentiles
        )
    }
}
