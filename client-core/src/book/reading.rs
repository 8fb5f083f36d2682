//! Opening a record: its values, who wrote them, and where people differ, with names.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde_json::Value as Json;
use sokiem_record::{
    ChangeHash,
    attachment::Reference,
    history::FieldChange,
    id::{AccountId, ActorId, AreaId, DocumentId, Kind},
    reading::Provenance,
    schema::Path,
};

use crate::{
    book::{Book, writing::hex_all},
    error::{Error, Result},
    store::{
        areas, documents, enrolment, outbox,
        quarantine::{self, Refused},
        record::{self, Event},
    },
};

/// An area that this device may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AreaInScope {
    /// The area.
    pub area: AreaId,
    /// Its name; empty until its own document has arrived.
    pub name: String,
    /// Whether this device may write there. Areas above an officer's own are read-only.
    pub writable: bool,
}

/// A document as the officer sees it: what the server acknowledged and what is pending.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Opened {
    /// The document.
    pub document: DocumentId,
    /// Its kind.
    pub kind: Kind,
    /// The area that it lies in.
    pub area: AreaId,
    /// Whether this device may write it.
    pub writable: bool,
    /// Whether something of it is not on the server yet.
    pub pending: bool,
    /// The state: the base for an edit.
    #[serde(serialize_with = "hex_all")]
    pub heads: Vec<ChangeHash>,
    /// Its fields, as the schema names them.
    pub fields: Json,
    /// Where people differ.
    pub conflicts: Vec<NamedConflict>,
}

/// Whose a change is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Author {
    /// The account; `None` when no roster on this device names the actor.
    pub account: Option<AccountId>,
    /// The person's name; empty when it is not known, and for the first change of a planned inspection.
    pub name: String,
    /// The person's title.
    pub title: String,
    /// What the device is called; empty for what was written at the server.
    pub device: String,
    /// Whether this installation wrote it.
    pub here: bool,
}

/// One of several live values, with who wrote it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedAlternative {
    /// The value.
    pub value: Json,
    /// The change that wrote it, its time and reason.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// Whose it is.
    pub author: Author,
    /// When the server received it, in milliseconds since 1970-01-01 UTC; `None` while it is pending.
    pub received_ms: Option<i64>,
}

/// A field in which people differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedConflict {
    /// Which field.
    pub path: Path,
    /// Every live value, the one that is shown meanwhile first.
    pub alternatives: Vec<NamedAlternative>,
}

/// One change of a document's history, with who made it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedHistoryEntry {
    /// The change, its time and reason.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// Whose it is.
    pub author: Author,
    /// When the server received it, in milliseconds since 1970-01-01 UTC; `None` while it is pending.
    pub received_ms: Option<i64>,
    /// The changes that its author knew of.
    #[serde(serialize_with = "hex_all")]
    pub deps: Vec<ChangeHash>,
    /// What it set.
    pub fields: Vec<FieldChange>,
}

impl Book {
    /// Every attachment that a record names.
    ///
    /// # Errors
    /// [`Error::NoSuchDocument`]; [`Error::Document`] when it can't be read.
    pub fn references(&self, document: DocumentId) -> Result<Vec<Reference>> {
        self.read(|connection| {
            let row = find(connection, document)?;
            Ok(documents::load(connection, &row)?.references())
        })
    }

    /// Opens a document.
    ///
    /// # Errors
    /// [`Error::NoSuchDocument`], [`Error::Document`] when its bytes are damaged.
    pub fn get(&self, document: DocumentId) -> Result<Opened> {
        self.read(|connection| {
            let row = find(connection, document)?;
            let content = documents::load(connection, &row)?;
            let area = areas::find(connection, row.area)?;
            Ok(Opened {
                document,
                kind: row.kind,
                area: row.area,
                writable: row.kind.device_may_write()
                    && area.is_some_and(|area| area.in_scope && area.writable),
                pending: outbox::has_pending(connection, document)?,
                heads: content.heads(),
                fields: content.to_json(),
                conflicts: named_conflicts(connection, &row, content.conflicts())?,
            })
        })
    }

    /// Where people differ in a document, with who recorded what.
    ///
    /// # Errors
    /// As [`Book::get`].
    pub fn conflicts(&self, document: DocumentId) -> Result<Vec<NamedConflict>> {
        self.read(|connection| {
            let row = find(connection, document)?;
            let conflicts = documents::load(connection, &row)?.conflicts();
            named_conflicts(connection, &row, conflicts)
        })
    }

    /// Every change of a document in order, with who made it.
    ///
    /// # Errors
    /// As [`Book::get`].
    pub fn history(&self, document: DocumentId) -> Result<Vec<NamedHistoryEntry>> {
        self.read(|connection| {
            let row = find(connection, document)?;
            let receipts = documents::receipts(connection, &row)?;
            let entries = documents::load(connection, &row)?.history();
            entries
                .into_iter()
                .map(|entry| {
                    Ok(NamedHistoryEntry {
                        author: author_of(connection, entry.provenance.actor)?,
                        received_ms: receipts.get(&entry.provenance.hash).copied(),
                        provenance: entry.provenance,
                        deps: entry.deps,
                        fields: entry.fields,
                    })
                })
                .collect()
        })
    }

    /// The fields that read differently at two states. `None` when the document does not know one of
    /// them; no heads at all is the state before the first change.
    ///
    /// # Errors
    /// As [`Book::get`].
    pub fn difference(
        &self,
        document: DocumentId,
        from: &[ChangeHash],
        to: &[ChangeHash],
    ) -> Result<Option<Vec<FieldChange>>> {
        self.read(|connection| {
            let row = find(connection, document)?;
            Ok(documents::load(connection, &row)?.difference(from, to))
        })
    }

    /// Whose an actor is, as far as the rosters on this device say.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn author(&self, actor: ActorId) -> Result<Author> {
        self.read(|connection| author_of(connection, actor))
    }

    /// The areas in this device's scope, by name.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn areas(&self) -> Result<Vec<AreaInScope>> {
        self.read(areas::in_scope)
    }

    /// What was refused, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn refused(&self) -> Result<Vec<Refused>> {
        self.read(quarantine::all)
    }

    /// What happened lately that a person may want to know, newest first.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn events(&self, limit: u32) -> Result<Vec<Event>> {
        self.read(|connection| record::events(connection, limit))
    }
}

pub(super) fn find(connection: &Connection, document: DocumentId) -> Result<documents::Row> {
    documents::find(connection, document)?.ok_or(Error::NoSuchDocument(document))
}

fn named_conflicts(
    connection: &Connection,
    row: &documents::Row,
    conflicts: Vec<sokiem_record::reading::Conflict>,
) -> Result<Vec<NamedConflict>> {
    if conflicts.is_empty() {
        return Ok(Vec::new());
    }
    let receipts = documents::receipts(connection, row)?;
    let mut named = Vec::new();
    for conflict in conflicts {
        let mut alternatives = Vec::new();
        for alternative in conflict.alternatives {
            alternatives.push(NamedAlternative {
                author: author_of(connection, alternative.provenance.actor)?,
                received_ms: receipts.get(&alternative.provenance.hash).copied(),
                value: alternative.value,
                provenance: alternative.provenance,
            });
        }
        named.push(NamedConflict {
            path: conflict.path,
            alternatives,
        });
    }
    Ok(named)
}

pub(super) fn author_of(connection: &Connection, actor: ActorId) -> Result<Author> {
    let here = enrolment::actor(connection)? == Some(actor);
    let listed = connection
        .prepare_cached("SELECT account, name, title, device_name FROM actors WHERE actor = ?1")?
        .query_row([actor.as_bytes().as_slice()], |row| {
            let account: Vec<u8> = row.get(0)?;
            Ok(Author {
                account: AccountId::from_slice(&account),
                name: row.get(1)?,
                title: row.get(2)?,
                device: row.get(3)?,
                here,
            })
        })
        .optional()?;
    if let Some(author) = listed {
        return Ok(author);
    }
    let own = if here {
        enrolment::get(connection)?
    } else {
        None
    };
    Ok(match own {
        Some(own) => Author {
            account: Some(own.account),
            name: own.account_name,
            title: own.account_title,
            device: String::new(),
            here,
        },
        None => Author {
            here,
            ..Author::default()
        },
    })
}
