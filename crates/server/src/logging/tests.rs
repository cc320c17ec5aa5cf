use super::line::{self, Mark};
use super::writer::Record;
use super::{Log, Role};
use crate::config::choices::LogLevel;
use jiff::tz::{Offset, TimeZone};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use tracing::subscriber::with_default;

fn log_to(path: &Path, level: LogLevel) -> Log {
    Log::start(Some(path.to_owned()), level, Role::Master).unwrap()
}

/// The lines of a file without process id and time.
fn messages(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let strip = |line: &str| {
        let (head, rest) = line.split_at(line.find(' ').unwrap());
        let role = head.rsplit_once(':').unwrap().1;
        let words: Vec<&str> = rest.splitn(6, ' ').collect();
        format!("{role} {}", words[5])
    };
    text.lines().map(strip).collect()
}

#[test]
fn a_line_has_the_form_tools_expect() {
    let time = UNIX_EPOCH + Duration::from_millis(1_795_213_865_007);
    let zone = TimeZone::fixed(Offset::constant(2));
    let mut out = Vec::new();
    for (mark, role) in
        [(Mark::Notice, b'M'), (Mark::Debug, b'S'), (Mark::Verbose, b'X'), (Mark::Warning, b'C')]
    {
        line::append(&mut out, 12345, &Record { time, role, mark, text: "text".into() }, &zone);
    }
    expect_test::expect![[r#"
        12345:M 21 Nov 2026 00:31:05.007 * text
        12345:S 21 Nov 2026 00:31:05.007 . text
        12345:X 21 Nov 2026 00:31:05.007 - text
        12345:C 21 Nov 2026 00:31:05.007 # text
    "#]]
    .assert_eq(&String::from_utf8(out).unwrap());
}

#[test]
fn levels_are_mapped_and_change_while_running() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = log_to(&path, LogLevel::Notice);
    with_default(log.subscriber(), || {
        let all = || {
            tracing::trace!("t");
            tracing::debug!("d");
            tracing::info!("i");
            tracing::warn!("w");
            tracing::error!("e");
        };
        all();
        log.set_level(LogLevel::Debug);
        log.set_role(Role::Replica);
        all();
        log.set_level(LogLevel::Nothing);
        all();
        log.set_level(LogLevel::Warning);
        tracing::info!("no");
        tracing::warn!(count = 3, name = "x", "with {}", "fields");
        tracing::warn!(target: "library", "library");
        log.set_level(LogLevel::Debug);
        tracing::info!(target: "library", "too much");
    });
    assert!(log.flush());
    let expected = [
        "M * i",
        "M # w",
        "M # e",
        "S . t",
        "S - d",
        "S * i",
        "S # w",
        "S # e",
        "S # with fields count=3 name=x",
        "S # library",
    ];
    assert_eq!(messages(&path), expected);
}

#[test]
fn a_rotated_file_is_left_and_a_new_one_begun() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("log"), dir.path().join("log.1"));
    let log = log_to(&path, LogLevel::Notice);
    log.fatal("one");
    std::fs::rename(&path, &old).unwrap();
    log.fatal("two");
    std::fs::remove_file(&path).unwrap();
    log.fatal("three");
    assert_eq!(messages(&old), ["M # one"]);
    assert_eq!(messages(&path), ["M # three"]);
}

#[test]
fn raw_text_has_nothing_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = log_to(&path, LogLevel::Nothing);
    log.raw("  banner\n");
    assert!(log.flush());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "  banner\n");
}

#[test]
fn an_unwritable_file_harms_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_to(&dir.path().join("no/such/dir/log"), LogLevel::Notice);
    log.fatal("lost");
    assert!(log.flush());
}

#[test]
fn what_does_not_fit_the_queue_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    // Opening a FIFO without a reader blocks the writer, as a hanging disk does.
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let log = log_to(&fifo, LogLevel::Notice);
    let sent = super::QUEUE_LEN * 2;
    with_default(log.subscriber(), || (0..sent).for_each(|number| tracing::info!("{number}")));
    let reader = std::thread::spawn(move || std::fs::read_to_string(fifo).unwrap());
    assert!(log.flush());
    drop(log);
    let text = reader.join().unwrap();
    let written = text.lines().filter(|line| line.contains(" * ")).count();
    // Each batch reports what was lost before it.
    let notes = text.lines().filter(|line| line.contains("were dropped"));
    let count = |note: &str| note.split(" # ").nth(1)?.split(' ').next()?.parse::<usize>().ok();
    let dropped: usize = notes.map(|note| count(note).expect("a number")).sum();
    assert_eq!(written + dropped, sent);
    assert!(written >= super::QUEUE_LEN);
}
