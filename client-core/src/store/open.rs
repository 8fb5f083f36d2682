//! Opening the database: one writer, durable commits, migrations.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use crate::{
    error::{Error, Result},
    store::{log, projection},
};

/// Every migration, oldest first. `PRAGMA user_version` counts how many have run. A published file is
/// never edited; a change is a new file.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("schema/001_book.sql"),
    include_str!("schema/002_device_key.sql"),
    include_str!("schema/003_attachments.sql"),
    include_str!("schema/004_server_key.sql"),
    include_str!("schema/005_unproven.sql"),
    include_str!("schema/006_positions.sql"),
    include_str!("schema/007_operations.sql"),
];

/// How long a second opener waits for the first to finish before it is told.
pub(crate) const OPEN_WAIT: Duration = Duration::from_millis(1_500);

/// In a browser too: what its file system lacks is shared memory, which one connection in exclusive mode does without.
const JOURNAL: &str = "WAL";

/// Why a connection was not given.
pub(crate) enum OpenError {
    /// The file is no sound database; it was not changed.
    Damaged(String),
    /// Anything else.
    Failed(Error),
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        if error.is_damage() {
            OpenError::Damaged(error.to_string())
        } else {
            OpenError::Failed(error)
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Damaged(reason) => Error::Damaged(reason),
            OpenError::Failed(error) => error,
        }
    }
}

/// What SQLite may keep in memory, negative for KiB. A pull of 4 MiB is one transaction: with SQLite's own 2 MB its pages
/// were encrypted, written and read again before it was over.
const CACHE_KIB: i32 = -16_000;

/// Makes `connection` the book's one writer and brings its schema up to date.
pub(crate) fn prepare(connection: &mut Connection) -> Result<(), OpenError> {
    connection.busy_timeout(OPEN_WAIT)?;
    refuse_newer(connection)?;
    // Set before the first access in WAL mode: the lock is then held until the connection closes, and
    // a second opener is told at once instead of failing at its first write.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.query_row(&format!("PRAGMA journal_mode = {JOURNAL}"), [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
    check(connection)?;
    log::fold(connection);
    migrate(connection)?;
    projection::renew_stale(connection)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Whether the failure says that somebody else has the file open.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn is_busy(error: &Error) -> bool {
    matches!(error, Error::Database(error) if matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    ))
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn known_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

pub(crate) fn refuse_newer(connection: &Connection) -> Result<(), OpenError> {
    let (found, known) = (version(connection)?, known_version());
    if found > known {
        return Err(OpenError::Failed(Error::NewerSchema { found, known }));
    }
    Ok(())
}

pub(crate) fn check(connection: &Connection) -> Result<(), OpenError> {
    let verdict: rusqlite::Result<Option<String>> = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .optional();
    match verdict {
        Ok(Some(text)) if text == "ok" => Ok(()),
        Ok(other) => Err(OpenError::Damaged(
            other.unwrap_or_else(|| "the check gave no answer".to_owned()),
        )),
        // An encrypted page that does not verify is a plain error to SQLite.
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown) => {
            Err(OpenError::Damaged("a page does not verify".to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let done = usize::try_from(version(connection)?).unwrap_or(0);
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(done) {
        let tx = connection.transaction()?;
        tx.execute_batch(sql)?;
        tx.pragma_update(
            None,
            "user_version",
            i64::try_from(index + 1).unwrap_or(i64::MAX),
        )?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
            .unwrap();
        statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    /// The first published schema: an upgrade starts here, whatever the file says later.
    const FIRST: &str = include_str!("schema/001_book.sql");

    #[test]
    fn an_upgraded_book_has_the_schema_of_a_fresh_one() {
        let mut fresh = Connection::open_in_memory().unwrap();
        prepare(&mut fresh).unwrap_or_else(|_| panic!("a fresh book opens"));
        let mut old = Connection::open_in_memory().unwrap();
        old.execute_batch(FIRST).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        prepare(&mut old).unwrap_or_else(|_| panic!("an old book opens"));
        assert_eq!(schema(&fresh), schema(&old));
        assert_eq!(version(&old).unwrap(), known_version());
    }
}
