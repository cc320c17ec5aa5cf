//! SENTINEL DEBUG: the time constants.

use redan_resp::parse_i64;

use super::Call;
use crate::machine::Sentinel;
use crate::periods::ROWS;
use crate::reply::{Answer, Reply};

pub(super) fn debug(sentinel: &mut Sentinel, call: &Call<'_>) -> Answer {
    if call.words.len() == 2 {
        let periods = &mut sentinel.core.periods;
        let pairs = ROWS.iter().map(|row| {
            let value = (row.field)(periods).to_string();
            (Reply::bulk(row.name.to_ascii_uppercase()), Reply::bulk(value))
        });
        return Reply::Map(pairs.collect()).into();
    }
    let answer = set(sentinel, &call.words[2..]);
    sentinel.touch_all();
    answer
}

fn set(sentinel: &mut Sentinel, args: &[&[u8]]) -> Answer {
    let shown = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    for pair in args.chunks(2) {
        let name = shown(pair[0]);
        let row = ROWS.iter().find(|row| pair[0].eq_ignore_ascii_case(row.name.as_bytes()));
        let (Some(row), Some(value)) = (row, pair.get(1)) else {
            let text = format!("Unknown option or number of arguments for SENTINEL DEBUG '{name}'");
            return Answer::error(text);
        };
        let Some(ms) = parse_i64(value).and_then(|n| u64::try_from(n).ok()).filter(|ms| *ms > 0) else {
            let value = shown(value);
            return Answer::error(format!("Invalid argument '{value}' for SENTINEL DEBUG '{name}'"));
        };
        *(row.field)(&mut sentinel.core.periods) = ms;
    }
    Answer::ok()
}
