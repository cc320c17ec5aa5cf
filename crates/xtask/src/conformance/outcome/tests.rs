use super::*;

fn main_suite(output: &str) -> Outcome {
    Outcome::parse(Suite::Main, output, false)
}

#[test]
fn a_finished_file_has_passed_failed_and_skipped_tests() {
    let outcome = main_suite(
        "Testing unit/x\n[ok]: SET (a) value (3 ms)\n\x1b[0;32m[ok\x1b[0m]: coloured (0 ms)\n\
         [err]: GET in tests/ is hard in tests/unit/x.tcl\nExpected 'a' to be equal to 'b'\nmore\n\
         [ignore]: big: large-memory flag not provided\n[skip]: other\n\
         [1/1 done]: unit/x (1 seconds)\n\n                   The End\n\n*** [err]: GET in tests/unit/x.tcl\n",
    );
    assert_eq!(outcome.passed, ["SET (a) value", "coloured"]);
    let why = "Expected 'a' to be equal to 'b'".to_owned();
    assert_eq!(outcome.failed, [Failure { test: "GET in tests/ is hard".into(), why }]);
    assert_eq!(outcome.skipped, 2);
    assert_eq!(outcome.aborted, None);
    assert_eq!(outcome.verdict(), "failed");
}

#[test]
fn an_error_that_is_no_assertion_is_shown_whole() {
    let outcome = main_suite(
        "[err]: a in tests/unit/x.tcl\nXX 'foo'\nERR unknown command 'foo'\n    while executing\n The End\n",
    );
    // The suite cuts ten bytes off.
    assert_eq!(outcome.failed[0].why, "XX 'foo'");
    let outcome = main_suite("[err]: a in tests/unit/x.tcl\nn command\nERR unknown command\n The End\n");
    assert_eq!(outcome.failed[0].why, "ERR unknown command");
}

#[test]
fn an_exception_a_hang_and_a_silent_end_are_aborts() {
    let exception = main_suite("[ok]: a (1 ms)\n[exception]: Executing test client: ERR x.\nERR x\n");
    assert_eq!(exception.aborted.as_deref(), Some("Executing test client: ERR x."));
    assert_eq!(exception.passed.len(), 1);

    let hang = main_suite(
        "[TIMEOUT]: clients state report follows.\nsock5 => (IN PROGRESS) BLPOP\nKilling\n\n  The End\n",
    );
    assert_eq!(hang.aborted.as_deref(), Some("no progress: (IN PROGRESS) BLPOP"));

    assert_eq!(main_suite("[ok]: a (1 ms)\n").verdict(), "aborted");
    let late = Outcome::parse(Suite::Main, "\n The End\n", true);
    assert_eq!(late.aborted.as_deref(), Some("out of time"));
}

#[test]
fn sentinel_units_report_tests_by_time() {
    let outcome = Outcome::parse(
        Suite::Sentinel,
        "Starting sentinel #0 at port 20000\nTesting unit: 01-x.tcl\n\
         12:00:00> (init) Restart killed instances: OK\n\
         12:00:01> Wait: two things: redis/1 OK\n\
         12:00:02> It works: FAILED: Expected 1 to be 2\n(Jumping to next unit after error)\n\
         FAILED: caught an error in the test \n\
         Cleaning up...\nWARNING 1 test(s) failed.\n",
        false,
    );
    assert_eq!(outcome.passed, ["(init) Restart killed instances", "Wait: two things"]);
    assert_eq!(outcome.failed, [Failure { test: "It works".into(), why: "Expected 1 to be 2".into() }]);
    assert!(outcome.aborted.is_some());

    let good = Outcome::parse(Suite::Sentinel, "12:00:00> a: OK\nGOOD! No errors.\n", false);
    assert_eq!(good.verdict(), "ok");
    assert_eq!(Outcome::parse(Suite::Sentinel, "12:00:00> a: \n", false).verdict(), "aborted");
}
