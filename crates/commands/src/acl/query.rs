//! Questions about access: who am I, what could somebody do, which commands are of a kind.

use crate::arg;
use redan_engine::{CmdResult, Cx, Lookup, category, errors};
use redan_resp::Args;

/// The longest password that ACL GENPASS makes, bits.
const MAX_BITS: i64 = 4096;

/// ACL WHOAMI
pub(super) fn whoami(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    match &cx.session.user {
        Some(user) => cx.out.bulk(user.name()),
        None => cx.out.null(),
    }
    Ok(())
}

/// ACL CAT [category]
pub(super) fn cat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 3 {
        return Err(errors::unknown_subcommand_or_arity("ACL", &args[1]));
    }
    let Some(name) = args.get(2) else {
        cx.out.array(category::NAMES.len());
        category::NAMES.iter().for_each(|(_, name)| cx.out.bulk(name.as_bytes()));
        return Ok(());
    };
    let Some((bit, _)) = category::NAMES.iter().find(|(_, known)| arg::is(name, known)) else {
        let shown = String::from_utf8_lossy(&name[..name.len().min(128)]);
        return Err(errors::err(format!("Unknown category '{shown}'")));
    };
    let (header, mut shown) = (cx.out.begin_deferred(), 0);
    for entry in cx.engine.table().entries() {
        if entry.command.categories() & bit != 0 {
            cx.out.bulk(entry.full_name.as_bytes());
            shown += 1;
        }
    }
    cx.out.end_deferred_array(header, shown);
    Ok(())
}

/// ACL GENPASS [bits]
pub(super) fn genpass(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 3 {
        return Err(errors::unknown_subcommand_or_arity("ACL", &args[1]));
    }
    let bits = args.get(2).map_or(Ok(256), arg::int)?;
    if !(1..=MAX_BITS).contains(&bits) {
        return Err(errors::ACL_GENPASS_BITS);
    }
    let digits = (bits as usize).div_ceil(4);
    let mut random = vec![0; digits.div_ceil(2)];
    cx.host().fill_random(&mut random);
    let mut password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    password.truncate(digits);
    cx.out.bulk(password.as_bytes());
    Ok(())
}

/// ACL DRYRUN username command [arg [arg ...]]
pub(super) fn dryrun(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let not_found = |what: &str, name: &[u8]| {
        errors::err(format!("{what} '{}' not found", String::from_utf8_lossy(name)))
    };
    let user = cx.engine.users().get(&args[2]).ok_or_else(|| not_found("User", &args[2]))?;
    let command = args.skip(3);
    let entry = match cx.engine.table().lookup(command) {
        Lookup::Found(entry) => entry,
        _ => return Err(not_found("Command", &args[3])),
    };
    if !entry.command.accepts(command.len()) {
        return Err(errors::wrong_arity(&entry.full_name));
    }
    match user.permissions().check(entry, command) {
        Ok(()) => cx.out.ok(),
        Err(denied) => {
            let object = denied.object(entry, command);
            let text = errors::denied(&user.name_text(), &entry.full_name, denied, Some(object));
            cx.out.bulk(text.as_bytes());
        }
    }
    Ok(())
}
