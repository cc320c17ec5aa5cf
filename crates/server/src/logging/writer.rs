//! The thread that writes.

use super::line::{self, Mark};
use super::sink::Sink;
use jiff::tz::TimeZone;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::SystemTime;

/// Most bytes gathered before they are written.
const BATCH_BYTES: usize = 64 << 10;

/// A message with all that its line shows.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) time: SystemTime,
    pub(super) role: u8,
    pub(super) mark: Mark,
    pub(super) text: String,
}

/// What the queue carries.
#[derive(Debug)]
pub(super) enum Message {
    Record(Record),
    Raw(String),
    /// Answer when everything before is written.
    Flush(SyncSender<()>),
}

/// Writes messages until all handles are gone: what has gathered meanwhile, in one piece.
pub(super) fn run(messages: &Receiver<Message>, mut sink: Sink, dropped: &AtomicU64) {
    let mut batch = Batch { lines: Vec::new(), flushes: Vec::new(), zone: TimeZone::system() };
    while let Ok(first) = messages.recv() {
        let role = batch.add(first);
        while batch.lines.len() < BATCH_BYTES
            && let Ok(next) = messages.try_recv()
        {
            batch.add(next);
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let text =
                format!("{lost} log messages were dropped, because the log could not be written fast enough");
            let role = role.unwrap_or(b'M');
            batch.add(Message::Record(Record { time: SystemTime::now(), role, mark: Mark::Warning, text }));
        }
        batch.write(&mut sink);
    }
}

struct Batch {
    lines: Vec<u8>,
    flushes: Vec<SyncSender<()>>,
    zone: TimeZone,
}

impl Batch {
    /// Adds a message; the role of its sender, if it names one.
    fn add(&mut self, message: Message) -> Option<u8> {
        match message {
            Message::Record(record) => {
                line::append(&mut self.lines, std::process::id(), &record, &self.zone);
                return Some(record.role);
            }
            Message::Raw(text) => self.lines.extend_from_slice(text.as_bytes()),
            Message::Flush(done) => self.flushes.push(done),
        }
        None
    }

    fn write(&mut self, sink: &mut Sink) {
        if !self.lines.is_empty() {
            sink.write(&self.lines);
            self.lines.clear();
            self.lines.shrink_to(BATCH_BYTES);
        }
        for done in self.flushes.drain(..) {
            // Whoever asked may have stopped waiting.
            let _ = done.try_send(());
        }
    }
}
