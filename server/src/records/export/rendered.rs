//! Records as text, one after the other: CSV, JSON, NDJSON, GeoJSON.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Format, columns::Columns, row::Row};
use crate::export::{Value, csv, text};

/// A file in the making.
pub(super) struct Rendered {
    format: Format,
    columns: Arc<Columns>,
    first: bool,
}

impl Rendered {
    pub(super) fn new(format: Format, columns: Arc<Columns>) -> Self {
        Self {
            format,
            columns,
            first: true,
        }
    }

    /// What the file begins with.
    pub(super) fn begin(&self) -> String {
        match self.format {
            Format::Csv => {
                let mut out = csv::BEGIN.to_owned();
                let names = self.columns.names().into_iter();
                let names: Vec<Value> = names.map(|(name, _)| Value::text(name)).collect();
                csv::line(&mut out, &names);
                out
            }
            Format::Json => "[".to_owned(),
            Format::GeoJson => "{\"type\":\"FeatureCollection\",\"features\":[".to_owned(),
            Format::NdJson | Format::Xlsx => String::new(),
        }
    }

    /// A record.
    pub(super) fn row(&mut self, row: &Row) -> String {
        let mut out = String::new();
        if self.format == Format::Csv {
            csv::line(&mut out, &self.columns.values(row));
            return out;
        }
        let object = match self.format {
            Format::GeoJson => feature(row),
            _ => record(row),
        };
        if self.format != Format::NdJson && !std::mem::take(&mut self.first) {
            out.push(',');
        }
        if self.format != Format::NdJson {
            out.push('\n');
        }
        out.push_str(&text::json(object.to_string()));
        if self.format == Format::NdJson {
            out.push('\n');
        }
        out
    }

    /// What the file ends with.
    pub(super) fn end(&self) -> String {
        match self.format {
            Format::Json => "\n]\n".to_owned(),
            Format::GeoJson => "\n]}\n".to_owned(),
            Format::Csv | Format::NdJson | Format::Xlsx => String::new(),
        }
    }
}

fn record(row: &Row) -> Json {
    let mut object = properties(row);
    if let Some(members) = object.as_object_mut() {
        members.insert("id".to_owned(), json!(row.id));
        members.insert("heads".to_owned(), json!(row.heads));
        members.insert("fields".to_owned(), row.fields.clone());
    }
    object
}

fn properties(row: &Row) -> Json {
    json!({
        "kind": row.kind.name(),
        "title": row.title,
        "area": row.area,
        "area_name": row.area_name,
        "subject": row.subject,
        "subject_title": row.subject_title,
        "campaign": row.campaign,
        "campaign_title": row.campaign_title,
        "state": row.state,
        "review": row.review,
        "date": row.date,
        "conflicts": row.conflicts,
        "updated_ms": row.updated_ms,
    })
}

/// A feature of RFC 7946. A record without a position is a feature without a place: none is left out.
fn feature(row: &Row) -> Json {
    let position = row.fields.get("position").and_then(Json::as_str);
    let place = position.and_then(place);
    let mut properties = properties(row);
    if let (Some(members), Some((_, _, Some(metres)))) = (properties.as_object_mut(), place) {
        members.insert("accuracy_m".to_owned(), json!(metres));
    }
    json!({
        "type": "Feature",
        "id": row.id,
        "geometry": place.map(|(latitude, longitude, _)| json!({
            "type": "Point", "coordinates": [longitude, latitude]
        })),
        "properties": properties,
    })
}

/// Latitude, longitude and uncertainty in metres of a `geo:` address (RFC 5870).
fn place(position: &str) -> Option<(f64, f64, Option<f64>)> {
    let mut parts = position.strip_prefix("geo:")?.split(';');
    let mut numbers = parts.next()?.split(',').map(str::parse::<f64>);
    let (latitude, longitude) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    let metres = parts.find_map(|part| part.strip_prefix("u=")?.parse().ok());
    on_earth.then_some((latitude, longitude, metres))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_latitude_first_and_only_on_earth() {
        assert_eq!(
            place("geo:9.95,106.53;u=12"),
            Some((9.95, 106.53, Some(12.0)))
        );
        assert_eq!(place("geo:-9.5,-106"), Some((-9.5, -106.0, None)));
        assert_eq!(place("geo:91,0"), None);
        assert_eq!(place("geo:NaN,0"), None);
        assert_eq!(place("9.95,106.53"), None);
    }
}
