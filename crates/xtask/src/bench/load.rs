//! Fills in each key exactly once, which `redis-benchmark` with its random keys cannot.

use std::io::{BufRead, BufReader, Write};

use anyhow::{Context, Result, bail};

use crate::bench::server::Server;

/// Requests sent before their replies are read.
const BATCH: usize = 512;

/// Sets `keys` keys named as `redis-benchmark` names them (16 bytes) to values of `value_bytes` bytes.
pub(super) fn fill(port: u16, keys: usize, value_bytes: usize) -> Result<()> {
    let mut stream = Server::connect(port).context("connecting to fill keys in")?;
    stream.set_nodelay(true)?;
    let mut replies = BufReader::new(stream.try_clone()?);
    let value = "x".repeat(value_bytes);
    let mut batch = Vec::new();
    let mut line = String::new();
    for start in (0..keys).step_by(BATCH) {
        let end = (start + BATCH).min(keys);
        batch.clear();
        for number in start..end {
            write!(batch, "*3\r\n$3\r\nSET\r\n$16\r\nkey:{number:012}\r\n${value_bytes}\r\n{value}\r\n")?;
        }
        stream.write_all(&batch)?;
        for _ in start..end {
            line.clear();
            replies.read_line(&mut line)?;
            if line != "+OK\r\n" {
                bail!("SET was answered with {line:?}");
            }
        }
    }
    stream.write_all(b"DBSIZE\r\n")?;
    line.clear();
    replies.read_line(&mut line)?;
    if line.trim_end() != format!(":{keys}") {
        bail!("{keys} keys were set and DBSIZE says {line:?}");
    }
    Ok(())
}
