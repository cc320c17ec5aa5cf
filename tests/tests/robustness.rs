//! What hurts other servers: noise on the port, death in the middle of a snapshot.

use redan_tests::{Client, Process, Program, Signal, eventually};
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Resident memory of a process, KiB.
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn ten_million_random_bytes_are_refused_politely() {
    const TOTAL: usize = 10_000_000;
    let server = Process::server(Program::Redan, &[]);
    let before_kib = resident_kib(server.pid());
    let mut random = fastrand::Rng::with_seed(20);
    let mut sent = 0;
    while sent < TOTAL {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).expect("it listens");
        stream.set_write_timeout(Some(Duration::from_secs(5))).expect("a positive time");
        // Every other connection begins like a request, so that the noise gets further than the first byte.
        let opening: &[u8] =
            [b"".as_slice(), b"*3\r\n$3\r\nSET\r\n$", b"*", b"*2\r\n$3\r\nGET\r\n$4\r\n"][random.usize(..4)];
        let mut piece = opening.to_vec();
        loop {
            let length = random.usize(1..20_000);
            piece.extend(std::iter::repeat_with(|| random.u8(..)).take(length));
            sent += piece.len();
            if stream.write_all(&piece).is_err() || sent >= TOTAL || random.u8(..) < 40 {
                break;
            }
            piece.clear();
        }
    }
    let mut client = server.client();
    assert_eq!(client.text(&["PING"]), "PONG");
    eventually("memory is back", || resident_kib(server.pid()) < before_kib + 64 * 1024);
    assert!(!server.log().contains("BUG REPORT"), "{}", server.log());
}

#[test]
fn a_snapshot_that_is_killed_leaves_the_old_one() {
    let mut server = Process::server(Program::Redan, &[]);
    let mut expected = 0;
    for round in 0..8 {
        let mut client = server.client();
        for n in 0..2_000 {
            client.text(&["SET", &format!("round:{round}:{n}"), &"v".repeat(200)]);
        }
        expected += 2_000;
        client.text(&["SAVE"]);
        // More keys that the next snapshot, the one that dies, would have had.
        for n in 0..500 {
            client.text(&["SET", &format!("lost:{round}:{n}"), &"w".repeat(200)]);
        }
        client.text(&["CONFIG", "SET", "rdb-key-save-delay", "200"]);
        client.text(&["BGSAVE"]);
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..150)));
        server.restart();
        assert_eq!(
            server.client().text(&["DBSIZE"]),
            expected.to_string(),
            "round {round}\n{}",
            server.log()
        );
    }
    server.kill(Signal::Terminate);
}

#[test]
fn dumps_are_exchanged_with_real_servers() {
    for peer in [Program::Redis7, Program::Redis8, Program::Valkey8] {
        let (ours, theirs) = (Process::server(Program::Redan, &[]), Process::server(peer, &[]));
        fill(&mut ours.client());
        let digest = ours.client().text(&["DEBUG", "DIGEST"]);
        carry(&ours, &theirs);
        let mut theirs = theirs;
        theirs.restart();
        assert_eq!(theirs.client().text(&["DEBUG", "DIGEST"]), digest, "{peer:?} reads ours");
        theirs.client().text(&["SET", "from", "them"]);
        let digest = theirs.client().text(&["DEBUG", "DIGEST"]);
        carry(&theirs, &ours);
        let mut ours = ours;
        ours.restart();
        assert_eq!(ours.client().text(&["DEBUG", "DIGEST"]), digest, "we read {peer:?}'s");
    }
}

/// Saves `from`'s data and puts the file where `to` looks for it when it starts.
fn carry(from: &Process, to: &Process) {
    from.client().text(&["SAVE"]);
    std::fs::copy(from.dir().join("dump.rdb"), to.dir().join("dump.rdb")).expect("both directories exist");
}

fn fill(client: &mut Client) {
    for n in 0..3_000_usize {
        client.text(&["SELECT", &(n % 16).to_string()]);
        let (key, far) = (format!("key:{n}"), (4_000_000_000_000 + n).to_string());
        match n % 5 {
            0 => client.text(&["SET", &key, &(n as i64 - 1500).to_string()]),
            1 => client.text(&["SET", &key, &"repeat ".repeat(n % 90)]),
            2 => client.text(&["SET", &key, "-9223372036854775808", "PXAT", &far]),
            3 => client.text(&["SET", &key, &"y".repeat(n * 13 % 70_000)]),
            _ => client.text(&["SET", &key, "", "PXAT", &far]),
        };
    }
}
