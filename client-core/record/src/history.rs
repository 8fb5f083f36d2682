//! Who set which field to what, when, in order; and the difference between two states.

use std::collections::{BTreeMap, HashMap};

use automerge::{
    ActorId as AutomergeActor, ChangeHash, ObjType,
    legacy::{Key, ObjectId, Op, OpId, OpType},
};
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    document::Document,
    reading::{Provenance, hex_hash},
    schema::Path,
    value::scalar_to_json,
};

/// One change: who, when, why, and what it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HistoryEntry {
    /// Who and when.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// The changes that its author knew of.
    #[serde(serialize_with = "hex_hashes")]
    pub deps: Vec<ChangeHash>,
    /// What it set, in the order in which it was written.
    pub fields: Vec<FieldChange>,
}

/// What one change, or the way from one state to another, did to one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Which field.
    pub path: Path,
    /// The values that it replaced, as far as its author knew them; several where it settled a difference.
    pub before: Vec<Json>,
    /// The value afterwards. For merging text in a history: what was inserted.
    pub after: Json,
    /// For merging text in a history: what was taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_text: Option<String>,
}

fn hex_hashes<S: serde::Serializer>(
    hashes: &[ChangeHash],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(hashes.iter().map(|hash| {
        struct Hex<'a>(&'a ChangeHash);
        impl Serialize for Hex<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                hex_hash(self.0, serializer)
            }
        }
        Hex(hash)
    }))
}

impl Document {
    /// Every change in order, each after what it builds on.
    pub fn history(&self) -> Vec<HistoryEntry> {
        let mut index = Index::default();
        let mut entries = Vec::new();
        for change in self.automerge().get_changes(&[]) {
            let Some(provenance) = self.written_by(&change.hash()) else {
                continue;
            };
            let expanded = change.decode();
            let fields = index.take_in(
                &expanded.actor_id,
                expanded.start_op.get(),
                &expanded.operations,
            );
            entries.push(HistoryEntry {
                provenance,
                deps: change.deps().to_vec(),
                fields,
            });
        }
        entries
    }

    /// The fields that read differently at two states, in the order of their paths. `None` when the
    /// document does not know one of the states. An empty list of heads is the state before the first change.
    pub fn difference(&self, from: &[ChangeHash], to: &[ChangeHash]) -> Option<Vec<FieldChange>> {
        let state = |heads: &[ChangeHash]| {
            let mut leaves = BTreeMap::new();
            let json = if heads.is_empty() {
                Json::Null
            } else {
                self.to_json_at(heads)?
            };
            flatten(None, json, &mut leaves);
            Some(leaves)
        };
        let (before, mut after) = (state(from)?, state(to)?);
        let mut changes = Vec::new();
        for (path, old) in before {
            let new = after.remove(&path).unwrap_or(Json::Null);
            if new != old {
                changes.push(FieldChange {
                    path,
                    before: vec![old],
                    after: new,
                    deleted_text: None,
                });
            }
        }
        changes.extend(after.into_iter().map(|(path, new)| FieldChange {
            path,
            before: Vec::new(),
            after: new,
            deleted_text: None,
        }));
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        Some(changes)
    }
}

/// A settlement takes the live values away and puts its own: one step for the reader.
fn add(fields: &mut Vec<FieldChange>, change: FieldChange) {
    match fields
        .last_mut()
        .filter(|last| last.path == change.path && last.deleted_text.is_none())
    {
        Some(last) => last.after = change.after,
        None => fields.push(change),
    }
}

/// Every value that is no map, under its path.
fn flatten(at: Option<&Path>, json: Json, leaves: &mut BTreeMap<Path, Json>) {
    match (at, json) {
        (_, Json::Object(map)) => {
            for (key, value) in map {
                let path = at.map_or_else(|| Path::root(&key), |at| at.join(&key));
                flatten(Some(&path), value, leaves);
            }
        }
        (Some(path), value) => {
            leaves.insert(path.clone(), value);
        }
        (None, _) => {}
    }
}

/// What has been seen of a document's operations so far.
#[derive(Default)]
struct Index {
    /// Where each map and text lies.
    objects: HashMap<OpId, (Path, ObjType)>,
    /// What each operation wrote.
    values: HashMap<OpId, Json>,
}

impl Index {
    fn take_in(
        &mut self,
        actor: &AutomergeActor,
        start_op: u64,
        operations: &[Op],
    ) -> Vec<FieldChange> {
        let mut fields: Vec<FieldChange> = Vec::new();
        // A long text is many operations: one entry of `fields` for each text object.
        let mut texts: HashMap<OpId, usize> = HashMap::new();
        for (offset, op) in (0_u64..).zip(operations) {
            let id = OpId::new(start_op.saturating_add(offset), actor);
            match (&op.obj, &op.key) {
                (ObjectId::Id(object), Key::Seq(_)) => {
                    let Some((path, _)) = self.objects.get(object).cloned() else {
                        continue;
                    };
                    let at = *texts.entry(object.clone()).or_insert_with(|| {
                        fields.push(FieldChange {
                            path,
                            before: Vec::new(),
                            after: Json::String(String::new()),
                            deleted_text: Some(String::new()),
                        });
                        fields.len() - 1
                    });
                    self.text(&id, op, fields.get_mut(at));
                }
                (object, Key::Map(key)) => {
                    let path = match object {
                        ObjectId::Root => Path::root(key),
                        ObjectId::Id(object) => match self.objects.get(object) {
                            Some((parent, _)) => parent.join(key),
                            None => continue,
                        },
                    };
                    if let Some(change) = self.map(id, op, path) {
                        add(&mut fields, change);
                    }
                }
                (ObjectId::Root, Key::Seq(_)) => {}
            }
        }
        fields
    }

    fn text(&mut self, id: &OpId, op: &Op, change: Option<&mut FieldChange>) {
        let Some(change) = change else { return };
        match &op.action {
            OpType::Put(value) => {
                let value = scalar_to_json(value);
                if let (Json::String(after), Some(text)) = (&mut change.after, value.as_str()) {
                    after.push_str(text);
                }
                self.values.insert(id.clone(), value);
            }
            OpType::Delete => {
                for pred in op.pred.iter() {
                    if let (Some(deleted), Some(Json::String(text))) =
                        (&mut change.deleted_text, self.values.get(pred))
                    {
                        deleted.push_str(text);
                    }
                }
            }
            _ => {}
        }
    }

    fn map(&mut self, id: OpId, op: &Op, path: Path) -> Option<FieldChange> {
        let after = match &op.action {
            OpType::Make(object_type) => {
                self.objects.insert(id, (path, *object_type));
                return None;
            }
            OpType::Put(value) => scalar_to_json(value),
            OpType::Delete => Json::Null,
            OpType::Increment(by) => Json::from(*by),
            OpType::MarkBegin(..) | OpType::MarkEnd(..) => return None,
        };
        let before = op
            .pred
            .iter()
            .filter_map(|pred| self.values.get(pred).cloned())
            .collect();
        self.values.insert(id, after.clone());
        Some(FieldChange {
            path,
            before,
            after,
            deleted_text: None,
        })
    }
}
