//! Which cells of the map a shape lies in.

use super::position::{Cell, STEPS};
use super::shape::Shape;

/// Half of the equator's length in metres.
const MERCATOR_MAX_M: f64 = 20_037_726.37;

/// The cells that hold all of a shape: that of its centre and those around it, without those that the shape cannot
/// reach. The order is that in which they are searched: centre, north, south, east, west, then the corners.
pub(super) fn cells_of(shape: &Shape) -> Vec<Cell> {
    let bounds = shape.bounds();
    let mut steps = steps_for(shape.reach_m(), shape.centre.latitude);
    let mut centre = Cell::of(shape.centre, steps);
    let too_small = centre.moved(0, 1).borders().north < bounds.north
        || centre.moved(0, -1).borders().south > bounds.south
        || centre.moved(1, 0).borders().east < bounds.east
        || centre.moved(-1, 0).borders().west > bounds.west;
    if steps > 1 && too_small {
        steps -= 1;
        centre = Cell::of(shape.centre, steps);
    }
    let borders = centre.borders();
    // With fewer steps the neighbours are the rest of the map.
    let prunes = steps >= 2;
    let reaches = |east: i32, north: i32| {
        !(prunes
            && (north < 0 && borders.south < bounds.south
                || north > 0 && borders.north > bounds.north
                || east < 0 && borders.west < bounds.west
                || east > 0 && borders.east > bounds.east))
    };
    let around = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
    let mut cells = vec![centre];
    for (east, north) in around.into_iter().filter(|(east, north)| reaches(*east, *north)) {
        let cell = centre.moved(east, north);
        // On the coarsest grid neighbours can be one and the same.
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    cells
}

/// The finest grid of which a cell and its neighbours hold everything within a distance, nearly always.
fn steps_for(reach_m: f64, latitude: f64) -> u32 {
    if reach_m == 0.0 {
        return STEPS;
    }
    let (mut range, mut steps) = (reach_m, 1_i32);
    while range < MERCATOR_MAX_M {
        range *= 2.0;
        steps += 1;
    }
    // One step for the neighbours to reach far enough, one because the centre may lie at the border of its cell.
    steps -= 2;
    // Cells are narrower near the poles.
    steps -= i32::from(latitude.abs() > 66.0) + i32::from(latitude.abs() > 80.0);
    steps.clamp(1, STEPS as i32) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::position::Position;
    use super::super::shape::Outline;
    use super::super::unit::Unit;
    use super::*;

    proptest! {
        #[test]
        fn the_cells_hold_the_shape(
            longitude in -170.0..170.0_f64,
            latitude in -60.0..60.0_f64,
            radius in 1.0..500_000.0_f64,
            angle in 0.0..std::f64::consts::TAU,
            share in 0.0..0.99_f64,
        ) {
            let centre = Position { longitude, latitude };
            let shape = Shape { centre, outline: Outline::Circle { radius }, unit: Unit::METRE };
            let bounds = shape.bounds();
            let other = Position {
                longitude: longitude + (bounds.east - longitude) * share * angle.cos(),
                latitude: latitude + (bounds.north - latitude) * share * angle.sin(),
            };
            prop_assume!(shape.distance_inside(other).is_some() && other.is_valid());
            let score = other.score();
            let found = cells_of(&shape).into_iter().filter(|cell| {
                let (min, max) = cell.scores();
                min <= score && score < max
            });
            prop_assert_eq!(found.count(), 1);
        }
    }
}
