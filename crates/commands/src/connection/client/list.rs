//! CLIENT LIST and CLIENT INFO.

use crate::arg;
use redan_engine::{
    Arg, ArgKind, Client, ClientId, ClientKind, ClientNow, CmdResult, Cx, ReplyError, errors,
    write_client_line,
};
use redan_resp::Args;
use std::sync::Arc;

pub(super) const ARGS: &[Arg] = &[
    Arg::one_of(
        "client-type",
        &[
            Arg::token("normal", "NORMAL"),
            Arg::token("master", "MASTER"),
            Arg::token("replica", "REPLICA"),
            Arg::token("pubsub", "PUBSUB"),
        ],
    )
    .after("TYPE")
    .optional(),
    Arg::new("client-id", ArgKind::Integer).after("ID").optional().multiple(),
];

/// A client type by its name.
pub(super) fn kind_of(name: &[u8]) -> Result<ClientKind, ReplyError> {
    let kinds = [
        ("normal", ClientKind::Normal),
        ("slave", ClientKind::Replica),
        ("replica", ClientKind::Replica),
        ("pubsub", ClientKind::PubSub),
        ("master", ClientKind::Master),
    ];
    let known = kinds.into_iter().find(|(word, _)| arg::is(name, word));
    known
        .map(|(_, kind)| kind)
        .ok_or_else(|| errors::err(format!("Unknown client type '{}'", String::from_utf8_lossy(name))))
}

/// CLIENT INFO
pub(super) fn info(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let own = Arc::clone(&cx.session.client);
    reply(cx, args, &[own]);
    Ok(())
}

/// CLIENT LIST [TYPE type] [ID id [id ...]]
pub(super) fn list(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let clients = if args.len() == 2 {
        cx.engine.clients().all()
    } else if args.len() == 4 && arg::is(&args[2], "TYPE") {
        let kind = kind_of(&args[3])?;
        let mut all = cx.engine.clients().all();
        all.retain(|client| client.kind() == kind);
        all
    } else if args.len() > 3 && arg::is(&args[2], "ID") {
        let mut found = Vec::new();
        for id in args.skip(3).iter() {
            let id = arg::int(id).map_err(|_| errors::err("Invalid client ID"))?;
            found.extend(u64::try_from(id).ok().and_then(|id| cx.engine.clients().get(ClientId(id))));
        }
        found
    } else {
        return Err(errors::SYNTAX);
    };
    reply(cx, args, &clients);
    Ok(())
}

fn reply(cx: &mut Cx<'_, '_>, args: Args<'_>, clients: &[Arc<Client>]) {
    let now = ClientNow { db: cx.db().0, command: &cx.entry.full_name, argv_len: args.payload_len() };
    let mut text = String::new();
    for client in clients {
        let own = client.id == cx.session.client.id;
        write_client_line(cx.engine, client, own.then_some(&now), cx.now_ms, &mut text);
    }
    cx.out.verbatim("txt", text.as_bytes());
}
