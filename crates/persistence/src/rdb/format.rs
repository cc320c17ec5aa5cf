//! The numbers of the RDB format.

/// The newest version that is read: what Redis 7.4 and 8.0 write.
pub const RDB_VERSION: u16 = 12;

/// The version that is written when nothing newer is needed: the one that Redis 7.0 reads.
pub const LOWEST_WRITTEN_VERSION: u16 = 10;

/// Bytes that stand where the type of a value could stand, and introduce something else.
pub mod opcode {
    /// Sizes of one cluster slot: id, keys, keys with an expiry (three lengths).
    pub const SLOT_INFO: u8 = 244;
    /// A function library: its code (a string).
    pub const FUNCTION2: u8 = 245;
    /// A function library as the release candidates of Redis 7.0 wrote it; refused.
    pub const FUNCTION_PRE_GA: u8 = 246;
    /// Data of a module that belongs to no key.
    pub const MODULE_AUX: u8 = 247;
    /// Idle time of the next key, in seconds (a length).
    pub const IDLE: u8 = 248;
    /// Access frequency of the next key (one byte).
    pub const FREQ: u8 = 249;
    /// A fact about the file: name and value (two strings).
    pub const AUX: u8 = 250;
    /// Sizes of the selected database: keys, keys with an expiry (two lengths).
    pub const RESIZEDB: u8 = 251;
    /// Expiry of the next key, in Unix milliseconds (eight bytes, little endian).
    pub const EXPIRETIME_MS: u8 = 252;
    /// Expiry of the next key, in Unix seconds (four bytes, little endian); before version 3.
    pub const EXPIRETIME: u8 = 253;
    /// The database of the keys that follow (a length).
    pub const SELECTDB: u8 = 254;
    /// The end of the dataset.
    pub const EOF: u8 = 255;
}

/// First bytes of lengths that do not fit into 14 bits, and of specially encoded strings.
pub(crate) mod length {
    /// Four bytes follow, big endian.
    pub(crate) const BITS_32: u8 = 0x80;
    /// Eight bytes follow, big endian.
    pub(crate) const BITS_64: u8 = 0x81;
    /// A string: one byte follows, a signed integer.
    pub(crate) const INT_8: u8 = 0xC0;
    /// A string: two bytes follow, a signed little endian integer.
    pub(crate) const INT_16: u8 = 0xC1;
    /// A string: four bytes follow, a signed little endian integer.
    pub(crate) const INT_32: u8 = 0xC2;
    /// A string: compressed length, plain length and LZF data follow.
    pub(crate) const LZF: u8 = 0xC3;
}

/// What introduces the parts of a module's value, so that it can be skipped without the module.
pub(crate) mod module_part {
    /// The end of the value.
    pub(crate) const EOF: u64 = 0;
    /// A signed integer (as a length).
    pub(crate) const SINT: u64 = 1;
    /// An unsigned integer (as a length).
    pub(crate) const UINT: u64 = 2;
    /// Four bytes.
    pub(crate) const FLOAT: u64 = 3;
    /// Eight bytes.
    pub(crate) const DOUBLE: u64 = 4;
    /// A string.
    pub(crate) const STRING: u64 = 5;
}

/// Declares [`ValueType`], so that number and name of each type stand in one place.
macro_rules! value_types {
    ($($(#[$doc:meta])* $variant:ident = $byte:literal, $name:literal;)*) => {
        /// How the value of a key is stored; the discriminant is the type byte.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum ValueType {
            $($(#[$doc])* $variant = $byte,)*
        }

        impl ValueType {
            /// All types, in the order of their bytes.
            pub const ALL: &[ValueType] = &[$(ValueType::$variant,)*];

            /// The type that `byte` stands for.
            pub fn from_byte(byte: u8) -> Option<Self> {
                match byte {
                    $($byte => Some(ValueType::$variant),)*
                    _ => None,
                }
            }

            /// The name that `redis-check-rdb` reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(ValueType::$variant => $name,)*
                }
            }
        }
    };
}

value_types! {
    /// A string.
    String = 0, "string";
    /// A list, element by element.
    List = 1, "list-linked";
    /// A set, member by member.
    Set = 2, "set-hashtable";
    /// A sorted set with scores as text.
    ZSet = 3, "zset-v1";
    /// A hash, field by field.
    Hash = 4, "hash-hashtable";
    /// A sorted set with binary scores.
    ZSet2 = 5, "zset-v2";
    /// A module's value as the release candidates of Redis 4.0 wrote it; refused.
    ModulePreGa = 6, "module-pre-release";
    /// A module's value.
    Module2 = 7, "module-value";
    /// A small hash as a zipmap, before Redis 2.6.
    HashZipmap = 9, "hash-zipmap";
    /// A small list as a ziplist.
    ListZiplist = 10, "list-ziplist";
    /// A set of integers.
    SetIntset = 11, "set-intset";
    /// A small sorted set as a ziplist.
    ZSetZiplist = 12, "zset-ziplist";
    /// A small hash as a ziplist.
    HashZiplist = 13, "hash-ziplist";
    /// A list of ziplists.
    ListQuicklist = 14, "quicklist";
    /// A stream of Redis 5.0.
    StreamListpacks = 15, "stream";
    /// A small hash as a listpack.
    HashListpack = 16, "hash-listpack";
    /// A small sorted set as a listpack.
    ZSetListpack = 17, "zset-listpack";
    /// A list of listpacks and plain elements.
    ListQuicklist2 = 18, "quicklist-v2";
    /// A stream of Redis 7.0.
    StreamListpacks2 = 19, "stream-v2";
    /// A small set as a listpack.
    SetListpack = 20, "set-listpack";
    /// A stream of Redis 7.2.
    StreamListpacks3 = 21, "stream-v3";
    /// A hash with expiring fields as the release candidates of Redis 7.4 wrote it.
    HashMetadataPreGa = 22, "hash-hashtable-md-pre-release";
    /// A small hash with expiring fields as the release candidates of Redis 7.4 wrote it.
    HashListpackExPreGa = 23, "hash-listpack-md-pre-release";
    /// A hash with expiring fields.
    HashMetadata = 24, "hash-hashtable-md";
    /// A small hash with expiring fields, as a listpack.
    HashListpackEx = 25, "hash-listpack-md";
}

impl ValueType {
    /// The type byte.
    pub fn byte(self) -> u8 {
        self as u8
    }

    /// The first version of the format that knows this type.
    pub fn since_version(self) -> u16 {
        match self.byte() {
            0..=4 | 9 => 1,
            10..=12 => 2,
            13 => 4,
            14 => 7,
            5..=7 => 8,
            15 => 9,
            16..=19 => 10,
            20 | 21 => 11,
            _ => 12,
        }
    }
}
