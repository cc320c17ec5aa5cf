//! MONITOR.

use redan_engine::{CmdResult, Command, Cx, Group, errors, flag};
use redan_resp::Args;

/// MONITOR
pub(super) const MONITOR: Command = Command::new("monitor", 1, monitor)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
    .docs(Group::Server, "1.0.0", "", "Listens for all requests received by the server in real-time.");

fn monitor(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    if !cx.may_wait() {
        return Err(errors::err("MONITOR isn't allowed for DENY BLOCKING client"));
    }
    cx.engine.add_monitor(&cx.session.client);
    cx.out.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    /// What the rig's own client, which watches itself, was told.
    fn seen(rig: &Rig) -> String {
        let client = rig.engine.clients().all().remove(0);
        let lines = client.mailbox.take();
        lines.iter().map(|line| String::from_utf8_lossy(line).replace("\r\n", "|")).collect()
    }

    #[test]
    fn every_command_is_shown_but_no_secret() {
        let mut rig = Rig::new();
        assert_eq!(rig.run("MONITOR"), "+OK");
        rig.run("SELECT 9");
        rig.run("GET a\"b");
        rig.run("AUTH secret");
        rig.run("CONFIG SET requirepass secret");
        let lines = seen(&rig);
        assert_eq!(
            lines,
            "+1700000000.000000 [9 ] \"SELECT\" \"9\"|\
             +1700000000.000000 [9 ] \"GET\" \"a\\\"b\"|\
             +1700000000.000000 [9 ] \"AUTH\" \"(redacted)\"|"
        );
        rig.run("RESET");
        rig.run("PING");
        assert_eq!(rig.engine.monitors(), 0);
    }

    #[test]
    fn a_transaction_is_shown_as_it_ran() {
        let mut rig = Rig::new();
        rig.run("MONITOR");
        rig.run("MULTI");
        rig.run("SET a 1");
        rig.run("EXEC");
        let lines = seen(&rig);
        let commands: Vec<_> = lines.split('|').filter_map(|line| line.split('"').nth(1)).collect();
        assert_eq!(commands, ["MULTI", "SET", "EXEC"]);
    }
}
