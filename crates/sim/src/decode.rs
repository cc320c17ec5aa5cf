//! Requests, as the servers of the simulation read them.

use bytes::{Buf, BytesMut};
use redan_resp::{Frame, FrameDecoder};

/// What a server finds in what a client has sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Request {
    /// A command with its arguments.
    Command(Vec<Vec<u8>>),
    /// A bare newline: a replica that loads shows that it is alive.
    Newline,
}

/// Reads one connection's requests. Clients of the simulation send whole commands only.
#[derive(Default)]
pub(crate) struct Requests {
    decoder: FrameDecoder,
    buf: BytesMut,
}

impl Requests {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// The next one.
    ///
    /// # Panics
    /// On anything that is no command, which would be a bug of one of the machines.
    pub(crate) fn next(&mut self) -> Option<Request> {
        if self.buf.first() == Some(&b'\n') {
            self.buf.advance(1);
            return Some(Request::Newline);
        }
        let frame = self.decoder.decode(&mut self.buf).expect("machines send valid requests")?;
        Some(Request::Command(words(&frame)))
    }
}

/// The words of a command.
pub(crate) fn words(frame: &Frame) -> Vec<Vec<u8>> {
    let parts = frame.as_slice().expect("commands are arrays");
    parts.iter().map(|part| part.as_bytes().expect("of strings").to_vec()).collect()
}

/// The commands in a piece of a replication stream.
pub(crate) fn commands(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let frames = FrameDecoder::decode_all(bytes).expect("streams are made of whole commands");
    frames.iter().map(words).collect()
}
