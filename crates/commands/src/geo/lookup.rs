//! GEOPOS, GEODIST and GEOHASH.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, category, errors, flag, key_flag};
use redan_keyspace::SortedSet;
use redan_resp::{Args, ReplyBuf};

use super::position::Position;
use super::unit::{Unit, distance_text};
use crate::string::value::notify_miss;
use crate::typed;

const KEYS: &[KeySpec] = &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)];
const MEMBERS: &[Arg] = &[Arg::key("key", 0), Arg::new("member", ArgKind::String).optional().multiple()];

/// Lets `reply` reply something about where members are; nobody is anywhere if the key is not there.
fn look(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    reply: impl FnOnce(&dyn Fn(&[u8]) -> Option<Position>, &mut ReplyBuf),
) -> CmdResult {
    let key = cx.key(key);
    let set = typed::read::<SortedSet>(&mut cx.view, &key)?;
    let missed = set.is_none();
    reply(&|member| set.and_then(|set| set.score(member)).map(Position::of_score), cx.out);
    if missed {
        notify_miss(cx, key.bytes);
    }
    Ok(())
}

/// Appends longitude and latitude.
pub(super) fn put_position(out: &mut ReplyBuf, position: Position) {
    out.array(2);
    out.double(position.longitude);
    out.double(position.latitude);
}

/// GEOPOS key [member ...]
pub(super) const GEOPOS: Command = Command::new("geopos", -2, geopos)
    .flags(flag::READONLY)
    .acl(category::GEO)
    .keys(KEYS)
    .docs(Group::Geo, "3.2.0", "O(1) for each member.", "Returns the positions of members.")
    .args(MEMBERS);

fn geopos(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    look(cx, &args[1], |position_of, out| {
        out.array(args.len() - 2);
        for member in args.iter().skip(2) {
            match position_of(member) {
                Some(position) => put_position(out, position),
                None => out.null_array(),
            }
        }
    })
}

/// GEODIST key member1 member2 [M | KM | FT | MI]
pub(super) const GEODIST: Command = Command::new("geodist", -4, geodist)
    .flags(flag::READONLY)
    .acl(category::GEO)
    .keys(KEYS)
    .docs(Group::Geo, "3.2.0", "O(1)", "Returns the distance between two members.")
    .args(&[
        Arg::key("key", 0),
        Arg::new("member1", ArgKind::String),
        Arg::new("member2", ArgKind::String),
        super::query::UNIT.optional(),
    ]);

fn geodist(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let unit = match args.get(4) {
        _ if args.len() > 5 => return Err(errors::SYNTAX),
        Some(word) => Unit::parse(word)?,
        None => Unit::METRE,
    };
    look(cx, &args[1], |position_of, out| match (position_of(&args[2]), position_of(&args[3])) {
        (Some(from), Some(to)) => out.bulk(distance_text(from.distance_to(to) / unit.metres).as_bytes()),
        _ => out.null(),
    })
}

/// GEOHASH key [member ...]
pub(super) const GEOHASH: Command = Command::new("geohash", -2, geohash)
    .flags(flag::READONLY)
    .acl(category::GEO)
    .keys(KEYS)
    .docs(
        Group::Geo,
        "3.2.0",
        "O(1) for each member.",
        "Returns the positions of members as standard geohashes.",
    )
    .args(MEMBERS);

fn geohash(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    look(cx, &args[1], |position_of, out| {
        out.array(args.len() - 2);
        for member in args.iter().skip(2) {
            match position_of(member) {
                Some(position) => out.bulk(&position.geohash()),
                None => out.null(),
            }
        }
    })
}
