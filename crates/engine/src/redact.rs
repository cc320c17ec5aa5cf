//! What of a command may be shown to others (MONITOR, SLOWLOG): not its secrets.

use crate::CommandEntry;
use redan_resp::{Args, OwnedArgs};

const REDACTED: &[u8] = b"(redacted)";

/// Parameters of CONFIG SET whose values are secrets.
const SECRET_PARAMETERS: &[&str] =
    &["requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass"];

/// The arguments with secrets replaced; `None` when there are none.
pub(crate) fn redacted(entry: &CommandEntry, args: Args<'_>) -> Option<OwnedArgs> {
    let is = |arg: &[u8], words: &[&str]| words.iter().any(|word| arg.eq_ignore_ascii_case(word.as_bytes()));
    let mut secret = vec![false; args.len()];
    let mut hide = |at: usize, count: usize| secret.iter_mut().skip(at).take(count).for_each(|s| *s = true);
    match entry.full_name.as_str() {
        "auth" => hide(1, usize::MAX),
        "acl|setuser" | "acl|deluser" | "acl|getuser" => hide(2, usize::MAX),
        "config|set" => (2..args.len())
            .step_by(2)
            .filter(|&at| is(&args[at], SECRET_PARAMETERS))
            .for_each(|at| hide(at + 1, 1)),
        "hello" => (2..args.len()).filter(|&at| is(&args[at], &["AUTH"])).for_each(|at| hide(at + 1, 2)),
        "migrate" => (6..args.len()).for_each(|at| {
            if is(&args[at], &["AUTH"]) {
                hide(at + 1, 1);
            } else if is(&args[at], &["AUTH2"]) {
                hide(at + 1, 2);
            }
        }),
        "sentinel|set" => {
            (3..args.len()).filter(|&at| is(&args[at], &["auth-pass"])).for_each(|at| hide(at + 1, 1))
        }
        _ => return None,
    }
    if !secret.contains(&true) {
        return None;
    }
    let mut shown = OwnedArgs::new();
    for (arg, secret) in args.iter().zip(secret) {
        shown.push(if secret { REDACTED } else { arg });
    }
    Some(shown)
}
