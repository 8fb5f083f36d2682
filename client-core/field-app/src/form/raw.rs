//! Values as they stand in a control: one text for every type, empty for nothing.

use js_sys::Number;
use serde_json::Value as Json;
use sokiem_record::schema::FieldType;
use sokiem_web_messages::Failure;
use wasm_bindgen::JsValue;

/// The text of a value.
pub(crate) fn of_json(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Bool(yes) => if *yes { "true" } else { "false" }.to_owned(),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => whole.to_string(),
            None => number.as_f64().map(plain).unwrap_or_default(),
        },
        _ => String::new(),
    }
}

fn plain(number: f64) -> String {
    Number::from(number)
        .to_string_with_radix(10)
        .map_or_else(|_| String::new(), String::from)
}

/// The number that a person wrote, with a decimal comma or point.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim().replace(',', ".");
    let number = JsValue::from_str(&text).unchecked_into_f64();
    (!text.is_empty() && number.is_finite()).then_some(number)
}

/// The value of a text that stands in a control of this type.
pub(crate) fn to_json(field: FieldType, text: &str) -> Result<Json, Failure> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(Json::Null);
    }
    match field {
        FieldType::Integer | FieldType::TimeMs => trimmed
            .parse::<i64>()
            .map(Json::from)
            .map_err(|_| wrong("Ô này chỉ nhận số nguyên.", "This takes a whole number.")),
        FieldType::Number => number(trimmed)
            .map(Json::from)
            .ok_or_else(|| wrong("Ô này chỉ nhận số.", "This takes a number.")),
        FieldType::Bool => Ok(Json::Bool(trimmed == "true")),
        FieldType::Block => Ok(Json::from(text)),
        _ => Ok(Json::from(trimmed)),
    }
}

fn wrong(vi: &str, en: &str) -> Failure {
    Failure::new("form", vi, en)
}
