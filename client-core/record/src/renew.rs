//! Work written anew under another name: the same values, the author's time and reason, another actor.
//!
//! A change whose actor and sequence are taken can never join the document. What it did can be done
//! again on the present state. A phone does so when it was cloned, and a supervisor who takes over what was refused.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{
    ChangeHash,
    document::Document,
    edit::{Author, Edit, EditError, Written},
    history::FieldChange,
    id::Kind,
    schema::{self, FieldType, Path, Place},
};

/// What came of writing work anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// This change says the same.
    As(Written),
    /// The record reads like that already.
    Nothing,
}

/// Does in `renewed` again what led from one state of `shown` to another. `base` is the state of `renewed` to do
/// it on: what came to be beside that state stays beside it, as in [`Document::edit`]; `None` means the present
/// one. `None` comes back where it can't be done.
pub fn renew(
    shown: &Document,
    renewed: &mut Document,
    author: &Author,
    states: (&[ChangeHash], &[ChangeHash]),
    base: Option<&[ChangeHash]>,
) -> Option<Renewed> {
    let changes = shown.difference(states.0, states.1)?;
    let json = match base {
        Some(heads) => renewed.to_json_at(heads)?,
        None => renewed.to_json(),
    };
    let mut edits = edits(renewed.kind(), &json, &changes)?;
    // Values that differ meanwhile are decided by the one who decided then.
    for _ in 0..=edits.len() {
        match renewed.edit(author, base, &edits) {
            Ok(Some(written)) => return Some(Renewed::As(written)),
            Ok(None) => return Some(Renewed::Nothing),
            Err(EditError::NeedsSettling(path)) => settle(&mut edits, &path),
            Err(_) => return None,
        }
    }
    None
}

fn settle(edits: &mut [Edit], wanted: &Path) {
    for edit in edits {
        if let Edit::Set { path, value } = edit
            && path == wanted
        {
            *edit = Edit::Settle {
                path: path.clone(),
                value: value.clone(),
            };
        }
    }
}

/// The differences as edits: elements that the document lacks are added, fields are set.
fn edits(kind: Kind, json: &Json, changes: &[FieldChange]) -> Option<Vec<Edit>> {
    let mut added: BTreeMap<Path, BTreeMap<String, Json>> = BTreeMap::new();
    let mut edits = Vec::new();
    for change in changes {
        let Some(Place::Field(field)) = schema::place(kind, &change.path) else {
            return None;
        };
        match missing_element(kind, json, &change.path) {
            Some((element, name)) => {
                added
                    .entry(element)
                    .or_default()
                    .insert(name, change.after.clone());
            }
            None if field == FieldType::Text => edits.push(Edit::Text {
                path: change.path.clone(),
                text: change.after.as_str().unwrap_or_default().to_owned(),
            }),
            None => edits.push(Edit::Set {
                path: change.path.clone(),
                value: change.after.clone(),
            }),
        }
    }
    // An element comes before those inside it: the order of paths.
    let adds = added
        .into_iter()
        .map(|(path, fields)| Edit::Add { path, fields });
    Some(adds.chain(edits).collect())
}

/// The element that a field lies directly in, where the document lacks it, and the field's name.
fn missing_element(kind: Kind, json: &Json, path: &Path) -> Option<(Path, String)> {
    let (element, name) = path.as_str().rsplit_once('/')?;
    let element: Path = element.parse().ok()?;
    if !matches!(schema::place(kind, &element), Some(Place::Element(..))) {
        return None;
    }
    let found = element.keys().try_fold(json, |json, key| json.get(key));
    found.is_none().then(|| (element, name.to_owned()))
}
