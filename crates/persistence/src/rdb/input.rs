//! The primitives of the format, reading side.

use std::io::{self, Read};

use crc64::crc64;

use super::error::RdbErrorKind;
use super::format::length;
use redan_keyspace::lzf;

/// How much is asked from the source at once.
const BUFFER_LEN: usize = 256 << 10;
/// The first allocation for a string that does not fit the buffer; later ones double what was really read.
const FIRST_STRING_CHUNK: usize = 1 << 20;

type Result<T> = std::result::Result<T, RdbErrorKind>;

/// A string as it was stored: integers stay integers, what is in the read buffer is not copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RdbString<'a> {
    /// The decimal text of this number.
    Int(i64),
    /// These bytes.
    Borrowed(&'a [u8]),
    /// These bytes; they were compressed, or too many for the read buffer.
    Owned(Vec<u8>),
}

impl RdbString<'_> {
    /// Hands the bytes of the string to `f`.
    pub fn with_bytes<T>(&self, f: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            RdbString::Int(number) => f(itoa::Buffer::new().format(*number).as_bytes()),
            RdbString::Borrowed(bytes) => f(bytes),
            RdbString::Owned(bytes) => f(bytes),
        }
    }

    /// The bytes of the string.
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            RdbString::Owned(bytes) => bytes,
            other => other.with_bytes(<[u8]>::to_vec),
        }
    }
}

/// Length of a string, or how else it is stored.
enum StringForm {
    Plain(u64),
    Int(i64),
    Lzf { packed: u64, plain: u64 },
}

/// A buffered source with the primitives of the format, which counts and checksums what was read.
///
/// Memory is allocated for what was read, never for what a length in the data promises.
#[derive(Debug)]
pub struct RdbInput<R> {
    source: R,
    buffer: Vec<u8>,
    /// First byte of the buffer that was not read yet.
    pos: usize,
    /// End of the valid part of the buffer.
    end: usize,
    /// First byte of the buffer that is not in `crc` yet.
    unsummed: usize,
    /// Offset in the source of the first byte of the buffer.
    base: u64,
    crc: u64,
}

impl RdbInput<io::Empty> {
    /// Reads from bytes that are already there.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        let end = bytes.len();
        RdbInput { source: io::empty(), buffer: bytes, pos: 0, end, unsummed: 0, base: 0, crc: 0 }
    }

    /// Whether all bytes were read.
    pub fn is_at_end(&self) -> bool {
        self.pos == self.end
    }
}

impl<R: Read> RdbInput<R> {
    /// Reads from `source`, in large pieces.
    pub fn new(source: R) -> Self {
        RdbInput { source, buffer: vec![0; BUFFER_LEN], pos: 0, end: 0, unsummed: 0, base: 0, crc: 0 }
    }

    /// How many bytes were read (not counting what is buffered).
    pub fn offset(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// The checksum of all bytes read.
    pub fn checksum(&mut self) -> u64 {
        self.crc = crc64(self.crc, &self.buffer[self.unsummed..self.pos]);
        self.unsummed = self.pos;
        self.crc
    }

    /// Gives back the source, and the bytes that were taken from it but not read.
    pub fn into_rest(mut self) -> (Vec<u8>, R) {
        self.buffer.truncate(self.end);
        self.buffer.drain(..self.pos);
        (self.buffer, self.source)
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    /// A fixed number of bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.ensure(N)?;
        let bytes = self.buffer[self.pos..self.pos + N].try_into().expect("N bytes are buffered");
        self.pos += N;
        Ok(bytes)
    }

    /// A length or small number.
    pub fn length(&mut self) -> Result<u64> {
        let first = self.byte()?;
        self.len_from(first)
    }

    /// A time in Unix milliseconds.
    pub fn millis(&mut self) -> Result<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// A time in Unix seconds.
    pub fn seconds(&mut self) -> Result<i32> {
        self.array().map(i32::from_le_bytes)
    }

    /// A double in binary form.
    pub fn binary_double(&mut self) -> Result<f64> {
        self.array().map(f64::from_le_bytes)
    }

    /// A double as text.
    pub fn text_double(&mut self) -> Result<f64> {
        match self.byte()? {
            255 => Ok(f64::NEG_INFINITY),
            254 => Ok(f64::INFINITY),
            253 => Ok(f64::NAN),
            len => {
                let text = self.short(usize::from(len))?;
                std::str::from_utf8(text)
                    .ok()
                    .and_then(|text| text.trim_ascii_start().parse().ok())
                    .ok_or(RdbErrorKind::Corrupt("Invalid floating point number"))
            }
        }
    }

    /// A string.
    pub fn string(&mut self) -> Result<RdbString<'_>> {
        match self.string_form()? {
            StringForm::Int(number) => Ok(RdbString::Int(number)),
            StringForm::Plain(len) => self.plain(len),
            StringForm::Lzf { packed, plain } => {
                let plain = usize::try_from(plain).map_err(|_| RdbErrorKind::OutOfMemory(plain))?;
                let bytes = match self.plain(packed)? {
                    RdbString::Borrowed(packed) => lzf::decompress(packed, plain)?,
                    RdbString::Owned(packed) => lzf::decompress(&packed, plain)?,
                    RdbString::Int(_) => unreachable!("plain strings are bytes"),
                };
                Ok(RdbString::Owned(bytes))
            }
        }
    }

    /// A string, into a buffer that is used again.
    pub fn string_into(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self.string()? {
            RdbString::Owned(bytes) => *out = bytes,
            other => {
                out.clear();
                other.with_bytes(|bytes| out.extend_from_slice(bytes));
            }
        }
        Ok(())
    }

    /// Reads a string and forgets it.
    pub fn skip_string(&mut self) -> Result<()> {
        match self.string_form()? {
            StringForm::Int(_) => Ok(()),
            StringForm::Plain(len) => self.skip(len),
            StringForm::Lzf { packed, .. } => self.skip(packed),
        }
    }

    /// Reads `len` bytes and forgets them.
    pub fn skip(&mut self, len: u64) -> Result<()> {
        let mut left = len;
        while left > 0 {
            self.ensure(1)?;
            let step = left.min((self.end - self.pos) as u64);
            self.pos += step as usize;
            left -= step;
        }
        Ok(())
    }

    fn len_from(&mut self, first: u8) -> Result<u64> {
        match first {
            0..0x40 => Ok(u64::from(first)),
            0x40..0x80 => Ok(u64::from(first & 0x3F) << 8 | u64::from(self.byte()?)),
            length::BITS_32 => self.array().map(|bytes| u64::from(u32::from_be_bytes(bytes))),
            length::BITS_64 => self.array().map(u64::from_be_bytes),
            other => Err(RdbErrorKind::BadLength(other)),
        }
    }

    fn string_form(&mut self) -> Result<StringForm> {
        match self.byte()? {
            length::INT_8 => self.array().map(|bytes| StringForm::Int(i8::from_le_bytes(bytes).into())),
            length::INT_16 => self.array().map(|bytes| StringForm::Int(i16::from_le_bytes(bytes).into())),
            length::INT_32 => self.array().map(|bytes| StringForm::Int(i32::from_le_bytes(bytes).into())),
            length::LZF => Ok(StringForm::Lzf { packed: self.length()?, plain: self.length()? }),
            first => self.len_from(first).map(StringForm::Plain),
        }
    }

    /// The next `len` bytes: from the buffer if they fit there, else in memory of their own.
    fn plain(&mut self, len: u64) -> Result<RdbString<'_>> {
        match usize::try_from(len) {
            Ok(len) if len <= self.buffer.len() => self.short(len).map(RdbString::Borrowed),
            Ok(len) => self.long(len).map(RdbString::Owned),
            Err(_) => Err(RdbErrorKind::OutOfMemory(len)),
        }
    }

    /// The next `len` bytes, no more than the buffer holds.
    fn short(&mut self, len: usize) -> Result<&[u8]> {
        self.ensure(len)?;
        let start = self.pos;
        self.pos += len;
        Ok(&self.buffer[start..self.pos])
    }

    /// The next `len` bytes, past the buffer. What is allocated grows with what was read.
    fn long(&mut self, len: usize) -> Result<Vec<u8>> {
        let no_memory = |_| RdbErrorKind::OutOfMemory(len as u64);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len.min(FIRST_STRING_CHUNK)).map_err(no_memory)?;
        bytes.extend_from_slice(&self.buffer[self.pos..self.end]);
        self.pos = self.end;
        self.checksum();
        while bytes.len() < len {
            let have = bytes.len();
            let step = (len - have).min(FIRST_STRING_CHUNK.max(have));
            bytes.try_reserve_exact(step).map_err(no_memory)?;
            let read = self.source.by_ref().take(step as u64).read_to_end(&mut bytes);
            self.base += (bytes.len() - have) as u64;
            self.crc = crc64(self.crc, &bytes[have..]);
            if read? < step {
                return Err(RdbErrorKind::UnexpectedEof);
            }
        }
        Ok(bytes)
    }

    /// Makes the next `len` bytes available in the buffer; no more than the buffer holds.
    fn ensure(&mut self, len: usize) -> Result<()> {
        if self.end - self.pos >= len { Ok(()) } else { self.refill(len) }
    }

    #[cold]
    fn refill(&mut self, len: usize) -> Result<()> {
        self.checksum();
        self.base += self.pos as u64;
        self.buffer.copy_within(self.pos..self.end, 0);
        self.end -= self.pos;
        self.pos = 0;
        self.unsummed = 0;
        while self.end < len {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Err(RdbErrorKind::UnexpectedEof),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
