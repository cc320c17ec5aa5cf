use super::*;
use std::os::unix::fs::PermissionsExt;

const ID: &str = "0123456789abcdef0123456789abcdef01234567";

fn lines(text: &str) -> Vec<RawLine> {
    let line = |(index, text): (usize, &str)| {
        let words = Words::split(text.as_bytes()).expect("test lines are well formed");
        RawLine { number: index + 1, text: text.into(), words: words[1..].to_vec() }
    };
    text.lines().enumerate().map(line).collect()
}

fn job(config: Config, dir: &Path) -> Job {
    Job {
        save: SaveId(1),
        config,
        settings: Arc::new(Settings::new(&dir.to_string_lossy())),
        users: Vec::new(),
    }
}

fn remembering(epoch: u64) -> Config {
    let text =
        format!("sentinel myid {ID}\nsentinel monitor m 127.0.0.1 6379 2\nsentinel current-epoch {epoch}");
    let dir = tempfile::tempdir().expect("a directory");
    Store::new(None, dir.path()).read(&lines(&text)).expect("valid lines")
}

#[test]
fn the_configuration_file_is_rewritten_and_keeps_its_comments() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("sentinel.conf");
    std::fs::write(&path, "# mine\nport 26379\nsentinel monitor m 127.0.0.1 6379 2\n").expect("written");
    std::fs::write(dir.path().join(STATE_FILE), "old").expect("written");
    let store = Store::new(Some(&path), dir.path());
    store.write(&job(remembering(7), dir.path()), &mut false).expect("saved");
    let text = std::fs::read_to_string(&path).expect("read");
    assert!(text.starts_with("# mine\n"), "{text}");
    assert!(text.contains("\nsentinel monitor m 127.0.0.1 6379 2\n"), "{text}");
    assert!(text.contains("sentinel current-epoch 7\n"), "{text}");
    assert!(text.contains(&format!("sentinel myid {ID}\n")), "{text}");
    assert!(!dir.path().join(STATE_FILE).exists());
}

#[test]
fn a_file_that_cannot_be_replaced_is_left_alone_and_the_state_goes_beside_it() {
    let dir = tempfile::tempdir().expect("a directory");
    // Nobody, however privileged, can put a file there.
    let path = dir.path().join("missing/sentinel.conf");
    let store = Store::new(Some(&path), dir.path());
    let mut beside = false;
    store.write(&job(remembering(7), dir.path()), &mut beside).expect("saved");
    assert!(beside && !path.exists());

    let again = store.read(&lines("sentinel monitor m 127.0.0.1 6379 3")).expect("read");
    assert_eq!((again.current_epoch, again.my_id.as_deref()), (7, Some(ID)));
    assert_eq!(again.masters[0].options.quorum, 3, "the operator decides about the quorum");
}

#[test]
fn other_failures_are_reported() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("sentinel.conf");
    std::fs::create_dir(&path).expect("made");
    let store = Store::new(Some(&path), dir.path());
    store.write(&job(remembering(7), dir.path()), &mut false).expect_err("a directory");
    assert!(!dir.path().join(STATE_FILE).exists());
}

#[test]
fn a_broken_state_file_is_named_and_not_ignored() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::new(None, dir.path());
    for broken in ["sentinel current-epoch x y", "port 1", "sentinel \"monitor"] {
        std::fs::write(dir.path().join(STATE_FILE), format!("# state\n{broken}\n")).expect("written");
        let error = store.read(&[]).expect_err("broken").to_string();
        assert!(error.contains("sentinel.state") && error.contains("line 2"), "{error}");
    }
}

#[test]
fn a_line_that_is_refused_is_shown_with_its_number() {
    let dir = tempfile::tempdir().expect("a directory");
    let text = "sentinel monitor m 127.0.0.1 6379 2\nsentinel down-after-milliseconds nobody 1000";
    let error = Store::new(None, dir.path()).read(&lines(text)).expect_err("no such master").to_string();
    assert!(error.contains("at line 2") && error.contains("No such master with specified name"), "{error}");
}

#[test]
fn only_programs_can_be_run_and_their_paths_begin_in_the_working_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("script.sh");
    let files = Files { dir: dir.path().to_owned() };
    assert!(!files.is_executable(path.as_os_str().as_bytes()));
    std::fs::write(&path, "#!/bin/sh\n").expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
    assert!(files.is_executable(path.as_os_str().as_bytes()));
    assert!(files.is_executable(b"script.sh"));
}
