//! The primitives of the format, writing side.

use redan_keyspace::parse_int;

use super::format::{ValueType, length, opcode};
use redan_keyspace::lzf::Compressor;

/// Strings up to this length are never compressed: there is nothing to gain.
const MIN_COMPRESSED_LEN: usize = 21;
/// No integer with more characters than `-2147483648` has fits the integer encodings.
const MAX_INT_LEN: usize = 11;
/// A bigger buffer for compressed data is not kept.
const MAX_KEPT_SCRATCH: usize = 1 << 20;

/// A growing buffer with the primitives of the format.
///
/// Nothing here can fail: it is memory only.
#[derive(Debug, Default)]
pub struct RdbEncoder {
    buffer: Vec<u8>,
    compressor: Option<Compressor>,
    /// The string that was compressed last, kept for its allocation.
    packed: Vec<u8>,
}

impl RdbEncoder {
    /// An empty encoder; `compression` says whether strings are compressed (`rdbcompression`).
    pub fn new(compression: bool) -> Self {
        RdbEncoder { buffer: Vec::new(), compressor: compression.then(Compressor::new), packed: Vec::new() }
    }

    /// What was encoded and not taken yet.
    pub fn as_slice(&self) -> &[u8] {
        &self.buffer
    }

    /// Number of bytes encoded and not taken yet.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Takes what was encoded, and goes on with an empty buffer of `capacity` bytes.
    pub fn take(&mut self, capacity: usize) -> Vec<u8> {
        std::mem::replace(&mut self.buffer, Vec::with_capacity(capacity))
    }

    /// Bytes as they are.
    pub fn put_raw(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// One byte: an opcode, a type or a frequency.
    pub fn put_byte(&mut self, byte: u8) {
        self.buffer.push(byte);
    }

    /// The type of a value.
    pub fn put_type(&mut self, value_type: ValueType) {
        self.put_byte(value_type.byte());
    }

    /// A length or small number, in 1, 2, 5 or 9 bytes.
    pub fn put_len(&mut self, len: u64) {
        if len < 1 << 6 {
            self.put_byte(len as u8);
        } else if len < 1 << 14 {
            self.put_raw(&[0x40 | (len >> 8) as u8, len as u8]);
        } else if let Ok(len) = u32::try_from(len) {
            self.put_byte(length::BITS_32);
            self.put_raw(&len.to_be_bytes());
        } else {
            self.put_byte(length::BITS_64);
            self.put_raw(&len.to_be_bytes());
        }
    }

    /// A string: as an integer if it is the canonical text of one that fits 32 bits, compressed if that is wanted
    /// and saves space, or as it is.
    pub fn put_string(&mut self, bytes: &[u8]) {
        if bytes.len() <= MAX_INT_LEN
            && let Some(number) = parse_int(bytes)
            && let Ok(number) = i32::try_from(number)
        {
            self.put_small_int(number);
        } else if bytes.len() < MIN_COMPRESSED_LEN || !self.put_compressed(bytes) {
            self.put_len(bytes.len() as u64);
            self.put_raw(bytes);
        }
    }

    /// The string that is the decimal text of `number`.
    pub fn put_int_string(&mut self, number: i64) {
        match i32::try_from(number) {
            Ok(small) => self.put_small_int(small),
            Err(_) => {
                let mut text = itoa::Buffer::new();
                let text = text.format(number).as_bytes();
                self.put_len(text.len() as u64);
                self.put_raw(text);
            }
        }
    }

    /// A time in Unix milliseconds.
    pub fn put_millis(&mut self, unix_ms: i64) {
        self.put_raw(&unix_ms.to_le_bytes());
    }

    /// A double in binary form (sorted sets since version 8).
    pub fn put_binary_double(&mut self, number: f64) {
        self.put_raw(&number.to_le_bytes());
    }

    /// A double as text with a length byte (sorted sets before version 8); infinities and NaN are lengths of their own.
    pub fn put_text_double(&mut self, number: f64) {
        if number.is_nan() {
            self.put_byte(253);
        } else if number.is_infinite() {
            self.put_byte(if number > 0.0 { 254 } else { 255 });
        } else {
            // Exponent form is the shortest bounded one: at most 24 characters.
            let text = format!("{number:e}");
            self.put_byte(text.len() as u8);
            self.put_raw(text.as_bytes());
        }
    }

    /// A fact about the file.
    pub fn put_aux(&mut self, name: &[u8], value: &[u8]) {
        self.put_byte(opcode::AUX);
        self.put_string(name);
        self.put_string(value);
    }

    /// A fact about the file that is a number.
    pub fn put_aux_int(&mut self, name: &[u8], value: i64) {
        self.put_byte(opcode::AUX);
        self.put_string(name);
        self.put_int_string(value);
    }

    fn put_small_int(&mut self, number: i32) {
        if let Ok(number) = i8::try_from(number) {
            self.put_raw(&[length::INT_8, number as u8]);
        } else if let Ok(number) = i16::try_from(number) {
            self.put_byte(length::INT_16);
            self.put_raw(&number.to_le_bytes());
        } else {
            self.put_byte(length::INT_32);
            self.put_raw(&number.to_le_bytes());
        }
    }

    /// Writes the compressed form, unless it is off or does not save space.
    fn put_compressed(&mut self, bytes: &[u8]) -> bool {
        let Some(compressor) = &mut self.compressor else { return false };
        let mut packed = std::mem::take(&mut self.packed);
        let done = compressor.compress(bytes, bytes.len() - 4, &mut packed);
        if done {
            self.put_byte(length::LZF);
            self.put_len(packed.len() as u64);
            self.put_len(bytes.len() as u64);
            self.put_raw(&packed);
        }
        if packed.capacity() <= MAX_KEPT_SCRATCH {
            packed.clear();
            self.packed = packed;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(put: impl FnOnce(&mut RdbEncoder)) -> Vec<u8> {
        let mut encoder = RdbEncoder::new(true);
        put(&mut encoder);
        encoder.take(0)
    }

    #[test]
    fn lengths_take_the_shortest_form() {
        for (len, expected) in [
            (0, &[0][..]),
            (63, &[0x3F]),
            (64, &[0x40, 64]),
            (16383, &[0x7F, 0xFF]),
            (16384, &[0x80, 0, 0, 0x40, 0]),
            (u64::from(u32::MAX), &[0x80, 0xFF, 0xFF, 0xFF, 0xFF]),
            (1 << 32, &[0x81, 0, 0, 0, 1, 0, 0, 0, 0]),
        ] {
            assert_eq!(bytes_of(|e| e.put_len(len)), expected, "{len}");
        }
    }

    #[test]
    fn integers_are_recognised_only_in_canonical_form() {
        for (text, expected) in [
            ("0", &[0xC0, 0][..]),
            ("-1", &[0xC0, 0xFF]),
            ("127", &[0xC0, 127]),
            ("-129", &[0xC1, 0x7F, 0xFF]),
            ("32768", &[0xC2, 0, 0x80, 0, 0]),
            ("-2147483648", &[0xC2, 0, 0, 0, 0x80]),
            ("2147483648", b"\x0a2147483648"),
            ("01", b"\x0201"),
            ("-0", b"\x02-0"),
            ("+1", b"\x02+1"),
            ("-", b"\x01-"),
            ("", b"\x00"),
            ("1a", b"\x021a"),
        ] {
            assert_eq!(bytes_of(|e| e.put_string(text.as_bytes())), expected, "{text}");
            if let Ok(number) = text.parse::<i64>()
                && number.to_string() == text
            {
                assert_eq!(bytes_of(|e| e.put_int_string(number)), expected, "{number}");
            }
        }
    }

    #[test]
    fn strings_are_compressed_when_it_pays() {
        assert_eq!(bytes_of(|e| e.put_string(&[b'a'; 20]))[0], 20);
        assert_eq!(bytes_of(|e| e.put_string(&[b'a'; 40])), [0xC3, 5, 40, 0, b'a', 0xE0, 30, 0]);
        assert_eq!(bytes_of(|e| e.put_string(b"abcdefghijklmnopqrstuvwxyz"))[0], 26);
        let mut plain = RdbEncoder::new(false);
        plain.put_string(&[b'a'; 40]);
        assert_eq!(plain.len(), 41);
    }

    #[test]
    fn doubles() {
        assert_eq!(bytes_of(|e| e.put_binary_double(1.0)), [0, 0, 0, 0, 0, 0, 0xF0, 0x3F]);
        assert_eq!(bytes_of(|e| e.put_text_double(f64::NAN)), [253]);
        assert_eq!(bytes_of(|e| e.put_text_double(f64::INFINITY)), [254]);
        assert_eq!(bytes_of(|e| e.put_text_double(f64::NEG_INFINITY)), [255]);
        assert_eq!(bytes_of(|e| e.put_text_double(-0.5)), b"\x05-5e-1");
    }
}
