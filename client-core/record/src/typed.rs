//! Records as Rust types, for code that computes with them.
//!
//! Every field is optional: a record is filled in by and by. What is not of the type that the schema
//! states is left out here and listed by [`Document::oddities`]; fields of a newer schema are left
//! out too. Of several live values the one that every replica shows is read: ask
//! [`Document::conflicts`] before relying on it.

mod inspection;
mod unit;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

pub use inspection::{
    Absentee, Answer, Comment, Evidence, Finding, FindingState, Incident, Inspection, Item,
    Participant, Recommendation, Signature,
};
pub use unit::{Recognition, Unit, UnitKind, UnitYear};

use crate::{
    document::Document,
    id::Kind,
    schema::{self, FieldType, Node, REMOVED},
    value::fits,
};

/// A kind of document as a Rust type.
pub trait Typed: DeserializeOwned {
    /// The kind that it is read from.
    const KIND: Kind;
}

impl Document {
    /// The record as a Rust type; `None` when the document is of another kind.
    ///
    /// # Errors
    /// When the type and the schema state different things, which a test excludes for the types here.
    pub fn read<T: Typed>(&self) -> Result<Option<T>, serde_json::Error> {
        if self.kind() != T::KIND {
            return Ok(None);
        }
        of_fields(&self.to_json()).map(Some)
    }
}

/// The fields of a record of the type's kind, as [`Document::to_json`] says them, as the Rust type.
///
/// # Errors
/// As [`Document::read`].
pub fn of_fields<T: Typed>(fields: &Json) -> Result<T, serde_json::Error> {
    let values = fields.as_object().cloned().unwrap_or_default();
    serde_json::from_value(Json::Object(prune(values, schema::fields(T::KIND))))
}

/// What of a map is of the types that the schema states; flat maps become maps of maps.
fn prune(mut values: Map<String, Json>, fields: &[(&str, Node)]) -> Map<String, Json> {
    let mut readable = Map::new();
    for (name, node) in fields {
        let value = match (node, values.remove(*name)) {
            (_, None) => continue,
            (Node::Field(field), Some(value)) => {
                if value.is_null() || !readable_scalar(*field, &value) {
                    continue;
                }
                value
            }
            (Node::Collection(key_type, fields), Some(Json::Object(elements))) => Json::Object(
                elements
                    .into_iter()
                    .filter(|(key, _)| key_type.accepts(key))
                    .filter_map(|(key, element)| match element {
                        Json::Object(element)
                            if element.get(REMOVED) != Some(&Json::Bool(true)) =>
                        {
                            Some((key, Json::Object(prune(element, fields))))
                        }
                        _ => None,
                    })
                    .collect(),
            ),
            (Node::Flat(key_type, fields), Some(Json::Object(flat))) => {
                let mut nested = Map::new();
                for (key, value) in flat {
                    let Some((key, name)) = key.split_once('.') else {
                        continue;
                    };
                    let field = fields.iter().find(|(field, _)| *field == name);
                    let Some((_, field)) = field.filter(|_| key_type.accepts(key)) else {
                        continue;
                    };
                    if value.is_null() || !readable_scalar(*field, &value) {
                        continue;
                    }
                    if let Json::Object(element) = nested
                        .entry(key)
                        .or_insert_with(|| Json::Object(Map::new()))
                    {
                        element.insert(name.to_owned(), value);
                    }
                }
                Json::Object(nested)
            }
            (_, Some(_)) => continue,
        };
        readable.insert((*name).to_owned(), value);
    }
    readable
}

/// A word that this build does not know is kept and shown as it is, but it is no value of a Rust type.
fn readable_scalar(field: FieldType, value: &Json) -> bool {
    match field {
        FieldType::Choice(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        other => fits(other, value),
    }
}
