use super::*;
use proptest::prelude::*;
use redan_resp::encode_command;

fn commands(list: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for command in list {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        encode_command(&mut out, words.into_iter());
    }
    out
}

/// Pieces as text: audience, databases, names of the commands.
fn cut(cutter: &mut StreamCutter, bytes: &[u8]) -> Vec<String> {
    let mut out = Vec::new();
    cutter
        .feed(bytes, |piece| {
            let text = String::from_utf8_lossy(&piece.bytes).into_owned();
            let words: Vec<&str> =
                text.split("\r\n").filter(|line| *line == "*" || !line.starts_with(['*', '$'])).collect();
            let ack = if piece.is_getack { " ack" } else { "" };
            out.push(format!(
                "{:?} {}>{}{ack}: {}",
                piece.audience,
                piece.db,
                piece.db_after,
                words.join(" ").trim()
            ));
        })
        .unwrap();
    out
}

#[test]
fn runs_are_cut_by_audience() {
    let bytes = commands(&[
        "SELECT 3",
        "SET a 1",
        "PING",
        "REPLCONF GETACK *",
        "SET b 2",
        "select 0",
        "DEL a",
        "PING",
    ]);
    assert_eq!(
        cut(&mut StreamCutter::new(7), &bytes),
        [
            "All 7>3: SELECT 3 SET a 1",
            "ReplicasOnly 3>3: PING",
            "ReplicasOnly 3>3 ack: REPLCONF GETACK *",
            "All 3>0: SET b 2 select 0 DEL a",
            "ReplicasOnly 0>0: PING",
        ]
    );
}

#[test]
fn a_transaction_is_given_out_at_its_end() {
    let mut cutter = StreamCutter::new(0);
    assert_eq!(cut(&mut cutter, &commands(&["SET a 1", "MULTI", "SET b 2"])), ["All 0>0: SET a 1"]);
    assert!(cutter.pending() > 0);
    assert!(cut(&mut cutter, &commands(&["SELECT 1", "PING"])).is_empty());
    let end = commands(&["EXEC", "SET c 3"]);
    assert_eq!(cut(&mut cutter, &end), ["All 0>1: MULTI SET b 2 SELECT 1 PING EXEC SET c 3"]);
    assert_eq!(cutter.pending(), 0);
}

#[test]
fn newlines_are_no_part_of_the_stream() {
    let mut bytes = b"\n\r\n".to_vec();
    bytes.extend(commands(&["MULTI", "SET a 1"]));
    bytes.push(b'\n');
    bytes.extend(commands(&["EXEC"]));
    assert_eq!(cut(&mut StreamCutter::new(0), &bytes), ["All 0>0: MULTI SET a 1 EXEC"]);
}

#[test]
fn garbage_is_an_error() {
    for garbage in [&b"SET a b\r\n"[..], b"*1\r\n:5\r\n", b"*9999999999\r\n", b"*1\r\n$-5\r\n"] {
        assert!(StreamCutter::new(0).feed(garbage, |_| panic!("gave out garbage")).is_err());
    }
}

proptest! {
    #[test]
    fn every_byte_comes_out_once_however_it_is_split(
        choice in proptest::collection::vec(0usize..6, 0..30),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        const WORDS: [&str; 6] = ["SET key value", "PING", "MULTI", "EXEC", "SELECT 5", "REPLCONF GETACK *"];
        let list: Vec<&str> = choice.iter().map(|&i| WORDS[i]).collect();
        let bytes = commands(&list);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut cutter = StreamCutter::new(0);
        let (mut out, mut db) = (Vec::new(), 0);
        for cut in cuts.windows(2) {
            cutter.feed(&bytes[cut[0]..cut[1]], |piece| {
                assert_eq!(piece.db, db);
                db = piece.db_after;
                out.extend_from_slice(&piece.bytes);
            }).unwrap();
        }
        prop_assert_eq!(&out[..], &bytes[..out.len()]);
        prop_assert_eq!(out.len() + cutter.pending(), bytes.len());
        let last_multi = list.iter().rposition(|word| *word == "MULTI");
        let last_exec = list.iter().rposition(|word| *word == "EXEC");
        prop_assert_eq!(cutter.pending() > 0, last_multi > last_exec);
    }
}
