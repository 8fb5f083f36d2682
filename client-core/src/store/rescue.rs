//! A damaged database is set aside, never deleted, and what can be read of it is carried over.
//!
//! Cursors start anew, so the next synchronisation brings whatever the server holds and compares the
//! rest. Changes that no longer fit anywhere, because what they build on is lost, go to quarantine:
//! seen, with their bytes, and exportable.

mod attachments;
mod salvage;
#[cfg(not(target_family = "wasm"))]
mod set_aside;

use std::path::PathBuf;

use rusqlite::Connection;
use serde::Serialize;

use crate::{
    error::Result,
    store::{open, record},
};

#[cfg(not(target_family = "wasm"))]
pub(crate) use set_aside::{finish, rescue};

/// What came of a damaged database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RescueReport {
    /// Where the damaged file lies now, with its `-wal` and `-shm` beside it.
    pub set_aside: PathBuf,
    /// What SQLite said about it.
    pub reason: String,
    /// Whether the officer's enrolment and this installation's actor could be read.
    pub enrolment: bool,
    /// Documents that were carried over.
    pub documents: u64,
    /// Changes beside snapshots that were carried over.
    pub changes: u64,
    /// How many of them are pending.
    pub pending: u64,
    /// Refused changes that were carried over.
    pub refused: u64,
    /// What could not be.
    pub lost: Vec<Lost>,
}

/// Something that could not be carried over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The table, or the document, that it belonged to.
    pub what: String,
    /// Why.
    pub why: String,
}

impl RescueReport {
    fn lose(&mut self, what: impl ToString, why: impl ToString) {
        self.lost.push(Lost {
            what: what.to_string(),
            why: why.to_string(),
        });
    }
}

/// Opens the damaged database. Asked for again after each damaged place: an encrypted connection that
/// met one reads nothing any more.
pub(crate) type Source<'a> = &'a dyn Fn() -> Result<Connection>;

/// Begins a book in `fresh` with whatever can be read of `damaged`.
pub(crate) fn carry_over(
    damaged: Source<'_>,
    fresh: &mut Connection,
    now_ms: i64,
    report: &mut RescueReport,
) -> Result<()> {
    open::prepare(fresh)?;
    let tx = fresh.transaction()?;
    match damaged() {
        Ok(connection) => {
            let mut source = salvage::Salvage::new(connection, damaged);
            salvage::carry_over(&mut source, &tx, now_ms, report)?;
        }
        Err(error) => report.lose("everything", error),
    }
    let detail = serde_json::to_value(&*report).unwrap_or_default();
    record::note(&tx, now_ms, "rescued", &detail)?;
    tx.commit()?;
    Ok(())
}
