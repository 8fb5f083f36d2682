//! Changes on their way to the server: pending until it says that they are on its disk.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde_bytes::ByteBuf;
use sokiem_record::{
    ChangeHash,
    id::{AreaId, DocumentId, Kind},
    limits,
    wire::DocumentPush,
};

use crate::{
    error::{Error, Result},
    store::{heads, unsigned},
};

/// A change for a document's row of changes.
pub(crate) struct New<'a> {
    pub(crate) document: DocumentId,
    pub(crate) hash: ChangeHash,
    pub(crate) bytes: &'a [u8],
    pub(crate) pending: bool,
    pub(crate) saved_ms: i64,
    pub(crate) received_ms: Option<i64>,
    pub(crate) reoffered: bool,
}

pub(crate) fn insert(connection: &Connection, new: &New<'_>) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO changes (document, hash, bytes, state, saved_ms, received_ms, reoffered)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            new.document.as_bytes().as_slice(),
            new.hash.0.as_slice(),
            new.bytes,
            if new.pending { "pending" } else { "acked" },
            new.saved_ms,
            new.received_ms,
            new.reoffered,
        ])?;
    Ok(())
}

/// What is pending, and since when.
pub(crate) fn pending(connection: &Connection) -> Result<(u64, Option<i64>)> {
    let sql = "SELECT count(*), min(saved_ms) FROM changes WHERE state = 'pending'";
    let (count, since) = connection
        .prepare_cached(sql)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((unsigned(count)?, since))
}

/// Whether anything of a document is pending.
pub(crate) fn has_pending(connection: &Connection, document: DocumentId) -> Result<bool> {
    let sql = "SELECT 1 FROM changes WHERE document = ?1 AND state = 'pending' LIMIT 1";
    Ok(connection
        .prepare_cached(sql)?
        .exists([document.as_bytes().as_slice()])?)
}

/// One push: the oldest pending changes within the limits, by document. `skip` names changes that
/// wait for something and are not to be sent again yet.
pub(crate) fn batch(
    connection: &Connection,
    skip: &std::collections::HashSet<DocumentId>,
) -> Result<Vec<DocumentPush>> {
    let sql = "SELECT c.document, d.kind, d.area, c.bytes FROM changes c JOIN documents d USING (document)
               WHERE c.state = 'pending' ORDER BY c.number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut pushes: Vec<DocumentPush> = Vec::new();
    let mut places: HashMap<DocumentId, usize> = HashMap::new();
    let (mut bytes_total, mut changes_total) = (0_usize, 0_usize);
    while let Some(row) = rows.next()? {
        let unreadable = || Error::Unreadable("a row of the outbox");
        let document = row
            .get_ref(0)?
            .as_blob()
            .ok()
            .and_then(DocumentId::from_slice)
            .ok_or_else(unreadable)?;
        if skip.contains(&document) {
            continue;
        }
        let bytes: Vec<u8> = row.get(3)?;
        let full = changes_total > 0 && bytes_total + bytes.len() > limits::PUSH_TARGET_BYTES;
        if full || changes_total >= limits::MAX_PUSH_CHANGES {
            break;
        }
        let place = match places.get(&document) {
            Some(place) => *place,
            None if pushes.len() >= limits::MAX_PUSH_DOCUMENTS => break,
            None => {
                pushes.push(DocumentPush {
                    document,
                    kind: row
                        .get_ref(1)?
                        .as_str()
                        .ok()
                        .and_then(Kind::from_name)
                        .ok_or_else(unreadable)?,
                    area: row
                        .get_ref(2)?
                        .as_blob()
                        .ok()
                        .and_then(AreaId::from_slice)
                        .ok_or_else(unreadable)?,
                    changes: Vec::new(),
                });
                places.insert(document, pushes.len() - 1);
                pushes.len() - 1
            }
        };
        bytes_total += bytes.len();
        changes_total += 1;
        if let Some(push) = pushes.get_mut(place) {
            push.changes.push(ByteBuf::from(bytes));
        }
    }
    Ok(pushes)
}

/// What is known of one change beside its bytes.
pub(crate) struct Known {
    pub(crate) pending: bool,
    pub(crate) reoffered: bool,
}

pub(crate) fn find(
    connection: &Connection,
    document: DocumentId,
    hash: ChangeHash,
) -> Result<Option<Known>> {
    let sql = "SELECT state = 'pending', reoffered FROM changes WHERE document = ?1 AND hash = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row(
            params![document.as_bytes().as_slice(), hash.0.as_slice()],
            |row| {
                Ok(Known {
                    pending: row.get(0)?,
                    reoffered: row.get(1)?,
                })
            },
        )
        .optional()?)
}

/// The server has this change on its disk.
pub(crate) fn acknowledge(
    connection: &Connection,
    document: DocumentId,
    hash: ChangeHash,
    received_ms: Option<i64>,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE changes SET state = 'acked', reoffered = 0, received_ms = coalesce(?3, received_ms)
             WHERE document = ?1 AND hash = ?2",
        )?
        .execute(params![document.as_bytes().as_slice(), hash.0.as_slice(), received_ms])?;
    Ok(())
}

/// Takes one change out of its document.
pub(crate) fn remove(
    connection: &Connection,
    document: DocumentId,
    hash: ChangeHash,
) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM changes WHERE document = ?1 AND hash = ?2")?
        .execute(params![document.as_bytes().as_slice(), hash.0.as_slice()])?;
    Ok(())
}

/// Takes every change beside the snapshot out of a document.
pub(crate) fn clear(connection: &Connection, document: DocumentId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM changes WHERE document = ?1")?
        .execute([document.as_bytes().as_slice()])?;
    Ok(())
}

/// The heads of an acknowledged state, read from what the changes build on.
pub(crate) fn advance(
    acked_heads: &mut Vec<ChangeHash>,
    header: &sokiem_record::chunk::ChangeHeader,
) {
    heads::advance(acked_heads, header.hash, &header.deps);
}
