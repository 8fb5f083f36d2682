//! Reading a record: its values as JSON, who wrote each, and where people differ.

use automerge::{ChangeHash, ObjId, ObjType, ROOT, ReadDoc, Value, ValueRef, hydrate};
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    document::Document,
    id::ActorId,
    schema::{self, FieldType, IDENTITY, Path, Place},
    value::{fits, hydrated_to_json},
};

/// Who wrote a value, and when by their clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The change that wrote it, hexadecimal.
    #[serde(serialize_with = "hex_hash")]
    pub hash: ChangeHash,
    /// The installation or server account.
    pub actor: ActorId,
    /// Milliseconds since 1970-01-01 UTC by the author's clock; 0 in a planned inspection's first change.
    pub time_ms: i64,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

/// One of several live values of a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alternative {
    /// The value.
    pub value: Json,
    /// Who wrote it. Several people may have written the same value: each is an alternative of its own.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// A field in which people recorded different values apart from each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflict {
    /// Which field.
    pub path: Path,
    /// Every live value, the one that is shown meanwhile first.
    pub alternatives: Vec<Alternative>,
}

/// What a record holds beside the fields that this build knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Oddities {
    /// Fields of a newer schema. They are kept and shown.
    pub unknown: Vec<Path>,
    /// Fields whose value is not of the type that the schema states. They are kept, and not read.
    pub unreadable: Vec<Path>,
}

pub(crate) fn hex_hash<S: serde::Serializer>(
    hash: &ChangeHash,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}

impl Document {
    /// The whole record as JSON: fields by their names, merging text as strings, and of several live
    /// values the one that every replica shows until somebody settles (see [`Document::conflicts`]).
    pub fn to_json(&self) -> Json {
        match self.straight() {
            Some(straight) => straight.to_json(),
            None => hydrated_to_json(&self.automerge().hydrate(None)),
        }
    }

    /// The record as it was at some heads; `None` when the document does not know them.
    pub fn to_json_at(&self, heads: &[ChangeHash]) -> Option<Json> {
        heads
            .iter()
            .all(|head| self.contains(head))
            .then(|| hydrated_to_json(&self.automerge().hydrate(Some(heads))))
    }

    /// Every field in which people recorded different values apart from each other and nobody has
    /// settled yet, in the order of their paths. People who agree make no conflict.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        if self.straight().is_some() {
            return conflicts;
        }
        self.walk(&ROOT, None, &mut |path, parent, key, conflict| {
            if conflict {
                let alternatives = self.alternatives(parent, key);
                if alternatives.iter().any(|one| {
                    alternatives
                        .first()
                        .is_some_and(|first| first.value != one.value)
                }) {
                    conflicts.push(Conflict {
                        path: path.clone(),
                        alternatives,
                    });
                }
            }
        });
        conflicts.sort_by(|one, other| one.path.cmp(&other.path));
        conflicts
    }

    /// Who wrote a field's live values; empty for a field that nobody set. For merging text, who began it.
    pub fn provenance(&self, path: &Path) -> Vec<Alternative> {
        let mut parent = ROOT;
        let mut keys = path.keys().peekable();
        while let Some(key) = keys.next() {
            if keys.peek().is_none() {
                return self.alternatives(&parent, key);
            }
            match self.automerge().get(&parent, key) {
                Ok(Some((Value::Object(ObjType::Map), object))) => parent = object,
                _ => break,
            }
        }
        Vec::new()
    }

    /// What the record holds beside the fields that this build knows.
    pub fn oddities(&self) -> Oddities {
        let mut oddities = Oddities::default();
        self.walk(&ROOT, None, &mut |path, parent, key, _| {
            if IDENTITY.contains(&path.as_str()) {
                return;
            }
            let Ok(Some((value, object))) = self.automerge().get(parent, key) else {
                return;
            };
            let stored = self.json(&value, &object);
            match schema::place(self.kind(), path) {
                Some(Place::Field(FieldType::Text))
                    if matches!(value, Value::Object(ObjType::Text)) => {}
                Some(Place::Field(field)) if !value.is_object() && fits(field, &stored) => {}
                Some(Place::Field(_)) => oddities.unreadable.push(path.clone()),
                Some(Place::Element(..)) => {
                    if !matches!(value, Value::Object(ObjType::Map)) {
                        oddities.unreadable.push(path.clone());
                    }
                }
                None if is_container(self.kind(), path) => {}
                None => oddities.unknown.push(path.clone()),
            }
        });
        oddities
    }

    /// The schema version that the document states.
    pub fn schema_version(&self) -> u32 {
        self.integer("schema")
            .and_then(|version| u32::try_from(version).ok())
            .unwrap_or(0)
    }

    pub(crate) fn alternatives(&self, parent: &ObjId, key: &str) -> Vec<Alternative> {
        let mut live = self.automerge().get_all(parent, key).unwrap_or_default();
        // Automerge shows the last; here it comes first.
        live.reverse();
        live.iter()
            .filter_map(|(value, object)| {
                let provenance = self.written_by(&self.automerge().hash_for_opid(object)?)?;
                Some(Alternative {
                    value: self.json(value, object),
                    provenance,
                })
            })
            .collect()
    }

    pub(crate) fn written_by(&self, hash: &ChangeHash) -> Option<Provenance> {
        let meta = self.automerge().get_change_meta_by_hash(hash)?;
        Some(Provenance {
            hash: *hash,
            actor: ActorId::from_slice(meta.actor.to_bytes())?,
            time_ms: meta.timestamp,
            reason: meta.message.as_ref().map(|text| text.to_string()),
        })
    }

    pub(crate) fn json(&self, value: &Value<'_>, object: &ObjId) -> Json {
        match value {
            Value::Scalar(scalar) => crate::value::scalar_to_json(scalar),
            Value::Object(_) => ReadDoc::hydrate(self.automerge(), object, None)
                .map_or(Json::Null, |value| hydrated_to_json(&value)),
        }
    }

    /// Visits every key of every map: path, the map, the key, whether several values are live.
    pub(crate) fn walk(
        &self,
        object: &ObjId,
        at: Option<&Path>,
        visit: &mut impl FnMut(&Path, &ObjId, &str, bool),
    ) {
        for item in self.automerge().map_range(object, ..) {
            let path = at.map_or_else(|| Path::root(&item.key), |at| at.join(&item.key));
            visit(&path, object, &item.key, item.conflict);
            if matches!(item.value, ValueRef::Object(ObjType::Map)) {
                self.walk(&item.id(), Some(&path), visit);
            }
        }
    }

    /// The record as JSON and in how many fields people differ, from one pass over the document.
    pub(crate) fn to_json_and_conflicts(&self) -> (Json, usize) {
        if let Some(straight) = self.straight() {
            return (straight.to_json(), 0);
        }
        let hydrated = self.automerge().hydrate(None);
        let conflicts = if has_conflict(&hydrated) {
            self.conflicts().len()
        } else {
            0
        };
        (hydrated_to_json(&hydrated), conflicts)
    }
}

/// Whether any key of any map has several live values, equal or not.
fn has_conflict(value: &hydrate::Value) -> bool {
    match value {
        hydrate::Value::Map(map) => map
            .iter()
            .any(|(_, entry)| entry.conflict || has_conflict(&entry.value)),
        _ => false,
    }
}

/// Whether a path names a map that the schema has as a whole (`items`, `items/X/evidence`, `years`).
fn is_container(kind: crate::id::Kind, path: &Path) -> bool {
    let mut fields = schema::fields(kind);
    let mut keys = path.keys().peekable();
    loop {
        let Some(name) = keys.next() else {
            return false;
        };
        match fields.iter().find(|(field, _)| *field == name) {
            Some((_, schema::Node::Collection(key_type, element))) => match keys.next() {
                None => return true,
                Some(key) if key_type.accepts(key) => fields = element,
                Some(_) => return false,
            },
            Some((_, schema::Node::Flat(..))) => return keys.peek().is_none(),
            _ => return false,
        }
    }
}
