use expect_test::{Expect, expect};

use super::*;
use crate::rdb::{RdbEncoder, ValueType, opcode};

/// A file: what `put` writes, then end mark and checksum.
fn file(put: impl FnOnce(&mut RdbEncoder)) -> Vec<u8> {
    let mut encoder = RdbEncoder::new(false);
    encoder.put_raw(b"REDIS0010");
    put(&mut encoder);
    encoder.put_byte(opcode::EOF);
    let checksum = crc64::crc64(0, encoder.as_slice());
    encoder.put_raw(&checksum.to_le_bytes());
    encoder.take(0)
}

fn put_pair(encoder: &mut RdbEncoder, key: &[u8], value: &[u8]) {
    encoder.put_type(ValueType::String);
    encoder.put_string(key);
    encoder.put_string(value);
}

fn check_says(file: &[u8], is_sane: bool, expected: Expect) {
    let mut out = Vec::new();
    let checked = check("dump.rdb", file, 1000, &mut out).expect("memory does not fail");
    expected.assert_eq(&String::from_utf8_lossy(&out));
    assert_eq!(checked.is_sane, is_sane);
    if is_sane {
        assert_eq!(checked.len, file.len() as u64);
    }
}

#[test]
fn a_sane_file() {
    let file = file(|encoder| {
        encoder.put_aux(b"redis-ver", b"7.4.2");
        encoder.put_raw(&[opcode::SELECTDB, 0, opcode::RESIZEDB, 3, 2]);
        put_pair(encoder, b"a", b"1");
        for at in [999, 1000] {
            encoder.put_byte(opcode::EXPIRETIME_MS);
            encoder.put_millis(at);
            put_pair(encoder, at.to_string().as_bytes(), b"v");
        }
    });
    check_says(
        &file,
        true,
        expect![[r"
            [offset 0] Checking RDB file dump.rdb
            [offset 26] AUX FIELD redis-ver = '7.4.2'
            [offset 28] Selecting DB ID 0
            [offset 75] Checksum OK
            [offset 75] \o/ RDB looks OK! \o/
            [info] 3 keys read
            [info] 2 expires
            [info] 1 already expired
            [info] 0 subexpires
        "]],
    );
}

#[test]
fn a_file_without_checksum() {
    check_says(
        b"REDIS0010\xff\0\0\0\0\0\0\0\0",
        true,
        expect![[r"
            [offset 0] Checking RDB file dump.rdb
            [offset 18] RDB file was saved with checksum disabled: no check performed.
            [offset 18] \o/ RDB looks OK! \o/
            [info] 0 keys read
            [info] 0 expires
            [info] 0 already expired
            [info] 0 subexpires
        "]],
    );
}

#[test]
fn damage_is_located() {
    let mut damaged = file(|encoder| put_pair(encoder, b"mykey", b"value"));
    check_says(
        &damaged[..17],
        false,
        expect![[r"
            [offset 0] Checking RDB file dump.rdb
            --- RDB ERROR DETECTED ---
            [offset 17] Unexpected EOF reading RDB file
            [additional info] While doing: read-object-value
            [additional info] Reading key 'mykey'
            [additional info] Reading type 0 (string)
            [info] 1 keys read
            [info] 0 expires
            [info] 0 already expired
            [info] 0 subexpires
        "]],
    );
    damaged[12] ^= 1;
    check_says(
        &damaged,
        false,
        expect![[r"
            [offset 0] Checking RDB file dump.rdb
            --- RDB ERROR DETECTED ---
            [offset 31] RDB CRC error
            [additional info] While doing: check-sum
            [info] 1 keys read
            [info] 0 expires
            [info] 0 already expired
            [info] 0 subexpires
        "]],
    );
}

#[test]
fn what_is_no_rdb_file() {
    check_says(
        b"*1\r\n$4\r\nPING\r\n",
        false,
        expect![[r"
            [offset 0] Checking RDB file dump.rdb
            --- RDB ERROR DETECTED ---
            [offset 9] Wrong signature trying to load DB from file
            [additional info] While doing: start
            [info] 0 keys read
            [info] 0 expires
            [info] 0 already expired
            [info] 0 subexpires
        "]],
    );
    check_says(
        b"REDIS0099\xff",
        false,
        expect![[r"
            [offset 0] Checking RDB file dump.rdb
            --- RDB ERROR DETECTED ---
            [offset 9] Can't handle RDB format version 99
            [additional info] While doing: start
            [info] 0 keys read
            [info] 0 expires
            [info] 0 already expired
            [info] 0 subexpires
        "]],
    );
}

#[test]
fn the_command_line() {
    let run = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = main(&args, 0, "7.4.2", &mut out, &mut err).expect("memory does not fail");
        (code, String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned())
    };
    assert_eq!(run(&["redis-check-rdb", "--version"]), (0, "redis-check-rdb 7.4.2\n".into(), String::new()));
    let usage = "Usage: redis-check-rdb <rdb-file-name>\n";
    assert_eq!(run(&["redis-check-rdb"]), (1, String::new(), usage.into()));
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("dump.rdb");
    let name = path.to_str().expect("a plain name");
    let (code, _, err) = run(&["redis-check-rdb", name]);
    assert!(code == 1 && err.starts_with("Cannot open file "));
    std::fs::write(&path, file(|_| ())).expect("writable");
    let (code, out, _) = run(&["redis-check-rdb", name]);
    assert!(code == 0 && out.starts_with(&format!("[offset 0] Checking RDB file {name}\n")));
    std::fs::write(&path, b"REDIS0010").expect("writable");
    assert_eq!(run(&["redis-check-rdb", name]).0, 1);
}
