//! Where the server listens: from the configuration to open sockets.

use crate::config::{Settings, rows};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where to listen, as the configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Addresses as they are written in `bind`; a leading minus tolerates failure.
    pub bind: Vec<String>,
    /// TCP port; 0 for none.
    pub port: u16,
    /// Path of the Unix socket.
    pub unix: Option<PathBuf>,
    /// Its permissions, if they are not left to the umask.
    pub unix_mode: Option<u32>,
    /// `tcp-backlog`.
    pub backlog: i32,
}

/// Why the server does not listen; in Redis's words, without the final advice.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// A TCP port.
    #[error("Failed listening on port {port} (tcp), aborting.")]
    Tcp {
        /// The port.
        port: u16,
    },
    /// The Unix socket.
    #[error("Failed opening Unix socket: {0}")]
    Unix(io::Error),
}

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl Plan {
    /// What the configuration says.
    pub fn of(settings: &Settings) -> Self {
        let unix = settings.get(rows::UNIXSOCKET);
        let mode = settings.get(rows::UNIXSOCKETPERM) as u32;
        Self {
            bind: settings.get(rows::BIND).to_vec(),
            port: settings.get(rows::PORT) as u16,
            unix: (!unix.is_empty()).then(|| Path::new(settings.get(rows::DIR)).join(unix)),
            unix_mode: (mode != 0).then_some(mode),
            backlog: settings.get(rows::TCP_BACKLOG) as i32,
        }
    }

    /// Opens the TCP sockets.
    ///
    /// # Errors
    /// When an address that is not optional cannot be listened on, or none at all can.
    pub(crate) fn open_tcp(&self) -> Result<Vec<Listener>, ListenError> {
        let mut open = Vec::new();
        if self.port == 0 {
            return Ok(open);
        }
        let failed = ListenError::Tcp { port: self.port };
        for name in &self.bind {
            let (name, optional) = name.strip_prefix('-').map_or((name.as_str(), false), |name| (name, true));
            match self.open_address(name) {
                Ok(listener) => open.push(listener),
                Err(error) if optional && is_unavailable(&error) => {}
                Err(error) => {
                    let reason = crate::config::os_text(&error);
                    tracing::warn!(
                        "Warning: Could not create server TCP listening socket {name}:{}: bind: {reason}",
                        self.port
                    );
                    if !optional || !is_unavailable(&error) {
                        return Err(failed);
                    }
                }
            }
        }
        // Without addresses nobody expects a listener; with some, one must have worked.
        if open.is_empty() && !self.bind.is_empty() { Err(failed) } else { Ok(open) }
    }

    fn open_address(&self, name: &str) -> io::Result<Listener> {
        let address = resolve(name, self.port)?;
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::from(address))?;
        socket.listen(self.backlog)?;
        Ok(Listener::Tcp(socket.into()))
    }

    /// Opens the Unix socket, if there is to be one; a file that is left over from before is removed.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn open_unix(&self) -> Result<Option<Listener>, ListenError> {
        let Some(path) = &self.unix else { return Ok(None) };
        self.open_unix_at(path).map(Some).map_err(ListenError::Unix)
    }

    fn open_unix_at(&self, path: &Path) -> io::Result<Listener> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::unix(path)?)?;
        if let Some(mode) = self.unix_mode {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        }
        socket.listen(self.backlog)?;
        Ok(Listener::Unix(socket.into()))
    }
}

/// `*` is every address of IPv4, `::*` every one of IPv6; anything else is an address or a name.
fn resolve(name: &str, port: u16) -> io::Result<SocketAddr> {
    let ip: IpAddr = match name {
        "*" | "" => Ipv4Addr::UNSPECIFIED.into(),
        "::*" => Ipv6Addr::UNSPECIFIED.into(),
        _ => match name.parse() {
            Ok(ip) => ip,
            Err(_) => {
                let mut found = (name, port).to_socket_addrs()?;
                return found.next().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into());
            }
        },
    };
    Ok((ip, port).into())
}

/// Whether an optional address may be left out: the machine does not have it, or not its protocol.
fn is_unavailable(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EADDRNOTAVAIL
                | libc::EAFNOSUPPORT
                | libc::ENOPROTOOPT
                | libc::EPFNOSUPPORT
                | libc::EPROTONOSUPPORT
                | libc::ESOCKTNOSUPPORT
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(bind: &[&str], port: u16) -> Plan {
        let bind = bind.iter().map(|&name| name.to_owned()).collect();
        Plan { bind, port, unix: None, unix_mode: None, backlog: 16 }
    }

    fn free_port() -> u16 {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        probe.local_addr().unwrap().port()
    }

    #[test]
    fn names_stand_for_addresses() {
        assert_eq!(resolve("*", 1).unwrap(), "0.0.0.0:1".parse().unwrap());
        assert_eq!(resolve("::*", 1).unwrap(), "[::]:1".parse().unwrap());
        assert_eq!(resolve("127.0.0.1", 2).unwrap(), "127.0.0.1:2".parse().unwrap());
        assert!(resolve("localhost", 3).unwrap().ip().is_loopback());
    }

    #[test]
    fn optional_addresses_may_fail_and_others_may_not() {
        // An address for documentation, which no machine has.
        assert_eq!(plan(&["127.0.0.1", "-192.0.2.7"], free_port()).open_tcp().unwrap().len(), 1);
        assert!(plan(&["127.0.0.1", "192.0.2.7"], free_port()).open_tcp().is_err());
        assert!(plan(&["-192.0.2.7"], free_port()).open_tcp().is_err());
        assert!(plan(&[], free_port()).open_tcp().unwrap().is_empty());
        assert!(plan(&["127.0.0.1"], 0).open_tcp().unwrap().is_empty());
    }

    #[test]
    fn a_busy_port_is_refused() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let error = plan(&["127.0.0.1"], taken.local_addr().unwrap().port()).open_tcp().unwrap_err();
        assert!(error.to_string().starts_with("Failed listening on port"), "{error}");
    }

    #[test]
    fn a_left_over_unix_socket_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("redis.sock");
        let plan = Plan { unix: Some(path.clone()), unix_mode: Some(0o700), ..plan(&[], 0) };
        drop(plan.open_unix().unwrap());
        let _again = plan.open_unix().unwrap().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
