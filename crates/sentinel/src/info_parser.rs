//! INFO: the few fields of it that matter here. Anything can come in; what is not understood is skipped.

use crate::config::{RUN_ID_LEN, leading_int, leading_uint};
use crate::instance::Role;

/// What an INFO reply says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Info {
    pub(crate) run_id: Option<String>,
    pub(crate) role: Option<Role>,
    /// The replicas of a master: host and port.
    pub(crate) replicas: Vec<(String, u16)>,
    pub(crate) master_link_down_ms: u64,
    pub(crate) master_host: Option<String>,
    pub(crate) master_port: Option<u16>,
    pub(crate) master_link_up: Option<bool>,
    pub(crate) priority: Option<i64>,
    pub(crate) repl_offset: Option<u64>,
    pub(crate) announced: Option<bool>,
}

impl Info {
    /// Reads the fields, one line each. O(bytes).
    pub(crate) fn parse(text: &[u8]) -> Info {
        let mut info = Info::default();
        for line in text.split(|b| *b == b'\n') {
            let line = line.trim_ascii_end();
            if let Some(colon) = line.iter().position(|b| *b == b':') {
                info.take(&line[..colon], &line[colon + 1..]);
            }
        }
        info
    }

    fn take(&mut self, name: &[u8], value: &[u8]) {
        let text = || std::str::from_utf8(value).ok().map(str::to_owned);
        match name {
            b"run_id" => self.run_id = text().filter(|id| id.len() == RUN_ID_LEN),
            b"role" => {
                self.role = match value {
                    b"master" => Some(Role::Master),
                    b"slave" => Some(Role::Replica),
                    _ => None,
                }
            }
            b"master_link_down_since_seconds" => {
                self.master_link_down_ms = leading_uint(value).saturating_mul(1000);
            }
            b"master_host" => self.master_host = text(),
            b"master_port" => self.master_port = leading_int(value).try_into().ok(),
            b"master_link_status" => self.master_link_up = Some(value.eq_ignore_ascii_case(b"up")),
            b"slave_priority" => self.priority = Some(leading_int(value)),
            b"slave_repl_offset" => self.repl_offset = Some(leading_uint(value)),
            b"replica_announced" => self.announced = Some(leading_int(value) != 0),
            _ => {
                let number = name.strip_prefix(b"slave").filter(|n| !n.is_empty());
                if number.is_some_and(|n| n.iter().all(u8::is_ascii_digit)) {
                    self.replicas.extend(replica_address(value));
                }
            }
        }
    }
}

/// The address in `ip=10.0.0.1,port=6379,state=online,...`, or in the old form `10.0.0.1,6379,online`.
fn replica_address(value: &[u8]) -> Option<(String, u16)> {
    let value = std::str::from_utf8(value).ok()?;
    let field = |name| value.split(',').find_map(|field| field.strip_prefix(name));
    let (host, port) = match (field("ip="), field("port=")) {
        (Some(host), Some(port)) => (host, port),
        _ => {
            let mut fields = value.split(',');
            (fields.next()?, fields.next()?)
        }
    };
    let port = u16::try_from(leading_int(port.as_bytes())).ok()?;
    (!host.is_empty() && !host.contains('=')).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests;
