//! Users and passwords.

use crate::config::choices::AclPubsubDefault;

super::rows! {
    Security;
    /// Password of the default user.
    REQUIREPASS: [u8] = secret("requirepass");
    /// File with the ACL users.
    ACLFILE: str = text("aclfile", "").immutable();
    /// Entries the ACL log keeps.
    ACLLOG_MAX_LEN: i64 = int("acllog-max-len", 128).range(0, i64::MAX);
    /// Channels a new user may use.
    ACL_PUBSUB_DEFAULT: AclPubsubDefault =
        choice("acl-pubsub-default", AclPubsubDefault::NAMES, AclPubsubDefault::ResetChannels as i64);
    /// Keep keys and values out of log messages.
    HIDE_USER_DATA_FROM_LOG: bool = flag("hide-user-data-from-log", false).inert();
}
