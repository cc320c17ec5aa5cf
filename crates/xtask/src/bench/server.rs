//! A server under measurement: started on a free port without persistence, ended when dropped.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a server may take to answer its first PING.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Ticks per second of the times in `/proc/PID/stat`: fixed by the kernel's interface (`man 5 proc`).
const TICKS_PER_S: f64 = 100.0;

/// A running server.
pub(super) struct Server {
    child: Child,
    port: u16,
    dir: tempfile::TempDir,
}

impl Server {
    /// Starts `program` and waits until it answers.
    pub(super) fn start(program: &Path, args: &[String]) -> Result<Server> {
        let dir = tempfile::tempdir().context("making a folder for the server")?;
        let port = free_port()?;
        let log = fs::File::create(dir.path().join("log"))?;
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
        command.arg("--port").arg(port.to_string()).arg("--dir").arg(dir.path()).args(args);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        let mut server = Server { child, port, dir };
        server.wait_until_ready().with_context(|| format!("starting {}", program.display()))?;
        Ok(server)
    }

    /// The port on the loopback address.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// A connection to the server.
    pub(super) fn connect(port: u16) -> std::io::Result<TcpStream> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))
    }

    /// Resident memory in bytes.
    pub(super) fn resident_bytes(&self) -> Result<u64> {
        let status = self.proc_file("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a VmRSS line")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS in kB")?;
        Ok(kilobytes * 1024)
    }

    /// Processor time used so far, in seconds, all threads, user and system.
    pub(super) fn processor_s(&self) -> Result<f64> {
        let stat = self.proc_file("stat")?;
        // The second field is the name in brackets, which may hold blanks; fields are numbered from 1.
        let fields: Vec<&str> = stat.rsplit_once(") ").context("a name in brackets")?.1.split(' ').collect();
        let ticks =
            |number: usize| -> Result<f64> { Ok(fields.get(number - 3).context("a field")?.parse()?) };
        Ok((ticks(14)? + ticks(15)?) / TICKS_PER_S)
    }

    /// Gives the server time to return buffers of closed connections.
    pub(super) fn settle(&self) {
        thread::sleep(Duration::from_secs(2));
    }

    fn proc_file(&self, name: &str) -> Result<String> {
        let path = format!("/proc/{}/{name}", self.child.id());
        fs::read_to_string(&path).with_context(|| format!("reading {path}"))
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !answers_ping(self.port) {
            let log = || fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            if let Some(status) = self.child.try_wait()? {
                bail!("ended with {status}:\n{}", log());
            }
            if Instant::now() > deadline {
                bail!("no answer within {START_TIMEOUT:?}:\n{}", log());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answers_ping(port: u16) -> bool {
    let ping = || -> std::io::Result<[u8; 7]> {
        let mut stream = Server::connect(port)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut reply = [0; 7];
        stream.read_exact(&mut reply)?;
        Ok(reply)
    };
    ping().is_ok_and(|reply| &reply == b"+PONG\r\n")
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?.port())
}
