//! Places on earth: sorted sets whose scores are positions.

mod add;
mod area;
mod errors;
mod lookup;
mod position;
mod query;
mod search;
mod shape;
mod unit;

use redan_engine::Command;

/// The rows of this group.
pub const COMMANDS: &[Command] = &[
    add::GEOADD,
    lookup::GEODIST,
    lookup::GEOHASH,
    lookup::GEOPOS,
    search::GEORADIUS,
    search::GEORADIUSBYMEMBER,
    search::GEORADIUSBYMEMBER_RO,
    search::GEORADIUS_RO,
    search::GEOSEARCH,
    search::GEOSEARCHSTORE,
];

#[cfg(test)]
mod tests;
