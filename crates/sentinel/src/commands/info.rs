//! What INFO and ROLE say of a Sentinel.

use std::fmt::Write;

use crate::machine::Sentinel;
use crate::reply::Reply;

impl Sentinel {
    /// The section `sentinel` of INFO, with its heading.
    pub fn info_section(&self) -> String {
        let core = &self.core;
        let now = core.mono();
        let tilt_seconds = core.tilt_since.map_or("-1".to_owned(), |at| (now.since(at) / 1000).to_string());
        let mut out = String::from("# Sentinel\r\n");
        let lines: [(&str, String); 6] = [
            ("sentinel_masters", self.masters.len().to_string()),
            ("sentinel_tilt", u8::from(core.tilt_since.is_some()).to_string()),
            ("sentinel_tilt_since_seconds", tilt_seconds),
            ("sentinel_running_scripts", core.scripts.running().to_string()),
            ("sentinel_scripts_queue_length", core.scripts.jobs().len().to_string()),
            ("sentinel_simulate_failure_flags", core.simulate.bits().to_string()),
        ];
        for (name, value) in lines {
            let _ = write!(out, "{name}:{value}\r\n");
        }
        for (number, master) in self.masters.values().enumerate() {
            let status = match (master.o_down, master.base.s_down) {
                (true, _) => "odown",
                (_, true) => "sdown",
                _ => "ok",
            };
            let addr = &master.base.addr;
            let _ = write!(
                out,
                "master{number}:name={},status={status},address={}:{},slaves={},sentinels={}\r\n",
                master.name(),
                core.announced(addr),
                addr.port,
                master.replicas.len(),
                master.voters()
            );
        }
        out
    }

    /// The reply to ROLE.
    pub fn role(&self) -> Reply {
        let names = self.masters.values().map(|master| Reply::bulk(master.name()));
        Reply::Array(vec![Reply::bulk("sentinel"), Reply::Array(names.collect())])
    }
}
