//! One's own changes: typed, checked against the schema, one Automerge change for each call.

use std::collections::BTreeMap;

use automerge::{
    AutomergeError, ChangeHash, ObjId, ObjType, PatchLog, ROOT, ReadDoc, ScalarValue, Value,
    transaction::{CommitOptions, Transactable, Transaction},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    document::Document,
    id::ActorId,
    limits,
    schema::{self, FieldType, KeyType, Node, Path, Place, REMOVED},
    value::{InvalidValue, to_scalar},
};

/// Who makes a change, and when by their clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The installation, or the account on the server.
    pub actor: ActorId,
    /// Milliseconds since 1970-01-01 UTC by the author's own clock. Says nothing about order.
    pub time_ms: i64,
    /// Why, where somebody said so: a settlement, a correction.
    pub reason: Option<String>,
}

/// One step of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "lowercase", deny_unknown_fields)]
pub enum Edit {
    /// Sets a single-valued field. Refused where several people's values are live: that takes [`Edit::Settle`].
    Set {
        /// Which field.
        path: Path,
        /// The value; `null` clears the field.
        value: Json,
    },
    /// Makes merging text read like this; what others write meanwhile stays.
    Text {
        /// Which field.
        path: Path,
        /// The whole new text.
        text: String,
    },
    /// Decides between several live values. The value may be another one than those.
    Settle {
        /// Which field.
        path: Path,
        /// The value that holds from now on.
        value: Json,
    },
    /// Adds an element to a collection under a key that nobody else chooses.
    Add {
        /// `collection/key`.
        path: Path,
        /// Its fields; merging text as a string.
        fields: BTreeMap<String, Json>,
    },
    /// Strikes an element out. It stays in the record, marked, so that nothing said about it is lost.
    Remove {
        /// `collection/key`.
        path: Path,
    },
}

/// The change that an edit became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its hash.
    pub hash: ChangeHash,
    /// Its uncompressed chunk.
    pub bytes: Vec<u8>,
}

/// Why an edit can't be made. The document is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The schema has no such field, or it is another sort of field than the edit is for.
    #[error("there is no such field for this edit: {0}")]
    NoSuchField(Path),
    /// The element that the path goes through does not exist.
    #[error("there is no such element: {0}")]
    NoSuchElement(Path),
    /// An element with that key exists.
    #[error("the element exists already: {0}")]
    ElementExists(Path),
    /// The value does not fit the field.
    #[error("{path}: {source}")]
    InvalidValue {
        /// Which field.
        path: Path,
        /// What is wrong with the value.
        #[source]
        source: InvalidValue,
    },
    /// People recorded different values; one of them must be settled on.
    #[error("{0} has different values from different people: settle it")]
    NeedsSettling(Path),
    /// The field has one value only.
    #[error("{0} has one value only, there is nothing to settle")]
    NothingToSettle(Path),
    /// The edit was begun on a state that this document does not hold.
    #[error("the edit is based on changes that this document does not hold")]
    UnknownBase,
    /// The document has no first change yet.
    #[error("the document has not been begun")]
    NotBegun,
    /// The reason is too long.
    #[error("the reason is longer than {} bytes", limits::MAX_MESSAGE_BYTES)]
    ReasonTooLong,
    /// The edit takes more operations than one change may have: nobody would take it in. A text that is
    /// replaced as a whole takes one for each character that goes and one for each that comes.
    #[error("the edit takes {0} operations, more than the {max} of one change", max = limits::MAX_CHANGE_OPS)]
    TooLarge(usize),
    /// Automerge refused; the schema check should have caught it.
    #[error(transparent)]
    Automerge(#[from] AutomergeError),
}

impl Document {
    /// Makes one change of these steps: all of them or none.
    ///
    /// `base` is the state that the person saw when they decided. A value that arrived since and
    /// that they did not see is then not overridden but stands beside theirs, for somebody to settle.
    /// `None` means the present state. `Ok(None)`: the document reads like that already.
    ///
    /// # Errors
    /// [`EditError`]; the document is unchanged.
    pub fn edit(
        &mut self,
        author: &Author,
        base: Option<&[ChangeHash]>,
        edits: &[Edit],
    ) -> Result<Option<Written>, EditError> {
        if self.change_count() == 0 {
            return Err(EditError::NotBegun);
        }
        if author
            .reason
            .as_ref()
            .is_some_and(|reason| reason.len() > limits::MAX_MESSAGE_BYTES)
        {
            return Err(EditError::ReasonTooLong);
        }
        let base = self.base_with_own_changes(author.actor, base)?;
        let kind = self.kind();
        self.automerge_mut().set_actor(author.actor.to_automerge());
        let mut tx = match &base {
            Some(heads) => self
                .automerge_mut()
                .transaction_at(PatchLog::inactive(), heads)
                .map_err(|_| EditError::UnknownBase)?,
            None => self.automerge_mut().transaction(),
        };
        for edit in edits {
            if let Err(error) = (Step { tx: &mut tx, kind }).make(edit) {
                tx.rollback();
                return Err(error);
            }
        }
        if tx.pending_ops() == 0 {
            tx.rollback();
            return Ok(None);
        }
        let ops = tx.pending_ops();
        if ops as u64 > limits::MAX_CHANGE_OPS {
            tx.rollback();
            return Err(EditError::TooLarge(ops));
        }
        let (hash, _) = tx.commit_with(options(author));
        Ok(hash.and_then(|hash| self.change(&hash).map(|bytes| Written { hash, bytes })))
    }

    /// The base with one's own changes added: an actor's changes follow each other, and nobody works
    /// on a state without their own work.
    fn base_with_own_changes(
        &self,
        actor: ActorId,
        base: Option<&[ChangeHash]>,
    ) -> Result<Option<Vec<ChangeHash>>, EditError> {
        let Some(base) = base else { return Ok(None) };
        if base.is_empty() || base.iter().any(|hash| !self.contains(hash)) {
            return Err(EditError::UnknownBase);
        }
        let actor = actor.to_automerge();
        let since = self.automerge().get_changes_meta(base);
        if since.is_empty() {
            return Ok(None);
        }
        let mut heads = base.to_vec();
        heads.extend(
            since
                .iter()
                .filter(|meta| *meta.actor == actor)
                .map(|meta| meta.hash)
                .next_back(),
        );
        heads.sort_unstable();
        heads.dedup();
        Ok(Some(heads))
    }
}

/// Finding out what stayed the same between two texts takes time in proportion to the product of their
/// lengths. Beyond this one, what lies between their common beginning and end is replaced as a whole.
const MAX_COMPARED: usize = 4_000_000;

/// What differs between two texts: where it begins, how many characters go, and what comes.
fn middle<'a>(before: &str, after: &'a str) -> (usize, usize, &'a str) {
    let mut rest = (before.chars(), after.chars());
    let mut start = 0;
    loop {
        let ahead = rest.clone();
        match (rest.0.next(), rest.1.next()) {
            (Some(one), Some(other)) if one == other => start += 1,
            _ => {
                rest = ahead;
                break;
            }
        }
    }
    loop {
        let ahead = rest.clone();
        match (rest.0.next_back(), rest.1.next_back()) {
            (Some(one), Some(other)) if one == other => {}
            _ => return (start, ahead.0.count(), ahead.1.as_str()),
        }
    }
}

pub(crate) fn options(author: &Author) -> CommitOptions {
    let options = CommitOptions::default().with_time(author.time_ms);
    match &author.reason {
        Some(reason) => options.with_message(crate::fold::nfc(reason)),
        None => options,
    }
}

/// Sets one field that is no merging text, inside the transaction that begins its document.
pub(crate) fn set(
    tx: &mut Transaction<'_>,
    kind: crate::id::Kind,
    path: &Path,
    value: &Json,
) -> Result<(), EditError> {
    Step { tx, kind }.set(path, value, false)
}

/// One step inside a transaction.
struct Step<'a, 'd> {
    tx: &'a mut Transaction<'d>,
    kind: crate::id::Kind,
}

impl Step<'_, '_> {
    fn make(&mut self, edit: &Edit) -> Result<(), EditError> {
        match edit {
            Edit::Set { path, value } => self.set(path, value, false),
            Edit::Settle { path, value } => self.set(path, value, true),
            Edit::Text { path, text } => self.text(path, text),
            Edit::Add { path, fields } => self.add(path, fields),
            Edit::Remove { path } => match schema::place(self.kind, path) {
                Some(Place::Element(..)) => self.set(&path.join(REMOVED), &Json::Bool(true), false),
                _ => Err(EditError::NoSuchField(path.clone())),
            },
        }
    }

    fn set(&mut self, path: &Path, value: &Json, settle: bool) -> Result<(), EditError> {
        let Some(Place::Field(field)) = schema::place(self.kind, path) else {
            return Err(EditError::NoSuchField(path.clone()));
        };
        if field == FieldType::Text {
            return Err(EditError::NoSuchField(path.clone()));
        }
        let scalar = to_scalar(field, value).map_err(|source| EditError::InvalidValue {
            path: path.clone(),
            source,
        })?;
        let (parent, key) = self.parent(path)?;
        let live = self.tx.get_all(&parent, key.as_str())?;
        let differ = live
            .iter()
            .any(|(value, _)| live.first().is_some_and(|(first, _)| first != value));
        match (differ, settle) {
            (true, false) => return Err(EditError::NeedsSettling(path.clone())),
            (false, true) => return Err(EditError::NothingToSettle(path.clone())),
            _ => {}
        }
        let same =
            |(value, _): &(Value<'_>, ObjId)| value.as_scalar().is_some_and(|live| *live == scalar);
        let unchanged = match live.as_slice() {
            [] => scalar == ScalarValue::Null,
            // Several people agree: their values stand together, and nothing is to be done.
            values => values.iter().all(same),
        };
        if differ {
            // Putting the value that Automerge shows already would leave it with its first author. A
            // settlement is the settler's: it replaces every live value.
            self.tx.delete(&parent, key.as_str())?;
        }
        if differ || !unchanged {
            self.tx.put(&parent, key, scalar)?;
        }
        Ok(())
    }

    fn text(&mut self, path: &Path, text: &str) -> Result<(), EditError> {
        let Some(Place::Field(FieldType::Text)) = schema::place(self.kind, path) else {
            return Err(EditError::NoSuchField(path.clone()));
        };
        let text = text_value(path, text)?;
        let (parent, key) = self.parent(path)?;
        match self.tx.get(&parent, key.as_str())? {
            Some((Value::Object(ObjType::Text), object)) => {
                let before = self.tx.text(&object)?;
                if before == text {
                    return Ok(());
                }
                let (start, gone, new) = middle(&before, &text);
                if gone.saturating_mul(new.chars().count()) > MAX_COMPARED {
                    let gone = isize::try_from(gone).unwrap_or(isize::MAX);
                    self.tx.splice_text(&object, start, gone, new)?;
                } else {
                    self.tx.update_text(&object, &text)?;
                }
                Ok(())
            }
            _ => Err(EditError::NoSuchElement(path.clone())),
        }
    }

    fn add(&mut self, path: &Path, fields: &BTreeMap<String, Json>) -> Result<(), EditError> {
        let Some(Place::Element(key_type, schema)) = schema::place(self.kind, path) else {
            return Err(EditError::NoSuchField(path.clone()));
        };
        // The criteria of an inspection are fixed by its first change.
        if key_type == KeyType::Code {
            return Err(EditError::NoSuchElement(path.clone()));
        }
        let (parent, key) = self.parent(path)?;
        if self.tx.get(&parent, key.as_str())?.is_some() {
            return Err(EditError::ElementExists(path.clone()));
        }
        let element = self.tx.put_object(&parent, key, ObjType::Map)?;
        containers(self.tx, &element, schema)?;
        for (name, value) in fields {
            let path = path.join(name);
            match (schema::place(self.kind, &path), value.as_str()) {
                (Some(Place::Field(FieldType::Text)), Some(text)) => self.text(&path, text)?,
                (Some(Place::Field(_)), _) => self.set(&path, value, false)?,
                _ => return Err(EditError::NoSuchField(path)),
            }
        }
        Ok(())
    }

    /// The map that a path's last key lies in. A flat map is one level of path: `years/2019.regime`.
    fn parent(&self, path: &Path) -> Result<(ObjId, String), EditError> {
        let mut parent = ROOT;
        let mut keys = path.keys().peekable();
        while let Some(key) = keys.next() {
            if keys.peek().is_none() {
                return Ok((parent, key.to_owned()));
            }
            parent = match self.tx.get(&parent, key)? {
                Some((Value::Object(ObjType::Map), object)) => object,
                _ => return Err(EditError::NoSuchElement(path.clone())),
            };
        }
        Err(EditError::NoSuchField(path.clone()))
    }
}

fn text_value(path: &Path, text: &str) -> Result<String, EditError> {
    let text = crate::fold::nfc(text);
    if text.chars().count() > limits::MAX_TEXT_CHARS {
        let source = InvalidValue::TooLong(limits::MAX_TEXT_CHARS);
        return Err(EditError::InvalidValue {
            path: path.clone(),
            source,
        });
    }
    Ok(text)
}

/// Creates the maps and texts that the schema names inside a fresh map, in the schema's order.
pub(crate) fn containers(
    tx: &mut Transaction<'_>,
    parent: &ObjId,
    fields: &[(&str, Node)],
) -> Result<(), AutomergeError> {
    for (name, node) in fields {
        match node {
            Node::Field(FieldType::Text) => {
                tx.put_object(parent, *name, ObjType::Text)?;
            }
            Node::Field(_) => {}
            Node::Collection(..) | Node::Flat(..) => {
                tx.put_object(parent, *name, ObjType::Map)?;
            }
        }
    }
    Ok(())
}
