//! Areas: scope, cursors and fingerprints.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use sokiem_record::{
    fingerprint::Fingerprint,
    id::AreaId,
    wire::{Check, Cursor},
};

use crate::{
    book::AreaInScope,
    error::{Error, Result},
    store::{signed, unsigned},
};

/// One area.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) cursor: Cursor,
    pub(crate) in_scope: bool,
    pub(crate) writable: bool,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) server_fingerprint: Option<Fingerprint>,
    pub(crate) reconcile: bool,
    pub(crate) disagreed: Option<Vec<u8>>,
}

impl Row {
    /// Whether the last full pull proved both sides to hold the same.
    pub(crate) fn agrees(&self) -> bool {
        self.server_fingerprint == Some(self.fingerprint) && !self.reconcile
    }

    /// Both fingerprints, to recognise a disagreement that a comparison could not mend.
    pub(crate) fn both(&self) -> Option<Vec<u8>> {
        let server = self.server_fingerprint?;
        Some(
            [
                self.fingerprint.as_bytes().as_slice(),
                server.as_bytes().as_slice(),
            ]
            .concat(),
        )
    }
}

const COLUMNS: &str = "area, in_scope, writable, base, seq, cursor_check, fingerprint, server_fingerprint, \
                       reconcile, disagreed";

fn read(row: &SqlRow<'_>) -> Result<Row> {
    let unreadable = || Error::Unreadable("a row of areas");
    let (area, check, fingerprint): (Vec<u8>, Vec<u8>, Vec<u8>) =
        (row.get(0)?, row.get(5)?, row.get(6)?);
    let server: Option<Vec<u8>> = row.get(7)?;
    Ok(Row {
        cursor: Cursor {
            area: AreaId::from_slice(&area).ok_or_else(unreadable)?,
            base: unsigned(row.get(3)?)?,
            seq: unsigned(row.get(4)?)?,
            check: Check(check.try_into().map_err(|_| unreadable())?),
        },
        in_scope: row.get(1)?,
        writable: row.get(2)?,
        fingerprint: Fingerprint::from_slice(&fingerprint).ok_or_else(unreadable)?,
        server_fingerprint: server.as_deref().and_then(Fingerprint::from_slice),
        reconcile: row.get(8)?,
        disagreed: row.get(9)?,
    })
}

pub(crate) fn find(connection: &Connection, area: AreaId) -> Result<Option<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM areas WHERE area = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([area.as_bytes().as_slice()])?;
    rows.next()?.map(read).transpose()
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM areas ORDER BY area");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The areas in scope with their names, by name.
pub(crate) fn in_scope(connection: &Connection) -> Result<Vec<AreaInScope>> {
    let mut statement = connection.prepare_cached(
        "SELECT areas.area, coalesce(projection.title, ''), areas.writable
         FROM areas LEFT JOIN projection ON projection.document = areas.area
         WHERE areas.in_scope ORDER BY 2, 1",
    )?;
    let mut rows = statement.query([])?;
    let mut areas = Vec::new();
    while let Some(row) = rows.next()? {
        let area: Vec<u8> = row.get(0)?;
        areas.push(AreaInScope {
            area: AreaId::from_slice(&area).ok_or(Error::Unreadable("a row of areas"))?,
            name: row.get(1)?,
            writable: row.get(2)?,
        });
    }
    Ok(areas)
}

/// States whether an area is in scope; a new one begins at the start of its log.
pub(crate) fn grant(
    connection: &Connection,
    area: AreaId,
    in_scope: bool,
    writable: bool,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO areas (area, in_scope, writable) VALUES (?1, ?2, ?3)
             ON CONFLICT (area) DO UPDATE SET in_scope = ?2, writable = ?3",
        )?
        .execute(params![area.as_bytes().as_slice(), in_scope, writable])?;
    Ok(())
}

pub(crate) fn remove(connection: &Connection, area: AreaId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM areas WHERE area = ?1")?
        .execute([area.as_bytes().as_slice()])?;
    Ok(())
}

/// Moves the cursor, with the fingerprint that the server states at the end of its log.
pub(crate) fn move_cursor(
    connection: &Connection,
    cursor: &Cursor,
    server: Option<Fingerprint>,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE areas SET base = ?2, seq = ?3, cursor_check = ?4, server_fingerprint = ?5 WHERE area = ?1",
        )?
        .execute(params![
            cursor.area.as_bytes().as_slice(),
            signed(cursor.base)?,
            signed(cursor.seq)?,
            cursor.check.0.as_slice(),
            server.as_ref().map(|server| server.as_bytes().as_slice()),
        ])?;
    Ok(())
}

/// Marks an area for a comparison of heads, or takes the mark away.
pub(crate) fn set_reconcile(connection: &Connection, area: AreaId, reconcile: bool) -> Result<()> {
    connection
        .prepare_cached("UPDATE areas SET reconcile = ?2 WHERE area = ?1")?
        .execute(params![area.as_bytes().as_slice(), reconcile])?;
    Ok(())
}

/// Remembers a disagreement that a comparison could not mend.
pub(crate) fn set_disagreed(
    connection: &Connection,
    area: AreaId,
    both: Option<&[u8]>,
) -> Result<()> {
    connection
        .prepare_cached("UPDATE areas SET disagreed = ?2 WHERE area = ?1")?
        .execute(params![area.as_bytes().as_slice(), both])?;
    Ok(())
}

/// Takes one document out of an area's fingerprint and puts one in. An area that is not known yet is
/// noted as out of scope.
pub(crate) fn shift(
    connection: &Connection,
    area: AreaId,
    minus: Option<Fingerprint>,
    plus: Option<Fingerprint>,
) -> Result<()> {
    if minus == plus {
        return Ok(());
    }
    let bytes = area.as_bytes().as_slice();
    let stored: Option<Vec<u8>> = connection
        .prepare_cached("SELECT fingerprint FROM areas WHERE area = ?1")?
        .query_row([bytes], |row| row.get(0))
        .optional()?;
    let mut sum = match stored {
        Some(stored) => {
            Fingerprint::from_slice(&stored).ok_or(Error::Unreadable("a fingerprint"))?
        }
        None => {
            connection
                .prepare_cached("INSERT INTO areas (area, in_scope, writable) VALUES (?1, 0, 0)")?
                .execute([bytes])?;
            Fingerprint::default()
        }
    };
    if let Some(minus) = minus {
        sum = sum.minus(minus);
    }
    if let Some(plus) = plus {
        sum = sum.plus(plus);
    }
    connection
        .prepare_cached("UPDATE areas SET fingerprint = ?2 WHERE area = ?1")?
        .execute(params![bytes, sum.as_bytes().as_slice()])?;
    Ok(())
}
