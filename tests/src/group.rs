//! A master, replicas and Sentinels, and a client that finds its way among them.

use crate::{Client, Process, Program, eventually, eventually_within};
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// `down-after-milliseconds` of all groups.
pub const DOWN_AFTER: Duration = Duration::from_millis(1000);

/// `failover-timeout` of all groups. Real Sentinels that split their votes try again after twice as long.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(4);

/// Servers and the Sentinels that watch them. Server 0 begins as the master.
pub struct Group {
    /// The servers.
    pub servers: Vec<Process>,
    /// The Sentinels.
    pub sentinels: Vec<Process>,
}

/// A write that was acknowledged by a replica too.
#[derive(Clone, Debug)]
pub struct Write {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl Group {
    /// Starts servers and Sentinels and waits until every Sentinel knows everybody.
    pub fn start(servers: &[Program], sentinels: &[Program]) -> Self {
        // A PING in the stream of a master that was frozen would be data that no replica has.
        let quiet = ["--repl-ping-replica-period", "3600"];
        let servers: Vec<Process> = servers.iter().map(|&program| Process::server(program, &quiet)).collect();
        let master = servers[0].port().to_string();
        for replica in &servers[1..] {
            assert_eq!(replica.client().text(&["REPLICAOF", "127.0.0.1", &master]), "OK");
        }
        for replica in &servers[1..] {
            eventually("the replica is in sync", || {
                replica.client().info("replication", "master_link_status") == "up"
            });
        }
        let config = format!(
            "sentinel monitor group 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds group {}\n\
             sentinel failover-timeout group {}\n\
             sentinel parallel-syncs group 1\n",
            DOWN_AFTER.as_millis(),
            FAILOVER_TIMEOUT.as_millis(),
        );
        let sentinels = sentinels.iter().map(|&program| Process::sentinel(program, &config)).collect();
        let group = Self { servers, sentinels };
        group.wait_until_known();
        group
    }

    fn wait_until_known(&self) {
        for sentinel in &self.sentinels {
            let others = (self.sentinels.len() - 1).to_string();
            let replicas = (self.servers.len() - 1).to_string();
            eventually("every Sentinel knows everybody", || {
                let status = sentinel.client().try_text(&["SENTINEL", "MASTER", "group"]).unwrap_or_default();
                status.contains(&format!("num-slaves {replicas} "))
                    && status.contains(&format!("num-other-sentinels {others} "))
            });
        }
    }

    /// The port of the master, as the first Sentinel that answers has it.
    pub fn master_port(&self) -> Option<u16> {
        self.sentinels.iter().find_map(|sentinel| {
            let mut client = Client::connect(sentinel.port()).ok()?;
            client.set_patience(Duration::from_millis(500));
            let address = client.try_text(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "group"]).ok()?;
            address.split(' ').nth(1)?.parse().ok()
        })
    }

    /// Waits until the Sentinels name another master than `old`, and that one takes writes. Returns how long it took.
    pub fn wait_for_other_master(&self, old: u16, limit: Duration) -> Duration {
        eventually_within(limit, "another master takes writes", || {
            self.master_port().is_some_and(|port| {
                port != old
                    && Client::connect(port).and_then(|mut c| c.try_text(&["SET", "probe", "1"])).is_ok()
            })
        })
    }

    /// Writes through whoever is the master until `until` says stop, and keeps what a replica has confirmed. Gives up on
    /// a connection at the first error and asks the Sentinels again, as a client of its kind does.
    pub fn write_until(&self, mut until: impl FnMut(usize) -> bool) -> Vec<Write> {
        let mut confirmed = Vec::new();
        let mut number = 0;
        let give_up = Instant::now() + Duration::from_secs(60);
        while !until(confirmed.len()) {
            assert!(Instant::now() < give_up, "writes go on within a minute");
            let Some(mut client) = self.master_port().and_then(|port| Client::connect(port).ok()) else {
                continue;
            };
            client.set_patience(Duration::from_millis(700));
            while !until(confirmed.len()) {
                number += 1;
                let write = Write { key: format!("key:{number}"), value: number.to_string() };
                match write_one(&mut client, &write) {
                    Ok(()) => confirmed.push(write),
                    Err(_) => break,
                }
            }
        }
        confirmed
    }

    /// Asserts that the master has every write.
    pub fn assert_kept(&self, writes: &[Write]) {
        let port = self.master_port().expect("there is a master");
        let mut client = Client::connect(port).expect("the master listens");
        let lost: Vec<&Write> =
            writes.iter().filter(|write| client.text(&["GET", &write.key]) != write.value).collect();
        assert!(lost.is_empty(), "{} of {} confirmed writes are lost: {lost:?}", lost.len(), writes.len());
    }

    /// Asserts that the first master, which follows another one now, came to it by a partial sync.
    pub fn assert_old_master_continued(&self) {
        let log = self.servers[0].log();
        assert!(log.contains("Successful partial resynchronization with master"), "{log}");
        assert!(!log.contains("Full resync from master"), "{log}");
    }

    /// Waits until all servers that run have the same data, and each but one replicates from the master.
    pub fn wait_until_same(&self) {
        eventually_within(Duration::from_secs(40), "all servers agree", || {
            let Some(master) = self.master_port() else { return false };
            let digests: Vec<String> = self.servers.iter().map(|server| digest(server.port())).collect();
            digests.iter().all(|digest| !digest.is_empty() && *digest == digests[0])
                && self
                    .servers
                    .iter()
                    .filter(|server| server.port() != master)
                    .all(|server| follows(server.port(), master))
        });
    }
}

fn write_one(client: &mut Client, write: &Write) -> Result<()> {
    client.try_text(&["SET", &write.key, &write.value])?;
    let replicas: u32 = client.try_text(&["WAIT", "1", "500"])?.parse()?;
    ensure!(replicas >= 1, "no replica has confirmed");
    Ok(())
}

fn digest(port: u16) -> String {
    Client::connect(port).and_then(|mut client| client.try_text(&["DEBUG", "DIGEST"])).unwrap_or_default()
}

fn follows(port: u16, master: u16) -> bool {
    Client::connect(port).is_ok_and(|mut client| {
        client.info("replication", "master_port") == master.to_string()
            && client.info("replication", "master_link_status") == "up"
    })
}
