use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;
use redan_resp::{Decoded, RequestDecoder, RequestLimits};

use super::*;

fn id(byte: u8) -> ReplId {
    ReplId::from_random([byte; 20])
}

fn encoded(args: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_command(&mut out, args.iter().map(|arg| arg.as_bytes()));
    out
}

fn append(log: &Log, db: u32, args: &[&str]) -> u64 {
    log.append_command(db, Audience::All, args.iter().map(|arg| arg.as_bytes()))
}

/// Everything the cursor can read, in steps of at most `step` bytes; the cursor moves.
fn drain(log: &Log, cursor: CursorId, step: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let read = log.read(cursor, step).unwrap();
        if read.start == read.end {
            return out;
        }
        let before = out.len();
        read.chunks.iter().for_each(|chunk| out.extend_from_slice(chunk));
        assert_eq!((out.len() - before) as u64, read.end - read.start);
        log.advance(cursor, read.end).unwrap();
    }
}

#[test]
fn active_while_anybody_listens() {
    let log = Log::new(id(1));
    assert!(!log.is_active());
    log.create_backlog();
    assert!(log.is_active());
    let cursor = log.attach(0, Audience::All).unwrap();
    log.free_backlog();
    assert!(log.is_active());
    log.detach(cursor);
    assert!(!log.is_active());
    assert_eq!(log.read(cursor, 1), Err(CursorError::Unknown));
}

#[test]
fn a_database_is_selected_when_it_changes_and_when_someone_new_listens() {
    let log = Log::new(id(1));
    log.create_backlog();
    let (first, _) = log.attach_at_end(Audience::ReplicasOnly);
    append(&log, 0, &["SET", "a", "1"]);
    append(&log, 0, &["SET", "a", "2"]);
    append(&log, 11, &["SET", "a", "3"]);
    log.append_command(0, Audience::ReplicasOnly, [&b"PING"[..]].into_iter());
    append(&log, 11, &["SET", "a", "4"]);
    assert_eq!(log.stream_db(), Some(11));
    let (second, offset) = log.attach_at_end(Audience::ReplicasOnly);
    assert_eq!((offset, log.stream_db()), (log.end_offset(), None));
    let end = append(&log, 11, &["SET", "a", "5"]);
    assert_eq!(end, log.end_offset());

    let last = [encoded(&["SELECT", "11"]), encoded(&["SET", "a", "5"])].concat();
    let all = [
        encoded(&["SELECT", "0"]),
        encoded(&["SET", "a", "1"]),
        encoded(&["SET", "a", "2"]),
        encoded(&["SELECT", "11"]),
        encoded(&["SET", "a", "3"]),
        encoded(&["PING"]),
        encoded(&["SET", "a", "4"]),
        last.clone(),
    ];
    assert_eq!(drain(&log, first, 7), all.concat());
    assert_eq!(drain(&log, second, 1000), last);
}

#[test]
fn the_aof_does_not_see_what_is_for_replicas() {
    let log = Log::new(id(1));
    let aof = log.attach(0, Audience::All).unwrap();
    let ping = |n: usize| {
        (0..n).for_each(|_| {
            log.append_command(0, Audience::ReplicasOnly, [&b"PING"[..]].into_iter());
        });
    };
    ping(2);
    append(&log, 0, &["SET", "a", "1"]);
    ping(1);
    append(&log, 0, &["SET", "a", "2"]);
    ping(3);
    let expected =
        [encoded(&["SELECT", "0"]), encoded(&["SET", "a", "1"]), encoded(&["SET", "a", "2"])].concat();
    assert_eq!(drain(&log, aof, 1 << 20), expected);
    assert_eq!(log.cursor_offset(aof), Ok(log.end_offset()), "nothing is left to be synced");
    assert_eq!(log.lag(aof), Ok(0));
}

#[test]
fn reading_can_stop_where_another_file_begins() {
    let log = Log::new(id(1));
    let aof = log.attach(0, Audience::All).unwrap();
    let cut = append(&log, 0, &["SET", "a", "1"]);
    append(&log, 0, &["SET", "a", "2"]);
    assert_eq!(log.read_to(aof, 1 << 20, cut).unwrap().end, cut);
    log.advance(aof, cut).unwrap();
    let read = log.read_to(aof, 1 << 20, cut).unwrap();
    assert_eq!((read.start, read.end, read.chunks.len()), (cut, cut, 0));
}

#[test]
fn a_replica_repeats_its_masters_stream() {
    let log = Log::new(id(1));
    log.set_offset(1000, Some(9));
    assert_eq!(log.stream_db(), Some(9));
    log.create_backlog();
    let sub = log.attach(1000, Audience::ReplicasOnly).unwrap();
    let stream = [encoded(&["SELECT", "3"]), encoded(&["SET", "a", "1"])].concat();
    log.append_verbatim(3, Audience::All, &stream);
    log.append_verbatim(3, Audience::ReplicasOnly, &encoded(&["PING"]));
    assert_eq!(log.stream_db(), Some(3));
    assert_eq!(drain(&log, sub, 10), [stream, encoded(&["PING"])].concat());
    // Promoted, it goes on with a SELECT of its own.
    log.shift_id(id(2));
    append(&log, 3, &["SET", "b", "1"]);
    assert_eq!(drain(&log, sub, 10), [encoded(&["SELECT", "3"]), encoded(&["SET", "b", "1"])].concat());
}

#[test]
fn who_can_continue() {
    let log = Log::new(id(1));
    let old = id(1);
    assert_eq!(
        log.can_continue(old.as_bytes(), 1),
        Err(Refusal::NotInBacklog { first: 0, histlen: 0 }),
        "there is no backlog"
    );
    log.set_offset(100, None);
    log.create_backlog();
    assert_eq!((log.first_byte_offset(), log.histlen()), (101, 0));
    log.append_verbatim(0, Audience::All, &[b'x'; 50]);
    assert_eq!((log.first_byte_offset(), log.histlen()), (101, 50));
    let refused = Err(Refusal::NotInBacklog { first: 101, histlen: 50 });
    for (offset, expected) in [
        (i64::MIN, refused),
        (-1, refused),
        (0, refused),
        (100, refused),
        (101, Ok(100)),
        (151, Ok(150)),
        (152, refused),
        (i64::MAX, refused),
    ] {
        assert_eq!(log.can_continue(old.as_bytes(), offset), expected, "{offset}");
    }
    let ids = log.shift_id(id(2));
    log.append_verbatim(0, Audience::All, &[b'y'; 50]);
    assert_eq!(log.can_continue(old.as_bytes(), 151), Ok(150));
    assert_eq!(log.can_continue(old.as_bytes(), 152), Err(Refusal::OtherHistory(ids)));
    assert_eq!(log.can_continue(id(2).as_bytes(), 152), Ok(151));
    assert_eq!(log.can_continue(b"?", -1), Err(Refusal::OtherHistory(ids)));
}

#[test]
fn a_consumer_over_its_limits_is_told_and_forgotten() {
    let log = Log::new(id(1));
    log.set_backlog_size(10_000);
    log.create_backlog();
    let slow = log.attach(0, Audience::ReplicasOnly).unwrap();
    let slower = log.attach(0, Audience::ReplicasOnly).unwrap();
    log.set_limits(slow, LagLimits { hard: 100_000, soft: 0, soft_ms: 0 }).unwrap();
    log.set_limits(slower, LagLimits { hard: 0, soft: 10, soft_ms: 500 }).unwrap();
    let write = |kilobytes: usize| {
        (0..kilobytes).for_each(|_| {
            log.append_verbatim(0, Audience::All, &[b'x'; 1000]);
        });
    };
    write(9);
    assert_eq!(log.check_limits(0), [], "a limit below the backlog's size means that size");
    write(9);
    assert_eq!(log.check_limits(1000), []);
    assert_eq!(log.worst_replica_lag(), 18_000);
    log.advance(slower, 15_000).unwrap();
    assert_eq!(log.check_limits(1400), []);
    write(20);
    assert_eq!(log.check_limits(2000), []);
    assert_eq!(log.check_limits(2500), []);
    assert_eq!(log.check_limits(2501), [slower]);
    assert_eq!(log.read(slower, 1), Err(CursorError::Overrun));
    write(62);
    assert_eq!(log.histlen(), 100_000, "kept for the one within its limits");
    assert_eq!(log.check_limits(2502), []);
    write(1);
    assert_eq!(log.check_limits(2502), [slow]);
    assert_eq!(log.lag(slow), Err(CursorError::Overrun));
    assert!(log.histlen() >= 10_000 && log.histlen() <= 10_000 + 2 * SEGMENT_LEN as u64);
    let held = log.heap_size() as u64;
    assert!(held <= 10_000 + 2 * SEGMENT_LEN as u64, "{held} bytes are still held");
    assert!(log.attach(0, Audience::All).is_err());
}

#[test]
fn consumers_are_woken_once_a_turn() {
    let log = Log::new(id(1));
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    log.set_waker(Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    log.notify();
    assert_eq!(woken.load(Ordering::Relaxed), 0);
    append(&log, 0, &["SET", "a", "1"]);
    append(&log, 0, &["SET", "a", "2"]);
    log.notify();
    log.notify();
    assert_eq!(woken.load(Ordering::Relaxed), 1);
}

#[derive(Clone, Debug)]
enum Op {
    Append { db: u32, for_all: bool, len: usize },
    Unit { db: u32, lens: Vec<usize> },
    Verbatim { for_all: bool, len: usize },
    Attach { back: u64, for_all: bool },
    Read { cursor: usize, max: usize },
    Detach(usize),
    BacklogSize(u64),
    Backlog(bool),
    HardLimit { cursor: usize, bytes: u64 },
}

fn op() -> impl Strategy<Value = Op> {
    let len = prop_oneof![10 => 0usize..100, 10 => 0usize..20_000, 1 => 0usize..150_000];
    prop_oneof![
        8 => (0u32..3, any::<bool>(), len.clone()).prop_map(|(db, for_all, len)| Op::Append { db, for_all, len }),
        2 => (0u32..3, proptest::collection::vec(0usize..3000, 1..4)).prop_map(|(db, lens)| Op::Unit { db, lens }),
        3 => (any::<bool>(), len).prop_map(|(for_all, len)| Op::Verbatim { for_all, len }),
        2 => (0u64..100_000, any::<bool>()).prop_map(|(back, for_all)| Op::Attach { back, for_all }),
        8 => (0usize..8, 1usize..100_000).prop_map(|(cursor, max)| Op::Read { cursor, max }),
        1 => (0usize..8).prop_map(Op::Detach),
        1 => (0u64..200_000).prop_map(Op::BacklogSize),
        1 => any::<bool>().prop_map(Op::Backlog),
        1 => (0usize..8, 0u64..100_000).prop_map(|(cursor, bytes)| Op::HardLimit { cursor, bytes }),
    ]
}

/// The whole stream since the beginning and who is for what.
#[derive(Default)]
struct Model {
    bytes: Vec<u8>,
    /// For each byte whether it is for the AOF too.
    for_all: Vec<bool>,
    db: Option<u32>,
    cursors: Vec<(CursorId, usize, Audience)>,
    /// From where on the backlog must hold everything.
    backlog: Option<u64>,
    backlog_size: u64,
}

impl Model {
    fn push(&mut self, bytes: &[u8], for_all: bool) {
        self.bytes.extend_from_slice(bytes);
        self.for_all.resize(self.bytes.len(), for_all);
    }

    fn select(&mut self, db: u32) {
        if self.db != Some(db) {
            self.push(&encoded(&["SELECT", &db.to_string()]), true);
            self.db = Some(db);
        }
    }
}

fn apply(log: &Log, model: &mut Model, op: Op) {
    let value = |len: usize| "v".repeat(len);
    let audience = |for_all: bool| if for_all { Audience::All } else { Audience::ReplicasOnly };
    match op {
        Op::Append { db, for_all, len } => {
            let value = value(len);
            let args = ["SET", "key", &value];
            log.append_command(db, audience(for_all), args.iter().map(|arg| arg.as_bytes()));
            if for_all {
                model.select(db);
            }
            model.push(&encoded(&args), for_all);
        }
        Op::Unit { db, lens } => {
            let values: Vec<String> = lens.into_iter().map(value).collect();
            log.append(db, Audience::All, |out| {
                out.command([&b"MULTI"[..]].into_iter());
                values.iter().for_each(|value| out.raw(&encoded(&["SET", "key", value])));
                out.command([&b"EXEC"[..]].into_iter());
            });
            model.select(db);
            model.push(&encoded(&["MULTI"]), true);
            values.iter().for_each(|value| model.push(&encoded(&["SET", "key", value]), true));
            model.push(&encoded(&["EXEC"]), true);
        }
        Op::Verbatim { for_all, len } => {
            log.append_verbatim(7, audience(for_all), value(len).as_bytes());
            model.push(value(len).as_bytes(), for_all);
            model.db = Some(7);
        }
        Op::Attach { back, for_all } => {
            let from = (model.bytes.len() as u64).saturating_sub(back);
            if let Ok(cursor) = log.attach(from, audience(for_all)) {
                model.cursors.push((cursor, from as usize, audience(for_all)));
            }
        }
        Op::Read { cursor, max } => {
            let Some((id, at, audience)) = model.cursors.get_mut(cursor) else { return };
            let read = log.read(*id, max).unwrap();
            let (start, end) = (read.start as usize, read.end as usize);
            assert_eq!(read.chunks.concat(), &model.bytes[start..end]);
            assert!(end - start <= max);
            if *audience == Audience::All {
                assert!(model.for_all[*at..start].iter().all(|for_all| !for_all), "skipped too much");
                assert!(model.for_all[start..end].iter().all(|for_all| *for_all), "skipped too little");
            } else {
                assert_eq!(start, *at);
            }
            assert!(end > start || end == model.bytes.len(), "made no progress");
            log.advance(*id, read.end).unwrap();
            *at = end;
        }
        Op::Detach(cursor) if cursor < model.cursors.len() => log.detach(model.cursors.remove(cursor).0),
        Op::Detach(_) => {}
        Op::BacklogSize(bytes) => {
            log.set_backlog_size(bytes);
            model.backlog_size = bytes;
        }
        Op::Backlog(true) => {
            log.create_backlog();
            model.backlog.get_or_insert(model.bytes.len() as u64);
        }
        Op::Backlog(false) => {
            log.free_backlog();
            model.backlog = None;
        }
        Op::HardLimit { cursor, bytes } => {
            let Some((id, _, _)) = model.cursors.get(cursor).copied() else { return };
            log.set_limits(id, LagLimits { hard: bytes, ..LagLimits::default() }).unwrap();
            let lag = log.lag(id).unwrap();
            let is_over = bytes != 0 && lag > bytes.max(model.backlog_size);
            let over = log.check_limits(0);
            assert_eq!(over.contains(&id), is_over);
            for id in over {
                log.detach(id);
                model.cursors.retain(|cursor| cursor.0 != id);
            }
            if !is_over {
                log.set_limits(id, LagLimits::default()).unwrap();
            }
        }
    }
}

fn check(log: &Log, model: &mut Model, biggest: u64) {
    let end = model.bytes.len() as u64;
    assert_eq!(log.end_offset(), end);
    assert_eq!(log.stream_db(), model.db);
    assert_eq!(log.is_active(), model.backlog.is_some() || !model.cursors.is_empty());
    let lag = model.cursors.iter().map(|cursor| end - cursor.1 as u64).max().unwrap_or(0);
    let Some(start) = &mut model.backlog else {
        return assert_eq!((log.first_byte_offset(), log.histlen()), (0, 0));
    };
    let (first, histlen) = (log.first_byte_offset(), log.histlen());
    assert_eq!(first + histlen, end + 1);
    *start = (*start).max(end.saturating_sub(model.backlog_size));
    assert!(first - 1 <= *start, "the backlog lost bytes");
    // The oldest segment may reach far back, and what was read since a segment ended is not forgotten yet; either may
    // be as long as the longest piece.
    let most = model.backlog_size.max(lag) + 2 * (SEGMENT_LEN as u64 + biggest);
    assert!(histlen <= most, "{histlen} bytes kept where {most} are enough");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_log_is_the_tail_of_a_long_vector(ops in proptest::collection::vec(op(), 1..120)) {
        let log = Log::new(id(1));
        let mut model = Model { backlog_size: DEFAULT_BACKLOG_SIZE, ..Model::default() };
        let mut biggest = 0;
        for op in ops {
            // Nothing is appended when nobody listens.
            if matches!(op, Op::Append { .. } | Op::Unit { .. } | Op::Verbatim { .. }) && !log.is_active() {
                continue;
            }
            let before = model.bytes.len();
            apply(&log, &mut model, op);
            biggest = biggest.max((model.bytes.len() - before) as u64);
            check(&log, &mut model, biggest);
        }
    }
}

/// Threads append units to databases of their own while a reader follows: the stream must hold every unit, whole, in
/// the order of its thread, in the right database.
#[test]
fn threads_append_and_a_reader_follows() {
    const THREADS: u32 = 4;
    const UNITS: usize = 2000;
    let log = Log::new(id(1));
    let cursor = log.attach(0, Audience::All).unwrap();
    let running = AtomicUsize::new(THREADS as usize);
    let stream = std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (log, running) = (&log, &running);
            scope.spawn(move || {
                for i in 0..UNITS {
                    let value = i.to_string();
                    log.append(thread, Audience::All, |out| {
                        out.command([&b"MULTI"[..]].into_iter());
                        out.command([&b"SET"[..], b"key", value.as_bytes()].into_iter());
                        out.command([&b"EXEC"[..]].into_iter());
                    });
                    if i % 100 == 0 {
                        log.append_command(0, Audience::ReplicasOnly, [&b"PING"[..]].into_iter());
                    }
                }
                running.fetch_sub(1, Ordering::Release);
            });
        }
        let mut stream = Vec::new();
        while running.load(Ordering::Acquire) > 0 {
            stream.extend(drain(&log, cursor, 4000));
            std::thread::yield_now();
        }
        stream.extend(drain(&log, cursor, 4000));
        stream
    });
    let (mut at, mut db, mut spans) = (0, u32::MAX, Vec::new());
    let (mut decoder, limits) = (RequestDecoder::new(), RequestLimits::authenticated());
    let mut next = [0; THREADS as usize];
    let mut is_open = false;
    while at < stream.len() {
        spans.clear();
        let rest = &stream[at..];
        let Decoded::Request { consumed, .. } = decoder.decode(rest, &limits, &mut spans).unwrap() else {
            panic!("the stream ends within a command");
        };
        at += consumed;
        let args = Args::new(rest, &spans);
        match &args[0] {
            b"SELECT" => {
                assert!(!is_open);
                db = redan_resp::parse_u64(&args[1]).unwrap() as u32;
            }
            b"MULTI" => assert!(!std::mem::replace(&mut is_open, true)),
            b"EXEC" => assert!(std::mem::replace(&mut is_open, false)),
            b"SET" => {
                assert!(is_open);
                assert_eq!(redan_resp::parse_u64(&args[2]), Some(next[db as usize]));
                next[db as usize] += 1;
            }
            other => panic!("{:?} is not for the AOF", other.escape_ascii().to_string()),
        }
    }
    assert_eq!(next, [UNITS as u64; THREADS as usize]);
}

#[test]
fn what_changes_no_data_can_be_taken_back() {
    let log = Log::new(ReplId::NONE);
    log.create_backlog();
    let words = |text: &'static str| text.split(' ').map(str::as_bytes).collect::<Vec<_>>();
    let append = |audience, text| log.append_command(3, audience, words(text).into_iter());
    let data = append(Audience::All, "SET k v");
    for _ in 0..3 * SEGMENT_LEN / 20 {
        append(Audience::ReplicasOnly, "PUBLISH channel message");
    }
    let (replica, _) = log.attach_at_end(Audience::ReplicasOnly);
    log.rewind_to_data();
    assert!(log.end_offset() > data, "a replica may have it");
    log.detach(replica);
    let file = log.attach(data, Audience::All).expect("within the backlog");
    log.rewind_to_data();
    assert_eq!((log.end_offset(), log.stream_db()), (data, Some(3)));
    let end = append(Audience::All, "SET k w");
    let read = log.read(file, 1000).expect("attached");
    assert_eq!((read.start, read.end), (data, end));
    assert_eq!(read.chunks.concat(), b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nw\r\n");
    log.rewind_to_data();
    assert_eq!(log.end_offset(), end, "there is nothing to take back");
}
