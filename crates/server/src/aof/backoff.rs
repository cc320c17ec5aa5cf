//! How long rewrites that fail again and again are not tried by themselves.

/// Failures in a row until the first pause.
const PATIENCE: u64 = 3;
/// Longest pause, minutes.
const MAX_MINUTES: i64 = 60;

/// The pauses: one minute, then twice as long each time, at most an hour.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    minutes: i64,
    /// When the pause ends, Unix seconds; 0 outside of one.
    until_s: i64,
}

/// Whether a rewrite may start by itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    May,
    /// A pause of so many minutes begins.
    BeginsPause(i64),
    Pauses,
}

impl Backoff {
    /// Asks whether a rewrite may start by itself, after so many failures in a row.
    pub(super) fn ask(&mut self, failures: u64, now_s: i64) -> Verdict {
        if failures < PATIENCE {
            *self = Self::default();
            return Verdict::May;
        }
        if self.until_s != 0 {
            if now_s < self.until_s {
                return Verdict::Pauses;
            }
            self.until_s = 0;
            return Verdict::May;
        }
        self.minutes = (self.minutes * 2).clamp(1, MAX_MINUTES);
        self.until_s = now_s + self.minutes * 60;
        Verdict::BeginsPause(self.minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.ask(2, 0), Verdict::May);
        let mut now_s = 1000;
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(backoff.ask(3, now_s), Verdict::BeginsPause(minutes));
            assert_eq!(backoff.ask(3, now_s + minutes * 60 - 1), Verdict::Pauses);
            now_s += minutes * 60;
            assert_eq!(backoff.ask(3, now_s), Verdict::May);
        }
        assert_eq!(backoff.ask(0, now_s), Verdict::May);
        assert_eq!(backoff.ask(3, now_s), Verdict::BeginsPause(1));
    }
}
