use super::{Launch, Program, check_system, config_status, help_text, parse, version_text};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

fn run(args: &[&str]) -> Program {
    let args: Vec<OsString> = args.iter().map(Into::into).collect();
    parse(&args, Path::new("/home"))
}

/// The options that a command line stands for.
fn options(args: &[&str]) -> String {
    let args: Vec<&str> = std::iter::once("redan").chain(args.iter().copied()).collect();
    match run(&args) {
        Program::Server(launch) | Program::Sentinel(launch) => String::from_utf8(launch.options).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_name_of_the_program_decides() {
    assert_eq!(run(&["/usr/bin/redis-server"]), Program::Server(Launch::default()));
    assert_eq!(run(&["redan"]), Program::Server(Launch::default()));
    assert_eq!(run(&[]), Program::Server(Launch::default()));
    assert!(matches!(run(&["/opt/redis-sentinel", "s.conf"]), Program::Sentinel(_)));
    assert!(matches!(run(&["redan", "s.conf", "--sentinel"]), Program::Sentinel(_)));
    assert!(matches!(run(&["/dir/redis-sentinel/redis-server"]), Program::Server(_)));
    let args = vec![OsString::from("--fix"), OsString::from("x.aof")];
    assert_eq!(run(&["redis-check-aof", "--fix", "x.aof"]), Program::CheckAof { args: args.clone() });
    assert_eq!(run(&["redan", "--check-aof", "--fix", "x.aof"]), Program::CheckAof { args });
    assert_eq!(run(&["./redis-check-rdb", "-v"]), Program::CheckRdb { args: vec!["-v".into()] });
}

#[test]
fn first_arguments_that_ask_for_something_else() {
    assert_eq!(run(&["redan", "-v"]), Program::Version);
    assert_eq!(run(&["redan", "--version"]), Program::Version);
    assert_eq!(run(&["redan", "-h"]), Program::Help);
    assert_eq!(run(&["redan", "--help", "x"]), Program::Help);
    assert_eq!(run(&["redan", "--internal-config-status"]), Program::ConfigStatus);
    assert_eq!(run(&["redan", "--check-system"]), Program::CheckSystem);
    assert!(matches!(run(&["redan", "--test-memory", "1"]), Program::Refused(_)));
    assert!(matches!(run(&["redan", "x.conf", "--version"]), Program::Server(_)), "first only");
}

#[test]
fn file_and_stdin() {
    let server = |file: Option<&str>, stdin| {
        Program::Server(Launch { file: file.map(PathBuf::from), stdin, options: Vec::new() })
    };
    assert_eq!(run(&["redan", "a.conf"]), server(Some("/home/a.conf"), false));
    assert_eq!(run(&["redan", "/etc/a.conf"]), server(Some("/etc/a.conf"), false));
    assert_eq!(run(&["redan", "-"]), server(None, true));
    assert_eq!(run(&["redan", "a.conf", "-"]), server(Some("/home/a.conf"), true));
    let Program::Server(launch) = run(&["redan", "-", "--port", "1"]) else { panic!() };
    assert_eq!((launch.stdin, launch.options), (true, b"port \"1\" ".to_vec()));
    assert_eq!(options(&["--port", "1", "-"]), "port \"1\" ");
    assert_eq!(options(&["--pidfile", "-", "--port", "1"]), "pidfile \"-\" \nport \"1\" ", "only at an end");
}

#[test]
fn options_become_lines() {
    let table: &[(&[&str], &str)] = &[
        (&["--port", "6380", "--bind", "a", "b"], "port \"6380\" \nbind \"a\" \"b\" "),
        (&["--maxmemory 700mb", "--port 1"], "maxmemory 700mb \nport 1 "),
        (&["--maxmemory '700mb'"], "maxmemory '700mb' "),
        (&["--requirepass", "a \"b\""], "requirepass \"a \\\"b\\\"\" "),
        (&["--save", "--port", "1"], "save \"\"\nport \"1\" "),
        (&["--port", "1", "--save"], "port \"1\" \nsave \"\""),
        (&["--save", "", "--port", "1"], "save \"\" \nport \"1\" "),
        (&["--save", "900 1"], "save \"900 1\" "),
        (&["--save", "900", "1", "300", "10"], "save \"900\" \"1\" \"300\" \"10\" "),
        (&["--sentinel", "--port", "1"], "sentinel \nport \"1\" "),
        (&["--port", "--loglevel", "verbose"], "port \"--loglevel\" \"verbose\" "),
        (&["--replicaof", "--127.0.0.1", "--abc"], "replicaof \"--127.0.0.1\" \nabc "),
        (&["--port=1"], "port=1 "),
        (&["a.conf", "--port"], "port "),
    ];
    for (args, expected) in table {
        assert_eq!(options(args), *expected, "{args:?}");
    }
}

#[test]
fn texts_have_the_form_scripts_know() {
    let version = version_text();
    let number =
        version.strip_prefix("Redis server v=").expect("scripts look for this").split(' ').next().unwrap();
    assert_eq!(number, super::REDIS_VERSION);
    assert!(version.contains(" malloc=jemalloc-5.") && version.contains(" bits=64 "), "{version}");
    assert!(help_text().contains("--sentinel"));
    let status = config_status();
    assert!(status.lines().any(|line| line.starts_with("+ port ")));
    assert!(status.lines().any(|line| line.starts_with("- activedefrag ")));
}

#[test]
fn the_system_is_checked() {
    let good = |_: &str| None;
    assert!(check_system(good).iter().all(|(_, result)| result.is_ok()));
    let bad = |path: &str| Some(if path.ends_with("somaxconn") { "128\n" } else { "xen\n" }.to_owned());
    assert!(check_system(bad).iter().all(|(_, result)| result.is_err()));
}
