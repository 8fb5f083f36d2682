//! Positions: a `geo:` URI (RFC 5870) as whole microdegrees, and how far two of them lie apart.

use std::str::FromStr;

use serde::Serialize;

/// Metres of one degree of latitude on a sphere of the Earth's mean radius, 6,371,008.8 m.
const METRES_PER_DEGREE: f64 = 111_195.08;

/// A place on the Earth. A microdegree is 0.11 m at most, finer than any phone knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// North of the equator, in microdegrees: -90,000,000 to 90,000,000.
    pub latitude_microdegrees: i32,
    /// East of Greenwich, in microdegrees: -180,000,000 to 180,000,000.
    pub longitude_microdegrees: i32,
}

/// Not a position `geo:latitude,longitude[;u=metres]` within the limits of the globe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a position geo:latitude,longitude[;u=metres]")]
pub struct InvalidPosition;

impl Position {
    /// The position at these degrees; `None` for what lies outside of the globe's, or is no number.
    pub fn from_degrees(latitude: f64, longitude: f64) -> Option<Self> {
        Some(Self {
            latitude_microdegrees: micro(latitude, 90)?,
            longitude_microdegrees: micro(longitude, 180)?,
        })
    }

    /// How much narrower a degree of longitude is here than one of latitude.
    pub fn narrowing(self) -> f64 {
        (f64::from(self.latitude_microdegrees) / 1e6)
            .to_radians()
            .cos()
    }

    /// Metres to another position, on a plane that touches the Earth here. Within 50 km it is right to 0.1 % in
    /// Viet Nam, which is what lists are sorted by; it knows no way around the 180th meridian.
    pub fn distance_m(self, other: Position) -> u32 {
        let degrees = |one: i32, other: i32| (f64::from(other) - f64::from(one)) / 1e6;
        let north = degrees(self.latitude_microdegrees, other.latitude_microdegrees);
        let east = degrees(self.longitude_microdegrees, other.longitude_microdegrees);
        let metres = north.hypot(east * self.narrowing()) * METRES_PER_DEGREE;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "no two positions lie 45,000 km apart on that plane"
        )]
        let whole = metres.round() as u32;
        whole
    }
}

fn micro(degrees: f64, limit: i32) -> Option<i32> {
    if degrees.is_nan() || degrees.abs() > f64::from(limit) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "180 million at most")]
    let micro = (degrees * 1e6).round() as i32;
    Some(micro)
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("geo:").ok_or(InvalidPosition)?;
        let (position, uncertainty) = rest.split_once(";u=").unwrap_or((rest, "0"));
        let (latitude, longitude) = position.split_once(',').ok_or(InvalidPosition)?;
        let number = |text: &str| text.parse::<f64>().map_err(|_| InvalidPosition);
        let uncertainty_m = number(uncertainty)?;
        if !(uncertainty_m >= 0.0 && uncertainty_m.is_finite()) {
            return Err(InvalidPosition);
        }
        Self::from_degrees(number(latitude)?, number(longitude)?).ok_or(InvalidPosition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Position {
        text.parse().unwrap()
    }

    #[test]
    fn a_position_is_read_to_the_microdegree() {
        let read = at("geo:9.954321,-106.5300004;u=12");
        assert_eq!(read.latitude_microdegrees, 9_954_321);
        assert_eq!(read.longitude_microdegrees, -106_530_000);
        for wrong in [
            "9.9,106.5",
            "geo:91,0",
            "geo:0,181",
            "geo:NaN,0",
            "geo:0,0;u=-1",
            "geo:1",
            "geo:1,2;u=inf",
            "",
        ] {
            assert_eq!(wrong.parse::<Position>(), Err(InvalidPosition), "{wrong}");
        }
    }

    /// Great-circle distances by the haversine formula, computed apart from this code.
    #[test]
    fn distances_within_fifty_kilometres_are_right_to_a_tenth_of_a_percent() {
        for (one, other) in [
            ("geo:9.95,106.53", "geo:9.9501,106.53"),
            ("geo:9.95,106.53", "geo:10.25,106.37"),
            ("geo:9.95,106.53", "geo:9.95,106.98"),
            ("geo:21.03,105.85", "geo:21.4,106.1"),
        ] {
            let (one, other) = (at(one), at(other));
            let distance_m = f64::from(one.distance_m(other));
            let exact = haversine_m(one, other);
            assert!(
                (distance_m - exact).abs() <= exact * 0.001 + 0.6,
                "{distance_m} {exact}"
            );
        }
        assert_eq!(at("geo:1,2").distance_m(at("geo:1,2")), 0);
        assert!(at("geo:-90,-180").distance_m(at("geo:90,180")) > 20_000_000);
    }

    fn haversine_m(one: Position, other: Position) -> f64 {
        let radians = |micro: i32| (f64::from(micro) / 1e6).to_radians();
        let (a, b) = (
            radians(one.latitude_microdegrees),
            radians(other.latitude_microdegrees),
        );
        let north = (b - a) / 2.0;
        let east =
            (radians(other.longitude_microdegrees) - radians(one.longitude_microdegrees)) / 2.0;
        let half = north.sin().powi(2) + a.cos() * b.cos() * east.sin().powi(2);
        2.0 * 6_371_008.8 * half.sqrt().asin()
    }
}
