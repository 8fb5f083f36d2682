//! Values of records as a person reads them.

use serde_json::Value;
use sokiem_record::{schema::Path, words};

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

/// Every value of a record that holds something, with its path, in the order of the record.
pub(crate) fn leaves(fields: &Value) -> Vec<(Path, Shown)> {
    let mut found = Vec::new();
    collect(&mut Vec::new(), fields, &mut found);
    found
}

fn collect(keys: &mut Vec<String>, value: &Value, found: &mut Vec<(Path, Shown)>) {
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            keys.push(name.clone());
            collect(keys, value, found);
            keys.pop();
        }
        return;
    }
    let shown = Shown::of(value);
    if shown != Shown::Nothing
        && let Ok(path) = Path::new(&*keys)
    {
        found.push((path, shown));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn empty_values_are_left_out_and_the_rest_has_its_path() {
        let fields =
            json!({"name": "Chợ", "note": "", "staff": null, "years": {"2019.model": true}});
        let found: Vec<(String, Shown)> = leaves(&fields)
            .into_iter()
            .map(|(path, shown)| (path.to_string(), shown))
            .collect();
        assert_eq!(
            found,
            [
                ("name".to_owned(), Shown::Text("Chợ".to_owned())),
                ("years/2019.model".to_owned(), Shown::Word("có", "yes")),
            ]
        );
        assert_eq!(
            Shown::word("2019-08-05"),
            Shown::Text("05/08/2019".to_owned())
        );
    }
}
