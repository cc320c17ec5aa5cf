//! A client's socket, whatever it came in by.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// A connected socket that belongs to the runtime of one worker.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

/// A connected, non-blocking socket on its way from one runtime to another.
#[derive(Debug)]
pub enum LooseSocket {
    /// TCP.
    Tcp(std::net::TcpStream),
    /// A Unix socket.
    Unix(std::os::unix::net::UnixStream),
}

impl LooseSocket {
    /// Binds the socket to the runtime the caller is in.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn attach(self) -> io::Result<Socket> {
        match self {
            Self::Tcp(socket) => TcpStream::from_std(socket).map(Socket::Tcp),
            Self::Unix(socket) => UnixStream::from_std(socket).map(Socket::Unix),
        }
    }
}

impl Socket {
    /// Takes the socket from the runtime it belongs to.
    ///
    /// # Errors
    /// When the runtime cannot let go of it.
    pub fn detach(self) -> io::Result<LooseSocket> {
        match self {
            Self::Tcp(socket) => socket.into_std().map(LooseSocket::Tcp),
            Self::Unix(socket) => socket.into_std().map(LooseSocket::Unix),
        }
    }

    /// Reads once into the spare room of `buf`; 0 at the end of the stream, or without room.
    ///
    /// A read that leaves room is known to have emptied the socket: the next one waits without asking the system.
    #[inline]
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(socket) => pin!(socket.read_buf(buf)).poll(cx),
            Self::Unix(socket) => pin!(socket.read_buf(buf)).poll(cx),
        }
    }

    /// Writes once.
    #[inline]
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Unix(socket) => Pin::new(socket).poll_write(cx, bytes),
        }
    }
}
