//! Scripts and functions.

super::rows! {
    Scripting;
    /// Milliseconds after which a script lets other clients see that the server is busy; 0 for never.
    BUSY_REPLY_THRESHOLD: i64 = int("busy-reply-threshold", 5000).range(0, i64::MAX).alias("lua-time-limit");
    /// Whether scripts have getfenv, setfenv and newproxy.
    LUA_ENABLE_DEPRECATED_API: bool = flag("lua-enable-deprecated-api", false).immutable();
}
