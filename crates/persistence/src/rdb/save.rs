//! Drives a snapshot into an output.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use crc64::crc64;
use redan_keyspace::{Progress, Snapshot};

use super::sink::{LargeEntry, RdbSink};
use super::writer::RdbWriter;

/// A large entry is written together with its neighbours until this many bytes are there.
const LARGE_CHUNK_LEN: usize = 256 << 10;

/// Takes the file, chunk by chunk, in order.
pub trait RdbOutput {
    /// Takes the next chunk; returns when there is room for another one. An error ends the save.
    fn write_chunk(&mut self, chunk: Bytes) -> io::Result<()>;
}

/// An output that writes to a [`Write`]. It does not flush.
#[derive(Debug)]
pub struct WriteOutput<W>(pub W);

impl<W: Write> RdbOutput for WriteOutput<W> {
    fn write_chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        self.0.write_all(&chunk)
    }
}

/// Several outputs that share the chunks of one encoding pass. An output that fails is dropped from the rest of
/// the save; the save goes on while one is left.
#[derive(Default)]
pub struct FanOut<'a> {
    outputs: Vec<(usize, Box<dyn RdbOutput + 'a>)>,
    failures: Vec<(usize, io::Error)>,
    added: usize,
}

impl<'a> FanOut<'a> {
    /// No outputs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an output; returns the number under which its failure would be reported.
    pub fn add(&mut self, output: impl RdbOutput + 'a) -> usize {
        self.outputs.push((self.added, Box::new(output)));
        self.added += 1;
        self.added - 1
    }

    /// The outputs that failed so far, by number.
    pub fn failures(&self) -> &[(usize, io::Error)] {
        &self.failures
    }
}

impl RdbOutput for FanOut<'_> {
    fn write_chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        let failures = &mut self.failures;
        self.outputs.retain_mut(|(number, output)| match output.write_chunk(chunk.clone()) {
            Ok(()) => true,
            Err(error) => {
                failures.push((*number, error));
                false
            }
        });
        if self.outputs.is_empty() { Err(io::Error::other("all outputs of the RDB failed")) } else { Ok(()) }
    }
}

/// How far a save is, and whether it shall go on; shared with other threads.
#[derive(Debug, Default)]
pub struct SaveProgress {
    keys: AtomicU64,
    bytes: AtomicU64,
    cancelled: AtomicBool,
}

impl SaveProgress {
    /// Keys saved so far (`current_save_keys_processed`).
    pub fn keys(&self) -> u64 {
        self.keys.load(Relaxed)
    }

    /// Bytes that the output has taken so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Makes the save end soon, with [`SaveError::Cancelled`].
    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    fn check(&self) -> Result<(), SaveError> {
        if self.cancelled.load(Relaxed) { Err(SaveError::Cancelled) } else { Ok(()) }
    }
}

/// How a snapshot is saved, beside what its [`RdbSink`] was told.
pub struct SaveOptions<'a> {
    /// Write a checksum (`rdbchecksum`); otherwise zeroes.
    pub checksum: bool,
    /// How many keys the walker may capture before the output gets them; some thousand.
    pub keys_per_step: usize,
    /// Called after each step with the number of keys captured in it, while no lock is held (`rdb-key-save-delay` sleeps
    /// here, with small steps).
    pub after_step: &'a mut dyn FnMut(u64),
}

/// What was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaveStats {
    /// Number of keys.
    pub keys: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// The checksum, 0 if it was not wanted.
    pub checksum: u64,
}

/// Why a snapshot was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The output failed.
    #[error("Write error saving DB on disk: {0}")]
    Output(#[from] io::Error),
    /// [`SaveProgress::cancel`] was called.
    #[error("saving was cancelled")]
    Cancelled,
}

/// Walks the snapshot to its end and writes the whole file to `output`.
///
/// Blocks; to be called on a thread of its own. Whatever happens, the snapshot is over afterwards, and no worker waits
/// for room in `sink` any more. On an error the output holds an incomplete file.
pub fn save_snapshot(
    snapshot: Snapshot<'_>,
    sink: &RdbSink,
    output: &mut dyn RdbOutput,
    options: SaveOptions<'_>,
    progress: &SaveProgress,
) -> Result<SaveStats, SaveError> {
    let mut saver = Saver {
        sink,
        output,
        progress,
        checksum: options.checksum.then_some(0),
        bytes: 0,
        large: RdbWriter::new(sink.options().compression),
    };
    let saved = saver.run(&snapshot, options.keys_per_step, options.after_step);
    sink.close();
    drop(snapshot);
    saved
}

struct Saver<'a> {
    sink: &'a RdbSink,
    output: &'a mut dyn RdbOutput,
    progress: &'a SaveProgress,
    /// The checksum so far, if there is to be one.
    checksum: Option<u64>,
    bytes: u64,
    /// Writes the large entries.
    large: RdbWriter,
}

impl Saver<'_> {
    fn run(
        &mut self,
        snapshot: &Snapshot<'_>,
        keys_per_step: usize,
        after_step: &mut dyn FnMut(u64),
    ) -> Result<SaveStats, SaveError> {
        loop {
            self.progress.check()?;
            let before = self.sink.keys_captured();
            let progress = snapshot.walk_step(keys_per_step);
            self.write_batch(false)?;
            after_step(self.sink.keys_captured() - before);
            if progress == Progress::Done {
                break;
            }
        }
        // Large entries are written behind the chunks of their batch, so the end mark needs a batch of its own.
        self.write_batch(true)?;
        self.sink.put_end();
        self.write_batch(true)?;
        let checksum = self.checksum.take().unwrap_or(0);
        self.write(Bytes::copy_from_slice(&checksum.to_le_bytes()))?;
        Ok(SaveStats { keys: self.sink.keys_captured(), bytes: self.bytes, checksum })
    }

    /// Writes what the sink has; `all` includes its unfinished buffer.
    fn write_batch(&mut self, all: bool) -> Result<(), SaveError> {
        let batch = self.sink.take(all);
        for chunk in batch.chunks {
            self.write(chunk)?;
        }
        self.write_large(batch.large)?;
        self.sink.taken_is_written();
        self.progress.keys.store(self.sink.keys_captured(), Relaxed);
        Ok(())
    }

    fn write_large(&mut self, entries: VecDeque<LargeEntry>) -> Result<(), SaveError> {
        for entry in entries {
            entry.put(&mut self.large);
            if self.large.len() >= LARGE_CHUNK_LEN {
                self.flush_large()?;
            }
        }
        self.flush_large()?;
        self.large.deselect();
        Ok(())
    }

    fn flush_large(&mut self) -> Result<(), SaveError> {
        if self.large.is_empty() {
            return Ok(());
        }
        let chunk = self.large.take(0);
        self.write(chunk)
    }

    fn write(&mut self, chunk: Bytes) -> Result<(), SaveError> {
        self.progress.check()?;
        if let Some(checksum) = &mut self.checksum {
            *checksum = crc64(*checksum, &chunk);
        }
        self.bytes += chunk.len() as u64;
        self.output.write_chunk(chunk)?;
        self.progress.bytes.store(self.bytes, Relaxed);
        Ok(())
    }
}
