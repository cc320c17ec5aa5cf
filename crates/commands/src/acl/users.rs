//! Users: made, changed, shown, saved, loaded.

use redan_engine::{CmdResult, Cx, Selector, errors, has_spaces, load_acl_file};
use redan_resp::Args;

/// ACL SETUSER username [rule [rule ...]]
pub(super) fn setuser(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if has_spaces(&args[2]) {
        return Err(errors::ACL_USER_NAME);
    }
    cx.set_user(&args[2], args.skip(3)).map_err(|error| errors::acl_set_user(&error))?;
    cx.out.ok();
    Ok(())
}

/// ACL DELUSER username [username ...]
pub(super) fn deluser(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let names = args.skip(2);
    let default = cx.engine.users().default_user();
    if names.iter().any(|name| name == default.name()) {
        return Err(errors::ACL_DEFAULT_USER);
    }
    let removed = cx.remove_users(names);
    cx.out.int(removed as i64);
    Ok(())
}

/// ACL GETUSER username
pub(super) fn getuser(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let Some(user) = cx.engine.users().get(&args[2]) else {
        cx.out.null();
        return Ok(());
    };
    let permissions = user.permissions();
    cx.out.map(6);
    cx.out.bulk(b"flags");
    cx.out.set(permissions.flags().count());
    permissions.flags().for_each(|flag| cx.out.bulk(flag.as_bytes()));
    cx.out.bulk(b"passwords");
    let hashes = permissions.passwords().hex();
    cx.out.array(hashes.len());
    hashes.for_each(|hash| cx.out.bulk(hash.as_bytes()));
    reply_selector(cx, permissions.root());
    cx.out.bulk(b"selectors");
    cx.out.array(permissions.selectors().len());
    for selector in permissions.selectors() {
        cx.out.map(3);
        reply_selector(cx, selector);
    }
    Ok(())
}

/// Three fields of a map.
fn reply_selector(cx: &mut Cx<'_, '_>, selector: &Selector) {
    cx.out.bulk(b"commands");
    cx.out.bulk(selector.describe_commands().as_bytes());
    cx.out.bulk(b"keys");
    cx.out.bulk(&selector.describe_keys());
    cx.out.bulk(b"channels");
    cx.out.bulk(&selector.describe_channels());
}

/// ACL LIST
pub(super) fn list(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let lines = cx.engine.users().lines();
    cx.out.array(lines.len());
    lines.iter().for_each(|line| cx.out.bulk(line));
    Ok(())
}

/// ACL USERS
pub(super) fn users(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let all = cx.engine.users().all();
    cx.out.array(all.len());
    all.iter().for_each(|user| cx.out.bulk(user.name()));
    Ok(())
}

/// ACL LOAD
pub(super) fn load(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let name = cx.host().acl_file().ok_or(errors::ACL_NO_FILE)?;
    let text = cx.host().read_acl_file().map_err(errors::err)?;
    let users =
        load_acl_file(&name, &text, cx.engine.users().scope(cx.engine.table())).map_err(errors::err)?;
    cx.replace_users(users);
    cx.out.ok();
    Ok(())
}

/// ACL SAVE
pub(super) fn save(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.host().acl_file().ok_or(errors::ACL_NO_FILE)?;
    let mut text = Vec::new();
    for line in cx.engine.users().lines() {
        text.extend_from_slice(&line);
        text.push(b'\n');
    }
    if !cx.host().write_acl_file(&text) {
        return Err(errors::ACL_NOT_SAVED);
    }
    cx.out.ok();
    Ok(())
}
