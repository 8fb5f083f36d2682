//! Putting aside what devices bring back of documents that only the server writes.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    document::{Document, Received},
    genesis,
    id::{AccountId, ActorId, DeviceId, DocumentId},
    refusal::Refusal,
    wire::{ChangeOutcome, DocumentPush, Hash},
};

use crate::{
    app,
    error::Error,
    store::{Writing, id},
    sync::{
        log,
        stored::{self, Row},
    },
};

/// Most bytes that wait for an administrator, of all devices together.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// One document's push of that sort.
pub(crate) struct Aside<'a> {
    writing: &'a Writing<'a>,
    device: DeviceId,
    push: &'a DocumentPush,
    row: Option<&'a Row>,
    /// The document with everything that waits for it, once it was needed.
    document: Option<Document>,
    /// Actors that can't have written what was lost.
    foreign: Option<HashSet<ActorId>>,
    dismissed: bool,
}

impl<'a> Aside<'a> {
    pub(crate) fn new(
        writing: &'a Writing<'a>,
        device: DeviceId,
        push: &'a DocumentPush,
        row: Option<&'a Row>,
    ) -> Self {
        Self {
            writing,
            device,
            push,
            row,
            document: None,
            foreign: None,
            dismissed: false,
        }
    }

    /// A device that holds what was dismissed is to drop its copy and take the server's.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.row.filter(|_| self.dismissed) {
            Some(row) => log::append(self.writing.sql, row.area, row.id, log::What::Again),
            None => Ok(()),
        }
    }

    /// Puts a change aside and answers.
    pub(crate) fn change(&mut self, bytes: &[u8]) -> Result<ChangeOutcome, Error> {
        let sql = self.writing.sql;
        let header = match ChangeHeader::parse(bytes) {
            Ok(header) => header,
            Err(refusal) => return Ok(ChangeOutcome::Refused(refusal)),
        };
        if stored::has_change(sql, self.push.document, &header.hash)? {
            return Ok(ChangeOutcome::Had);
        }
        match state(sql, self.push.document, header.hash)?.as_deref() {
            Some("waiting") => {
                self.vouch(header.hash)?;
                return Ok(ChangeOutcome::Refused(Refusal::AwaitsApproval));
            }
            Some(_) => {
                self.dismissed = true;
                return Ok(ChangeOutcome::Refused(Refusal::ReadOnlyKind));
            }
            None => {}
        }
        if self.foreign()?.contains(&header.actor) {
            return Ok(ChangeOutcome::Refused(Refusal::ForeignActor));
        }
        let document = self.document()?;
        match document.receive(bytes) {
            Ok(Received::Applied(header)) if document.states_itself() && document.is_readable() => {
                self.keep(&header, bytes)
            }
            Ok(Received::Applied(_)) => {
                self.document = None;
                Ok(ChangeOutcome::Refused(Refusal::WrongDocument))
            }
            Ok(Received::Had(_)) => Ok(ChangeOutcome::Refused(Refusal::AwaitsApproval)),
            Ok(Received::Missing(_, missing)) => Ok(ChangeOutcome::Missing(
                missing.into_iter().map(Hash::from).collect(),
            )),
            Ok(Received::Refused(refusal)) => Ok(ChangeOutcome::Refused(refusal)),
            Err(poisoned) => {
                tracing::warn!(document = %self.push.document, error = %poisoned, "a change does not apply");
                self.document = None;
                Ok(ChangeOutcome::Refused(Refusal::DoesNotApply))
            }
        }
    }

    fn document(&mut self) -> Result<&mut Document, Error> {
        if self.document.is_none() {
            let fresh = Document::new(self.push.document, self.push.kind);
            let document = with_waiting(self.writing.sql, self.row, fresh)?;
            return Ok(self.document.insert(document));
        }
        self.document.as_mut().ok_or(Error::Unreadable("document"))
    }

    /// What was lost was written before the restore: neither by a device, nor by an account in this epoch.
    fn foreign(&mut self) -> Result<&HashSet<ActorId>, Error> {
        if self.foreign.is_none() {
            let sql = self.writing.sql;
            let mut statement =
                sql.prepare_cached("SELECT actor FROM actors WHERE device IS NOT NULL")?;
            let mut foreign: HashSet<ActorId> = statement
                .query_map([], |row| id::id(row, 0))?
                .collect::<Result<_, _>>()?;
            let epoch = app::read_epoch(sql)?.ok_or(Error::Unreadable("epoch"))?;
            for account in accounts(sql)? {
                foreign.insert(genesis::server_actor(epoch, account));
            }
            self.foreign = Some(foreign);
        }
        self.foreign.as_ref().ok_or(Error::Unreadable("actors"))
    }

    fn keep(&mut self, header: &ChangeHeader, bytes: &[u8]) -> Result<ChangeOutcome, Error> {
        let sql = self.writing.sql;
        let kept: u64 = sql
            .prepare_cached("SELECT coalesce(sum(length(bytes)), 0) FROM recovered")?
            .query_row([], |row| row.get(0))?;
        if kept + bytes.len() as u64 > MOST_BYTES {
            self.writing.metrics.quarantine_full.inc();
            self.document = None;
            return Ok(ChangeOutcome::Refused(Refusal::TooLarge));
        }
        sql.prepare_cached(
            "INSERT INTO recovered (document, hash, position, kind, area, actor, bytes, state, received_ms)
             VALUES (?1, ?2, (SELECT coalesce(max(position), 0) + 1 FROM recovered WHERE document = ?1),
                     ?3, ?4, ?5, ?6, 'waiting', ?7)",
        )?
        .execute(params![
            self.push.document.as_bytes().as_slice(),
            header.hash.0.as_slice(),
            self.push.kind.name(),
            self.row.map_or(self.push.area, |row| row.area).as_bytes().as_slice(),
            header.actor.as_bytes().as_slice(),
            bytes,
            self.writing.now_ms,
        ])?;
        self.vouch(header.hash)?;
        Ok(ChangeOutcome::Refused(Refusal::AwaitsApproval))
    }

    fn vouch(&self, hash: ChangeHash) -> Result<(), Error> {
        self.writing
            .sql
            .prepare_cached("INSERT INTO recovered_by (document, hash, device) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
            .execute([
                self.push.document.as_bytes().as_slice(),
                hash.0.as_slice(),
                self.device.as_bytes().as_slice(),
            ])?;
        Ok(())
    }
}

fn state(
    sql: &Connection,
    document: DocumentId,
    hash: ChangeHash,
) -> Result<Option<String>, Error> {
    Ok(sql
        .prepare_cached("SELECT state FROM recovered WHERE document = ?1 AND hash = ?2")?
        .query_row([document.as_bytes().as_slice(), hash.0.as_slice()], |row| {
            row.get(0)
        })
        .optional()?)
}

/// Every account that there is.
pub(super) fn accounts(sql: &Connection) -> Result<Vec<AccountId>, Error> {
    let mut statement = sql.prepare_cached("SELECT id FROM accounts")?;
    let rows = statement.query_map([], |row| id::id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A document with what waits for it. What does not apply is left out.
pub(super) fn with_waiting(
    sql: &Connection,
    row: Option<&Row>,
    fresh: Document,
) -> Result<Document, Error> {
    let id = fresh.id();
    let mut document = match row {
        Some(row) => stored::open(sql, row)?,
        None => fresh,
    };
    for (_, bytes) in waiting(sql, id)? {
        if document.receive(&bytes).is_err() {
            return Err(Error::Unreadable("change that applied before"));
        }
    }
    Ok(document)
}

/// What waits for a document, in the order of arrival.
pub(super) fn waiting(
    sql: &Connection,
    document: DocumentId,
) -> Result<Vec<(ActorId, Vec<u8>)>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT actor, bytes FROM recovered WHERE document = ?1 AND state = 'waiting' ORDER BY position",
    )?;
    let rows = statement.query_map([document.as_bytes().as_slice()], |row| {
        Ok((id::id(row, 0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
