//! The `redan` program: finds out which of the programs it is called as, and runs it.

use redan_server::cli::{self, Program};
use redan_server::{check, startup};
use std::ffi::OsString;
use std::path::PathBuf;

fn main() {
    let args: Vec<OsString> = std::env::args_os().collect();
    let dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let code = match cli::parse(&args, &dir) {
        Program::Server(launch) => startup::run(&launch, false, &dir),
        Program::Sentinel(launch) => startup::run(&launch, true, &dir),
        Program::CheckRdb { args } => check::check_rdb(&args),
        Program::CheckAof { args } => check::check_aof(&args),
        Program::Help => refuse(&cli::help_text()),
        Program::Version => print(&cli::version_text()),
        Program::ConfigStatus => print(cli::config_status().trim_end()),
        Program::CheckSystem => startup::check_system(),
        Program::Refused(reason) => refuse(&reason),
    };
    std::process::exit(code);
}

fn print(text: &str) -> i32 {
    println!("{text}");
    0
}

fn refuse(text: &str) -> i32 {
    eprintln!("{text}");
    1
}
