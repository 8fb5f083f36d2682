//! Values of fields: from JSON into Automerge with a check of the type, and back.

use automerge::{ScalarValue, hydrate};
use serde_json::{Map, Number, Value as Json};

use crate::{
    limits,
    position::Position,
    schema::{FieldType, is_content_hash},
};

/// Why a value does not fit a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// Another type or form is expected.
    #[error("expected {0}")]
    Expected(String),
    /// The text is too long.
    #[error("longer than {0} characters")]
    TooLong(usize),
}

/// The stored value for a JSON value; `null` clears any field.
pub(crate) fn to_scalar(field: FieldType, value: &Json) -> Result<ScalarValue, InvalidValue> {
    if value.is_null() {
        return Ok(ScalarValue::Null);
    }
    let expected = |what: &str| InvalidValue::Expected(what.to_owned());
    let text = |limit: usize| {
        let text = crate::fold::nfc(value.as_str().ok_or_else(|| expected("a text"))?);
        if text.chars().count() > limit {
            return Err(InvalidValue::TooLong(limit));
        }
        Ok(text)
    };
    let scalar = match field {
        FieldType::Choice(words) => {
            let word = text(limits::MAX_LINE_CHARS)?;
            if !words.contains(&word.as_str()) {
                return Err(InvalidValue::Expected(format!(
                    "one of: {}",
                    words.join(", ")
                )));
            }
            ScalarValue::Str(word.into())
        }
        FieldType::Line => {
            let line = text(limits::MAX_LINE_CHARS)?;
            if line.contains(['\n', '\r']) {
                return Err(expected("a single line"));
            }
            ScalarValue::Str(line.into())
        }
        FieldType::Block => ScalarValue::Str(text(limits::MAX_TEXT_CHARS)?.into()),
        FieldType::Text => return Err(expected("an edit of merging text")),
        FieldType::Integer | FieldType::TimeMs => {
            ScalarValue::Int(value.as_i64().ok_or_else(|| expected("a whole number"))?)
        }
        FieldType::Number => {
            let number = value.as_f64().filter(|number| number.is_finite());
            ScalarValue::F64(number.ok_or_else(|| expected("a number"))?)
        }
        FieldType::Bool => {
            ScalarValue::Boolean(value.as_bool().ok_or_else(|| expected("true or false"))?)
        }
        FieldType::Date => form(text(10)?, is_date, "a date YYYY-MM-DD")?,
        FieldType::Uuid => form(text(36)?, is_uuid, "a UUID")?,
        FieldType::Geo => form(
            text(100)?,
            is_geo,
            "a position geo:latitude,longitude[;u=metres]",
        )?,
        FieldType::ContentHash => form(
            text(64)?,
            is_content_hash,
            "64 lower-case hexadecimal digits",
        )?,
    };
    Ok(scalar)
}

fn form(
    text: String,
    fits: impl Fn(&str) -> bool,
    expected: &str,
) -> Result<ScalarValue, InvalidValue> {
    if fits(&text) {
        Ok(ScalarValue::Str(text.into()))
    } else {
        Err(InvalidValue::Expected(expected.to_owned()))
    }
}

fn is_uuid(text: &str) -> bool {
    uuid::Uuid::parse_str(text).is_ok_and(|uuid| uuid.hyphenated().to_string() == text)
}

/// Whether a text is a day of the Gregorian calendar as `YYYY-MM-DD`.
pub fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut part = |length: usize| {
        parts
            .next()
            .filter(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|part| part.parse::<u32>().ok())
    };
    let (Some(year), Some(month), Some(day)) = (part(4), part(2), part(2)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    parts.next().is_none() && (1..=days).contains(&day)
}

fn is_geo(text: &str) -> bool {
    text.parse::<Position>().is_ok()
}

/// Whether a stored value is of the type that the schema states. Null, a cleared field, always is.
pub(crate) fn fits(field: FieldType, stored: &Json) -> bool {
    match field {
        FieldType::Text => stored.is_string(),
        // A choice that this build does not know is a word from a newer one, and shown as it is.
        FieldType::Choice(_) => stored.is_null() || stored.is_string(),
        other => to_scalar(other, stored).is_ok(),
    }
}

/// A stored scalar as JSON. Bytes become hexadecimal text, numbers outside JSON's become null.
pub(crate) fn scalar_to_json(scalar: &ScalarValue) -> Json {
    match scalar {
        ScalarValue::Str(text) => Json::String(text.to_string()),
        ScalarValue::Int(number) | ScalarValue::Timestamp(number) => Json::from(*number),
        ScalarValue::Uint(number) => Json::from(*number),
        ScalarValue::F64(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        ScalarValue::Counter(counter) => Json::from(i64::from(counter)),
        ScalarValue::Boolean(boolean) => Json::Bool(*boolean),
        ScalarValue::Bytes(bytes) | ScalarValue::Unknown { bytes, .. } => {
            Json::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        }
        ScalarValue::Null => Json::Null,
    }
}

/// A whole value as JSON.
pub(crate) fn hydrated_to_json(value: &hydrate::Value) -> Json {
    match value {
        hydrate::Value::Scalar(scalar) => scalar_to_json(scalar),
        hydrate::Value::Map(map) => {
            let mut object = Map::new();
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            for (key, entry) in entries {
                object.insert(key.clone(), hydrated_to_json(&entry.value));
            }
            Json::Object(object)
        }
        hydrate::Value::List(list) => Json::Array(
            list.iter()
                .map(|entry| hydrated_to_json(&entry.value))
                .collect(),
        ),
        hydrate::Value::Text(text) => Json::String(text.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_of_the_calendar() {
        for good in ["2014-08-15", "2000-02-29", "2024-02-29"] {
            assert!(is_date(good), "{good}");
        }
        for bad in [
            "1900-02-29",
            "2023-02-29",
            "2014-13-01",
            "2014-8-15",
            "2014-08-32",
            "2014-08-15-",
            "15/08/2014",
            "",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_told_what_is_expected() {
        let refused =
            to_scalar(FieldType::Choice(&["pass", "fail"]), &Json::from("ok")).unwrap_err();
        assert_eq!(refused.to_string(), "expected one of: pass, fail");
        assert!(to_scalar(FieldType::Integer, &Json::from(1.5)).is_err());
        assert!(to_scalar(FieldType::Geo, &Json::from("geo:91,0")).is_err());
        assert!(to_scalar(FieldType::Geo, &Json::from("geo:9.95,106.53;u=12")).is_ok());
        assert!(to_scalar(FieldType::Line, &Json::from("a\nb")).is_err());
    }

    #[test]
    fn text_is_stored_in_composed_form() {
        let decomposed = "Tha\u{323}nh Phu\u{301}";
        assert_eq!(
            to_scalar(FieldType::Line, &Json::from(decomposed)),
            Ok(ScalarValue::Str("Thạnh Phú".into()))
        );
    }
}
