//! What a photo's own metadata says: when, where, by which camera. Read before it is taken out of the file.

use exif::{Exif, In, Rational, Tag, Value};
use serde::Serialize;

/// What a photo says about itself. Anything that is missing or makes no sense is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// When it was taken, milliseconds since 1970-01-01 UTC. A camera that states no time zone is taken to be in Việt Nam (+07:00).
    pub taken_ms: Option<i64>,
    /// Where, as a `geo:` URI.
    pub position: Option<String>,
    /// By which camera: maker and model.
    pub camera: Option<String>,
    /// How the picture has to be turned to be upright: EXIF's numbers 1 to 8.
    pub orientation: u8,
}

/// Metadata above this many bytes is no camera's, and is not read.
const MOST_BYTES: usize = 256 * 1024;
const VIETNAM_MINUTES: i64 = 7 * 60;
const MOST_CAMERA_CHARS: usize = 100;

impl Facts {
    /// Reads a picture's metadata. Metadata that can't be read is as good as none.
    pub fn of(bytes: &[u8]) -> Self {
        let mut reader = exif::Reader::new();
        reader.continue_on_error(true);
        let read = reader.read_from_container(&mut std::io::Cursor::new(bytes));
        let exif = match read {
            Ok(exif) => Some(exif),
            Err(error) => error.distill_partial_result(|_| ()).ok(),
        };
        exif.filter(|exif| exif.buf().len() <= MOST_BYTES)
            .map_or_else(
                || Self {
                    orientation: 1,
                    ..Self::default()
                },
                |exif| Self::read(&exif),
            )
    }

    fn read(exif: &Exif) -> Self {
        let orientation = exif
            .get_field(Tag::Orientation, In::PRIMARY)
            .and_then(|field| field.value.get_uint(0))
            .and_then(|number| u8::try_from(number).ok())
            .filter(|number| (1..=8).contains(number));
        Self {
            taken_ms: taken_ms(exif),
            position: position(exif),
            camera: camera(exif),
            orientation: orientation.unwrap_or(1),
        }
    }
}

fn ascii(exif: &Exif, tag: Tag) -> Option<String> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(lines) => {
            let text = String::from_utf8_lossy(lines.first()?).replace(char::is_control, " ");
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        }
        _ => None,
    }
}

fn camera(exif: &Exif) -> Option<String> {
    let (make, model) = (ascii(exif, Tag::Make), ascii(exif, Tag::Model));
    let text = match (make, model) {
        (Some(make), Some(model)) if model.starts_with(&make) => model,
        (Some(make), Some(model)) => format!("{make} {model}"),
        (make, model) => make.or(model)?,
    };
    Some(text.chars().take(MOST_CAMERA_CHARS).collect())
}

fn taken_ms(exif: &Exif) -> Option<i64> {
    let text = ascii(exif, Tag::DateTimeOriginal).or_else(|| ascii(exif, Tag::DateTime))?;
    let mut time = exif::DateTime::from_ascii(text.as_bytes()).ok()?;
    if let Some(offset) = ascii(exif, Tag::OffsetTimeOriginal) {
        // A wrong offset is as good as none.
        let _ = time.parse_offset(offset.as_bytes());
    }
    let minutes = time.offset.map_or(VIETNAM_MINUTES, i64::from);
    let days = days_from_civil(
        i64::from(time.year),
        i64::from(time.month),
        i64::from(time.day),
    )?;
    let clock = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second);
    Some((days * 86_400 + clock - minutes * 60) * 1000)
}

/// Days since 1970-01-01 of a day of the Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !sokiem_record::is_date(&format!("{year:04}-{month:02}-{day:02}")) {
        return None;
    }
    // Years that begin in March have the leap day at their end.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn position(exif: &Exif) -> Option<String> {
    let latitude = degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, "S", 90.0)?;
    let longitude = degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, "W", 180.0)?;
    // Cameras without a fix write zeros; nobody inspects anything there.
    if latitude == 0.0 && longitude == 0.0 {
        return None;
    }
    let metres = exif
        .get_field(Tag::GPSHPositioningError, In::PRIMARY)
        .and_then(|field| match &field.value {
            Value::Rational(parts) => parts.first().and_then(number),
            _ => None,
        });
    let uncertainty = metres.map_or_else(String::new, |metres| format!(";u={metres:.0}"));
    Some(format!("geo:{latitude:.6},{longitude:.6}{uncertainty}"))
}

fn number(rational: &Rational) -> Option<f64> {
    (rational.denom != 0).then(|| rational.to_f64())
}

fn degrees(exif: &Exif, tag: Tag, reference: Tag, negative: &str, limit: f64) -> Option<f64> {
    let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else {
        return None;
    };
    let mut parts = parts.iter().map(number);
    let whole = parts.next()??;
    let minutes = parts.next().flatten().unwrap_or(0.0);
    let seconds = parts.next().flatten().unwrap_or(0.0);
    let degrees = whole + minutes / 60.0 + seconds / 3600.0;
    let sign = if ascii(exif, reference)?.eq_ignore_ascii_case(negative) {
        -1.0
    } else {
        1.0
    };
    (degrees.is_finite() && degrees <= limit).then_some(sign * degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        assert_eq!(days_from_civil(1970, 1, 1), Some(0));
        assert_eq!(days_from_civil(2000, 3, 1), Some(11_017));
        assert_eq!(days_from_civil(2024, 2, 29), Some(19_782));
        assert_eq!(days_from_civil(2023, 2, 29), None);
        assert_eq!(days_from_civil(1969, 12, 31), Some(-1));
    }
}
