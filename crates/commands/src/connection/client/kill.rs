//! CLIENT KILL.

use super::list::kind_of;
use crate::arg;
use redan_engine::{Arg, ArgKind, Client, ClientId, ClientKind, CmdResult, Cx, ReplyError, User, errors};
use redan_resp::Args;
use std::sync::Arc;

pub(super) const ARGS: &[Arg] = &[Arg::one_of(
    "filter",
    &[
        Arg::new("old-format", ArgKind::String),
        Arg::one_of(
            "new-format",
            &[
                Arg::new("client-id", ArgKind::Integer).after("ID").optional(),
                Arg::one_of(
                    "client-type",
                    &[
                        Arg::token("normal", "NORMAL"),
                        Arg::token("master", "MASTER"),
                        Arg::token("slave", "SLAVE"),
                        Arg::token("replica", "REPLICA"),
                        Arg::token("pubsub", "PUBSUB"),
                    ],
                )
                .after("TYPE")
                .optional(),
                Arg::new("username", ArgKind::String).after("USER").optional(),
                Arg::new("addr", ArgKind::String).after("ADDR").optional(),
                Arg::new("laddr", ArgKind::String).after("LADDR").optional(),
                Arg::one_of("skipme", &[Arg::token("yes", "YES"), Arg::token("no", "NO")])
                    .after("SKIPME")
                    .optional(),
                Arg::new("maxage", ArgKind::Integer).after("MAXAGE").optional(),
            ],
        )
        .multiple(),
    ],
)];

/// Which clients go.
#[derive(Default)]
struct Filter<'a> {
    id: Option<ClientId>,
    kind: Option<ClientKind>,
    user: Option<Arc<User>>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    max_age_s: Option<i64>,
    spare_me: bool,
}

impl<'a> Filter<'a> {
    fn parse(cx: &Cx<'_, '_>, options: Args<'a>) -> Result<Self, ReplyError> {
        let mut filter = Self { spare_me: true, ..Self::default() };
        let mut rest = options.iter();
        while let Some(option) = rest.next() {
            let value = rest.next().ok_or(errors::SYNTAX)?;
            if arg::is(option, "ID") {
                let id = arg::int_from(value, 1);
                let id = id.map_err(|_| errors::err("client-id should be greater than 0"))?;
                filter.id = Some(ClientId(id as u64));
            } else if arg::is(option, "MAXAGE") {
                filter.max_age_s = Some(max_age_s(value)?);
            } else if arg::is(option, "TYPE") {
                filter.kind = Some(kind_of(value)?);
            } else if arg::is(option, "ADDR") {
                filter.addr = Some(value);
            } else if arg::is(option, "LADDR") {
                filter.laddr = Some(value);
            } else if arg::is(option, "USER") {
                let no_user = || errors::err(format!("No such user '{}'", String::from_utf8_lossy(value)));
                filter.user = Some(cx.engine.users().get(value).ok_or_else(no_user)?);
            } else if arg::is(option, "SKIPME") {
                filter.spare_me = match value {
                    word if arg::is(word, "YES") => true,
                    word if arg::is(word, "NO") => false,
                    _ => return Err(errors::SYNTAX),
                };
            } else {
                return Err(errors::SYNTAX);
            }
        }
        Ok(filter)
    }

    fn fits(&self, client: &Client, now_ms: i64) -> bool {
        let meta = client.meta.lock();
        let is = |wanted: Option<&[u8]>, text: &str| wanted.is_none_or(|wanted| wanted == text.as_bytes());
        self.id.is_none_or(|id| id == client.id)
            && self.kind.is_none_or(|kind| kind == client.kind())
            && self.max_age_s.is_none_or(|age_s| (now_ms - client.created_ms) / 1000 >= age_s)
            && self
                .user
                .as_ref()
                .is_none_or(|user| meta.user.as_ref().is_some_and(|own| Arc::ptr_eq(user, own)))
            && is(self.addr, &meta.addr)
            && is(self.laddr, &meta.laddr)
    }
}

fn max_age_s(value: &[u8]) -> Result<i64, ReplyError> {
    let age_s = arg::int(value).map_err(|_| errors::err("maxage is not an integer or out of range"))?;
    if age_s > 0 { Ok(age_s) } else { Err(errors::err("maxage should be greater than 0")) }
}

/// CLIENT KILL addr | filter value [filter value ...]
pub(super) fn kill(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() == 3 {
        // The old form may kill its own client.
        let filter = Filter { addr: Some(&args[2]), ..Filter::default() };
        if kill_all(cx, &filter) == 0 {
            return Err(errors::err("No such client"));
        }
        cx.out.ok();
    } else {
        let filter = Filter::parse(cx, args.skip(2))?;
        let killed = kill_all(cx, &filter);
        cx.out.int(killed as i64);
    }
    Ok(())
}

fn kill_all(cx: &mut Cx<'_, '_>, filter: &Filter<'_>) -> usize {
    let own = cx.session.client.id;
    let mut killed = 0;
    for client in cx.engine.clients().all() {
        if (client.id == own && filter.spare_me) || !filter.fits(&client, cx.now_ms) {
            continue;
        }
        killed += 1;
        if client.id == own {
            cx.session.close_after_reply();
        } else {
            // Its worker closes it soon; for everybody else it is gone now.
            client.mailbox.kill();
            cx.engine.clients().remove(client.id);
        }
    }
    killed
}
