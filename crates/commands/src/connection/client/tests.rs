use crate::testing::{Rig, START_MS};
use redan_engine::{ClientFlags, ClientMeta};
use std::sync::Arc;

/// Another connection, of which only what others see exists.
fn add_client(rig: &Rig, addr: &str) -> std::sync::Arc<redan_engine::Client> {
    let meta = ClientMeta {
        addr: addr.to_owned(),
        user: Some(Arc::clone(rig.engine.users().default_user())),
        ..ClientMeta::default()
    };
    rig.engine.clients().add(9, meta, 0, START_MS)
}

#[test]
fn a_line_says_all_about_a_client() {
    let mut rig = Rig::new();
    rig.run("CLIENT SETNAME me");
    rig.run("CLIENT SETINFO lib-name redan-rs");
    rig.run("CLIENT SETINFO LIB-VER 1.0");
    rig.run("SELECT 3");
    rig.advance_ms(2500);
    let line = rig.run("CLIENT INFO");
    let start = "id=1 addr= laddr= fd=7 name=me age=2 idle=2 flags=N db=3 sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=";
    let end = " events=r cmd=client|info user=default redir=-1 resp=2 lib-name=redan-rs lib-ver=1.0\n";
    assert!(line.contains(start) && line.ends_with(end), "{line}");
    rig.run("CLIENT NO-TOUCH on");
    rig.run("CLIENT NO-EVICT on");
    assert!(rig.run("CLIENT LIST").contains(" flags=eT "));
}

#[test]
fn lists_are_selected_by_type_and_id() {
    let mut rig = Rig::new();
    let other = add_client(&rig, "1.2.3.4:5");
    assert_eq!(rig.run("CLIENT LIST").matches("id=").count(), 2);
    let one = rig.run(&format!("CLIENT LIST ID {} 99", other.id.0));
    assert!(one.contains("addr=1.2.3.4:5") && one.contains(" cmd=NULL ") && one.matches("id=").count() == 1);
    assert_eq!(rig.run("CLIENT LIST TYPE replica"), "$0|");
    assert_eq!(rig.run("CLIENT LIST TYPE x"), "-ERR Unknown client type 'x'");
    assert_eq!(rig.run("CLIENT LIST ID x"), "-ERR Invalid client ID");
    assert_eq!(rig.run("CLIENT LIST TYPE"), "-ERR syntax error");
}

#[test]
fn clients_are_killed_by_what_they_are() {
    let mut rig = Rig::new();
    let other = add_client(&rig, "1.2.3.4:5");
    assert_eq!(rig.run("CLIENT KILL 9.9.9.9:9"), "-ERR No such client");
    assert_eq!(rig.run("CLIENT KILL ADDR 1.2.3.4:5 TYPE pubsub"), ":0");
    assert_eq!(rig.run("CLIENT KILL MAXAGE 1"), ":0");
    assert_eq!(rig.run("CLIENT KILL TYPE normal"), ":1");
    assert!(other.mailbox.is_killed());
    assert_eq!(rig.run("CLIENT LIST").matches("id=").count(), 1);
    let wrong = [
        ("CLIENT KILL ID 10 x", "-ERR syntax error"),
        ("CLIENT KILL ID 0", "-ERR client-id should be greater than 0"),
        ("CLIENT KILL MAXAGE x", "-ERR maxage is not an integer or out of range"),
        ("CLIENT KILL MAXAGE -1", "-ERR maxage should be greater than 0"),
        ("CLIENT KILL USER x", "-ERR No such user 'x'"),
        ("CLIENT KILL SKIPME maybe", "-ERR syntax error"),
        ("CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command"),
    ];
    for (command, error) in wrong {
        assert_eq!(rig.run(command), error, "{command}");
    }
    assert_eq!(rig.run("CLIENT KILL SKIPME no"), ":1");
}

#[test]
fn replies_are_left_out_on_request() {
    let mut rig = Rig::new();
    assert_eq!(rig.run("CLIENT REPLY SKIP"), "");
    assert_eq!(rig.run("PING"), "");
    assert_eq!(rig.run("PING"), "+PONG");
    assert_eq!(rig.run("CLIENT REPLY OFF"), "");
    assert_eq!(rig.run("CLIENT REPLY SKIP"), "");
    assert_eq!(rig.run("PING"), "");
    assert_eq!(rig.run("CLIENT REPLY ON"), "+OK");
    assert_eq!(rig.run("CLIENT REPLY x"), "-ERR syntax error");
}

#[test]
fn names_are_checked() {
    let mut rig = Rig::new();
    assert_eq!(rig.run("CLIENT GETNAME"), "$-1");
    let error = rig.run_args(&[b"CLIENT", b"SETNAME", b"a b"]);
    assert_eq!(error, "-ERR Client names cannot contain spaces, newlines or special characters.");
    let error = rig.run_args(&[b"CLIENT", b"SETINFO", b"lib-name", b"a b"]);
    assert_eq!(error, "-ERR lib-name cannot contain spaces, newlines or special characters.");
    assert_eq!(rig.run("CLIENT SETINFO x y"), "-ERR Unrecognized option 'x'");
    rig.run("CLIENT SETNAME me");
    assert_eq!(rig.run("CLIENT GETNAME"), "$2|me");
    assert_eq!(rig.run("CLIENT ID"), ":1");
    assert_eq!(rig.run("CLIENT GETREDIR"), ":-1");
}

#[test]
fn only_blocked_clients_are_unblocked() {
    let mut rig = Rig::new();
    let other = add_client(&rig, "1.2.3.4:5");
    let unblock = format!("CLIENT UNBLOCK {}", other.id.0);
    assert_eq!(rig.run(&unblock), ":0");
    other.put(ClientFlags::BLOCKED, true);
    assert_eq!(rig.run(&unblock), ":1");
    other.put(ClientFlags::PAUSED, true);
    assert_eq!(rig.run(&unblock), ":0");
    assert_eq!(rig.run("CLIENT UNBLOCK 1 SOON"), "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
}

#[test]
fn a_pause_holds_back_what_it_names() {
    let mut rig = Rig::new();
    assert_eq!(rig.run("CLIENT PAUSE 100 WRITE"), "+OK");
    assert_eq!(rig.run("GET a"), "$-1");
    assert_eq!(rig.engine.paused().map(|(_, until_ms)| until_ms), Some(START_MS + 100));
    assert_eq!(rig.run("CLIENT UNPAUSE"), "+OK");
    assert_eq!(rig.engine.paused(), None);
    assert_eq!(rig.run("CLIENT PAUSE x"), "-ERR timeout is not an integer or out of range");
    assert_eq!(rig.run("CLIENT PAUSE -1"), "-ERR timeout is negative");
    assert_eq!(rig.run("CLIENT PAUSE 1 SOME"), "-ERR CLIENT PAUSE mode must be WRITE or ALL");
}

#[test]
fn a_pause_that_is_over_does_not_prolong_the_next() {
    let mut rig = Rig::new();
    rig.run("CLIENT PAUSE 100 ALL");
    rig.advance_ms(200);
    assert_eq!(rig.run("CLIENT PAUSE 50 WRITE"), "+OK");
    assert_eq!(rig.engine.paused(), Some((redan_engine::PauseKind::Write, START_MS + 250)));
    assert_eq!(rig.run("PING"), "+PONG");
}
