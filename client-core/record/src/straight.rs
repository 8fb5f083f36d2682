//! A history that nobody worked on at the same time as anybody else, read without Automerge.
//!
//! Most documents are like that nearly always: each change follows the one before it, sets values, makes maps and texts, and adds to
//! the end of a text. Nothing in it has to be merged, and what the document says follows from its changes one by
//! one, in a tenth of the time that Automerge takes. Whatever is not exactly like that, is not taken here, and Automerge
//! decides on it, as it would have without this file: two changes beside each other, a deletion, an insertion
//! in the middle of a text, a type of value that records don't have, a change that Automerge would encode
//! differently. `docs/decisions/0028-straight-histories-without-automerge.md` says why, and what holds the two together.

mod canonical;
mod operations;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::OnceLock,
};

use automerge::{Automerge, Change, ChangeHash};
use serde_json::{Map, Value as Json};

use crate::{
    chunk::Opened,
    document::ENCODING,
    id::ActorId,
    limits,
    straight::operations::{Action, Key, Operation, Operations, Scalar},
};

/// More changes than these are Automerge's: looking one up goes through all of them.
const MAX_CHANGES: usize = 256;

/// Such a history, and what the document says with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Straight {
    /// Each follows the one before.
    changes: Vec<(ChangeHash, Vec<u8>)>,
    /// With the sequence number of the last change of each.
    actors: Vec<(ActorId, u64)>,
    /// By the counter of the operation that made them, ascending; the root is first, and made by none.
    objects: Vec<Object>,
    /// The counter of the last operation.
    max_op: u64,
    /// The same history in Automerge, once somebody asked for it.
    opened: OnceLock<Automerge>,
}

/// Where an operation of a straight history stands: its counter, which no other has, and its actor's place.
type OperationId = (u64, usize);

#[derive(Clone, Debug)]
struct Object {
    made_by: OperationId,
    /// How deep it lies; the root lies at 0.
    depth: usize,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Map(BTreeMap<String, (OperationId, Value)>),
    Text {
        text: String,
        last: Option<OperationId>,
    },
}

#[derive(Clone, Debug)]
enum Value {
    /// Null, a truth value, a number, a text.
    Scalar(Json),
    /// The place of an object.
    Object(usize),
}

impl Straight {
    /// Takes a change in. `None` where that is Automerge's: what is here is then of no use any more, except for
    /// [`Straight::into_automerge`].
    pub(crate) fn take(&mut self, opened: &Opened<'_>, bytes: &[u8]) -> Option<()> {
        let header = &opened.header;
        let follows = match self.changes.last() {
            Some((last, _)) => header.deps == [*last],
            None => header.deps.is_empty(),
        };
        if !follows
            || self.changes.len() >= MAX_CHANGES
            || header.start_op != self.max_op + 1
            || header.max_op() > limits::MAX_DOCUMENT_OPS.min(limits::MAX_COUNTER)
            || !canonical::columns_are(opened)
        {
            return None;
        }
        self.opened.take();
        // From here on a failure leaves values half changed, which nobody reads any more.
        let actors = opened
            .actors
            .iter()
            .map(|actor| self.actor(*actor))
            .collect::<Vec<usize>>();
        let author = *actors.first()?;
        let (_, seq) = self.actors.get_mut(author)?;
        if header.seq != *seq + 1 {
            return None;
        }
        *seq = header.seq;
        if self.objects.is_empty() {
            self.objects.push(Object {
                made_by: (0, usize::MAX),
                depth: 0,
                content: Content::Map(BTreeMap::new()),
            });
        }
        let mut operations = Operations::new(opened);
        for counter in header.start_op..=header.max_op() {
            self.operate(operations.next(&actors)?, (counter, author))?;
        }
        if !operations.named_everybody() {
            return None;
        }
        self.max_op = header.max_op();
        self.changes.push((header.hash, bytes.to_vec()));
        Some(())
    }

    fn actor(&mut self, actor: ActorId) -> usize {
        let known = self.actors.iter().position(|(known, _)| *known == actor);
        known.unwrap_or_else(|| {
            self.actors.push((actor, 0));
            self.actors.len() - 1
        })
    }

    fn operate(&mut self, operation: Operation<'_>, id: OperationId) -> Option<()> {
        let place = match operation.object {
            None => 0,
            Some(object) => self.place(object)?,
        };
        let next = self.objects.len();
        let holder = self.objects.get_mut(place)?;
        let depth = holder.depth + 1;
        let mut made = None;
        match (&mut holder.content, operation.key, operation.action) {
            (Content::Map(entries), Key::Name(name), action) => {
                let value = match action {
                    Action::Set(scalar) => Value::Scalar(scalar.into()),
                    Action::MakeMap => {
                        made = Some(Content::Map(BTreeMap::new()));
                        Value::Object(next)
                    }
                    Action::MakeText => {
                        let (text, last) = (String::new(), None);
                        made = Some(Content::Text { text, last });
                        Value::Object(next)
                    }
                };
                match entries.entry(name.to_owned()) {
                    Entry::Vacant(entry) if operation.replaces.is_none() => {
                        entry.insert((id, value));
                    }
                    Entry::Occupied(mut entry) if operation.replaces == Some(entry.get().0) => {
                        entry.insert((id, value));
                    }
                    _ => return None,
                }
            }
            (
                Content::Text { text, last },
                Key::After(before),
                Action::Set(Scalar::Text(added)),
            ) if before == *last && operation.replaces.is_none() && added.chars().count() == 1 => {
                text.push_str(added);
                *last = Some(id);
            }
            _ => return None,
        }
        if let Some(content) = made {
            if depth > limits::MAX_DEPTH {
                return None;
            }
            self.objects.push(Object {
                made_by: id,
                depth,
                content,
            });
        }
        Some(())
    }

    fn place(&self, object: OperationId) -> Option<usize> {
        let found = self
            .objects
            .binary_search_by_key(&object.0, |object| object.made_by.0);
        let place = found.ok().filter(|place| *place > 0)?;
        (self.objects.get(place)?.made_by == object).then_some(place)
    }

    /// The changes with their hashes, each after the one that it follows.
    pub(crate) fn changes(&self) -> &[(ChangeHash, Vec<u8>)] {
        &self.changes
    }

    /// The change of that hash, and its place.
    pub(crate) fn find(&self, hash: &ChangeHash) -> Option<(usize, &[u8])> {
        let place = self.changes.iter().position(|(known, _)| known == hash)?;
        Some((place, &self.changes.get(place)?.1))
    }

    /// What the root says under a key, where that is no map and no text.
    pub(crate) fn scalar(&self, key: &str) -> Option<&Json> {
        match &self.objects.first()?.content {
            Content::Map(entries) => match entries.get(key)? {
                (_, Value::Scalar(value)) => Some(value),
                _ => None,
            },
            Content::Text { .. } => None,
        }
    }

    /// Everything that the document says.
    pub(crate) fn to_json(&self) -> Json {
        if self.objects.is_empty() {
            return Json::Object(Map::new());
        }
        self.json(0)
    }

    fn json(&self, place: usize) -> Json {
        match self.objects.get(place).map(|object| &object.content) {
            Some(Content::Map(entries)) => {
                let entries = entries.iter().map(|(key, (_, value))| {
                    let value = match value {
                        Value::Scalar(value) => value.clone(),
                        Value::Object(place) => self.json(*place),
                    };
                    (key.clone(), value)
                });
                Json::Object(entries.collect())
            }
            Some(Content::Text { text, .. }) => Json::String(text.clone()),
            None => Json::Null,
        }
    }

    /// The same history in Automerge.
    pub(crate) fn automerge(&self) -> &Automerge {
        self.opened.get_or_init(|| self.open())
    }

    /// The same history in Automerge, which goes on with it.
    pub(crate) fn into_automerge(mut self) -> Automerge {
        self.opened.take().unwrap_or_else(|| self.open())
    }

    /// Automerge must not refuse what [`Straight::take`] took.
    #[expect(
        clippy::panic,
        reason = "nothing can be said of such a document any more; the callers catch panics of Automerge as well"
    )]
    fn open(&self) -> Automerge {
        let mut doc = Automerge::new_with_encoding(ENCODING);
        let changes: Result<Vec<Change>, _> = self
            .changes
            .iter()
            .map(|(_, bytes)| Change::from_bytes(bytes.clone()))
            .collect();
        let applied = changes
            .map_err(|error| error.to_string())
            .and_then(|changes| {
                doc.apply_changes(changes)
                    .map_err(|error| error.to_string())
            });
        let last = self.changes.last().map(|(hash, _)| *hash);
        if let Err(error) = applied {
            panic!("Automerge refuses a straight history: {error}");
        }
        assert_eq!(
            doc.get_heads(),
            Vec::from_iter(last),
            "a straight history in Automerge"
        );
        doc
    }
}
