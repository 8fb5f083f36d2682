//! What the officer writes: one call, one transaction, on disk when it returns.

use rusqlite::Connection;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};
use sokiem_record::{
    ChangeHash,
    document::Document,
    edit::{Author, Edit, Written},
    genesis,
    id::{AreaId, DocumentId, Kind},
    limits, schema,
};

use crate::{
    book::{Book, Cache, once::Operation},
    error::{Error, Result},
    platform::new_uuid,
    store::{areas, documents, enrolment, outbox, projection, quarantine},
};

/// What a save came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The document.
    pub document: DocumentId,
    /// The change that was written; `None` when the document read like that already.
    #[serde(serialize_with = "hex", deserialize_with = "from_hex")]
    pub change: Option<ChangeHash>,
    /// The state after it: the base for the next edit.
    #[serde(serialize_with = "hex_all", deserialize_with = "from_hex_all")]
    pub heads: Vec<ChangeHash>,
}

fn hex<S: serde::Serializer>(hash: &Option<ChangeHash>, serializer: S) -> Result<S::Ok, S::Error> {
    hash.map(|hash| hash.to_string()).serialize(serializer)
}

fn from_hex<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ChangeHash>, D::Error> {
    let text: Option<String> = Deserialize::deserialize(deserializer)?;
    let hash = text.map(|text| text.parse()).transpose();
    hash.map_err(serde::de::Error::custom)
}

fn from_hex_all<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<ChangeHash>, D::Error> {
    let texts: Vec<String> = Deserialize::deserialize(deserializer)?;
    let hashes: Result<_, _> = texts.iter().map(|text| text.parse()).collect();
    hashes.map_err(serde::de::Error::custom)
}

pub(super) fn hex_all<S: serde::Serializer>(
    hashes: &[ChangeHash],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(hashes.iter().map(ToString::to_string))
}

impl Book {
    /// Makes one change of these steps: all of them or none. `base` is the state that the officer saw
    /// (see [`Saved::heads`]); values that arrived since are then not overridden but stand beside.
    ///
    /// # Errors
    /// [`Error::NoSuchDocument`], [`Error::ReadOnlyArea`], [`Error::ReadOnlyKind`], [`Error::Edit`],
    /// [`Error::ChangeTooLarge`]; nothing was written.
    pub fn edit(
        &self,
        document: DocumentId,
        base: Option<&[ChangeHash]>,
        edits: &[Edit],
        reason: Option<&str>,
    ) -> Result<Saved> {
        self.edit_with(document, base, edits, reason, |_| Ok(()))
    }

    /// As [`Book::edit`], with something else that belongs into the same transaction.
    pub(crate) fn edit_with(
        &self,
        document: DocumentId,
        base: Option<&[ChangeHash]>,
        edits: &[Edit],
        reason: Option<&str>,
        also: impl FnOnce(&Connection) -> Result<()>,
    ) -> Result<Saved> {
        let now_ms = self.now_ms();
        let change = Change {
            document,
            base,
            edits,
            reason,
            now_ms,
        };
        self.write(|connection, cache| {
            also(connection)?;
            change.make(connection, cache)
        })
    }

    /// Begins a unit that nobody registered before, with all that is known of it in one change: `name`,
    /// `unit_kind`, `address`, `years/2019.regime`, …
    ///
    /// # Errors
    /// [`Error::ReadOnlyArea`] and [`Error::Edit`]; nothing was written.
    pub fn create_unit(&self, area: AreaId, fields: &Map<String, Json>) -> Result<Saved> {
        let id = DocumentId(new_uuid(self.clock(), self.random())?);
        let now_ms = self.now_ms();
        let fields = named(Kind::Unit, fields)?;
        self.write(|connection, cache| {
            let author = author(connection, now_ms, None)?;
            let begun = genesis::document(id, Kind::Unit, &author, &fields)?;
            put_new(connection, cache, begun, area, now_ms)
        })
    }

    /// Takes a refused change off this device for good: somebody has looked at it or exported it.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be written.
    pub fn dismiss_refused(&self, document: DocumentId, change: ChangeHash) -> Result<bool> {
        let now_ms = self.now_ms();
        self.write(|connection, _| {
            let removed = quarantine::remove(connection, document, change)?;
            crate::sync::sweep(connection, now_ms)?;
            Ok(removed)
        })
    }

    /// A transaction that counts as a save, and that an operation makes once: see [`Book::once`].
    pub(super) fn write<T: Serialize + DeserializeOwned>(
        &self,
        work: impl FnOnce(&Connection, &mut Cache) -> Result<T>,
    ) -> Result<T> {
        let step = self.operation.as_ref().map(Operation::next);
        let (value, made) = self.transact(|tx, cache| {
            let Some(step) = step else {
                return Ok((work(tx, cache)?, true));
            };
            if let Some(answer) = step.answer(tx)? {
                return Ok((answer, false));
            }
            let value = work(tx, cache)?;
            step.remember(tx, &value)?;
            Ok((value, true))
        })?;
        if made {
            self.watch().saved();
        }
        Ok(value)
    }
}

/// A change of a document that is here, before it is made.
pub(super) struct Change<'a> {
    pub(super) document: DocumentId,
    pub(super) base: Option<&'a [ChangeHash]>,
    pub(super) edits: &'a [Edit],
    pub(super) reason: Option<&'a str>,
    pub(super) now_ms: i64,
}

impl Change<'_> {
    /// Makes it, in the running transaction.
    pub(super) fn make(&self, connection: &Connection, cache: &mut Cache) -> Result<Saved> {
        let document = self.document;
        let before =
            documents::find(connection, document)?.ok_or(Error::NoSuchDocument(document))?;
        require_writable(connection, before.kind, before.area)?;
        let author = author(connection, self.now_ms, self.reason)?;
        let mut content = match cache.take(document, &before.heads) {
            Some(content) => content,
            None => documents::load(connection, &before)?,
        };
        let Some(written) = content.edit(&author, self.base, self.edits)? else {
            let heads = content.heads();
            cache.put(content);
            return Ok(Saved {
                document,
                change: None,
                heads,
            });
        };
        require_size(&written)?;
        put_pending(connection, document, &written, self.now_ms)?;
        let heads = content.heads();
        let after = documents::Row {
            heads: heads.clone(),
            ..before.clone()
        };
        documents::update(connection, &before, &after)?;
        projection::put(connection, &content, before.area)?;
        cache.put(content);
        Ok(Saved {
            document,
            change: Some(written.hash),
            heads,
        })
    }
}

/// The author of a change on this device.
pub(super) fn author(connection: &Connection, now_ms: i64, reason: Option<&str>) -> Result<Author> {
    Ok(Author {
        actor: enrolment::actor(connection)?.ok_or(Error::Unreadable("the actor"))?,
        time_ms: now_ms,
        reason: reason
            .map(str::to_owned)
            .filter(|reason| !reason.is_empty()),
    })
}

pub(super) fn require_writable(connection: &Connection, kind: Kind, area: AreaId) -> Result<()> {
    if !kind.device_may_write() {
        return Err(Error::ReadOnlyKind(kind.name()));
    }
    match areas::find(connection, area)? {
        Some(row) if row.in_scope && row.writable => Ok(()),
        _ => Err(Error::ReadOnlyArea(area)),
    }
}

pub(super) fn require_size(written: &Written) -> Result<()> {
    if written.bytes.len() > limits::MAX_CHANGE_BYTES {
        return Err(Error::ChangeTooLarge(written.bytes.len()));
    }
    Ok(())
}

pub(super) fn put_pending(
    connection: &Connection,
    document: DocumentId,
    written: &Written,
    now_ms: i64,
) -> Result<()> {
    let new = outbox::New {
        document,
        hash: written.hash,
        bytes: &written.bytes,
        pending: true,
        saved_ms: now_ms,
        received_ms: None,
        reoffered: false,
    };
    outbox::insert(connection, &new)
}

/// Writes a document that begins here.
pub(super) fn put_new(
    connection: &Connection,
    cache: &mut Cache,
    begun: (Document, Written),
    area: AreaId,
    now_ms: i64,
) -> Result<Saved> {
    let (content, written) = begun;
    require_writable(connection, content.kind(), area)?;
    require_size(&written)?;
    let heads = content.heads();
    let row = documents::Row {
        id: content.id(),
        kind: content.kind(),
        area,
        acked_heads: Vec::new(),
        heads: heads.clone(),
        leaving: false,
    };
    documents::insert(connection, &row, None)?;
    put_pending(connection, row.id, &written, now_ms)?;
    projection::put(connection, &content, area)?;
    cache.put(content);
    Ok(Saved {
        document: row.id,
        change: Some(written.hash),
        heads,
    })
}

/// The fields with the paths that the schema has for them.
fn named(kind: Kind, fields: &Map<String, Json>) -> Result<Vec<(&str, Json)>> {
    let mut named = Vec::new();
    for (name, value) in fields {
        let path: schema::Path = name
            .parse()
            .map_err(|_| Error::Unreadable("the name of a field"))?;
        match schema::place(kind, &path) {
            Some(schema::Place::Field(_)) => named.push((name.as_str(), value.clone())),
            _ => return Err(sokiem_record::edit::EditError::NoSuchField(path).into()),
        }
    }
    Ok(named)
}
