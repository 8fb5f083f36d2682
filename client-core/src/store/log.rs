//! The write-ahead log after a commit that failed.
//!
//! When a sync fails, the operating system may forget that these pages are still to be written, and shows them to
//! every reader all the same. The next process would find the failed commit in the log, take it for good and build
//! on it; a power cut would then leave the log only up to the hole, and everything saved since would be gone.
//! `docs/decisions/0020` tells the whole story.

use rusqlite::{Connection, ErrorCode};

use crate::error::Error;

/// Whether this failure may have left a commit in the log that is not on the disk.
pub(crate) fn is_doubtful(error: &Error) -> bool {
    matches!(error, Error::Database(error)
        if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure))
}

/// Writes a commit that changes nothing over the one that failed. Where this fails too, the next save that
/// succeeds does the same.
pub(crate) fn overwrite_failed(connection: &Connection) {
    let version: rusqlite::Result<i64> =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0));
    if let Ok(version) = version {
        let _ = connection.pragma_update(None, "user_version", version);
    }
}

/// Folds a log that an earlier process left behind into the database, so that nothing is built on it: that
/// process may have been killed before it could overwrite a failed commit. A disk that has no room for it leaves
/// the log as it is.
pub(crate) fn fold(connection: &Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}
