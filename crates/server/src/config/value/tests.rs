use super::{Amount, Prior, Value, parse, parse_memory, show_memory};
use crate::config::table;
use proptest::prelude::*;

/// What CONFIG SET makes of a value, starting from the default: what CONFIG GET then shows, or the error.
fn set(name: &str, value: &str) -> Result<String, String> {
    let row = table::find(name).expect(name);
    let default = Value::default_of(row);
    let prior = Prior { value: &default, accumulate: false };
    let parsed = parse(row, &row.arguments_of(value.as_bytes()), prior)?;
    Ok(String::from_utf8(parsed.show(row)).unwrap())
}

fn check(name: &str, table: &[(&str, Result<&str, &str>)]) {
    for (value, expected) in table {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(set(name, value), expected, "{name} {value:?}");
    }
}

#[test]
fn booleans() {
    let error = Err("argument must be 'yes' or 'no'");
    check("appendonly", &[("yes", Ok("yes")), ("NO", Ok("no")), ("", error), ("1", error), ("maybe", error)]);
}

#[test]
fn integers() {
    let malformed = Err("argument couldn't be parsed into an integer");
    let range = Err("argument must be between 0 and 65535 inclusive");
    check(
        "port",
        &[
            ("0", Ok("0")),
            ("65535", Ok("65535")),
            ("65536", range),
            ("-1", range),
            ("01", malformed),
            ("+1", malformed),
            (" 1", malformed),
            ("", malformed),
            ("1k", malformed),
            ("99999999999999999999", malformed),
        ],
    );
    check("slowlog-log-slower-than", &[("-1", Ok("-1")), ("9223372036854775807", Ok("9223372036854775807"))]);
    check("hz", &[("0", Ok("1")), ("50", Ok("50")), ("1000", Ok("500"))]);
}

#[test]
fn octals() {
    let malformed = Err("argument couldn't be parsed as an octal number");
    let range = Err("argument must be between 0 and 777 inclusive");
    check(
        "unixsocketperm",
        &[
            ("700", Ok("700")),
            ("0755", Ok("755")),
            ("1000", range),
            ("-1", range),
            ("8", malformed),
            ("", malformed),
        ],
    );
}

#[test]
fn sizes() {
    let malformed = Err("argument must be a memory value");
    check(
        "proto-max-bulk-len",
        &[
            ("2mb", Ok("2097152")),
            ("2M", Ok("2000000")),
            ("1Gb", Ok("1073741824")),
            ("1g", Ok("1000000000")),
            ("1048576b", Ok("1048576")),
            ("10", Err("argument must be between 1048576 and 9223372036854775807 inclusive")),
            (
                "18446744073709551615",
                Err("argument must be between 1048576 and 9223372036854775807 inclusive"),
            ),
            ("18446744073709551616", malformed),
            ("99999999999gb", malformed),
            ("-1", malformed),
            ("1 mb", malformed),
            ("1.5mb", malformed),
            ("1tb", malformed),
            ("mb", malformed),
            ("", malformed),
        ],
    );
}

#[test]
fn percentages() {
    let malformed = Err("argument must be a memory or percent value");
    check(
        "maxmemory-clients",
        &[
            ("5%", Ok("5%")),
            ("0%", Ok("0")),
            ("100%", Ok("100%")),
            ("10mb", Ok("10485760")),
            ("101%", Err("percentage argument must be less or equal to 100")),
            ("-5%", malformed),
            ("%", malformed),
            ("10foo", malformed),
        ],
    );
    check(
        "maxmemory",
        &[
            ("75%", Ok("75%")),
            ("100mb", Ok("104857600")),
            ("18446744073709551615", Ok("18446744073709551615")),
        ],
    );
    assert_eq!(Amount::Percent(75).bytes_of(u64::MAX), 13_835_058_055_282_163_711);
    assert_eq!(Amount::Bytes(7).bytes_of(100), 7);
}

#[test]
fn choices() {
    let error = Err("argument(s) must be one of the following: everysec, always, no");
    check("appendfsync", &[("Always", Ok("always")), ("", error), ("sometimes", error)]);
    check("oom-score-adj", &[("relative", Ok("yes")), ("yes", Ok("yes")), ("absolute", Ok("absolute"))]);
}

#[test]
fn flags() {
    let error = Err("argument(s) must be one of the following: default, save, nosave, now, force");
    check(
        "shutdown-on-sigterm",
        &[
            ("default", Ok("default")),
            ("force nosave now", Ok("nosave now force")),
            ("", error),
            ("now  force", error),
            ("save nosave", Err("shutdown options SAVE and NOSAVE can't be used simultaneously")),
        ],
    );
}

#[test]
fn checked_texts() {
    check(
        "dbfilename",
        &[("x.rdb", Ok("x.rdb")), ("a/b", Err("dbfilename can't be a path, just a filename"))],
    );
    check("appendfilename", &[("", Err("appendfilename can't be empty"))]);
    check("appenddirname", &[("a\\b", Err("appenddirname can't be a path, just a dirname"))]);
    let invalid = Err("template format is invalid or contains unknown variables");
    check(
        "proc-title-template",
        &[("{title} {port}!", Ok("{title} {port}!")), ("{foo}", invalid), ("{title", invalid), ("", invalid)],
    );
    let hostname = Err("Hostnames may only contain alphanumeric characters, hyphens or dots");
    check("cluster-announce-hostname", &[("a-b.c", Ok("a-b.c")), ("a_b", hostname)]);
    let nodename = Err("Announced human node name contained invalid character");
    check("cluster-announce-human-nodename", &[("a_b", Ok("a_b")), ("a b*", nodename)]);
}

#[test]
fn save_points() {
    let error = Err("Invalid save parameters");
    check(
        "save",
        &[
            ("", Ok("")),
            ("900 1 300 10", Ok("900 1 300 10")),
            ("1 0", Ok("1 0")),
            ("900", error),
            ("0 1", error),
            ("1 -1", error),
            ("900  1", error),
            ("900 x", error),
        ],
    );
}

#[test]
fn output_limits() {
    const DEFAULT: &str = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60";
    let class = Err("Invalid client class specified in buffer limit configuration.");
    let limit = Err("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    check(
        "client-output-buffer-limit",
        &[
            ("", Ok(DEFAULT)),
            ("replica 1mb 2kb 3", Ok("normal 0 0 0 slave 1048576 2048 3 pubsub 33554432 8388608 60")),
            ("PUBSUB 1 1 1 normal 2 2 2", Ok("normal 2 2 2 slave 268435456 67108864 60 pubsub 1 1 1")),
            ("normal 1 2", Err("Wrong number of arguments in buffer limit configuration.")),
            ("master 1 2 3", class),
            ("slave 1 x 3", limit),
            ("slave 1 2 -3", limit),
        ],
    );
}

#[test]
fn other_lists() {
    let range = Err("Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
    check(
        "oom-score-adj-values",
        &[
            ("1 2 -3", Ok("1 2 -3")),
            ("1 2", Err("wrong number of arguments")),
            ("1 2 3000", range),
            ("1 2 x", range),
        ],
    );
    check(
        "latency-tracking-info-percentiles",
        &[
            ("50 99.95 100", Ok("50 99.95 100")),
            ("0.123456789", Ok("0.123457")),
            ("", Ok("")),
            ("101", Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")),
            ("nan", Err("Invalid latency-tracking-info-percentiles parameters")),
            ("a", Err("Invalid latency-tracking-info-percentiles parameters")),
        ],
    );
    check(
        "bind",
        &[
            ("", Ok("")),
            ("10.0.0.1 -::1", Ok("10.0.0.1 -::1")),
            (&["a"; 17].join(" "), Err("Too many bind addresses specified.")),
        ],
    );
    check(
        "replicaof",
        &[
            ("no one", Ok("")),
            ("host 6379", Ok("host 6379")),
            ("host 65536", Err("Invalid master port")),
            ("host", Err("wrong number of arguments")),
        ],
    );
}

#[test]
fn event_classes() {
    let error = Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    check(
        "notify-keyspace-events",
        &[
            ("KEA", Ok("AKE")),
            ("Kgxlm", Ok("glxKm")),
            ("g$lshzxetd", Ok("A")),
            ("mEEn", Ok("nEm")),
            ("An", Ok("An")),
            ("", Ok("")),
            ("Q", error),
            ("k", error),
        ],
    );
}

#[test]
fn directories_are_made_absolute() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().canonicalize().unwrap();
    std::fs::create_dir(base.join("sub")).unwrap();
    std::fs::write(base.join("file"), "").unwrap();
    let row = table::find("dir").unwrap();
    let prior = Value::Text(base.to_str().unwrap().to_owned());
    let set = |path: &str| parse(row, &[path.into()], Prior { value: &prior, accumulate: false });
    assert_eq!(set("sub/../sub/."), Ok(Value::Text(base.join("sub").to_str().unwrap().to_owned())));
    assert_eq!(set("missing"), Err("No such file or directory".to_owned()));
    assert_eq!(set(""), Err("No such file or directory".to_owned()));
    assert_eq!(set("file"), Err("Not a directory".to_owned()));
}

#[test]
fn passwords_may_be_any_bytes() {
    let row = table::find("requirepass").unwrap();
    let prior = Value::default_of(row);
    let bytes = vec![0xff, 0, b' ', b'"'];
    let parsed =
        parse(row, std::slice::from_ref(&bytes), Prior { value: &prior, accumulate: false }).unwrap();
    assert_eq!(parsed.show(row), bytes);
}

proptest! {
    #[test]
    fn sizes_survive_being_written(bytes: u64) {
        prop_assert_eq!(parse_memory(show_memory(bytes).as_bytes()), Some(bytes));
    }

    #[test]
    fn no_value_panics_and_what_is_shown_is_accepted(
        row in 0..table::all().count(),
        args in proptest::collection::vec("[a-zA-Z0-9 %.$*-]{0,8}", 0..5),
    ) {
        let row = table::at(row);
        let default = Value::default_of(row);
        let prior = Prior { value: &default, accumulate: false };
        let args: Vec<Vec<u8>> = args.into_iter().map(String::into_bytes).collect();
        if let Ok(value) = parse(row, &args, prior) {
            let shown = value.show(row);
            let lossless = !matches!(value, Value::Percentiles(_) | Value::Master(None) | Value::Bind(_));
            if lossless {
                prop_assert_eq!(parse(row, &row.arguments_of(&shown), prior), Ok(value));
            }
        }
    }
}
