//! A blocking client that knows just enough.

use anyhow::{Context, Result, bail};
use bytes::BytesMut;
use redan_resp::{Frame, FrameDecoder, encode_command};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for a reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a server on the loopback interface.
pub struct Client {
    stream: TcpStream,
    decoder: FrameDecoder,
    received: BytesMut,
}

impl Client {
    /// Connects to a port.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn connect(port: u16) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, decoder: FrameDecoder::new(), received: BytesMut::new() })
    }

    /// Limits how long a reply is waited for.
    pub fn set_patience(&self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).expect("a positive time");
    }

    /// Sends a command without waiting for its reply.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, args: &[&str]) -> Result<()> {
        let mut request = Vec::new();
        encode_command(&mut request, args.iter().map(|arg| arg.as_bytes()));
        self.send_raw(&request)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// The next reply.
    ///
    /// # Errors
    /// When the connection is gone, or nothing comes for long.
    pub fn receive(&mut self) -> Result<Frame> {
        loop {
            if let Some(frame) = self.decoder.decode(&mut self.received).context("a well-formed reply")? {
                return Ok(frame);
            }
            let mut chunk = [0; 16 * 1024];
            match self.stream.read(&mut chunk)? {
                0 => bail!("the connection was closed"),
                n => self.received.extend_from_slice(&chunk[..n]),
            }
        }
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Errors
    /// When the connection is gone. An error reply is a frame.
    pub fn try_call(&mut self, args: &[&str]) -> Result<Frame> {
        self.send(args)?;
        self.receive()
    }

    /// As [`try_call`](Self::try_call), with a simple reply as text.
    ///
    /// # Errors
    /// When the connection is gone, and for error replies.
    pub fn try_text(&mut self, args: &[&str]) -> Result<String> {
        match self.try_call(args)? {
            Frame::Error(error) => bail!("{}", String::from_utf8_lossy(&error)),
            frame => Ok(text_of(&frame)),
        }
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn call(&mut self, args: &[&str]) -> Frame {
        self.try_call(args).unwrap_or_else(|error| panic!("{args:?}: {error}"))
    }

    /// Sends a command and waits for its reply, as text.
    ///
    /// # Panics
    /// When the connection is gone, and for error replies.
    pub fn text(&mut self, args: &[&str]) -> String {
        self.try_text(args).unwrap_or_else(|error| panic!("{args:?}: {error}"))
    }

    /// A field of INFO; empty if it is not there.
    pub fn info(&mut self, section: &str, field: &str) -> String {
        let info = self.try_text(&["INFO", section]).unwrap_or_default();
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_default().to_owned()
    }
}

fn text_of(frame: &Frame) -> String {
    match frame {
        Frame::Int(number) => number.to_string(),
        Frame::Null => "(nil)".into(),
        Frame::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(" "),
        frame => {
            frame.as_bytes().map_or_else(String::new, |bytes| String::from_utf8_lossy(bytes).into_owned())
        }
    }
}
