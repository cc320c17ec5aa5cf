//! SETBIT, GETBIT: one bit.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_keyspace::{IntText, NewValue};
use redan_resp::{Args, parse_i64};

use super::offset::bit_offset;
use crate::string::value::{notify_miss, notify_stored, string_of};

/// SETBIT key offset value
pub(super) const SETBIT: Command = Command::new("setbit", 4, setbit)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::BITMAP)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)])
    .docs(
        Group::Bitmap,
        "2.2.0",
        "O(1), and O(N) where N is the number of bytes by which the string has to grow.",
        "Sets a bit of the string of a key and returns what it was; a string that is too short is filled up with zero bytes.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::new("offset", ArgKind::Integer),
        Arg::new("value", ArgKind::Integer),
    ]);

fn setbit(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let offset = bit_offset(cx, &args[2])?;
    let on = match parse_i64(&args[3]) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(errors::BIT_VALUE),
    };
    let key = cx.key(&args[1]);
    let known = match cx.view.peek(&key) {
        Some(entry) => Some(bit_at(string_of(entry)?.bytes(&mut IntText::new()), offset)),
        None => None,
    };
    let was = known.flatten();
    // A bit that is there and stays as it is changes nothing; a zero behind the end still makes the string longer.
    if was != Some(on) {
        let (mut entry, created) = cx.view.edit_or_insert(&key, NewValue::Text(b""));
        let mask = 0x80 >> (offset % 8);
        let byte = &mut entry.string_mut(offset / 8 + 1)[offset / 8];
        *byte = if on { *byte | mask } else { *byte & !mask };
        notify_stored(cx, key.bytes, !created, "setbit");
    }
    cx.out.int(i64::from(was == Some(true)));
    Ok(())
}

/// GETBIT key offset
pub(super) const GETBIT: Command = Command::new("getbit", 3, getbit)
    .flags(flag::READONLY | flag::FAST)
    .acl(category::BITMAP)
    .keys(&[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)])
    .docs(
        Group::Bitmap,
        "2.2.0",
        "O(1)",
        "Returns a bit of the string of a key; behind its end all are zero.",
    )
    .args(&[Arg::key("key", 0), Arg::new("offset", ArgKind::Integer)]);

fn getbit(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let offset = bit_offset(cx, &args[2])?;
    let key = cx.key(&args[1]);
    match cx.view.get(&key) {
        Some(entry) => {
            let bit = bit_at(string_of(entry)?.bytes(&mut IntText::new()), offset);
            cx.out.int(i64::from(bit == Some(true)));
        }
        None => {
            cx.out.int(0);
            notify_miss(cx, key.bytes);
        }
    }
    Ok(())
}

/// The bit at `offset`, if the string reaches that far.
fn bit_at(bytes: &[u8], offset: usize) -> Option<bool> {
    bytes.get(offset / 8).map(|byte| byte & (0x80 >> (offset % 8)) != 0)
}
