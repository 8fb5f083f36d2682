//! Areas come and go with assignments. What is pending is pushed first, then copies go.

use rusqlite::Connection;
use serde_json::json;
use sokiem_record::{
    id::{AreaId, EpochId},
    wire::{Cursor, Grant},
};

use crate::{
    error::Result,
    store::{areas, attachments, documents, enrolment, record},
    sync::reconcile,
};

/// Takes in which areas this device may see now. Says how many were lost.
pub(super) fn apply(connection: &Connection, grants: &[Grant], now_ms: i64) -> Result<u64> {
    let known = areas::all(connection)?;
    for grant in grants {
        let before = known.iter().find(|row| row.cursor.area == grant.area);
        areas::grant(connection, grant.area, true, grant.writable)?;
        if before.is_some_and(|row| !row.in_scope) {
            come_back(connection, grant.area)?;
        }
    }
    let mut lost = 0;
    for row in known.iter().filter(|row| row.in_scope) {
        if grants.iter().all(|grant| grant.area != row.cursor.area) {
            lose(connection, row.cursor.area)?;
            record::note(
                connection,
                now_ms,
                "area-lost",
                &json!({"area": row.cursor.area}),
            )?;
            lost += 1;
        }
    }
    Ok(lost)
}

/// An area that was lost and is granted again: what waited to leave stays, and the log is read anew.
fn come_back(connection: &Connection, area: AreaId) -> Result<()> {
    areas::move_cursor(connection, &Cursor::start(area), None)?;
    for before in documents::in_area(connection, area)? {
        let after = documents::Row {
            leaving: false,
            ..before.clone()
        };
        documents::update(connection, &before, &after)?;
    }
    Ok(())
}

/// Marks the copies of an area that go.
fn lose(connection: &Connection, area: AreaId) -> Result<()> {
    areas::grant(connection, area, false, false)?;
    areas::move_cursor(connection, &Cursor::start(area), None)?;
    areas::set_reconcile(connection, area, false)?;
    for before in documents::in_area(connection, area)? {
        let after = documents::Row {
            leaving: true,
            ..before.clone()
        };
        documents::update(connection, &before, &after)?;
    }
    Ok(())
}

/// Takes copies off this device that are to go and of which nothing is pending or refused. What the server may
/// have lost of them since it was restored is offered to it first; what it may not take, it keeps in quarantine.
pub(crate) fn sweep(connection: &Connection, now_ms: i64) -> Result<()> {
    for (id, unproven) in documents::leaving(connection)? {
        if unproven {
            reconcile::offer(connection, id, &[], now_ms)?;
        }
    }
    let sql = "SELECT d.document FROM documents d WHERE d.leaving = 1
        AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.document = d.document AND c.state = 'pending')
        AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.document = d.document AND q.direction = 'sent' AND q.refusal <> 'purged')";
    let mut statement = connection.prepare_cached(sql)?;
    let ids: Vec<Vec<u8>> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in ids {
        if let Some(id) = sokiem_record::id::DocumentId::from_slice(&id)
            && let Some(row) = documents::find(connection, id)?
        {
            documents::remove(connection, &row)?;
        }
    }
    for row in areas::all(connection)?.iter().filter(|row| !row.in_scope) {
        if documents::in_area(connection, row.cursor.area)?.is_empty() {
            areas::remove(connection, row.cursor.area)?;
        }
    }
    attachments::sweep(connection)
}

/// Another history of the server: everything is read from the start and compared, nothing is removed.
pub(super) fn new_epoch(connection: &Connection, epoch: EpochId, now_ms: i64) -> Result<()> {
    let before = enrolment::epoch(connection)?;
    enrolment::set_epoch(connection, epoch)?;
    // The server may have lost that this device writes with another actor than it was enrolled with.
    let mut actors = record::actors(connection, record::FORMER_ACTORS)?;
    actors.extend(enrolment::actor(connection)?);
    record::set_actors(connection, record::UNBOUND_ACTORS, &actors)?;
    for row in areas::all(connection)? {
        areas::move_cursor(connection, &Cursor::start(row.cursor.area), None)?;
        areas::set_reconcile(connection, row.cursor.area, row.in_scope)?;
        areas::set_disagreed(connection, row.cursor.area, None)?;
    }
    documents::doubt_all(connection)?;
    // What is about to leave is in no comparison, so that it is offered as a whole.
    sweep(connection, now_ms)?;
    attachments::offer_again(connection)?;
    record::note(
        connection,
        now_ms,
        "epoch-changed",
        &json!({"before": before, "now": epoch}),
    )
}

/// Takes in which history the server states outside of an exchange.
pub(crate) fn note_epoch(connection: &Connection, epoch: EpochId, now_ms: i64) -> Result<()> {
    match enrolment::epoch(connection)? {
        None => enrolment::set_epoch(connection, epoch),
        Some(known) if known == epoch => Ok(()),
        Some(_) => new_epoch(connection, epoch, now_ms),
    }
}
