//! The payload of `DUMP` and `RESTORE`: one value as in an RDB file, with a footer.
//!
//! ```text
//! type value ... version (two bytes) crc64 of all before it (eight bytes), both little endian
//! ```

use crc64::crc64;
use redan_keyspace::{Limits, ValueRef};

use crate::rdb::opcode;
use crate::rdb::{
    LOWEST_WRITTEN_VERSION, RDB_VERSION, RdbEncoder, RdbErrorKind, RdbInput, RdbValue, ValueType,
};
use crate::rdb::{put_value, read_value, type_of};

const VERSION_LEN: usize = 2;
const CHECKSUM_LEN: usize = 8;

/// Why a payload cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The payload is too short for a footer, or of a newer version, or the checksum does not match.
    #[error("DUMP payload version or checksum are wrong")]
    BadFooter,
    /// The footer is right, but what it protects is not a value that can be read.
    #[error("Bad data format")]
    BadData(#[source] RdbErrorKind),
}

/// The payload for a value, in the lowest version that can hold it; `compression` as in a file (`rdbcompression`).
pub fn encode(value: ValueRef<'_>, compression: bool) -> Vec<u8> {
    let mut encoder = RdbEncoder::new(compression);
    let value_type = type_of(value);
    encoder.put_type(value_type);
    put_value(&mut encoder, value);
    let version = value_type.since_version().max(LOWEST_WRITTEN_VERSION);
    encoder.put_raw(&version.to_le_bytes());
    let checksum = crc64(0, encoder.as_slice());
    encoder.put_raw(&checksum.to_le_bytes());
    encoder.take(0)
}

/// Checks the footer of a payload, decodes the value in the encoding that `limits` asks for, and hands it to `take`.
///
/// `verify_checksum` is false only for tests of damaged payloads (`DEBUG SET-SKIP-CHECKSUM-VALIDATION`).
pub fn decode<T>(
    payload: &[u8],
    verify_checksum: bool,
    limits: &Limits,
    take: impl FnOnce(RdbValue<'_>) -> T,
) -> Result<T, DumpError> {
    let body = check_footer(payload, verify_checksum).ok_or(DumpError::BadFooter)?;
    let mut input = RdbInput::from_bytes(body.to_vec());
    let value_type = input.byte().map_err(DumpError::BadData)?;
    let value_type =
        ValueType::from_byte(value_type).ok_or(DumpError::BadData(RdbErrorKind::UnknownType(value_type)))?;
    let taken = read_value(&mut input, value_type, false, limits).map(take).map_err(DumpError::BadData)?;
    if input.is_at_end() {
        Ok(taken)
    } else {
        Err(DumpError::BadData(RdbErrorKind::Corrupt("bytes behind the value")))
    }
}

/// The payload of `FUNCTION DUMP`: the sources of all libraries as in a file, with the same footer.
pub fn encode_functions<'c>(codes: impl Iterator<Item = &'c [u8]>) -> Vec<u8> {
    let mut encoder = RdbEncoder::new(true);
    for code in codes {
        encoder.put_byte(opcode::FUNCTION2);
        encoder.put_string(code);
    }
    encoder.put_raw(&LOWEST_WRITTEN_VERSION.to_le_bytes());
    let checksum = crc64(0, encoder.as_slice());
    encoder.put_raw(&checksum.to_le_bytes());
    encoder.take(0)
}

/// The sources in the payload of `FUNCTION RESTORE`.
///
/// # Errors
/// As for [`decode`].
pub fn decode_functions(payload: &[u8], verify_checksum: bool) -> Result<Vec<Vec<u8>>, DumpError> {
    let body = check_footer(payload, verify_checksum).ok_or(DumpError::BadFooter)?;
    let mut input = RdbInput::from_bytes(body.to_vec());
    let mut codes = Vec::new();
    while !input.is_at_end() {
        match input.byte().map_err(DumpError::BadData)? {
            opcode::FUNCTION2 => {
                let mut code = Vec::new();
                input.string_into(&mut code).map_err(DumpError::BadData)?;
                codes.push(code);
            }
            opcode::FUNCTION_PRE_GA => return Err(DumpError::BadData(RdbErrorKind::PreReleaseFunctions)),
            _ => return Err(DumpError::BadData(RdbErrorKind::Corrupt("something else than a function"))),
        }
    }
    Ok(codes)
}

/// The part before the footer, if the footer is right.
fn check_footer(payload: &[u8], verify_checksum: bool) -> Option<&[u8]> {
    let (summed, checksum) = payload.split_last_chunk::<CHECKSUM_LEN>()?;
    let (body, version) = summed.split_last_chunk::<VERSION_LEN>()?;
    let sum_is_right = !verify_checksum || crc64(0, summed) == u64::from_le_bytes(*checksum);
    (u16::from_le_bytes(*version) <= RDB_VERSION && sum_is_right).then_some(body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redan_keyspace::StringRef;

    use super::*;

    fn decoded(payload: &[u8]) -> Result<Vec<u8>, DumpError> {
        decode(payload, true, &Limits::default(), |value| match value {
            RdbValue::String(string) => string.into_vec(),
            RdbValue::Object(_) | RdbValue::Empty | RdbValue::SkippedModule => panic!("these are strings"),
        })
    }

    #[test]
    fn a_payload_that_redis_made() {
        // `SET mykey 10`, `DUMP mykey` in the documentation of DUMP.
        let payload = b"\x00\xc0\n\t\x00\xbem\x06\x89Z(\x00\n";
        assert_eq!(decoded(payload).expect("valid"), b"10");
    }

    #[test]
    fn golden() {
        let payload = encode(ValueRef::String(StringRef::Bytes(b"hello")), true);
        assert_eq!(payload[..9], *b"\x00\x05hello\x0a\x00");
        assert_eq!(encode(ValueRef::String(StringRef::Int(10)), true)[..5], *b"\x00\xc0\x0a\x0a\x00");
    }

    #[test]
    fn functions_come_back() {
        let codes = [&b"#!lua name=a\nbody"[..], b"#!lua name=b\n"];
        let payload = encode_functions(codes.iter().copied());
        assert_eq!(decode_functions(&payload, true).expect("valid"), codes);
        assert!(decode_functions(&encode_functions(std::iter::empty()), true).expect("valid").is_empty());
        assert!(matches!(decode_functions(b"bad_payload", true), Err(DumpError::BadFooter)));
        let value = encode(ValueRef::String(StringRef::Bytes(b"x")), true);
        assert!(matches!(decode_functions(&value, true), Err(DumpError::BadData(_))));
    }

    #[test]
    fn version_and_checksum_are_checked_first() {
        assert!(matches!(decoded(b""), Err(DumpError::BadFooter)));
        assert!(matches!(decoded(&[0; 9]), Err(DumpError::BadFooter)));
        let mut payload = b"\x00\x01a".to_vec();
        payload.extend_from_slice(&(RDB_VERSION + 1).to_le_bytes());
        payload.extend_from_slice(&crc64(0, &payload).to_le_bytes());
        assert!(matches!(decoded(&payload), Err(DumpError::BadFooter)));
    }

    #[test]
    fn what_the_footer_protects_is_checked_as_well() {
        for body in
            [&b""[..], b"\x00", b"\x00\x05abc", b"\x00\x01aa", b"\xff", b"\x08\x01a", b"\x00\xc3\x01\x05a"]
        {
            let mut payload = body.to_vec();
            payload.extend_from_slice(&LOWEST_WRITTEN_VERSION.to_le_bytes());
            payload.extend_from_slice(&crc64(0, &payload).to_le_bytes());
            assert!(matches!(decoded(&payload), Err(DumpError::BadData(_))), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(bytes in prop::collection::vec(any::<u8>(), 0..300), repeat in 1usize..5, compression: bool) {
            let bytes = bytes.repeat(repeat);
            prop_assert_eq!(decoded(&encode(ValueRef::String(StringRef::Bytes(&bytes)), compression)).expect("valid"), bytes);
        }

        #[test]
        fn any_payload_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&bytes, false, &Limits::default(), |_| ());
        }
    }
}
