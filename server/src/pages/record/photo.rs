//! Photos and scans beside the criterion or finding that they show.

use crate::{
    attachments::listing::{Arrival, Attachment},
    records::{attribution::Written, reading::Reading},
};

/// A photo or scan that the record names.
pub(crate) struct Photo<'a> {
    pub(crate) original: &'a Attachment,
    /// Its thumbnail, where that has arrived.
    pub(crate) small: Option<&'a Attachment>,
    pub(crate) arrived: bool,
    pub(crate) missing: bool,
    pub(crate) caption: &'a str,
    pub(crate) taken_ms: Option<i64>,
    /// Latitude and longitude.
    pub(crate) place: Option<&'a str>,
    /// Who put it there.
    pub(crate) by: Option<&'a Written>,
}

/// The photos below an element: `items/CODE`, `findings/ID`. Those that were struck out are left out.
pub(crate) fn photos<'a>(reading: &'a Reading, below: &str) -> Vec<Photo<'a>> {
    let prefix = format!("{below}/evidence/");
    let originals = reading.attached.iter().filter(|one| {
        !one.is_thumbnail() && !one.removed && one.path.as_str().starts_with(&prefix)
    });
    originals.map(|original| photo(reading, original)).collect()
}

/// Pictures that belong to no criterion and no finding: drawn signatures.
pub(crate) fn others(reading: &Reading) -> Vec<Photo<'_>> {
    let originals = reading.attached.iter().filter(|one| {
        !one.is_thumbnail() && !one.removed && !one.path.as_str().contains("/evidence/")
    });
    originals.map(|original| photo(reading, original)).collect()
}

fn photo<'a>(reading: &'a Reading, original: &'a Attachment) -> Photo<'a> {
    let path = original.path.as_str();
    let below = format!("{path}/");
    let small = reading.attached.iter().find(|one| {
        one.is_thumbnail() && one.state == Arrival::Arrived && one.path.as_str().starts_with(&below)
    });
    let place = reading.text(&format!("{path}/position"));
    let place = place.strip_prefix("geo:");
    Photo {
        original,
        small,
        arrived: original.state == Arrival::Arrived,
        missing: original.state == Arrival::Missing,
        caption: reading.text(&format!("{path}/caption")),
        taken_ms: reading.value(&format!("{path}/taken_ms")).as_i64(),
        place: place.map(|place| place.split(';').next().unwrap_or(place)),
        by: reading.said.elements.get(path),
    }
}
