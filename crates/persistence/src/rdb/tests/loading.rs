use super::*;

/// A file of the given version: what `put` writes, then end mark and checksum.
fn file(version: u16, put: impl FnOnce(&mut RdbEncoder)) -> Vec<u8> {
    let mut encoder = RdbEncoder::new(true);
    encoder.put_raw(format!("REDIS{version:04}").as_bytes());
    put(&mut encoder);
    encoder.put_byte(opcode::EOF);
    if version >= 5 {
        let checksum = crc64::crc64(0, encoder.as_slice());
        encoder.put_raw(&checksum.to_le_bytes());
    }
    encoder.take(0)
}

fn put_pair(encoder: &mut RdbEncoder, key: &[u8], value: &[u8]) {
    encoder.put_type(ValueType::String);
    encoder.put_string(key);
    encoder.put_string(value);
}

fn refused(file: &[u8]) -> RdbError {
    loaded(file).expect_err("must be refused")
}

#[test]
fn all_versions_up_to_the_newest() {
    for version in 1..=RDB_VERSION {
        let file = file(version, |encoder| put_pair(encoder, b"k", b"v"));
        let (dataset, report) = loaded(&file[..]).expect("valid");
        assert_eq!(dataset[&(0, b"k".to_vec())].0, b"v");
        assert_eq!(report.version, version);
    }
    for version in [0, RDB_VERSION + 1, 99] {
        let error = refused(&file(version, |_| ()));
        assert!(matches!(error.kind, RdbErrorKind::UnsupportedVersion(found) if found == i32::from(version)));
        assert!(error.to_string().starts_with(&format!("Can't handle RDB format version {version}")));
    }
    assert!(matches!(refused(b"RODIS0010\xff").kind, RdbErrorKind::WrongSignature));
    assert!(matches!(refused(b"REDISabcd\xff").kind, RdbErrorKind::UnsupportedVersion(0)));
    assert!(matches!(refused(b"REDIS001").kind, RdbErrorKind::UnexpectedEof));
}

#[test]
fn everything_that_is_no_string() {
    let file = file(12, |encoder| {
        encoder.put_aux(b"a-future-field", b"1");
        encoder.put_aux(b"Repl-Offset", b"12 and more");
        encoder.put_aux(b"repl-id", b"too short");
        encoder.put_raw(&[opcode::SELECTDB, 9, opcode::RESIZEDB, 3, 1]);
        encoder.put_raw(&[opcode::SLOT_INFO, 7, 3, 1]);
        encoder.put_raw(&[opcode::EXPIRETIME, 0, 0x5E, 0xD0, 0xB2]);
        put_pair(encoder, b"seconds", b"10");
        encoder.put_byte(opcode::EXPIRETIME_MS);
        encoder.put_millis(5);
        put_pair(encoder, b"millis", b"11");
        put_pair(encoder, b"never", b"12");
        encoder.put_byte(opcode::FUNCTION2);
        encoder.put_string(b"code");
    });
    let (dataset, report) = loaded(Dribble(&file, 2)).expect("valid");
    let expiry = |key: &str| dataset[&(9, key.as_bytes().to_vec())].1;
    assert_eq!(expiry("seconds"), Some(i64::from(i32::from_le_bytes([0, 0x5E, 0xD0, 0xB2])) * 1000));
    assert_eq!((expiry("millis"), expiry("never")), (Some(5), None));
    assert_eq!(report.functions, [b"code"]);
    assert_eq!((report.repl_offset, &report.repl_id, report.replication()), (Some(12), &None, None));
}

#[test]
fn a_master_drops_what_has_expired() {
    let file = file(10, |encoder| {
        for at in [NOW_MS - 1, NOW_MS, NOW_MS + 1] {
            encoder.put_byte(opcode::EXPIRETIME_MS);
            encoder.put_millis(at);
            put_pair(encoder, at.to_string().as_bytes(), b"v");
        }
    });
    let keyspace = Keyspace::new(1, 1);
    let options = LoadOptions { now_ms: NOW_MS, drop_expired: true, ..LoadOptions::default() };
    let mut expired = Vec::new();
    let mut reader = RdbReader::new(&file[..], ReaderOptions::default());
    let report = load(&mut reader, &keyspace, &options, &mut |event| {
        if let LoadEvent::Expired { db, key } = event {
            expired.push((db, key.to_vec()));
        }
        ControlFlow::Continue(())
    });
    let report = report.expect("valid");
    assert_eq!((report.keys_loaded, report.keys_expired), (2, 1));
    assert_eq!(expired, [(0, (NOW_MS - 1).to_string().into_bytes())]);
    assert_eq!(loaded(&file[..]).expect("valid").1.keys_loaded, 3);
}

#[test]
fn duplicates_are_refused_or_replace() {
    let file = file(10, |encoder| {
        put_pair(encoder, b"k", b"first");
        put_pair(encoder, b"k", b"second");
    });
    let error = refused(&file);
    assert!(matches!(error.kind, RdbErrorKind::DuplicateKey { db: 0 }));
    assert_eq!(error.key.as_deref(), Some(&b"k"[..]));
    let keyspace = Keyspace::new(16, 1);
    let options = LoadOptions { now_ms: NOW_MS, allow_duplicates: true, ..LoadOptions::default() };
    load_into(&keyspace, &file[..], &options).expect("allowed");
    assert_eq!(dataset_of(&keyspace)[&(0, b"k".to_vec())].0, b"second");
}

#[test]
fn errors_say_where_and_what() {
    let list = file(10, |encoder| {
        put_pair(encoder, b"k", b"v");
        encoder.put_type(ValueType::ListQuicklist2);
        encoder.put_string(b"my\nlist");
        // One node of a kind that does not exist.
        encoder.put_len(1);
        encoder.put_len(3);
    });
    let error = refused(&list);
    assert!(matches!(error.kind, RdbErrorKind::Corrupt(_)));
    assert_eq!(
        error.to_string(),
        "Quicklist integrity check failed. (offset 25, read-object-value, \
         type 18 (quicklist-v2), key 'my\\nlist')"
    );
    let databases = refused(&file(10, |encoder| encoder.put_raw(&[opcode::SELECTDB, 16])));
    assert!(matches!(databases.kind, RdbErrorKind::TooManyDatabases { found: 16, configured: 16 }));
    assert!(matches!(
        refused(&file(10, |encoder| encoder.put_byte(243))).kind,
        RdbErrorKind::UnknownType(243)
    ));
    assert!(matches!(refused(&file(10, |encoder| encoder.put_byte(8))).kind, RdbErrorKind::UnknownType(8)));
    let functions = refused(&file(10, |encoder| encoder.put_byte(opcode::FUNCTION_PRE_GA)));
    assert!(matches!(functions.kind, RdbErrorKind::PreReleaseFunctions));
    let mut damaged = file(10, |encoder| put_pair(encoder, b"k", b"v"));
    // The byte of the value.
    damaged[13] ^= 1;
    assert!(matches!(refused(&damaged).kind, RdbErrorKind::WrongChecksum { .. }));
    let unchecked =
        RdbReader::new(&damaged[..], ReaderOptions { verify_checksum: false, ..ReaderOptions::default() });
    let keyspace = Keyspace::new(1, 1);
    let options = LoadOptions { now_ms: NOW_MS, ..LoadOptions::default() };
    let mut reader = unchecked;
    load(&mut reader, &keyspace, &options, &mut |_| ControlFlow::Continue(())).expect("not looked at");
}

#[test]
fn modules_are_refused_by_name_or_skipped() {
    /// `ReJSON-RL` with encoding version 3.
    const MODULE_ID: u64 = 0x4580_0960_0C4E_2C03;
    let put_data = |encoder: &mut RdbEncoder| {
        encoder.put_raw(&[1, 7, 2, 9, 3, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 5, 3]);
        encoder.put_raw(b"abc\0");
    };
    let aux = file(12, |encoder| {
        encoder.put_byte(opcode::MODULE_AUX);
        encoder.put_len(MODULE_ID);
        encoder.put_raw(&[2, 1]);
        put_data(encoder);
    });
    let value = file(12, |encoder| {
        encoder.put_type(ValueType::Module2);
        encoder.put_string(b"doc");
        encoder.put_len(MODULE_ID);
        put_data(encoder);
    });
    let name = match refused(&aux).kind {
        RdbErrorKind::NoModule(name) => name,
        other => panic!("{other}"),
    };
    assert_eq!(name.len(), 9);
    assert!(matches!(refused(&value).kind, RdbErrorKind::NoModuleType(other) if other == name));
    for (file, parts) in [(aux, 2), (value, 2)] {
        let mut reader =
            RdbReader::new(&file[..], ReaderOptions { skip_modules: true, ..ReaderOptions::default() });
        reader.header().expect("valid");
        for index in 1.. {
            match reader.next_part().expect("valid") {
                Part::End(checksum) => {
                    assert_eq!((index, checksum), (parts, Checksum::Verified));
                    break;
                }
                Part::ModuleAux(aux_name) => assert_eq!(aux_name, name),
                Part::Entry(_) => {
                    let skipped = reader.value(&redan_keyspace::Limits::default(), |key, value| {
                        Ok((key.to_vec(), matches!(value, RdbValue::SkippedModule)))
                    });
                    assert_eq!(skipped.expect("valid"), (b"doc".to_vec(), true));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn progress_is_told_and_can_end_the_load() {
    let file = file(10, |encoder| {
        for n in 0..1000u32 {
            put_pair(encoder, &n.to_le_bytes(), b"0123456789");
        }
    });
    let run = |options: LoadOptions, limit: usize| {
        let mut events = Vec::new();
        let mut reader = RdbReader::new(&file[..], ReaderOptions::default());
        let report = load(&mut reader, &Keyspace::new(1, 1), &options, &mut |event| {
            events.push(match event {
                LoadEvent::Progress { bytes, .. } => bytes,
                LoadEvent::KeyLoaded => 0,
                other => panic!("{other:?}"),
            });
            if events.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        (report, events)
    };
    let options = LoadOptions { now_ms: NOW_MS, progress_interval_bytes: 1000, ..LoadOptions::default() };
    let (report, events) = run(options, usize::MAX);
    assert_eq!(report.expect("valid").keys_loaded, 1000);
    assert!(events.len() >= 15 && events.windows(2).all(|pair| pair[0] + 1000 <= pair[1]), "{events:?}");
    let (report, events) = run(options, 3);
    assert!(matches!(report.expect_err("cancelled").kind, RdbErrorKind::Cancelled));
    assert_eq!(events.len(), 3);
    let (_, events) =
        run(LoadOptions { now_ms: NOW_MS, report_keys: true, ..LoadOptions::default() }, usize::MAX);
    assert_eq!(events.len(), 1000);
}

#[test]
fn what_follows_the_file_is_given_back() {
    let mut source = file(10, |encoder| put_pair(encoder, b"k", b"v"));
    let len = source.len();
    source.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
    let mut reader = RdbReader::new(Dribble(&source, len + 3), ReaderOptions::default());
    let options = LoadOptions { now_ms: NOW_MS, ..LoadOptions::default() };
    let report = load(&mut reader, &Keyspace::new(1, 1), &options, &mut |_| ControlFlow::Continue(()));
    assert_eq!(report.expect("valid").bytes, len as u64);
    let (mut rest, mut more) = reader.into_rest();
    more.read_to_end(&mut rest).expect("memory does not fail");
    assert_eq!(rest, b"*1\r\n$4\r\nPING\r\n");
}

#[test]
fn values_larger_than_every_buffer() {
    let plain: Vec<u8> = (0..3_000_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    let dataset = Dataset::from([
        ((0, b"plain".to_vec()), (plain, None)),
        ((0, b"packed".to_vec()), (b"0123456789abcdef".repeat(200_000), Some(NOW_MS))),
        ((1, vec![b'k'; 70_000]), (b"long key".to_vec(), None)),
        ((1, b"after".to_vec()), (b"v".to_vec(), None)),
    ]);
    for compression in [false, true] {
        let file = saved(&keyspace_of(&dataset), SinkOptions::default(), compression);
        let (loaded, report) = loaded(Dribble(&file, 100_000)).expect("valid");
        assert!(loaded == dataset, "not what was saved");
        assert_eq!(report.bytes, file.len() as u64);
    }
}
