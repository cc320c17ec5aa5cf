//! RENAME, RENAMENX, COPY, MOVE.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
    notify_class,
};
use redan_keyspace::{DbIndex, Key};
use redan_resp::Args;

use crate::arg;

/// RENAME key newkey
pub(super) const RENAME: Command = Command::new("rename", 3, rename)
    .flags(flag::WRITE)
    .acl(category::KEYSPACE)
    .keys(&[
        KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
        KeySpec::one(2, key_flag::OW | key_flag::UPDATE),
    ])
    .docs(Group::Generic, "1.0.0", "O(1)", "Gives a key another name, which replaces what had that name.")
    .args(&[Arg::key("key", 0), Arg::key("newkey", 1)]);

fn rename(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (cx.key(&args[1]), cx.key(&args[2]));
    require(cx, &from)?;
    if from.bytes != to.bytes {
        move_name(cx, &from, &to);
    }
    cx.out.ok();
    Ok(())
}

/// RENAMENX key newkey
pub(super) const RENAMENX: Command = Command::new("renamenx", 3, renamenx)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(&[
        KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
        KeySpec::one(2, key_flag::OW | key_flag::INSERT),
    ])
    .docs(Group::Generic, "1.0.0", "O(1)", "Gives a key another name that no key has yet.")
    .args(&[Arg::key("key", 0), Arg::key("newkey", 1)]);

fn renamenx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (cx.key(&args[1]), cx.key(&args[2]));
    require(cx, &from)?;
    let free = cx.view.peek(&to).is_none();
    if free {
        move_name(cx, &from, &to);
    }
    cx.out.int(i64::from(free));
    Ok(())
}

fn require(cx: &mut Cx<'_, '_>, key: &Key<'_>) -> CmdResult {
    if cx.view.peek(key).is_some() { Ok(()) } else { Err(errors::NO_SUCH_KEY) }
}

fn move_name(cx: &mut Cx<'_, '_>, from: &Key<'_>, to: &Key<'_>) {
    cx.view.rename(from, to);
    cx.notify(notify_class::NEW, "new", to.bytes);
    cx.notify(notify_class::GENERIC, "rename_from", from.bytes);
    cx.notify(notify_class::GENERIC, "rename_to", to.bytes);
}

/// COPY source destination [DB destination-db] [REPLACE]
///
/// Alone, because the destination may be in a database whose shards a keyed command has not locked.
pub(super) const COPY: Command = Command::new("copy", -3, copy)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::KEYSPACE)
    .keys(&[
        KeySpec::one(1, key_flag::RO | key_flag::ACCESS),
        KeySpec::one(2, key_flag::OW | key_flag::UPDATE),
    ])
    .exclusive()
    .docs(
        Group::Generic,
        "6.2.0",
        "O(1) for strings, O(N) for collections of N elements.",
        "Copies the value of a key to another key.",
    )
    .args(&[
        Arg::key("source", 0),
        Arg::key("destination", 1),
        Arg::new("destination-db", ArgKind::Integer).after("DB").optional(),
        Arg::token("replace", "REPLACE").optional(),
    ]);

fn copy(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (mut to_db, mut replace) = (cx.db(), false);
    let mut options = args.skip(3).iter();
    while let Some(word) = options.next() {
        if arg::is(word, "REPLACE") {
            replace = true;
        } else if arg::is(word, "DB") {
            to_db = database(cx, options.next().ok_or(errors::SYNTAX)?)?;
        } else {
            return Err(errors::SYNTAX);
        }
    }
    let (from, to) = (cx.key(&args[1]), cx.key(&args[2]));
    if to_db == cx.db() && from.bytes == to.bytes {
        return Err(errors::SAME_OBJECT);
    }
    if cx.view.get(&from).is_none() {
        cx.out.int(0);
        cx.notify(notify_class::KEY_MISS, "keymiss", from.bytes);
        return Ok(());
    }
    let copied = (replace || is_free(cx, to_db, &to)) && cx.view.copy(&from, to_db, &to);
    if copied {
        cx.notify_in(notify_class::NEW, "new", to_db, to.bytes);
        cx.notify_in(notify_class::GENERIC, "copy_to", to_db, to.bytes);
    }
    cx.out.int(i64::from(copied));
    Ok(())
}

/// MOVE key db
pub(super) const MOVE: Command = Command::new("move", 3, move_key)
    .flags(flag::WRITE | flag::FAST)
    .acl(category::KEYSPACE)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)])
    .exclusive()
    .docs(Group::Generic, "1.0.0", "O(1)", "Moves a key to another database.")
    .args(&[Arg::key("key", 0), Arg::new("db", ArgKind::Integer)]);

fn move_key(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let to_db = database(cx, &args[2])?;
    if to_db == cx.db() {
        return Err(errors::SAME_OBJECT);
    }
    let key = cx.key(&args[1]);
    let moved = cx.view.peek(&key).is_some() && is_free(cx, to_db, &key) && cx.view.move_to(&key, to_db);
    if moved {
        cx.notify_in(notify_class::NEW, "new", to_db, key.bytes);
        cx.notify(notify_class::GENERIC, "move_from", key.bytes);
        cx.notify_in(notify_class::GENERIC, "move_to", to_db, key.bytes);
    }
    cx.out.int(i64::from(moved));
    Ok(())
}

/// The database with this number.
fn database(cx: &Cx<'_, '_>, text: &[u8]) -> Result<DbIndex, ReplyError> {
    let number = u32::try_from(arg::int32(text)?).ok();
    let number = number.filter(|&number| number < cx.engine.keyspace().databases());
    number.map(DbIndex).ok_or(errors::DB_RANGE)
}

/// Whether a database has no such key.
fn is_free(cx: &mut Cx<'_, '_>, db: DbIndex, key: &Key<'_>) -> bool {
    let home = cx.db();
    cx.view.switch(db);
    let free = cx.view.peek(key).is_none();
    cx.view.switch(home);
    free
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn renaming() {
        Rig::new().check(&[
            ("RENAME a b", "-ERR no such key", ""),
            ("RENAMENX a b", "-ERR no such key", ""),
            ("SET a 1 EXAT 1800000000", "+OK", "SET a 1 PXAT 1800000000000"),
            ("RENAME a a", "+OK", ""),
            ("RENAMENX a a", ":0", ""),
            ("SET b 2", "+OK", "SET b 2"),
            ("RENAMENX a b", ":0", ""),
            ("RENAME a b", "+OK", "RENAME a b"),
            ("MGET a b", "*2|$-1|$1|1", ""),
            ("EXPIRETIME b", ":1800000000", ""),
            ("RENAMENX b c", ":1", "RENAMENX b c"),
            ("GET c", "$1|1", ""),
        ]);
    }

    #[test]
    fn copying() {
        Rig::new().check(&[
            ("SET a 1 EXAT 1800000000", "+OK", "SET a 1 PXAT 1800000000000"),
            ("COPY a a", "-ERR source and destination objects are the same", ""),
            ("COPY a b DB 16", "-ERR DB index is out of range", ""),
            ("COPY a b DB -1", "-ERR DB index is out of range", ""),
            ("COPY a b DB x", "-ERR value is not an integer or out of range", ""),
            ("COPY a b DB", "-ERR syntax error", ""),
            ("COPY none b", ":0", ""),
            ("COPY a b", ":1", "COPY a b"),
            ("COPY a b", ":0", ""),
            ("SET b 2", "+OK", "SET b 2"),
            ("COPY a b REPLACE", ":1", "COPY a b REPLACE"),
            ("APPEND b 2", ":2", "APPEND b 2"),
            ("MGET a b", "*2|$1|1|$2|12", ""),
            ("EXPIRETIME b", ":1800000000", ""),
            ("COPY a a DB 3", ":1", "COPY a a DB 3"),
        ]);
    }

    #[test]
    fn moving() {
        let mut rig = Rig::new();
        rig.check(&[
            ("SET a 1 EXAT 1800000000", "+OK", "SET a 1 PXAT 1800000000000"),
            ("MOVE a 0", "-ERR source and destination objects are the same", ""),
            ("MOVE a 16", "-ERR DB index is out of range", ""),
            (
                "MOVE a 9999999999",
                "-ERR value is out of range, value must between -2147483648 and 2147483647",
                "",
            ),
            ("MOVE none 9", ":0", ""),
            ("MOVE a 9", ":1", "MOVE a 9"),
            ("SET a 2", "+OK", "SET a 2"),
            ("MOVE a 9", ":0", ""),
            ("GET a", "$1|2", ""),
        ]);
        rig.run("SELECT 9");
        assert_eq!(rig.run("GET a"), "$1|1");
        assert_eq!(rig.run("EXPIRETIME a"), ":1800000000");
    }

    #[test]
    fn an_expired_key_in_the_other_database_is_not_in_the_way() {
        let mut rig = Rig::new();
        rig.run("SELECT 9");
        rig.run("SET a old PX 10");
        rig.run("SELECT 0");
        rig.run("SET a new");
        rig.propagated();
        rig.advance_ms(11);
        assert_eq!(rig.run("MOVE a 9"), ":1");
        assert_eq!(rig.propagated(), "MULTI; SELECT 9; DEL a; SELECT 0; MOVE a 9; EXEC");
    }
}
