//! Taking one document off the server for good.

use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::id::{AreaId, DocumentId, Kind};

use crate::{
    attachments::scope,
    audit::{self, Action, Entry},
    error::Error,
    projection,
    store::Writing,
    sync::{log, poke::Poke, stored},
};

/// The rule of documents that an administrator dismissed after a restore.
pub(crate) const DISMISSED: &str = "dismissed";

/// The rule by which a document was buried, if it was.
pub(crate) fn rule(sql: &Connection, document: DocumentId) -> Result<Option<String>, Error> {
    Ok(sql
        .prepare_cached("SELECT rule FROM tombstones WHERE document = ?1")?
        .query_row([document.as_bytes().as_slice()], |row| row.get(0))
        .optional()?)
}

/// Buries a document, whether it is here or only known of: everything of it goes, its tombstone stays, and
/// the area's log tells the devices.
pub(crate) fn bury(
    writing: &Writing<'_>,
    document: DocumentId,
    kind: Kind,
    area: AreaId,
    rule: &str,
) -> Result<(), Error> {
    let sql = writing.sql;
    let key = document.as_bytes().as_slice();
    let row = stored::find(sql, document)?;
    let area = row.as_ref().map_or(area, |row| row.area);
    let changes = row.as_ref().map_or(0, |row| row.changes);
    let buried = sql.execute(
        "INSERT INTO tombstones (document, kind, area, rule, changes, buried_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (document) DO NOTHING",
        params![key, kind.name(), area.as_bytes().as_slice(), rule, changes, writing.now_ms],
    )?;
    if buried == 0 && row.is_none() {
        return Ok(());
    }
    if log::position(sql, area)?.is_some() {
        log::append(sql, area, document, log::What::Left)?;
        let heads = row.as_ref().map(|row| row.heads.as_slice());
        log::move_fingerprint(sql, area, document, heads, None)?;
        writing.poke(Poke::Area(area));
    }
    for table in [
        "snapshots",
        "changes",
        "quarantine",
        "recovered",
        "recovered_by",
    ] {
        sql.execute(&format!("DELETE FROM {table} WHERE document = ?1"), [key])?;
    }
    scope::forget(writing, document)?;
    projection::forget(sql, document)?;
    sql.execute("DELETE FROM documents WHERE id = ?1", [key])?;
    let entry = Entry::new(Action::Purged)
        .on(kind.name(), document)
        .area(area);
    audit::note(
        writing,
        entry.detail("rule", rule).detail("changes", changes),
    )
}

/// Takes the rows of attachments that no document refers to any more; their objects follow.
pub(crate) fn drop_loose_attachments(sql: &Connection, before_ms: i64) -> Result<(), Error> {
    let loose = "received_ms < ?1 AND hash NOT IN (SELECT hash FROM attachment_links)";
    sql.execute(
        &format!("INSERT OR IGNORE INTO attachment_removals (hash) SELECT hash FROM attachments WHERE {loose}"),
        [before_ms],
    )?;
    sql.execute(
        &format!("DELETE FROM attachments WHERE {loose}"),
        [before_ms],
    )?;
    Ok(())
}
