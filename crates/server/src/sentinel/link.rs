//! Connections to masters, replicas and other Sentinels: a task each.

use bytes::BytesMut;
use redan_resp::{FrameDecoder, FrameLimits, encode_command};
use redan_sentinel::{Endpoint, Input, LinkId};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::task::AbortHandle;

/// What a peer may send. INFO is the longest reply there is.
const LIMITS: FrameLimits =
    FrameLimits { max_depth: 8, max_bulk_len: 16 << 20, max_line_len: 64 << 10, max_elements: 64 << 10 };
/// Frames read and not yet handled, of all links, before they stop reading.
const INBOX_LEN: usize = 1024;

/// The links that stand or are being made.
pub(super) struct Links {
    links: HashMap<LinkId, Link>,
    sender: Sender<Input>,
}

struct Link {
    commands: UnboundedSender<Vec<u8>>,
    task: AbortHandle,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Links {
    /// No links, and where what happens on them will arrive.
    pub(super) fn new() -> (Self, Receiver<Input>) {
        let (sender, inbox) = channel(INBOX_LEN);
        (Self { links: HashMap::new(), sender }, inbox)
    }

    /// Begins to connect.
    pub(super) fn connect(&mut self, link: LinkId, to: Endpoint, tls: bool, source: String) {
        let (commands, outbox) = unbounded_channel();
        let task = tokio::spawn(live(link, to, tls, source, outbox, self.sender.clone())).abort_handle();
        self.links.insert(link, Link { commands, task });
    }

    /// Sends a command, unless the link has ended.
    pub(super) fn send(&mut self, link: LinkId, command: &[Vec<u8>]) {
        if let Some(Link { commands, .. }) = self.links.get(&link) {
            let mut bytes = Vec::new();
            encode_command(&mut bytes, command.iter().map(Vec::as_slice));
            // A link that has ended has told so, or will.
            let _ = commands.send(bytes);
        }
    }

    /// Ends a link, if it has not ended by itself.
    pub(super) fn close(&mut self, link: LinkId) {
        self.links.remove(&link);
    }
}

/// The life of a link.
async fn live(
    link: LinkId,
    to: Endpoint,
    tls: bool,
    source: String,
    outbox: UnboundedReceiver<Vec<u8>>,
    inbox: Sender<Input>,
) {
    let connected = async {
        let stream = connect(&to, tls, &source).await?;
        let local_ip = stream.local_addr()?.ip().to_canonical().to_string();
        Ok::<_, io::Error>((stream, local_ip))
    };
    let (stream, local_ip) = match connected.await {
        Ok(connected) => connected,
        Err(error) => {
            let error = crate::config::os_text(&error);
            let _ = inbox.send(Input::ConnectFailed { link, error }).await;
            return;
        }
    };
    let _ = inbox.send(Input::Connected { link, local_ip }).await;
    let (read, write) = stream.into_split();
    tokio::select! {
        () = receive(link, read, &inbox) => {}
        () = send(write, outbox) => {}
    }
    let _ = inbox.send(Input::Closed { link }).await;
}

async fn connect(to: &Endpoint, tls: bool, source: &str) -> io::Result<TcpStream> {
    if tls {
        return Err(io::Error::other("TLS is not available"));
    }
    let wrong = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let ip: IpAddr = to.ip.parse().map_err(wrong)?;
    let socket = if ip.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // An address of the other family is of no use for this peer.
    if let Ok(source) = source.parse::<IpAddr>()
        && source.is_ipv4() == ip.is_ipv4()
    {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.set_nodelay(true)?;
    socket.connect(SocketAddr::new(ip, to.port)).await
}

/// Passes on what the peer says, until it stops or makes no sense.
async fn receive(link: LinkId, mut stream: OwnedReadHalf, inbox: &Sender<Input>) {
    let mut decoder = FrameDecoder::with_limits(LIMITS);
    let mut buf = BytesMut::with_capacity(4 << 10);
    while let Ok(1..) = stream.read_buf(&mut buf).await {
        loop {
            match decoder.decode(&mut buf) {
                Ok(Some(frame)) => {
                    if inbox.send(Input::Frame { link, frame }).await.is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => return tracing::debug!("A peer makes no sense: {error}"),
            }
        }
    }
}

async fn send(mut stream: OwnedWriteHalf, mut outbox: UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = outbox.recv().await {
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
