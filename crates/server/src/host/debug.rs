//! DEBUG subcommands about the process itself.

use super::Server;
use crate::startup::process;
use redan_engine::{ReplyError, errors};
use redan_resp::{Args, ReplyBuf, parse_i64};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

impl Server {
    /// Runs `DEBUG <subcommand> ...`; `false` when there is no such subcommand here.
    pub(super) fn debug(&self, args: Args<'_>, out: &mut ReplyBuf) -> Result<bool, ReplyError> {
        let Some(name) = args.get(1) else { return Ok(false) };
        let name = name.to_ascii_lowercase();
        match (name.as_slice(), args.len()) {
            (b"segfault", 2) => crate::sys::crash::segfault(),
            (b"panic", 2) => panic!("called by user request"),
            (b"assert", 2) => {
                assert!(args.is_empty(), "=== ASSERTION FAILED === 1 == 2, asked for by DEBUG ASSERT")
            }
            (b"restart", 2 | 3) => return self.restart(args, true).map(|never| match never {}),
            (b"crash-and-recover", 2 | 3) => return self.restart(args, false).map(|never| match never {}),
            (b"pause-cron", 3) => self.cron_paused.store(number(&args[2])? != 0, Relaxed),
            (b"set-active-expire", 3) => self.active_expire.store(number(&args[2])? != 0, Relaxed),
            (b"config-rewrite-force-all", 2) => self.rewrite_everything()?,
            (b"log", 3) => tracing::warn!("DEBUG LOG: {}", String::from_utf8_lossy(&args[2])),
            (b"mallctl", 3 | 4) => return mallctl(args, out).map(|()| true),
            (b"aof-flush-sleep", 3) => {
                self.aof.set_flush_sleep(u64::try_from(number(&args[2])?).unwrap_or(0));
            }
            (b"sigalrm" | b"delay-rdb-client-free-seconds" | b"pause-after-fork", _)
            | (b"set-skip-checksum-validation" | b"dict-resizing", 3) => {
                // What these slow down or switch off in Redis does not exist here.
            }
            _ => return Ok(false),
        }
        out.ok();
        Ok(true)
    }

    /// Starts the process anew, after an orderly end or without one.
    fn restart(&self, args: Args<'_>, orderly: bool) -> Result<std::convert::Infallible, ReplyError> {
        let delay_ms = args.get(2).map(number).transpose()?.unwrap_or(0).max(0);
        if orderly && !self.config.peek().get(crate::config::rows::SAVE).is_empty() {
            self.persist.cancel();
            self.persist
                .save_now(self)
                .map_err(|()| errors::err("failed to restart the server. Check server logs."))?;
        }
        std::thread::sleep(Duration::from_millis(delay_ms as u64));
        self.clean_up();
        self.log.flush();
        let error = process::execute_again();
        tracing::warn!("Restarting failed: {error}");
        Err(errors::err("failed to restart the server. Check server logs."))
    }

    fn rewrite_everything(&self) -> Result<(), ReplyError> {
        self.info.set_rewrites_everything(true);
        let rewritten = self.rewrite_config();
        self.info.set_rewrites_everything(false);
        rewritten
    }
}

fn number(arg: &[u8]) -> Result<i64, ReplyError> {
    parse_i64(arg).ok_or(errors::NOT_INTEGER)
}

/// Reads one of the allocator's figures. Only those that tests look at are known.
fn mallctl(args: Args<'_>, out: &mut ReplyBuf) -> Result<(), ReplyError> {
    let stats = crate::memory::allocator();
    let value = match &args[2] {
        b"stats.allocated" => stats.allocated,
        b"stats.active" => stats.active,
        b"stats.resident" => stats.resident,
        b"stats.retained" => stats.retained,
        b"background_thread" => u64::from(tikv_jemalloc_ctl::background_thread::read().unwrap_or(false)),
        _ => return Err(errors::err("Invalid argument")),
    };
    out.int(i64::try_from(value).unwrap_or(i64::MAX));
    Ok(())
}
