//! Values of records as a person reads them.

use serde_json::Value;
use sokiem_record::{
    id::Kind,
    schema::{self, FieldType, Path, Place, REMOVED},
    words,
};

use super::frame;

/// A value as a person reads it. The template escapes it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Nothing was recorded.
    Nothing,
    /// What somebody wrote, a number, or a date day first.
    Text(String),
    /// A word of the schema by its names.
    Word(&'static str, &'static str),
}

impl Shown {
    /// A value of a record.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(true) => Self::Word("có", "yes"),
            Value::Bool(false) => Self::Word("không", "no"),
            Value::String(text) => Self::word(text),
            other => Self::Text(other.to_string()),
        }
    }

    /// A value of a field of this type: only choices are words, and what people wrote is shown as it is.
    pub(crate) fn typed(field: FieldType, value: &Value) -> Self {
        match (field, value) {
            (FieldType::Choice(_) | FieldType::Date, _) => Self::of(value),
            (FieldType::TimeMs, Value::Number(number)) => match number.as_i64() {
                Some(ms) => Self::Text(frame::time(&ms)),
                None => Self::of(value),
            },
            (FieldType::Number, Value::Number(number)) => match number.as_f64() {
                // As people here write it: 97,5.
                Some(number) => Self::Text(number.to_string().replace('.', ",")),
                None => Self::of(value),
            },
            (FieldType::Geo, Value::String(position)) => Self::Text(coordinates(position)),
            (_, Value::String(text)) if text.is_empty() => Self::Nothing,
            (_, Value::String(text)) => Self::Text(text.clone()),
            (_, other) => Self::of(other),
        }
    }

    /// A value at a path of a record of this kind.
    pub(crate) fn at(kind: Kind, path: &Path, value: &Value) -> Self {
        match schema::place(kind, path) {
            Some(Place::Field(field)) => Self::typed(field, value),
            _ if path.as_str().ends_with(REMOVED) => Self::of(value),
            _ => match value {
                Value::String(text) if !text.is_empty() => Self::Text(text.clone()),
                other => Self::of(other),
            },
        }
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }

    /// A text: a word of the schema, a date, or what somebody wrote.
    pub(crate) fn word(text: &str) -> Self {
        match (words::names(text), words::date(text)) {
            (Some((vi, en)), _) => Self::Word(vi, en),
            (None, Some(date)) => Self::Text(date),
            (None, None) if text.is_empty() => Self::Nothing,
            (None, None) => Self::Text(text.to_owned()),
        }
    }

    /// A text that may be missing.
    pub(crate) fn optional(text: &Option<String>) -> Self {
        text.as_deref().map_or(Self::Nothing, Self::word)
    }
}

/// A `geo:` URI as latitude, longitude and how far off it may be.
fn coordinates(position: &str) -> String {
    let bare = position.strip_prefix("geo:").unwrap_or(position);
    match bare.split_once(";u=") {
        Some((place, metres)) => format!("{} (± {metres} m)", place.replace(',', ", ")),
        None => bare.replace(',', ", "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_choices_and_dates_are_put_into_words() {
        let at = |path: &str, value: Value| Shown::at(Kind::Unit, &path.parse().unwrap(), &value);
        assert_eq!(
            at("unit_kind", json!("school")),
            Shown::Word("nhà trường", "school")
        );
        // A unit that is called like a word of the schema.
        assert_eq!(
            at("name", json!("school")),
            Shown::Text("school".to_owned())
        );
        assert_eq!(
            at("years/2019.registered_on", json!("2019-08-05")),
            Shown::Text("05/08/2019".to_owned())
        );
        assert_eq!(
            at("position", json!("geo:9.95,106.53;u=12")),
            Shown::Text("9.95, 106.53 (± 12 m)".to_owned())
        );
        assert_eq!(
            at("years/2019.classification_points", json!(97.5)),
            Shown::Text("97,5".to_owned())
        );
        assert_eq!(
            at("years/2019.classification_points", json!(100.0)),
            Shown::Text("100".to_owned())
        );
        assert!(at("name", json!("")).is_nothing() && at("staff", Value::Null).is_nothing());
    }
}
