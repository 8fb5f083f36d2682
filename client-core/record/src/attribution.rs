//! Who wrote each value and each part of a merging text, and the record as it was at an earlier state.

use std::collections::{BTreeMap, HashMap, HashSet};

use automerge::{Automerge, ChangeHash, ObjId, ObjType, ReadDoc, ScalarValueRef, Value, ValueRef};
use serde::Serialize;

use crate::{
    document::{Document, ENCODING},
    reading::{Alternative, Provenance},
    schema::Path,
};

/// A stretch of a merging text that one change wrote. What somebody took out of it since is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The characters.
    pub text: String,
    /// Who wrote them.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// Who wrote what a record says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Attribution {
    /// Every single-valued field that somebody set, with its live values, the one that is shown first.
    pub values: BTreeMap<Path, Vec<Alternative>>,
    /// Every merging text that is not empty, in the order of reading.
    pub texts: BTreeMap<Path, Vec<Part>>,
    /// Every element of a collection, with who added it.
    pub elements: BTreeMap<Path, Provenance>,
}

impl Document {
    /// The record as it was at some heads, with the history that led there; `None` when the document
    /// does not know one of them, or for no heads at all.
    pub fn at(&self, heads: &[ChangeHash]) -> Option<Document> {
        let mut wanted = HashSet::new();
        let mut rest = heads.to_vec();
        while let Some(hash) = rest.pop() {
            if wanted.insert(hash) {
                rest.extend(self.automerge().get_change_meta_by_hash(&hash)?.deps);
            }
        }
        if wanted.is_empty() {
            return None;
        }
        let changes: Vec<_> = self
            .automerge()
            .get_changes(&[])
            .into_iter()
            .filter(|change| wanted.contains(&change.hash()))
            .collect();
        let mut doc = Automerge::new_with_encoding(ENCODING);
        doc.apply_changes(changes).ok()?;
        Some(self.with(doc))
    }

    /// The heads of the state after each of these changes, given in an order in which each comes after
    /// what it builds on. Ascending by hash.
    pub fn states(&self, order: &[ChangeHash]) -> Vec<Vec<ChangeHash>> {
        let mut heads: Vec<ChangeHash> = Vec::new();
        order
            .iter()
            .map(|hash| {
                if let Some(meta) = self.automerge().get_change_meta_by_hash(hash) {
                    heads.retain(|head| !meta.deps.contains(head));
                    heads.push(*hash);
                    heads.sort_unstable();
                }
                heads.clone()
            })
            .collect()
    }

    /// Who wrote each value, each part of a merging text, and added each element.
    pub fn attribution(&self) -> Attribution {
        let mut found = Attribution::default();
        // A text is many operations of few changes.
        let mut known: HashMap<ChangeHash, Provenance> = HashMap::new();
        self.walk(
            &automerge::ROOT,
            None,
            &mut |path, parent, key, _| match self.automerge().get(parent, key) {
                Ok(Some((Value::Object(ObjType::Text), object))) => {
                    let parts = self.parts(&object, &mut known);
                    if !parts.is_empty() {
                        found.texts.insert(path.clone(), parts);
                    }
                }
                Ok(Some((Value::Object(_), object))) => {
                    if let Some(by) = self.maker(&object) {
                        found.elements.insert(path.clone(), by);
                    }
                }
                Ok(Some((Value::Scalar(_), _))) => {
                    found
                        .values
                        .insert(path.clone(), self.alternatives(parent, key));
                }
                _ => {}
            },
        );
        found
    }

    fn maker(&self, object: &ObjId) -> Option<Provenance> {
        self.written_by(&self.automerge().hash_for_opid(object)?)
    }

    fn parts(&self, text: &ObjId, known: &mut HashMap<ChangeHash, Provenance>) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for item in self.automerge().list_range(text, ..) {
            let ValueRef::Scalar(ScalarValueRef::Str(characters)) = &item.value else {
                continue;
            };
            let Some(hash) = self.automerge().hash_for_opid(&item.id()) else {
                continue;
            };
            match parts.last_mut() {
                Some(last) if last.provenance.hash == hash => last.text.push_str(characters),
                _ => {
                    let by = known.get(&hash).cloned().or_else(|| self.written_by(&hash));
                    let Some(provenance) = by else { continue };
                    known.insert(hash, provenance.clone());
                    parts.push(Part {
                        text: characters.to_string(),
                        provenance,
                    });
                }
            }
        }
        parts
    }
}
