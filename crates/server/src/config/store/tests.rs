use super::{Config, SetContext};
use crate::config::rows::{MAXMEMORY, PORT, TIMEOUT};
use crate::config::value::Amount;
use crate::config::{SetError, Settings};
use parking_lot::Mutex;
use std::sync::Arc;

fn config() -> Config {
    Config::new(Settings::new("/"))
}

fn set(config: &Config, pairs: &[(&str, &str)]) -> Result<(), String> {
    let pairs: Vec<(&[u8], &[u8])> =
        pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    config.set(&pairs, SetContext::default()).map_err(|error| error.to_string())
}

fn get(config: &Config, patterns: &[&str]) -> Vec<String> {
    let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
    let show = |(name, value): (Vec<u8>, Vec<u8>)| {
        format!("{}={}", String::from_utf8(name).unwrap(), String::from_utf8(value).unwrap())
    };
    config.get(&patterns).into_iter().map(show).collect()
}

#[test]
fn values_are_set_and_read() {
    let config = config();
    let before = config.load();
    set(&config, &[("TIMEOUT", "7"), ("maxmemory", "1kb")]).unwrap();
    assert_eq!(config.peek().get(TIMEOUT), 7);
    assert_eq!(config.load().get(MAXMEMORY), Amount::Bytes(1024));
    assert_eq!(before.get(TIMEOUT), 0, "a snapshot does not change");
}

#[test]
fn errors_are_those_of_redis() {
    let config = config();
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("foo", "bar")], "ERR Unknown option or number of arguments for CONFIG SET - 'foo'"),
        (
            &[("timeout", "1"), ("Foo", "2")],
            "ERR Unknown option or number of arguments for CONFIG SET - 'Foo'",
        ),
        (
            &[("databases", "3")],
            "ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config",
        ),
        (
            &[("dir", "/")],
            "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config",
        ),
        (
            &[("slave-priority", "1"), ("Replica-Priority", "1")],
            "ERR CONFIG SET failed (possibly related to argument 'Replica-Priority') - duplicate parameter",
        ),
        (
            &[("TIMEOUT", "1"), ("Slave-Priority", "x")],
            "ERR CONFIG SET failed (possibly related to argument 'slave-priority') - \
             argument couldn't be parsed into an integer",
        ),
    ];
    for (pairs, error) in table {
        assert_eq!(set(&config, pairs), Err((*error).to_owned()));
    }
    assert_eq!(*config.load(), Settings::new("/"), "nothing was set");
    assert!(set(&config, &[("activedefrag", "yes")]).unwrap_err().contains("modified Jemalloc"));
    assert_eq!(set(&config, &[("activedefrag", "no")]), Ok(()));
}

#[test]
fn protection_depends_on_who_asks() {
    let config = config();
    let try_as =
        |local_client| config.set(&[(b"dir", b"/")], SetContext { local_client, loading: false }).is_ok();
    assert!(!try_as(true));
    config.put("enable-protected-configs", b"local").unwrap();
    assert!(try_as(true) && !try_as(false));
    config.put("enable-protected-configs", b"yes").unwrap();
    assert!(try_as(false));
    let loading = SetContext { loading: true, local_client: true };
    assert_eq!(config.set(&[(b"dir", b"/")], loading), Err(SetError::Loading));
    assert_eq!(config.set(&[(b"timeout", b"3")], loading), Ok(()));
}

#[test]
fn hooks_run_once_for_what_changed() {
    let config = config();
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    config.on_change(&[PORT.name(), TIMEOUT.name()], move |settings| {
        seen.lock().push((settings.get(PORT), settings.get(TIMEOUT)));
        Ok(())
    });
    set(&config, &[("port", "1"), ("timeout", "2")]).unwrap();
    set(&config, &[("timeout", "2")]).unwrap();
    set(&config, &[("maxmemory", "2")]).unwrap();
    config.put("timeout", b"9").unwrap();
    set(&config, &[("port", "3")]).unwrap();
    assert_eq!(*log.lock(), [(1, 2), (3, 9)]);
}

#[test]
fn a_volatile_parameter_is_applied_even_if_it_stays_the_same() {
    let config = config();
    let count = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&count);
    config.on_change(&["tls-cert-file"], move |_| {
        *seen.lock() += 1;
        Ok(())
    });
    set(&config, &[("tls-cert-file", "cert.pem")]).unwrap();
    set(&config, &[("tls-cert-file", "cert.pem")]).unwrap();
    assert_eq!(*count.lock(), 2);
}

#[test]
fn a_failing_hook_undoes_everything() {
    let config = config();
    let applied = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&applied);
    config.on_change(&["timeout"], move |settings| {
        seen.lock().push(settings.get(TIMEOUT));
        Ok(())
    });
    config.on_change(&["port"], |settings| match settings.get(PORT) {
        6379 => Ok(()),
        _ => Err("Unable to listen on this port. Check server logs.".to_owned()),
    });
    let untouched = Arc::clone(&applied);
    config.on_change(&["timeout"], move |_| {
        untouched.lock().push(-1);
        Ok(())
    });
    assert_eq!(
        set(&config, &[("timeout", "5"), ("port", "1"), ("maxmemory", "9")]),
        Err("ERR CONFIG SET failed (possibly related to argument 'port') - \
             Unable to listen on this port. Check server logs."
            .to_owned())
    );
    assert_eq!(*config.load(), Settings::new("/"));
    assert_eq!(*applied.lock(), [5, 0], "told of the new and again of the old value; later hooks of neither");
}

#[test]
fn get_matches_names_and_aliases() {
    let config = config();
    assert_eq!(get(&config, &["*lave-prio*"]), ["slave-priority=100"]);
    assert_eq!(get(&config, &["*-PRIORITY"]), ["replica-priority=100", "slave-priority=100"]);
    assert_eq!(get(&config, &["SLAVE-priority"]), ["SLAVE-priority=100"]);
    assert_eq!(get(&config, &["port", "por?", "timeout", "p[o]rt"]), ["port=6379", "timeout=0"]);
    assert_eq!(get(&config, &["nothing", "nothing*"]), [""; 0]);
    assert_eq!(get(&config, &["key-load*"]), [""; 0]);
    assert_eq!(get(&config, &["key-load-delay"]), ["key-load-delay=0"]);
    assert_eq!(get(&config, &["save", "bind"]), ["save=3600 1 300 100 60 10000", "bind=* -::*"]);
}

#[test]
fn the_server_itself_may_set_anything() {
    let config = config();
    config.put("replicaof", b"10.0.0.1 6380").unwrap();
    assert_eq!(get(&config, &["slaveof"]), ["slaveof=10.0.0.1 6380"]);
    config.put("replicaof", b"no one").unwrap();
    assert_eq!(get(&config, &["replicaof"]), ["replicaof="]);
    assert_eq!(
        config.put("maxclients", b"0"),
        Err("argument must be between 1 and 4294967295 inclusive".into())
    );
    assert!(config.put("nonsense", b"").is_err());
}
