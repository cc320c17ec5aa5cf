//! The SENTINEL command: one row per subcommand, everything else derived from the rows.

mod config;
mod control;
mod debug;
mod help;
mod info;
mod query;
mod set;

use redan_resp::ReplyBuf;

use crate::ids::{MasterId, Now};
use crate::instance::Master;
use crate::io::Host;
use crate::machine::Sentinel;
use crate::reply::{Answer, Reply};

/// A subcommand, as `COMMAND` and `COMMAND DOCS` describe it.
pub struct Subcommand {
    /// Lower-case name.
    pub name: &'static str,
    /// Number of words with `SENTINEL` and the name; negative: at least that many.
    pub arity: i32,
    /// First version of Redis that had it.
    pub since: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Lines for HELP: a usage line, then indented text. Empty if it is not listed.
    help: &'static [&'static str],
    run: fn(&mut Sentinel, &Call<'_>) -> Answer,
}

/// One call: all words, and the file system as far as it is needed.
pub(crate) struct Call<'a> {
    pub(crate) words: &'a [&'a [u8]],
    pub(crate) host: &'a dyn Host,
}

impl Call<'_> {
    /// The word at that place, as text; what is not UTF-8 can be no name of anything.
    pub(crate) fn text(&self, index: usize) -> &str {
        self.words.get(index).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default()
    }
}

/// All subcommands, in the order of HELP.
pub const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand {
        name: "ckquorum",
        arity: 3,
        since: "2.8.4",
        summary: "Tells whether enough Sentinels can be reached to fail a master over.",
        help: &[
            "CKQUORUM <master-name>",
            "    Tell whether enough Sentinels can be reached to agree that the master is",
            "    down, and to elect a leader for its failover.",
        ],
        run: control::ckquorum,
    },
    Subcommand {
        name: "config",
        arity: -4,
        since: "6.2.0",
        summary: "Reads or changes global options.",
        help: &[
            "CONFIG SET param value [param value ...]",
            "    Change global options.",
            "CONFIG GET <param> [param param param ...]",
            "    Show global options.",
        ],
        run: config::config,
    },
    Subcommand {
        name: "debug",
        arity: -2,
        since: "7.0.0",
        summary: "Shows or changes time constants.",
        help: &[
            "DEBUG [<param> <value> ...]",
            "    Show the time constants in milliseconds, or change some of them.",
        ],
        run: debug::debug,
    },
    Subcommand {
        name: "get-master-addr-by-name",
        arity: 3,
        since: "2.8.4",
        summary: "Tells the address of a master.",
        help: &[
            "GET-MASTER-ADDR-BY-NAME <master-name>",
            "    Tell the address and port of the master of that name.",
        ],
        run: query::get_master_addr_by_name,
    },
    Subcommand {
        name: "failover",
        arity: 3,
        since: "2.8.4",
        summary: "Starts a failover without asking the other Sentinels.",
        help: &[
            "FAILOVER <master-name>",
            "    Fail the master over now, without asking the other Sentinels for agreement.",
        ],
        run: control::failover,
    },
    Subcommand {
        name: "flushconfig",
        arity: 2,
        since: "2.8.4",
        summary: "Writes the configuration and the state to disk.",
        help: &["FLUSHCONFIG", "    Write the configuration and the state to disk."],
        run: |sentinel, _| sentinel.answer_after_save(),
    },
    Subcommand {
        name: "info-cache",
        arity: -3,
        since: "3.2.0",
        summary: "Returns the INFO replies kept of masters and their replicas.",
        help: &["INFO-CACHE <master-name>", "    Return the last INFO of the master and of its replicas."],
        run: query::info_cache,
    },
    Subcommand {
        name: "is-master-down-by-addr",
        arity: 6,
        since: "2.8.4",
        summary: "Asks for the state of a master, and for a vote.",
        help: &[
            "IS-MASTER-DOWN-BY-ADDR <ip> <port> <current-epoch> <runid>",
            "    Tell whether this Sentinel believes that the master at ip:port is down.",
        ],
        run: control::is_master_down_by_addr,
    },
    Subcommand {
        name: "master",
        arity: 3,
        since: "2.8.4",
        summary: "Describes a master.",
        help: &["MASTER <master-name>", "    Describe the master."],
        run: query::master,
    },
    Subcommand {
        name: "masters",
        arity: 2,
        since: "2.8.4",
        summary: "Describes all monitored masters.",
        help: &["MASTERS", "    Describe all monitored masters."],
        run: query::masters,
    },
    Subcommand {
        name: "monitor",
        arity: 6,
        since: "2.8.4",
        summary: "Starts monitoring a master.",
        help: &["MONITOR <name> <ip> <port> <quorum>", "    Start monitoring a master under that name."],
        run: control::monitor,
    },
    Subcommand {
        name: "myid",
        arity: 2,
        since: "6.2.0",
        summary: "Tells the id of this Sentinel.",
        help: &["MYID", "    Tell the id of this Sentinel."],
        run: |sentinel, _| Reply::bulk(sentinel.my_id()).into(),
    },
    Subcommand {
        name: "pending-scripts",
        arity: 2,
        since: "2.8.4",
        summary: "Lists the scripts that wait or run.",
        help: &["PENDING-SCRIPTS", "    List the scripts that wait or run."],
        run: query::pending_scripts,
    },
    Subcommand {
        name: "remove",
        arity: 3,
        since: "2.8.4",
        summary: "Stops monitoring a master.",
        help: &["REMOVE <master-name>", "    Stop monitoring the master."],
        run: control::remove,
    },
    Subcommand {
        name: "replicas",
        arity: 3,
        since: "5.0.0",
        summary: "Describes the replicas of a master.",
        help: &["REPLICAS <master-name>", "    Describe the replicas of the master."],
        run: query::replicas,
    },
    Subcommand {
        name: "slaves",
        arity: 3,
        since: "2.8.0",
        summary: "Describes the replicas of a master.",
        help: &[],
        run: query::replicas,
    },
    Subcommand {
        name: "reset",
        arity: 3,
        since: "2.8.4",
        summary: "Forgets the state of the masters whose names match a pattern.",
        help: &[
            "RESET <pattern>",
            "    Forget replicas, Sentinels and failovers of the masters whose names match.",
        ],
        run: control::reset,
    },
    Subcommand {
        name: "sentinels",
        arity: 3,
        since: "2.8.4",
        summary: "Describes the other Sentinels of a master.",
        help: &["SENTINELS <master-name>", "    Describe the other Sentinels of the master."],
        run: query::sentinels,
    },
    Subcommand {
        name: "set",
        arity: -5,
        since: "2.8.4",
        summary: "Changes options of a master.",
        help: &[
            "SET <master-name> <option> <value> [<option> <value> ...]",
            "    Change options of the master.",
        ],
        run: set::set,
    },
    Subcommand {
        name: "simulate-failure",
        arity: -3,
        since: "3.2.0",
        summary: "Makes this Sentinel crash in the middle of a failover.",
        help: &[
            "SIMULATE-FAILURE [CRASH-AFTER-ELECTION] [CRASH-AFTER-PROMOTION] [HELP]",
            "    Make this Sentinel crash in the middle of the next failover.",
        ],
        run: control::simulate_failure,
    },
    Subcommand {
        name: "help",
        arity: 2,
        since: "6.2.0",
        summary: "Shows this help.",
        help: &["HELP", "    Print this help."],
        run: |_, _| help::help(),
    },
];

impl Sentinel {
    /// Carries out `SENTINEL <subcommand> ...`; `words` are all words of the command. A client's next command
    /// must not be handled before its answer is given. O(group) for most subcommands.
    pub fn handle_command(&mut self, now: Now, words: &[&[u8]], host: &dyn Host) -> Answer {
        self.begin(now);
        let answer = self.dispatch(&Call { words, host });
        self.finish();
        answer
    }

    /// Carries out `PUBLISH`, which a Sentinel accepts for hello messages only.
    pub fn handle_publish(&mut self, now: Now, channel: &[u8], message: &[u8]) -> Reply {
        if channel != crate::hello::HELLO_CHANNEL.as_bytes() {
            return Reply::error("Only HELLO messages are accepted by Sentinel instances.");
        }
        self.begin(now);
        self.on_hello(message);
        self.finish();
        Reply::Integer(1)
    }

    fn dispatch(&mut self, call: &Call<'_>) -> Answer {
        let Some(name) = call.words.get(1) else {
            return Answer::error("wrong number of arguments for 'sentinel' command");
        };
        let found = SUBCOMMANDS.iter().find(|row| name.eq_ignore_ascii_case(row.name.as_bytes()));
        let Some(row) = found else {
            let name: String = String::from_utf8_lossy(name).chars().take(128).collect();
            return Answer::error(format!("unknown subcommand '{name}'. Try SENTINEL HELP."));
        };
        let count = i32::try_from(call.words.len()).unwrap_or(i32::MAX);
        let fits = if row.arity < 0 { count >= -row.arity } else { count == row.arity };
        if !fits {
            return Answer::error(format!("wrong number of arguments for 'sentinel|{}' command", row.name));
        }
        (row.run)(self, call)
    }

    /// The master a client names.
    pub(crate) fn named_master(&self, call: &Call<'_>) -> Result<MasterId, Answer> {
        let found = self.master_by_name(call.text(2)).filter(|_| !call.words[2].is_empty());
        found.ok_or_else(|| Answer::error("No such master with that name"))
    }

    /// `+OK` as soon as the state is on disk.
    pub(crate) fn answer_after_save(&mut self) -> Answer {
        Answer::AfterSave {
            save: self.core.save(),
            saved: Reply::ok(),
            failed: Reply::error("Failed to save config file. Check server logs."),
        }
    }

    pub(crate) fn group(&self, id: MasterId) -> &Master {
        &self.masters[&id]
    }
}

impl Reply {
    /// Encodes the reply for the protocol version of the connection.
    pub fn write_to(&self, out: &mut ReplyBuf) {
        match self {
            Reply::Simple(text) => out.simple(text),
            Reply::Error(text) => out.error(text),
            Reply::Integer(n) => out.int(*n),
            Reply::Bulk(bytes) => out.bulk(bytes),
            Reply::Null => out.null(),
            Reply::NullArray => out.null_array(),
            Reply::Array(items) => {
                out.array(items.len());
                items.iter().for_each(|item| item.write_to(out));
            }
            Reply::Map(pairs) => {
                out.map(pairs.len());
                for (key, value) in pairs {
                    key.write_to(out);
                    value.write_to(out);
                }
            }
        }
    }
}
