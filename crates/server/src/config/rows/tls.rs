//! Transport layer security.

use crate::config::choices::TlsAuthClients;

super::rows! {
    Tls;
    /// TCP port for TLS connections; 0 for none.
    TLS_PORT: i64 = int("tls-port", 0).range(0, 65535);
    /// File with the certificate of the server.
    TLS_CERT_FILE: str = optional("tls-cert-file").volatile().inert();
    /// File with the key of that certificate.
    TLS_KEY_FILE: str = optional("tls-key-file").volatile().inert();
    /// Passphrase of that key.
    TLS_KEY_FILE_PASS: str = optional("tls-key-file-pass").sensitive().inert();
    /// File with the certificate for outgoing connections, if it is another one.
    TLS_CLIENT_CERT_FILE: str = optional("tls-client-cert-file").volatile().inert();
    /// File with the key of that certificate.
    TLS_CLIENT_KEY_FILE: str = optional("tls-client-key-file").volatile().inert();
    /// Passphrase of that key.
    TLS_CLIENT_KEY_FILE_PASS: str = optional("tls-client-key-file-pass").sensitive().inert();
    /// File with Diffie-Hellman parameters; without effect, because only elliptic curves are offered.
    TLS_DH_PARAMS_FILE: str = optional("tls-dh-params-file").volatile().inert();
    /// File with the authorities whose certificates are accepted.
    TLS_CA_CERT_FILE: str = optional("tls-ca-cert-file").volatile().inert();
    /// Directory with the authorities whose certificates are accepted.
    TLS_CA_CERT_DIR: str = optional("tls-ca-cert-dir").volatile().inert();
    /// Whether clients must present a certificate.
    TLS_AUTH_CLIENTS: TlsAuthClients =
        choice("tls-auth-clients", TlsAuthClients::NAMES, TlsAuthClients::Yes as i64);
    /// Use TLS towards the master.
    TLS_REPLICATION: bool = flag("tls-replication", false).inert();
    /// Use TLS on the cluster bus.
    TLS_CLUSTER: bool = flag("tls-cluster", false).inert();
    /// Versions of the protocol that are accepted.
    TLS_PROTOCOLS: str = optional("tls-protocols").inert();
    /// Ciphers of TLS 1.2 that are accepted.
    TLS_CIPHERS: str = optional("tls-ciphers").inert();
    /// Ciphers of TLS 1.3 that are accepted.
    TLS_CIPHERSUITES: str = optional("tls-ciphersuites").inert();
    /// Let the server choose the cipher.
    TLS_PREFER_SERVER_CIPHERS: bool = flag("tls-prefer-server-ciphers", false).inert();
    /// Let clients resume sessions.
    TLS_SESSION_CACHING: bool = flag("tls-session-caching", true).inert();
    /// Sessions kept for that; 0 for the library's default.
    TLS_SESSION_CACHE_SIZE: i64 = int("tls-session-cache-size", 20 * 1024).inert();
    /// Seconds for which a session can be resumed.
    TLS_SESSION_CACHE_TIMEOUT: i64 = int("tls-session-cache-timeout", 300).inert();
}
