//! Reads an AOF: command by command, with the offsets that say where a damaged file can be cut.

use std::io::{self, BufRead, Read};

use redan_resp::{Args, Span};

use super::Annotation;

/// Longest line that introduces a command or an argument, and longest annotation, in bytes.
const MAX_LINE_LEN: u64 = 1024;
/// The first allocation for an argument; later ones double what was really read.
const FIRST_ARG_CHUNK: u64 = 1 << 20;

/// What was read.
#[derive(Debug)]
pub enum Record<'a> {
    /// A command, and its length in the file.
    Command(Args<'a>, u64),
    /// A line that starts with `#`; `None` if it is not known.
    Annotation(Option<Annotation>),
}

/// Why reading ended.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file ends inside a command.
    #[error("Unexpected end of file")]
    UnexpectedEof,
    /// What is there is no command.
    #[error("Bad file format")]
    BadFormat,
    /// The source failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Reads the commands of one file. Memory is allocated for what was read, never for what a length promises.
#[derive(Debug)]
pub struct AofReader<R> {
    source: R,
    offset: u64,
    line: Vec<u8>,
    /// The arguments of the last command, one behind the other.
    buf: Vec<u8>,
    spans: Vec<Span>,
}

impl<R: BufRead> AofReader<R> {
    /// Reads from `source`, whose first byte is at `offset` in its file.
    pub fn new(source: R, offset: u64) -> Self {
        Self { source, offset, line: Vec::new(), buf: Vec::new(), spans: Vec::new() }
    }

    /// Where the next byte to be read is in the file: behind a record that was given out, its end.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record; `None` at the end of the file.
    ///
    /// # Errors
    /// When the rest of the file is no record.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        let start = self.offset;
        if !self.read_line()? {
            return Ok(None);
        }
        match self.line.first() {
            Some(b'#') => return Ok(Some(Record::Annotation(Annotation::parse(&self.line)))),
            Some(b'*') => {}
            _ => return Err(ReadError::BadFormat),
        }
        let argc = self.number()?.filter(|&argc| argc >= 1).ok_or(ReadError::BadFormat)?;
        self.buf.clear();
        self.spans.clear();
        for _ in 0..argc {
            self.read_argument()?;
        }
        Ok(Some(Record::Command(Args::new(&self.buf, &self.spans), self.offset - start)))
    }

    fn read_argument(&mut self) -> Result<(), ReadError> {
        if !self.read_line()? {
            return Err(ReadError::UnexpectedEof);
        }
        if self.line.first() != Some(&b'$') {
            return Err(ReadError::BadFormat);
        }
        let len = self.number()?.and_then(|len| u32::try_from(len).ok()).ok_or(ReadError::BadFormat)?;
        let start = u32::try_from(self.buf.len()).map_err(|_| ReadError::BadFormat)?;
        if start.checked_add(len).is_none() {
            return Err(ReadError::BadFormat);
        }
        self.read_bytes(u64::from(len))?;
        let mut end = [0; 2];
        match self.source.read_exact(&mut end) {
            Ok(()) => self.offset += 2,
            Err(error) => return Err(eof_or(error)),
        }
        if end != *b"\r\n" {
            return Err(ReadError::BadFormat);
        }
        self.spans.push(Span { start, len });
        Ok(())
    }

    /// Appends the next `len` bytes to the buffer.
    fn read_bytes(&mut self, len: u64) -> Result<(), ReadError> {
        let (mut left, mut chunk) = (len, FIRST_ARG_CHUNK);
        while left > 0 {
            let step = left.min(chunk);
            self.buf.reserve(step as usize);
            let read = self.source.by_ref().take(step).read_to_end(&mut self.buf)? as u64;
            self.offset += read;
            if read < step {
                return Err(ReadError::UnexpectedEof);
            }
            left -= step;
            chunk *= 2;
        }
        Ok(())
    }

    /// Reads a line with its end; false at the end of the file.
    fn read_line(&mut self) -> Result<bool, ReadError> {
        self.line.clear();
        let read = self.source.by_ref().take(MAX_LINE_LEN).read_until(b'\n', &mut self.line)?;
        self.offset += read as u64;
        if read > 0 && !self.line.ends_with(b"\n") {
            let is_whole = (read as u64) == MAX_LINE_LEN;
            // A first byte that cannot begin anything is damage, wherever the file ends.
            let is_known = matches!(self.line[0], b'*' | b'$' | b'#');
            return Err(if is_whole || !is_known { ReadError::BadFormat } else { ReadError::UnexpectedEof });
        }
        Ok(read > 0)
    }

    /// The number behind the first byte of the line, if there is one.
    fn number(&self) -> Result<Option<i64>, ReadError> {
        let text = self.line[1..].strip_suffix(b"\r\n").ok_or(ReadError::BadFormat)?;
        Ok(redan_resp::parse_i64(text))
    }
}

fn eof_or(error: io::Error) -> ReadError {
    if error.kind() == io::ErrorKind::UnexpectedEof { ReadError::UnexpectedEof } else { ReadError::Io(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use redan_resp::encode_command;

    /// The commands and annotations, the offset behind the last whole record, and the error.
    fn read_all(bytes: &[u8]) -> (Vec<Vec<Vec<u8>>>, usize, u64, Option<ReadError>) {
        let mut reader = AofReader::new(bytes, 0);
        let (mut commands, mut annotations, mut good) = (Vec::new(), 0, 0);
        loop {
            match reader.next_record() {
                Ok(Some(Record::Command(args, _))) => {
                    commands.push(args.iter().map(<[u8]>::to_vec).collect())
                }
                Ok(Some(Record::Annotation(_))) => annotations += 1,
                Ok(None) => return (commands, annotations, good, None),
                Err(error) => return (commands, annotations, good, Some(error)),
            }
            good = reader.offset();
        }
    }

    #[test]
    fn commands_and_annotations() {
        let text = b"#TS:5\r\n*1\r\n$4\r\nPING\r\n# anything\n*2\r\n$1\r\na\r\n$0\r\n\r\n";
        let (commands, annotations, good, error) = read_all(text);
        assert_eq!(commands, [vec![b"PING".to_vec()], vec![b"a".to_vec(), Vec::new()]]);
        assert_eq!((annotations, good, error.is_none()), (2, text.len() as u64, true));
    }

    #[test]
    fn damage_is_told_from_a_missing_end() {
        for bad in ["!!!", "\r\n", "*0\r\n", "*x\r\n", "*1\r\n:5\r\n", "*1\r\n$-1\r\n", "*1\r\n$1\r\nabc"] {
            assert!(matches!(read_all(bad.as_bytes()).3, Some(ReadError::BadFormat)), "{bad:?}");
        }
        for short in [
            "*",
            "*1",
            "*1\r\n",
            "*1\r\n$",
            "*1\r\n$4\r\nPI",
            "*1\r\n$4\r\nPING\r",
            "#TS:",
            "*1\r\n$4294967290\r\nx",
        ] {
            assert!(matches!(read_all(short.as_bytes()).3, Some(ReadError::UnexpectedEof)), "{short:?}");
        }
    }

    proptest! {
        #[test]
        fn a_file_cut_anywhere_is_good_up_to_its_last_whole_command(
            commands in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..5), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut file = Vec::new();
            let mut ends = vec![0];
            for command in &commands {
                encode_command(&mut file, command.iter().map(Vec::as_slice));
                ends.push(file.len());
            }
            let cut = cut.index(file.len() + 1);
            let whole = ends.iter().rposition(|&end| end <= cut).unwrap();
            let (read, _, good, error) = read_all(&file[..cut]);
            prop_assert_eq!(&read[..], &commands[..whole]);
            prop_assert_eq!(good, ends[whole] as u64);
            prop_assert_eq!(error.is_some(), cut != ends[whole]);
        }

        #[test]
        fn anything_is_read_without_a_panic(bytes in prop::collection::vec(prop_oneof![Just(b'*'), Just(b'$'), Just(b'1'), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..64)) {
            read_all(&bytes);
        }
    }
}
