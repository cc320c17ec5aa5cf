//! AUTH and HELLO: who a client is and how it is talked to.

use crate::arg;
use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, DEFAULT_USER, Group, REDIS_VERSION, category, condition, errors,
    flag,
};
use redan_resp::{Args, Protocol};
use std::sync::atomic::Ordering;

const FLAGS: u32 = flag::NOSCRIPT
    | flag::LOADING
    | flag::STALE
    | flag::FAST
    | flag::NO_AUTH
    | flag::SENTINEL
    | flag::ALLOW_BUSY;

/// AUTH [username] password
pub(super) const AUTH: Command = Command::new("auth", -2, auth)
    .flags(FLAGS)
    .acl(category::CONNECTION)
    .docs(
        Group::Connection,
        "1.0.0",
        "O(N) where N is the number of passwords defined for the user",
        "Authenticates the connection.",
    )
    .args(&[Arg::new("username", ArgKind::String).optional(), Arg::new("password", ArgKind::String)]);

/// HELLO [protover [AUTH username password] [SETNAME clientname]]
pub(super) const HELLO: Command = Command::new("hello", -1, hello)
    .flags(FLAGS)
    .acl(category::CONNECTION)
    .docs(Group::Connection, "6.0.0", "O(1)", "Handshakes with the server.")
    .args(&[Arg::block(
        "arguments",
        &[
            Arg::new("protover", ArgKind::Integer),
            Arg::block(
                "auth",
                &[Arg::new("username", ArgKind::String), Arg::new("password", ArgKind::String)],
            )
            .after("AUTH")
            .optional(),
            Arg::new("clientname", ArgKind::String).after("SETNAME").optional(),
        ],
    )
    .optional()]);

fn auth(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 3 {
        return Err(errors::SYNTAX);
    }
    let (user, password) = match args.get(2) {
        Some(password) => (&args[1], password),
        None if cx.engine.users().default_user().permissions().takes_any_password() => {
            return Err(errors::NO_PASSWORD_SET);
        }
        None => (DEFAULT_USER.as_bytes(), &args[1]),
    };
    log_in(cx, &args[0], user, password)?;
    cx.out.ok();
    Ok(())
}

/// `command` is what the client called it.
fn log_in(cx: &mut Cx<'_, '_>, command: &[u8], user: &[u8], password: &[u8]) -> CmdResult {
    match cx.engine.users().authenticate(user, password) {
        Some(user) => {
            cx.log_in(user);
            Ok(())
        }
        None => {
            cx.engine.note_login_denied(cx.session, cx.entry, command, user);
            Err(errors::WRONG_PASS)
        }
    }
}

fn hello(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let protocol = match args.get(1).map(redan_resp::parse_i64) {
        None => None,
        Some(Some(2)) => Some(Protocol::Resp2),
        Some(Some(3)) => Some(Protocol::Resp3),
        Some(Some(_)) => return Err(errors::NO_PROTO),
        Some(None) => return Err(errors::err("Protocol version is not an integer or out of range")),
    };
    // Of several names and logins the last one counts.
    let (mut name, mut credentials) = (None, None);
    let mut rest = args.skip(2);
    while let Some(option) = rest.get(0) {
        let taken = if arg::is(option, "AUTH") && rest.len() >= 3 {
            credentials = rest.get(1).zip(rest.get(2));
            3
        } else if arg::is(option, "SETNAME") && rest.len() >= 2 {
            let given = &rest[1];
            super::check_name(given)?;
            name = Some(String::from_utf8_lossy(given).into_owned());
            2
        } else {
            let option = String::from_utf8_lossy(option);
            return Err(errors::err(format!("Syntax error in HELLO option '{option}'")));
        };
        rest = rest.skip(taken);
    }
    if let Some((user, password)) = credentials {
        log_in(cx, &args[0], user, password)?;
    }
    if !cx.session.is_authenticated() {
        return Err(errors::HELLO_NO_AUTH);
    }
    if let Some(name) = name {
        cx.session.client.meta.lock().name = name;
    }
    if let Some(protocol) = protocol {
        cx.out.set_protocol(protocol);
        let version = if protocol == Protocol::Resp3 { 3 } else { 2 };
        cx.session.client.resp.store(version, Ordering::Relaxed);
        cx.update_subscribed();
    }
    reply(cx);
    Ok(())
}

fn reply(cx: &mut Cx<'_, '_>) {
    let conditions = cx.engine.conditions();
    let sentinel = conditions.any(condition::SENTINEL);
    let role = if conditions.any(condition::REPLICA) { "replica" } else { "master" };
    cx.out.map(if sentinel { 6 } else { 7 });
    cx.out.bulk(b"server");
    cx.out.bulk(b"redis");
    cx.out.bulk(b"version");
    cx.out.bulk(REDIS_VERSION.as_bytes());
    cx.out.bulk(b"proto");
    cx.out.int(if cx.out.protocol() == Protocol::Resp3 { 3 } else { 2 });
    cx.out.bulk(b"id");
    cx.out.int(cx.session.client.id.0 as i64);
    cx.out.bulk(b"mode");
    cx.out.bulk(if sentinel { b"sentinel" } else { b"standalone" });
    if !sentinel {
        cx.out.bulk(b"role");
        cx.out.bulk(role.as_bytes());
    }
    cx.out.bulk(b"modules");
    cx.out.array(0);
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn hello_switches_the_protocol() {
        let mut rig = Rig::new();
        assert!(rig.run("HELLO 3").starts_with("%7|$6|server|$5|redis|$7|version|"));
        assert_eq!(rig.run("GET nothing"), "_");
        assert!(rig.run("HELLO 2").starts_with("*14|"));
        assert_eq!(rig.run("HELLO 4"), "-NOPROTO unsupported protocol version");
        assert_eq!(rig.run("HELLO 3 SETNAME"), "-ERR Syntax error in HELLO option 'SETNAME'");
    }

    #[test]
    fn a_password_keeps_strangers_out() {
        let mut rig = Rig::new();
        assert!(rig.run("AUTH x").starts_with("-ERR AUTH <password> called without any password"));
        rig.engine.set_default_password(b"secret");
        assert_eq!(rig.run("PING"), "+PONG", "who is in stays in");
        rig.run("RESET");
        assert_eq!(rig.run("PING"), "-NOAUTH Authentication required.");
        assert!(rig.run("HELLO 3").starts_with("-NOAUTH HELLO must be called"));
        assert_eq!(rig.run("AUTH nope"), "-WRONGPASS invalid username-password pair or user is disabled.");
        assert_eq!(
            rig.run("AUTH other secret"),
            "-WRONGPASS invalid username-password pair or user is disabled."
        );
        assert_eq!(rig.run("AUTH secret"), "+OK");
        assert_eq!(rig.run("PING"), "+PONG");
    }
}
