//! A server or Sentinel process.

use crate::{Client, Program, eventually};
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A signal a test sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGKILL
    Kill,
    /// SIGTERM
    Terminate,
    /// SIGSTOP
    Stop,
    /// SIGCONT
    Continue,
}

/// A running process with a directory of its own. Dropping it kills it.
pub struct Process {
    child: Option<Child>,
    program: Program,
    sentinel: bool,
    arguments: Vec<String>,
    dir: TempDir,
    port: u16,
}

/// A TCP port of the loopback interface that was free a moment ago.
pub fn free_port() -> u16 {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

impl Process {
    /// Starts a server that keeps no data on disk unless `arguments` say so, and waits until it answers.
    pub fn server(program: Program, arguments: &[&str]) -> Self {
        let mut all = vec![
            "--save",
            "",
            "--appendonly",
            "no",
            "--repl-diskless-sync-delay",
            "0",
            "--enable-debug-command",
            "yes",
        ];
        all.extend_from_slice(arguments);
        let process = Self::start(program, false, &all, free_port());
        process.wait_until_up();
        process
    }

    /// Starts a Sentinel with this configuration, and waits until it answers.
    pub fn sentinel(program: Program, config: &str) -> Self {
        let process = Self::start(program, true, &[config], free_port());
        process.wait_until_up();
        process
    }

    fn start(program: Program, sentinel: bool, arguments: &[&str], port: u16) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut process = Self { child: None, program, sentinel, arguments, dir, port };
        if sentinel {
            let config = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\n{}",
                process.dir().display(),
                process.arguments[0]
            );
            std::fs::write(process.config_path(), config).expect("the directory is writable");
        }
        process.launch();
        process
    }

    fn launch(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("the directory is writable");
        let mut command = if self.sentinel {
            let (path, arguments) = self.program.sentinel();
            let mut command = Command::new(path);
            command.arg(self.config_path()).args(arguments);
            command
        } else {
            let mut command = Command::new(self.program.server());
            command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
            command.arg("--dir").arg(self.dir.path()).args(&self.arguments);
            command
        };
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file can be cloned")).stderr(log);
        command.current_dir(self.dir.path());
        self.child = Some(command.spawn().expect("the program starts"));
    }

    /// Waits until it answers PING with anything but an error about loading.
    pub fn wait_until_up(&self) {
        eventually(&format!("{:?} on port {} answers\n{}", self.program, self.port, self.log()), || {
            self.try_client()
                .is_some_and(|mut client| client.try_text(&["PING"]).is_ok_and(|reply| reply == "PONG"))
        });
    }

    /// Starts it again after [`kill`](Self::kill), with the same directory and port.
    pub fn restart(&mut self) {
        self.kill(Signal::Kill);
        self.launch();
        self.wait_until_up();
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its working directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("output.log")
    }

    fn config_path(&self) -> PathBuf {
        self.dir.path().join("sentinel.conf")
    }

    /// A connection to it.
    pub fn client(&self) -> Client {
        self.try_client().expect("it listens")
    }

    fn try_client(&self) -> Option<Client> {
        Client::connect(self.port).ok()
    }

    /// Sends a signal; after SIGKILL and SIGTERM it waits for the end of the process.
    pub fn kill(&mut self, signal: Signal) {
        let Some(child) = &mut self.child else { return };
        send(child.id(), signal);
        if matches!(signal, Signal::Kill | Signal::Terminate) {
            let mut child = self.child.take().expect("looked at just now");
            let status = child.wait().expect("a child can be waited for");
            assert!(signal == Signal::Kill || status.success(), "an orderly end: {status}\n{}", self.log());
        }
    }
}

fn send(pid: u32, signal: Signal) {
    use nix::sys::signal::Signal as Number;
    let number = match signal {
        Signal::Kill => Number::SIGKILL,
        Signal::Terminate => Number::SIGTERM,
        Signal::Stop => Number::SIGSTOP,
        Signal::Continue => Number::SIGCONT,
    };
    let pid = nix::unistd::Pid::from_raw(pid as i32);
    nix::sys::signal::kill(pid, number).expect("a child that was not waited for has its id");
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A stopped process is killed too.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- {:?} on port {} ---\n{}", self.program, self.port, tail(&self.log(), 60));
        }
    }
}

fn tail(log: &str, lines: usize) -> String {
    let all: Vec<&str> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
