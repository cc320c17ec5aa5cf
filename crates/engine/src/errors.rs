//! Every error text a client can see from the engine and the commands, in one place.
//!
//! The texts are protocol: client libraries and tests match on them.

use crate::{Denied, RuleError, SetUserError};
use std::borrow::Cow;
use std::fmt::Display;

/// An error reply: the code and the text, without the leading `-`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplyError(Cow<'static, str>);

impl ReplyError {
    /// An error with a fixed text.
    pub const fn fixed(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// An error with a text made now; the code comes first.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Cow::Owned(text.into()))
    }

    /// Code and text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The code: the first word.
    pub fn code(&self) -> &str {
        self.0.split(' ').next().unwrap_or("ERR")
    }
}

macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: ReplyError = ReplyError::fixed($text);)*
    };
}

fixed! {
    /// A malformed command.
    SYNTAX = "ERR syntax error";
    /// An argument is not a 64-bit integer.
    NOT_INTEGER = "ERR value is not an integer or out of range";
    /// An argument is not a float.
    NOT_FLOAT = "ERR value is not a valid float";
    /// The key holds another type.
    WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
    /// The key does not exist where it must.
    NO_SUCH_KEY = "ERR no such key";
    /// An integer operation would overflow.
    OVERFLOW = "ERR increment or decrement would overflow";
    /// DECRBY of the lowest integer.
    DECREMENT_OVERFLOW = "ERR decrement would overflow";
    /// A float operation gave no number.
    NAN_OR_INFINITY = "ERR increment would produce NaN or Infinity";
    /// An offset is out of range.
    OFFSET_RANGE = "ERR offset is out of range";
    /// A string would exceed `proto-max-bulk-len`.
    STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    /// SELECT of a database that does not exist.
    DB_RANGE = "ERR DB index is out of range";
    /// A value does not fit 32 bits.
    OUT_OF_INT_RANGE = "ERR value is out of range, value must between -2147483648 and 2147483647";
    /// The lowest integer where it would have to be negated.
    OUT_OF_SYMMETRIC_RANGE =
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
    /// A value must be positive.
    NOT_POSITIVE = "ERR value is out of range, must be positive";
    /// A COUNT that is none.
    COUNT_NOT_POSITIVE = "ERR count should be greater than 0";
    /// An index behind the last element.
    INDEX_RANGE = "ERR index out of range";
    /// Source and target are the same.
    SAME_OBJECT = "ERR source and destination objects are the same";
    /// RESTORE onto an existing key.
    BUSY_KEY = "BUSYKEY Target key name already exists.";
    /// A DUMP payload with a bad footer.
    BAD_DUMP = "ERR DUMP payload version or checksum are wrong";
    /// A DUMP payload with a bad body.
    BAD_DUMP_FORMAT = "ERR Bad data format";
    /// Not authenticated.
    NO_AUTH = "NOAUTH Authentication required.";
    /// HELLO without credentials where they are needed.
    HELLO_NO_AUTH = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time";
    /// HELLO with a version other than 2 and 3.
    NO_PROTO = "NOPROTO unsupported protocol version";
    /// A command for clients of a cluster.
    NO_CLUSTER = "ERR This instance has cluster support disabled";
    /// A name of a user with blanks in it.
    ACL_USER_NAME = "ERR Usernames can't contain spaces or null characters";
    /// ACL DELUSER default.
    ACL_DEFAULT_USER = "ERR The 'default' user cannot be removed";
    /// ACL LOAD or SAVE without a file.
    ACL_NO_FILE = "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.";
    /// ACL SAVE that failed.
    ACL_NOT_SAVED = "ERR There was an error trying to save the ACLs. Please check the server logs for more information";
    /// ACL GENPASS of too many bits, or none.
    ACL_GENPASS_BITS = "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096";
    /// Wrong credentials.
    WRONG_PASS = "WRONGPASS invalid username-password pair or user is disabled.";
    /// AUTH where no password is set.
    NO_PASSWORD_SET = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?";
    /// A write on a read-only replica.
    READ_ONLY = "READONLY You can't write against a read only replica.";
    /// A command during loading.
    LOADING = "LOADING Redis is loading the dataset in memory";
    /// A command on a replica without its master.
    MASTER_DOWN = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    /// A write while snapshots fail.
    MISCONF_SAVE = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";
    /// A write with too few replicas.
    NO_REPLICAS = "NOREPLICAS Not enough good replicas to write.";
    /// A write over `maxmemory`.
    OOM = "OOM command not allowed when used memory > 'maxmemory'.";
    /// A script is over its time limit.
    BUSY = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
    /// A function is over its time limit, or FUNCTION KILL of a script.
    BUSY_FUNCTION = "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";
    /// SCRIPT KILL of nothing.
    NOT_BUSY = "NOTBUSY No scripts in execution right now.";
    /// SCRIPT KILL of a script that has written.
    UNKILLABLE = "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.";
    /// SCRIPT KILL of a script of our master's.
    UNKILLABLE_MASTER = "UNKILLABLE The busy script was sent by a master instance in the context of replication and cannot be killed.";
    /// EVALSHA of a script that is not cached.
    NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL.";
    /// A script that calls a command that does not exist.
    SCRIPT_UNKNOWN_COMMAND = "ERR Unknown Redis command called from script";
    /// A script that calls a command with a wrong number of arguments.
    SCRIPT_WRONG_ARITY = "ERR Wrong number of args calling Redis command from script";
    /// A script that calls a command that scripts may not call.
    SCRIPT_NOT_ALLOWED = "ERR This Redis command is not allowed from script";
    /// A script that reads from a replica without its master.
    SCRIPT_STALE = "ERR Can not execute the command on a stale replica";
    /// A script that writes although it has said that it does not.
    SCRIPT_READ_ONLY = "ERR Write commands are not allowed from read-only scripts.";
    /// EVAL_RO of a script that writes.
    SCRIPT_WRITES = "ERR Can not execute a script with write flag using *_ro command.";
    /// A script over `maxmemory`.
    SCRIPT_OOM = "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'";
    /// A script that runs a script.
    SCRIPT_NESTED = "ERR A script can not run or change scripts";
    /// EVAL with fewer arguments than keys.
    TOO_MANY_KEYS = "ERR Number of keys can't be greater than number of args";
    /// EVAL with a negative count of keys.
    NEGATIVE_KEYS = "ERR Number of keys can't be negative";
    /// FCALL with a count of keys that is no number.
    BAD_KEY_COUNT = "ERR Bad number of keys provided";
    /// FCALL of nothing.
    NO_FUNCTION = "ERR Function not found";
    /// FUNCTION DELETE of nothing.
    NO_LIBRARY = "ERR Library not found";
    /// SCRIPT DEBUG.
    NO_DEBUGGER = "ERR The script debugger is not available";
    /// EXEC after an error while queueing.
    EXEC_ABORT = "EXECABORT Transaction discarded because of previous errors.";
    /// EXEC without MULTI.
    EXEC_WITHOUT_MULTI = "ERR EXEC without MULTI";
    /// DISCARD without MULTI.
    DISCARD_WITHOUT_MULTI = "ERR DISCARD without MULTI";
    /// MULTI inside MULTI.
    NESTED_MULTI = "ERR MULTI calls can not be nested";
    /// WATCH inside MULTI.
    WATCH_IN_MULTI = "ERR WATCH inside MULTI is not allowed";
    /// A command flagged so, inside MULTI.
    NOT_IN_MULTI = "ERR Command not allowed inside a transaction";
    /// Too many connections.
    MAX_CLIENTS = "ERR max number of clients reached";
    /// Not this command for a client without keys.
    NO_KEY_ARGUMENTS = "ERR The command has no key arguments";
    /// COMMAND GETKEYS of too few arguments.
    INVALID_KEY_ARGUMENTS = "ERR Invalid number of arguments specified for command";
    /// COMMAND GETKEYS of an unknown command.
    INVALID_COMMAND = "ERR Invalid command specified";
    /// A timeout that is no integer.
    TIMEOUT_NOT_INTEGER = "ERR timeout is not an integer or out of range";
    /// A negative timeout.
    TIMEOUT_NOT_FLOAT = "ERR timeout is not a float or out of range";
    /// A timeout below zero.
    TIMEOUT_NEGATIVE = "ERR timeout is negative";
    /// An expired `ttl`.
    INVALID_TTL = "ERR Invalid TTL value, must be >= 0";
    /// EXPIRE with NX and another condition.
    EXPIRE_NX_CONFLICT = "ERR NX and XX, GT or LT options at the same time are not compatible";
    /// EXPIRE with GT and LT.
    EXPIRE_GT_LT_CONFLICT = "ERR GT and LT options at the same time are not compatible";
    /// A cursor that is no number.
    INVALID_CURSOR = "ERR invalid cursor";
    /// SCAN with an option of HSCAN.
    NOVALUES = "ERR NOVALUES option can only be used in HSCAN";
    /// RESTORE with a negative idle time.
    INVALID_IDLETIME = "ERR Invalid IDLETIME value, must be >= 0";
    /// RESTORE with a counter that is no byte.
    INVALID_FREQ = "ERR Invalid FREQ value, must be >= 0 and <= 255";
    /// OBJECT IDLETIME under an LFU policy.
    IDLE_NOT_TRACKED = "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";
    /// OBJECT FREQ under an LRU policy.
    FREQ_NOT_TRACKED = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";
    /// WAIT on a replica.
    WAIT_ON_REPLICA = "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.";
    /// WAITAOF on a replica.
    WAITAOF_ON_REPLICA = "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.";
    /// WAITAOF for the own append-only file, without one.
    WAITAOF_WITHOUT_AOF = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    /// A timeout that ends after the end of time.
    TIMEOUT_RANGE = "ERR timeout is out of range";
    /// LCS of something else than strings.
    LCS_TYPES = "ERR The specified keys must contain string values";
    /// LCS with LEN and IDX.
    LCS_LEN_AND_IDX = "ERR If you want both the length and indexes, please just use IDX.";
    /// LCS of strings that are too long.
    LCS_TOO_LONG = "ERR String too long for LCS";
    /// LCS whose table would be too large.
    LCS_MEMORY = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
    /// MODULE that would load or unload something.
    MODULES_DISABLED = "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.";
    /// DEBUG while it is not enabled.
    DEBUG_DISABLED = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.";
    /// BGSAVE while one is running.
    SAVE_IN_PROGRESS = "ERR Background save already in progress";
    /// BGSAVE while a snapshot for something else is running.
    OTHER_SNAPSHOT = "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.";
    /// BGSAVE that could not start.
    SAVE_FAILED = "ERR Background save could not start, see the log";
    /// What a client waited for was ended by CLIENT UNBLOCK.
    UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
    /// The server became a replica while a client waited for a key.
    UNBLOCKED_BY_ROLE =
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";
    /// BGREWRITEAOF while one is running.
    REWRITE_IN_PROGRESS = "ERR Background append only file rewriting already in progress";
    /// BGREWRITEAOF that could not start.
    REWRITE_FAILED = "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.";
    /// The offset of a bit is no integer, negative, or behind the longest string.
    BIT_OFFSET = "ERR bit offset is not an integer or out of range";
    /// SETBIT to something else than 0 or 1.
    BIT_VALUE = "ERR bit is not an integer or out of range";
    /// BITPOS of something else than 0 or 1.
    BITPOS_BIT = "ERR The bit argument must be 1 or 0.";
    /// BITOP NOT of several keys.
    BITOP_NOT_KEYS = "ERR BITOP NOT must be called with a single source key.";
    /// BITFIELD with a type it does not know.
    BITFIELD_TYPE = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
    /// BITFIELD with an overflow behaviour it does not know.
    BITFIELD_OVERFLOW = "ERR Invalid OVERFLOW type specified";
    /// MIGRATE with a key and with KEYS.
    MIGRATE_KEY_AND_KEYS = "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string";
    /// MIGRATE to a server that cannot be reached.
    MIGRATE_CONNECTING = "IOERR error or timeout connecting to the client";
    /// MIGRATE to a server that stopped reading.
    MIGRATE_WRITING = "IOERR error or timeout writing to target instance";
    /// MIGRATE to a server that stopped answering.
    MIGRATE_READING = "IOERR error or timeout reading to target instance";
    /// IFDEQ or IFDNE with something else than a digest.
    DIGEST_FORM = "ERR The digest must be exactly 16 hexadecimal characters";
    /// DELEX that compares something else than a string.
    COMPARED_TYPE = "ERR Key should be of string type if conditions are specified";
    /// MSETEX with a number of keys that is none, or not positive.
    INVALID_NUMKEYS = "ERR invalid numkeys value";
    /// MSETEX with fewer pairs than it says.
    PAIRS_MISSING = "ERR wrong number of key-value pairs";
    /// A HyperLogLog command on another string.
    NOT_HLL = "WRONGTYPE Key is not a valid HyperLogLog string value.";
    /// A HyperLogLog whose registers make no sense.
    HLL_CORRUPT = "INVALIDOBJ Corrupted HLL object detected";
    /// PFDEBUG DECODE of a dense HyperLogLog.
    HLL_NOT_SPARSE = "ERR HLL encoding is not sparse";
    /// PFDEBUG of a key that is not there.
    PFDEBUG_NO_KEY = "ERR The specified key does not exist";
    /// PFDEBUG SIMD with something else than a switch.
    NOT_ON_OR_OFF = "ERR Argument must be ON or OFF";
    /// A number of keys that is none, or not positive.
    NUMKEYS = "ERR numkeys should be greater than 0";
    /// A number of keys beyond those that are there.
    MORE_KEYS_THAN_ARGS = "ERR Number of keys can't be greater than number of args";
    /// A LIMIT that is no number, or negative.
    NEGATIVE_LIMIT = "ERR LIMIT can't be negative";
    /// A number of elements whose negative does not exist.
    OUT_OF_LONG_RANGE = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
    /// CLIENT TRACKING with a redirection to nobody.
    TRACKING_NO_TARGET = "ERR The client ID you want redirect to does not exist";
    /// CLIENT TRACKING with two redirections.
    TRACKING_TWO_TARGETS = "ERR A client can only redirect to a single other client";
    /// CLIENT TRACKING with a prefix, but not in BCAST mode.
    TRACKING_PREFIX = "ERR PREFIX option requires BCAST mode to be enabled";
    /// CLIENT TRACKING to or from BCAST mode.
    TRACKING_SWITCH_BCAST = "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.";
    /// CLIENT TRACKING BCAST with an option that selects keys read.
    TRACKING_OPT_BCAST = "ERR OPTIN and OPTOUT are not compatible with BCAST";
    /// CLIENT TRACKING OPTIN OPTOUT.
    TRACKING_BOTH_OPT = "ERR You can't specify both OPTIN mode and OPTOUT mode";
    /// CLIENT TRACKING from OPTIN to OPTOUT or back.
    TRACKING_SWITCH_OPT = "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.";
    /// CLIENT CACHING without a mode that heeds it.
    CACHING_MODE = "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled";
    /// CLIENT CACHING YES in another mode than OPTIN.
    CACHING_YES = "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.";
    /// CLIENT CACHING NO in another mode than OPTOUT.
    CACHING_NO = "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.";
    /// BITFIELD_RO with something else than GET.
    BITFIELD_RO = "ERR BITFIELD_RO only supports the GET subcommand";
}

/// A command that does not exist; `args` are the first few arguments as Redis shows them.
pub fn unknown_command(name: &[u8], args: redan_resp::Args<'_>) -> ReplyError {
    let mut shown = String::new();
    for arg in args.iter().skip(1) {
        if shown.len() >= 128 {
            break;
        }
        let room = 128 - shown.len();
        shown.push_str(&format!("'{}' ", printable(&arg[..arg.len().min(room)])));
    }
    ReplyError::new(format!(
        "ERR unknown command '{}', with args beginning with: {shown}",
        printable(&name[..name.len().min(128)])
    ))
}

/// A subcommand that does not exist.
pub fn unknown_subcommand(container: &str, sub: &[u8]) -> ReplyError {
    ReplyError::new(format!(
        "ERR unknown subcommand '{}'. Try {} HELP.",
        printable(&sub[..sub.len().min(128)]),
        container.to_uppercase()
    ))
}

/// A write while the append-only file fails for this reason.
pub fn misconf_aof(reason: &str) -> ReplyError {
    ReplyError::new(format!("MISCONF Errors writing to the AOF file: {reason}"))
}

/// A wrong number of arguments; `full_name` is `get` or `client|list`.
pub fn wrong_arity(full_name: impl Display) -> ReplyError {
    ReplyError::new(format!("ERR wrong number of arguments for '{full_name}' command"))
}

/// A subcommand of a container, or a number of arguments, that a handler does not know.
pub fn unknown_subcommand_or_arity(container: &str, sub: &[u8]) -> ReplyError {
    ReplyError::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
        printable(&sub[..sub.len().min(128)]),
        container.to_uppercase()
    ))
}

/// What others are told while a script of this kind is over its time limit.
pub fn busy_with(kind: crate::ScriptKind) -> ReplyError {
    match kind {
        crate::ScriptKind::Eval => BUSY,
        crate::ScriptKind::Function => BUSY_FUNCTION,
    }
}

/// An expiry that is zero, negative or too large.
pub fn invalid_expire(command: &str) -> ReplyError {
    ReplyError::new(format!("ERR invalid expire time in '{command}' command"))
}

/// A command a subscribed RESP2 client may not use.
pub fn subscribed_only(name: &str) -> ReplyError {
    ReplyError::new(format!(
        "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
    ))
}

/// What the other server of a MIGRATE said.
pub fn migrate_refused(error: &[u8]) -> ReplyError {
    ReplyError::new(format!("ERR Target instance replied with error: {}", String::from_utf8_lossy(error)))
}

/// A subcommand that PFDEBUG does not know.
pub fn unknown_pfdebug(sub: &[u8]) -> ReplyError {
    ReplyError::new(format!("ERR Unknown PFDEBUG subcommand '{}'", printable(sub)))
}

/// Two prefixes of a client's tracking one of which begins with the other.
pub fn prefix_overlap(prefix: &[u8], which: &str, other: &[u8]) -> ReplyError {
    ReplyError::new(format!(
        "ERR Prefix '{}' overlaps with {which} prefix '{}'. Prefixes for a single client must not overlap.",
        printable(prefix),
        printable(other)
    ))
}

/// An option that a command does not know.
pub fn unsupported_option(option: &[u8]) -> ReplyError {
    ReplyError::new(format!("ERR Unsupported option {}", printable(option)))
}

/// A transaction that cannot run, with the error that stands in the way.
pub fn exec_abort(cause: &ReplyError) -> ReplyError {
    ReplyError::new(format!("EXECABORT Transaction discarded because of: {}", cause.text()))
}

/// What a user may not do, after its code: `object` names a key or channel where that gives nothing away.
pub fn denied(user: &str, command: &str, denied: Denied, object: Option<&[u8]>) -> String {
    let what = match denied {
        Denied::Command => return format!("User {user} has no permissions to run the '{command}' command"),
        Denied::Key(_) => "key",
        Denied::Channel(_) => "channel",
    };
    match object {
        Some(object) => {
            format!("User {user} has no permissions to access the '{}' {what}", printable(object))
        }
        None => format!("No permissions to access a {what}"),
    }
}

/// A command that its user may not run.
pub fn no_permission(denied: &str) -> ReplyError {
    ReplyError::new(format!("NOPERM {denied}"))
}

/// A command that a script's user may not run.
pub fn script_denied(denied: &str) -> ReplyError {
    ReplyError::new(format!("ERR ACL failure in script: {denied}"))
}

/// A queued command that its user may no longer run when the transaction does.
pub fn no_permission_any_more(denied: Denied) -> ReplyError {
    let reason = match denied {
        Denied::Command => "no permission to execute the command or subcommand",
        Denied::Key(_) => "no permission to touch the specified keys",
        Denied::Channel(_) => "no permission to access one of the channels used as arguments",
    };
    ReplyError::new(format!(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: {reason}"
    ))
}

/// What is wrong with a rule of a user.
pub const fn acl_rule(error: RuleError) -> &'static str {
    match error {
        RuleError::UnknownCommand => "Unknown command or category name in ACL",
        RuleError::Syntax => "Syntax error",
        RuleError::KeysAfterAll => {
            "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
        }
        RuleError::ChannelsAfterAll => {
            "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
        }
        RuleError::NoSuchPassword => "The password you are trying to remove from the user does not exist",
        RuleError::BadHash => {
            "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
        }
        RuleError::FirstArgOfSubcommand => "Allowing first-arg of a subcommand is not supported",
    }
}

/// ACL SETUSER with rules that do not work.
pub fn acl_set_user(error: &SetUserError) -> ReplyError {
    match error {
        SetUserError::Unmatched(start) => {
            err(format!("Unmatched parenthesis in acl selector starting at '{}'.", printable(start)))
        }
        SetUserError::Rule(rule, error) => {
            err(format!("Error in ACL SETUSER modifier '{}': {}", printable(rule), acl_rule(*error)))
        }
    }
}

/// An ACL file with mistakes.
pub fn acl_file_refused(problems: &str) -> String {
    format!(
        "{problems}WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
    )
}

/// A line of an ACL file that is about no user.
pub fn acl_file_no_user(file: &str, line: usize) -> String {
    format!("{file}:{line} should start with user keyword followed by the username. ")
}

/// A name in an ACL file that cannot be.
pub fn acl_file_bad_name(file: &str, line: usize, name: &[u8]) -> String {
    format!("'{file}:{line}: username '{}' contains invalid characters. ", printable(name))
}

/// A user that an ACL file names twice.
pub fn acl_file_duplicate(name: &[u8], line: usize) -> String {
    format!("WARNING: Duplicate user '{}' found on line {line}. ", printable(name))
}

/// A selector in an ACL file that does not end.
pub fn acl_file_unmatched(file: &str, line: usize) -> String {
    format!("{file}:{line}: Unmatched parenthesis in selector definition.")
}

/// A rule in an ACL file about a command that does not exist.
pub fn acl_file_unknown(file: &str, line: usize, rule: &[u8]) -> String {
    let (rule, reason) = (printable(rule), acl_rule(RuleError::UnknownCommand));
    format!("{file}:{line}: Error in applying operation '{rule}': {reason}. ")
}

/// Another mistake in an ACL file.
pub fn acl_file_mistake(file: &str, line: usize, error: RuleError) -> String {
    format!("{file}:{line}: {}. ", acl_rule(error))
}

/// An error with code ERR.
pub fn err(text: impl Display) -> ReplyError {
    ReplyError::new(format!("ERR {text}"))
}

fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| if matches!(c, '\r' | '\n' | '\0') { ' ' } else { c })
        .collect()
}
