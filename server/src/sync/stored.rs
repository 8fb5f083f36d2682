//! Documents on disk: their changes, their row in lists, their snapshot.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::{
    ChangeHash,
    document::Document,
    id::{AccountId, ActorId, AreaId, DeviceId, DocumentId, Kind},
    summary::{Contents, Summary},
};

use crate::{
    error::Error,
    projection,
    store::{Writing, id},
    sync::{log, poke::Poke},
    webhooks::outbox,
};

/// What the database knows of a document without opening it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: DocumentId,
    pub(crate) kind: Kind,
    pub(crate) area: AreaId,
    pub(crate) heads: Vec<ChangeHash>,
    pub(crate) changes: u32,
    pub(crate) bytes: u64,
}

/// A change that was taken into a document and is to be stored.
pub(crate) struct Fresh {
    pub(crate) hash: ChangeHash,
    pub(crate) actor: ActorId,
    pub(crate) bytes: Vec<u8>,
}

/// Who brought a change to the server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A device.
    Device(DeviceId),
    /// An account, through the server.
    Account(AccountId),
}

/// Looks a document up.
pub(crate) fn find(sql: &Connection, document: DocumentId) -> Result<Option<Row>, Error> {
    Ok(sql
        .prepare_cached(
            "SELECT id, kind, area, heads, changes, bytes FROM documents WHERE id = ?1",
        )?
        .query_row([document.as_bytes().as_slice()], |row| {
            Ok(Row {
                id: id::id(row, 0)?,
                kind: id::kind(row, 1)?,
                area: id::id(row, 2)?,
                heads: id::hashes(row, 3)?,
                changes: row.get(4)?,
                bytes: row.get(5)?,
            })
        })
        .optional()?)
}

/// Opens a document: its snapshot and the changes since. Where the snapshot can't be read, all changes.
pub(crate) fn open(sql: &Connection, row: &Row) -> Result<Document, Error> {
    if let Some((changes, bytes)) = raw_snapshot(sql, row.id)? {
        let rest = changes_after(sql, row.id, changes)?;
        match Document::load(row.id, row.kind, Some(&bytes), &rest) {
            Ok(opened) => return Ok(opened),
            Err(error) => tracing::error!(%error, "a snapshot can't be read; its changes are used"),
        }
    }
    Ok(Document::load(
        row.id,
        row.kind,
        None,
        changes_after(sql, row.id, 0)?,
    )?)
}

fn changes_after(
    sql: &Connection,
    document: DocumentId,
    position: i64,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT bytes FROM changes WHERE document = ?1 AND position > ?2 ORDER BY position",
    )?;
    let rows = statement.query_map(params![document.as_bytes().as_slice(), position], |row| {
        row.get(0)
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The changes of a document after a position, with the hashes that they are stored under.
pub(crate) fn hashed_changes(
    sql: &Connection,
    document: DocumentId,
    position: i64,
) -> Result<Vec<(ChangeHash, Vec<u8>)>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT hash, bytes FROM changes WHERE document = ?1 AND position > ?2 ORDER BY position",
    )?;
    let rows = statement.query_map(params![document.as_bytes().as_slice(), position], |row| {
        Ok((id::hash(row, 0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The snapshot of a document as it lies there, and how many changes it holds.
pub(crate) fn raw_snapshot(
    sql: &Connection,
    document: DocumentId,
) -> Result<Option<(i64, Vec<u8>)>, Error> {
    Ok(sql
        .prepare_cached("SELECT changes, bytes FROM snapshots WHERE document = ?1")?
        .query_row([document.as_bytes().as_slice()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?)
}

/// Whether a change is on disk.
pub(crate) fn has_change(
    sql: &Connection,
    document: DocumentId,
    hash: &ChangeHash,
) -> Result<bool, Error> {
    Ok(sql
        .prepare_cached("SELECT 1 FROM changes WHERE document = ?1 AND hash = ?2")?
        .exists(params![document.as_bytes().as_slice(), hash.0.as_slice()])?)
}

/// When the server received each change of a document.
pub(crate) fn received_ms(
    sql: &Connection,
    document: DocumentId,
) -> Result<HashMap<ChangeHash, i64>, Error> {
    let mut statement =
        sql.prepare_cached("SELECT hash, received_ms FROM changes WHERE document = ?1")?;
    let rows = statement.query_map([document.as_bytes().as_slice()], |row| {
        Ok((id::hash(row, 0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The changes of a document in the order in which the server took them in.
pub(crate) fn order(sql: &Connection, document: DocumentId) -> Result<Vec<ChangeHash>, Error> {
    let mut statement =
        sql.prepare_cached("SELECT hash FROM changes WHERE document = ?1 ORDER BY position")?;
    let rows = statement.query_map([document.as_bytes().as_slice()], |row| id::hash(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Stores changes that `document` has taken in: the changes, their log rows, the row for lists, the
/// area's fingerprint and, now and then, a snapshot. `before` is `None` for a new document.
#[expect(
    clippy::too_many_arguments,
    reason = "one call stores one document; a struct would only rename this list"
)]
pub(crate) fn keep(
    writing: &Writing<'_>,
    before: Option<&Row>,
    area: AreaId,
    document: &Document,
    contents: &Contents,
    fresh: &[Fresh],
    source: Source,
    received_ms: i64,
) -> Result<(), Error> {
    let sql = writing.sql;
    let area = before.map_or(area, |row| row.area);
    let heads = document.heads();
    let bytes = before.map_or(0, |row| row.bytes)
        + fresh
            .iter()
            .map(|change| change.bytes.len() as u64)
            .sum::<u64>();
    let first = before.map_or(0, |row| row.changes);
    let total = first.saturating_add(u32::try_from(fresh.len()).unwrap_or(u32::MAX));
    let summary = &contents.summary;
    let was = outbox::before(writing, document.id())?;
    keep_row(writing, area, document, summary, total, bytes, received_ms)?;
    if let Some(was) = was {
        let heads = before.map_or(&[][..], |row| &row.heads);
        outbox::record_kept(writing, area, document, contents, was, heads)?;
    }
    let (device, account) = match source {
        Source::Device(device) => (Some(device.as_bytes().to_vec()), None),
        Source::Account(account) => (None, Some(account.as_bytes().to_vec())),
    };
    let mut insert = sql.prepare_cached(
        "INSERT INTO changes (document, position, hash, actor, bytes, received_ms, device, account)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (change, position) in fresh.iter().zip(i64::from(first) + 1..) {
        insert.execute(params![
            document.id().as_bytes().as_slice(),
            position,
            change.hash.0.as_slice(),
            change.actor.as_bytes().as_slice(),
            change.bytes,
            received_ms,
            device,
            account,
        ])?;
    }
    log::append_changes(
        sql,
        area,
        document.id(),
        fresh.iter().map(|change| change.hash),
        before.map(|row| row.heads.as_slice()),
        &heads,
    )?;
    keep_snapshot(writing, document, total)?;
    let actors = fresh.iter().map(|change| change.actor);
    projection::keep(sql, document, contents, actors)?;
    writing.metrics.changes_stored.inc_by(fresh.len() as u64);
    writing.poke(Poke::Area(area));
    Ok(())
}

fn keep_row(
    writing: &Writing<'_>,
    area: AreaId,
    document: &Document,
    summary: &Summary,
    changes: u32,
    bytes: u64,
    received_ms: i64,
) -> Result<(), Error> {
    writing
        .sql
        .prepare_cached(
            "INSERT INTO documents (id, kind, area, heads, changes, bytes, title, search, subject, campaign,
                                    state, date, conflicts, schema, updated_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (id) DO UPDATE SET heads = ?4, changes = ?5, bytes = ?6, title = ?7, search = ?8,
               subject = ?9, campaign = ?10, state = ?11, date = ?12, conflicts = ?13, schema = ?14, updated_ms = ?15",
        )?
        .execute(params![
            document.id().as_bytes().as_slice(),
            document.kind().name(),
            area.as_bytes().as_slice(),
            id::joined(&document.heads()),
            changes,
            bytes,
            summary.title,
            summary.search,
            summary.subject.map(|id| id.as_bytes().to_vec()),
            summary.campaign.map(|id| id.as_bytes().to_vec()),
            summary.state,
            summary.date,
            summary.conflicts,
            summary.schema,
            received_ms,
        ])?;
    writing.metrics.documents_touched.inc();
    Ok(())
}

/// Keeps a new snapshot when enough changes have come since the last.
fn keep_snapshot(writing: &Writing<'_>, document: &Document, changes: u32) -> Result<(), Error> {
    // Nearly every document: too few for a snapshot, whenever the last was.
    if changes <= writing.snapshot_after_changes {
        return Ok(());
    }
    let id = document.id();
    let key = id.as_bytes().as_slice();
    let last: u32 = writing
        .sql
        .prepare_cached("SELECT changes FROM snapshots WHERE document = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    if changes.saturating_sub(last) <= writing.snapshot_after_changes {
        return Ok(());
    }
    match snapshot(writing.sql, document)? {
        Some(snapshot) => put_snapshot(writing.sql, document.id(), changes, &snapshot),
        None => Ok(()),
    }
}

/// Keeps a snapshot of a document's first `changes` changes, unless a newer one is there.
pub(crate) fn put_snapshot(
    sql: &Connection,
    document: DocumentId,
    changes: u32,
    snapshot: &Snapshot,
) -> Result<(), Error> {
    sql.prepare_cached(
        "INSERT INTO snapshots (document, changes, bytes, received) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (document) DO UPDATE SET changes = ?2, bytes = ?3, received = ?4
           WHERE changes < excluded.changes",
    )?
    .execute(params![
        document.as_bytes().as_slice(),
        changes,
        snapshot.bytes,
        packed(&snapshot.received_ms)
    ])?;
    Ok(())
}

/// A document as one chunk, with when the server received each change.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) bytes: Vec<u8>,
    pub(crate) received_ms: Vec<i64>,
}

/// Makes a snapshot and loads it again before anybody relies on it. `None`, with a log line, where it
/// can't be loaded: then the changes are sent and kept as they are.
pub(crate) fn snapshot(sql: &Connection, document: &Document) -> Result<Option<Snapshot>, Error> {
    let bytes = document.save();
    let loaded = Document::load(
        document.id(),
        document.kind(),
        Some(&bytes),
        Vec::<Vec<u8>>::new(),
    );
    let loaded = match loaded {
        Ok(loaded) if loaded.heads() == document.heads() => loaded,
        Ok(_) => {
            tracing::error!(document = %document.id(), "a snapshot has other heads than its document");
            return Ok(None);
        }
        Err(error) => {
            tracing::error!(%error, "a snapshot can't be read again");
            return Ok(None);
        }
    };
    let received = received_ms(sql, document.id())?;
    let received_ms = loaded
        .hashes()
        .iter()
        .map(|hash| received.get(hash).copied().unwrap_or(0))
        .collect();
    Ok(Some(Snapshot { bytes, received_ms }))
}

/// The snapshot on disk, if it holds this many changes.
pub(crate) fn kept_snapshot(
    sql: &Connection,
    document: DocumentId,
    changes: u32,
) -> Result<Option<Snapshot>, Error> {
    let row: Option<(Vec<u8>, Vec<u8>)> = sql
        .prepare_cached(
            "SELECT bytes, received FROM snapshots WHERE document = ?1 AND changes = ?2",
        )?
        .query_row(params![document.as_bytes().as_slice(), changes], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(row.map(|(bytes, received)| Snapshot {
        bytes,
        received_ms: unpacked(&received),
    }))
}

fn packed(times: &[i64]) -> Vec<u8> {
    times.iter().flat_map(|time| time.to_be_bytes()).collect()
}

fn unpacked(bytes: &[u8]) -> Vec<i64> {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .copied()
        .map(i64::from_be_bytes)
        .collect()
}

/// Moves a document with its history to another area.
pub(crate) fn move_to(writing: &Writing<'_>, row: &Row, area: AreaId) -> Result<(), Error> {
    if row.area == area {
        return Ok(());
    }
    let sql = writing.sql;
    log::append(sql, row.area, row.id, log::What::Left)?;
    log::move_fingerprint(sql, row.area, row.id, Some(&row.heads), None)?;
    log::append(sql, area, row.id, log::What::Arrived)?;
    log::move_fingerprint(sql, area, row.id, None, Some(&row.heads))?;
    sql.prepare_cached("UPDATE documents SET area = ?2 WHERE id = ?1")?
        .execute([row.id.as_bytes().as_slice(), area.as_bytes().as_slice()])?;
    projection::move_to(sql, row.id, area)?;
    writing.poke(Poke::Area(row.area));
    writing.poke(Poke::Area(area));
    Ok(())
}
