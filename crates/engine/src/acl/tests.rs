//! Rules, as they are read, shown and asked.

use super::*;
use crate::{
    Arg, BeginSearch, Channels, CmdResult, Command, CommandTable, Cx, FindKeys, KeySpec, category, flag,
    key_flag,
};
use proptest::prelude::*;
use redan_resp::{Args, OwnedArgs};

fn nothing(_: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    Ok(())
}

const fn row(name: &'static str, flags: u32, acl: u32) -> Command {
    Command::new(name, -1, nothing).flags(flags).acl(acl)
}

const COMMANDS: &[Command] = &[
    row("get", flag::READONLY | flag::FAST, category::STRING)
        .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)]),
    row("set", flag::WRITE, category::STRING).keys(&[KeySpec::one(1, key_flag::OW | key_flag::UPDATE)]),
    row("type", flag::READONLY | flag::FAST, category::KEYSPACE).keys(&[KeySpec::one(1, key_flag::RO)]),
    row("copy", flag::WRITE, category::KEYSPACE).keys(&[
        KeySpec::one(1, key_flag::RO | key_flag::ACCESS),
        KeySpec::one(2, key_flag::OW | key_flag::UPDATE),
    ]),
    row("eval", flag::NOSCRIPT, category::SCRIPTING).keys(&[KeySpec {
        begin: BeginSearch::Index(2),
        find: FindKeys::KeyNum { num: 0, first: 1, step: 1 },
        ..KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)
    }]),
    row("hget", flag::READONLY | flag::FAST, category::HASH)
        .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)]),
    row("hset", flag::WRITE | flag::FAST, category::HASH)
        .keys(&[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)]),
    row("config", 0, 0).subcommands(&[row("get", flag::ADMIN, 0), row("set", flag::ADMIN, 0)]),
    row("client", 0, 0)
        .subcommands(&[row("id", 0, category::CONNECTION), row("list", flag::ADMIN, category::CONNECTION)]),
    row("debug", flag::ADMIN, 0),
    row("select", flag::FAST, category::CONNECTION),
    row("auth", flag::NO_AUTH | flag::FAST, category::CONNECTION),
    row("publish", flag::PUBSUB, 0).channels(Channels::First),
    row("subscribe", flag::PUBSUB, 0).channels(Channels::All),
    row("psubscribe", flag::PUBSUB, 0).channels(Channels::Patterns).args(&[Arg::token("x", "X")]),
];

fn table() -> CommandTable {
    CommandTable::new(&[COMMANDS], false)
}

fn try_user(rules: &str) -> Result<Permissions, (String, RuleError)> {
    let table = table();
    let scope = RuleScope { table: &table, all_channels: false };
    let mut user = Permissions::new(scope);
    let rules = merge_selectors(rules.split(' ').map(str::as_bytes)).expect("selectors end");
    for rule in rules {
        user.apply(&rule, scope).map_err(|error| (String::from_utf8(rule).unwrap(), error))?;
    }
    Ok(user)
}

fn user(rules: &str) -> Permissions {
    try_user(rules).expect("rules")
}

/// What is denied of a command, as `command`, `key 2`, `channel 1`, or empty.
fn denied(user: &Permissions, command: &str) -> String {
    let table = table();
    let args: OwnedArgs = command.split(' ').collect();
    let crate::Lookup::Found(entry) = table.lookup(args.as_args()) else { panic!("{command} is a command") };
    match user.check(entry, args.as_args()) {
        Ok(()) => String::new(),
        Err(Denied::Command) => "command".to_owned(),
        Err(Denied::Key(at)) => format!("key {at}"),
        Err(Denied::Channel(at)) => format!("channel {at}"),
    }
}

fn check_all(rules: &str, commands: &[(&str, &str)]) {
    let user = user(rules);
    for (command, expected) in commands {
        assert_eq!(denied(&user, command), *expected, "{rules}: {command}");
    }
}

#[test]
fn a_user_is_shown_as_rules_that_make_it() {
    let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    for (rules, shown) in [
        ("", "off sanitize-payload resetchannels -@all"),
        ("ON NOPASS +@ALL ~* &*", "on nopass sanitize-payload ~* &* +@all"),
        ("on nopass &foo +@all", "on nopass sanitize-payload resetchannels &foo +@all"),
        (">secret >secret", &format!("off sanitize-payload #{hash} resetchannels -@all")),
        ("skip-sanitize-payload nopass >secret <secret", "off skip-sanitize-payload resetchannels -@all"),
        ("%R~foo %W~foo %RW~bar %R~baz", "off sanitize-payload ~foo ~bar %R~baz resetchannels -@all"),
        (
            "+get ~a (+set %W~b &c) ( +get ~d )",
            "off sanitize-payload ~a resetchannels -@all +get (%W~b resetchannels &c -@all +set) (~d resetchannels -@all +get)",
        ),
        ("+get (+set) clearselectors", "off sanitize-payload resetchannels -@all +get"),
        ("on nopass +@all ~* &* (+get) reset", "off sanitize-payload resetchannels -@all"),
    ] {
        assert_eq!(String::from_utf8(user(rules).describe()).unwrap(), shown, "{rules}");
    }
}

#[test]
fn rules_about_commands_are_kept_short_and_in_order() {
    for (rules, shown) in [
        ("+@all -@hash -@slow +hget", "+@all -@hash -@slow +hget"),
        ("+@all -@hash -@slow +hget -@hash", "+@all -@slow +hget -@hash"),
        ("+@all -@hash -@slow +hget +@hash", "+@all -@slow +hget +@hash"),
        ("-@string -@slow +@all", "+@all"),
        ("+@HASH +@hash +@HaSh", "-@all +@hash"),
        ("+HGET +hget +hGeT", "-@all +hget"),
        ("+@hash +@slow +@string +@string +@slow +@hash", "-@all +@string +@slow +@hash"),
        ("+hget -hset +hset -hget", "-@all +hset -hget"),
        ("+client|list +client|list +config|get +config +config|set -config", "-@all +client|list -config"),
        ("+select|0 +select|0 +debug|segfault +debug", "-@all +select|0 +debug"),
        ("-@dangerous", "-@all -@dangerous"),
        ("+config +config|get -config|set +config", "-@all +config"),
        ("+get -getx", "error"),
    ] {
        let shown_now = try_user(rules).map_or("error".to_owned(), |user| user.root().describe_commands());
        assert_eq!(shown_now, shown, "{rules}");
    }
}

#[test]
fn mistakes_are_told() {
    use RuleError::*;
    for (rules, rule, error) in [
        ("+nope", "+nope", UnknownCommand),
        ("-@nope", "-@nope", UnknownCommand),
        ("+", "+", UnknownCommand),
        ("+config|asdf", "+config|asdf", UnknownCommand),
        ("-config|asdf", "-config|asdf", UnknownCommand),
        ("-select|0", "-select|0", UnknownCommand),
        ("+get|key1|key2", "+get|key1|key2", UnknownCommand),
        ("+config|get|x", "+config|get|x", FirstArgOfSubcommand),
        ("+select|", "+select|", Syntax),
        ("%~", "%~", Syntax),
        ("%", "%", Syntax),
        ("%RR~x", "%RR~x", Syntax),
        ("%X~x", "%X~x", Syntax),
        ("nonsense", "nonsense", Syntax),
        (")", ")", Syntax),
        ("~* ~foo", "~foo", KeysAfterAll),
        ("&* &foo", "&foo", ChannelsAfterAll),
        ("<nope", "<nope", NoSuchPassword),
        ("#abc", "#abc", BadHash),
        ("!abc", "!abc", BadHash),
        ("(nonsense)", "(nonsense)", Syntax),
        ("(&* &fail)", "(&* &fail)", ChannelsAfterAll),
        ("(+get (+set )", "(+get (+set )", Syntax),
    ] {
        assert_eq!(try_user(rules), Err((rule.to_owned(), error)), "{rules}");
    }
    assert_eq!(try_user("~a\tb").map(|_| ()), Err(("~a\tb".to_owned(), Syntax)));
    let open = merge_selectors([&b"on"[..], b"(+get", b"(+set"]);
    assert_eq!(open, Err(b"(+get".to_vec()));
}

#[test]
fn commands_are_allowed_one_by_one_and_by_kind() {
    check_all("~* +get", &[("get a", ""), ("set a b", "command"), ("auth x", "")]);
    check_all("~* +@read -get", &[("get a", "command"), ("hget a", ""), ("set a", "command")]);
    check_all("~* +@all -@string +set", &[("get a", "command"), ("set a b", ""), ("hset a", "")]);
    check_all("+@all -client +client|id", &[("client id", ""), ("client list", "command")]);
    check_all("+config -config|set", &[("config get x", ""), ("config set x y", "command")]);
    check_all("+select|0", &[("select 0", ""), ("select 1", "command"), ("select", "command")]);
    check_all("+debug|OBJECT -debug", &[("debug object", "command")]);
    check_all("+debug|OBJECT", &[("debug object x", ""), ("DEBUG Object x", ""), ("debug sleep", "command")]);
}

#[test]
fn keys_are_allowed_for_reading_and_writing() {
    check_all("+@all ~app:*", &[("get app:1", ""), ("get other", "key 1"), ("copy app:1 other", "key 2")]);
    let split = [
        ("get r1", ""),
        ("set r1 x", "key 1"),
        ("get w1", "key 1"),
        ("set w1 x", ""),
        ("copy r1 w1", ""),
        ("copy w1 r1", "key 1"),
        ("type r1", ""),
        ("type w1", ""),
        ("type x", "key 1"),
        ("eval s 1 rw", ""),
        ("eval s 1 r1", "key 3"),
        ("eval s 0 r1", ""),
        ("eval s -1 r1", ""),
        ("eval s 3 rw r1", ""),
    ];
    check_all("+@all %R~r* %W~w* %RW~rw", &split);
    check_all("+@all %RW", &[("get x", "key 1")]);
}

#[test]
fn channels_are_allowed_by_pattern_and_patterns_literally() {
    let commands = [
        ("publish foo:1 x", ""),
        ("publish zap x", "channel 1"),
        ("subscribe foo:1 zap", "channel 2"),
        ("psubscribe bar:*", ""),
        ("psubscribe bar:x", "channel 1"),
    ];
    check_all("+@all ~* &foo:1 &bar:*", &commands);
    check_all("+@all allchannels", &[("publish x y", ""), ("psubscribe *", "")]);
}

#[test]
fn selectors_do_not_add_up_and_the_furthest_one_answers() {
    let commands = [
        ("get r1", ""),
        ("set w1 x", ""),
        ("copy r1 w1", "key 2"),
        ("copy w1 r1", "key 1"),
        ("publish a b", "channel 1"),
        ("select 1", ""),
    ];
    check_all("(+@all %R~r*) (+@all %W~w*)", &commands);
    check_all("+get ~key (+copy ~key ~other)", &[("copy key x", "key 2"), ("set key x", "command")]);
}

#[test]
fn who_may_do_everything_is_known() {
    let table = table();
    for (rules, all) in [
        ("+@all ~* &*", true),
        ("+@all ~* &* -get", false),
        ("+@all ~* &* -get +get", true),
        ("+@all ~* &x", false),
        ("+@all &* ~x", false),
        ("+get (+@all ~* &*)", true),
        ("+@slow +@fast ~* &*", false),
    ] {
        assert_eq!(user(rules).allows_all(&table), all, "{rules}");
    }
}

#[test]
fn lost_channels_are_noticed() {
    for (before, after, lost) in [
        ("&a &b", "&a", true),
        ("&a", "&a &b", false),
        ("&*", "&a", true),
        ("&a", "&*", false),
        ("&a", "(&a)", false),
        ("(&*)", "&a", true),
        ("&*", "(&*)", false),
    ] {
        assert_eq!(user(after).lost_channels(&user(before)), lost, "{before} -> {after}");
    }
}

#[test]
fn passwords_are_compared_whole() {
    let user = user("on >one >two");
    assert!(user.passwords().accept(b"one") && user.passwords().accept(b"two"));
    assert!(!user.passwords().accept(b"on") && !user.passwords().accept(b""));
}

#[test]
fn a_file_is_read_whole_or_not_at_all() {
    let table = table();
    let scope = RuleScope { table: &table, all_channels: false };
    let text = "user alice on >pw ~* +@all\r\n\n  user bob (+get ~a) (+set\t%W~b )\n";
    let users = load_acl_file("f", text.as_bytes(), scope).unwrap();
    assert_eq!(users.len(), 2);
    assert_eq!(users[&b"bob"[..]].selectors().len(), 2);
    let tail = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
    for (text, problem) in [
        ("user a\nuser a on", "WARNING: Duplicate user 'a' found on line 2. "),
        ("user", "f:1 should start with user keyword followed by the username. "),
        ("# x", "f:1 should start with user keyword followed by the username. "),
        (
            "user a +x on +y",
            "f:1: Error in applying operation '+x': Unknown command or category name in ACL. f:1: Error in applying operation '+y': Unknown command or category name in ACL. ",
        ),
        ("user a foo bar", "f:1: Syntax error. "),
        ("user a (+get", "f:1: Unmatched parenthesis in selector definition."),
        ("user a\tb on", "'f:1: username 'a b' contains invalid characters. "),
    ] {
        let shown = load_acl_file("f", text.as_bytes(), scope).unwrap_err().replace('\t', " ");
        assert_eq!(shown, format!("{problem}{tail}"), "{text}");
    }
}

fn any_rule() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("on"),
        Just("off"),
        Just("nopass"),
        Just("resetpass"),
        Just(">a"),
        Just("skip-sanitize-payload"),
        Just("~*"),
        Just("resetkeys"),
        Just("~a*"),
        Just("%R~b"),
        Just("%W~b"),
        Just("&*"),
        Just("resetchannels"),
        Just("&c*"),
        Just("&d"),
        Just("+@all"),
        Just("-@all"),
        Just("+@read"),
        Just("-@write"),
        Just("-@admin"),
        Just("+@connection"),
        Just("+get"),
        Just("-get"),
        Just("+set"),
        Just("-config|set"),
        Just("+config"),
        Just("+client|id"),
        Just("-client"),
        Just("+select|0"),
        Just("+debug|object"),
        Just("(+get ~x)"),
        Just("(+@all -set &e %W~y)"),
        Just("clearselectors"),
        Just("reset"),
    ]
    .prop_map(str::to_owned)
}

proptest! {
    /// Whatever rules have made of a user, the rules it is shown as make the same of a new one.
    #[test]
    fn what_is_shown_makes_the_same_user(rules in prop::collection::vec(any_rule(), 0..25)) {
        let table = table();
        let scope = RuleScope { table: &table, all_channels: false };
        let mut made = Permissions::new(scope);
        for rule in &rules {
            // Patterns after `*` are refused; everything else works.
            let _ = made.apply(rule.as_bytes(), scope);
        }
        let shown = made.describe();
        let again = user(std::str::from_utf8(&shown).unwrap());
        prop_assert_eq!(again.describe(), shown);
        for entry in table.entries() {
            let mut words = vec![entry.full_name.replace('|', " ")];
            words.extend(["0", "x", "b"].map(str::to_owned));
            let args: OwnedArgs = words.join(" ").split(' ').collect();
            prop_assert_eq!(again.check(entry, args.as_args()), made.check(entry, args.as_args()));
        }
        prop_assert_eq!(again.allows_all(&table), made.allows_all(&table));
    }

    /// Allowing commands and forbidding them one after the other comes to what the last word on each says.
    #[test]
    fn the_last_word_on_a_command_counts(words in prop::collection::vec((any::<bool>(), 0..COMMANDS.len()), 0..40)) {
        let table = table();
        let scope = RuleScope { table: &table, all_channels: false };
        let mut made = Permissions::new(scope);
        made.apply(b"~*", scope).unwrap();
        let mut last = vec![false; COMMANDS.len()];
        for (allow, index) in words {
            let rule = format!("{}{}", if allow { '+' } else { '-' }, COMMANDS[index].name);
            made.apply(rule.as_bytes(), scope).unwrap();
            last[index] = allow;
        }
        for (command, allowed) in COMMANDS.iter().zip(last) {
            let args: OwnedArgs = [command.name].into_iter().collect();
            let entry = table.find(command.name.as_bytes()).unwrap();
            let expected = allowed || command.name == "auth";
            prop_assert_eq!(made.check(entry, args.as_args()).is_ok(), expected, "{}", command.name);
        }
    }
}
