//! Approving and dismissing what was put aside.

use rusqlite::{Connection, params};
use serde::Serialize;
use sokiem_record::{
    document::{Document, Received},
    genesis,
    id::{AccountId, AreaId, DocumentId, EpochId, Kind},
};
use utoipa::ToSchema;

use super::aside;
use crate::{
    audit::{self, Action, Entry},
    error::Error,
    retention::burial,
    store::{Writing, id},
    sync::{
        log,
        stored::{self, Fresh, Source},
    },
};

/// How much was done.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Done {
    /// Documents.
    pub(crate) documents: u64,
    /// Changes.
    pub(crate) changes: u64,
}

/// The documents for which something waits, with kind and area. Devices may have brought parts of one from several
/// areas, because it moved in between: then the latest counts.
pub(super) fn documents(sql: &Connection) -> Result<Vec<(DocumentId, Kind, AreaId)>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT document, kind, area, max(position) FROM recovered WHERE state = 'waiting'
          GROUP BY document ORDER BY kind, document",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((id::id(row, 0)?, id::kind(row, 1)?, id::id(row, 2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes what waits for a document into it, as the server's own again.
pub(super) fn approve(
    writing: &Writing<'_>,
    by: AccountId,
    (id, kind, area): (DocumentId, Kind, AreaId),
) -> Result<u64, Error> {
    let sql = writing.sql;
    let row = stored::find(sql, id)?;
    let mut document = match &row {
        Some(row) => stored::open(sql, row)?,
        None => Document::new(id, kind),
    };
    let mut fresh = Vec::new();
    for (actor, bytes) in aside::waiting(sql, id)? {
        if let Ok(Received::Applied(header)) = document.receive(&bytes) {
            let hash = header.hash;
            fresh.push(Fresh { hash, actor, bytes });
        }
    }
    if fresh.is_empty() {
        return Ok(0);
    }
    name_writers(writing)?;
    let contents = document.contents();
    let source = Source::Account(by);
    stored::keep(
        writing,
        row.as_ref(),
        area,
        &document,
        &contents,
        &fresh,
        source,
        writing.now_ms,
    )?;
    for table in ["recovered", "recovered_by"] {
        sql.execute(
            &format!("DELETE FROM {table} WHERE document = ?1"),
            [id.as_bytes().as_slice()],
        )?;
    }
    let entry = Entry::new(Action::RecoveryApproved)
        .by(by)
        .on(kind.name(), id)
        .area(area);
    audit::note(writing, entry.detail("changes", fresh.len()))?;
    Ok(fresh.len() as u64)
}

/// The actors of accounts in former epochs: so that histories name who wrote what came back.
fn name_writers(writing: &Writing<'_>) -> Result<(), Error> {
    let sql = writing.sql;
    let mut statement = sql.prepare_cached("SELECT epoch FROM former_epochs")?;
    let epochs: Vec<EpochId> = statement
        .query_map([], |row| id::id(row, 0))?
        .collect::<Result<_, _>>()?;
    let mut insert = sql.prepare_cached(
        "INSERT INTO actors (actor, account, device, created_ms)
         SELECT ?1, ?2, NULL, ?3 WHERE EXISTS (SELECT 1 FROM recovered WHERE actor = ?1)
         ON CONFLICT (actor) DO NOTHING",
    )?;
    for account in aside::accounts(sql)? {
        for epoch in &epochs {
            let actor = genesis::server_actor(*epoch, account);
            let (actor, account) = (actor.as_bytes().as_slice(), account.as_bytes().as_slice());
            insert.execute(params![actor, account, writing.now_ms])?;
        }
    }
    Ok(())
}

/// Refuses what waits for a document for good. Devices that hold it drop it: a document that the server
/// has comes to them anew, another is buried.
pub(super) fn dismiss(
    writing: &Writing<'_>,
    by: AccountId,
    (id, kind, area): (DocumentId, Kind, AreaId),
    reason: &str,
) -> Result<u64, Error> {
    let sql = writing.sql;
    let dismissed = sql.execute(
        "UPDATE recovered SET state = 'dismissed' WHERE document = ?1 AND state = 'waiting'",
        [id.as_bytes().as_slice()],
    )?;
    let entry = Entry::new(Action::RecoveryDismissed)
        .by(by)
        .on(kind.name(), id)
        .area(area);
    audit::note(
        writing,
        entry.detail("changes", dismissed).detail("reason", reason),
    )?;
    match stored::find(sql, id)? {
        Some(row) => log::append(sql, row.area, id, log::What::Again)?,
        None => burial::bury(writing, id, kind, area, burial::DISMISSED)?,
    }
    writing.poke(crate::sync::poke::Poke::Area(area));
    Ok(dismissed as u64)
}
