//! Addresses: the name an instance is announced by, and the IP address it was last found at.
//!
//! The announced host is the identity. The IP address is only how to get there: it may be unknown, and it may
//! change while the instance stays the same. Nothing here waits for DNS.

use std::net::IpAddr;

use crate::names::{Lookup, Names};

/// Where an instance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addr {
    /// As announced: a host name or an IP address.
    pub(crate) host: String,
    /// The address behind `host`; `None` until it is resolved.
    pub(crate) ip: Option<String>,
    /// TCP port. 0 marks an address that is not usable.
    pub(crate) port: u16,
}

/// Whether two addresses are the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Same {
    Yes,
    No,
    /// A name is being looked up; ask again when it is known.
    Unknown,
}

/// Whether `host` is a numeric IP address.
pub(crate) fn is_ip(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

impl Addr {
    /// An address as announced. With a name that has been looked up before, the result is taken along.
    pub(crate) fn new(host: &str, port: u16, names: &Names) -> Addr {
        let ip = if is_ip(host) { Some(host.to_owned()) } else { names.known_ip(host).map(str::to_owned) };
        Addr { host: host.to_owned(), ip, port }
    }

    /// Same port, and the same announced host or the same IP address.
    pub(crate) fn same_place(&self, other: &Addr) -> bool {
        let same_ip = self.ip.is_some() && self.ip == other.ip;
        self.port == other.port && (same_ip || self.host.eq_ignore_ascii_case(&other.host))
    }

    /// Whether someone who says `host` and `port` means this address, as far as is known.
    pub(crate) fn is_at(&self, host: &str, port: u16, names: &Names) -> Same {
        if self.port != port {
            return Same::No;
        }
        let ip_is = |ip: &str| self.ip.as_deref() == Some(ip);
        if self.host.eq_ignore_ascii_case(host) || ip_is(host) {
            return Same::Yes;
        }
        // Two different IP addresses are two places; about a name we have to wait for the answer.
        match names.status(host) {
            Lookup::Found(ip) if ip_is(ip) => Same::Yes,
            Lookup::Pending => Same::Unknown,
            Lookup::Found(_) | Lookup::Failed | Lookup::Refused => Same::No,
        }
    }

    /// What to call this address towards clients and other Sentinels.
    pub(crate) fn announced(&self, announce_hostnames: bool) -> &str {
        if announce_hostnames { &self.host } else { self.ip.as_deref().unwrap_or(&self.host) }
    }

    /// `host:port`, with brackets around an IPv6 address.
    pub(crate) fn with_port(&self, announce_hostnames: bool) -> String {
        let host = self.announced(announce_hostnames);
        if host.contains(':') { format!("[{host}]:{}", self.port) } else { format!("{host}:{}", self.port) }
    }
}
