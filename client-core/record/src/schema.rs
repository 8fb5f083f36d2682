//! The fields of every kind of document: names, types and how each merges.
//!
//! One table per kind drives reading, editing, conflicts, history and the docs. A field is named by
//! its [`Path`], the same text in code, SQL, wire, pages and docs: `opinion`,
//! `items/T124-CD-1B/answer`, `findings/<uuid>/deadline`, `years/2019.classification`.
//!
//! **Rule of containers.** Two replicas that create the same map or text apart from each other get
//! two, of which one would be hidden. So a container is created only by a document's first change
//! (which is one change for everybody) or under a fresh id. Whatever is set later under a key that
//! two people may both choose, such as a year, is a flat scalar: `years` → `2019.registered_on`.
//!
//! **Rule of versions.** The schema only grows. A reader keeps and shows fields that it does not
//! know, and never fails on a value of an unexpected type: it lists it as unreadable. A document
//! whose `schema` is newer than [`VERSION`] can be read and edited in the fields known here. A new
//! field inside an old document is a scalar or lives under a fresh id; a field that changes its
//! meaning gets a new name.

mod governance;
mod inspection;
mod unit;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::id::Kind;

/// The schema that this build writes into new documents.
pub const VERSION: u32 = 1;

/// The type of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One line of text; concurrent values are kept side by side.
    Line,
    /// Several lines of single-valued text (reasons, lists of heads); kept side by side like a line.
    Block,
    /// Text that merges character by character.
    Text,
    /// A whole number.
    Integer,
    /// A decimal number.
    Number,
    /// Yes or no.
    Bool,
    /// A calendar date, `YYYY-MM-DD`.
    Date,
    /// Milliseconds since 1970-01-01 UTC; the field's name ends in `_ms`.
    TimeMs,
    /// A UUID.
    Uuid,
    /// A position as a `geo:` URI (RFC 5870), so that latitude and longitude can't be mixed from two people.
    Geo,
    /// SHA-256 of an attachment, 64 lower-case hexadecimal digits.
    ContentHash,
}

/// What keys a collection has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// A fresh UUID for each element.
    Uuid,
    /// The code of a criterion; fixed when the document begins.
    Code,
    /// The hash of an attachment.
    ContentHash,
    /// A year or school year's first year, four digits.
    Year,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// One entry of a schema.
#[derive(Clone, Copy, Debug)]
pub enum Node {
    /// A value.
    Field(FieldType),
    /// A map of elements, each a map of these fields, under keys that nobody else chooses. Elements
    /// are never deleted but marked: `removed`.
    Collection(KeyType, &'static [(&'static str, Node)]),
    /// A map whose keys are `<key>.<field>`: flat, so that two people may fill the same key.
    Flat(KeyType, &'static [(&'static str, FieldType)]),
}

/// Marks an element of a collection as struck out. Present in every element of a collection.
pub const REMOVED: &str = "removed";

/// Fields that every document's first change sets and nobody changes afterwards.
pub const IDENTITY: &[&str] = &["schema", "kind", "id"];

/// The fields of a kind, in the order in which a document's first change creates containers.
pub fn fields(kind: Kind) -> &'static [(&'static str, Node)] {
    match kind {
        Kind::Unit => unit::FIELDS,
        Kind::Inspection => inspection::FIELDS,
        Kind::Review => governance::REVIEW,
        Kind::Campaign => governance::CAMPAIGN,
        Kind::Assignment => governance::ASSIGNMENT,
        Kind::Criteria => governance::CRITERIA,
        Kind::Area => governance::AREA,
    }
}

/// Where a field lies in its document: keys joined by `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path(String);

/// Not a path: empty, an empty key, or longer than 300 bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a field path: {0:?}")]
pub struct InvalidPath(String);

impl Path {
    /// The path with these keys.
    ///
    /// # Errors
    /// [`InvalidPath`] when a key is empty or holds a `/`.
    pub fn new<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Result<Self, InvalidPath> {
        let mut text = String::new();
        for key in keys {
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(key.as_ref());
        }
        text.parse()
    }

    /// This path with one more key.
    pub(crate) fn join(&self, key: &str) -> Self {
        Self(format!("{}/{key}", self.0))
    }

    /// A path from a key that the document itself holds.
    pub(crate) fn root(key: &str) -> Self {
        Self(key.to_owned())
    }

    /// The keys, outermost first.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Path {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 300 || text.split('/').any(str::is_empty) {
            return Err(InvalidPath(text.chars().take(100).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Path {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a path names in the schema of a kind.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// A field.
    Field(FieldType),
    /// An element of a collection, with its fields.
    Element(KeyType, &'static [(&'static str, Node)]),
}

/// Looks a path up. `None` when the schema has no such field, or a key is not of the right form.
pub fn place(kind: Kind, path: &Path) -> Option<Place> {
    let mut fields = fields(kind);
    let mut keys = path.keys().peekable();
    loop {
        let name = keys.next()?;
        if fields.iter().all(|(field, _)| *field != name)
            && name == REMOVED
            && path.as_str() != REMOVED
        {
            return keys
                .next()
                .is_none()
                .then_some(Place::Field(FieldType::Bool));
        }
        let (_, node) = fields.iter().find(|(field, _)| *field == name)?;
        match *node {
            Node::Field(field) => return keys.next().is_none().then_some(Place::Field(field)),
            Node::Flat(key_type, flat) => {
                let (key, field) = keys.next()?.split_once('.')?;
                let (_, field) = flat.iter().find(|(name, _)| *name == field)?;
                let whole = key_type.accepts(key) && keys.next().is_none();
                return whole.then_some(Place::Field(*field));
            }
            Node::Collection(key_type, element) => {
                if !key_type.accepts(keys.next()?) {
                    return None;
                }
                if keys.peek().is_none() {
                    return Some(Place::Element(key_type, element));
                }
                fields = element;
            }
        }
    }
}

impl KeyType {
    /// Whether a key has the right form.
    pub fn accepts(self, key: &str) -> bool {
        match self {
            KeyType::Uuid => {
                uuid::Uuid::parse_str(key).is_ok_and(|uuid| uuid.hyphenated().to_string() == key)
            }
            KeyType::Code => {
                (1..=40).contains(&key.len())
                    && key.bytes().all(|byte| {
                        byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-'
                    })
            }
            KeyType::ContentHash => is_content_hash(key),
            KeyType::Year => key.len() == 4 && key.bytes().all(|byte| byte.is_ascii_digit()),
            KeyType::Word(words) => words.contains(&key),
        }
    }
}

/// Whether a text is 64 lower-case hexadecimal digits.
pub(crate) fn is_content_hash(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The three kinds of unit. Source: domain description, TT 124/2021 Điều 6 and 7.
pub const UNIT_KINDS: &[&str] = &["agency", "enterprise", "school"];

/// The answers to a criterion: đạt, chưa đạt, không áp dụng, chưa kiểm tra.
pub const ANSWERS: &[&str] = &["pass", "fail", "not_applicable", "not_checked"];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: Kind, path: &str) -> Option<FieldType> {
        match place(kind, &path.parse().unwrap()) {
            Some(Place::Field(field)) => Some(field),
            _ => None,
        }
    }

    #[test]
    fn paths_name_fields_of_every_shape() {
        let id = "0192f0c1-2222-7333-8444-555555555555";
        assert_eq!(found(Kind::Inspection, "opinion"), Some(FieldType::Text));
        assert_eq!(
            found(Kind::Inspection, "items/T124-CD-1B/answer"),
            Some(FieldType::Choice(ANSWERS))
        );
        assert_eq!(
            found(Kind::Inspection, &format!("findings/{id}/deadline")),
            Some(FieldType::Date)
        );
        assert_eq!(
            found(Kind::Inspection, &format!("findings/{id}/removed")),
            Some(FieldType::Bool)
        );
        assert_eq!(
            found(Kind::Unit, "years/2019.classification"),
            Some(FieldType::Line)
        );
    }

    #[test]
    fn what_the_schema_does_not_have_is_not_found() {
        for path in [
            "nothing",
            "items",
            "items/lower/answer",
            "items/A/b/c",
            "years/19.classification",
            "years/2019",
            "opinion/x",
            "findings/not-a-uuid/deadline",
            "removed",
            "schema",
            "kind",
            "id",
        ] {
            assert!(
                found(Kind::Inspection, path).is_none() && found(Kind::Unit, path).is_none(),
                "{path}"
            );
        }
        assert!("a//b".parse::<Path>().is_err() && "".parse::<Path>().is_err());
    }
}
