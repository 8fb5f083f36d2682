//! What the machine could do at best with the same bytes: SQLite alone, zstd alone, Automerge alone.

use std::{path::Path, time::Instant};

use automerge::{Automerge, Change};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use sokiem_record::{
    edit::Author,
    genesis,
    id::{ActorId, DocumentId, Kind},
};
use uuid::Uuid;

use crate::{
    Result,
    bench::{figures::Figure, records::Record},
};

/// Rows in one transaction: about as many new records as the server stores in one.
const BATCH: usize = 100;
/// What HTTP's zstd uses on both sides.
const LEVEL: i32 = 3;

/// What it costs with nothing around it. Times in seconds, for all records.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Limit {
    /// So many records, each in one change.
    pub records: usize,
    /// The changes as they are.
    pub change_bytes: usize,
    /// The changes as one zstd stream.
    pub change_zstd_bytes: usize,
    /// The same documents, saved whole, as one zstd stream.
    pub document_zstd_bytes: usize,
    /// Compressing the changes.
    pub zstd: Figure,
    /// Inserting the changes into a table of SQLite in batches, each synced.
    pub sqlite: Figure,
    /// The same in one transaction.
    pub sqlite_once: Figure,
    /// Automerge decodes each change and applies it to a fresh document.
    pub apply: Figure,
    /// Automerge loads each document from its saved form.
    pub load: Figure,
    /// Automerge reads all values of each document.
    pub hydrate: Figure,
}

/// Measures it on the disk of `folder`.
///
/// # Errors
/// When a record does not fit the schema, or the disk fails.
pub fn measure(records: &[Record], folder: &Path, rounds: usize) -> Result<Limit> {
    let mut changes: Vec<(DocumentId, Vec<u8>)> = Vec::new();
    let mut saved: Vec<Vec<u8>> = Vec::new();
    let author = Author {
        actor: ActorId(Uuid::from_u128(7)),
        time_ms: 1_560_000_000_000,
        reason: None,
    };
    for (id, fields) in records {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        let id = DocumentId(id.parse()?);
        let (document, first) = genesis::document(id, Kind::Unit, &author, &fields)?;
        changes.push((id, first.bytes));
        saved.push(document.save());
    }
    let raw: Vec<u8> = changes
        .iter()
        .flat_map(|(_, bytes)| bytes.clone())
        .collect();
    let [
        mut zstd,
        mut sqlite,
        mut sqlite_once,
        mut apply,
        mut load,
        mut hydrate,
    ] = [const { Vec::new() }; 6];
    for round in 0..rounds {
        zstd.push(timed(|| Ok(zstd::bulk::compress(&raw, LEVEL)?))?);
        sqlite.push(insert(
            &folder.join(format!("batches-{round}.sqlite3")),
            &changes,
            BATCH,
        )?);
        sqlite_once.push(insert(
            &folder.join(format!("once-{round}.sqlite3")),
            &changes,
            usize::MAX,
        )?);
        let mut docs = Vec::new();
        apply.push(timed(|| {
            for (_, bytes) in &changes {
                let mut doc = Automerge::new();
                doc.apply_changes([Change::from_bytes(bytes.clone())?])?;
                docs.push(doc);
            }
            Ok(())
        })?);
        load.push(timed(|| {
            saved
                .iter()
                .try_for_each(|bytes| Ok(Automerge::load(bytes).map(drop)?))
        })?);
        hydrate.push(timed(|| {
            docs.iter().for_each(|doc| drop(doc.hydrate(None)));
            Ok(())
        })?);
    }
    let figure = |times: Vec<f64>| Figure::of(times).ok_or("no rounds");
    Ok(Limit {
        records: records.len(),
        change_bytes: raw.len(),
        change_zstd_bytes: zstd::bulk::compress(&raw, LEVEL)?.len(),
        document_zstd_bytes: zstd::bulk::compress(&saved.concat(), LEVEL)?.len(),
        zstd: figure(zstd)?,
        sqlite: figure(sqlite)?,
        sqlite_once: figure(sqlite_once)?,
        apply: figure(apply)?,
        load: figure(load)?,
        hydrate: figure(hydrate)?,
    })
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// With the server's own settings: write-ahead log, every commit synced.
fn insert(file: &Path, changes: &[(DocumentId, Vec<u8>)], batch: usize) -> Result<f64> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE changes (document BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID")?;
    timed(|| {
        for some in changes.chunks(batch.min(changes.len()).max(1)) {
            let transaction = connection.transaction()?;
            let mut insert = transaction.prepare_cached("INSERT INTO changes VALUES (?1, ?2)")?;
            for (document, bytes) in some {
                insert.execute(params![document.as_bytes().as_slice(), bytes])?;
            }
            drop(insert);
            transaction.commit()?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::records::records;

    #[test]
    fn the_limit_is_measured_with_every_record_in_one_change() {
        let folder = tempfile::tempdir().unwrap();
        let limit = measure(&records(30, 1), folder.path(), 1).unwrap();
        assert_eq!(limit.records, 30);
        assert!(
            limit.change_zstd_bytes < limit.change_bytes / 2,
            "{limit:?}"
        );
    }
}
