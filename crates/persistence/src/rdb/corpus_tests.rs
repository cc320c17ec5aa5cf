//! Files that other servers and tools wrote, with what Redis 7.4 made of them.
//!
//! The files are not part of the project: they are looked for beside the checkout, or where `REDAN_CORPUS` says.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use redan_keyspace::Keyspace;

use super::tests::keyspace_digest;
use super::*;

/// When the golden results were made, roughly: what decides about expired keys lies far from it.
const NOW_MS: i64 = 1_760_000_000_000;

/// What Redis 7.4.1 made of a file.
#[derive(Debug, Default)]
struct Golden {
    loads: bool,
    keys: u64,
    digest: String,
}

fn corpus_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("REDAN_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/rdb-corpus"),
        PathBuf::from,
    );
    dir.join("golden.json").exists().then_some(dir)
}

/// Reads the golden results: JSON with one field in a line.
fn golden(dir: &Path) -> BTreeMap<String, Golden> {
    let text = std::fs::read_to_string(dir.join("golden.json")).expect("exists");
    let mut results = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        let Some((field, value)) = line.trim().split_once("\": ") else { continue };
        let field = field.trim_start_matches('"');
        if value.starts_with('{') {
            name = field.to_owned();
            results.insert(name.clone(), Golden::default());
            continue;
        }
        let golden = results.get_mut(&name).expect("fields stand within a file");
        let value = value.trim_end_matches(',').trim_matches('"');
        match field {
            "redis_7_4_1" => golden.loads = value == "loads",
            "keys" => golden.keys = value.parse().expect("a number"),
            "digest" => golden.digest = value.to_owned(),
            _ => {}
        }
    }
    results
}

fn load_file(path: &Path, keyspace: &Keyspace) -> Result<LoadReport, RdbError> {
    let bytes = std::fs::read(path).expect("listed in golden.json");
    let options = LoadOptions {
        now_ms: NOW_MS,
        drop_expired: true,
        source_len: Some(bytes.len() as u64),
        ..LoadOptions::default()
    };
    let mut reader = RdbReader::new(&bytes[..], ReaderOptions::default());
    load(&mut reader, keyspace, &options, &mut |_| ControlFlow::Continue(()))
}

#[test]
fn every_file_is_loaded_or_refused_as_redis_does() {
    let Some(dir) = corpus_dir() else {
        println!("note: no corpus of RDB files found, nothing tested");
        return;
    };
    let (mut same, mut unsupported) = (0, 0);
    for (name, golden) in golden(&dir) {
        let keyspace = Keyspace::new(16, 1);
        match load_file(&dir.join(&name), &keyspace) {
            Err(RdbError { kind: RdbErrorKind::UnsupportedType(value_type), offset, key, .. }) => {
                assert_ne!(value_type, ValueType::String, "{name}");
                assert!(offset > 9 && key.is_some(), "{name}: the refusal says where");
                unsupported += 1;
            }
            Err(error) => assert!(!golden.loads, "{name}: {error}"),
            // The golden keys of an AOF include those of the commands behind the preamble.
            Ok(report) if name.ends_with(".aof") => assert!(report.aof_base, "{name}"),
            Ok(report) => {
                assert!(golden.loads, "{name} must be refused");
                assert_eq!(report.keys_loaded, golden.keys, "{name}");
                assert_eq!(keyspace_digest(&keyspace).to_string(), golden.digest, "{name}");
                same += 1;
            }
        }
    }
    println!("{same} files give the digest of Redis, {unsupported} hold types that are not supported yet");
    assert!(same >= 15, "only {same} files were compared");
}
