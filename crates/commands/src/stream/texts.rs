//! Error texts of the stream commands.

use redan_engine::ReplyError;

/// An id that is none.
pub(super) const INVALID_ID: ReplyError =
    ReplyError::fixed("ERR Invalid stream ID specified as stream command argument");
/// A range that begins above the highest id.
pub(super) const INVALID_START: ReplyError = ReplyError::fixed("ERR invalid start ID for the interval");
/// A range that ends below the lowest id.
pub(super) const INVALID_END: ReplyError = ReplyError::fixed("ERR invalid end ID for the interval");
/// XADD 0-0.
pub(super) const ID_ZERO: ReplyError =
    ReplyError::fixed("ERR The ID specified in XADD must be greater than 0-0");
/// XADD to a stream that has given out its last id.
pub(super) const EXHAUSTED: ReplyError =
    ReplyError::fixed("ERR The stream has exhausted the last possible ID, unable to add more items");
/// XADD with an id that is not above the last one.
pub(super) const ID_TOO_LOW: ReplyError =
    ReplyError::fixed("ERR The ID specified in XADD is equal or smaller than the target stream top item");
/// XADD of an entry that no node can hold.
pub(super) const TOO_LARGE: ReplyError = ReplyError::fixed("ERR Elements are too large to be stored");
/// Two ways to trim at once.
pub(super) const TWO_STRATEGIES: ReplyError =
    ReplyError::fixed("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
/// A negative length to trim to.
pub(super) const NEGATIVE_MAXLEN: ReplyError = ReplyError::fixed("ERR The MAXLEN argument must be >= 0.");
/// A negative limit of what is trimmed.
pub(super) const NEGATIVE_LIMIT: ReplyError = ReplyError::fixed("ERR The LIMIT argument must be >= 0.");
/// A limit, but nothing to trim.
pub(super) const LIMIT_WITHOUT_STRATEGY: ReplyError =
    ReplyError::fixed("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
/// A limit of exact trimming.
pub(super) const LIMIT_WITHOUT_TILDE: ReplyError =
    ReplyError::fixed("ERR syntax error, LIMIT cannot be used without the special ~ option");
/// XTRIM without saying how.
pub(super) const NO_STRATEGY: ReplyError =
    ReplyError::fixed("ERR syntax error, XTRIM must be called with a trimming strategy");
/// Two ways to treat references at once.
pub(super) const TWO_REFERENCES: ReplyError = ReplyError::fixed(
    "ERR syntax error, KEEPREF, DELREF and ACKED options at the same time are not compatible",
);
/// IDS with a number that is no number.
pub(super) const NUMIDS_INVALID: ReplyError =
    ReplyError::fixed("ERR Number of IDs must be a positive integer");
/// IDS with another number of ids than it says.
pub(super) const NUMIDS_MISMATCH: ReplyError =
    ReplyError::fixed("ERR The `numids` parameter must match the number of arguments");
/// XREAD GROUP.
pub(super) const GROUP_IN_XREAD: ReplyError =
    ReplyError::fixed("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
/// XREAD NOACK.
pub(super) const NOACK_IN_XREAD: ReplyError =
    ReplyError::fixed("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
/// XREADGROUP without GROUP.
pub(super) const NO_GROUP_OPTION: ReplyError = ReplyError::fixed("ERR Missing GROUP option for XREADGROUP");
/// XREADGROUP $.
pub(super) const DOLLAR_IN_GROUP: ReplyError = ReplyError::fixed(
    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
);
/// XREADGROUP +.
pub(super) const PLUS_IN_GROUP: ReplyError = ReplyError::fixed(
    "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.",
);
/// XREAD >.
pub(super) const NEW_IN_XREAD: ReplyError = ReplyError::fixed(
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
);
/// XGROUP of a key that is not there.
pub(super) const XGROUP_NO_KEY: ReplyError = ReplyError::fixed(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
);
/// XGROUP CREATE of a group that is there.
pub(super) const BUSY_GROUP: ReplyError = ReplyError::fixed("BUSYGROUP Consumer Group name already exists");
/// ENTRIESREAD of a negative number.
pub(super) const ENTRIESREAD: ReplyError =
    ReplyError::fixed("ERR value for ENTRIESREAD must be positive or -1");
/// XSETID ENTRIESADDED of a negative number.
pub(super) const ENTRIES_ADDED: ReplyError = ReplyError::fixed("ERR entries_added must be positive");
/// XSETID below the MAXDELETEDID that comes with it.
pub(super) const BELOW_GIVEN_DELETED: ReplyError =
    ReplyError::fixed("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
/// XSETID below the highest id that was deleted.
pub(super) const BELOW_DELETED: ReplyError =
    ReplyError::fixed("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
/// XSETID below the newest entry.
pub(super) const BELOW_NEWEST: ReplyError =
    ReplyError::fixed("ERR The ID specified in XSETID is smaller than the target stream top item");
/// XSETID with fewer entries added than there are.
pub(super) const FEWER_ADDED: ReplyError =
    ReplyError::fixed("ERR The entries_added specified in XSETID is smaller than the target stream length");
/// XAUTOCLAIM with a count that is none.
pub(super) const COUNT_POSITIVE: ReplyError = ReplyError::fixed("ERR COUNT must be > 0");

/// A key that is not there, or that has no such group.
pub(super) fn no_key_or_group(key: &[u8], group: &[u8]) -> ReplyError {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    ReplyError::new(format!("NOGROUP No such key '{key}' or consumer group '{group}'"))
}

/// The same in XREADGROUP.
pub(super) fn no_group_to_read(key: &[u8], group: &[u8]) -> ReplyError {
    let missing = no_key_or_group(key, group);
    ReplyError::new(format!("{} in XREADGROUP with GROUP option", missing.text()))
}

/// A key that has no such group.
pub(super) fn no_group(key: &[u8], group: &[u8]) -> ReplyError {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    ReplyError::new(format!("NOGROUP No such consumer group '{group}' for key name '{key}'"))
}

/// Keys and ids that do not pair.
pub(super) fn unbalanced(command: &str, ids: &str) -> ReplyError {
    ReplyError::new(format!(
        "ERR Unbalanced '{command}' list of streams: for each stream key an {ids} must be specified."
    ))
}
