use super::*;
use crate::config::{Config, ServerFacts};
use crate::ids::Now;

fn core() -> Core {
    Core::new(&Config::default(), ServerFacts::default(), 1, Now::default()).0
}

fn at(core: &mut Core, ms: u64) {
    core.now.mono = Millis(ms);
}

/// What came out, without log texts.
fn outputs(core: &mut Core) -> Vec<Output> {
    core.outputs.drain(..).collect()
}

fn run(id: u64) -> Output {
    Output::RunScript { script: ScriptId(id), argv: vec![b"/bin/notify".to_vec()] }
}

fn schedule(core: &mut Core, count: usize) {
    for _ in 0..count {
        core.scripts.schedule(vec![b"/bin/notify".to_vec()]);
    }
    core.run_scripts();
}

#[test]
fn retries_wait_longer_each_time() {
    let mut core = core();
    schedule(&mut core, 1);
    assert_eq!(outputs(&mut core), [run(1)]);
    let mut now = 0;
    for retry in 0..9 {
        core.on_script_ended(
            ScriptId(1),
            if retry % 2 == 0 { ScriptEnd::Exited(1) } else { ScriptEnd::Killed(9) },
        );
        let delay = 30_000 << retry;
        assert_eq!(core.scripts.deadline(60_000), Some(Millis(now + delay)));
        at(&mut core, now + delay - 1);
        core.run_scripts();
        assert!(!outputs(&mut core).contains(&run(1)), "not before its time");
        now += delay;
        at(&mut core, now);
        core.run_scripts();
        assert!(outputs(&mut core).contains(&run(1)));
    }
    // The tenth failure is the last.
    core.on_script_ended(ScriptId(1), ScriptEnd::Exited(1));
    let told = outputs(&mut core);
    let Some(Output::Event(event)) = told.last() else { panic!("{told:?}") };
    assert_eq!(event.log_line(), "-script-error /bin/notify 0 1");
    assert_eq!(core.scripts.jobs().len(), 0);
    assert_eq!(core.scripts.deadline(60_000), None);
}

#[test]
fn only_code_one_and_signals_are_retried() {
    let mut core = core();
    schedule(&mut core, 3);
    for (id, end) in [(1, ScriptEnd::Exited(0)), (2, ScriptEnd::Exited(2)), (3, ScriptEnd::NotStarted)] {
        core.on_script_ended(ScriptId(id), end);
    }
    assert_eq!(core.scripts.jobs().len(), 0);
    // Somebody else's child, or one that ended before.
    core.on_script_started(ScriptId(77), 5);
    core.on_script_ended(ScriptId(1), ScriptEnd::Exited(0));
}

#[test]
fn a_script_that_hangs_is_killed_once() {
    let mut core = core();
    schedule(&mut core, 1);
    core.on_script_started(ScriptId(1), 4711);
    outputs(&mut core);
    assert_eq!(core.scripts.deadline(60_000), Some(Millis(60_000)));
    for ms in [60_000, 70_000] {
        at(&mut core, ms);
        core.run_scripts();
    }
    let told = outputs(&mut core);
    let [Output::Event(event), Output::KillScript { script: ScriptId(1) }] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(event.log_line(), "-script-timeout /bin/notify 4711");
    core.on_script_ended(ScriptId(1), ScriptEnd::Killed(9));
    assert_eq!(core.scripts.deadline(60_000), Some(Millis(100_000)), "and tried again");
}

#[test]
fn the_queue_has_limits() {
    let mut core = core();
    schedule(&mut core, 300);
    assert_eq!(core.scripts.running(), MAX_RUNNING);
    assert_eq!(core.scripts.jobs().len(), MAX_QUEUE);
    outputs(&mut core);
    // All 300 came at once, so that the first 44 never ran.
    let first = 300 - MAX_QUEUE as u64 + 1;
    core.on_script_ended(ScriptId(first), ScriptEnd::Exited(0));
    core.run_scripts();
    let next = first + MAX_RUNNING as u64;
    assert!(outputs(&mut core).contains(&run(next)));
}
