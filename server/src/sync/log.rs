//! The gapless log of an area, and its fingerprint.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use sokiem_record::{
    ChangeHash,
    fingerprint::Fingerprint,
    id::{AreaId, DocumentId},
    wire::Check,
};

use crate::{error::Error, store::id};

/// What a row of the log says, unless it is a change: see [`append_changes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The document has left for another area.
    Left,
    /// The document has come from another area, with its whole history.
    Arrived,
    /// The document is to be taken anew: a copy may hold what the server has dismissed.
    Again,
}

impl What {
    /// The number in SQL of a change.
    pub(crate) const CHANGE: i64 = 0;
    /// The number in SQL.
    pub(crate) const LEFT: i64 = 1;
    /// The number in SQL.
    pub(crate) const ARRIVED: i64 = 2;
    /// The number in SQL.
    pub(crate) const AGAIN: i64 = 3;
}

/// Where an area's log stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) last_seq: u64,
    pub(crate) fingerprint: Fingerprint,
}

/// Where an area's log stands; `None` when there is no such area.
pub(crate) fn position(sql: &Connection, area: AreaId) -> Result<Option<Position>, Error> {
    let row = sql
        .prepare_cached("SELECT last_seq, fingerprint FROM areas WHERE id = ?1")?
        .query_row([area.as_bytes().as_slice()], |row| {
            Ok((row.get::<_, u64>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .optional()?;
    row.map(|(last_seq, bytes)| {
        let fingerprint =
            Fingerprint::from_slice(&bytes).ok_or(Error::Unreadable("fingerprint"))?;
        Ok(Position {
            last_seq,
            fingerprint,
        })
    })
    .transpose()
}

/// Whether a document once lay in an area and has left it.
pub(crate) fn has_left(
    sql: &Connection,
    area: AreaId,
    document: DocumentId,
) -> Result<bool, Error> {
    Ok(sql
        .prepare_cached(
            "SELECT 1 FROM log INDEXED BY log_by_document WHERE document = ?1 AND area = ?2 AND what = ?3",
        )?
        .exists(params![
            document.as_bytes().as_slice(),
            area.as_bytes().as_slice(),
            What::LEFT
        ])?)
}

/// The check of row `seq`; `None` when there is no such row. Row 0 is the start of every log.
pub(crate) fn check(sql: &Connection, area: AreaId, seq: u64) -> Result<Option<Check>, Error> {
    if seq == 0 {
        return Ok(Some(Check::default()));
    }
    let Ok(seq) = i64::try_from(seq) else {
        return Ok(None);
    };
    let hash = sql
        .prepare_cached("SELECT hash FROM log WHERE area = ?1 AND seq = ?2")?
        .query_row(params![area.as_bytes().as_slice(), seq], |row| {
            id::hash(row, 0)
        })
        .optional()?;
    Ok(hash.map(|hash| Check::of(&hash.0)))
}

/// Appends one row, and makes it the newest of its document.
pub(crate) fn append(
    sql: &Connection,
    area: AreaId,
    document: DocumentId,
    what: What,
) -> Result<(), Error> {
    let key = area.as_bytes().as_slice();
    let seq: i64 = sql
        .prepare_cached(
            "UPDATE areas SET last_seq = last_seq + 1 WHERE id = ?1 RETURNING last_seq",
        )?
        .query_row([key], |row| row.get(0))?;
    let (number, hash) = match what {
        What::Left => (What::LEFT, row_hash(key, seq, document)),
        What::Arrived => (What::ARRIVED, row_hash(key, seq, document)),
        What::Again => (What::AGAIN, row_hash(key, seq, document)),
    };
    sql.prepare_cached(
        "INSERT INTO log (area, seq, document, what, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        key,
        seq,
        document.as_bytes().as_slice(),
        number,
        hash.as_slice()
    ])?;
    set_newest(sql, area, document, seq, what == What::Left)
}

/// Appends the changes that a document has got, makes the last of them its newest row, and brings the area's
/// fingerprint from the document's heads of before to those of now: what [`append`] for each and [`move_fingerprint`] do,
/// with the area's row read and written once.
pub(crate) fn append_changes(
    sql: &Connection,
    area: AreaId,
    document: DocumentId,
    changes: impl Iterator<Item = ChangeHash>,
    before: Option<&[ChangeHash]>,
    after: &[ChangeHash],
) -> Result<(), Error> {
    let Some(position) = position(sql, area)? else {
        return Err(Error::Unreadable("area"));
    };
    let key = area.as_bytes().as_slice();
    let last = i64::try_from(position.last_seq).map_err(|_| Error::Unreadable("area"))?;
    let mut seq = last;
    let mut insert = sql.prepare_cached(
        "INSERT INTO log (area, seq, document, what, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for hash in changes {
        seq += 1;
        insert.execute(params![
            key,
            seq,
            document.as_bytes().as_slice(),
            What::CHANGE,
            hash.0.as_slice()
        ])?;
    }
    if seq > last {
        set_newest(sql, area, document, seq, false)?;
    }
    let mut fingerprint = position.fingerprint;
    if let Some(heads) = before {
        fingerprint = fingerprint.minus(Fingerprint::of_document(document, heads));
    }
    fingerprint = fingerprint.plus(Fingerprint::of_document(document, after));
    sql.prepare_cached("UPDATE areas SET last_seq = ?2, fingerprint = ?3 WHERE id = ?1")?
        .execute(params![key, seq, fingerprint.as_bytes().as_slice()])?;
    Ok(())
}

/// Makes a row of the log the newest of its document.
fn set_newest(
    sql: &Connection,
    area: AreaId,
    document: DocumentId,
    seq: i64,
    gone: bool,
) -> Result<(), Error> {
    sql.prepare_cached(
        "INSERT INTO news (area, document, last_seq, gone) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (area, document) DO UPDATE SET last_seq = excluded.last_seq, gone = excluded.gone",
    )?
    .execute(params![
        area.as_bytes().as_slice(),
        document.as_bytes().as_slice(),
        seq,
        gone
    ])?;
    Ok(())
}

/// A hash for a row that has no change: it tells two histories of a log apart.
fn row_hash(area: &[u8], seq: i64, document: DocumentId) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(area);
    hasher.update(seq.to_be_bytes());
    hasher.update(document.as_bytes());
    hasher.finalize().into()
}

/// Adds a document to an area's fingerprint and takes its earlier state out.
pub(crate) fn move_fingerprint(
    sql: &Connection,
    area: AreaId,
    document: DocumentId,
    before: Option<&[ChangeHash]>,
    after: Option<&[ChangeHash]>,
) -> Result<(), Error> {
    let Some(mut fingerprint) = position(sql, area)?.map(|position| position.fingerprint) else {
        return Err(Error::Unreadable("area"));
    };
    if let Some(heads) = before {
        fingerprint = fingerprint.minus(Fingerprint::of_document(document, heads));
    }
    if let Some(heads) = after {
        fingerprint = fingerprint.plus(Fingerprint::of_document(document, heads));
    }
    sql.prepare_cached("UPDATE areas SET fingerprint = ?2 WHERE id = ?1")?
        .execute(params![
            area.as_bytes().as_slice(),
            fingerprint.as_bytes().as_slice()
        ])?;
    Ok(())
}
