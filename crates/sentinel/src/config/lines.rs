//! Lines: how a [`Config`] is written down, and how the result is merged into the operator's own file.

use super::{
    Config, DEFAULT_DOWN_AFTER_MS, DEFAULT_FAILOVER_TIMEOUT_MS, DEFAULT_PARALLEL_SYNCS, MasterConfig,
};

/// A `sentinel` directive as the configuration file parser found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigLine {
    /// Line in the file, from 1.
    pub number: usize,
    /// The words after `sentinel`, unquoted.
    pub args: Vec<Vec<u8>>,
}

/// A directive to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewriteLine {
    /// Name of the directive, without the word `sentinel`.
    pub option: &'static str,
    /// The whole line without its end, quoted where needed.
    pub line: Vec<u8>,
    /// The value is the default: worth writing only over a line that is already there.
    pub is_default: bool,
}

/// All directives a rewrite owns: lines in the file that were not written again are stale and go.
const REWRITTEN: &[&str] = &[
    "myid",
    "deny-scripts-reconfig",
    "resolve-hostnames",
    "announce-hostnames",
    "monitor",
    "down-after-milliseconds",
    "failover-timeout",
    "parallel-syncs",
    "notification-script",
    "client-reconfig-script",
    "auth-pass",
    "auth-user",
    "master-reboot-down-after-period",
    "config-epoch",
    "leader-epoch",
    "known-replica",
    "known-slave",
    "known-sentinel",
    "rename-command",
    "current-epoch",
    "announce-ip",
    "announce-port",
    "sentinel-user",
    "sentinel-pass",
];

struct Writer(Vec<RewriteLine>);

impl Writer {
    fn line(&mut self, option: &'static str, args: &[&[u8]]) {
        self.line_unless_default(option, args, false);
    }

    fn line_unless_default(&mut self, option: &'static str, args: &[&[u8]], is_default: bool) {
        let mut line = format!("sentinel {option}").into_bytes();
        for arg in args {
            line.push(b' ');
            push_quoted(&mut line, arg);
        }
        self.0.push(RewriteLine { option, line, is_default });
    }

    fn optional(&mut self, option: &'static str, before: &[&[u8]], value: Option<&[u8]>) {
        if let Some(value) = value {
            self.line(option, &[before, &[value]].concat());
        }
    }

    fn yes_no(&mut self, option: &'static str, value: bool, default: bool) {
        self.line_unless_default(option, &[if value { b"yes" } else { b"no" }], value == default);
    }
}

/// Decimal digits of a number, as bytes.
fn digits(n: u64) -> Vec<u8> {
    n.to_string().into_bytes()
}

impl Config {
    /// The directives that give this configuration back, in the order they are written to a fresh file.
    pub fn lines(&self) -> Vec<RewriteLine> {
        let mut out = Writer(Vec::new());
        out.optional("myid", &[], self.my_id.as_deref().map(str::as_bytes));
        out.yes_no("deny-scripts-reconfig", self.deny_scripts_reconfig, true);
        out.yes_no("resolve-hostnames", self.resolve_hostnames, false);
        out.yes_no("announce-hostnames", self.announce_hostnames, false);
        for master in &self.masters {
            master.write_lines(&mut out);
        }
        out.line("current-epoch", &[&digits(self.current_epoch)]);
        out.optional("announce-ip", &[], self.announce_ip.as_deref().map(str::as_bytes));
        if self.announce_port != 0 {
            out.line("announce-port", &[&digits(self.announce_port.into())]);
        }
        out.optional("sentinel-user", &[], self.sentinel_user.as_deref());
        out.optional("sentinel-pass", &[], self.sentinel_pass.as_deref());
        out.0
    }
}

impl MasterConfig {
    fn write_lines(&self, out: &mut Writer) {
        let name = self.name.as_bytes();
        let o = &self.options;
        out.line(
            "monitor",
            &[name, self.host.as_bytes(), &digits(self.port.into()), &digits(o.quorum.into())],
        );
        let numbers = [
            ("down-after-milliseconds", o.down_after_ms, DEFAULT_DOWN_AFTER_MS),
            ("failover-timeout", o.failover_timeout_ms, DEFAULT_FAILOVER_TIMEOUT_MS),
            ("parallel-syncs", o.parallel_syncs.into(), DEFAULT_PARALLEL_SYNCS.into()),
        ];
        for (option, value, default) in numbers {
            out.line_unless_default(option, &[name, &digits(value)], value == default);
        }
        out.optional("notification-script", &[name], o.notification_script.as_deref());
        out.optional("client-reconfig-script", &[name], o.client_reconfig_script.as_deref());
        out.optional("auth-pass", &[name], o.auth_pass.as_deref());
        out.optional("auth-user", &[name], o.auth_user.as_deref());
        let reboot = o.reboot_down_after_ms;
        out.line_unless_default("master-reboot-down-after-period", &[name, &digits(reboot)], reboot == 0);
        out.line("config-epoch", &[name, &digits(self.config_epoch)]);
        out.line("leader-epoch", &[name, &digits(self.leader_epoch)]);
        for (host, port) in &self.replicas {
            out.line("known-replica", &[name, host.as_bytes(), &digits((*port).into())]);
        }
        for known in &self.sentinels {
            let port = digits(known.port.into());
            out.line("known-sentinel", &[name, known.host.as_bytes(), &port, known.run_id.as_bytes()]);
        }
        for (from, to) in &o.renamed_commands {
            out.line("rename-command", &[name, from.as_bytes(), to.as_bytes()]);
        }
    }
}

/// Writes a word so that the configuration parser reads the same bytes back.
fn push_quoted(line: &mut Vec<u8>, word: &[u8]) {
    let plain = |b: &u8| b.is_ascii_graphic() && !b"\"'\\".contains(b);
    if !word.is_empty() && word[0] != b'#' && word.iter().all(plain) {
        return line.extend_from_slice(word);
    }
    line.push(b'"');
    for &b in word {
        match b {
            b'"' | b'\\' => line.extend([b'\\', b]),
            b'\n' => line.extend(b"\\n"),
            b'\r' => line.extend(b"\\r"),
            b'\t' => line.extend(b"\\t"),
            b' '..=b'~' => line.push(b),
            _ => line.extend(format!("\\x{b:02x}").into_bytes()),
        }
    }
    line.push(b'"');
}

/// Merges directives into the text of a configuration file, keeping comments, other directives and the order
/// of lines: a directive takes the place of the next old line of its kind, what has no place is appended, and
/// old lines of ours that were not used any more vanish. O(lines × directives) at worst.
pub fn merge_into(file: &[u8], directives: &[RewriteLine]) -> Vec<u8> {
    const MARK: &[u8] = b"# Generated by CONFIG REWRITE";
    let mut used = vec![false; directives.len()];
    let mut out: Vec<&[u8]> = Vec::new();
    let mut lines: Vec<&[u8]> = file.split(|b| *b == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    for line in lines {
        match option_of(line) {
            None => out.push(line),
            Some(option) => {
                let next = (0..directives.len()).find(|i| !used[*i] && directives[*i].option == option);
                if let Some(i) = next {
                    used[i] = true;
                    out.push(&directives[i].line);
                }
            }
        }
    }
    let rest = directives.iter().zip(&used).filter(|(d, used)| !**used && !d.is_default);
    let mut rest = rest.map(|(d, _)| &d.line[..]).peekable();
    if rest.peek().is_some() && !out.iter().any(|line| line.trim_ascii_end() == MARK) {
        out.push(MARK);
    }
    out.extend(rest);
    out.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
}

/// The directive of ours on a line of the file, `known-slave` counting as what replaced it.
fn option_of(line: &[u8]) -> Option<&'static str> {
    let mut words = line.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty());
    if !words.next()?.eq_ignore_ascii_case(b"sentinel") {
        return None;
    }
    let name = words.next()?;
    let option = REWRITTEN.iter().find(|option| name.eq_ignore_ascii_case(option.as_bytes()))?;
    Some(if *option == "known-slave" { "known-replica" } else { option })
}
