//! The row of a command: everything the server knows about it, in one const value beside its handler.

use crate::{CmdResult, Cx};
use redan_resp::Args;
use smallvec::SmallVec;

/// What a command does. Arguments include the command's own name at index 0 (a subcommand's at index 1).
pub type Handler = fn(&mut Cx<'_, '_>, Args<'_>) -> CmdResult;

/// A set of [`flag`] bits.
pub type Flags = u32;

/// Command flags, by the names COMMAND INFO shows.
pub mod flag {
    /// May change the dataset.
    pub const WRITE: u32 = 1 << 0;
    /// Reads the dataset only.
    pub const READONLY: u32 = 1 << 1;
    /// Refused when memory is over `maxmemory` and nothing can be evicted.
    pub const DENYOOM: u32 = 1 << 2;
    /// Administrative.
    pub const ADMIN: u32 = 1 << 3;
    /// About publish/subscribe.
    pub const PUBSUB: u32 = 1 << 4;
    /// Not from scripts.
    pub const NOSCRIPT: u32 = 1 << 5;
    /// May block the client.
    pub const BLOCKING: u32 = 1 << 6;
    /// Allowed while a dataset is being loaded.
    pub const LOADING: u32 = 1 << 7;
    /// Allowed on a replica with a broken link and `replica-serve-stale-data no`.
    pub const STALE: u32 = 1 << 8;
    /// Not shown to MONITOR.
    pub const SKIP_MONITOR: u32 = 1 << 9;
    /// Not logged by SLOWLOG.
    pub const SKIP_SLOWLOG: u32 = 1 << 10;
    /// Constant or logarithmic time.
    pub const FAST: u32 = 1 << 11;
    /// Needs no authentication.
    pub const NO_AUTH: u32 = 1 << 12;
    /// May propagate although it is not a write.
    pub const MAY_REPLICATE: u32 = 1 << 13;
    /// Exists in Sentinel mode.
    pub const SENTINEL: u32 = 1 << 14;
    /// Exists in Sentinel mode only.
    pub const ONLY_SENTINEL: u32 = 1 << 15;
    /// Key arguments are optional.
    pub const NO_MANDATORY_KEYS: u32 = 1 << 16;
    /// Refused while a replica loads a dataset in the background.
    pub const NO_ASYNC_LOADING: u32 = 1 << 17;
    /// Refused inside MULTI.
    pub const NO_MULTI: u32 = 1 << 18;
    /// Allowed while a script is over its time limit.
    pub const ALLOW_BUSY: u32 = 1 << 19;
    /// Allowed in the cluster's asking state (kept for COMMAND's sake).
    pub const ASKING: u32 = 1 << 20;
    /// Touches keys that are not among its arguments.
    pub const TOUCHES_ARBITRARY_KEYS: u32 = 1 << 21;
    /// Needs `enable-debug-command` or the like.
    pub const PROTECTED: u32 = 1 << 22;

    /// Name of each bit that is shown, in COMMAND INFO's order of mention.
    pub const NAMES: &[(u32, &str)] = &[
        (WRITE, "write"),
        (READONLY, "readonly"),
        (DENYOOM, "denyoom"),
        (ADMIN, "admin"),
        (PUBSUB, "pubsub"),
        (NOSCRIPT, "noscript"),
        (BLOCKING, "blocking"),
        (LOADING, "loading"),
        (STALE, "stale"),
        (SKIP_MONITOR, "skip_monitor"),
        (SKIP_SLOWLOG, "skip_slowlog"),
        (ASKING, "asking"),
        (FAST, "fast"),
        (NO_AUTH, "no_auth"),
        (NO_MANDATORY_KEYS, "no_mandatory_keys"),
        (NO_ASYNC_LOADING, "no_async_loading"),
        (NO_MULTI, "no_multi"),
        (ALLOW_BUSY, "allow_busy"),
    ];
}

/// A set of [`category`] bits.
pub type Category = u32;

/// ACL categories. Rows name the ones of their data type; the rest follows from flags (see [`Command::categories`]).
pub mod category {
    /// `@keyspace`
    pub const KEYSPACE: u32 = 1 << 0;
    /// `@read`
    pub const READ: u32 = 1 << 1;
    /// `@write`
    pub const WRITE: u32 = 1 << 2;
    /// `@set`
    pub const SET: u32 = 1 << 3;
    /// `@sortedset`
    pub const SORTEDSET: u32 = 1 << 4;
    /// `@list`
    pub const LIST: u32 = 1 << 5;
    /// `@hash`
    pub const HASH: u32 = 1 << 6;
    /// `@string`
    pub const STRING: u32 = 1 << 7;
    /// `@bitmap`
    pub const BITMAP: u32 = 1 << 8;
    /// `@hyperloglog`
    pub const HYPERLOGLOG: u32 = 1 << 9;
    /// `@geo`
    pub const GEO: u32 = 1 << 10;
    /// `@stream`
    pub const STREAM: u32 = 1 << 11;
    /// `@pubsub`
    pub const PUBSUB: u32 = 1 << 12;
    /// `@admin`
    pub const ADMIN: u32 = 1 << 13;
    /// `@fast`
    pub const FAST: u32 = 1 << 14;
    /// `@slow`
    pub const SLOW: u32 = 1 << 15;
    /// `@blocking`
    pub const BLOCKING: u32 = 1 << 16;
    /// `@dangerous`
    pub const DANGEROUS: u32 = 1 << 17;
    /// `@connection`
    pub const CONNECTION: u32 = 1 << 18;
    /// `@transaction`
    pub const TRANSACTION: u32 = 1 << 19;
    /// `@scripting`
    pub const SCRIPTING: u32 = 1 << 20;

    /// Name of each bit, in the order ACL CAT lists them.
    pub const NAMES: &[(u32, &str)] = &[
        (KEYSPACE, "keyspace"),
        (READ, "read"),
        (WRITE, "write"),
        (SET, "set"),
        (SORTEDSET, "sortedset"),
        (LIST, "list"),
        (HASH, "hash"),
        (STRING, "string"),
        (BITMAP, "bitmap"),
        (HYPERLOGLOG, "hyperloglog"),
        (GEO, "geo"),
        (STREAM, "stream"),
        (PUBSUB, "pubsub"),
        (ADMIN, "admin"),
        (FAST, "fast"),
        (SLOW, "slow"),
        (BLOCKING, "blocking"),
        (DANGEROUS, "dangerous"),
        (CONNECTION, "connection"),
        (TRANSACTION, "transaction"),
        (SCRIPTING, "scripting"),
    ];
}

/// How a command takes the gate (design: "The gate").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run {
    /// With the worker's own slot and the shards of its declared keys locked.
    Keyed,
    /// With the worker's own slot and no keys: it may walk the keyspace, a shard at a time.
    Shared,
    /// Alone: nothing else runs, any key may be touched.
    Exclusive,
}

/// The group COMMAND DOCS files a command under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the groups")]
pub enum Group {
    Generic,
    String,
    List,
    Set,
    SortedSet,
    Hash,
    PubSub,
    Transactions,
    Connection,
    Server,
    Scripting,
    HyperLogLog,
    Cluster,
    Sentinel,
    Geo,
    Stream,
    Bitmap,
}

impl Group {
    /// The name in COMMAND DOCS.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "sorted-set",
            Self::Hash => "hash",
            Self::PubSub => "pubsub",
            Self::Transactions => "transactions",
            Self::Connection => "connection",
            Self::Server => "server",
            Self::Scripting => "scripting",
            Self::HyperLogLog => "hyperloglog",
            Self::Cluster => "cluster",
            Self::Sentinel => "sentinel",
            Self::Geo => "geo",
            Self::Stream => "stream",
            Self::Bitmap => "bitmap",
        }
    }
}

/// A set of [`key_flag`] bits.
pub type KeyFlags = u32;

/// What a command does to the keys of a [`KeySpec`].
pub mod key_flag {
    /// Reads the value or its metadata.
    pub const RO: u32 = 1 << 0;
    /// Reads and writes.
    pub const RW: u32 = 1 << 1;
    /// Overwrites without reading.
    pub const OW: u32 = 1 << 2;
    /// Deletes.
    pub const RM: u32 = 1 << 3;
    /// Returns, copies or uses the user's data.
    pub const ACCESS: u32 = 1 << 4;
    /// Changes data.
    pub const UPDATE: u32 = 1 << 5;
    /// Adds data.
    pub const INSERT: u32 = 1 << 6;
    /// Removes data explicitly.
    pub const DELETE: u32 = 1 << 7;
    /// Not a key, but routed like one.
    pub const NOT_KEY: u32 = 1 << 8;
    /// The spec does not find all keys.
    pub const INCOMPLETE: u32 = 1 << 9;
    /// What is done depends on other arguments.
    pub const VARIABLE_FLAGS: u32 = 1 << 10;

    /// Name of each bit, in the order COMMAND INFO lists them.
    pub const NAMES: &[(u32, &str)] = &[
        (RO, "RO"),
        (RW, "RW"),
        (OW, "OW"),
        (RM, "RM"),
        (ACCESS, "access"),
        (UPDATE, "update"),
        (INSERT, "insert"),
        (DELETE, "delete"),
        (NOT_KEY, "not_key"),
        (INCOMPLETE, "incomplete"),
        (VARIABLE_FLAGS, "variable_flags"),
    ];
}

/// Where the search for keys begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BeginSearch {
    /// At this argument.
    Index(i32),
    /// After this word, looked for from argument `from` on (backwards when negative).
    Keyword {
        /// The word, in upper case.
        word: &'static str,
        /// First argument looked at; negative counts from the end and searches backwards.
        from: i32,
    },
    /// Cannot be told in advance.
    Unknown,
}

/// Which arguments are keys, counted from where the search begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FindKeys {
    /// From the beginning to `last` (relative; negative counts from the end of the arguments), every `step`th.
    Range {
        /// Last key relative to the beginning; negative: from the end of the command.
        last: i32,
        /// Distance between keys.
        step: i32,
        /// With `last == -1`: keys stop at 1/limit of the remaining arguments (0 and 1: no limit).
        limit: i32,
    },
    /// A number of keys at `num`, keys from `first` on, every `step`th (relative to the beginning).
    KeyNum {
        /// Where the count is.
        num: i32,
        /// Where the first key is.
        first: i32,
        /// Distance between keys.
        step: i32,
    },
    /// Cannot be told in advance.
    Unknown,
}

/// One way in which a command names keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeySpec {
    /// What is done to these keys.
    pub flags: KeyFlags,
    /// Where to begin.
    pub begin: BeginSearch,
    /// Which arguments from there.
    pub find: FindKeys,
    /// A remark shown by COMMAND DOCS.
    pub notes: &'static str,
}

impl KeySpec {
    /// One key, the argument at `index`.
    pub const fn one(index: i32, flags: KeyFlags) -> Self {
        Self::range(index, 0, 1, flags)
    }

    /// Keys from argument `first` to `last` (relative to `first`; negative: from the end), every `step`th.
    pub const fn range(first: i32, last: i32, step: i32, flags: KeyFlags) -> Self {
        Self {
            flags,
            begin: BeginSearch::Index(first),
            find: FindKeys::Range { last, step, limit: 0 },
            notes: "",
        }
    }

    /// A count at argument `num` and as many keys behind it.
    pub const fn counted(num: i32, flags: KeyFlags) -> Self {
        Self {
            flags,
            begin: BeginSearch::Index(num),
            find: FindKeys::KeyNum { num: 0, first: 1, step: 1 },
            notes: "",
        }
    }
}

/// Finds the keys among the arguments of a command whose specs cannot tell them all, or not what is done to them: pushes
/// their positions with the flags that hold for these very arguments. Pushes none for arguments that are no such command.
pub type KeyFinder = fn(Args<'_>, &mut SmallVec<[(u32, KeyFlags); 4]>);

/// Which arguments of a command are channels that its user must be allowed to use. (Leaving a channel is always allowed.)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channels {
    /// None.
    No,
    /// The first argument: a message is published there.
    First,
    /// All arguments: names that are subscribed to.
    All,
    /// All arguments: patterns that are subscribed to.
    Patterns,
}

/// What kind of thing an argument is, for COMMAND DOCS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the kinds")]
pub enum ArgKind {
    String,
    Integer,
    Double,
    Key,
    Pattern,
    UnixTime,
    PureToken,
    OneOf,
    Block,
}

/// Bits of [`Arg::flags`].
pub mod arg_flag {
    /// May be left out.
    pub const OPTIONAL: u32 = 1 << 0;
    /// May be repeated.
    pub const MULTIPLE: u32 = 1 << 1;
    /// Its token is repeated with it.
    pub const MULTIPLE_TOKEN: u32 = 1 << 2;
}

/// One argument in a command's syntax, for COMMAND DOCS.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: ArgKind,
    /// The literal word before it, or of which it consists; empty for none.
    pub token: &'static str,
    /// [`arg_flag`] bits.
    pub flags: u32,
    /// Which key spec a [`ArgKind::Key`] belongs to.
    pub key_spec: i32,
    /// The arguments inside a [`ArgKind::OneOf`] or [`ArgKind::Block`].
    pub args: &'static [Arg],
}

impl Arg {
    /// A plain argument.
    pub const fn new(name: &'static str, kind: ArgKind) -> Self {
        Self { name, kind, token: "", flags: 0, key_spec: -1, args: &[] }
    }

    /// A key of the `key_spec`th spec.
    pub const fn key(name: &'static str, key_spec: i32) -> Self {
        Self { name, kind: ArgKind::Key, token: "", flags: 0, key_spec, args: &[] }
    }

    /// A literal word.
    pub const fn token(name: &'static str, token: &'static str) -> Self {
        Self { name, kind: ArgKind::PureToken, token, flags: 0, key_spec: -1, args: &[] }
    }

    /// One of several.
    pub const fn one_of(name: &'static str, args: &'static [Arg]) -> Self {
        Self { name, kind: ArgKind::OneOf, token: "", flags: 0, key_spec: -1, args }
    }

    /// Several together.
    pub const fn block(name: &'static str, args: &'static [Arg]) -> Self {
        Self { name, kind: ArgKind::Block, token: "", flags: 0, key_spec: -1, args }
    }

    /// The same behind a literal word.
    pub const fn after(mut self, token: &'static str) -> Self {
        self.token = token;
        self
    }

    /// The same, optional.
    pub const fn optional(mut self) -> Self {
        self.flags |= arg_flag::OPTIONAL;
        self
    }

    /// The same, repeatable.
    pub const fn multiple(mut self) -> Self {
        self.flags |= arg_flag::MULTIPLE;
        self
    }

    /// The same, its token repeated with it.
    pub const fn multiple_token(mut self) -> Self {
        self.flags |= arg_flag::MULTIPLE_TOKEN;
        self
    }
}

/// A command or subcommand. Rows are consts: `Command::new("get", 2, get).flags(…).keys(…)`.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Lower-case name (a subcommand's without its container).
    pub name: &'static str,
    /// Number of arguments with the name(s): exact when positive, at least when negative.
    pub arity: i32,
    /// What it does.
    pub handler: Handler,
    /// [`flag`] bits.
    pub flags: Flags,
    /// [`category`] bits beyond those that follow from flags.
    pub acl: Category,
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// Finds its keys instead of [`keys`](Self::keys) when those do not say all.
    pub key_finder: Option<KeyFinder>,
    /// Which of its arguments are channels.
    pub channels: Channels,
    /// How it takes the gate.
    pub run: Run,
    /// Whether it runs alone nevertheless with these arguments, because they make it touch keys that it does not name.
    pub alone_when: Option<fn(Args<'_>) -> bool>,
    /// Where COMMAND DOCS files it.
    pub group: Group,
    /// First Redis version that had it.
    pub since: &'static str,
    /// Time complexity.
    pub complexity: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Its syntax.
    pub args: &'static [Arg],
    /// Its subcommands; the handler of a container runs when none is given or known.
    pub subcommands: &'static [Command],
    /// Hints for proxies and clients (COMMAND INFO's tips).
    pub tips: &'static [&'static str],
    /// Since when it is deprecated and what replaces it; empty for neither.
    pub deprecated: (&'static str, &'static str),
}

impl Command {
    /// A row with no flags, no keys, and everything else to be said by the builder methods.
    pub const fn new(name: &'static str, arity: i32, handler: Handler) -> Self {
        Self {
            name,
            arity,
            handler,
            flags: 0,
            acl: 0,
            keys: &[],
            key_finder: None,
            channels: Channels::No,
            run: Run::Shared,
            alone_when: None,
            group: Group::Generic,
            since: "1.0.0",
            complexity: "O(1)",
            summary: "",
            args: &[],
            subcommands: &[],
            tips: &[],
            deprecated: ("", ""),
        }
    }

    /// Sets the flags.
    pub const fn flags(mut self, flags: Flags) -> Self {
        self.flags = flags;
        self
    }

    /// Adds ACL categories.
    pub const fn acl(mut self, acl: Category) -> Self {
        self.acl = acl;
        self
    }

    /// Names its keys, and makes it run keyed.
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Self {
        self.keys = keys;
        if matches!(self.run, Run::Shared) {
            self.run = Run::Keyed;
        }
        self
    }

    /// Says how its keys are found where the specs do not say all.
    pub const fn keys_found_by(mut self, finder: KeyFinder) -> Self {
        self.key_finder = Some(finder);
        self
    }

    /// Says which of its arguments are channels.
    pub const fn channels(mut self, channels: Channels) -> Self {
        self.channels = channels;
        self
    }

    /// Makes it run alone.
    pub const fn exclusive(mut self) -> Self {
        self.run = Run::Exclusive;
        self
    }

    /// Makes it run alone with certain arguments.
    pub const fn alone_when(mut self, condition: fn(Args<'_>) -> bool) -> Self {
        self.alone_when = Some(condition);
        self
    }

    /// Says how it takes the gate.
    pub const fn run(mut self, run: Run) -> Self {
        self.run = run;
        self
    }

    /// Sets group, first version, complexity and summary.
    pub const fn docs(
        mut self,
        group: Group,
        since: &'static str,
        complexity: &'static str,
        summary: &'static str,
    ) -> Self {
        self.group = group;
        self.since = since;
        self.complexity = complexity;
        self.summary = summary;
        self
    }

    /// Sets the syntax.
    pub const fn args(mut self, args: &'static [Arg]) -> Self {
        self.args = args;
        self
    }

    /// Sets the subcommands.
    pub const fn subcommands(mut self, subcommands: &'static [Command]) -> Self {
        self.subcommands = subcommands;
        self
    }

    /// Sets the tips.
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Self {
        self.tips = tips;
        self
    }

    /// Marks it deprecated since a version in favour of something else.
    pub const fn deprecated(mut self, since: &'static str, instead: &'static str) -> Self {
        self.deprecated = (since, instead);
        self
    }

    /// Whether the number of arguments is right.
    #[inline]
    pub const fn accepts(&self, args: usize) -> bool {
        if self.arity >= 0 { args == self.arity as usize } else { args >= self.arity.unsigned_abs() as usize }
    }

    /// All ACL categories: the named ones and those that follow from the flags.
    pub const fn categories(&self) -> Category {
        let mut all = self.acl;
        if self.flags & flag::WRITE != 0 {
            all |= category::WRITE;
        }
        if self.flags & flag::READONLY != 0 && self.acl & category::SCRIPTING == 0 {
            all |= category::READ;
        }
        if self.flags & flag::ADMIN != 0 {
            all |= category::ADMIN | category::DANGEROUS;
        }
        if self.flags & flag::PUBSUB != 0 {
            all |= category::PUBSUB;
        }
        if self.flags & flag::BLOCKING != 0 {
            all |= category::BLOCKING;
        }
        all | if self.flags & flag::FAST != 0 { category::FAST } else { category::SLOW }
    }
}
