//! GEOSEARCH and its relatives.

use redan_engine::{
    Arg, ArgKind, BeginSearch, CmdResult, Command, Cx, FindKeys, Group, KeyFlags, KeySpec, category, flag,
    key_flag,
};
use redan_keyspace::{IntText, ScoreRange, SortedSet, SortedSetBuilder, StringRef};
use redan_resp::{Args, ReplyBuf};
use smallvec::SmallVec;

use super::area::cells_of;
use super::lookup::put_position;
use super::position::Position;
use super::query::{Order, Query, Search, UNIT};
use super::shape::Shape;
use super::unit::{Unit, distance_text};
use crate::arg;
use crate::sorted_set::value::store_result;
use crate::string::value::notify_miss;
use crate::typed;

const READ: u32 = key_flag::RO | key_flag::ACCESS;
const OVERWRITE: u32 = key_flag::OW | key_flag::UPDATE;
const READ_KEYS: &[KeySpec] = &[KeySpec::one(1, READ)];

/// The keys of GEORADIUS, whose options begin at argument `from`.
const fn storing_keys(from: i32) -> [KeySpec; 3] {
    [KeySpec::one(1, READ), behind("STORE", from), behind("STOREDIST", from)]
}

const fn behind(word: &'static str, from: i32) -> KeySpec {
    KeySpec {
        flags: OVERWRITE,
        begin: BeginSearch::Keyword { word, from },
        find: FindKeys::Range { last: 0, step: 1, limit: 0 },
        notes: "",
    }
}

/// The key that is searched, and the one that is stored to: that of the last STORE or STOREDIST behind `at`.
fn find_keys(args: Args<'_>, at: usize, keys: &mut SmallVec<[(u32, KeyFlags); 4]>) {
    keys.push((1, READ));
    let (mut at, mut target) = (at, None);
    while let Some(word) = args.get(at) {
        if arg::is(word, "COUNT") {
            at += 1;
        } else if arg::is(word, "STORE") || arg::is(word, "STOREDIST") {
            at += 1;
            target = (at < args.len()).then_some(at).or(target);
        }
        at += 1;
    }
    keys.extend(target.map(|at| (at as u32, OVERWRITE)));
}

const RADIUS_COMPLEXITY: &str =
    "O(N+M*log(M)) where N is the number of members near the circle and M of those inside of it.";
const SEARCH_COMPLEXITY: &str =
    "O(N+M*log(M)) where N is the number of members near the shape and M of those inside of it.";

const KEY: Arg = Arg::key("key", 0);
const LONGITUDE: Arg = Arg::new("longitude", ArgKind::Double);
const LATITUDE: Arg = Arg::new("latitude", ArgKind::Double);
const MEMBER: Arg = Arg::new("member", ArgKind::String);
const RADIUS: Arg = Arg::new("radius", ArgKind::Double);
const WITHCOORD: Arg = Arg::token("withcoord", "WITHCOORD").optional();
const WITHDIST: Arg = Arg::token("withdist", "WITHDIST").optional();
const WITHHASH: Arg = Arg::token("withhash", "WITHHASH").optional();
const COUNT: Arg = Arg::block(
    "count-block",
    &[Arg::new("count", ArgKind::Integer).after("COUNT"), Arg::token("any", "ANY").optional()],
)
.optional();
const ORDER: Arg = Arg::one_of("order", &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")]).optional();
const STORE: Arg = Arg::one_of(
    "store",
    &[Arg::key("storekey", 1).after("STORE"), Arg::key("storedistkey", 2).after("STOREDIST")],
)
.optional();
const FROM: Arg = Arg::one_of(
    "from",
    &[MEMBER.after("FROMMEMBER"), Arg::block("fromlonlat", &[LONGITUDE, LATITUDE]).after("FROMLONLAT")],
);
const BY: Arg = Arg::one_of(
    "by",
    &[
        Arg::block("circle", &[RADIUS.after("BYRADIUS"), UNIT]),
        Arg::block(
            "box",
            &[Arg::new("width", ArgKind::Double).after("BYBOX"), Arg::new("height", ArgKind::Double), UNIT],
        ),
    ],
);

/// GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]
pub(super) const GEORADIUS: Command = Command::new("georadius", -6, georadius)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::GEO)
    .keys(&storing_keys(6))
    .keys_found_by(|args, keys| find_keys(args, 6, keys))
    .docs(
        Group::Geo,
        "3.2.0",
        RADIUS_COMPLEXITY,
        "Finds the members in a circle around a position; may store them.",
    )
    .deprecated("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")
    .args(&[KEY, LONGITUDE, LATITUDE, RADIUS, UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT, ORDER, STORE]);

fn georadius(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    search(cx, args, Search::Radius, true)
}

/// GEORADIUS_RO key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]
pub(super) const GEORADIUS_RO: Command = Command::new("georadius_ro", -6, georadius_ro)
    .flags(flag::READONLY)
    .acl(category::GEO)
    .keys(READ_KEYS)
    .docs(Group::Geo, "3.2.10", RADIUS_COMPLEXITY, "Finds the members in a circle around a position.")
    .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")
    .args(&[KEY, LONGITUDE, LATITUDE, RADIUS, UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT, ORDER]);

fn georadius_ro(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    search(cx, args, Search::Radius, false)
}

/// GEORADIUSBYMEMBER key member radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]
pub(super) const GEORADIUSBYMEMBER: Command = Command::new("georadiusbymember", -5, georadiusbymember)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::GEO)
    .keys(&storing_keys(5))
    .keys_found_by(|args, keys| find_keys(args, 5, keys))
    .docs(
        Group::Geo,
        "3.2.0",
        RADIUS_COMPLEXITY,
        "Finds the members in a circle around a member; may store them.",
    )
    .deprecated("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments")
    .args(&[KEY, MEMBER, RADIUS, UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT, ORDER, STORE]);

fn georadiusbymember(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    search(cx, args, Search::RadiusByMember, true)
}

/// GEORADIUSBYMEMBER_RO key member radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]
pub(super) const GEORADIUSBYMEMBER_RO: Command =
    Command::new("georadiusbymember_ro", -5, georadiusbymember_ro)
        .flags(flag::READONLY)
        .acl(category::GEO)
        .keys(READ_KEYS)
        .docs(Group::Geo, "3.2.10", RADIUS_COMPLEXITY, "Finds the members in a circle around a member.")
        .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")
        .args(&[KEY, MEMBER, RADIUS, UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT, ORDER]);

fn georadiusbymember_ro(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    search(cx, args, Search::RadiusByMember, false)
}

/// GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude BYRADIUS radius unit | BYBOX width height unit [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]
pub(super) const GEOSEARCH: Command = Command::new("geosearch", -7, geosearch)
    .flags(flag::READONLY)
    .acl(category::GEO)
    .keys(READ_KEYS)
    .docs(Group::Geo, "6.2.0", SEARCH_COMPLEXITY, "Finds the members in a circle or a box.")
    .args(&[KEY, FROM, BY, ORDER, COUNT, WITHCOORD, WITHDIST, WITHHASH]);

fn geosearch(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    search(cx, args, Search::Plain, false)
}

/// GEOSEARCHSTORE destination source FROMMEMBER member | FROMLONLAT longitude latitude BYRADIUS radius unit | BYBOX width height unit [ASC | DESC] [COUNT count [ANY]] [STOREDIST]
pub(super) const GEOSEARCHSTORE: Command = Command::new("geosearchstore", -8, geosearchstore)
    .flags(flag::WRITE | flag::DENYOOM)
    .acl(category::GEO)
    .keys(&[KeySpec::one(1, OVERWRITE), KeySpec::one(2, READ)])
    .docs(
        Group::Geo,
        "6.2.0",
        SEARCH_COMPLEXITY,
        "Stores the members in a circle or a box under another key.",
    )
    .args(&[
        Arg::key("destination", 0),
        Arg::key("source", 1),
        FROM,
        BY,
        ORDER,
        COUNT,
        Arg::token("storedist", "STOREDIST").optional(),
    ]);

fn geosearchstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    search(cx, args, Search::IntoKey, true)
}

/// A member that lies inside.
struct Found<'a> {
    member: StringRef<'a>,
    score: f64,
    /// From the centre, in the unit of the search.
    distance: f64,
}

fn search(cx: &mut Cx<'_, '_>, args: Args<'_>, search: Search, may_store: bool) -> CmdResult {
    let key = cx.key(&args[search.source_at()]);
    let source = typed::read::<SortedSet>(&mut cx.view, &key)?;
    let missed = source.is_none();
    let query = Query::parse(args, search, may_store, source)?;
    let found = match (source, query.shape()) {
        (Some(set), Some(shape)) => find(set, &shape, &query),
        _ => Vec::new(),
    };
    match query.target {
        None => reply(cx.out, &query, &found),
        Some(target) => {
            let mut result = SortedSetBuilder::new();
            for Found { member, score, distance } in &found {
                let stored = if query.stores_distance { *distance } else { *score };
                result.insert(member.bytes(&mut IntText::new()), stored);
            }
            let result = result.finish(cx.view.keyspace().limits());
            let event = if search.is_search() { "geosearchstore" } else { "georadiusstore" };
            let target = cx.key(target);
            store_result(cx, &target, result, event);
        }
    }
    if missed {
        notify_miss(cx, key.bytes);
    }
    Ok(())
}

/// The members inside of a shape, as many and in the order as the query says.
fn find<'a>(set: &'a SortedSet, shape: &Shape, query: &Query<'_>) -> Vec<Found<'a>> {
    let enough = if query.any { query.count } else { usize::MAX };
    let mut found = Vec::new();
    for cell in cells_of(shape) {
        let (min, max) = cell.scores();
        let range = ScoreRange { min: std::ops::Bound::Included(min), max: std::ops::Bound::Excluded(max) };
        let near = set.range(set.score_ranks(&range));
        let inside = near.filter_map(|(member, score)| {
            let distance = shape.distance_inside(Position::of_score(score))?;
            let Unit { metres } = shape.unit;
            Some(Found { member, score, distance: distance / metres })
        });
        found.extend(inside.take(enough - found.len()));
    }
    // The first few are the nearest unless any will do.
    let order = if query.order == Order::None && query.count > 0 && !query.any {
        Order::Nearest
    } else {
        query.order
    };
    match order {
        Order::None => {}
        Order::Nearest => found.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
        Order::Farthest => found.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
    }
    if query.count > 0 {
        found.truncate(query.count);
    }
    found
}

fn reply(out: &mut ReplyBuf, query: &Query<'_>, found: &[Found<'_>]) {
    let details = [query.with_distance, query.with_hash, query.with_position];
    let details = details.into_iter().filter(|wanted| *wanted).count();
    out.array(found.len());
    for Found { member, score, distance } in found {
        if details > 0 {
            out.array(details + 1);
        }
        out.bulk(member.bytes(&mut IntText::new()));
        if query.with_distance {
            out.bulk(distance_text(*distance).as_bytes());
        }
        if query.with_hash {
            out.int(*score as i64);
        }
        if query.with_position {
            put_position(out, Position::of_score(*score));
        }
    }
}
