//! Talking to another server on behalf of MIGRATE, over connections that are kept for a while.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redan_engine::{Exchange, ExchangeError};

/// Connections kept at most.
const KEPT_MAX: usize = 64;
/// How long an unused connection is kept.
const KEEP: Duration = Duration::from_secs(10);
/// Longest line that a reply may be.
const LINE_MAX: u64 = 64 * 1024;

type Peer = (Vec<u8>, Vec<u8>);

/// The connections that are kept.
#[derive(Default)]
pub(super) struct Exchanges(Mutex<HashMap<Peer, (TcpStream, Instant)>>);

impl Exchanges {
    /// Number of connections that are kept.
    pub(super) fn kept(&self) -> usize {
        self.0.lock().len()
    }

    /// Closes what was not used for some time.
    pub(super) fn close_idle(&self) {
        self.0.lock().retain(|_, (_, used)| used.elapsed() < KEEP);
    }

    /// Sends requests and reads a line for each. A connection that turns out to be closed is replaced once.
    pub(super) fn run(
        &self,
        host: &[u8],
        port: &[u8],
        request: &[u8],
        replies: usize,
        timeout: Duration,
    ) -> Exchange {
        let peer = (host.to_vec(), port.to_vec());
        let kept = self.0.lock().remove(&peer);
        if let Some((stream, _)) = kept {
            let (exchange, timed_out) = self.talk(&peer, stream, request, replies, timeout);
            // Without any reply from a connection that is gone nothing was done.
            if exchange.error.is_none() || timed_out || !exchange.replies.is_empty() {
                return exchange;
            }
        }
        match connect(&peer, timeout) {
            Some(stream) => self.talk(&peer, stream, request, replies, timeout).0,
            None => Exchange { replies: Vec::new(), error: Some(ExchangeError::Connecting) },
        }
    }

    /// The exchange over one connection, which is kept if all went well; and whether it took too long.
    fn talk(
        &self,
        peer: &Peer,
        mut stream: TcpStream,
        request: &[u8],
        replies: usize,
        timeout: Duration,
    ) -> (Exchange, bool) {
        let failed = |replies, error| Exchange { replies, error: Some(error) };
        let set = stream.set_write_timeout(Some(timeout)).and(stream.set_read_timeout(Some(timeout)));
        if let Err(error) = set.and_then(|()| stream.write_all(request)) {
            return (failed(Vec::new(), ExchangeError::Writing), is_timeout(&error));
        }
        let mut reader = BufReader::new(&stream);
        let mut lines = Vec::with_capacity(replies);
        while lines.len() < replies {
            match read_line(&mut reader) {
                Ok(line) => lines.push(line),
                Err(error) => return (failed(lines, ExchangeError::Reading), is_timeout(&error)),
            }
        }
        let mut kept = self.0.lock();
        if kept.len() >= KEPT_MAX
            && let Some(oldest) = kept.iter().min_by_key(|(_, (_, used))| *used).map(|(peer, _)| peer.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(peer.clone(), (stream, Instant::now()));
        (Exchange { replies: lines, error: None }, false)
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

fn connect((host, port): &Peer, timeout: Duration) -> Option<TcpStream> {
    let host = std::str::from_utf8(host).ok()?;
    let port: u16 = std::str::from_utf8(port).ok()?.parse().ok()?;
    let stream = (host, port)
        .to_socket_addrs()
        .ok()?
        .find_map(|address| TcpStream::connect_timeout(&address, timeout).ok())?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// A line without its end.
fn read_line(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    reader.take(LINE_MAX).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that answers each connection with these bytes once something came, and then closes it.
    fn serve(answers: Vec<&'static [u8]>) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 64]).unwrap();
                stream.write_all(answer).unwrap();
            }
        });
        port.to_string().into_bytes()
    }

    #[test]
    fn connections_are_kept_and_replaced() {
        let exchanges = Exchanges::default();
        let port = serve(vec![b"+OK\r\n-ERR no\r\n", b"+again\r\n", b"+half"]);
        let timeout = Duration::from_secs(20);
        let first = exchanges.run(b"127.0.0.1", &port, b"x", 2, timeout);
        assert_eq!((first.replies, first.error), (vec![b"+OK".to_vec(), b"-ERR no".to_vec()], None));
        assert_eq!(exchanges.kept(), 1);
        let second = exchanges.run(b"127.0.0.1", &port, b"x", 1, timeout);
        assert_eq!((second.replies, second.error), (vec![b"+again".to_vec()], None));
        let third = exchanges.run(b"127.0.0.1", &port, b"x", 1, timeout);
        assert_eq!((third.replies.len(), third.error), (0, Some(ExchangeError::Reading)));
        assert_eq!(exchanges.kept(), 0);
        let nobody = exchanges.run(b"127.0.0.1", b"nowhere", b"x", 1, timeout);
        assert_eq!(nobody.error, Some(ExchangeError::Connecting));
    }
}
