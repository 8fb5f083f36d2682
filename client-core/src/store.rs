//! What lies on the device's disk: one SQLite database with one writer.
//!
//! Functions here take the connection of a running transaction. They know tables; what a change
//! means is decided in `book` and `sync`.

pub(crate) mod areas;
pub(crate) mod attachments;
pub(crate) mod documents;
pub(crate) mod enrolment;
pub(crate) mod erase;
pub(crate) mod heads;
pub(crate) mod log;
pub(crate) mod open;
pub(crate) mod operations;
pub(crate) mod outbox;
pub(crate) mod projection;
pub(crate) mod quarantine;
pub(crate) mod record;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod replacing;
pub(crate) mod rescue;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod sealed;

use crate::error::{Error, Result};

/// A count from a row, which SQLite keeps signed.
pub(crate) fn unsigned(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::Unreadable("a negative count"))
}

/// A count for a row.
pub(crate) fn signed(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::Unreadable("a count beyond SQLite's integers"))
}
