//! One line of the log.

use super::writer::Record;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::Write;
use tracing::Level;

/// The sign for the importance of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Debug,
    Verbose,
    Notice,
    Warning,
}

impl Mark {
    pub(super) fn of(level: &Level) -> Mark {
        match *level {
            Level::TRACE => Mark::Debug,
            Level::DEBUG => Mark::Verbose,
            Level::INFO => Mark::Notice,
            _ => Mark::Warning,
        }
    }

    const fn sign(self) -> char {
        match self {
            Mark::Debug => '.',
            Mark::Verbose => '-',
            Mark::Notice => '*',
            Mark::Warning => '#',
        }
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Appends the line for a message, with the time as the clocks of `zone` show it.
pub(super) fn append(out: &mut Vec<u8>, process: u32, record: &Record, zone: &TimeZone) {
    let time = Timestamp::try_from(record.time).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    let month = MONTHS[usize::from(time.month().unsigned_abs()) - 1];
    let written = writeln!(
        out,
        "{process}:{} {:02} {month} {} {:02}:{:02}:{:02}.{:03} {} {}",
        char::from(record.role),
        time.day(),
        time.year(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond(),
        record.mark.sign(),
        record.text
    );
    written.expect("writing to a vector succeeds");
}
