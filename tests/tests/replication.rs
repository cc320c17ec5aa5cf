//! Replication between ours and real servers, in both directions.

use redan_tests::{Process, Program, eventually};

const PAIRS: &[(Program, Program)] = &[
    (Program::Redan, Program::Redan),
    (Program::Redis7, Program::Redan),
    (Program::Redan, Program::Redis7),
    (Program::Valkey8, Program::Redan),
    (Program::Redan, Program::Valkey8),
    (Program::Redis8, Program::Redan),
    (Program::Redan, Program::Redis8),
];

struct Pair {
    master: Process,
    replica: Process,
}

impl Pair {
    fn start(master: Program, replica: Program) -> Self {
        let (master, replica) = (Process::server(master, &[]), Process::server(replica, &[]));
        let pair = Self { master, replica };
        pair.write(0, 2_000);
        pair.attach();
        pair
    }

    fn attach(&self) {
        let port = self.master.port().to_string();
        assert_eq!(self.replica.client().text(&["REPLICAOF", "127.0.0.1", &port]), "OK");
        self.wait_until_in_sync();
    }

    /// Strings of all encodings and sizes, with and without a time to live, in several databases.
    fn write(&self, from: usize, count: usize) {
        let mut client = self.master.client();
        for n in from..from + count {
            client.text(&["SELECT", &(n % 4).to_string()]);
            let (key, far) = (format!("key:{n}"), (4_000_000_000_000 + n).to_string());
            match n % 7 {
                0 => client.text(&["SET", &key, &n.to_string()]),
                1 => client.text(&["SET", &key, &"compressible ".repeat(n % 50)]),
                2 => client.text(&["SET", &key, &format!("{n:x}"), "PXAT", &far]),
                3 => client.text(&["APPEND", &key, &fastrand::u64(..).to_string()]),
                4 => client.text(&["INCRBY", &key, &n.to_string()]),
                5 => client.text(&["SETRANGE", &key, &(n % 3000).to_string(), "tail"]),
                _ => client.text(&["SET", &key, &"x".repeat(n * 7 % 20_000), "EX", "100000"]),
            };
            if n % 11 == 0 {
                client.text(&["DEL", &format!("key:{}", n / 2)]);
            }
        }
    }

    fn wait_until_in_sync(&self) {
        eventually("the link is up", || {
            self.replica.client().info("replication", "master_link_status") == "up"
        });
        eventually("the replica has all", || {
            let offset = self.master.client().info("replication", "master_repl_offset");
            self.replica.client().info("replication", "slave_repl_offset") == offset
        });
        let digest = self.master.client().text(&["DEBUG", "DIGEST"]);
        assert_eq!(self.replica.client().text(&["DEBUG", "DIGEST"]), digest);
    }

    fn syncs(&self) -> (String, String) {
        let mut client = self.master.client();
        (client.info("stats", "sync_full"), client.info("stats", "sync_partial_ok"))
    }
}

#[test]
fn full_sync_then_the_stream() {
    for &(master, replica) in PAIRS {
        let pair = Pair::start(master, replica);
        pair.write(2_000, 500);
        pair.wait_until_in_sync();
    }
}

#[test]
fn a_cut_link_is_resumed() {
    for &(master, replica) in PAIRS {
        let pair = Pair::start(master, replica);
        assert_eq!(pair.syncs(), ("1".into(), "0".into()), "{master:?} to {replica:?}");
        pair.master.client().text(&["CLIENT", "KILL", "TYPE", "replica"]);
        pair.write(2_000, 300);
        eventually("the replica has come back", || pair.syncs().1 == "1");
        pair.wait_until_in_sync();
        assert_eq!(pair.syncs(), ("1".into(), "1".into()), "{master:?} to {replica:?}");
    }
}

#[test]
fn a_disk_based_full_sync_and_a_chain() {
    for &(master, replica) in PAIRS {
        let pair = Pair::start(master, replica);
        pair.master.client().text(&["CONFIG", "SET", "repl-diskless-sync", "no"]);
        let third = Process::server(Program::Redan, &[]);
        let port = pair.replica.port().to_string();
        assert_eq!(third.client().text(&["REPLICAOF", "127.0.0.1", &port]), "OK");
        let chained = Pair { master: pair.replica, replica: third };
        chained.wait_until_in_sync();
        let first = Pair { master: pair.master, replica: chained.replica };
        first.write(3_000, 200);
        eventually("what is written at the top arrives at the end", || {
            let digest = first.master.client().text(&["DEBUG", "DIGEST"]);
            first.replica.client().text(&["DEBUG", "DIGEST"]) == digest
        });
    }
}

#[test]
fn a_promoted_replica_is_followed_by_partial_sync() {
    for &(master, replica) in PAIRS {
        let pair = Pair::start(master, replica);
        let third = Process::server(Program::Redan, &[]);
        let port = pair.master.port().to_string();
        third.client().text(&["REPLICAOF", "127.0.0.1", &port]);
        let other = Pair { master: pair.master, replica: third };
        other.wait_until_in_sync();
        // The second replica is promoted; the first and the old master follow it, from where they are.
        let (promoted, old_master) = (other.replica, other.master);
        assert_eq!(promoted.client().text(&["REPLICAOF", "NO", "ONE"]), "OK");
        promoted.client().text(&["SET", "after", "promotion"]);
        let full_before = promoted.client().info("stats", "sync_full");
        let follower = Pair { master: promoted, replica: pair.replica };
        follower.attach();
        let former = Pair { master: follower.master, replica: old_master };
        former.attach();
        assert_eq!(
            former.master.client().info("stats", "sync_full"),
            full_before,
            "{master:?} to {replica:?}"
        );
        assert_eq!(former.syncs().1, "2", "{master:?} to {replica:?}");
    }
}
