use crate::testing::{Rig, words};
use redan_engine::Settings;
use redan_resp::Protocol;

/// An administrator's connection and one of a user who has logged in.
fn rig_and_user(rules: &str) -> (Rig, Rig) {
    let mut admin = Rig::new();
    assert_eq!(admin.run(&format!("ACL SETUSER bob on nopass {rules}")), "+OK");
    let mut bob = admin.another();
    assert_eq!(bob.run("AUTH bob x"), "+OK");
    (admin, bob)
}

#[test]
fn users_come_and_are_shown_and_go() {
    let mut rig = Rig::new();
    rig.check(&[
        ("ACL WHOAMI", "$7|default", ""),
        ("ACL SETUSER bob >pw +get ~a* (+set ~b)", "+OK", ""),
        ("ACL USERS", "*2|$3|bob|$7|default", ""),
        (
            "ACL SETUSER bob on +nope",
            "-ERR Error in ACL SETUSER modifier '+nope': Unknown command or category name in ACL",
            "",
        ),
        ("ACL SETUSER bob (+get", "-ERR Unmatched parenthesis in acl selector starting at '(+get'.", ""),
        ("AUTH bob pw", "-WRONGPASS invalid username-password pair or user is disabled.", ""),
        ("ACL SETUSER bob on", "+OK", ""),
        ("AUTH bob pw", "+OK", ""),
        ("ACL WHOAMI", "-NOPERM User bob has no permissions to run the 'acl|whoami' command", ""),
        ("AUTH default x", "+OK", ""),
        ("ACL DELUSER default", "-ERR The 'default' user cannot be removed", ""),
        ("ACL DELUSER bob nobody", ":1", ""),
        ("ACL GETUSER bob", "$-1", ""),
        ("AUTH bob pw", "-WRONGPASS invalid username-password pair or user is disabled.", ""),
    ]);
    assert_eq!(
        rig.run_args(&[b"ACL", b"SETUSER", b"a a"]),
        "-ERR Usernames can't contain spaces or null characters"
    );
    assert_eq!(rig.run("ACL LIST"), "*1|$51|user default on nopass sanitize-payload ~* &* +@all");
}

#[test]
fn a_user_is_shown_field_by_field() {
    let mut rig = Rig::new();
    rig.run("ACL SETUSER bob on nopass %R~r ~k &c +get (+@all)");
    let fields = "$5|flags|*3|$2|on|$6|nopass|$16|sanitize-payload|$9|passwords|*0|$8|commands|$10|-@all +get|$4|keys|$7|%R~r ~k|$8|channels|$2|&c|$9|selectors|*1|";
    let selector = "$8|commands|$5|+@all|$4|keys|$0||$8|channels|$0|";
    assert_eq!(rig.run("ACL GETUSER bob"), format!("*12|{fields}*6|{selector}"));
    rig.run("HELLO 3");
    assert_eq!(rig.run("ACL GETUSER bob"), format!("%6|{}%3|{selector}", fields.replacen('*', "~", 1)));
    assert_eq!(rig.run("ACL GETUSER nobody"), "_");
}

#[test]
fn commands_keys_and_channels_are_refused() {
    let (_admin, mut bob) = rig_and_user("+@all -ping ~a* %R~r &c* +acl");
    bob.check(&[
        ("PING", "-NOPERM User bob has no permissions to run the 'ping' command", ""),
        ("SET a1 x", "+OK", ""),
        ("SET b x", "-NOPERM No permissions to access a key", ""),
        ("SET r x", "-NOPERM No permissions to access a key", ""),
        ("GET r", "$-1", ""),
        ("MSET a1 x b x", "-NOPERM No permissions to access a key", ""),
        ("PUBLISH c1 x", ":0", ""),
        ("PUBLISH d x", "-NOPERM No permissions to access a channel", ""),
        ("SUBSCRIBE c1 d", "-NOPERM No permissions to access a channel", ""),
        ("PSUBSCRIBE c1", "-NOPERM No permissions to access a channel", ""),
        ("SET", "-ERR wrong number of arguments for 'set' command", ""),
        ("NOPE", "-ERR unknown command 'NOPE', with args beginning with: ", ""),
    ]);
    let counters = bob.engine.counters();
    let counts = [&counters.acl_denied_commands, &counters.acl_denied_keys, &counters.acl_denied_channels];
    let counts = counts.map(|count| count.load(std::sync::atomic::Ordering::Relaxed));
    assert_eq!(counts, [1, 3, 3]);
}

#[test]
fn what_set_and_bitfield_do_to_their_key_depends() {
    let (_admin, mut bob) = rig_and_user("+@all %R~r %W~w");
    let denied = "-NOPERM No permissions to access a key";
    for (command, reply) in [
        ("SET w x", "+OK"),
        ("SET w x GET", denied),
        ("SET w get", "+OK"),
        ("SET w x IFEQ y", denied),
        ("DELEX w IFEQ y", denied),
        ("DELEX w", ":1"),
        ("SET w x", "+OK"),
        ("SET r x", denied),
        ("BITFIELD r GET u4 0", "*1|:0"),
        ("BITFIELD r OVERFLOW SAT GET u4 0", "*1|:0"),
        ("BITFIELD r GET u4 0 SET u4 0 1", denied),
        ("BITFIELD w SET u4 0 1", denied),
        ("BITFIELD r nonsense", denied),
        ("EXISTS r", ":0"),
        ("EXISTS w", ":1"),
        ("EXISTS x", denied),
    ] {
        assert_eq!(bob.run(command), reply, "{command}");
    }
}

#[test]
fn transactions_are_checked_twice() {
    let (mut admin, mut bob) = rig_and_user("+@all ~a &*");
    bob.run("MULTI");
    assert_eq!(bob.run("SET b 1"), "-NOPERM No permissions to access a key");
    assert_eq!(bob.run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
    bob.run("MULTI");
    assert_eq!(bob.run("SET a 1"), "+QUEUED");
    assert_eq!(bob.run("INCR a"), "+QUEUED");
    assert_eq!(bob.run("GET a"), "+QUEUED");
    admin.run("ACL SETUSER bob -incr");
    let refused = "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: no permission to execute the command or subcommand";
    assert_eq!(bob.run("EXEC"), format!("*3|+OK|{refused}|$1|1"));
    let entry = admin.run("ACL LOG 1");
    assert!(
        entry.contains("$7|context|$5|multi|$6|object|$4|incr|") && entry.contains(" cmd=exec "),
        "{entry}"
    );
    admin.run("ACL SETUSER bob resetkeys");
    bob.run("MULTI");
    bob.run("ACL SETUSER bob ~b");
    bob.run("SET b 1");
    assert!(bob.run("EXEC").starts_with("-EXECABORT"), "what is queued is checked as things are now");
}

#[test]
fn a_transaction_that_changes_its_own_user_is_held_to_that() {
    let (_admin, mut bob) = rig_and_user("+@all ~* &*");
    for command in ["MULTI", "SET a 1", "ACL SETUSER bob resetkeys", "SET a 2", "ACL SETUSER bob ~*", "GET a"]
    {
        bob.run(command);
    }
    let reply = bob.run("EXEC");
    assert!(reply.starts_with("*5|+OK|+OK|-NOPERM ") && reply.ends_with("|+OK|$1|1"), "{reply}");
}

#[test]
fn changes_hold_from_the_next_command_on_also_in_a_pipeline() {
    let (mut admin, mut bob) = rig_and_user("+@all ~* &*");
    assert_eq!(bob.run("GET a"), "$-1");
    admin.run("ACL SETUSER bob resetkeys");
    assert_eq!(bob.run("GET a"), "-NOPERM No permissions to access a key");
    let mut pipeline = Vec::new();
    for command in ["ACL SETUSER bob ~*", "SET a 1", "ACL SETUSER bob resetkeys", "SET a 2"] {
        redan_resp::encode_command(&mut pipeline, words(command).iter());
    }
    bob.feed(&pipeline);
    assert_eq!(admin.run("GET a"), "$1|1");
    admin.run("ACL SETUSER bob allkeys");
    assert_eq!(bob.run("GET a"), "$1|1", "nothing is held against it any more");
}

#[test]
fn clients_of_removed_users_go() {
    let (mut admin, mut bob) = rig_and_user("+@all ~* &*");
    assert_eq!(admin.run("ACL DELUSER bob"), ":1");
    admin.run("ACL SETUSER bob on nopass +@all ~* &*");
    assert_eq!(bob.run("GET a"), "-NOAUTH Authentication required.", "the new one is another user");
    assert_eq!(admin.run("CLIENT LIST").matches("id=").count(), 1);
    let mut bob = admin.another();
    bob.run("AUTH bob x");
    assert_eq!(bob.run("ACL DELUSER bob"), ":1", "who removes itself is still answered");
    assert!(bob.is_closing());
}

#[test]
fn subscribers_go_that_lose_a_channel() {
    let listen = |admin: &Rig, command: &str| {
        let mut bob = admin.another();
        bob.run("AUTH bob x");
        bob.run(command);
        bob
    };
    for (before, command, after, goes) in [
        ("&foo:1", "SUBSCRIBE foo:1", "resetchannels", true),
        ("&foo:1", "SSUBSCRIBE foo:1", "resetchannels", true),
        ("&bar:*", "PSUBSCRIBE bar:*", "resetchannels", true),
        ("allchannels", "PSUBSCRIBE foo", "resetchannels", true),
        ("&bar:* &x", "SUBSCRIBE bar:1", "resetchannels &bar:*", false),
        ("&bar:*", "PSUBSCRIBE bar:*", "resetchannels &bar:* &zoo", false),
        ("&bar:*", "PSUBSCRIBE bar:*", "allchannels", false),
        ("&foo", "SUBSCRIBE foo", "resetchannels (&foo)", false),
    ] {
        let mut admin = Rig::new();
        admin.run(&format!("ACL SETUSER bob on nopass +@all ~* resetchannels {before}"));
        let bob = listen(&admin, command);
        let default = listen(&admin, "PING");
        assert_eq!(admin.run(&format!("ACL SETUSER bob {after}")), "+OK");
        assert_eq!(bob.is_killed(), goes, "{before}, {command}, {after}");
        assert!(!default.is_killed());
    }
}

#[test]
fn the_log_tells_what_was_refused() {
    let (mut admin, mut bob) = rig_and_user("+get ~a");
    bob.run("GET b");
    bob.run("GET b");
    bob.run("SET a 1");
    admin.run("AUTH bob2 x");
    admin.advance_ms(1500);
    let log = admin.run("ACL LOG");
    assert!(log.starts_with("*3|*20|$5|count|:1|$6|reason|$4|auth|$7|context|$8|toplevel|$6|object|$4|AUTH|$8|username|$4|bob2|$11|age-seconds|$3|1.5|$11|client-info|"), "{log}");
    assert!(
        log.contains("|:2|$6|reason|$3|key|$7|context|$8|toplevel|$6|object|$1|b|$8|username|$3|bob|"),
        "{log}"
    );
    assert!(log.contains(
        "|$8|entry-id|:2|$17|timestamp-created|:1700000000000|$22|timestamp-last-updated|:1700000000000"
    ));
    assert!(admin.run("ACL LOG 1").starts_with("*1|"));
    assert_eq!(admin.run("ACL LOG -1"), "*0");
    assert_eq!(admin.run("ACL LOG x"), "-ERR value is not an integer or out of range");
    assert_eq!(admin.run("ACL LOG RESET"), "+OK");
    assert_eq!(admin.run("ACL LOG"), "*0");
    admin.engine.set_settings(Settings { acl_log_max_len: 0, ..Settings::default() });
    bob.run("SET a 1");
    assert_eq!(admin.run("ACL LOG"), "*0");
}

#[test]
fn categories_hold_commands_and_subcommands() {
    let mut rig = Rig::new();
    assert!(rig.run("ACL CAT").starts_with("*21|$8|keyspace|$4|read|"));
    let transaction = rig.run("ACL CAT TRANSACTION");
    assert!(transaction.starts_with("*5|") && transaction.contains("|$5|multi"), "{transaction}");
    assert!(rig.run("ACL CAT dangerous").contains("|$11|acl|setuser"));
    assert_eq!(rig.run("ACL CAT nope"), "-ERR Unknown category 'nope'");
    assert!(
        rig.run("ACL CAT a b").starts_with("-ERR unknown subcommand or wrong number of arguments for 'CAT'")
    );
}

#[test]
fn passwords_are_made_of_as_many_bits_as_wanted() {
    let mut rig = Rig::new();
    assert!(rig.run("ACL GENPASS").starts_with("$64|"));
    assert!(rig.run("ACL GENPASS 5").starts_with("$2|"));
    assert!(rig.run("ACL GENPASS 4096").starts_with("$1024|"));
    for bits in ["0", "-1", "4097"] {
        assert!(
            rig.run(&format!("ACL GENPASS {bits}"))
                .starts_with("-ERR ACL GENPASS argument must be the number of bits")
        );
    }
}

#[test]
fn a_dry_run_says_what_would_happen() {
    let mut rig = Rig::new();
    rig.run("ACL SETUSER bob +get ~a &c +publish");
    rig.check(&[
        ("ACL DRYRUN bob GET a", "+OK", ""),
        ("ACL DRYRUN bob GET b", "$49|User bob has no permissions to access the 'b' key", ""),
        ("ACL DRYRUN bob SET a 1", "$52|User bob has no permissions to run the 'set' command", ""),
        ("ACL DRYRUN bob PUBLISH d 1", "$53|User bob has no permissions to access the 'd' channel", ""),
        ("ACL DRYRUN nobody GET a", "-ERR User 'nobody' not found", ""),
        ("ACL DRYRUN bob nope", "-ERR Command 'nope' not found", ""),
        ("ACL DRYRUN bob GET", "-ERR wrong number of arguments for 'get' command", ""),
    ]);
}

#[test]
fn users_are_saved_and_loaded() {
    let mut rig = Rig::new();
    assert!(
        rig.run("ACL SAVE").starts_with("-ERR This Redis instance is not configured to use an ACL file.")
    );
    assert!(
        rig.run("ACL LOAD").starts_with("-ERR This Redis instance is not configured to use an ACL file.")
    );
    *rig.host.acl_file.lock() = Some(Vec::new());
    rig.run("ACL SETUSER bob on >pw +@all ~* &c");
    assert_eq!(rig.run("ACL SAVE"), "+OK");
    let saved = rig.host.acl_file.lock().clone().unwrap();
    let lines = rig.engine.users().lines();
    rig.run("ACL SETUSER bob resetchannels");
    rig.run("ACL SETUSER eve on nopass");
    let (mut bob, mut eve) = (rig.another(), rig.another());
    bob.run("AUTH bob pw");
    eve.run("AUTH eve x");
    assert_eq!(rig.run("ACL LOAD"), "+OK");
    assert_eq!(rig.engine.users().lines(), lines);
    assert!(eve.is_killed() && !bob.is_killed());
    assert_eq!(bob.run("ACL WHOAMI"), "$3|bob");
    *rig.host.acl_file.lock() = Some([&saved[..], b"user bob on"].concat());
    assert!(
        rig.run("ACL LOAD")
            .starts_with("-ERR WARNING: Duplicate user 'bob' found on line 3. WARNING: ACL errors")
    );
    assert_eq!(rig.engine.users().lines(), lines, "all or nothing");
    *rig.host.acl_file.lock() = Some(b"user default on nopass +@all ~* &*\n".to_vec());
    assert_eq!(rig.run("ACL LOAD"), "+OK");
    assert!(bob.is_killed());
}

#[test]
fn logins_of_hello_count_the_last() {
    let mut rig = Rig::new();
    rig.run("ACL SETUSER bob on >pw +@all");
    assert!(rig.run("HELLO 2 AUTH bob nope AUTH bob pw SETNAME a SETNAME b").starts_with("*14|"));
    assert_eq!(rig.run("ACL WHOAMI"), "$3|bob");
    assert_eq!(rig.run("CLIENT GETNAME"), "$1|b");
    assert!(rig.run("HELLO 3 AUTH bob nope SETNAME c").starts_with("-WRONGPASS"));
    assert_eq!(rig.run("CLIENT GETNAME"), "$1|b");
    assert_eq!(rig.protocol(), Protocol::Resp2);
}

#[test]
fn who_waits_at_the_door_comes_in_when_it_opens() {
    let mut rig = Rig::new();
    rig.run("ACL SETUSER default off");
    assert_eq!(rig.run("PING"), "+PONG", "who is in stays in");
    let mut stranger = rig.another();
    assert_eq!(stranger.run("PING"), "-NOAUTH Authentication required.");
    assert_eq!(rig.run("ACL SETUSER default on"), "+OK");
    assert_eq!(stranger.run("PING"), "+PONG");
}
#[test]
fn scripts_are_held_to_their_user() {
    let (mut admin, mut bob) = rig_and_user("+eval +get +set +multi +exec ~a &*");
    let eval = |rig: &mut Rig, script: &str| rig.run_args(&[b"EVAL", script.as_bytes(), b"0"]);
    assert_eq!(eval(&mut bob, "return redis.call('SET', 'a', 1)"), "+OK");
    let denied = eval(&mut bob, "return redis.call('INCR', 'a')");
    assert!(
        denied
            .starts_with("-ERR ACL failure in script: User bob has no permissions to run the 'incr' command"),
        "{denied}"
    );
    let denied = eval(&mut bob, "return redis.call('GET', 'b')");
    assert!(denied.starts_with("-ERR ACL failure in script: No permissions to access a key"), "{denied}");
    assert_eq!(
        bob.run_args(&[b"EVAL".as_slice(), b"return 1", b"1", b"b"]),
        "-NOPERM No permissions to access a key",
        "its declared keys are checked before it runs"
    );
    let may = "return {redis.acl_check_cmd('get', 'a'), redis.acl_check_cmd('get', 'b'), redis.acl_check_cmd('incr', 'a')}";
    assert_eq!(eval(&mut bob, may), "*3|:1|$-1|$-1");
    let log = admin.run("ACL LOG 3");
    assert!(log.contains("|$7|context|$3|lua|$6|object|$4|incr|$8|username|$3|bob|"), "{log}");
    assert!(log.contains(" cmd=eval "), "{log}");
    bob.run("MULTI");
    eval(&mut bob, "return redis.call('GET', 'b')");
    let reply = bob.run("EXEC");
    assert!(reply.starts_with("*1|-ERR ACL failure in script: No permissions to access a key"), "{reply}");
}

#[test]
fn who_waits_for_a_key_may_lose_the_right_to_it() {
    let (mut admin, mut bob) = rig_and_user("+@all ~* &*");
    assert_eq!(bob.run("BLPOP list 0"), "");
    admin.run("ACL SETUSER bob resetkeys");
    admin.run("RPUSH list a");
    assert_eq!(bob.resume(), "-NOPERM No permissions to access a key");
    assert_eq!(admin.run("LRANGE list 0 -1"), "*1|$1|a", "the element is still there");
    assert!(admin.run("ACL LOG").contains("|$6|object|$4|list|"));
    admin.run("ACL SETUSER bob allkeys");
    assert_eq!(bob.run("BLPOP other 0"), "");
    admin.run("ACL DELUSER bob");
    admin.run("RPUSH other a");
    assert_eq!(admin.run("LLEN other"), ":1", "nothing is given to who is gone");
}
