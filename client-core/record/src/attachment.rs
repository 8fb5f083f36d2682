//! Attachments as records name them: by the SHA-256 of their bytes. The bytes travel apart from the
//! record (`docs/attachments.md`), so a record is never held up by its photos.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use crate::{
    document::Document,
    schema::{self, FieldType, KeyType, Node, Path, REMOVED, is_content_hash},
};

/// The name of an attachment: SHA-256 of its bytes, 64 lower-case hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash(pub [u8; 32]);

/// Not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a content hash: 64 lower-case hexadecimal digits")]
pub struct InvalidContentHash;

impl ContentHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A hash from the 32 bytes that a database row holds; `None` when the length is wrong.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

impl FromStr for ContentHash {
    type Err = InvalidContentHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !is_content_hash(text) {
            return Err(InvalidContentHash);
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
            *byte = std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                .ok_or(InvalidContentHash)?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for ContentHash {
    type Error = InvalidContentHash;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

/// What an attachment is to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rendition {
    /// The photo, scan or signature image.
    Original,
    /// A small picture of it, for lists and slow links.
    Thumbnail,
}

impl Rendition {
    /// The name in SQL, on the wire and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Rendition::Original => "original",
            Rendition::Thumbnail => "thumbnail",
        }
    }

    /// The rendition of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Rendition::Original, Rendition::Thumbnail]
            .into_iter()
            .find(|rendition| rendition.name() == name)
    }
}

/// A place in a record that names an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The element or field that names it: `items/T124-CD-1B/evidence/<hash>`, `signatures/<id>/image`.
    pub path: Path,
    /// Which attachment.
    pub hash: ContentHash,
    /// What it is there.
    pub rendition: Rendition,
    /// Whether the element was struck out.
    pub removed: bool,
}

/// The field of an evidence element that names its thumbnail.
pub const THUMBNAIL: &str = "thumbnail";

impl Document {
    /// Every attachment that the record names, in the order of their paths.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        if let Json::Object(values) = self.to_json() {
            walk(
                schema::fields(self.kind()),
                &values,
                None,
                false,
                &mut found,
            );
        }
        found.sort_by(|one, other| one.path.cmp(&other.path));
        found
    }
}

fn walk(
    fields: &[(&str, Node)],
    values: &Map<String, Json>,
    at: Option<&Path>,
    removed: bool,
    found: &mut Vec<Reference>,
) {
    for (name, node) in fields {
        let path = at.map_or_else(|| Path::root(name), |at| at.join(name));
        match (node, values.get(*name)) {
            (Node::Field(FieldType::ContentHash), Some(Json::String(text))) => {
                if let Ok(hash) = text.parse() {
                    let rendition = if *name == THUMBNAIL {
                        Rendition::Thumbnail
                    } else {
                        Rendition::Original
                    };
                    found.push(Reference {
                        path,
                        hash,
                        rendition,
                        removed,
                    });
                }
            }
            (Node::Collection(key_type, fields), Some(Json::Object(elements))) => {
                for (key, element) in elements {
                    let Json::Object(element) = element else {
                        continue;
                    };
                    let path = path.join(key);
                    let removed = removed || element.get(REMOVED) == Some(&Json::Bool(true));
                    if *key_type == KeyType::ContentHash
                        && let Ok(hash) = key.parse()
                    {
                        found.push(Reference {
                            path: path.clone(),
                            hash,
                            rendition: Rendition::Original,
                            removed,
                        });
                    }
                    walk(fields, element, Some(&path), removed, found);
                }
            }
            _ => {}
        }
    }
}
