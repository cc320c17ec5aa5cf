//! What is searched: a circle or a box around a place.

use super::position::{Borders, EARTH_RADIUS_M, Position, latitude_distance};
use super::unit::Unit;

/// An area around a centre. Lengths are in `unit`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Shape {
    pub(super) centre: Position,
    pub(super) outline: Outline,
    pub(super) unit: Unit,
}

/// The form of an area.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Outline {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
}

impl Shape {
    /// The distance of a position from the centre in metres; `None` if it lies outside.
    pub(super) fn distance_inside(&self, position: Position) -> Option<f64> {
        let metres = self.unit.metres;
        match self.outline {
            Outline::Circle { radius } => {
                let distance = self.centre.distance_to(position);
                (distance <= radius * metres).then_some(distance)
            }
            Outline::Box { width, height } => {
                let north = latitude_distance(position.latitude, self.centre.latitude);
                if north > height * metres / 2.0 {
                    return None;
                }
                let same_latitude = Position { latitude: position.latitude, ..self.centre };
                if position.distance_to(same_latitude) > width * metres / 2.0 {
                    return None;
                }
                Some(self.centre.distance_to(position))
            }
        }
    }

    /// The distance from the centre to the farthest point, in metres.
    pub(super) fn reach_m(&self) -> f64 {
        let reach = match self.outline {
            Outline::Circle { radius } => radius,
            Outline::Box { width, height } => {
                ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt()
            }
        };
        reach * self.unit.metres
    }

    /// A rectangle around the shape, in degrees.
    pub(super) fn bounds(&self) -> Borders {
        let (width, height) = match self.outline {
            Outline::Circle { radius } => (radius, radius),
            Outline::Box { width, height } => (width / 2.0, height / 2.0),
        };
        let (width, height) = (width * self.unit.metres, height * self.unit.metres);
        let Position { longitude, latitude } = self.centre;
        let latitude_delta = degrees(height / EARTH_RADIUS_M);
        // Meridians are nearest to each other where the shape is farthest from the equator.
        let edge = if latitude < 0.0 { latitude - latitude_delta } else { latitude + latitude_delta };
        let longitude_delta = degrees(width / EARTH_RADIUS_M / edge.to_radians().cos());
        Borders {
            west: longitude - longitude_delta,
            east: longitude + longitude_delta,
            south: latitude - latitude_delta,
            north: latitude + latitude_delta,
        }
    }
}

fn degrees(radians: f64) -> f64 {
    radians / (std::f64::consts::PI / 180.0)
}
