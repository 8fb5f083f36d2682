//! Documents on disk: a snapshot of acknowledged changes, and the changes since.
//!
//! Invariant: what is acknowledged is closed under "builds on", so the snapshot with the acknowledged
//! changes is a document, and the pending ones follow it.

use std::collections::HashMap;

use rusqlite::{Connection, Row as SqlRow, params};
use sokiem_record::{
    ChangeHash,
    document::Document,
    fingerprint::Fingerprint,
    id::{AreaId, DocumentId, Kind},
};

use crate::{
    error::{Error, Result},
    store::{areas, heads},
};

/// One document without its content.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: DocumentId,
    pub(crate) kind: Kind,
    pub(crate) area: AreaId,
    /// Heads of what the server has acknowledged; empty when it knows nothing of this document.
    pub(crate) acked_heads: Vec<ChangeHash>,
    /// Heads of what the officer sees.
    pub(crate) heads: Vec<ChangeHash>,
    /// The copy goes once nothing is pending.
    pub(crate) leaving: bool,
}

impl Row {
    /// What the document adds to its area's fingerprint.
    fn contribution(&self) -> Option<Fingerprint> {
        (!self.leaving && !self.acked_heads.is_empty())
            .then(|| Fingerprint::of_document(self.id, &self.acked_heads))
    }
}

const COLUMNS: &str = "document, kind, area, acked_heads, heads, leaving";

fn read(row: &SqlRow<'_>) -> Result<Row> {
    let id = row
        .get_ref(0)?
        .as_blob()
        .ok()
        .and_then(DocumentId::from_slice);
    let kind = row.get_ref(1)?.as_str().ok().and_then(Kind::from_name);
    let area = row.get_ref(2)?.as_blob().ok().and_then(AreaId::from_slice);
    let unreadable = || Error::Unreadable("a row of documents");
    Ok(Row {
        id: id.ok_or_else(unreadable)?,
        kind: kind.ok_or_else(unreadable)?,
        area: area.ok_or_else(unreadable)?,
        acked_heads: heads::decode(row.get_ref(3)?.as_blob().map_err(|_| unreadable())?)?,
        heads: heads::decode(row.get_ref(4)?.as_blob().map_err(|_| unreadable())?)?,
        leaving: row.get(5)?,
    })
}

/// The row of a document.
pub(crate) fn find(connection: &Connection, id: DocumentId) -> Result<Option<Row>> {
    let sql = "SELECT document, kind, area, acked_heads, heads, leaving FROM documents WHERE document = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id.as_bytes().as_slice()])?;
    rows.next()?.map(read).transpose()
}

/// The rows of an area, in the order of their ids.
pub(crate) fn in_area(connection: &Connection, area: AreaId) -> Result<Vec<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM documents WHERE area = ?1 ORDER BY document");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([area.as_bytes().as_slice()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Every row, in the order of their ids.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM documents ORDER BY document");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The server told of another history: nothing proves any more that it holds what it had acknowledged.
pub(crate) fn doubt_all(connection: &Connection) -> Result<()> {
    connection
        .prepare_cached("UPDATE documents SET unproven = 1")?
        .execute([])?;
    Ok(())
}

/// The server has shown that it holds what it acknowledged of this document, or was offered all of it.
pub(crate) fn prove(connection: &Connection, id: DocumentId) -> Result<()> {
    connection
        .prepare_cached("UPDATE documents SET unproven = 0 WHERE document = ?1")?
        .execute([id.as_bytes().as_slice()])?;
    Ok(())
}

/// The server holds what it acknowledged of everything that counts in this area's fingerprint.
pub(crate) fn prove_area(connection: &Connection, area: AreaId) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE documents SET unproven = 0 WHERE area = ?1 AND leaving = 0 AND unproven = 1",
        )?
        .execute([area.as_bytes().as_slice()])?;
    Ok(())
}

/// Documents that are to go, and whether nothing proves yet that the server holds them.
pub(crate) fn leaving(connection: &Connection) -> Result<Vec<(DocumentId, bool)>> {
    let sql = "SELECT document, unproven FROM documents WHERE leaving = 1 ORDER BY document";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id = DocumentId::from_slice(&row.get::<_, Vec<u8>>(0)?);
        let id = id.ok_or(Error::Unreadable("a row of documents"))?;
        found.push((id, row.get(1)?));
    }
    Ok(found)
}

/// A snapshot with when the server received each of its changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) bytes: Vec<u8>,
    pub(crate) received_ms: Vec<i64>,
}

impl Snapshot {
    /// A document as one snapshot, loaded again to see that it is whole. `receipts`: when the server received its
    /// changes.
    pub(crate) fn of(document: &Document, receipts: &HashMap<ChangeHash, i64>) -> Result<Self> {
        let bytes = document.save();
        let (id, kind) = (document.id(), document.kind());
        let again = Document::load(id, kind, Some(&bytes), [[0_u8; 0]; 0])?;
        if again.heads() != document.heads() {
            return Err(Error::Unreadable("a fresh snapshot"));
        }
        let hashes = again.hashes();
        let received = hashes.iter().map(|hash| receipts.get(hash).copied());
        let received_ms = received.map(|ms| ms.unwrap_or(0)).collect();
        Ok(Self { bytes, received_ms })
    }
}

pub(crate) fn snapshot(connection: &Connection, id: DocumentId) -> Result<Option<Snapshot>> {
    let sql = "SELECT snapshot, snapshot_received FROM documents WHERE document = ?1 AND snapshot IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id.as_bytes().as_slice()])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let received: Vec<u8> = row.get::<_, Option<Vec<u8>>>(1)?.unwrap_or_default();
    let received_ms = received
        .as_chunks::<8>()
        .0
        .iter()
        .map(|ms| i64::from_be_bytes(*ms))
        .collect();
    Ok(Some(Snapshot {
        bytes: row.get(0)?,
        received_ms,
    }))
}

fn encode_received(received_ms: &[i64]) -> Vec<u8> {
    received_ms.iter().flat_map(|ms| ms.to_be_bytes()).collect()
}

pub(crate) fn set_snapshot(
    connection: &Connection,
    id: DocumentId,
    snapshot: Option<&Snapshot>,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE documents SET snapshot = ?2, snapshot_received = ?3 WHERE document = ?1",
        )?
        .execute(params![
            id.as_bytes().as_slice(),
            snapshot.map(|snapshot| snapshot.bytes.as_slice()),
            snapshot.map(|snapshot| encode_received(&snapshot.received_ms)),
        ])?;
    Ok(())
}

/// Writes a new document.
pub(crate) fn insert(
    connection: &Connection,
    row: &Row,
    snapshot: Option<&Snapshot>,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO documents (document, kind, area, acked_heads, heads, leaving, snapshot, snapshot_received)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            row.id.as_bytes().as_slice(),
            row.kind.name(),
            row.area.as_bytes().as_slice(),
            heads::encode(&row.acked_heads),
            heads::encode(&row.heads),
            row.leaving,
            snapshot.map(|snapshot| snapshot.bytes.as_slice()),
            snapshot.map(|snapshot| encode_received(&snapshot.received_ms)),
        ])?;
    areas::shift(connection, row.area, None, row.contribution())
}

/// Writes what changed about a document, and keeps the fingerprints of the areas right.
pub(crate) fn update(connection: &Connection, before: &Row, after: &Row) -> Result<()> {
    if before == after {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE documents SET area = ?2, acked_heads = ?3, heads = ?4, leaving = ?5 WHERE document = ?1",
        )?
        .execute(params![
            after.id.as_bytes().as_slice(),
            after.area.as_bytes().as_slice(),
            heads::encode(&after.acked_heads),
            heads::encode(&after.heads),
            after.leaving,
        ])?;
    if before.area == after.area {
        return areas::shift(
            connection,
            after.area,
            before.contribution(),
            after.contribution(),
        );
    }
    connection
        .prepare_cached("UPDATE projection SET area = ?2 WHERE document = ?1")?
        .execute(params![
            after.id.as_bytes().as_slice(),
            after.area.as_bytes().as_slice()
        ])?;
    areas::shift(connection, before.area, before.contribution(), None)?;
    areas::shift(connection, after.area, None, after.contribution())
}

/// Takes a document with its changes off this device.
pub(crate) fn remove(connection: &Connection, row: &Row) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM documents WHERE document = ?1")?
        .execute([row.id.as_bytes().as_slice()])?;
    areas::shift(connection, row.area, row.contribution(), None)
}

/// One change as it lies in its row.
pub(crate) struct Stored {
    pub(crate) hash: ChangeHash,
    pub(crate) bytes: Vec<u8>,
    pub(crate) pending: bool,
    /// Pending again after the server lost it; it counts as acknowledged all the while.
    pub(crate) reoffered: bool,
    pub(crate) saved_ms: i64,
    pub(crate) received_ms: Option<i64>,
}

/// The changes that are not in the snapshot, each after what it builds on.
pub(crate) fn changes(connection: &Connection, id: DocumentId) -> Result<Vec<Stored>> {
    let sql = "SELECT hash, bytes, state, received_ms, saved_ms, reoffered FROM changes
               WHERE document = ?1 ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id.as_bytes().as_slice()])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let state = row.get_ref(2)?;
        changes.push(Stored {
            hash: heads::hash(&row.get::<_, Vec<u8>>(0)?)?,
            bytes: row.get(1)?,
            pending: state.as_str().is_ok_and(|state| state == "pending"),
            received_ms: row.get(3)?,
            saved_ms: row.get(4)?,
            reoffered: row.get(5)?,
        });
    }
    Ok(changes)
}

/// The document as the officer sees it: acknowledged and pending.
pub(crate) fn load(connection: &Connection, row: &Row) -> Result<Document> {
    load_where(connection, row, |_| true)
}

/// The document as the server has acknowledged it.
pub(crate) fn load_acked(connection: &Connection, row: &Row) -> Result<Document> {
    load_where(connection, row, |change| {
        !change.pending || change.reoffered
    })
}

fn load_where(
    connection: &Connection,
    row: &Row,
    keep: impl Fn(&Stored) -> bool,
) -> Result<Document> {
    let snapshot = snapshot(connection, row.id)?;
    let changes = changes(connection, row.id)?;
    let changes = changes
        .iter()
        .filter(|change| keep(change))
        .map(|change| change.bytes.as_slice());
    let bytes = snapshot.as_ref().map(|snapshot| snapshot.bytes.as_slice());
    Ok(Document::load(row.id, row.kind, bytes, changes)?)
}

/// When the server received each change that it has acknowledged.
pub(crate) fn receipts(connection: &Connection, row: &Row) -> Result<HashMap<ChangeHash, i64>> {
    let mut receipts = HashMap::new();
    if let Some(snapshot) = snapshot(connection, row.id)? {
        let document = Document::load(row.id, row.kind, Some(&snapshot.bytes), [[0_u8; 0]; 0])?;
        receipts.extend(document.hashes().into_iter().zip(snapshot.received_ms));
    }
    for change in changes(connection, row.id)? {
        if let Some(received_ms) = change
            .received_ms
            .filter(|_| !change.pending || change.reoffered)
        {
            receipts.insert(change.hash, received_ms);
        }
    }
    Ok(receipts)
}

/// Folds acknowledged changes into the snapshot. The new snapshot is loaded again before anything is
/// deleted.
pub(crate) fn compact(connection: &Connection, row: &Row) -> Result<()> {
    let receipts = receipts(connection, row)?;
    let snapshot = Snapshot::of(&load_acked(connection, row)?, &receipts)?;
    set_snapshot(connection, row.id, Some(&snapshot))?;
    connection
        .prepare_cached("DELETE FROM changes WHERE document = ?1 AND state = 'acked'")?
        .execute([row.id.as_bytes().as_slice()])?;
    Ok(())
}

/// Acknowledged changes that may lie beside a snapshot until somebody has time. An edit of two fields takes some 135
/// bytes and a small record a thousand, so that these stay within another snapshot's size.
pub(crate) const MAX_LOOSE_CHANGES: u64 = 8;

/// Documents with more than [`MAX_LOOSE_CHANGES`] changes beside their snapshot, those with the most first.
pub(crate) fn with_loose_changes(connection: &Connection, most: u32) -> Result<Vec<DocumentId>> {
    // The many with one or two changes are passed over by the index alone; the rest are looked at.
    let sql = "SELECT document FROM
        (SELECT document FROM changes GROUP BY document HAVING count(*) > ?1) JOIN changes USING (document)
        WHERE state = 'acked' GROUP BY document HAVING count(*) > ?1 ORDER BY count(*) DESC, document LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![super::signed(MAX_LOOSE_CHANGES)?, most])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id = DocumentId::from_slice(&row.get::<_, Vec<u8>>(0)?);
        found.push(id.ok_or(Error::Unreadable("a row of changes"))?);
    }
    Ok(found)
}

/// Acknowledged changes that lie beside the snapshot.
pub(crate) fn loose_changes(connection: &Connection, id: DocumentId) -> Result<u64> {
    let count = connection
        .prepare_cached("SELECT count(*) FROM changes WHERE document = ?1 AND state = 'acked'")?
        .query_row([id.as_bytes().as_slice()], |row| row.get(0))?;
    crate::store::unsigned(count)
}
