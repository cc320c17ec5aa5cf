//! What one suite file's output says: which tests passed, failed, were left out, and how it ended.

/// Which of the two test programs printed the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Suite {
    /// `runtest`.
    Main,
    /// `runtest-sentinel`.
    Sentinel,
}

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The test's name, without the file.
    pub(super) test: String,
    /// The first line that says why.
    pub(super) why: String,
}

/// The result of one suite file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Names of the tests that passed; a name may appear more than once.
    pub(super) passed: Vec<String>,
    /// Tests that failed.
    pub(super) failed: Vec<Failure>,
    /// Tests left out by tag or by request.
    pub(super) skipped: usize,
    /// Why the file did not run to its end.
    pub(super) aborted: Option<String>,
}

impl Outcome {
    /// Reads the output of `suite`; `timed_out` says that we ended it.
    pub(super) fn parse(suite: Suite, output: &str, timed_out: bool) -> Outcome {
        let plain = strip_colours(output);
        let mut outcome = match suite {
            Suite::Main => parse_main(&plain),
            Suite::Sentinel => parse_sentinel(&plain),
        };
        if timed_out {
            outcome.aborted = Some("out of time".into());
        }
        outcome
    }

    /// One word for the table.
    pub(super) fn verdict(&self) -> &'static str {
        match (&self.aborted, self.failed.is_empty()) {
            (Some(_), _) => "aborted",
            (None, true) => "ok",
            (None, false) => "failed",
        }
    }
}

/// `runtest` prints `[status]: test name (elapsed)`, and after `[err]` and `[exception]` more lines.
fn parse_main(output: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut finished = false;
    let mut lines = output.lines();
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("[ok]: ") {
            outcome.passed.push(without_elapsed(rest).to_owned());
        } else if let Some(rest) = line.strip_prefix("[err]: ") {
            let why = reason(lines.clone());
            outcome.failed.push(Failure { test: without_file(rest).to_owned(), why });
        } else if line.starts_with("[skip]: ") || line.starts_with("[ignore]: ") {
            outcome.skipped += 1;
        } else if let Some(rest) = line.strip_prefix("[exception]: ") {
            outcome.aborted = Some(rest.to_owned());
        } else if line.starts_with("[TIMEOUT]: ") {
            outcome.aborted = Some(format!("no progress: {}", in_progress(&mut lines)));
        } else if line.trim() == "The End" {
            finished = true;
            // What follows is a summary that repeats the failures.
            break;
        }
    }
    if !finished && outcome.aborted.is_none() {
        outcome.aborted = Some("the suite ended early".into());
    }
    outcome
}

/// The first line of a failure says why. The suite cuts a prefix off that line which only assertions have;
/// the line of another error is complete in the stack trace that follows it.
fn reason<'a>(mut lines: impl Iterator<Item = &'a str>) -> String {
    let first = lines.next().unwrap_or_default();
    let second = lines.next().unwrap_or_default();
    let cut = !first.is_empty() && second.len() == first.len() + 10 && second.ends_with(first);
    if cut { second.to_owned() } else { first.to_owned() }
}

/// The client state report after a time-out names the test that hangs.
fn in_progress<'a>(lines: &mut impl Iterator<Item = &'a str>) -> String {
    let named = lines.find_map(|line| line.split_once(" => ").map(|(_, state)| state.trim().to_owned()));
    named.unwrap_or_else(|| "unknown test".into())
}

/// What the sentinel suite prints about its own way of leaving a unit.
const LEFT_UNIT: &str = "FAILED: caught an error in the test";

/// `runtest-sentinel` prints `12:34:56> test name: OK` or `... FAILED: why` and leaves a file at its first
/// failure. Tests may print more between the name and the result.
fn parse_sentinel(output: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut running: Option<String> = None;
    let mut finished = false;
    for line in output.lines() {
        let mut rest = line;
        if let Some(named) = after_time(line) {
            let (name, result) = split_result(named);
            running = Some(name.to_owned());
            rest = result;
        }
        let rest = rest.trim();
        if rest == "OK" || rest.ends_with(" OK") {
            outcome.passed.extend(running.take());
        } else if rest == LEFT_UNIT && !outcome.failed.is_empty() {
            // The way in which the suite leaves a unit after the failure it has just printed.
        } else if let Some((_, why)) = rest.split_once("FAILED: ") {
            let test = running.take().unwrap_or_else(|| "outside of a test".into());
            outcome.failed.push(Failure { test, why: why.to_owned() });
            outcome.aborted = Some("a unit ends at its first failure".into());
        } else if rest.starts_with(">>>>>>>> ") {
            outcome.aborted = Some(rest.trim_start_matches('>').trim().to_owned());
        } else if rest.starts_with("GOOD! ") || rest.starts_with("WARNING ") {
            finished = true;
        }
    }
    if !finished && outcome.aborted.is_none() {
        outcome.aborted = Some("the suite ended early".into());
    }
    outcome
}

/// The text after `HH:MM:SS> `.
fn after_time(line: &str) -> Option<&str> {
    let (time, rest) = line.split_once("> ")?;
    let is_time = time.len() == 8 && time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    is_time.then_some(rest)
}

/// Splits `test name: result`; the name may hold colons, so known results are looked for first.
fn split_result(named: &str) -> (&str, &str) {
    if let Some((name, _)) = named.split_once(": FAILED: ") {
        return (name, &named[name.len() + 2..]);
    }
    named.rsplit_once(": ").unwrap_or((named.trim_end_matches([':', ' ']), ""))
}

fn without_elapsed(text: &str) -> &str {
    text.rsplit_once(" (").filter(|(_, end)| end.ends_with(" ms)")).map_or(text, |(name, _)| name)
}

fn without_file(text: &str) -> &str {
    text.rsplit_once(" in tests/").filter(|(_, file)| file.ends_with(".tcl")).map_or(text, |(name, _)| name)
}

/// Removes terminal colour sequences (escape, bracket, numbers, `m`).
fn strip_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\x1b[") {
        plain.push_str(&rest[..start]);
        let sequence = &rest[start + 2..];
        let length = sequence.find(|byte: char| !byte.is_ascii_digit() && byte != ';').unwrap_or(0);
        rest = sequence.get(length..).unwrap_or_default();
        rest = rest.strip_prefix('m').unwrap_or(rest);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests;
