//! The append-only file under kills, read by others, and as what a restart resumes from.

use redan_tests::{Process, Program, Signal, eventually, peers_are_here};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

const WRITERS: usize = 3;

/// How often a server is killed; `REDAN_CRASH_ROUNDS` says otherwise.
fn rounds() -> u32 {
    std::env::var("REDAN_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(8)
}

/// Counts up one key each until the connection is gone; what was acknowledged is in `acked`.
fn count_up(server: &Process, acked: &[AtomicU64]) {
    std::thread::scope(|scope| {
        for (writer, acked) in acked.iter().enumerate() {
            let mut client = server.client();
            scope.spawn(move || {
                let key = format!("counter:{writer}");
                while let Ok(reply) = client.try_text(&["INCR", &key]) {
                    acked.store(reply.parse().expect("a number"), SeqCst);
                }
            });
        }
        let mut admin = server.client();
        scope.spawn(move || {
            while admin.try_call(&["BGREWRITEAOF"]).is_ok() {
                std::thread::sleep(Duration::from_millis(15));
            }
        });
        scope.spawn(move || {
            let lifetime = Duration::from_millis(fastrand::u64(20..300));
            std::thread::sleep(lifetime);
            let pid = nix::unistd::Pid::from_raw(server.pid() as i32);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it runs");
        });
    });
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let arguments = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut server = Process::server(Program::Redan, &arguments);
    let acked: Vec<AtomicU64> = (0..WRITERS).map(|_| AtomicU64::new(0)).collect();
    for round in 0..rounds() {
        count_up(&server, &acked);
        server.restart();
        let mut client = server.client();
        for (writer, acked) in acked.iter().enumerate() {
            let found: u64 = client.text(&["GET", &format!("counter:{writer}")]).parse().unwrap_or(0);
            let wanted = acked.load(SeqCst);
            assert!(found >= wanted, "round {round}: {found} of {wanted} acknowledged");
            assert!(found <= wanted + 1, "round {round}: {found}, but {wanted} acknowledged");
        }
    }
}

#[test]
fn redis_reads_our_files_and_we_read_its() {
    if !peers_are_here() {
        eprintln!("no peers: skipped");
        return;
    }
    for preamble in ["yes", "no"] {
        let arguments = ["--appendonly", "yes", "--aof-use-rdb-preamble", preamble];
        let mut ours = Process::server(Program::Redan, &arguments);
        let mut client = ours.client();
        fill(&mut client);
        client.text(&["BGREWRITEAOF"]);
        eventually("the rewrite is over", || {
            ours.client().text(&["INFO", "persistence"]).contains("aof_rewrites:1")
        });
        client.text(&["SELECT", "3"]);
        client.text(&["SET", "behind", "the base"]);
        let digest = client.text(&["DEBUG", "DIGEST"]);
        ours.kill(Signal::Terminate);
        let dir = ours.dir().to_str().expect("a path of letters").to_owned();
        let theirs_arguments = ["--appendonly", "yes", "--aof-use-rdb-preamble", preamble, "--dir", &dir];
        let mut theirs = Process::server(Program::Redis7, &theirs_arguments);
        let mut client = theirs.client();
        assert_eq!(client.text(&["DEBUG", "DIGEST"]), digest);
        client.text(&["SET", "from", "redis"]);
        let digest = client.text(&["DEBUG", "DIGEST"]);
        theirs.kill(Signal::Terminate);
        let again = Process::server(Program::Redan, &theirs_arguments);
        assert_eq!(again.client().text(&["DEBUG", "DIGEST"]), digest);
    }
}

/// A key of every type that Redis 7.0 knows, and some that expire.
fn fill(client: &mut redan_tests::Client) {
    for n in 0..200 {
        let n = n.to_string();
        client.text(&["SET", &format!("string:{n}"), &n]);
        client.text(&["RPUSH", "list", &n, "x"]);
        client.text(&["SADD", "numbers", &n]);
        client.text(&["SADD", "words", &format!("word {n}")]);
        // Halves look the same in the digests of all versions.
        client.text(&["ZADD", "scores", &format!("{n}.5"), &n]);
        client.text(&["HSET", "hash", &n, "value"]);
    }
    client.text(&["SET", "string:0", "short", "EX", "100000"]);
    client.text(&["RPUSH", "small", "a", "1"]);
    client.text(&["PEXPIRE", "small", "100000000"]);
}

#[test]
fn a_replica_resumes_from_its_append_only_file() {
    let master = Process::server(Program::Redan, &[]);
    let port = master.port().to_string();
    let arguments = ["--appendonly", "yes", "--replicaof", &format!("127.0.0.1 {port}")];
    let mut replica = Process::server(Program::Redan, &arguments);
    let mut client = master.client();
    let is_up =
        |replica: &Process| replica.client().text(&["INFO", "replication"]).contains("master_link_status:up");
    eventually("the replica is there", || is_up(&replica));
    eventually("its file has a base", || {
        let info = replica.client().text(&["INFO", "persistence"]);
        info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrites:1")
    });
    for n in 0..50 {
        client.text(&["SET", &format!("key:{n}"), "v"]);
    }
    eventually("the replica has it", || replica.client().text(&["DBSIZE"]) == "50");
    replica.kill(Signal::Terminate);
    client.text(&["SET", "meanwhile", "v"]);
    replica.restart();
    eventually("the replica goes on", || is_up(&replica) && replica.client().text(&["DBSIZE"]) == "51");
    let stats = client.text(&["INFO", "stats"]);
    assert!(stats.contains("sync_full:1\r\n"), "{stats}");
    assert!(stats.contains("sync_partial_ok:1\r\n"), "{stats}");
}

#[test]
fn a_backup_is_a_dataset_of_its_own() {
    let server = Process::server(Program::Redan, &["--appendonly", "yes"]);
    let mut client = server.client();
    client.text(&["SET", "before", "1"]);
    assert_eq!(client.text(&["BACKUP", "monday"]), "OK");
    client.text(&["SET", "after", "1"]);
    for wrong in ["../monday", "/tmp/monday", ".monday", "monday"] {
        assert!(client.try_text(&["BACKUP", wrong]).is_err(), "{wrong}");
    }
    let dir = server.dir().to_str().expect("a path of letters");
    let arguments = ["--appendonly", "yes", "--dir", dir, "--appenddirname", "monday"];
    let copy = Process::server(Program::Redan, &arguments);
    let mut client = copy.client();
    assert_eq!(client.text(&["DBSIZE"]), "1");
    assert_eq!(client.text(&["GET", "before"]), "1");
}
