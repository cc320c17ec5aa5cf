//! A Redis instance as far as a Sentinel can see it.

use redan_resp::Frame;

/// Channel and message.
pub type Published = (Vec<u8>, Vec<u8>);

/// An order to follow another instance, or nobody.
type Following = Option<(String, u16)>;

pub struct FakeRedis {
    pub alive: bool,
    /// It accepts connections but does not answer.
    pub paused: bool,
    pub run_id: String,
    pub following: Following,
    /// Addresses of its replicas, as it reports them.
    pub replicas: Vec<String>,
    pub priority: u32,
    pub offset: u64,
    /// When it began to follow; in sync a little later.
    pub follows_since: u64,
    /// What it answers to PING.
    pub pong: &'static str,
    /// Commands it refuses.
    pub refuses: &'static str,
    pub link_down_s: u64,
    pub announced: bool,
}

/// How long a sync takes.
const SYNC_MS: u64 = 300;

impl FakeRedis {
    fn new(number: usize) -> FakeRedis {
        FakeRedis {
            alive: true,
            paused: false,
            run_id: format!("{number:x}").repeat(40)[..40].to_owned(),
            following: None,
            replicas: Vec::new(),
            priority: 100,
            offset: 1000,
            follows_since: 0,
            pong: "PONG",
            refuses: "",
            link_down_s: 0,
            announced: true,
        }
    }

    pub fn master(number: usize) -> FakeRedis {
        FakeRedis { replicas: vec!["10.0.0.2".into(), "10.0.0.3".into()], ..FakeRedis::new(number) }
    }

    pub fn replica(number: usize, of: &str, priority: u32) -> FakeRedis {
        FakeRedis { following: Some((of.into(), 6379)), priority, ..FakeRedis::new(number) }
    }

    /// Answers a command; also returns what it published.
    pub fn serve(
        &mut self,
        queued: &mut Option<Vec<Vec<Vec<u8>>>>,
        command: &[Vec<u8>],
        now_ms: u64,
    ) -> (Frame, Option<Published>) {
        let name = String::from_utf8_lossy(&command[0]).into_owned();
        let simple = |text: &'static str| Frame::Simple(text.as_bytes().into());
        if self.refuses == name {
            return (Frame::Error("NOAUTH Authentication required.".into()), None);
        }
        if name != "EXEC"
            && let Some(queue) = queued
        {
            queue.push(command.to_vec());
            return (simple("QUEUED"), None);
        }
        let frame = match name.as_str() {
            "PING" if self.pong != "PONG" => Frame::Error(self.pong.as_bytes().into()),
            "PING" => simple("PONG"),
            "INFO" => Frame::bulk(self.info(now_ms)),
            "SUBSCRIBE" => {
                Frame::Array(vec![Frame::bulk("subscribe"), Frame::bulk(&command[1]), Frame::Int(1)])
            }
            "PUBLISH" => return (Frame::Int(1), Some((command[1].clone(), command[2].clone()))),
            "MULTI" => {
                *queued = Some(Vec::new());
                simple("OK")
            }
            "EXEC" => {
                let commands = queued.take().unwrap_or_default();
                let replies = commands.iter().map(|command| self.serve(&mut None, command, now_ms).0);
                Frame::Array(replies.collect())
            }
            "SLAVEOF" => {
                let host = String::from_utf8_lossy(&command[1]).into_owned();
                let port = String::from_utf8_lossy(&command[2]).parse();
                self.following = port.ok().map(|port| (host, port));
                self.follows_since = now_ms;
                simple("OK")
            }
            _ => simple("OK"),
        };
        (frame, None)
    }

    fn info(&self, now_ms: u64) -> String {
        let mut info =
            format!("# Server\r\nredis_version:7.4.0\r\nrun_id:{}\r\n\r\n# Replication\r\n", self.run_id);
        match &self.following {
            None => {
                info += "role:master\r\n";
                for (i, ip) in self.replicas.iter().enumerate() {
                    info += &format!("slave{i}:ip={ip},port=6379,state=online,offset=1,lag=0\r\n");
                }
            }
            Some((host, port)) => {
                let synced = now_ms >= self.follows_since + SYNC_MS && self.link_down_s == 0;
                let status = if synced { "up" } else { "down" };
                info += &format!("role:slave\r\nmaster_host:{host}\r\nmaster_port:{port}\r\n");
                info += &format!("master_link_status:{status}\r\nslave_repl_offset:{}\r\n", self.offset);
                info += &format!("slave_priority:{}\r\n", self.priority);
                info += &format!("replica_announced:{}\r\n", u8::from(self.announced));
                if self.link_down_s > 0 {
                    info += &format!("master_link_down_since_seconds:{}\r\n", self.link_down_s);
                }
            }
        }
        info
    }
}
