//! Where the server listens.

use crate::config::choices::ProtectedAction;

super::rows! {
    Network;
    /// Addresses to listen on; a leading minus tolerates that an address is not available.
    BIND: [String] = special("bind", Kind::Bind);
    /// TCP port to listen on; 0 for none.
    PORT: i64 = int("port", 6379).range(0, 65535);
    /// Path of the Unix socket to listen on; none when empty.
    UNIXSOCKET: str = optional("unixsocket").immutable();
    /// Permissions of the Unix socket, octal; 0 leaves what the process's umask gives.
    UNIXSOCKETPERM: i64 = octal("unixsocketperm", 0o777).immutable();
    /// Connections the kernel may hold that were not accepted yet.
    TCP_BACKLOG: i64 = int("tcp-backlog", 511).immutable();
    /// Seconds without traffic after which TCP probes whether the peer is still there; 0 for never.
    TCP_KEEPALIVE: i64 = int("tcp-keepalive", 300);
    /// Without a password, serve only clients of this machine.
    PROTECTED_MODE: bool = flag("protected-mode", true);
    /// Source address of outgoing connections.
    BIND_SOURCE_ADDR: str = optional("bind-source-addr");
    /// Mark that the firewall sees on listening sockets.
    SOCKET_MARK_ID: i64 = int("socket-mark-id", 0).range(0, u32::MAX as i64).immutable().inert();
    /// Connections accepted at most before other work gets its turn.
    MAX_NEW_CONNECTIONS_PER_CYCLE: i64 = int("max-new-connections-per-cycle", 10).range(1, 1000).inert();
    /// TLS connections accepted at most before other work gets its turn.
    MAX_NEW_TLS_CONNECTIONS_PER_CYCLE: i64 = int("max-new-tls-connections-per-cycle", 1).range(1, 1000).inert();
    /// Who may set protected parameters at run time.
    ENABLE_PROTECTED_CONFIGS: ProtectedAction =
        choice("enable-protected-configs", ProtectedAction::NAMES, ProtectedAction::No as i64).immutable();
    /// Who may use DEBUG.
    ENABLE_DEBUG_COMMAND: ProtectedAction =
        choice("enable-debug-command", ProtectedAction::NAMES, ProtectedAction::No as i64).immutable();
    /// Who may use MODULE.
    ENABLE_MODULE_COMMAND: ProtectedAction =
        choice("enable-module-command", ProtectedAction::NAMES, ProtectedAction::No as i64).immutable();
}
