use super::{THEMES, read_all};
use crate::config::param::{Flags, Kind};
use crate::config::value::{Prior, Value, parse};
use crate::config::{Settings, table};
use expect_test::expect_file;
use std::collections::HashSet;

#[test]
fn names_are_unique_and_well_formed() {
    let mut seen = HashSet::new();
    for row in table::all() {
        for name in std::iter::once(row.name).chain(row.alias) {
            assert!(seen.insert(name), "{name} appears twice");
            let allowed = |byte: u8| byte.is_ascii_lowercase() || byte == b'-' || byte == b'_';
            assert!(name.bytes().all(allowed), "{name}");
            assert!(std::ptr::eq(table::find(&name.to_ascii_uppercase()).unwrap(), row));
        }
        assert!(row.doc.ends_with('.'), "{} is documented by a sentence: {:?}", row.name, row.doc);
    }
    assert_eq!(table::all().count(), THEMES.iter().map(|theme| theme.len()).sum::<usize>());
    assert!(table::find("no-such-parameter").is_none());
}

#[test]
fn keys_lead_to_their_rows_and_read_their_types() {
    let keys = read_all(&Settings::new("/"));
    assert_eq!(keys.len(), table::all().count());
    for (name, key) in keys {
        assert_eq!(name.replace('-', "_"), key.to_ascii_lowercase());
    }
}

#[test]
fn what_is_shown_of_a_default_is_accepted_for_it() {
    let settings = Settings::new("/");
    for row in table::all() {
        let shown = settings.show(row.name).unwrap();
        let default = Value::default_of(row);
        let parsed = parse(row, &row.arguments_of(&shown), Prior { value: &default, accumulate: false });
        match row.kind {
            Kind::Dir => {}
            // Without a master there is nothing to show, and the parameter is written otherwise.
            Kind::ReplicaOf => assert_eq!(shown, b""),
            _ => assert_eq!(parsed, Ok(default), "{}", row.name),
        }
        if let (Some(check), Value::Text(text)) =
            (row.check, settings.value(table::position(row.name).unwrap()))
        {
            assert_eq!(check(text), Ok(()), "{}", row.name);
        }
    }
}

#[test]
fn secrets_are_marked() {
    for name in ["requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass"] {
        assert!(table::find(name).unwrap().flags.contains(Flags::SENSITIVE), "{name}");
    }
}

#[test]
fn defaults_are_those_of_redis() {
    let settings = Settings::new("/");
    let mut shown = String::new();
    for row in table::all().filter(|row| row.machine_default.is_none()) {
        let value = settings.show(row.name).unwrap();
        shown += &format!("{} {}\n", row.name, String::from_utf8(value).unwrap()).replace(" \n", "\n");
    }
    expect_file!["defaults.txt"].assert_eq(&shown);
}
