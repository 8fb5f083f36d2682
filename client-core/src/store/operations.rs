//! What operations came to, for a host that may not have heard the answer.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::error::Result;

/// So many answers are kept: a host asks again within seconds, and 500 saves take an officer longer than that. Not
/// by time, for the clock of a phone may jump.
const KEPT: i64 = 500;

/// The answer to one save of an operation, as JSON.
pub(crate) fn answer(
    connection: &Connection,
    operation: Uuid,
    step: u32,
) -> Result<Option<String>> {
    let sql = "SELECT answer FROM operations WHERE operation = ?1 AND step = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let answer = statement.query_row(params![operation.as_bytes().as_slice(), step], |row| {
        row.get(0)
    });
    Ok(answer.optional()?)
}

pub(crate) fn remember(
    connection: &Connection,
    operation: Uuid,
    step: u32,
    answer: &str,
) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO operations (operation, step, answer) VALUES (?1, ?2, ?3)")?
        .execute(params![operation.as_bytes().as_slice(), step, answer])?;
    connection
        .prepare_cached(
            "DELETE FROM operations WHERE number <= (SELECT max(number) FROM operations) - ?1",
        )?
        .execute([KEPT])?;
    Ok(())
}
