use std::path::Path;

use expect_test::{Expect, expect};
use redan_resp::encode_command;
use tempfile::TempDir;

use super::*;

/// A directory with files, and the tool run in it.
struct Rig {
    dir: TempDir,
    answer: &'static str,
}

impl Rig {
    fn new() -> Self {
        Rig { dir: tempfile::tempdir().expect("a temporary directory"), answer: "" }
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), content).expect("writable");
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn content(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("readable")
    }

    /// Runs the tool on a file; the directory's name is taken out of the report.
    fn run(&self, flags: &[&str], name: &str, code: i32, expected: Expect) {
        let mut args = vec!["redis-check-aof".to_owned()];
        args.extend(flags.iter().map(ToString::to_string));
        args.push(self.path(name).to_str().expect("a plain name").to_owned());
        let mut out = Vec::new();
        let mut input = self.answer.as_bytes();
        let console = Console { input: &mut input, out: &mut out };
        let found = main(&args, 0, "7.4.2", console).expect("memory does not fail");
        let report = String::from_utf8_lossy(&out).replace(&format!("{}/", self.dir.path().display()), "");
        expected.assert_eq(&report);
        assert_eq!(found, code);
    }
}

fn commands(commands: &[&[&str]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for command in commands {
        encode_command(&mut bytes, command.iter().map(|word| word.as_bytes()));
    }
    bytes
}

const MANIFEST: &str = "file a.base.aof seq 1 type b\nfile a.1.aof seq 1 type i\nfile a.2.aof seq 2 type i\n";

fn multi_part(first: &[u8], last: &[u8]) -> Rig {
    let set = commands(&[&["SET", "k", "v"]]);
    Rig::new()
        .with("a.manifest", MANIFEST)
        .with("a.base.aof", set)
        .with("a.1.aof", first)
        .with("a.2.aof", last)
}

#[test]
fn an_old_style_file() {
    let file = commands(&[&["SELECT", "0"], &["MULTI"], &["SET", "k", "v"], &["EXEC"]]);
    Rig::new().with("a.aof", [&b"#TS:1\r\n"[..], &file].concat()).run(
        &[],
        "a.aof",
        0,
        expect![[r"
            Start checking Old-Style AOF
            AOF analyzed: filename=a.aof, size=86, ok_up_to=86, ok_up_to_line=19, diff=0
            AOF a.aof is valid
        "]],
    );
    Rig::new().with("a.aof", "").run(
        &[],
        "a.aof",
        0,
        expect![[r"
            Start checking Old-Style AOF
            AOF a.aof is empty
        "]],
    );
}

#[test]
fn a_file_that_mentions_files_is_no_manifest() {
    Rig::new().with("a.aof", commands(&[&["SET", "file", "x"]])).run(
        &[],
        "a.aof",
        0,
        expect![[r"
            Start checking Old-Style AOF
            AOF analyzed: filename=a.aof, size=30, ok_up_to=30, ok_up_to_line=8, diff=0
            AOF a.aof is valid
        "]],
    );
}

#[test]
fn a_preamble_is_checked_first() {
    let rdb = b"REDIS0010\xff\0\0\0\0\0\0\0\0";
    Rig::new().with("a.aof", [&rdb[..], &commands(&[&["SET", "k", "v"]])].concat()).run(
        &[],
        "a.aof",
        0,
        expect![[r"
            Start checking Old-Style AOF
            [offset 0] Checking RDB file a.aof
            [offset 18] RDB file was saved with checksum disabled: no check performed.
            [offset 18] \o/ RDB looks OK! \o/
            [info] 0 keys read
            [info] 0 expires
            [info] 0 already expired
            [info] 0 subexpires
            RDB preamble is OK, proceeding with AOF tail...
            AOF analyzed: filename=a.aof, size=45, ok_up_to=45, ok_up_to_line=8, diff=0
            AOF a.aof is valid
        "]],
    );
    Rig::new().with("a.aof", b"REDIS0010\xfe").run(
        &[],
        "a.aof",
        1,
        expect![[r"
            Start checking Old-Style AOF
            [offset 0] Checking RDB file a.aof
            --- RDB ERROR DETECTED ---
            [offset 10] Unexpected EOF reading RDB file
            [additional info] While doing: read-len
            [info] 0 keys read
            [info] 0 expires
            [info] 0 already expired
            [info] 0 subexpires
            RDB preamble of AOF file is not sane, aborting.
        "]],
    );
}

#[test]
fn all_files_of_a_manifest_are_checked() {
    let set = commands(&[&["SET", "k", "v"]]);
    multi_part(&set, b"").run(
        &[],
        "a.manifest",
        0,
        expect![[r"
            Start checking Multi Part AOF
            Start to check BASE AOF (RESP format).
            AOF analyzed: filename=a.base.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0
            BASE AOF a.base.aof is valid
            Start to check INCR files.
            AOF analyzed: filename=a.1.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0
            INCR AOF a.1.aof is valid
            INCR AOF a.2.aof is empty
            All AOF files and manifest are valid
        "]],
    );
    Rig::new().with("a.manifest", "file a seq 1 type b\nfile b seq 1 type b\n").run(
        &[],
        "a.manifest",
        1,
        expect![[r"
            Start checking Multi Part AOF

            *** FATAL AOF MANIFEST FILE ERROR ***

            Reading the manifest file, at line 2

            >>> 'file b seq 1 type b'

            Found duplicate base file information
        "]],
    );
    Rig::new().with("a.manifest", "file a.aof seq 1 type i\n").run(
        &[],
        "a.manifest",
        1,
        expect![[r"
            Start checking Multi Part AOF
            Start to check INCR files.
            Cannot open file a.aof: No such file or directory, aborting...
        "]],
    );
}

#[test]
fn damage_is_located_and_cut_off_when_wanted() {
    let set = commands(&[&["SET", "k", "v"]]);
    let damaged = [&set[..], b"*3\r\n$3\r\nSET\r\n$1\r\nk"].concat();
    let mut rig = multi_part(&set, &damaged);
    rig.run(
        &[],
        "a.manifest",
        1,
        expect![[r"
            Start checking Multi Part AOF
            Start to check BASE AOF (RESP format).
            AOF analyzed: filename=a.base.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0
            BASE AOF a.base.aof is valid
            Start to check INCR files.
            AOF analyzed: filename=a.1.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0
            INCR AOF a.1.aof is valid
            0x              2c: Expected to read 3 bytes, got 1 bytes
            AOF analyzed: filename=a.2.aof, size=45, ok_up_to=27, ok_up_to_line=12, diff=18
            AOF a.2.aof is not valid. Use the --fix option to try fixing it.
        "]],
    );
    rig.answer = "n\n";
    rig.run(
        &["--fix"],
        "a.2.aof",
        1,
        expect![[r"
            Start checking Old-Style AOF
            0x              2c: Expected to read 3 bytes, got 1 bytes
            AOF analyzed: filename=a.2.aof, size=45, ok_up_to=27, ok_up_to_line=12, diff=18
            This will shrink the AOF a.2.aof from 45 bytes, with 18 bytes, to 27 bytes
            Continue? [y/N]: Aborting...
        "]],
    );
    assert_eq!(rig.content("a.2.aof"), damaged);
    rig.answer = "y\n";
    rig.run(
        &["--fix"],
        "a.manifest",
        0,
        expect![[r"
            Start checking Multi Part AOF
            Start to check BASE AOF (RESP format).
            AOF analyzed: filename=a.base.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0
            BASE AOF a.base.aof is valid
            Start to check INCR files.
            AOF analyzed: filename=a.1.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0
            INCR AOF a.1.aof is valid
            0x              2c: Expected to read 3 bytes, got 1 bytes
            AOF analyzed: filename=a.2.aof, size=45, ok_up_to=27, ok_up_to_line=12, diff=18
            This will shrink the AOF a.2.aof from 45 bytes, with 18 bytes, to 27 bytes
            Continue? [y/N]: Successfully truncated AOF a.2.aof
            All AOF files and manifest are valid
        "]],
    );
    assert_eq!(rig.content("a.2.aof"), set);
}

#[test]
fn only_the_last_file_is_cut() {
    let set = commands(&[&["SET", "k", "v"]]);
    let mut rig = multi_part(b"xxx", &set);
    rig.answer = "y\n";
    rig.run(
        &["--fix"],
        "a.manifest",
        1,
        expect![[r"
            Start checking Multi Part AOF
            Start to check BASE AOF (RESP format).
            AOF analyzed: filename=a.base.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0
            BASE AOF a.base.aof is valid
            Start to check INCR files.
            AOF a.1.aof format error
            AOF analyzed: filename=a.1.aof, size=3, ok_up_to=0, ok_up_to_line=1, diff=3
            Failed to truncate AOF a.1.aof because it is not the last file
        "]],
    );
}

#[test]
fn transactions_are_whole_or_cut() {
    let open = commands(&[&["SET", "k", "v"], &["MULTI"], &["SET", "k", "w"]]);
    Rig::new().with("a.aof", open).run(
        &[],
        "a.aof",
        1,
        expect![[r"
            Start checking Old-Style AOF
            0x              45: Reached EOF before reading EXEC for MULTI
            AOF analyzed: filename=a.aof, size=69, ok_up_to=27, ok_up_to_line=18, diff=42
            AOF a.aof is not valid. Use the --fix option to try fixing it.
        "]],
    );
    Rig::new().with("a.aof", commands(&[&["EXEC"]])).run(
        &[],
        "a.aof",
        1,
        expect![[r"
            Start checking Old-Style AOF
            0x               e: Unexpected EXEC in AOF a.aof
            AOF analyzed: filename=a.aof, size=14, ok_up_to=0, ok_up_to_line=4, diff=14
            AOF a.aof is not valid. Use the --fix option to try fixing it.
        "]],
    );
    Rig::new().with("a.aof", commands(&[&["multi"], &["Multi"]])).run(
        &[],
        "a.aof",
        1,
        expect![[r"
            Start checking Old-Style AOF
            0x              1e: Unexpected MULTI in AOF a.aof
            AOF analyzed: filename=a.aof, size=30, ok_up_to=0, ok_up_to_line=7, diff=30
            AOF a.aof is not valid. Use the --fix option to try fixing it.
        "]],
    );
}

#[test]
fn syntax_errors_are_told() {
    let cases: [(&[u8], &str); 6] = [
        (b"*1\r\n+3\r\nSET\r\n", "0x               4: Expected prefix '$', got: '+'\n"),
        (b"*1\r\n$3\n\nSET\r\n", "0x               4: Expected \\r\\n, got: 0a00\n"),
        (b"*1\r\n$3\r\nSETxx", "0x               8: Expected \\r\\n, got: 7878\n"),
        (
            b"*1\r\n$-1\r\n",
            "0x               4: Expected to read string of -1 bytes, which is not in the suitable range\n",
        ),
        (
            b"*1\r\n$99999999999999999999\r\n",
            "0x               4: Expected to read string of 9223372036854775807 bytes, which is not in the suitable range\n",
        ),
        (b"*2\r\n$1\r\na\r\n", ""),
    ];
    for (file, expected) in cases {
        let rig = Rig::new().with("a.aof", file);
        let mut out = Vec::new();
        let args = ["redis-check-aof".to_owned(), rig.path("a.aof").to_str().expect("plain").to_owned()];
        let console = Console { input: &mut &b""[..], out: &mut out };
        assert_eq!(main(&args, 0, "7.4.2", console).expect("memory does not fail"), 1);
        let report = String::from_utf8_lossy(&out).into_owned();
        let report = report.strip_prefix("Start checking Old-Style AOF\n").expect("starts so");
        assert_eq!(report.split("AOF analyzed").next(), Some(expected), "{}", file.escape_ascii());
    }
}

fn stamped() -> Vec<u8> {
    let set = commands(&[&["SET", "k", "v"]]);
    [&b"#TS:100\r\n"[..], &set, b"#TS:200\r\n", &set, b"# other\r\n", &set].concat()
}

#[test]
fn a_file_is_cut_at_a_time() {
    let rig = Rig::new().with("a.aof", stamped());
    rig.run(
        &["--truncate-to-timestamp", "200"],
        "a.aof",
        0,
        expect![[r"
            Start checking Old-Style AOF
            Truncate nothing in AOF a.aof to timestamp 200
            AOF a.aof is valid
        "]],
    );
    rig.run(
        &["--truncate-to-timestamp", "199"],
        "a.aof",
        0,
        expect![[r"
            Start checking Old-Style AOF
            Successfully truncated AOF a.aof to timestamp 199
        "]],
    );
    assert_eq!(rig.content("a.aof"), stamped()[..9 + 27]);
    rig.run(
        &["--truncate-to-timestamp", "99"],
        "a.aof",
        1,
        expect![[r"
            Start checking Old-Style AOF
            AOF a.aof has nothing before timestamp 99, aborting...
        "]],
    );
    rig.run(
        &["--truncate-to-timestamp", "soon"],
        "a.aof",
        1,
        expect![[r"
            Invalid timestamp, aborting...
        "]],
    );
    Rig::new().with("a.aof", "#TS:soon\r\n").run(
        &["--truncate-to-timestamp", "1"],
        "a.aof",
        1,
        expect![[r"
            Start checking Old-Style AOF
            Invalid timestamp annotation
        "]],
    );
}

#[test]
fn only_the_last_file_is_cut_at_a_time() {
    multi_part(&stamped(), &stamped()).run(
        &["--truncate-to-timestamp", "150"],
        "a.manifest",
        1,
        expect![[r"
            Start checking Multi Part AOF
            Start to check BASE AOF (RESP format).
            Truncate nothing in AOF a.base.aof to timestamp 150
            BASE AOF a.base.aof is valid
            Start to check INCR files.
            Failed to truncate AOF a.1.aof to timestamp 150 to offset 36 because it is not the last file.
            If you insist, please delete all files after this file according to the manifest file and delete the corresponding records in manifest file manually. Then re-run redis-check-aof.
        "]],
    );
}

#[test]
fn the_command_line() {
    let run = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let mut out = Vec::new();
        let code = main(&args, 0, "7.4.2", Console { input: &mut &b""[..], out: &mut out });
        (code.expect("memory does not fail"), String::from_utf8_lossy(&out).into_owned())
    };
    assert_eq!(run(&["redis-check-aof", "-v"]), (0, "redis-check-aof 7.4.2\n".into()));
    let usage =
        "Usage: redis-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>\n";
    for args in [
        &["redis-check-aof"][..],
        &["redis-check-aof", "--what", "x"],
        &["redis-check-aof", "1", "2", "3", "4"],
    ] {
        assert_eq!(run(args), (1, usage.to_owned()));
    }
    let missing = Path::new("/nonexistent").join("file.aof");
    let (code, out) = run(&["redis-check-aof", missing.to_str().expect("plain")]);
    assert_eq!(
        (code, out.as_str()),
        (1, "Cannot open file /nonexistent/file.aof: No such file or directory\n")
    );
}
