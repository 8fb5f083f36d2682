//! Values for people to read.

use serde_json::Value as Json;
use sokiem_record::{
    id::Kind,
    schema::{self, FieldType, Path, Place},
};
use sokiem_web_messages::answer::Author;

use crate::{
    browser::position,
    words::{self, t},
};

/// A value of a field: dates day first, words in the person's language, nothing as a dash.
pub(crate) fn value(kind: Kind, path: &Path, value: &Json) -> String {
    let field = match schema::place(kind, path) {
        Some(Place::Field(field)) => Some(field),
        _ => None,
    };
    of_type(field, value)
}

/// The same, where the type is known.
pub(crate) fn of_type(field: Option<FieldType>, value: &Json) -> String {
    match (value, field) {
        (Json::Null, _) => "–".to_owned(),
        (Json::Bool(true), _) => t("có", "yes").to_owned(),
        (Json::Bool(false), _) => t("không", "no").to_owned(),
        (Json::Number(number), Some(FieldType::TimeMs)) => {
            number.as_i64().map(words::moment).unwrap_or_default()
        }
        (Json::Number(number), _) => number.as_f64().map(words::number).unwrap_or_default(),
        (Json::String(text), Some(FieldType::Date)) => words::date(text),
        (Json::String(text), Some(FieldType::Choice(_))) => words::word(text),
        (Json::String(text), Some(FieldType::Geo)) => place(text),
        (Json::String(_), Some(FieldType::ContentHash)) => t("có hình", "a picture").to_owned(),
        (Json::String(text), _) if text.is_empty() => "–".to_owned(),
        (Json::String(text), _) => text.clone(),
        (Json::Array(_) | Json::Object(_), _) => "…".to_owned(),
    }
}

/// A position.
pub(crate) fn place(uri: &str) -> String {
    match position::parts(uri) {
        Some((latitude, longitude, Some(off))) => format!("{latitude}, {longitude} (±{off} m)"),
        Some((latitude, longitude, None)) => format!("{latitude}, {longitude}"),
        None => uri.to_owned(),
    }
}

/// Whose something is, and when.
pub(crate) fn author(author: &Author, time_ms: i64) -> String {
    let mut parts = Vec::new();
    if author.name.is_empty() {
        parts.push(t("chưa rõ ai", "not known who").to_owned());
    } else if author.title.is_empty() {
        parts.push(author.name.clone());
    } else {
        parts.push(format!("{}, {}", author.name, author.title));
    }
    if author.here {
        parts.push(t("máy này", "this device").to_owned());
    } else if !author.device.is_empty() {
        parts.push(author.device.clone());
    }
    if time_ms > 0 {
        parts.push(words::moment(time_ms));
    }
    parts.join(" · ")
}
