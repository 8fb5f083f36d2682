//! The write-ahead log after a commit that failed: see the module of the same name in the client core, which
//! says why.

use rusqlite::Connection;

/// Writes a commit that changes nothing over the one that failed, which a later process would take for good
/// although it may not be on the disk. Where this fails too, the next commit that succeeds does the same.
pub(super) fn overwrite_failed(connection: &Connection) {
    let version: rusqlite::Result<i64> =
        connection.pragma_query_value(None, "user_version", |row| row.get(0));
    if let Ok(version) = version {
        let _ = connection.pragma_update(None, "user_version", version);
    }
}

/// Folds a log that an earlier process left behind into the database, so that nothing is built on it: that
/// process may have been killed before it could overwrite a failed commit.
pub(super) fn fold(connection: &Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}
