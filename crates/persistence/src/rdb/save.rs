//! Drives a snapshot into an output.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use crc64::crc64;
use redan_keyspace::{Progress, Snapshot};

use super::sink::{Batch, RdbSink};
use super::writer::{EntryWriter, RdbHeader, RdbWriter};
use crate::aof::AofBaseWriter;

/// The output gets chunks of this many bytes, or larger ones for large values.
const CHUNK_LEN: usize = 64 << 10;

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

/// How a snapshot is saved.
pub struct SaveOptions<'a> {
    /// Compress strings (`rdbcompression`).
    pub compression: bool,
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

/// Walks the snapshot to its end and writes the whole file to `output`. `sink` is what the cut was made with, `header`
/// describes the moment of the cut.
///
/// Blocks; to be called on a thread of its own. Whatever happens, the snapshot is over afterwards, and no worker waits
/// for room in `sink` any more. On an error the output holds an incomplete file.
pub fn save_snapshot(
    snapshot: Snapshot<'_>,
    sink: &RdbSink,
    header: &RdbHeader,
    output: &mut dyn RdbOutput,
    options: SaveOptions<'_>,
    progress: &SaveProgress,
) -> Result<SaveStats, SaveError> {
    let mut writer = RdbWriter::new(options.compression);
    writer.put_header(header, snapshot.sizes());
    let out = ChunkWriter { output, progress, checksum: options.checksum.then_some(0), bytes: 0 };
    let mut saver = Saver { sink, out, writer, batch: Batch::default() };
    let saved = saver.walk(&snapshot, options.keys_per_step, options.after_step).and_then(|()| {
        saver.writer.put_end();
        saver.out.write(saver.writer.take(0))?;
        let checksum = saver.out.checksum.take().unwrap_or(0);
        saver.out.write(Bytes::copy_from_slice(&checksum.to_le_bytes()))?;
        Ok(saver.stats(checksum))
    });
    sink.close();
    drop(snapshot);
    saved
}

/// [`save_snapshot`] as the commands that create the dataset: the base of an AOF without an RDB preamble. `writer` holds
/// what stands in front, `end` is written behind the last command. [`SaveStats::checksum`] is 0.
pub fn save_commands(
    snapshot: Snapshot<'_>,
    sink: &RdbSink,
    (writer, end): (AofBaseWriter, &[u8]),
    output: &mut dyn RdbOutput,
    options: SaveOptions<'_>,
    progress: &SaveProgress,
) -> Result<SaveStats, SaveError> {
    let out = ChunkWriter { output, progress, checksum: None, bytes: 0 };
    let mut saver = Saver { sink, out, writer, batch: Batch::default() };
    let saved = saver.walk(&snapshot, options.keys_per_step, options.after_step).and_then(|()| {
        saver.writer.put_raw(end);
        saver.out.write(saver.writer.take(0))?;
        Ok(saver.stats(0))
    });
    sink.close();
    drop(snapshot);
    saved
}

struct Saver<'a, W> {
    sink: &'a RdbSink,
    out: ChunkWriter<'a>,
    writer: W,
    batch: Batch,
}

impl<W: EntryWriter> Saver<'_, W> {
    /// Walks to the end of the snapshot and writes all of its entries, but for an unfinished chunk.
    fn walk(
        &mut self,
        snapshot: &Snapshot<'_>,
        keys_per_step: usize,
        after_step: &mut dyn FnMut(u64),
    ) -> Result<(), SaveError> {
        let mut keys = 0;
        loop {
            self.out.progress.check()?;
            let progress = snapshot.walk_step(keys_per_step);
            self.write_batch()?;
            let before = std::mem::replace(&mut keys, self.sink.keys_captured());
            self.out.progress.keys.store(keys, Relaxed);
            after_step(keys - before);
            if progress == Progress::Done {
                return Ok(());
            }
        }
    }

    fn stats(&self, checksum: u64) -> SaveStats {
        SaveStats { keys: self.sink.keys_captured(), bytes: self.out.bytes, checksum }
    }

    /// Encodes and writes what the sink has, but for an unfinished chunk.
    fn write_batch(&mut self) -> Result<(), SaveError> {
        let Self { sink, out, writer, batch } = self;
        sink.take(batch);
        let mut unreleased = 0;
        batch.write(writer, |writer, footprint| {
            unreleased += footprint;
            if writer.len() < CHUNK_LEN {
                return Ok(());
            }
            out.write(writer.take(CHUNK_LEN + CHUNK_LEN / 8))?;
            sink.release(std::mem::take(&mut unreleased));
            Ok::<(), SaveError>(())
        })?;
        sink.release(unreleased);
        Ok(())
    }
}

/// The output with what is counted on the way.
struct ChunkWriter<'a> {
    output: &'a mut dyn RdbOutput,
    progress: &'a SaveProgress,
    /// The checksum so far, if there is to be one.
    checksum: Option<u64>,
    bytes: u64,
}

impl ChunkWriter<'_> {
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
