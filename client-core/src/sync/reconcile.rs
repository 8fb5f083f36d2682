//! Comparing heads with the server where fingerprints do not agree, and offering again what it lacks.

use std::collections::HashSet;

use rusqlite::Connection;
use serde_json::json;
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    fingerprint::Fingerprint,
    id::{AreaId, DocumentId, EpochId},
    limits,
    wire::{Cursor, DocumentHeads, PROTOCOL_VERSION, ReconcileRequest, ReconcileResponse},
};

use crate::{
    error::{Error, Result},
    store::{areas, documents, outbox, record},
};

/// What this device holds of an area, as far as the server has acknowledged it.
pub(super) fn request(
    connection: &Connection,
    epoch: EpochId,
    area: AreaId,
) -> Result<ReconcileRequest> {
    let documents = documents::in_area(connection, area)?
        .into_iter()
        .filter(|row| !row.leaving && !row.acked_heads.is_empty())
        .take(limits::MAX_RECONCILE_DOCUMENTS)
        .map(|row| DocumentHeads {
            document: row.id,
            heads: row.acked_heads.into_iter().map(Into::into).collect(),
        })
        .collect();
    Ok(ReconcileRequest {
        v: PROTOCOL_VERSION,
        epoch,
        area,
        documents,
    })
}

/// Takes in where the two sides differ. Says how many changes are offered again.
pub(super) fn apply(
    connection: &Connection,
    area: AreaId,
    response: &ReconcileResponse,
    now_ms: i64,
) -> Result<u64> {
    let mut offered = 0;
    for id in response.unknown.iter().chain(&response.elsewhere) {
        offered += offer(connection, *id, &[], now_ms)?;
    }
    let mut pull = response.pull;
    for theirs in &response.differ {
        let heads: Vec<ChangeHash> = theirs.heads.iter().map(|hash| (*hash).into()).collect();
        offered += offer(connection, theirs.document, &heads, now_ms)?;
        // The log was read to its end, and yet there is something that this device was never told.
        pull |= lacks(connection, theirs.document, &heads)?;
    }
    if pull {
        areas::move_cursor(connection, &Cursor::start(area), None)?;
    }
    refigure(connection, area)?;
    areas::set_reconcile(connection, area, false)?;
    let detail = json!({
        "area": area, "unknown": response.unknown.len(), "differ": response.differ.len(),
        "elsewhere": response.elsewhere.len(), "pull": pull, "offered": offered,
    });
    record::note(connection, now_ms, "reconciled", &detail)?;
    Ok(offered)
}

/// Whether the server's state of a document has something that is not here.
fn lacks(connection: &Connection, id: DocumentId, heads: &[ChangeHash]) -> Result<bool> {
    let Some(row) = documents::find(connection, id)? else {
        return Ok(true);
    };
    let document = documents::load(connection, &row)?;
    Ok(heads.iter().any(|head| !document.contains(head)))
}

/// Puts every change that is no ancestor of the server's heads into the outbox again. It stays where
/// it is in the record; that the server acknowledged it once is not forgotten. What only the server
/// writes is offered too: after a restore an administrator there may take it.
pub(super) fn offer(
    connection: &Connection,
    id: DocumentId,
    heads: &[ChangeHash],
    now_ms: i64,
) -> Result<u64> {
    let Some(row) = documents::find(connection, id)? else {
        return Ok(0);
    };
    documents::prove(connection, id)?;
    let document = documents::load(connection, &row)?;
    let acked = documents::load_acked(connection, &row)?;
    let stored = documents::changes(connection, id)?;
    let lacking: Vec<Vec<u8>> = acked.changes_since(heads);
    if lacking.is_empty() {
        return Ok(0);
    }
    let mut lacking_hashes: HashSet<ChangeHash> = HashSet::new();
    for bytes in &lacking {
        lacking_hashes.insert(
            ChangeHeader::parse(bytes)
                .map_err(|_| Error::Unreadable("a stored change"))?
                .hash,
        );
    }
    // Written anew in the document's order, so that each is sent after what it builds on.
    outbox::clear(connection, id)?;
    for hash in document.hashes() {
        let known = stored.iter().find(|change| change.hash == hash);
        let again = lacking_hashes.contains(&hash);
        let Some(bytes) = document.change(&hash).filter(|_| again || known.is_some()) else {
            continue;
        };
        let new = outbox::New {
            document: id,
            hash,
            bytes: &bytes,
            pending: again || known.is_some_and(|change| change.pending),
            saved_ms: known.map_or(now_ms, |change| change.saved_ms),
            received_ms: known.and_then(|change| change.received_ms),
            reoffered: again || known.is_some_and(|change| change.reoffered),
        };
        outbox::insert(connection, &new)?;
    }
    Ok(u64::try_from(lacking.len()).unwrap_or(u64::MAX))
}

/// Adds the area's fingerprint up anew: a sum that went wrong here must not look like a difference there.
fn refigure(connection: &Connection, area: AreaId) -> Result<()> {
    let sum = documents::in_area(connection, area)?
        .iter()
        .filter(|row| !row.leaving && !row.acked_heads.is_empty())
        .map(|row| Fingerprint::of_document(row.id, &row.acked_heads))
        .fold(Fingerprint::default(), Fingerprint::plus);
    let stored = areas::find(connection, area)?.map(|row| row.fingerprint);
    areas::shift(connection, area, stored, Some(sum))
}
