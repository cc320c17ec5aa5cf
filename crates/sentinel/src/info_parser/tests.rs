use super::*;

#[test]
fn a_master() {
    let id = "0123456789abcdef0123456789abcdef01234567";
    let text = format!(
        "# Server\r\nredis_version:7.4.0\r\nrun_id:{id}\r\n\r\n# Replication\r\nrole:master\r\nconnected_slaves:3\r\n\
         slave0:ip=10.0.0.2,port=6380,state=online,offset=10,lag=0\r\n\
         slave1:10.0.0.3,6381,online\r\n\
         slave2:ip=fe80::1,port=6382,state=wait_bgsave,offset=0,lag=0,type=replica\r\n\
         slave_expires_tracked_keys:0\r\nmaster_failover_state:no-failover\r\n"
    );
    let info = Info::parse(text.as_bytes());
    assert_eq!(
        info,
        Info {
            run_id: Some(id.into()),
            role: Some(Role::Master),
            replicas: vec![("10.0.0.2".into(), 6380), ("10.0.0.3".into(), 6381), ("fe80::1".into(), 6382)],
            ..Info::default()
        }
    );
}

#[test]
fn a_replica() {
    let text = "role:slave\nmaster_host:redis-0.svc\nmaster_port:6379\nmaster_link_status:down\n\
        master_link_down_since_seconds:12\nslave_repl_offset:99\nslave_priority:5\nreplica_announced:0\n";
    assert_eq!(
        Info::parse(text.as_bytes()),
        Info {
            role: Some(Role::Replica),
            master_host: Some("redis-0.svc".into()),
            master_port: Some(6379),
            master_link_up: Some(false),
            master_link_down_ms: 12_000,
            repl_offset: Some(99),
            priority: Some(5),
            announced: Some(false),
            ..Info::default()
        }
    );
}

#[test]
fn nonsense_is_skipped() {
    let lines: [&[u8]; 12] = [
        b"",
        b":",
        b"run_id:short",
        b"role:king",
        b"slave0:",
        b"slave0:ip=,port=1",
        b"slave0:ip=1.2.3.4",
        b"slave0:ip=1.2.3.4,port=99999",
        b"slave0:ip=1.2.3.4,port=-1",
        b"slavex:ip=1.2.3.4,port=1",
        b"master_port:70000",
        b"master_host:\xff\xfe",
    ];
    for line in lines {
        assert_eq!(Info::parse(line), Info::default(), "{}", String::from_utf8_lossy(line));
    }
}
