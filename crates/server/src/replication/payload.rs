//! The payload of a full synchronisation on its way from the socket: into a file, or straight to whoever loads it.

use super::loader::Loader;
use crate::config::rows;
use crate::host::Server;
use crate::persist::{TempFile, rdb_path};
use bytes::{Buf, Bytes};
use redan_replication::replica::io::{LinkId, LoadMode};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Chunks that may wait to be loaded.
const PIPE_LEN: usize = 64;

/// A payload being received.
pub(super) struct Payload {
    loader: Loader,
    way: Way,
}

enum Way {
    /// Into a file, which is loaded when it is complete.
    File(TempFile),
    /// To the thread that loads it already.
    Pipe { chunks: SyncSender<Chunk>, cancelled: Arc<AtomicBool> },
    /// Nowhere: it cannot be stored.
    Lost(String),
}

/// A part of the payload for the thread that loads it.
enum Chunk {
    Data(Bytes),
    End,
}

impl Payload {
    /// Makes room for a payload.
    pub(super) fn begin(server: &Arc<Server>, loader: &Loader) -> Self {
        let loader = loader.clone();
        let way = match loader.load {
            LoadMode::Disk => {
                let settings = server.config().load();
                let temp_name =
                    format!("temp-{}.{}.rdb", server.engine().clock().wall_ms() / 1000, std::process::id());
                match TempFile::create(
                    &rdb_path(&settings),
                    &temp_name,
                    settings.get(rows::RDB_SAVE_INCREMENTAL_FSYNC),
                ) {
                    Ok(file) => Way::File(file),
                    Err(error) => Way::Lost(error.to_string()),
                }
            }
            LoadMode::Flush | LoadMode::SwapDb => {
                let (chunks, receiver) = sync_channel(PIPE_LEN);
                let cancelled = Arc::new(AtomicBool::new(false));
                let source = PipeReader { chunks: receiver, rest: Bytes::new(), ended: false };
                match loader.clone().load_from_pipe(source, Arc::clone(&cancelled)) {
                    Ok(()) => Way::Pipe { chunks, cancelled },
                    Err(error) => Way::Lost(error.to_string()),
                }
            }
        };
        Self { loader, way }
    }

    /// The connection it comes from.
    pub(super) fn link(&self) -> LinkId {
        self.loader.link
    }

    /// Takes a part; waits while the loader is behind.
    pub(super) fn take(&mut self, bytes: Bytes) -> Result<(), String> {
        match &mut self.way {
            Way::File(file) => file.write_chunk(&bytes).map_err(|error| crate::config::os_text(&error)),
            Way::Pipe { chunks, .. } => {
                // A loader that is gone has reported why.
                let _ = chunks.send(Chunk::Data(bytes));
                Ok(())
            }
            Way::Lost(error) => Err(std::mem::take(error)),
        }
    }

    /// It is complete: has it loaded.
    pub(super) fn finish(self, server: &Arc<Server>) -> Result<(), String> {
        match self.way {
            Way::File(file) => {
                file.complete().map_err(|error| error.to_string())?;
                let path = rdb_path(&server.config().load());
                self.loader.load_file(path).map_err(|error| error.to_string())
            }
            Way::Pipe { chunks, .. } => {
                let _ = chunks.send(Chunk::End);
                Ok(())
            }
            Way::Lost(error) => Err(error),
        }
    }

    /// The connection broke.
    pub(super) fn abandon(self) {
        if let Way::Pipe { cancelled, .. } = self.way {
            cancelled.store(true, Relaxed);
        }
    }
}

/// The payload as the loader reads it.
pub(super) struct PipeReader {
    chunks: Receiver<Chunk>,
    rest: Bytes,
    ended: bool,
}

impl PipeReader {
    /// Waits for the end of the payload; what follows the last byte that was read is dropped. An error when the
    /// connection breaks first.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        let mut scratch = [0; 4096];
        while self.read(&mut scratch)? > 0 {}
        Ok(())
    }
}

impl Read for PipeReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !self.ended {
            match self.chunks.recv() {
                Ok(Chunk::Data(bytes)) => self.rest = bytes,
                Ok(Chunk::End) => self.ended = true,
                Err(_) => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        let len = buf.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buf[..len]);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_read_to_its_end_in_pieces() {
        let (chunks, receiver) = sync_channel(8);
        let mut pipe = PipeReader { chunks: receiver, rest: Bytes::new(), ended: false };
        for part in ["abc", "", "defgh"] {
            chunks.send(Chunk::Data(Bytes::from_static(part.as_bytes()))).unwrap();
        }
        chunks.send(Chunk::End).unwrap();
        let mut two = [0; 2];
        assert_eq!(pipe.read(&mut two).unwrap(), 2);
        assert_eq!(&two, b"ab");
        let mut rest = String::new();
        pipe.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "cdefgh");
        pipe.drain().unwrap();
    }

    #[test]
    fn a_broken_pipe_is_an_error() {
        let (chunks, receiver) = sync_channel::<Chunk>(1);
        drop(chunks);
        let mut pipe = PipeReader { chunks: receiver, rest: Bytes::new(), ended: false };
        assert_eq!(pipe.read(&mut [0; 2]).unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }
}
