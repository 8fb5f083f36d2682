//! Values as a person types them, read by the type that the schema states for the field.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sokiem_record::{
    id::Kind,
    schema::{FieldType, Path, Place, place},
};

use crate::failure::Failure;

/// The value of a field from its text; `null` clears a field.
pub(crate) fn parse(kind: Kind, path: &Path, text: &str) -> Result<Json, Failure> {
    if text == "null" {
        return Ok(Json::Null);
    }
    let Some(Place::Field(field)) = place(kind, path) else {
        return Err(Failure::no_such_field(path.as_str()));
    };
    let wrong =
        |vi: &str, en: &str| Failure::invalid(format!("{path}: {vi}"), format!("{path}: {en}"));
    match field {
        FieldType::Integer | FieldType::TimeMs => text
            .parse::<i64>()
            .map(Json::from)
            .map_err(|_| wrong("cần một số nguyên", "a whole number is expected")),
        FieldType::Number => text
            .replace(',', ".")
            .parse::<f64>()
            .map(Json::from)
            .map_err(|_| wrong("cần một số", "a number is expected")),
        FieldType::Bool => match text {
            "true" | "yes" | "có" | "1" => Ok(Json::Bool(true)),
            "false" | "no" | "không" | "0" => Ok(Json::Bool(false)),
            _ => Err(wrong("cần có hoặc không", "true or false is expected")),
        },
        FieldType::Date => Ok(Json::from(date(text))),
        _ => Ok(Json::from(text)),
    }
}

/// `dd/mm/yyyy` as people write it becomes `yyyy-mm-dd`; anything else stays for the core to judge.
fn date(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').collect();
    match parts.as_slice() {
        [day, month, year] => format!("{year}-{month:0>2}-{day:0>2}"),
        _ => text.to_owned(),
    }
}

/// `name=value` pairs as the fields of an element or of a new document. `at` gives a field's path.
pub(crate) fn fields(
    kind: Kind,
    pairs: &[String],
    at: impl Fn(&str) -> Option<Path>,
) -> Result<BTreeMap<String, Json>, Failure> {
    let mut fields = BTreeMap::new();
    for pair in pairs {
        let (name, text) = pair.split_once('=').ok_or_else(|| {
            Failure::invalid(
                format!("{pair}: cần viết tên=giá trị"),
                format!("{pair}: name=value is expected"),
            )
        })?;
        let path = at(name).ok_or_else(|| Failure::no_such_field(name))?;
        fields.insert(name.to_owned(), parse(kind, &path, text)?);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(path: &str, text: &str) -> Option<Json> {
        parse(Kind::Inspection, &path.parse().unwrap(), text).ok()
    }

    #[test]
    fn values_follow_the_schema() {
        assert_eq!(value("copies", "3"), Some(json!(3)));
        assert_eq!(value("copies", "ba"), None);
        assert_eq!(value("items/KTC-07/value", "7,5"), Some(json!(7.5)));
        assert_eq!(value("finished", "có"), Some(json!(true)));
        assert_eq!(value("inspected_on", "5/8/2019"), Some(json!("2019-08-05")));
        assert_eq!(value("place", "12"), Some(json!("12")));
        assert_eq!(value("place", "null"), Some(json!(null)));
        assert_eq!(value("nowhere", "1"), None);
    }
}
