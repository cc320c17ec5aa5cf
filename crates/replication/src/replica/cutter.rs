//! The stream of commands from the master, cut into pieces that can be applied.

use bytes::{Buf, Bytes, BytesMut};
use redan_resp::{Args, Decoded, ProtocolError, RequestDecoder, RequestLimits, Span, parse_u64};

use crate::Audience;

/// Whole commands or whole transactions.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) audience: Audience,
    /// Database selected before and behind the piece.
    pub(super) db: u32,
    pub(super) db_after: u32,
    /// The piece asks for an acknowledgement (it then is one command).
    pub(super) is_getack: bool,
}

/// Why the stream cannot be read any further.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StreamError {
    /// Commands come as multibulk only; this is what a lost or doubled byte looks like.
    #[error("inline request in the stream")]
    Inline,
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// What a command means for the cutting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Write,
    Select(u32),
    Multi,
    Exec,
    KeepAlive,
    GetAck,
}

impl Kind {
    fn of(args: Args<'_>) -> Kind {
        let name = &args[0];
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        // Nearly all commands are none of these, and their names have other lengths or first letters.
        match name.len() {
            4 if is("PING") => Kind::KeepAlive,
            4 if is("EXEC") => Kind::Exec,
            5 if is("MULTI") => Kind::Multi,
            6 if is("SELECT") => args
                .get(1)
                .and_then(parse_u64)
                .and_then(|db| db.try_into().ok())
                .map_or(Kind::Write, Kind::Select),
            7 if is("DISCARD") => Kind::Exec,
            8 if is("REPLCONF") => {
                let getack = args.get(1).is_some_and(|option| option.eq_ignore_ascii_case(b"GETACK"));
                if getack { Kind::GetAck } else { Kind::KeepAlive }
            }
            _ => Kind::Write,
        }
    }

    fn audience(self) -> Audience {
        match self {
            Kind::KeepAlive | Kind::GetAck => Audience::ReplicasOnly,
            _ => Audience::All,
        }
    }
}

/// Cuts the stream. Nothing of a transaction is given out before its EXEC: a link that breaks in the middle resumes at
/// its MULTI, and neither the data set nor our own replicas have seen half of it.
#[derive(Debug)]
pub(super) struct StreamCutter {
    /// What was not given out.
    buf: BytesMut,
    /// Bytes of `buf` that are whole commands.
    scanned: usize,
    decoder: RequestDecoder,
    limits: RequestLimits,
    spans: Vec<Span>,
    in_multi: bool,
    /// For whom the commands in front of `scanned` are.
    audience: Audience,
    /// Database selected at the front of `buf`, and at `scanned`.
    db: u32,
    db_scanned: u32,
}

impl StreamCutter {
    pub(super) fn new(db: u32) -> Self {
        StreamCutter {
            buf: BytesMut::new(),
            scanned: 0,
            decoder: RequestDecoder::new(),
            // A master is not bound by our own limits: it may have accepted what we would not.
            limits: RequestLimits {
                max_bulk_len: u32::MAX as usize,
                max_buffer: usize::MAX,
                ..RequestLimits::authenticated()
            },
            spans: Vec::new(),
            in_multi: false,
            audience: Audience::All,
            db,
            db_scanned: db,
        }
    }

    /// Bytes received that are not given out.
    pub(super) fn pending(&self) -> usize {
        self.buf.len()
    }

    /// Takes what arrived and gives out all pieces that are complete.
    pub(super) fn feed(&mut self, bytes: &[u8], mut give: impl FnMut(Piece)) -> Result<(), StreamError> {
        self.buf.extend_from_slice(bytes);
        loop {
            self.spans.clear();
            let rest = &self.buf[self.scanned..];
            match self.decoder.decode(rest, &self.limits, &mut self.spans)? {
                Decoded::Request { consumed, .. } => {
                    let kind = Kind::of(Args::new(rest, &self.spans));
                    self.on_command(kind, consumed, &mut give);
                }
                // A bare newline keeps the link alive and is no part of the stream.
                Decoded::Empty { consumed } if rest[0] != b'*' => {
                    let mut behind = self.buf.split_off(self.scanned);
                    behind.advance(consumed);
                    self.buf.unsplit(behind);
                }
                Decoded::Empty { consumed } => self.on_command(Kind::Write, consumed, &mut give),
                Decoded::Inline(..) => return Err(StreamError::Inline),
                Decoded::Incomplete { .. } => break,
            }
        }
        if !self.in_multi {
            self.cut(false, &mut give);
        }
        Ok(())
    }

    fn on_command(&mut self, kind: Kind, consumed: usize, give: &mut impl FnMut(Piece)) {
        if !self.in_multi {
            if kind.audience() != self.audience || kind == Kind::Multi || kind == Kind::GetAck {
                self.cut(false, give);
            }
            self.audience = kind.audience();
        }
        self.scanned += consumed;
        match kind {
            Kind::Select(db) => self.db_scanned = db,
            Kind::Multi => self.in_multi = true,
            Kind::Exec => self.in_multi = false,
            Kind::GetAck if !self.in_multi => self.cut(true, give),
            Kind::Write | Kind::KeepAlive | Kind::GetAck => {}
        }
    }

    /// Gives out the commands in front of `scanned`.
    fn cut(&mut self, is_getack: bool, give: &mut impl FnMut(Piece)) {
        if self.scanned == 0 {
            return;
        }
        let bytes = self.buf.split_to(self.scanned).freeze();
        self.scanned = 0;
        let (db, db_after) = (self.db, self.db_scanned);
        self.db = self.db_scanned;
        give(Piece { bytes, audience: self.audience, db, db_after, is_getack });
    }
}

#[cfg(test)]
mod tests;
