//! Erasing what the book holds, after somebody asked for it.
//!
//! First it is written down that everything goes; then it goes. Whenever this is interrupted, the next opening
//! does it again. What stays is an empty book that says what happened, for the officer to read.

use std::path::Path;

use rusqlite::Connection;

use crate::{
    error::Result,
    status::Erased,
    store::{outbox, quarantine, record},
};

/// Writes down that everything goes, and what of it the server never got.
pub(crate) fn begin(connection: &Connection, now_ms: i64) -> Result<()> {
    if record::fact(connection, record::ERASING)?.is_some() {
        return Ok(());
    }
    let erased = Erased {
        at_ms: now_ms,
        unsent: outbox::pending(connection)?.0,
        refused: quarantine::count(connection)?,
    };
    let erased = serde_json::to_string(&erased).unwrap_or_default();
    record::set_fact(connection, record::ERASING, Some(&erased))
}

/// Whether erasing was begun and not finished.
pub(crate) fn is_begun(connection: &Connection) -> Result<bool> {
    Ok(record::fact(connection, record::ERASING)?.is_some())
}

/// Erases what was begun to be erased: what lies beside the book's file, then its rows. May be done twice.
pub(crate) fn all(connection: &mut Connection, file: Option<&Path>) -> Result<()> {
    #[cfg(not(target_family = "wasm"))]
    if let Some(file) = file {
        beside(file).map_err(crate::Error::Files)?;
    }
    #[cfg(target_family = "wasm")]
    let _ = file;
    rows(connection)
}

/// Overwrites and drops every row of every table but what says that it was done.
fn rows(connection: &mut Connection) -> Result<()> {
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    let erased = record::fact(connection, record::ERASING)?.unwrap_or_default();
    let tx = connection.transaction()?;
    for table in tables(&tx)? {
        tx.execute_batch(&format!("DELETE FROM \"{table}\""))?;
    }
    record::set_fact(&tx, record::ERASING, Some(&erased))?;
    tx.commit()?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Free pages and the write-ahead log held it too.
    connection.execute_batch("VACUUM")?;
    checkpoint(connection)?;
    let tx = connection.transaction()?;
    record::set_fact(&tx, record::ERASED, Some(&erased))?;
    record::set_fact(&tx, record::ERASING, None)?;
    tx.commit()?;
    checkpoint(connection)
}

fn checkpoint(connection: &Connection) -> Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

fn tables(connection: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Removes what lies beside the book's file and belongs to it: damaged copies that were set aside, databases that
/// a rescue left unfinished, and the folder of photographs.
#[cfg(not(target_family = "wasm"))]
fn beside(book: &Path) -> std::io::Result<()> {
    let (Some(folder), Some(name)) = (
        book.parent(),
        book.file_name().and_then(|name| name.to_str()),
    ) else {
        return Ok(());
    };
    let live = ["", "-wal", "-shm", "-journal"].map(|suffix| format!("{name}{suffix}"));
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.file_name();
        let found = found.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if found == ATTACHMENTS {
                std::fs::remove_dir_all(entry.path())?;
            }
        } else if found.starts_with(name) && !live.iter().any(|live| *live == *found) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The folder of photographs beside the book.
#[cfg(not(target_family = "wasm"))]
const ATTACHMENTS: &str = "attachments";

#[cfg(test)]
mod tests {
    use sokiem_record::id::AreaId;

    use super::*;
    use crate::{
        Book,
        keys::BookKey,
        platform::{SystemClock, SystemRandom},
        search::Query,
        store::areas,
    };

    /// Whatever was reached when the power went: the next opening goes on.
    #[test]
    fn erasing_that_was_interrupted_is_finished_by_the_next_opening() {
        for rows_were_reached in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("book.sqlite3");
            let key = BookKey::draw(&SystemRandom).unwrap();
            let open = || {
                Book::open(&path, &key, SystemClock, SystemRandom)
                    .unwrap()
                    .book
            };
            let book = open();
            let area = AreaId(uuid::Uuid::from_u128(7));
            book.transact(|tx, _| areas::grant(tx, area, true, true))
                .unwrap();
            let fields = serde_json::json!({"name": "Truong", "unit_kind": "school"});
            book.create_unit(area, fields.as_object().unwrap()).unwrap();
            std::fs::create_dir(folder.path().join(ATTACHMENTS)).unwrap();
            std::fs::write(folder.path().join("book.sqlite3.damaged"), "old").unwrap();
            book.transact(|tx, _| begin(tx, 5)).unwrap();
            if rows_were_reached {
                book.transact(|tx, _| Ok(tx.execute_batch("DELETE FROM projection")?))
                    .unwrap();
            }
            drop(book);
            let book = open();
            assert!(book.list(&Query::default()).unwrap().is_empty());
            let erased = book.status().unwrap().erased;
            assert_eq!(
                erased,
                Some(Erased {
                    at_ms: 5,
                    unsent: 1,
                    refused: 0
                })
            );
            assert!(!folder.path().join(ATTACHMENTS).exists());
            assert!(!folder.path().join("book.sqlite3.damaged").exists());
            drop(book);
            assert_eq!(open().status().unwrap().erased, erased);
        }
    }
}
