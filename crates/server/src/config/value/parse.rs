//! From the arguments of a directive to a value; every error is the text Redis gives for it.

use super::number::{parse_memory, parse_octal};
use super::{Amount, MasterAddr, OutputLimit, OutputLimits, SavePoint, Value};
use crate::config::notify;
use crate::config::param::{Kind, Param};
use crate::config::words::Words;
use redan_resp::parse_i64;
use std::path::Path;

/// Most addresses that can be listened on.
const MAX_BIND: usize = 16;

const WRONG_NUMBER: &str = "wrong number of arguments";

/// What a directive starts from.
#[derive(Debug, Clone, Copy)]
pub struct Prior<'a> {
    /// The value so far.
    pub value: &'a Value,
    /// Whether the directive adds to that value (further `save` lines of a file) instead of replacing it.
    pub accumulate: bool,
}

/// Reads the arguments of one directive. A parameter that takes one argument must be given exactly one.
pub fn parse(param: &Param, args: &[Vec<u8>], prior: Prior<'_>) -> Result<Value, String> {
    let value = match param.kind {
        Kind::Save => parse_save(args, prior)?,
        Kind::Bind => parse_bind(args)?,
        Kind::ReplicaOf => parse_master(args)?,
        Kind::OutputLimits => parse_limits(args, prior)?,
        Kind::OomScores => parse_oom(args)?,
        Kind::Percentiles => parse_percentiles(args)?,
        Kind::Flags { names } => parse_flags(names, args)?,
        _ => match args {
            [argument] => parse_single(param, argument, prior)?,
            _ => return Err(WRONG_NUMBER.into()),
        },
    };
    Ok(value)
}

fn parse_single(param: &Param, argument: &[u8], prior: Prior<'_>) -> Result<Value, String> {
    match param.kind {
        Kind::Bool(_) => parse_bool(argument),
        Kind::Int { min, max, .. } => parse_int(argument, min, max)
            .map(|number| Value::Int(param.clamp.map_or(number, |(low, high)| number.clamp(low, high)))),
        Kind::Octal { max } => parse_mode(argument, max),
        Kind::Memory { min, max, percent, .. } => parse_amount(argument, min, max, percent),
        Kind::Choice { names, .. } => parse_choice(names, argument).map(Value::Int),
        Kind::Notify => notify::canonical(argument).map(Value::Text),
        Kind::Dir => parse_dir(argument, prior),
        Kind::Bytes => Ok(Value::Bytes(argument.to_vec())),
        _ => {
            let text = text_of(argument)?;
            param.check.map_or(Ok(()), |check| check(text))?;
            Ok(Value::Text(text.to_owned()))
        }
    }
}

fn text_of(argument: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(argument).map_err(|_| "argument must be valid UTF-8".to_owned())
}

fn parse_bool(argument: &[u8]) -> Result<Value, String> {
    if argument.eq_ignore_ascii_case(b"yes") {
        Ok(Value::Bool(true))
    } else if argument.eq_ignore_ascii_case(b"no") {
        Ok(Value::Bool(false))
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

fn parse_int(argument: &[u8], min: i64, max: i64) -> Result<i64, String> {
    let number = parse_i64(argument).ok_or("argument couldn't be parsed into an integer")?;
    if number < min || number > max {
        return Err(format!("argument must be between {min} and {max} inclusive"));
    }
    Ok(number)
}

fn parse_mode(argument: &[u8], max: i64) -> Result<Value, String> {
    let mode = parse_octal(argument).ok_or("argument couldn't be parsed as an octal number")?;
    if mode < 0 || mode > max {
        return Err(format!("argument must be between 0 and {max:o} inclusive"));
    }
    Ok(Value::Int(mode))
}

fn parse_amount(argument: &[u8], min: u64, max: u64, percent: bool) -> Result<Value, String> {
    if let Some(bytes) = parse_memory(argument) {
        if bytes < min || bytes > max {
            return Err(format!("argument must be between {min} and {max} inclusive"));
        }
        return Ok(Value::Amount(Amount::Bytes(bytes)));
    }
    if !percent {
        return Err("argument must be a memory value".into());
    }
    let number = argument.strip_suffix(b"%").and_then(parse_i64).filter(|number| *number >= 0);
    let number = number.ok_or("argument must be a memory or percent value")?;
    // 0% is the absence of a limit, as 0 bytes is.
    match u8::try_from(number) {
        Ok(0) => Ok(Value::Amount(Amount::Bytes(0))),
        Ok(share @ 1..=100) => Ok(Value::Amount(Amount::Percent(share))),
        _ => Err("percentage argument must be less or equal to 100".into()),
    }
}

fn parse_choice(names: &[(&str, i64)], argument: &[u8]) -> Result<i64, String> {
    let known = names.iter().find(|(word, _)| argument.eq_ignore_ascii_case(word.as_bytes()));
    known.map(|(_, number)| *number).ok_or_else(|| {
        let words: Vec<&str> = names.iter().map(|(word, _)| *word).collect();
        format!("argument(s) must be one of the following: {}", words.join(", "))
    })
}

fn parse_flags(names: &[(&str, i64)], args: &[Vec<u8>]) -> Result<Value, String> {
    if args.is_empty() {
        parse_choice(names, b"")?;
    }
    let mut bits = 0;
    for argument in args {
        bits |= parse_choice(names, argument)?;
    }
    use crate::config::choices::ShutdownFlags as Shutdown;
    if bits & Shutdown::SAVE != 0 && bits & Shutdown::NOSAVE != 0 {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    Ok(Value::Int(bits))
}

/// A relative path is taken from the directory so far, which is where the process is or will be.
fn parse_dir(argument: &[u8], prior: Prior<'_>) -> Result<Value, String> {
    let path = text_of(argument)?;
    let base = match prior.value {
        Value::Text(base) => Path::new(base),
        _ => Path::new(""),
    };
    let resolve = || {
        let full = base.join(path).canonicalize()?;
        if full.is_dir() { Ok(full) } else { Err(std::io::Error::from(std::io::ErrorKind::NotADirectory)) }
    };
    if path.is_empty() {
        return Err("No such file or directory".into());
    }
    let full = resolve().map_err(|error| super::super::error::os_text(&error))?;
    full.into_os_string().into_string().map(Value::Text).map_err(|_| "argument must be valid UTF-8".into())
}

/// A list whose only argument is empty is an empty list.
fn unless_empty(args: &[Vec<u8>]) -> &[Vec<u8>] {
    match args {
        [only] if only.is_empty() => &[],
        _ => args,
    }
}

fn number_of<T: std::str::FromStr>(argument: &[u8]) -> Option<T> {
    std::str::from_utf8(argument).ok()?.parse().ok()
}

/// An empty list also forgets what earlier lines have added.
fn parse_save(args: &[Vec<u8>], prior: Prior<'_>) -> Result<Value, String> {
    let pairs = unless_empty(args);
    let cleared = pairs.len() < args.len();
    let mut points = match prior.value {
        Value::Save(points) if prior.accumulate && !cleared => points.clone(),
        _ => Vec::new(),
    };
    for pair in pairs.chunks(2) {
        let [seconds, changes] = pair else { return Err("Invalid save parameters".into()) };
        let seconds = number_of::<i64>(seconds).filter(|seconds| *seconds >= 1);
        let changes = number_of::<i32>(changes).filter(|changes| *changes >= 0);
        let (Some(seconds), Some(changes)) = (seconds, changes) else {
            return Err("Invalid save parameters".into());
        };
        points
            .push(SavePoint { seconds: seconds.unsigned_abs(), changes: u64::from(changes.unsigned_abs()) });
    }
    Ok(Value::Save(points))
}

fn parse_bind(args: &[Vec<u8>]) -> Result<Value, String> {
    if args.len() > MAX_BIND {
        return Err("Too many bind addresses specified.".into());
    }
    let addresses = unless_empty(args).iter().map(|address| text_of(address).map(str::to_owned));
    addresses.collect::<Result<_, _>>().map(Value::Bind)
}

fn parse_master(args: &[Vec<u8>]) -> Result<Value, String> {
    let [host, port] = args else { return Err(WRONG_NUMBER.into()) };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(Value::Master(None));
    }
    let port = number_of::<u16>(port).ok_or("Invalid master port")?;
    Ok(Value::Master(Some(MasterAddr { host: text_of(host)?.to_owned(), port })))
}

/// Classes that are not named keep their limits; nothing changes unless all are valid.
fn parse_limits(args: &[Vec<u8>], prior: Prior<'_>) -> Result<Value, String> {
    let mut limits = match prior.value {
        Value::Limits(limits) => *limits,
        _ => OutputLimits::DEFAULT,
    };
    if !args.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    for group in args.chunks(4) {
        let slot = match group[0].to_ascii_lowercase().as_slice() {
            b"normal" => &mut limits.normal,
            b"slave" | b"replica" => &mut limits.replica,
            b"pubsub" => &mut limits.pubsub,
            _ => return Err("Invalid client class specified in buffer limit configuration.".into()),
        };
        let seconds = number_of::<i32>(&group[3]).filter(|seconds| *seconds >= 0);
        let (Some(hard), Some(soft), Some(seconds)) =
            (parse_memory(&group[1]), parse_memory(&group[2]), seconds)
        else {
            return Err("Error in hard, soft or soft_seconds setting in buffer limit configuration.".into());
        };
        *slot = OutputLimit { hard, soft, soft_seconds: u64::from(seconds.unsigned_abs()) };
    }
    Ok(Value::Limits(limits))
}

fn parse_oom(args: &[Vec<u8>]) -> Result<Value, String> {
    let args: &[Vec<u8>; 3] = args.try_into().map_err(|_| WRONG_NUMBER)?;
    let mut scores = [0; 3];
    for (score, argument) in scores.iter_mut().zip(args) {
        *score = number_of::<i32>(argument)
            .filter(|score| (-2000..=2000).contains(score))
            .ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")?;
    }
    Ok(Value::Oom(scores))
}

fn parse_percentiles(args: &[Vec<u8>]) -> Result<Value, String> {
    let mut list = Vec::new();
    for argument in unless_empty(args) {
        let percentile = number_of::<f64>(argument).filter(|percentile| !percentile.is_nan());
        let percentile = percentile.ok_or("Invalid latency-tracking-info-percentiles parameters")?;
        if !(0.0..=100.0).contains(&percentile) {
            return Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into());
        }
        list.push(percentile);
    }
    Ok(Value::Percentiles(list))
}

impl Param {
    /// Splits one string into the arguments of the directive: what CONFIG SET gets (blanks separate, no quoting).
    pub fn arguments_of(&self, value: &[u8]) -> Vec<Vec<u8>> {
        if !self.is_multi() {
            return vec![value.to_vec()];
        }
        if value.is_empty() {
            return Vec::new();
        }
        value.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect()
    }

    /// Regroups the arguments of a line in a file: a sole argument of a parameter that takes several is split again,
    /// with quoting, so that `--save "900 1"` works. `None` if the quotes in it are unbalanced.
    pub(in crate::config) fn arguments_in_file(&self, args: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
        match args.as_slice() {
            [only] if self.is_multi() && !only.is_empty() => Words::split(only),
            _ => Some(args),
        }
    }
}
