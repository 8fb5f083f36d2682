//! Keeping what a file brought in quarantine, and saying of each document what came of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    id::{DeviceId, DocumentId},
    limits,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{super::Key, file::Brought};
use crate::{
    accounts::access::Areas,
    error::Error,
    store::{Writing, id},
    sync::stored,
};

/// What a row of the quarantine takes beside its bytes.
const ROW_BYTES: u64 = 100;

/// What came of one document's changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedDocument {
    /// The document.
    pub(crate) document: Uuid,
    /// Its kind, as the file says.
    pub(crate) kind: String,
    /// What the server calls it, where the caller may read it.
    pub(crate) title: Option<String>,
    /// What the file calls it.
    pub(crate) name: Option<String>,
    /// Changes that wait in quarantine now and were not there before.
    pub(crate) added: u32,
    /// Changes that waited in quarantine before.
    pub(crate) waiting: u32,
    /// Changes that had been taken over or dismissed before.
    pub(crate) settled: u32,
    /// Changes that the record has.
    pub(crate) stored: u32,
    /// Changes that were not taken, and why.
    pub(crate) refused: Vec<NotTaken>,
    /// The waiting changes that no other of them builds on, as the quarantine calls them: to take one over brings along
    /// what it builds on.
    pub(crate) last: Vec<String>,
}

/// Changes that were not taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotTaken {
    /// How many.
    pub(crate) changes: u32,
    /// Why: `unknown-device`, `too-large`, `quarantine-full`.
    pub(crate) reason: &'static str,
    /// The same in words.
    pub(crate) text: &'static str,
    /// The same in Vietnamese.
    pub(crate) text_vi: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    UnknownDevice,
    TooLarge,
    Full,
}

impl Why {
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Why::UnknownDevice => (
                "unknown-device",
                "Neither its author nor the file's device is known here.",
                "Không biết người ghi, cũng không biết máy đã xuất tệp.",
            ),
            Why::TooLarge => (
                "too-large",
                "It is larger than any change may be.",
                "Thay đổi lớn quá mức cho phép.",
            ),
            Why::Full => (
                "quarantine-full",
                "The device's quarantine is full: settle some of it, then import again.",
                "Phần chờ xem của máy này đã đầy: hãy xử lý bớt rồi nhập lại tệp.",
            ),
        }
    }
}

/// What came of one change.
enum Outcome {
    Added(Key),
    Waiting(Key),
    Settled,
    Stored,
    Refused(Why),
}

#[derive(Default)]
struct Counted {
    kind: String,
    name: Option<String>,
    added: u32,
    waiting: u32,
    settled: u32,
    stored: u32,
    refused: BTreeMap<Why, u32>,
    waits: Vec<Key>,
    built_on: HashSet<ChangeHash>,
}

/// What came of a file so far.
#[derive(Default)]
pub(super) struct Outcomes {
    order: Vec<DocumentId>,
    documents: HashMap<DocumentId, Counted>,
    /// Bytes in the quarantine of each device, as far as somebody had to know in this write.
    kept: HashMap<DeviceId, u64>,
    /// One of the devices that brought something.
    pub(super) device: Option<DeviceId>,
    pub(super) added: u32,
    pub(super) known: u32,
}

impl Outcomes {
    /// Keeps some changes. What is kept already is not kept twice.
    pub(super) fn keep(
        &mut self,
        writing: &Writing<'_>,
        device: Option<Uuid>,
        quota: u64,
        changes: &[Brought],
    ) -> Result<(), Error> {
        self.kept.clear();
        for change in changes {
            let header = ChangeHeader::parse(&change.bytes).ok();
            let outcome = self.keep_one(writing, change, header.as_ref(), device, quota)?;
            self.note(change, header, outcome);
        }
        Ok(())
    }

    fn keep_one(
        &mut self,
        writing: &Writing<'_>,
        change: &Brought,
        header: Option<&ChangeHeader>,
        device: Option<Uuid>,
        quota: u64,
    ) -> Result<Outcome, Error> {
        let sql = writing.sql;
        if change.bytes.len() > 2 * limits::MAX_CHANGE_BYTES {
            return Ok(Outcome::Refused(Why::TooLarge));
        }
        let hash = header.map_or_else(
            || ChangeHash(Sha256::digest(&change.bytes).into()),
            |header| header.hash,
        );
        // Who wrote it, where that is known; else the phone that the file names.
        let by_actor = match header {
            Some(header) => device_of(sql, header)?,
            None => None,
        };
        let device = match by_actor {
            Some(device) => Some(device),
            None => known_device(sql, device)?,
        };
        let Some(device) = device else {
            return Ok(Outcome::Refused(Why::UnknownDevice));
        };
        if stored::has_change(sql, change.document, &hash)? {
            return Ok(Outcome::Stored);
        }
        let key = Key {
            device,
            document: change.document,
            hash,
        };
        match state(sql, key)?.as_deref() {
            Some("open") => return Ok(Outcome::Waiting(key)),
            Some(_) => return Ok(Outcome::Settled),
            None => {}
        }
        let before = match self.kept.get(&device) {
            Some(kept) => *kept,
            None => kept_bytes(sql, device)?,
        };
        let kept = before + change.bytes.len() as u64 + ROW_BYTES;
        if kept > quota {
            return Ok(Outcome::Refused(Why::Full));
        }
        self.kept.insert(device, kept);
        sql.prepare_cached(
        "INSERT INTO quarantine (device, document, hash, kind, area, bytes, reason, received_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        device.as_bytes().as_slice(),
        change.document.as_bytes().as_slice(),
        hash.0.as_slice(),
        change.kind.name(),
        change.area.as_bytes().as_slice(),
        change.bytes,
        change.reason,
        writing.now_ms,
    ])?;
        Ok(Outcome::Added(key))
    }

    fn note(&mut self, change: &Brought, header: Option<ChangeHeader>, outcome: Outcome) {
        let counted = self.documents.entry(change.document).or_insert_with(|| {
            self.order.push(change.document);
            Counted {
                kind: change.kind.name().to_owned(),
                ..Counted::default()
            }
        });
        if counted.name.is_none() {
            counted.name.clone_from(&change.name);
        }
        match outcome {
            Outcome::Added(key) => {
                counted.added += 1;
                self.added += 1;
                self.device = Some(key.device);
                counted.waits.push(key);
            }
            Outcome::Waiting(key) => {
                counted.waiting += 1;
                self.known += 1;
                counted.waits.push(key);
            }
            Outcome::Settled => {
                counted.settled += 1;
                self.known += 1;
            }
            Outcome::Stored => {
                counted.stored += 1;
                self.known += 1;
            }
            Outcome::Refused(why) => *counted.refused.entry(why).or_default() += 1,
        }
        counted
            .built_on
            .extend(header.into_iter().flat_map(|header| header.deps));
    }

    /// The documents in the order of the file, as somebody with these areas may hear of them.
    pub(super) fn told(
        self,
        sql: &Connection,
        areas: &Areas,
    ) -> Result<Vec<ImportedDocument>, Error> {
        let mut documents = self.documents;
        let mut told = Vec::with_capacity(self.order.len());
        for document in self.order {
            let Some(counted) = documents.remove(&document) else {
                continue;
            };
            let refused = counted.refused.into_iter().map(|(why, changes)| {
                let (reason, text, text_vi) = why.words();
                NotTaken {
                    changes,
                    reason,
                    text,
                    text_vi,
                }
            });
            let last = counted
                .waits
                .iter()
                .filter(|key| !counted.built_on.contains(&key.hash));
            told.push(ImportedDocument {
                document: document.0,
                kind: counted.kind,
                title: title(sql, document, areas)?,
                name: counted.name,
                added: counted.added,
                waiting: counted.waiting,
                settled: counted.settled,
                stored: counted.stored,
                refused: refused.collect(),
                last: last.map(ToString::to_string).collect(),
            });
        }
        Ok(told)
    }
}

/// What the server calls a document; nothing of one that lies where the caller may not read.
fn title(sql: &Connection, document: DocumentId, areas: &Areas) -> Result<Option<String>, Error> {
    let found = sql
        .prepare_cached("SELECT title, area FROM documents WHERE id = ?1")?
        .query_row([document.as_bytes().as_slice()], |row| {
            Ok((row.get::<_, Option<String>>(0)?, id::id(row, 1)?))
        })
        .optional()?;
    Ok(found.and_then(|(title, area)| title.filter(|_| areas.readable(area))))
}

fn state(sql: &Connection, key: Key) -> Result<Option<String>, Error> {
    Ok(sql
        .prepare_cached(
            "SELECT state FROM quarantine WHERE device = ?1 AND document = ?2 AND hash = ?3",
        )?
        .query_row(
            params![
                key.device.as_bytes().as_slice(),
                key.document.as_bytes().as_slice(),
                key.hash.0.as_slice()
            ],
            |row| row.get(0),
        )
        .optional()?)
}

fn kept_bytes(sql: &Connection, device: DeviceId) -> Result<u64, Error> {
    Ok(sql
        .prepare_cached(
            "SELECT coalesce(sum(length(bytes) + ?2), 0) FROM quarantine WHERE device = ?1 AND state = 'open'",
        )?
        .query_row(params![device.as_bytes().as_slice(), ROW_BYTES], |row| row.get(0))?)
}

fn device_of(sql: &Connection, header: &ChangeHeader) -> Result<Option<DeviceId>, Error> {
    let device: Option<Option<DeviceId>> = sql
        .prepare_cached("SELECT device FROM actors WHERE actor = ?1")?
        .query_row([header.actor.as_bytes().as_slice()], |row| {
            id::optional_id(row, 0)
        })
        .optional()?;
    Ok(device.flatten())
}

fn known_device(sql: &Connection, device: Option<Uuid>) -> Result<Option<DeviceId>, Error> {
    let Some(device) = device else {
        return Ok(None);
    };
    let known = sql
        .prepare_cached("SELECT 1 FROM devices WHERE id = ?1")?
        .exists([device.as_bytes().as_slice()])?;
    Ok(known.then_some(DeviceId(device)))
}
