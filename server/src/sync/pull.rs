//! What a device lacks: the documents with news after its cursor, each once.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

use rusqlite::{Connection, params};
use serde_bytes::ByteBuf;
use sokiem_record::{
    ChangeHash,
    id::{AreaId, DocumentId, Kind},
    limits::PULL_TARGET_BYTES,
    wire::{AreaPull, Cursor, Entry, Grant, News, Received},
};

use crate::{
    error::Error,
    store::id,
    sync::{
        log::{self, What},
        stored::{self, Snapshot},
    },
    telemetry::Metrics,
};

/// A document travels as a snapshot when the device lacks more changes of it than this.
const SNAPSHOT_CHANGES: usize = 8;
/// What an entry costs beside its changes, in bytes of the body.
const ENTRY_BYTES: usize = 80;

/// Pulls for one device.
pub(super) struct Puller<'a> {
    pub(super) sql: &'a Connection,
    pub(super) metrics: &'a Metrics,
    pub(super) scope: &'a [Grant],
    /// Changes that this very request has brought and that were stored: not sent back.
    pub(super) own: &'a HashMap<DocumentId, HashSet<ChangeHash>>,
    /// Bytes that may still go into the answer.
    budget: usize,
    /// Snapshots that had to be made, for the next device to find on disk.
    made: RefCell<Vec<Made>>,
}

/// A snapshot that a pull had to make.
pub(super) struct Made {
    pub(super) document: DocumentId,
    pub(super) changes: u32,
    pub(super) snapshot: Snapshot,
}

impl<'a> Puller<'a> {
    pub(super) fn new(
        sql: &'a Connection,
        metrics: &'a Metrics,
        scope: &'a [Grant],
        own: &'a HashMap<DocumentId, HashSet<ChangeHash>>,
    ) -> Self {
        Self {
            sql,
            metrics,
            scope,
            own,
            budget: PULL_TARGET_BYTES,
            made: RefCell::default(),
        }
    }

    /// The news of every area in scope.
    pub(super) fn all(&mut self, cursors: &[Cursor]) -> Result<Vec<AreaPull>, Error> {
        let cursors: HashMap<AreaId, Cursor> = cursors
            .iter()
            .map(|cursor| (cursor.area, *cursor))
            .collect();
        let mut pulls = Vec::with_capacity(self.scope.len());
        for grant in self.scope {
            let cursor = cursors
                .get(&grant.area)
                .copied()
                .unwrap_or(Cursor::start(grant.area));
            pulls.push(self.area(cursor)?);
        }
        Ok(pulls)
    }

    /// The snapshots that were made on the way.
    pub(super) fn made(self) -> Vec<Made> {
        self.made.into_inner()
    }

    fn area(&mut self, asked: Cursor) -> Result<AreaPull, Error> {
        let position = log::position(self.sql, asked.area)?.ok_or(Error::Unreadable("area"))?;
        let fits = asked.base <= asked.seq
            && asked.seq <= position.last_seq
            && log::check(self.sql, asked.area, asked.seq)? == Some(asked.check);
        let mut cursor = asked;
        if !fits {
            self.metrics.cursor_resets.inc();
            cursor = Cursor::start(asked.area);
        }
        let mut pull = AreaPull {
            cursor,
            reset: !fits,
            more: false,
            fingerprint: None,
            entries: Vec::new(),
        };
        if cursor.seq < position.last_seq {
            pull.more = self.entries(&mut pull)?;
        }
        if !pull.more {
            pull.cursor.seq = position.last_seq;
            pull.cursor.base = position.last_seq;
            pull.fingerprint = Some(position.fingerprint);
        }
        pull.cursor.check = log::check(self.sql, asked.area, pull.cursor.seq)?.unwrap_or_default();
        Ok(pull)
    }

    /// Fills the pull up to the budget; whether there is more.
    fn entries(&mut self, pull: &mut AreaPull) -> Result<bool, Error> {
        let sql = self.sql;
        let mut statement = sql.prepare_cached(
            // A document that was buried is known by its tombstone only.
            "SELECT news.document, news.last_seq, news.gone OR documents.id IS NULL,
                    coalesce(documents.kind, tombstones.kind), documents.area, coalesce(documents.changes, 0)
               FROM news LEFT JOIN documents ON documents.id = news.document
               LEFT JOIN tombstones ON tombstones.document = news.document
              WHERE news.area = ?1 AND news.last_seq > ?2 ORDER BY news.last_seq",
        )?;
        let area = pull.cursor.area;
        let mut rows = statement.query(params![
            area.as_bytes().as_slice(),
            i64::try_from(pull.cursor.seq).unwrap_or(i64::MAX)
        ])?;
        while let Some(row) = rows.next()? {
            if self.budget == 0 {
                return Ok(true);
            }
            self.metrics.documents_touched.inc();
            let (document, last_seq): (DocumentId, u64) = (id::id(row, 0)?, row.get(1)?);
            let (gone, kind): (bool, Kind) = (row.get(2)?, id::kind(row, 3)?);
            let news = if gone {
                let now: Option<AreaId> = id::optional_id(row, 4)?;
                Some(News::Left(now.filter(|now| {
                    self.scope.iter().any(|grant| grant.area == *now)
                })))
            } else {
                self.news(area, document, pull.cursor.base, row.get(5)?)?
            };
            let base = i64::try_from(pull.cursor.base).unwrap_or(i64::MAX);
            if !gone && base > 0 && self.says_after(area, document, base, &[What::AGAIN])? {
                // The copy goes first: it may hold what the server has dismissed.
                pull.entries.push(Entry {
                    document,
                    kind,
                    news: News::Left(None),
                });
            }
            if let Some(news) = news {
                let cost = ENTRY_BYTES + size(&news);
                if cost > self.budget && self.budget < PULL_TARGET_BYTES {
                    self.budget = 0;
                    return Ok(true);
                }
                self.budget = self.budget.saturating_sub(cost);
                pull.entries.push(Entry {
                    document,
                    kind,
                    news,
                });
            }
            pull.cursor.seq = last_seq;
        }
        Ok(false)
    }

    /// What the device lacks of a document; `None` when it has just brought all of it itself.
    fn news(
        &self,
        area: AreaId,
        document: DocumentId,
        base: u64,
        changes: u32,
    ) -> Result<Option<News>, Error> {
        let base = i64::try_from(base).unwrap_or(i64::MAX);
        let anew = [What::ARRIVED, What::AGAIN];
        let whole = base == 0 || self.says_after(area, document, base, &anew)?;
        if whole
            && changes as usize > SNAPSHOT_CHANGES
            && let Some(snapshot) = self.snapshot(document, changes)?
        {
            return Ok(Some(snapshot));
        }
        let mut lacking = if whole {
            self.every_change(document)?
        } else {
            self.changes_after(area, document, base)?
        };
        if let Some(own) = self.own.get(&document) {
            lacking.retain(|(hash, _)| !own.contains(hash));
        }
        if lacking.is_empty() {
            return Ok(None);
        }
        if lacking.len() > SNAPSHOT_CHANGES
            && let Some(snapshot) = self.snapshot(document, changes)?
        {
            return Ok(Some(snapshot));
        }
        Ok(Some(News::Changes(
            lacking.into_iter().map(|(_, change)| change).collect(),
        )))
    }

    /// Whether the area's log says one of these of a document after `base`.
    fn says_after(
        &self,
        area: AreaId,
        document: DocumentId,
        base: i64,
        what: &[i64],
    ) -> Result<bool, Error> {
        let mut statement = self.sql.prepare_cached(
            // Left to itself, SQLite goes through everything that the area's log says after `base`.
            "SELECT 1 FROM log INDEXED BY log_by_document
              WHERE document = ?1 AND area = ?2 AND seq > ?3 AND what = ?4",
        )?;
        for what in what {
            let document = document.as_bytes().as_slice();
            if statement.exists(params![document, area.as_bytes().as_slice(), base, what])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn every_change(&self, document: DocumentId) -> Result<Vec<(ChangeHash, Received)>, Error> {
        let mut statement = self.sql.prepare_cached(
            "SELECT hash, bytes, received_ms FROM changes WHERE document = ?1 ORDER BY position",
        )?;
        let rows = statement.query_map([document.as_bytes().as_slice()], change)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn changes_after(
        &self,
        area: AreaId,
        document: DocumentId,
        base: i64,
    ) -> Result<Vec<(ChangeHash, Received)>, Error> {
        let mut statement = self.sql.prepare_cached(
            "SELECT changes.hash, changes.bytes, changes.received_ms
               FROM log INDEXED BY log_by_document JOIN changes ON changes.document = log.document AND changes.hash = log.hash
              WHERE log.document = ?1 AND log.area = ?2 AND log.seq > ?3 AND log.what = ?4
              ORDER BY log.seq",
        )?;
        let rows = statement.query_map(
            params![
                document.as_bytes().as_slice(),
                area.as_bytes().as_slice(),
                base,
                What::CHANGE
            ],
            change,
        )?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The whole document as one chunk: the one on disk where it is current, else a new one.
    fn snapshot(&self, document: DocumentId, changes: u32) -> Result<Option<News>, Error> {
        let mut snapshot = stored::kept_snapshot(self.sql, document, changes)?;
        if snapshot.is_none()
            && let Some(row) = stored::find(self.sql, document)?
        {
            snapshot = stored::snapshot(self.sql, &stored::open(self.sql, &row)?)?;
            let made = snapshot.clone().map(|snapshot| Made {
                document,
                changes,
                snapshot,
            });
            self.made.borrow_mut().extend(made);
        }
        Ok(snapshot.map(|snapshot| News::Snapshot {
            bytes: ByteBuf::from(snapshot.bytes),
            received_ms: snapshot.received_ms,
        }))
    }
}

fn change(row: &rusqlite::Row<'_>) -> rusqlite::Result<(ChangeHash, Received)> {
    let bytes = ByteBuf::from(row.get_ref(1)?.as_blob()?);
    Ok((
        id::hash(row, 0)?,
        Received {
            bytes,
            received_ms: row.get(2)?,
        },
    ))
}

fn size(news: &News) -> usize {
    match news {
        News::Changes(changes) => changes.iter().map(|change| change.bytes.len() + 40).sum(),
        News::Snapshot { bytes, received_ms } => bytes.len() + 9 * received_ms.len(),
        News::Left(_) => 20,
    }
}
