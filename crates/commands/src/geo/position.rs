//! Positions on earth as numbers of 52 bits, and the distance between two.
//!
//! Longitude and latitude are cut into 2^26 steps each, and the bits of the two are interleaved, the longitude's first. So
//! places that are near each other mostly have numbers that are, and a number's first bits name a rectangle. A double
//! holds 52 bits exactly, which makes them scores. The latitudes end where the Web Mercator projection (EPSG:3857) does.

/// Steps of each coordinate, as a power of two.
pub(super) const STEPS: u32 = 26;

const LONGITUDE: (f64, f64) = (-180.0, 180.0);
const LATITUDE: (f64, f64) = (-85.05112878, 85.05112878);
/// The latitudes of a geohash as everybody else writes it.
const STANDARD_LATITUDE: (f64, f64) = (-90.0, 90.0);

/// Mean radius of the earth in metres, as Redis has it.
pub(super) const EARTH_RADIUS_M: f64 = 6_372_797.560856;

/// A place on earth, in degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Position {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

/// A rectangle of a grid of 2^`steps` by 2^`steps`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cell {
    /// Steps to the east.
    column: u32,
    /// Steps to the north.
    row: u32,
    /// How fine the grid is, 1 to [`STEPS`].
    steps: u32,
}

/// The borders of a cell, in degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Borders {
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) south: f64,
    pub(super) north: f64,
}

/// Spreads the bits of a number to the even places.
fn spread(value: u32) -> u64 {
    [(16, 0x0000_FFFF_0000_FFFF), (8, 0x00FF_00FF_00FF_00FF), (4, 0x0F0F_0F0F_0F0F_0F0F)]
        .into_iter()
        .chain([(2, 0x3333_3333_3333_3333), (1, 0x5555_5555_5555_5555)])
        .fold(u64::from(value), |bits, (shift, mask)| (bits | bits << shift) & mask)
}

/// The number whose bits are at the even places.
fn gather(bits: u64) -> u32 {
    [(1, 0x3333_3333_3333_3333), (2, 0x0F0F_0F0F_0F0F_0F0F), (4, 0x00FF_00FF_00FF_00FF)]
        .into_iter()
        .chain([(8, 0x0000_FFFF_0000_FFFF), (16, 0x0000_0000_FFFF_FFFF)])
        .fold(bits & 0x5555_5555_5555_5555, |bits, (shift, mask)| (bits | bits >> shift) & mask) as u32
}

/// Which of 2^`steps` steps a coordinate lies in.
fn step_of(value: f64, (min, max): (f64, f64), steps: u32) -> u32 {
    ((value - min) / (max - min) * (1_u64 << steps) as f64) as u32
}

impl Cell {
    /// The cell that a position, which is valid, lies in.
    pub(super) fn of(position: Position, steps: u32) -> Self {
        Self {
            column: step_of(position.longitude, LONGITUDE, steps),
            row: step_of(position.latitude, LATITUDE, steps),
            steps,
        }
    }

    fn bits(self) -> u64 {
        spread(self.column) << 1 | spread(self.row)
    }

    /// The scores of the positions in the cell: from the first up to the second.
    pub(super) fn scores(self) -> (f64, f64) {
        let shift = 2 * (STEPS - self.steps);
        ((self.bits() << shift) as f64, ((self.bits() + 1) << shift) as f64)
    }

    /// The cell so many steps to the east and north; beyond an edge of the map it goes on at the opposite one.
    pub(super) fn moved(self, east: i32, north: i32) -> Self {
        let mask = (1 << self.steps) - 1;
        Self {
            column: self.column.wrapping_add_signed(east) & mask,
            row: self.row.wrapping_add_signed(north) & mask,
            ..self
        }
    }

    /// Where the cell ends.
    pub(super) fn borders(self) -> Borders {
        let border = |step: u64, (min, max): (f64, f64)| {
            min + (step as f64 / (1_u64 << self.steps) as f64) * (max - min)
        };
        let (column, row) = (u64::from(self.column), u64::from(self.row));
        Borders {
            west: border(column, LONGITUDE),
            east: border(column + 1, LONGITUDE),
            south: border(row, LATITUDE),
            north: border(row + 1, LATITUDE),
        }
    }
}

impl Position {
    /// Whether it lies on the map.
    pub(super) fn is_valid(self) -> bool {
        (LONGITUDE.0..=LONGITUDE.1).contains(&self.longitude)
            && (LATITUDE.0..=LATITUDE.1).contains(&self.latitude)
    }

    /// The number that stands for a valid position.
    pub(super) fn score(self) -> f64 {
        Cell::of(self, STEPS).bits() as f64
    }

    /// The position that a score stands for: the middle of its cell.
    pub(super) fn of_score(score: f64) -> Self {
        let bits = score as u64;
        let cell = Cell { column: gather(bits >> 1), row: gather(bits), steps: STEPS };
        let Borders { west, east, south, north } = cell.borders();
        Self {
            longitude: ((west + east) / 2.0).clamp(LONGITUDE.0, LONGITUDE.1),
            latitude: ((south + north) / 2.0).clamp(LATITUDE.0, LATITUDE.1),
        }
    }

    /// The standard geohash of a valid position: eleven characters, of which the last is always `0`, because 52 bits make
    /// ten of five bits.
    pub(super) fn geohash(self) -> [u8; 11] {
        const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let column = step_of(self.longitude, LONGITUDE, STEPS);
        let row = step_of(self.latitude, STANDARD_LATITUDE, STEPS);
        let bits = spread(column) << 1 | spread(row);
        std::array::from_fn(|n| match n {
            10 => b'0',
            _ => ALPHABET[(bits >> (47 - 5 * n) & 31) as usize],
        })
    }

    /// The distance to another position in metres, by the haversine formula.
    pub(super) fn distance_to(self, other: Self) -> f64 {
        let half_sine = |a: f64, b: f64| ((b - a) / 2.0).sin();
        let v = half_sine(self.longitude.to_radians(), other.longitude.to_radians());
        if v == 0.0 {
            return latitude_distance(self.latitude, other.latitude);
        }
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let u = half_sine(from, to);
        2.0 * EARTH_RADIUS_M * (u * u + from.cos() * to.cos() * v * v).sqrt().asin()
    }
}

/// The distance between two latitudes in metres.
pub(super) fn latitude_distance(from: f64, to: f64) -> f64 {
    EARTH_RADIUS_M * (to.to_radians() - from.to_radians()).abs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_are_interleaved(a: u32, b: u32) {
            let bits = spread(a) << 1 | spread(b);
            prop_assert_eq!((gather(bits >> 1), gather(bits)), (a, b));
            for n in 0..32 {
                prop_assert_eq!((bits >> (2 * n + 1) & 1, bits >> (2 * n) & 1), ((a >> n & 1).into(), (b >> n & 1).into()));
            }
        }

        #[test]
        fn a_score_stands_for_a_position(longitude in -180.0..180.0_f64, latitude in -85.0..85.0_f64) {
            let position = Position { longitude, latitude };
            let score = position.score();
            prop_assert!(score.trunc() == score && score < (1_u64 << 52) as f64);
            let again = Position::of_score(score);
            prop_assert!((again.longitude - longitude).abs() < 1e-5 && (again.latitude - latitude).abs() < 1e-5);
            prop_assert_eq!(again.score(), score);
            prop_assert!(position.distance_to(again) < 1.0);
        }

        #[test]
        fn a_cell_holds_its_positions(longitude in -180.0..180.0_f64, latitude in -85.0..85.0_f64, steps in 1..=STEPS) {
            let position = Position { longitude, latitude };
            let cell = Cell::of(position, steps);
            let (min, max) = cell.scores();
            prop_assert!(min <= position.score() && position.score() < max);
            let Borders { west, east, south, north } = cell.borders();
            prop_assert!(west <= longitude && longitude <= east && south <= latitude && latitude <= north);
            prop_assert_eq!(cell.moved(1, -1).moved(-1, 1), cell);
        }
    }

    #[test]
    fn the_example_of_the_documentation() {
        let palermo = Position { longitude: 13.361389, latitude: 38.115556 };
        assert_eq!(palermo.score(), 3_479_099_956_230_698.0);
        assert_eq!(&Position::of_score(palermo.score()).geohash(), b"sqc8b49rny0");
        let catania = Position { longitude: 15.087269, latitude: 37.502669 };
        let (from, to) = (Position::of_score(palermo.score()), Position::of_score(catania.score()));
        assert_eq!(super::super::unit::distance_text(from.distance_to(to)), "166274.1516");
    }
}
