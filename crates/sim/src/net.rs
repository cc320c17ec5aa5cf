//! Connections: two queues of messages each, in order, late at will.

use crate::env::HostId;
use bytes::Bytes;
use std::collections::VecDeque;

/// Names a connection; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnId(pub(crate) u64);

/// What travels.
#[derive(Debug)]
pub(crate) enum Message {
    /// The client knocks.
    Open,
    /// The server's kernel has let it in.
    Opened,
    /// Nobody listens there.
    Refused,
    /// Bytes.
    Data(Bytes),
    /// The other side has closed the connection.
    Gone,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// Messages and when they arrive, at the earliest.
    pub(crate) queue: VecDeque<(u64, Message)>,
    /// An event for the first one is under way.
    pub(crate) scheduled: bool,
    /// Whoever reads here does not listen any more.
    pub(crate) deaf: bool,
}

/// Who gets what travels in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// The one that has connected.
    Client,
    /// The other one.
    Server,
}

impl End {
    pub(crate) fn other(self) -> End {
        match self {
            End::Client => End::Server,
            End::Server => End::Client,
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) client: HostId,
    pub(crate) server: HostId,
    pub(crate) to_client: Lane,
    pub(crate) to_server: Lane,
}

impl Conn {
    pub(crate) fn new(client: HostId, server: HostId) -> Conn {
        Conn { client, server, to_client: Lane::default(), to_server: Lane::default() }
    }

    pub(crate) fn lane(&mut self, to: End) -> &mut Lane {
        match to {
            End::Client => &mut self.to_client,
            End::Server => &mut self.to_server,
        }
    }

    pub(crate) fn host(&self, end: End) -> HostId {
        match end {
            End::Client => self.client,
            End::Server => self.server,
        }
    }

    /// Which end of it a host is.
    pub(crate) fn end_of(&self, host: HostId) -> End {
        if self.client == host { End::Client } else { End::Server }
    }

    /// Nobody listens at either end.
    pub(crate) fn is_over(&self) -> bool {
        self.to_client.deaf && self.to_server.deaf
    }
}
