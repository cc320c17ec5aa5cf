//! Files that are not what they should be: each is loaded or refused, and nothing worse.

use super::*;

/// A file with something of everything.
fn sample() -> Vec<u8> {
    let dataset = Dataset::from([
        ((0, b"text".to_vec()), (b"hello".to_vec(), None)),
        ((0, b"int".to_vec()), (b"-70000".to_vec(), Some(NOW_MS))),
        ((0, b"packed".to_vec()), (b"abcdefgh".repeat(20), None)),
        ((2, b"14 bits".to_vec()), ((0..100).collect(), None)),
        ((2, b"large".to_vec()), (b"0123456789".repeat(150), Some(1))),
    ]);
    let keyspace = keyspace_of(&dataset);
    saved(
        &keyspace,
        SinkOptions { access: AccessField::Idle, now_ms: NOW_MS + 5000, ..SinkOptions::default() },
        true,
    )
}

/// Loads without looking at the checksum, so that the damage is met where it is.
fn load_unchecked(file: &[u8]) -> Result<LoadReport, RdbError> {
    let options = ReaderOptions { verify_checksum: false, skip_modules: true };
    let mut reader = RdbReader::new(file, options);
    let options = LoadOptions {
        now_ms: NOW_MS,
        allow_duplicates: true,
        source_len: Some(file.len() as u64),
        ..LoadOptions::default()
    };
    load(&mut reader, &Keyspace::new(16, 1), &options, &mut |_| ControlFlow::Continue(()))
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let file = sample();
    assert!(loaded(&file[..]).is_ok());
    for len in 0..file.len() {
        let error = loaded(&file[..len]).expect_err("cut off");
        assert!(matches!(error.kind, RdbErrorKind::UnexpectedEof), "{len}: {error}");
        assert!(error.offset <= len as u64);
    }
}

#[test]
fn a_changed_byte_is_noticed() {
    let file = sample();
    for at in 0..file.len() {
        for change in [1u8, 0x80, 0xFF] {
            let mut damaged = file.clone();
            damaged[at] ^= change;
            if at >= file.len() - 8 || at >= 9 {
                assert!(loaded(&damaged[..]).is_err(), "byte {at} ^ {change:#x}");
            }
            // Without the checksum nothing can be promised but an answer.
            let _ = load_unchecked(&damaged);
        }
    }
}

#[test]
fn absurd_lengths_do_not_take_memory() {
    for form in [&[0x00, 0x01, b'k'][..], &[0x00]] {
        for length in [
            &[0x81, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF][..],
            &[0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x80, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0xC3, 5, 0x81, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0xC3, 0x80, 0xFF, 0xFF, 0xFF, 0xFF, 5],
        ] {
            let file = [b"REDIS0010", form, length, b"some bytes"].concat();
            let error = load_unchecked(&file).expect_err("not so long");
            assert!(
                matches!(
                    error.kind,
                    RdbErrorKind::UnexpectedEof | RdbErrorKind::OutOfMemory(_) | RdbErrorKind::Lzf(_)
                ),
                "{error}"
            );
        }
    }
    // A size hint beyond what the file can hold is not believed.
    let file = [b"REDIS0010\xfe\x00\xfb", &[0x81, 0, 0xFF, 0, 0, 0, 0, 0, 0][..], b"\x00\xff"].concat();
    assert_eq!(load_unchecked(&[&file[..], &[0; 8]].concat()).expect("valid").keys_loaded, 0);
}

#[test]
fn a_source_that_fails_is_reported() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let file = sample();
    let error = loaded((&file[..100]).chain(Fails)).expect_err("the source failed");
    assert!(matches!(error.kind, RdbErrorKind::Io(error) if error.kind() == io::ErrorKind::ConnectionReset));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = load_unchecked(&[b"REDIS0012", &bytes[..]].concat());
    }

    #[test]
    fn any_damage_is_answered(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut file = sample();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let _ = load_unchecked(&file);
    }
}
