//! The two tools that check files: their bodies are in crate `persistence`; here they get a console and a clock.

use crate::{cli, clock};
use redan_persistence::{check_aof, check_rdb};
use std::ffi::OsString;
use std::io;

/// Runs `redis-check-rdb` with the arguments after its name; returns the exit code.
pub fn check_rdb(args: &[OsString]) -> i32 {
    let args = words("redis-check-rdb", args);
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    exit_code(check_rdb::main(&args, clock::unix_ms(), cli::REDIS_VERSION, &mut out, &mut err))
}

/// Runs `redis-check-aof` with the arguments after its name; returns the exit code.
pub fn check_aof(args: &[OsString]) -> i32 {
    let args = words("redis-check-aof", args);
    let console = check_aof::Console { input: &mut io::stdin().lock(), out: &mut io::stdout().lock() };
    exit_code(check_aof::main(&args, clock::unix_ms(), cli::REDIS_VERSION, console))
}

fn words(name: &str, args: &[OsString]) -> Vec<String> {
    let args = args.iter().map(|arg| arg.to_string_lossy().into_owned());
    std::iter::once(name.to_owned()).chain(args).collect()
}

/// A console that is gone leaves nobody to tell.
fn exit_code(result: io::Result<i32>) -> i32 {
    result.unwrap_or(1)
}
