//! The enumerations that parameters choose from.

/// Declares an enum, its words and its typed access from settings. Several words may mean the same variant; the first
/// one is what CONFIG GET shows.
macro_rules! choices {
    ($($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal $(| $other:literal)*),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`")] $variant,)+
        }

        impl $name {
            /// The accepted words with the discriminants they stand for, in the order error messages list them.
            pub const NAMES: &'static [(&'static str, i64)] = &[
                $(($word, $name::$variant as i64), $(($other, $name::$variant as i64),)*)+
            ];
            const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The canonical word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word),+
                }
            }
        }

        impl super::settings::Setting for $name {
            type Out<'a> = $name;
            fn read(value: &super::Value) -> Option<$name> {
                match value {
                    super::Value::Int(number) => {
                        usize::try_from(*number).ok().and_then(|index| $name::ALL.get(index)).copied()
                    }
                    _ => None,
                }
            }
        }
    )+};
}

choices! {
    /// Which keys are evicted when memory is full.
    MaxmemoryPolicy {
        VolatileLru = "volatile-lru",
        VolatileLfu = "volatile-lfu",
        VolatileRandom = "volatile-random",
        VolatileTtl = "volatile-ttl",
        AllkeysLru = "allkeys-lru",
        AllkeysLfu = "allkeys-lfu",
        AllkeysRandom = "allkeys-random",
        NoEviction = "noeviction",
    }
    /// The syslog facility.
    SyslogFacility {
        User = "user",
        Local0 = "local0",
        Local1 = "local1",
        Local2 = "local2",
        Local3 = "local3",
        Local4 = "local4",
        Local5 = "local5",
        Local6 = "local6",
        Local7 = "local7",
    }
    /// The least important messages that are logged.
    LogLevel {
        Debug = "debug",
        Verbose = "verbose",
        Notice = "notice",
        Warning = "warning",
        Nothing = "nothing",
    }
    /// Who supervises the process and wants to be told of its state.
    Supervised {
        Upstart = "upstart",
        Systemd = "systemd",
        Auto = "auto",
        No = "no",
    }
    /// When the append only file is synced to disk.
    AppendFsync {
        Everysec = "everysec",
        Always = "always",
        No = "no",
    }
    /// When a replica loads the dataset straight from the socket.
    DisklessLoad {
        Disabled = "disabled",
        OnEmptyDb = "on-empty-db",
        Swapdb = "swapdb",
    }
    /// Whether TLS clients must present a certificate.
    TlsAuthClients {
        No = "no",
        Yes = "yes",
        Optional = "optional",
    }
    /// How the process adjusts its out-of-memory score.
    OomScoreAdj {
        No = "no",
        Relative = "yes" | "relative",
        Absolute = "absolute",
    }
    /// The channel permissions of a new ACL user.
    AclPubsubDefault {
        AllChannels = "allchannels",
        ResetChannels = "resetchannels",
    }
    /// Which payloads of RESTORE and RDB files are checked in depth.
    SanitizeDumpPayload {
        No = "no",
        Yes = "yes",
        Clients = "clients",
    }
    /// Who may use a dangerous command.
    ProtectedAction {
        No = "no",
        Yes = "yes",
        Local = "local",
    }
    /// What a cluster node tells clients to connect to.
    EndpointType {
        Ip = "ip",
        Hostname = "hostname",
        Unknown = "unknown-endpoint",
    }
    /// What happens when a command fails while it is replayed from a master or the append only file.
    PropagationError {
        Ignore = "ignore",
        Panic = "panic",
        PanicOnReplicas = "panic-on-replicas",
    }
}

/// What a termination signal does; a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShutdownFlags(pub i64);

impl ShutdownFlags {
    /// Save the dataset even if no save point is configured.
    pub const SAVE: i64 = 1;
    /// Do not save the dataset even if save points are configured.
    pub const NOSAVE: i64 = 2;
    /// Do not wait for lagging replicas.
    pub const NOW: i64 = 4;
    /// Ignore errors that would prevent the exit.
    pub const FORCE: i64 = 8;
    /// The accepted words.
    pub const NAMES: &'static [(&'static str, i64)] = &[
        ("default", 0),
        ("save", Self::SAVE),
        ("nosave", Self::NOSAVE),
        ("now", Self::NOW),
        ("force", Self::FORCE),
    ];

    /// Tells whether a bit is set.
    pub const fn has(self, bit: i64) -> bool {
        self.0 & bit != 0
    }
}

impl super::settings::Setting for ShutdownFlags {
    type Out<'a> = ShutdownFlags;
    fn read(value: &super::Value) -> Option<ShutdownFlags> {
        match value {
            super::Value::Int(bits) => Some(ShutdownFlags(*bits)),
            _ => None,
        }
    }
}
