//! What lists, the inbox and search need of documents beyond their row: computed in the same transaction as
//! the change that it follows from, never read by the synchronisation, and computed again from the documents
//! whenever the code that does so is another than before.

mod assignees;
mod needs;
pub(crate) mod report;
mod search;

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::{
    document::Document,
    id::{ActorId, AreaId, DocumentId, Kind},
    summary::Contents,
};

use crate::{
    error::Error,
    store::{Writing, id},
    sync::stored,
};

/// Goes up with every change of what is computed.
const VERSION: i64 = 5;
/// Under which key the database says which version computed what it holds.
const KEY: &str = "projection";
/// Every table that is computed.
const TABLES: [&str; 6] = [
    "assignees",
    "decisions",
    "needs",
    "writers",
    "search_texts",
    "search_words",
];

/// Follows a document that was stored: `actors` wrote what is new in it.
pub(crate) fn keep(
    sql: &Connection,
    document: &Document,
    contents: &Contents,
    actors: impl Iterator<Item = ActorId>,
) -> Result<(), Error> {
    let id = document.id();
    let mut write = sql.prepare_cached(
        "INSERT OR IGNORE INTO writers (account, document) SELECT account, ?2 FROM actors WHERE actor = ?1",
    )?;
    for actor in actors.collect::<BTreeSet<_>>() {
        write.execute([actor.as_bytes().as_slice(), id.as_bytes().as_slice()])?;
    }
    match document.kind() {
        Kind::Inspection => needs::keep_deadline(sql, id, &contents.fields)?,
        Kind::Assignment => assignees::keep(sql, id, &contents.fields)?,
        Kind::Review => needs::keep_decision(sql, id, &contents.fields)?,
        _ => {}
    }
    match document.kind() {
        Kind::Inspection | Kind::Unit | Kind::Assignment => needs::keep(sql, id, Some(document))?,
        Kind::Review => {
            if let Some(inspection) = contents.summary.subject {
                needs::keep(sql, inspection, None)?;
            }
        }
        _ => {}
    }
    report::keep(sql, id, document.kind(), contents)?;
    search::keep(sql, id, document.kind(), &contents.summary)
}

/// Follows a document to another area.
pub(crate) fn move_to(sql: &Connection, document: DocumentId, area: AreaId) -> Result<(), Error> {
    needs::move_to(sql, document, area)
}

/// Forgets a document that is taken off the server.
pub(crate) fn forget(sql: &Connection, document: DocumentId) -> Result<(), Error> {
    search::forget(sql, document)?;
    let key = document.as_bytes().as_slice();
    for (table, column) in [
        ("assignees", "assignment"),
        ("decisions", "inspection"),
        ("decisions", "review"),
        ("needs", "document"),
        ("writers", "document"),
    ]
    .into_iter()
    .chain(report::TABLES)
    {
        let delete = format!("DELETE FROM {table} WHERE {column} = ?1");
        sql.execute(&delete, [key])?;
    }
    Ok(())
}

/// Computes everything again where another version of this code did it, in one transaction.
pub(crate) fn refresh(writing: &Writing<'_>) -> Result<(), Error> {
    let sql = writing.sql;
    let found: Option<Vec<u8>> = sql
        .query_row("SELECT value FROM meta WHERE key = ?1", [KEY], |row| {
            row.get(0)
        })
        .optional()?;
    if found.as_deref() == Some(VERSION.to_be_bytes().as_slice()) {
        return Ok(());
    }
    let own = report::TABLES.into_iter().map(|(table, _)| table);
    for table in TABLES.into_iter().chain(own) {
        sql.execute(&format!("DELETE FROM {table}"), [])?;
    }
    let documents: Vec<DocumentId> = sql
        // Units before what is about them, decisions after what they are about.
        .prepare(
            "SELECT id FROM documents
              ORDER BY CASE kind WHEN 'unit' THEN 0 WHEN 'review' THEN 2 ELSE 1 END, id",
        )?
        .query_map([], |row| id::id(row, 0))?
        .collect::<Result<_, _>>()?;
    for id in &documents {
        if let Some(row) = stored::find(sql, *id)? {
            let document = stored::open(sql, &row)?;
            let actors = writers(sql, *id)?;
            keep(sql, &document, &document.contents(), actors.into_iter())?;
        }
    }
    sql.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![KEY, VERSION.to_be_bytes()],
    )?;
    if !documents.is_empty() {
        tracing::info!(
            documents = documents.len(),
            version = VERSION,
            "lists were computed again"
        );
    }
    Ok(())
}

fn writers(sql: &Connection, document: DocumentId) -> Result<Vec<ActorId>, Error> {
    let mut statement =
        sql.prepare_cached("SELECT DISTINCT actor FROM changes WHERE document = ?1")?;
    let rows = statement.query_map([document.as_bytes().as_slice()], |row| id::id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) use needs::{Need, needs};
pub(crate) use search::has_words;
