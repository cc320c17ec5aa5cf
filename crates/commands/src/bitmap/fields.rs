//! BITFIELD, BITFIELD_RO: integers of any width at any offset.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeyFlags, KeySpec, ReplyError, arg_flag, category, errors,
    flag, key_flag,
};
use redan_keyspace::{EntryMut, IntText, Key, NewValue};
use redan_resp::{Args, ReplyBuf};
use smallvec::SmallVec;

use super::field::{FieldType, Overflow};
use super::offset::field_offset;
use crate::arg;
use crate::string::value::{notify_miss, notify_stored, string_of};

const ENCODING: Arg = Arg::new("encoding", ArgKind::String);
const OFFSET: Arg = Arg::new("offset", ArgKind::Integer);
const GET_ARGS: &[Arg] = &[ENCODING, OFFSET];
const SET_ARGS: &[Arg] = &[ENCODING, OFFSET, Arg::new("value", ArgKind::Integer)];
const INCRBY_ARGS: &[Arg] = &[ENCODING, OFFSET, Arg::new("increment", ArgKind::Integer)];
const OVERFLOW_ARGS: &[Arg] =
    &[Arg::token("wrap", "WRAP"), Arg::token("sat", "SAT"), Arg::token("fail", "FAIL")];
const WRITE_ARGS: &[Arg] = &[
    Arg::one_of("overflow-block", OVERFLOW_ARGS).after("OVERFLOW").optional(),
    Arg::one_of(
        "write-operation",
        &[
            Arg::block("set-block", SET_ARGS).after("SET"),
            Arg::block("incrby-block", INCRBY_ARGS).after("INCRBY"),
        ],
    ),
];
const OPERATION_ARGS: &[Arg] =
    &[Arg::block("get-block", GET_ARGS).after("GET"), Arg::block("write", WRITE_ARGS)];
const GET_BLOCKS: Arg = Arg {
    flags: arg_flag::OPTIONAL | arg_flag::MULTIPLE | arg_flag::MULTIPLE_TOKEN,
    ..Arg::block("get-block", GET_ARGS).after("GET")
};

/// BITFIELD key [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] SET encoding offset value | INCRBY encoding offset
/// increment] ...
pub(super) const BITFIELD: Command = Command::new("bitfield", -2, bitfield)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::BITMAP)
    .keys(&[KeySpec {
        notes: "reads or writes the key, as its operations say",
        ..KeySpec::one(1, key_flag::RW | key_flag::UPDATE | key_flag::ACCESS | key_flag::VARIABLE_FLAGS)
    }])
    .keys_found_by(find_key)
    .docs(
        Group::Bitmap,
        "3.2.0",
        "O(1) for each operation, and O(N) where N is the number of bytes by which the string has to grow.",
        "Reads, sets and increments integers of any width inside of the string of a key.",
    )
    .args(&[Arg::key("key", 0), Arg::one_of("operation", OPERATION_ARGS).multiple().optional()]);

/// The key is only read when all operations are known to read.
fn find_key(args: Args<'_>, keys: &mut SmallVec<[(u32, KeyFlags); 4]>) {
    let mut rest = args.skip(2);
    let reads = loop {
        let Some(word) = rest.get(0) else { break true };
        let taken = if arg::is(word, "GET") && rest.len() > 2 {
            3
        } else if arg::is(word, "OVERFLOW") && rest.len() > 1 {
            2
        } else {
            break false;
        };
        rest = rest.skip(taken);
    };
    let writes = key_flag::RW | key_flag::ACCESS | key_flag::UPDATE;
    keys.push((1, if reads { key_flag::RO | key_flag::ACCESS } else { writes }));
}

fn bitfield(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let operations = parse(cx, &args)?;
    let key = cx.key(&args[1]);
    if operations.iter().any(Operation::is_write) {
        write(cx, &key, &operations)
    } else {
        read(cx, &key, &operations)
    }
}

/// BITFIELD_RO key [GET encoding offset [GET encoding offset ...]]
pub(super) const BITFIELD_RO: Command = Command::new("bitfield_ro", -2, bitfield_ro)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::BITMAP)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Bitmap,
        "6.0.0",
        "O(1) for each operation.",
        "Reads integers of any width inside of the string of a key.",
    )
    .args(&[Arg::key("key", 0), GET_BLOCKS]);

fn bitfield_ro(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let operations = parse(cx, &args)?;
    if operations.iter().any(Operation::is_write) {
        return Err(errors::BITFIELD_RO);
    }
    let key = cx.key(&args[1]);
    read(cx, &key, &operations)
}

/// One operation on one field.
struct Operation {
    field: FieldType,
    /// Where the field begins, bits.
    offset: usize,
    action: Action,
}

enum Action {
    Get,
    Set(i64, Overflow),
    Add(i64, Overflow),
}

/// What an operation comes to.
struct Outcome {
    /// Null for an operation that failed.
    reply: Option<i64>,
    /// The field before, and what is to be written to it, if anything is.
    write: Option<(i64, i64)>,
}

impl Operation {
    fn is_write(&self) -> bool {
        !matches!(self.action, Action::Get)
    }

    /// Bytes a string needs to hold the field.
    fn needed_len(&self) -> usize {
        (self.offset + self.field.width() as usize).div_ceil(8)
    }

    fn outcome(&self, bytes: &[u8]) -> Outcome {
        let old = self.field.load(bytes, self.offset);
        match self.action {
            Action::Get => Outcome { reply: Some(old), write: None },
            Action::Set(value, overflow) => {
                let new = self.field.assign(value, overflow);
                Outcome { reply: new.map(|_| old), write: new.map(|new| (old, new)) }
            }
            Action::Add(by, overflow) => {
                let new = self.field.add(old, by, overflow);
                Outcome { reply: new, write: new.map(|new| (old, new)) }
            }
        }
    }
}

/// Reads all operations, so that a mistake in the last one leaves the key alone.
fn parse(cx: &Cx<'_, '_>, args: &Args<'_>) -> Result<Vec<Operation>, ReplyError> {
    let (mut operations, mut overflow) = (Vec::new(), Overflow::Wrap);
    let mut at = 2;
    while let Some(word) = args.get(at) {
        let following = args.len() - at - 1;
        if arg::is(word, "OVERFLOW") && following >= 1 {
            overflow = parse_overflow(&args[at + 1])?;
            at += 2;
            continue;
        }
        let (is_get, is_set) = (arg::is(word, "GET"), arg::is(word, "SET"));
        let operands = if is_get { 2 } else { 3 };
        if !(is_get || is_set || arg::is(word, "INCRBY")) || following < operands {
            return Err(errors::SYNTAX);
        }
        let field = FieldType::parse(&args[at + 1])?;
        let offset = field_offset(cx, &args[at + 2], field.width())?;
        let action = if is_get {
            Action::Get
        } else if is_set {
            Action::Set(arg::int(&args[at + 3])?, overflow)
        } else {
            Action::Add(arg::int(&args[at + 3])?, overflow)
        };
        operations.push(Operation { field, offset, action });
        at += operands + 1;
    }
    Ok(operations)
}

fn parse_overflow(word: &[u8]) -> Result<Overflow, ReplyError> {
    if arg::is(word, "WRAP") {
        Ok(Overflow::Wrap)
    } else if arg::is(word, "SAT") {
        Ok(Overflow::Saturate)
    } else if arg::is(word, "FAIL") {
        Ok(Overflow::Fail)
    } else {
        Err(errors::BITFIELD_OVERFLOW)
    }
}

fn read(cx: &mut Cx<'_, '_>, key: &Key<'_>, operations: &[Operation]) -> CmdResult {
    match cx.view.get(key) {
        Some(entry) => reply_outcomes(cx.out, string_of(entry)?.bytes(&mut IntText::new()), operations),
        None => {
            reply_outcomes(cx.out, b"", operations);
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

/// Replies what operations that write nothing come to.
fn reply_outcomes(out: &mut ReplyBuf, bytes: &[u8], operations: &[Operation]) {
    out.array(operations.len());
    operations.iter().for_each(|operation| reply(out, operation.outcome(bytes).reply));
}

fn reply(out: &mut ReplyBuf, value: Option<i64>) {
    match value {
        Some(value) => out.int(value),
        None => out.null(),
    }
}

fn write(cx: &mut Cx<'_, '_>, key: &Key<'_>, operations: &[Operation]) -> CmdResult {
    let existed = cx.view.peek(key).map(string_of).transpose()?.is_some();
    // Until the first write all fields of a missing key are zero, so it is known whether there will be one. If all
    // fail, no key appears: it would be one that nobody is told of, neither replicas nor the append-only file.
    if !existed && operations.iter().all(|operation| operation.outcome(b"").write.is_none()) {
        reply_outcomes(cx.out, b"", operations);
        return Ok(());
    }
    let (mut entry, _) = cx.view.edit_or_insert(key, NewValue::Text(b""));
    if apply(&mut entry, operations, cx.out)? {
        notify_stored(cx, key.bytes, existed, "setbit");
    }
    Ok(())
}

/// Runs the operations one after the other, and says whether the string changed. The first write makes it long enough
/// for all of them.
fn apply(
    entry: &mut EntryMut<'_, '_>,
    operations: &[Operation],
    out: &mut ReplyBuf,
) -> Result<bool, ReplyError> {
    let writes = operations.iter().filter(|operation| operation.is_write());
    let needed = writes.map(Operation::needed_len).max().unwrap_or(0);
    let mut changed = false;
    out.array(operations.len());
    for operation in operations {
        let string = string_of(entry.entry())?;
        let outcome = operation.outcome(string.bytes(&mut IntText::new()));
        if let Some((old, new)) = outcome.write
            && (old != new || string.len() < needed)
        {
            operation.field.store(entry.string_mut(needed), operation.offset, new);
            changed = true;
        }
        reply(out, outcome.reply);
    }
    Ok(changed)
}
