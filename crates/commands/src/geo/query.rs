//! What a search asks for.

use redan_engine::{Arg, ReplyError, errors};
use redan_keyspace::SortedSet;
use redan_resp::{Args, ArgsIter, parse_f64};

use super::add::position;
use super::errors as geo_errors;
use super::position::Position;
use super::shape::{Outline, Shape};
use super::unit::Unit;
use crate::arg;

/// The syntax of a unit.
pub(super) const UNIT: Arg = Arg::one_of(
    "unit",
    &[Arg::token("m", "M"), Arg::token("km", "KM"), Arg::token("ft", "FT"), Arg::token("mi", "MI")],
);

/// Which command searches, which decides on the syntax.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Search {
    /// GEORADIUS key longitude latitude radius unit ...
    Radius,
    /// GEORADIUSBYMEMBER key member radius unit ...
    RadiusByMember,
    /// GEOSEARCH key ...
    Plain,
    /// GEOSEARCHSTORE destination source ...
    IntoKey,
}

impl Search {
    /// Whether it says by words what is searched.
    pub(super) fn is_search(self) -> bool {
        matches!(self, Self::Plain | Self::IntoKey)
    }

    /// Which argument is the key that is searched.
    pub(super) fn source_at(self) -> usize {
        if self == Self::IntoKey { 2 } else { 1 }
    }
}

/// The order of the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    None,
    Nearest,
    Farthest,
}

/// A search.
pub(super) struct Query<'a> {
    centre: Option<Position>,
    /// Whether a member was named as the centre; where that is remains unknown if there is no such key.
    from_member: bool,
    /// Whether a position was given as the centre.
    from_position: bool,
    outline: Option<(Outline, Unit)>,
    pub(super) with_distance: bool,
    pub(super) with_hash: bool,
    pub(super) with_position: bool,
    pub(super) order: Order,
    /// Members found at most; 0: all.
    pub(super) count: usize,
    /// The first ones found will do.
    pub(super) any: bool,
    /// Where to store the result.
    pub(super) target: Option<&'a [u8]>,
    /// Distances are stored, not positions.
    pub(super) stores_distance: bool,
}

impl<'a> Query<'a> {
    /// Reads the arguments; `source` is what the key holds, in which a member that is the centre is looked up.
    ///
    /// # Errors
    /// Of the syntax, of numbers, or a centre that is not there.
    pub(super) fn parse(
        args: Args<'a>,
        search: Search,
        may_store: bool,
        source: Option<&SortedSet>,
    ) -> Result<Self, ReplyError> {
        let mut query = Self {
            centre: None,
            from_member: false,
            from_position: false,
            outline: None,
            with_distance: false,
            with_hash: false,
            with_position: false,
            order: Order::None,
            count: 0,
            any: false,
            target: None,
            stores_distance: false,
        };
        let mut rest = args.iter();
        rest.nth(search.source_at());
        match search {
            Search::Radius => {
                query.centre = Some(position(next(&mut rest)?, next(&mut rest)?)?);
                query.take_radius(&mut rest)?;
            }
            Search::RadiusByMember => {
                query.centre_on(next(&mut rest)?, source)?;
                query.take_radius(&mut rest)?;
            }
            Search::Plain => {}
            Search::IntoKey => query.target = args.get(1),
        }
        while let Some(word) = rest.next() {
            let known = query.take(word, &mut rest)?
                || search.is_search() && query.take_search(word, &mut rest, search, source)?
                || !search.is_search() && may_store && query.take_target(word, &mut rest);
            if !known {
                return Err(errors::SYNTAX);
            }
        }
        query.check(args, search)?;
        Ok(query)
    }

    /// Takes an option that all searches have.
    fn take(&mut self, word: &[u8], rest: &mut ArgsIter<'a>) -> Result<bool, ReplyError> {
        let option = match word {
            _ if arg::is(word, "WITHDIST") => &mut self.with_distance,
            _ if arg::is(word, "WITHHASH") => &mut self.with_hash,
            _ if arg::is(word, "WITHCOORD") => &mut self.with_position,
            _ if arg::is(word, "ANY") => &mut self.any,
            _ if arg::is(word, "ASC") => {
                self.order = Order::Nearest;
                return Ok(true);
            }
            _ if arg::is(word, "DESC") => {
                self.order = Order::Farthest;
                return Ok(true);
            }
            _ if arg::is(word, "COUNT") && rest.len() > 0 => {
                let count = arg::int(next(rest)?)?;
                self.count = usize::try_from(count).ok().filter(|&n| n > 0).ok_or(geo_errors::COUNT)?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        *option = true;
        Ok(true)
    }

    /// Takes an option of GEOSEARCH.
    fn take_search(
        &mut self,
        word: &[u8],
        rest: &mut ArgsIter<'a>,
        search: Search,
        source: Option<&SortedSet>,
    ) -> Result<bool, ReplyError> {
        let is_circle = matches!(self.outline, Some((Outline::Circle { .. }, _)));
        let is_box = matches!(self.outline, Some((Outline::Box { .. }, _)));
        // What was said may be said again, but not the other way.
        if arg::is(word, "FROMMEMBER") && rest.len() >= 1 && !self.from_position {
            self.centre_on(next(rest)?, source)?;
        } else if arg::is(word, "FROMLONLAT") && rest.len() >= 2 && !self.from_member {
            self.centre = Some(position(next(rest)?, next(rest)?)?);
            self.from_position = true;
        } else if arg::is(word, "BYRADIUS") && rest.len() >= 2 && !is_box {
            self.take_radius(rest)?;
        } else if arg::is(word, "BYBOX") && rest.len() >= 3 && !is_circle {
            self.take_box(rest)?;
        } else if search == Search::IntoKey && arg::is(word, "STOREDIST") {
            self.stores_distance = true;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Takes an option of GEORADIUS that stores.
    fn take_target(&mut self, word: &[u8], rest: &mut ArgsIter<'a>) -> bool {
        let stores_distance = arg::is(word, "STOREDIST");
        if rest.len() == 0 || !stores_distance && !arg::is(word, "STORE") {
            return false;
        }
        self.target = rest.next();
        self.stores_distance = stores_distance;
        true
    }

    fn take_radius(&mut self, rest: &mut ArgsIter<'a>) -> Result<(), ReplyError> {
        let radius = parse_f64(next(rest)?).ok_or(geo_errors::RADIUS_NUMBER)?;
        if radius < 0.0 {
            return Err(geo_errors::RADIUS_NEGATIVE);
        }
        self.outline = Some((Outline::Circle { radius }, Unit::parse(next(rest)?)?));
        Ok(())
    }

    fn take_box(&mut self, rest: &mut ArgsIter<'a>) -> Result<(), ReplyError> {
        let width = parse_f64(next(rest)?).ok_or(geo_errors::WIDTH_NUMBER)?;
        let height = parse_f64(next(rest)?).ok_or(geo_errors::HEIGHT_NUMBER)?;
        if width < 0.0 || height < 0.0 {
            return Err(geo_errors::BOX_NEGATIVE);
        }
        self.outline = Some((Outline::Box { width, height }, Unit::parse(next(rest)?)?));
        Ok(())
    }

    fn centre_on(&mut self, member: &[u8], source: Option<&SortedSet>) -> Result<(), ReplyError> {
        self.from_member = true;
        if let Some(set) = source {
            let score = set.score(member).ok_or(geo_errors::NO_MEMBER)?;
            self.centre = Some(Position::of_score(score));
        }
        Ok(())
    }

    fn check(&self, args: Args<'_>, search: Search) -> Result<(), ReplyError> {
        if self.target.is_some() && (self.with_distance || self.with_hash || self.with_position) {
            let what = if search.is_search() { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
            return Err(geo_errors::stored_with_details(what));
        }
        if search.is_search() && !self.from_member && !self.from_position {
            return Err(geo_errors::no_centre(&args[0]));
        }
        if self.outline.is_none() {
            return Err(geo_errors::no_shape(&args[0]));
        }
        if self.any && self.count == 0 { Err(geo_errors::ANY_WITHOUT_COUNT) } else { Ok(()) }
    }

    /// What is searched, if the centre is known.
    pub(super) fn shape(&self) -> Option<Shape> {
        let (outline, unit) = self.outline?;
        Some(Shape { centre: self.centre?, outline, unit })
    }
}

fn next<'a>(rest: &mut ArgsIter<'a>) -> Result<&'a [u8], ReplyError> {
    rest.next().ok_or(errors::SYNTAX)
}
