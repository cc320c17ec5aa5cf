use super::{Loaded, Sources, load};
use crate::config::rows::*;
use crate::config::value::{Amount, SavePoint};
use proptest::prelude::*;
use std::path::Path;

fn read_with(sources: &Sources, stdin: &str) -> Result<Loaded, String> {
    load(sources, "/", &mut stdin.as_bytes()).map_err(|error| error.to_string())
}

/// Reads a text as standard input.
fn read(text: &str) -> Result<Loaded, String> {
    read_with(&Sources { stdin: true, ..Sources::default() }, text)
}

fn shown(loaded: &Loaded, name: &str) -> String {
    String::from_utf8(loaded.settings.show(name).unwrap()).unwrap()
}

#[test]
fn nothing_gives_the_defaults() {
    let loaded = read_with(&Sources::default(), "port 1").unwrap();
    assert_eq!(loaded.settings, crate::config::Settings::new("/"));
    let sentinel = read_with(&Sources { sentinel: true, ..Sources::default() }, "").unwrap();
    assert_eq!(sentinel.settings.get(PORT), 26379);
    assert!(!sentinel.settings.get(PROTECTED_MODE));
}

#[test]
fn lines_comments_and_quotes() {
    let loaded = read(
        "# comment\n\n\t PORT 7000 \r\nrequirepass \"a \\x62\\n\\\"\"\nmasterauth 'it\\'s'\nslave-read-only no\n\
         bind 10.0.0.1 -::1\nnotify-keyspace-events \"\"\nlua-replicate-commands yes\ntimeout 1\ntimeout 2",
    )
    .unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.get(PORT), 7000);
    assert_eq!(settings.get(REQUIREPASS), b"a b\n\"");
    assert_eq!(settings.get(MASTERAUTH), b"it's");
    assert!(!settings.get(REPLICA_READ_ONLY));
    assert_eq!(settings.get(BIND), ["10.0.0.1", "-::1"]);
    assert_eq!(settings.get(TIMEOUT), 2);
}

#[test]
fn save_lines_add_up_and_can_be_cleared() {
    assert_eq!(shown(&read("save 900 1\nsave 300 10 60 5").unwrap(), "save"), "900 1 300 10 60 5");
    assert_eq!(shown(&read("save \"900 1 300 10\"").unwrap(), "save"), "900 1 300 10");
    assert_eq!(shown(&read("save 900 1\nsave \"\"").unwrap(), "save"), "");
    let last = read("save \"\"\nsave 5 5").unwrap();
    assert_eq!(last.settings.get(SAVE), [SavePoint { seconds: 5, changes: 5 }]);
    let limits =
        "client-output-buffer-limit normal 1 1 1\nclient-output-buffer-limit replica 2 2 2 pubsub 3 3 3";
    assert_eq!(
        shown(&read(limits).unwrap(), "client-output-buffer-limit"),
        "normal 1 1 1 slave 2 2 2 pubsub 3 3 3"
    );
}

#[test]
fn errors_have_the_form_of_redis() {
    expect_test::expect![[r#"

        *** FATAL CONFIG FILE ERROR (Redis 7.4.0) ***
        Reading the configuration file, at line 3
        >>> 'port abc'
        argument couldn't be parsed into an integer"#]]
    .assert_eq(&read("# one\n\n  port abc ").unwrap_err());
    let table = [
        ("port", "wrong number of arguments"),
        ("port 1 2", "wrong number of arguments"),
        ("bogus 1", "Bad directive or wrong number of arguments"),
        ("include", "Bad directive or wrong number of arguments"),
        ("user", "Bad directive or wrong number of arguments"),
        ("rename-command a", "Bad directive or wrong number of arguments"),
        ("\"port", "Unbalanced quotes in configuration line"),
        ("port \"1\"2", "Unbalanced quotes in configuration line"),
        ("save '\"1'", "Unbalanced quotes in configuration line"),
        ("sentinel monitor m 127.0.0.1 1 1", "sentinel directive while not in sentinel mode"),
        ("loadmodule x.so", "Modules are not supported"),
        ("dir /nonexistent", "No such file or directory"),
        ("client-output-buffer-limit foo", "Wrong number of arguments in buffer limit configuration."),
        ("cluster-enabled yes\nreplicaof a 1", "replicaof directive not allowed in cluster mode"),
        ("logfile /nonexistent/log", "Can't open the log file: No such file or directory"),
    ];
    for (text, reason) in table {
        let error = read(text).unwrap_err();
        assert_eq!(error.lines().last(), Some(reason), "{text}");
    }
}

#[test]
fn directives_for_others_are_handed_on() {
    let text =
        "\nuser alice on\nrename-command FLUSHALL \"\"\nsentinel\nsentinel Monitor m 127.0.0.1 6379 2\n";
    let loaded = read_with(&Sources { stdin: true, sentinel: true, ..Sources::default() }, text).unwrap();
    assert_eq!(loaded.users[0].words, [b"alice".to_vec(), b"on".to_vec()]);
    assert_eq!(loaded.renamed_commands[0].words, [b"FLUSHALL".to_vec(), b"".to_vec()]);
    let [monitor] = loaded.sentinel.as_slice() else { panic!("one sentinel line") };
    assert_eq!((monitor.number, monitor.text.as_slice()), (5, &b"sentinel Monitor m 127.0.0.1 6379 2"[..]));
    assert_eq!(monitor.words.len(), 5);
}

#[test]
fn arguments_win_over_environment_over_stdin_over_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("redis.conf");
    std::fs::write(&file, "port 1\ntimeout 1\nhz 1\ntcp-keepalive 1").unwrap();
    let sources = Sources {
        file: Some(file),
        stdin: true,
        environment: vec![("REDAN_HZ".into(), "3".into()), ("REDAN_TCP_KEEPALIVE".into(), "3".into())],
        arguments: b"tcp-keepalive 4".to_vec(),
        sentinel: false,
    };
    let settings = read_with(&sources, "timeout 2\nhz 2\ntcp-keepalive 2\n").unwrap().settings;
    assert_eq!(
        [settings.get(PORT), settings.get(TIMEOUT), settings.get(HZ), settings.get(TCP_KEEPALIVE)],
        [1, 2, 3, 4]
    );
}

#[test]
fn environment_variables_are_parameters() {
    let variables = [
        ("REDAN_MAXMEMORY", "50%"),
        ("REDAN_SAVE", "900 1 300 10"),
        ("REDAN_REQUIREPASS", "with \"quotes\" and blanks"),
        ("REDAN_SLAVE_PRIORITY", "5"),
        ("HOME", "/root"),
        ("REDAN_TYPO", "1"),
        ("REDAN_PORT", "tcp://10.0.0.1:6379"),
        ("REDAN_PORT_6379_TCP_ADDR", "10.0.0.1"),
        ("REDAN_SERVICE_HOST", "10.0.0.1"),
    ];
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let loaded = read_with(&Sources { environment, ..Sources::default() }, "").unwrap();
    assert_eq!(loaded.settings.get(MAXMEMORY), Amount::Percent(50));
    assert_eq!(shown(&loaded, "save"), "900 1 300 10");
    assert_eq!(loaded.settings.get(REQUIREPASS), b"with \"quotes\" and blanks");
    assert_eq!(loaded.settings.get(REPLICA_PRIORITY), 5);
    assert_eq!(loaded.settings.get(PORT), 6379, "what Kubernetes says of a service is not our configuration");
    assert_eq!(loaded.warnings, ["The environment variable REDAN_TYPO names no configuration parameter"]);
}

fn read_file(path: &Path) -> Result<Loaded, String> {
    read_with(&Sources { file: Some(path.to_owned()), ..Sources::default() }, "")
}

#[test]
fn files_include_files_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path();
    std::fs::create_dir(base.join("conf.d")).unwrap();
    std::fs::write(base.join("conf.d/20.conf"), "timeout 20\nport 20").unwrap();
    std::fs::write(base.join("conf.d/10.conf"), "timeout 10\ninclude deep.conf").unwrap();
    std::fs::write(base.join("conf.d/.hidden.conf"), "bogus").unwrap();
    std::fs::write(base.join("deep.conf"), "hz 77").unwrap();
    let main = base.join("main.conf");
    let text =
        format!("dir {}\ntimeout 1\ninclude conf.d/*.conf\ninclude nothing/*.conf\nport 2", base.display());
    std::fs::write(&main, text).unwrap();
    let settings = read_file(&main).unwrap().settings;
    assert_eq!([settings.get(TIMEOUT), settings.get(PORT), settings.get(HZ)], [20, 2, 77]);
    assert_eq!(settings.get(DIR), base.canonicalize().unwrap().to_str().unwrap());
}

#[test]
fn included_files_that_fail() {
    let dir = tempfile::tempdir().unwrap();
    let (main, other) = (dir.path().join("main.conf"), dir.path().join("other.conf"));
    std::fs::write(&main, format!("\n\ninclude {}", other.display())).unwrap();
    let missing =
        format!("Fatal error, can't open config file '{}': No such file or directory", other.display());
    assert_eq!(read_file(&main).unwrap_err(), missing);
    std::fs::write(&other, "\nport x").unwrap();
    assert!(
        read_file(&main).unwrap_err().contains("at line 2\n>>> 'port x'"),
        "the number is that of its own file"
    );
    std::fs::write(&other, format!("include {}", main.display())).unwrap();
    assert!(read_file(&main).unwrap_err().ends_with("Files include each other too deeply"));
}

#[test]
fn the_log_file_is_created_in_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    read(&format!("dir {}\nlogfile redan.log", dir.path().display())).unwrap();
    assert!(dir.path().join("redan.log").exists());
}

#[test]
fn cluster_mode_has_one_database() {
    let loaded = read("cluster-enabled yes").unwrap();
    assert_eq!(loaded.settings.get(DATABASES), 1);
    assert_eq!(loaded.warnings.len(), 1);
}

proptest! {
    #[test]
    fn no_text_panics(text in "([a-z-]{1,12}( |\"|'|\\\\|[a-z0-9%:.*-]{0,4}){0,6}\n){0,8}") {
        let _ = read(&text.replace("logfile", "log").replace("include", "port"));
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = load(&Sources { stdin: true, ..Sources::default() }, "/", &mut bytes.as_slice());
    }
}
