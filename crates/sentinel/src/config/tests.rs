use proptest::prelude::*;

use super::*;

struct Files;

impl Host for Files {
    fn is_executable(&self, path: &[u8]) -> bool {
        path == b"/bin/notify"
    }
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    let lines = text.lines().enumerate().map(|(i, line)| ConfigLine {
        number: i + 1,
        args: line.split_whitespace().map(|word| word.as_bytes().to_vec()).collect(),
    });
    Config::parse(&lines.filter(|line| !line.args.is_empty()).collect::<Vec<_>>(), &Files)
}

#[test]
fn the_order_of_lines_does_not_matter() {
    let id = "a".repeat(40);
    let config = parse(&format!(
        "down-after-milliseconds setmaster 20000
         parallel-syncs setmaster 2
         known-replica setmaster redis-1 6380
         known-sentinel setmaster 10.0.0.9 26379 {id}
         known-sentinel setmaster 10.0.0.9 26379
         MONITOR setmaster redis-0 30000 2
         rename-command setmaster CONFIG guessed-by-nobody
         auth-pass setmaster secret
         config-epoch setmaster 7
         leader-epoch setmaster 6
         current-epoch 5
         resolve-hostnames yes"
    ))
    .expect("valid");
    let mut options = MasterOptions::with_quorum(2);
    options.down_after_ms = 20_000;
    options.parallel_syncs = 2;
    options.auth_pass = Some(b"secret".to_vec());
    options.renamed_commands = vec![("CONFIG".into(), "guessed-by-nobody".into())];
    let expected = Config {
        current_epoch: 7,
        resolve_hostnames: true,
        masters: vec![MasterConfig {
            name: "setmaster".into(),
            host: "redis-0".into(),
            port: 30_000,
            options,
            config_epoch: 7,
            leader_epoch: 6,
            replicas: vec![("redis-1".into(), 6380)],
            sentinels: vec![KnownSentinel { host: "10.0.0.9".into(), port: 26379, run_id: id }],
        }],
        ..Config::default()
    };
    assert_eq!(config, expected);
    assert_eq!(config.masters[0].options.renamed("config"), "guessed-by-nobody");
}

#[test]
fn refusals() {
    let monitored = "monitor m 10.0.0.1 6379 2\n";
    let table = [
        ("monitor m 10.0.0.1 6379 0", "Quorum must be 1 or greater."),
        ("monitor m 10.0.0.1 70000 1", "Invalid port number."),
        ("monitor m redis-0 6379 1", "Can't resolve instance hostname."),
        ("monitor m 10.0.0.1 6379 2", "Duplicate master name."),
        ("monitor m 10.0.0.1 6379", "Unrecognized sentinel configuration statement."),
        ("frobnicate m 1", "Unrecognized sentinel configuration statement."),
        ("quorum x 1", "Unrecognized sentinel configuration statement."),
        ("failover-timeout x 1", "No such master with specified name."),
        ("failover-timeout m 0", "negative or zero time parameter."),
        ("down-after-milliseconds m -1", "negative or zero time parameter."),
        ("master-reboot-down-after-period m -1", "negative time parameter."),
        ("notification-script m /bin/no", "Notification script seems non existing or non executable."),
        (
            "client-reconfig-script m /bin/no",
            "Client reconfiguration script seems non existing or non executable.",
        ),
        ("myid abc", "Malformed Sentinel id in myid option."),
        ("known-replica m name 1", "Can't resolve instance hostname."),
        ("known-replica m 10.0.0.2 -1", "Invalid port number."),
        ("resolve-hostnames maybe", "Please specify yes or no for the resolve-hostnames option."),
        ("announce-hostnames maybe", "Please specify yes or no for the announce-hostnames option."),
        ("deny-scripts-reconfig maybe", "Please specify yes or no for the deny-scripts-reconfig options."),
    ];
    for (line, text) in table {
        let error = parse(&format!("{monitored}{line}")).expect_err(line);
        assert_eq!((error.text.as_str(), error.line), (text, 2), "{line}");
    }
    let twice = [
        ("known-slave m 10.0.0.2 1\nknown-replica m 10.0.0.2 1", "Duplicate hostname and port for replica."),
        ("known-sentinel m 10.0.0.2 1 id\nknown-sentinel m 10.0.0.3 2 id", "Duplicate runid for sentinel."),
        (
            "rename-command m a b\nrename-command m A c",
            "Same command renamed multiple times with rename-command.",
        ),
    ];
    for (lines, text) in twice {
        let error = parse(&format!("{monitored}{lines}")).expect_err(lines);
        assert_eq!((error.text.as_str(), error.line), (text, 3), "{lines}");
    }
    parse(&format!("{monitored}notification-script m /bin/notify")).expect("a script that exists");
}

#[test]
fn merging_keeps_what_is_not_ours() {
    let file = "# my file\nport 26379\nsentinel down-after-milliseconds m 20000\nsentinel failover-timeout gone 5\n\
        sentinel monitor m 10.0.0.1 6379 2\nSENTINEL known-slave m 10.0.0.8 6379\nsentinel parallel-syncs m 1\n\
        dir /tmp\n";
    let id = "a".repeat(40);
    let mut config = parse(
        "monitor m 10.0.0.2 6379 2\ndown-after-milliseconds m 5\nknown-replica m 10.0.0.1 6379\n\
         known-replica m 10.0.0.3 6379",
    )
    .expect("valid");
    config.my_id = Some(id.clone());
    let merged = String::from_utf8(merge_into(file.as_bytes(), &config.lines())).expect("ASCII");
    let expected = format!(
        "# my file\nport 26379\nsentinel down-after-milliseconds m 5\nsentinel failover-timeout m 180000\n\
         sentinel monitor m 10.0.0.2 6379 2\nsentinel known-replica m 10.0.0.1 6379\nsentinel parallel-syncs m 1\n\
         dir /tmp\n# Generated by CONFIG REWRITE\nsentinel myid {id}\nsentinel config-epoch m 0\n\
         sentinel leader-epoch m 0\nsentinel known-replica m 10.0.0.3 6379\nsentinel current-epoch 0\n"
    );
    assert_eq!(merged, expected);
    let again = merge_into(merged.as_bytes(), &config.lines());
    assert_eq!(String::from_utf8(again).expect("ASCII"), expected, "a second time changes nothing");
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..12)
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-zA-Z0-9._-]{0,8}"
}

prop_compose! {
    fn options()(
        quorum in 1u32..9, down in 1u64..100_000, failover in 1u64..100_000, syncs in 0u32..9, reboot in 0u64..9,
        user in prop::option::of(word()), pass in prop::option::of(word()),
        renamed in prop::collection::btree_map("[A-Z]{3,8}", "[a-z]{3,8}", 0..3),
        script in any::<bool>(),
    ) -> MasterOptions {
        let script = script.then(|| b"/bin/notify".to_vec());
        MasterOptions {
            quorum, down_after_ms: down, failover_timeout_ms: failover, parallel_syncs: syncs,
            reboot_down_after_ms: reboot, auth_user: user, auth_pass: pass,
            notification_script: script.clone(), client_reconfig_script: script,
            renamed_commands: renamed.into_iter().collect(),
        }
    }
}

prop_compose! {
    fn master(index: usize)(
        host in name(), port: u16, options in options(), leader_epoch: u64, config_epoch in 0u64..1000,
        replicas in prop::collection::btree_set((name(), any::<u16>()), 0..4),
        sentinels in prop::collection::btree_map("[0-9a-f]{40}", (name(), any::<u16>()), 0..4),
    ) -> MasterConfig {
        let known = |(run_id, (host, port))| KnownSentinel { host, port, run_id };
        // Hosts that differ in case only are the same host.
        let mut replicas: Vec<(String, u16)> = replicas.into_iter().map(|(h, p)| (h.to_lowercase(), p)).collect();
        replicas.sort();
        replicas.dedup();
        MasterConfig {
            name: format!("m{index}"), host, port, options, config_epoch, leader_epoch,
            replicas,
            sentinels: sentinels.into_iter().map(known).collect(),
        }
    }
}

prop_compose! {
    fn any_config()(
        id in "[0-9a-f]{40}", epoch in 1000u64.., flags: (bool, bool), ip in prop::option::of(name()), port: u16,
        user in prop::option::of(word()), pass in prop::option::of(word()),
        masters in (prop::option::of(master(0)), prop::option::of(master(1))),
    ) -> Config {
        Config {
            my_id: Some(id), current_epoch: epoch, deny_scripts_reconfig: flags.0, resolve_hostnames: true,
            announce_hostnames: flags.1, announce_ip: ip, announce_port: port,
            sentinel_user: user, sentinel_pass: pass,
            masters: [masters.0, masters.1].into_iter().flatten().collect(),
        }
    }
}

/// What the server's configuration parser makes of a line, for the quoting that is used here.
fn split(line: &[u8]) -> Vec<Vec<u8>> {
    redan_resp::split_inline(line).expect("balanced quotes").iter().map(|word| word.to_vec()).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(config in any_config()) {
        for text in [merge_into(b"", &config.lines()), crate::state_file::encode(&config)] {
            let lines: Vec<ConfigLine> = text
                .split(|b| *b == b'\n')
                .enumerate()
                .filter(|(_, line)| !line.is_empty() && line[0] != b'#')
                .map(|(i, line)| ConfigLine { number: i + 1, args: split(line)[1..].to_vec() })
                .collect();
            prop_assert_eq!(&Config::parse(&lines, &Files).expect("valid"), &config);
            prop_assert_eq!(&crate::state_file::decode(&lines).expect("valid"), &config);
        }
    }

    #[test]
    fn random_directives_never_panic(lines in prop::collection::vec(prop::collection::vec(word(), 0..6), 0..6)) {
        let lines: Vec<ConfigLine> =
            lines.into_iter().enumerate().map(|(number, args)| ConfigLine { number, args }).collect();
        let _ = Config::parse(&lines, &Files);
    }
}

#[test]
fn state_is_laid_over_the_configuration() {
    let id = "b".repeat(40);
    let mut config = parse("monitor m 10.0.0.1 6379 3\nfailover-timeout m 77").expect("valid");
    let state = parse(&format!(
        "myid {id}\ncurrent-epoch 9\nmonitor m 10.0.0.2 6379 2\nconfig-epoch m 8\nleader-epoch m 9\n\
         known-replica m 10.0.0.1 6379\nknown-sentinel m 10.0.1.1 26379 {id}\nmonitor added 10.0.0.5 6379 1"
    ))
    .expect("valid");
    crate::state_file::restore(&mut config, state.clone());
    assert_eq!((config.my_id.clone(), config.current_epoch), (Some(id), 9));
    let m = &config.masters[0];
    assert_eq!((m.host.as_str(), m.config_epoch, m.leader_epoch), ("10.0.0.2", 8, 9));
    assert_eq!((m.options.quorum, m.options.failover_timeout_ms), (3, 77), "the operator's settings stay");
    assert_eq!((m.replicas.len(), m.sentinels.len()), (1, 1));
    assert_eq!(config.masters[1], state.masters[1]);
    // The operator moved the master by hand, in a file with a newer epoch.
    let mut moved = parse("monitor m 10.0.0.7 6379 3\nconfig-epoch m 10").expect("valid");
    crate::state_file::restore(&mut moved, state);
    assert_eq!(moved.masters[0].host, "10.0.0.7");
}
