//! What people wrote, with who they are and when it arrived.

use std::collections::HashMap;

use rusqlite::Connection;
use sokiem_record::{ChangeHash, history::HistoryEntry, id::DocumentId, reading};

use crate::{
    error::Error,
    records::{
        names::Names,
        record::{Alternative, Entry},
    },
    sync::stored,
};

/// Names and times for the changes of one document.
pub(crate) struct Said {
    pub(super) names: Names,
    pub(super) received_ms: HashMap<ChangeHash, i64>,
}

impl Said {
    pub(crate) fn of(sql: &Connection, document: DocumentId) -> Result<Self, Error> {
        Ok(Self {
            names: Names::of(sql, document)?,
            received_ms: stored::received_ms(sql, document)?,
        })
    }

    /// One change.
    pub(crate) fn entry(&self, entry: HistoryEntry) -> Entry {
        Entry {
            hash: entry.provenance.hash.to_string(),
            by: self.names.writer(entry.provenance.actor),
            time_ms: entry.provenance.time_ms,
            received_ms: self.received_ms.get(&entry.provenance.hash).copied(),
            reason: entry.provenance.reason,
            fields: entry.fields,
            state: Vec::new(),
        }
    }

    /// The live values of a field.
    pub(crate) fn alternatives(&self, live: Vec<reading::Alternative>) -> Vec<Alternative> {
        live.into_iter()
            .map(|one| Alternative {
                value: one.value,
                hash: one.provenance.hash.to_string(),
                by: self.names.writer(one.provenance.actor),
                time_ms: one.provenance.time_ms,
                received_ms: self.received_ms.get(&one.provenance.hash).copied(),
                reason: one.provenance.reason,
            })
            .collect()
    }
}
