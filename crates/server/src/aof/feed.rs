//! The writer's place in the log, and what has to stand in front of the next bytes in the file.

use redan_persistence::aof::Annotation;
use redan_replication::{Audience, CursorError, CursorId, Log, LogRead, OutOfRange, ReplId};
use redan_resp::encode_command;

/// Bytes taken from the log at once.
const MAX_READ: usize = 4 << 20;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) cursor: CursorId,
    /// Holds in the log what is in the file and not on disk: with `appendfsync always` it can be written anew.
    kept: CursorId,
    /// Length of the file at `kept`.
    kept_len: u64,
    /// Offset of the file's first byte.
    pub(super) begin: u64,
    /// Everything before this offset is in the file.
    pub(super) position: u64,
    /// The database that is selected in the log at the file's beginning, if it has no SELECT there.
    first_db: Option<u32>,
    /// The same, until it is in the file.
    select: Option<u32>,
    /// Where replication stands behind the last byte, as far as the file says.
    annotated: Option<(ReplId, u64)>,
    /// The last bytes end within a command: no annotation may follow.
    is_mid_record: bool,
    /// The time of the last annotation, Unix seconds.
    last_timestamp_s: i64,
}

impl Feed {
    /// A file that begins at the end of the log; the caller runs alone.
    pub(super) fn attach(log: &Log) -> Result<Self, OutOfRange> {
        let end = log.end_offset();
        let cursor = log.attach(end, Audience::All)?;
        let kept = log.attach(end, Audience::All)?;
        let db = log.stream_db();
        Ok(Self {
            cursor,
            kept,
            kept_len: 0,
            begin: end,
            position: end,
            first_db: db,
            select: db,
            annotated: None,
            is_mid_record: false,
            last_timestamp_s: 0,
        })
    }

    /// The log need not be kept for the file any more.
    pub(super) fn detach(&self, log: &Log) {
        log.detach(self.cursor);
        log.detach(self.kept);
    }

    /// Goes on with another file, which begins here.
    pub(super) fn begin_file(&mut self, db: Option<u32>) {
        self.begin = self.position;
        self.first_db = db;
        self.select = db;
        self.annotated = None;
        self.kept_len = 0;
    }

    /// The file has data already: the database is selected in it or not, but not at its beginning.
    pub(super) fn resume_file(&mut self, file_len: u64) {
        self.kept_len = file_len;
    }

    /// What comes next, if there is something.
    pub(super) fn read(&mut self, log: &Log) -> Result<Option<LogRead>, CursorError> {
        let read = log.read(self.cursor, MAX_READ)?;
        if read.start < read.end {
            return Ok(Some(read));
        }
        // What was skipped is for replicas only.
        self.position = read.start;
        Ok(None)
    }

    /// Writes to `out` what `read` is in the file. With `timestamp_s`, the time is noted too.
    pub(super) fn render(&self, log: &Log, read: &LogRead, timestamp_s: Option<i64>, out: &mut Vec<u8>) {
        if !self.is_mid_record {
            if let Some(now_s) = timestamp_s.filter(|&now_s| now_s > self.last_timestamp_s) {
                Annotation::Timestamp(now_s).write(out);
            }
            if let Some(db) = self.select {
                let mut digits = itoa::Buffer::new();
                encode_command(out, [b"SELECT".as_slice(), digits.format(db).as_bytes()].into_iter());
            }
            let id = log.ids().id;
            if self.is_annotated(log) && self.annotated != Some((id, read.start)) {
                Annotation::Replication { id: id.to_string(), offset: read.start }.write(out);
            }
        }
        read.chunks.iter().for_each(|chunk| out.extend_from_slice(chunk));
    }

    /// Whether somebody could resume from what the file says of replication.
    fn is_annotated(&self, log: &Log) -> bool {
        self.annotated.is_some() || log.has_backlog()
    }

    /// What [`render`](Self::render) made of `read` is in the file.
    pub(super) fn on_written(&mut self, log: &Log, read: &LogRead, timestamp_s: Option<i64>) {
        if !self.is_mid_record {
            self.select = None;
            self.last_timestamp_s = timestamp_s.unwrap_or(0).max(self.last_timestamp_s);
            if self.is_annotated(log) {
                self.annotated = Some((log.ids().id, read.end));
            }
        } else if let Some((_, offset)) = &mut self.annotated {
            *offset = read.end;
        }
        self.is_mid_record = read.end - read.start == MAX_READ as u64;
        self.position = read.end;
        // A cursor that is gone is noticed when it is read.
        let _ = log.advance(self.cursor, read.end);
    }

    /// The file, `file_len` bytes, need not be written anew: it is on disk, or on its way and beyond help.
    pub(super) fn release(&mut self, log: &Log, file_len: u64) {
        self.kept_len = file_len;
        let _ = log.advance(self.cursor, self.position);
        let _ = log.advance(self.kept, self.position);
    }

    /// Whether all of the file behind `synced_len` can be written anew.
    pub(super) fn can_rewind(&self, synced_len: u64) -> bool {
        self.kept_len == synced_len
    }

    /// What was not synced is to be written anew.
    pub(super) fn rewind(&mut self, log: &Log) -> Result<(), CursorError> {
        let from = log.cursor_offset(self.kept)?;
        log.retreat(self.cursor, from)?;
        self.position = from;
        self.annotated = None;
        self.is_mid_record = false;
        self.select = self.first_db.filter(|_| self.kept_len == 0);
        Ok(())
    }

    /// The line that says where the file ends, if that is known to be of use.
    pub(super) fn last_line(&self, log: &Log) -> Option<Vec<u8>> {
        let here = (log.ids().id, self.position);
        let is_due = self.is_annotated(log) && self.annotated != Some(here) && !self.is_mid_record;
        is_due.then(|| {
            let mut line = Vec::new();
            Annotation::Replication { id: here.0.to_string(), offset: here.1 }.write(&mut line);
            line
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &[u8; 20] = b"12345678901234567890";

    fn log() -> Log {
        Log::new(ReplId::from_random(*ID))
    }

    fn append(log: &Log, db: u32, audience: Audience, command: &str) {
        log.append_command(
            db,
            audience,
            command.split(' ').map(str::as_bytes).collect::<Vec<_>>().into_iter(),
        );
    }

    /// Everything there is, as it is in the file.
    fn drain(feed: &mut Feed, log: &Log, now_s: Option<i64>) -> String {
        let mut out = Vec::new();
        while let Some(read) = feed.read(log).unwrap() {
            feed.render(log, &read, now_s, &mut out);
            feed.on_written(log, &read, now_s);
        }
        String::from_utf8(out).unwrap().replace("\r\n", " ").replace(&log.ids().id.to_string(), "ID")
    }

    #[test]
    fn a_file_begins_with_what_is_selected_and_without_what_is_for_replicas() {
        let log = log();
        let mut feed = Feed::attach(&log).unwrap();
        append(&log, 3, Audience::All, "A");
        assert_eq!(drain(&mut feed, &log, Some(5)), "#TS:5 *2 $6 SELECT $1 3 *1 $1 A ");
        append(&log, 0, Audience::ReplicasOnly, "PING");
        append(&log, 3, Audience::All, "B");
        assert_eq!(drain(&mut feed, &log, Some(5)), "*1 $1 B ");
        feed.begin_file(log.stream_db());
        append(&log, 3, Audience::All, "C");
        assert_eq!(drain(&mut feed, &log, None), "*2 $6 SELECT $1 3 *1 $1 C ");
    }

    #[test]
    fn offsets_are_noted_where_they_do_not_follow_from_what_is_there() {
        let log = log();
        log.create_backlog();
        let mut feed = Feed::attach(&log).unwrap();
        append(&log, 0, Audience::All, "A");
        assert_eq!(drain(&mut feed, &log, None), "#REPL:ID:0 *2 $6 SELECT $1 0 *1 $1 A ");
        append(&log, 0, Audience::All, "B");
        assert_eq!(drain(&mut feed, &log, None), "*1 $1 B ");
        append(&log, 0, Audience::ReplicasOnly, "PING");
        append(&log, 0, Audience::All, "C");
        assert_eq!(drain(&mut feed, &log, None), "#REPL:ID:59 *1 $1 C ");
        assert_eq!(feed.last_line(&log), None);
        append(&log, 0, Audience::ReplicasOnly, "PING");
        assert_eq!(drain(&mut feed, &log, None), "");
        assert!(feed.last_line(&log).is_some_and(|line| line.ends_with(b":84\r\n")));
    }

    #[test]
    fn what_was_not_synced_comes_again() {
        let log = log();
        append(&log, 2, Audience::All, "X");
        let mut feed = Feed::attach(&log).unwrap();
        append(&log, 2, Audience::All, "A");
        let first = drain(&mut feed, &log, None);
        assert!(feed.can_rewind(0));
        feed.rewind(&log).unwrap();
        assert_eq!(drain(&mut feed, &log, None), first, "the file is empty again");
        feed.release(&log, first.len() as u64);
        append(&log, 2, Audience::All, "B");
        assert_eq!(drain(&mut feed, &log, None), "*1 $1 B ");
        feed.rewind(&log).unwrap();
        assert_eq!(drain(&mut feed, &log, None), "*1 $1 B ");
    }
}
