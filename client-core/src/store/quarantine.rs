//! What was refused, kept with its reason until a person takes it away.

use rusqlite::{Connection, params};
use serde::Serialize;
use sokiem_record::{
    ChangeHash,
    id::{AreaId, DocumentId, Kind},
    refusal::Refusal,
};

use crate::{
    error::{Error, Result},
    store::heads,
};

/// Which way a refused change was going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// This device sent it and the server refused it.
    Sent,
    /// The server sent it and this device could not take it.
    Received,
}

/// A refused change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The document that it was for.
    pub document: DocumentId,
    /// The document's kind.
    pub kind: Kind,
    /// The document's area.
    pub area: AreaId,
    /// What a person called the document then.
    pub title: String,
    /// The change.
    #[serde(serialize_with = "as_text")]
    pub hash: ChangeHash,
    /// Its bytes.
    #[serde(skip)]
    pub bytes: Vec<u8>,
    /// Which way it was going.
    pub direction: Direction,
    /// Why it was refused.
    pub refusal: Refusal,
    /// The reason in Vietnamese.
    pub vietnamese: &'static str,
    /// The reason in English.
    pub english: &'static str,
    /// When, in milliseconds since 1970-01-01 UTC by this device's clock.
    pub noted_ms: i64,
}

fn as_text<S: serde::Serializer>(hash: &ChangeHash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}

/// Where a refused change belongs.
pub(crate) struct Of<'a> {
    pub(crate) document: DocumentId,
    pub(crate) kind: Kind,
    pub(crate) area: AreaId,
    pub(crate) title: &'a str,
}

pub(crate) fn add(
    connection: &Connection,
    of: &Of<'_>,
    hash: ChangeHash,
    bytes: &[u8],
    why: (Direction, Refusal),
    now_ms: i64,
) -> Result<()> {
    let direction = match why.0 {
        Direction::Sent => "sent",
        Direction::Received => "received",
    };
    connection
        .prepare_cached(
            "INSERT INTO quarantine (document, kind, area, title, hash, bytes, direction, refusal, noted_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (document, hash, direction) DO UPDATE SET refusal = excluded.refusal",
        )?
        .execute(params![
            of.document.as_bytes().as_slice(),
            of.kind.name(),
            of.area.as_bytes().as_slice(),
            of.title,
            hash.0.as_slice(),
            bytes,
            direction,
            why.1.code(),
            now_ms,
        ])?;
    Ok(())
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<Refused>> {
    let sql = "SELECT document, kind, area, title, hash, bytes, direction, refusal, noted_ms
               FROM quarantine ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut refused = Vec::new();
    while let Some(row) = rows.next()? {
        let (document, area, hash): (Vec<u8>, Vec<u8>, Vec<u8>) =
            (row.get(0)?, row.get(2)?, row.get(4)?);
        let (kind, direction, code): (String, String, String) =
            (row.get(1)?, row.get(6)?, row.get(7)?);
        let refusal = Refusal::from_code(&code).unwrap_or(Refusal::DoesNotApply);
        refused.push(Refused {
            document: DocumentId::from_slice(&document)
                .ok_or(Error::Unreadable("a document id"))?,
            kind: Kind::from_name(&kind).ok_or(Error::Unreadable("a kind"))?,
            area: AreaId::from_slice(&area).ok_or(Error::Unreadable("an area id"))?,
            title: row.get(3)?,
            hash: heads::hash(&hash)?,
            bytes: row.get(5)?,
            direction: if direction == "sent" {
                Direction::Sent
            } else {
                Direction::Received
            },
            refusal,
            vietnamese: refusal.vietnamese(),
            english: refusal.english(),
            noted_ms: row.get(8)?,
        });
    }
    Ok(refused)
}

pub(crate) fn count(connection: &Connection) -> Result<u64> {
    let count = connection
        .prepare_cached("SELECT count(*) FROM quarantine")?
        .query_row([], |row| row.get(0))?;
    crate::store::unsigned(count)
}

/// How many came from the server.
pub(crate) fn received(connection: &Connection) -> Result<u64> {
    let count = connection
        .prepare_cached("SELECT count(*) FROM quarantine WHERE direction = 'received'")?
        .query_row([], |row| row.get(0))?;
    crate::store::unsigned(count)
}

pub(crate) fn remove(
    connection: &Connection,
    document: DocumentId,
    hash: ChangeHash,
) -> Result<bool> {
    let removed = connection
        .prepare_cached("DELETE FROM quarantine WHERE document = ?1 AND hash = ?2")?
        .execute(params![document.as_bytes().as_slice(), hash.0.as_slice()])?;
    Ok(removed > 0)
}

/// Takes away entries of changes that `is_held` now: somebody took them over on the server. How many.
pub(crate) fn settle_held(
    connection: &Connection,
    document: DocumentId,
    is_held: impl Fn(&ChangeHash) -> bool,
) -> Result<u64> {
    let mut statement =
        connection.prepare_cached("SELECT hash FROM quarantine WHERE document = ?1")?;
    let hashes = statement
        .query_map([document.as_bytes().as_slice()], |row| {
            row.get::<_, Vec<u8>>(0)
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut settled = 0;
    for hash in hashes {
        let hash = heads::hash(&hash)?;
        if is_held(&hash) && remove(connection, document, hash)? {
            settled += 1;
        }
    }
    Ok(settled)
}
