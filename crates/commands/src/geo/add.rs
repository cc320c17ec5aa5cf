//! GEOADD.

use redan_engine::{
    Arg, ArgKind, CmdResult, Command, Cx, Group, KeySpec, ReplyError, category, errors, flag, key_flag,
};
use redan_keyspace::IntText;
use redan_resp::Args;

use super::errors::invalid_position;
use super::position::Position;
use crate::arg;
use crate::sorted_set::add::{Options, add_members};

/// GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]
pub(super) const GEOADD: Command = Command::new("geoadd", -5, geoadd)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::GEO)
    .keys(&[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)])
    .docs(
        Group::Geo,
        "3.2.0",
        "O(log(N)) for each member, where N is the size of the sorted set.",
        "Adds members with their positions, or moves them; the key is created if it does not exist.",
    )
    .args(&[
        Arg::key("key", 0),
        Arg::one_of("condition", &[Arg::token("nx", "NX"), Arg::token("xx", "XX")]).optional(),
        Arg::token("change", "CH").optional(),
        Arg::block(
            "data",
            &[
                Arg::new("longitude", ArgKind::Double),
                Arg::new("latitude", ArgKind::Double),
                Arg::new("member", ArgKind::String),
            ],
        )
        .multiple(),
    ]);

/// A position from two arguments.
///
/// # Errors
/// `value is not a valid float`, `invalid longitude,latitude pair`.
pub(super) fn position(longitude: &[u8], latitude: &[u8]) -> Result<Position, ReplyError> {
    let position = Position { longitude: arg::float(longitude)?, latitude: arg::float(latitude)? };
    if position.is_valid() { Ok(position) } else { Err(invalid_position(position)) }
}

fn geoadd(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut options = Options::default();
    let mut words = args.skip(2);
    while let Some(word) = words.get(0) {
        let option = match word {
            _ if arg::is(word, "NX") => &mut options.nx,
            _ if arg::is(word, "XX") => &mut options.xx,
            _ if arg::is(word, "CH") => &mut options.ch,
            _ => break,
        };
        *option = true;
        words = words.skip(1);
    }
    if words.is_empty() || !words.len().is_multiple_of(3) || options.nx && options.xx {
        return Err(errors::SYNTAX);
    }
    let triples: Vec<&[u8]> = words.iter().collect();
    let members = triples
        .chunks_exact(3)
        .map(|triple| Ok((triple[2], position(triple[0], triple[1])?.score())))
        .collect::<Result<Vec<_>, ReplyError>>()?;
    if add_members(cx, &args[1], options, members.iter().copied())? {
        propagate(cx, &args[1], options, &members);
    }
    Ok(())
}

/// To others it is what it is: a ZADD.
fn propagate(cx: &mut Cx<'_, '_>, key: &[u8], options: Options, members: &[(&[u8], f64)]) {
    let scores: Vec<Vec<u8>> =
        members.iter().map(|(_, score)| IntText::new().format(*score as i64).to_vec()).collect();
    let mut command: Vec<&[u8]> = vec![b"ZADD", key];
    let words = [(options.nx, "NX"), (options.xx, "XX"), (options.ch, "CH")];
    command.extend(words.iter().filter(|(given, _)| *given).map(|(_, word)| word.as_bytes()));
    command.extend(scores.iter().zip(members).flat_map(|(score, (member, _))| [score.as_slice(), *member]));
    cx.propagate(&command);
}
