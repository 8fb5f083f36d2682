//! Who is to do an assignment, so that a campaign's progress is told without opening a record.

use rusqlite::Connection;
use serde_json::Value;
use sokiem_record::id::{AccountId, DocumentId};
use uuid::Uuid;

use crate::error::Error;

/// Follows the officers of an assignment.
pub(super) fn keep(sql: &Connection, assignment: DocumentId, fields: &Value) -> Result<(), Error> {
    let key = assignment.as_bytes().as_slice();
    sql.prepare_cached("DELETE FROM assignees WHERE assignment = ?1")?
        .execute([key])?;
    let mut insert = sql
        .prepare_cached("INSERT OR IGNORE INTO assignees (assignment, account) VALUES (?1, ?2)")?;
    for account in read(fields) {
        insert.execute([key, account.as_bytes().as_slice()])?;
    }
    Ok(())
}

fn read(fields: &Value) -> Vec<AccountId> {
    let officers = fields.get("officers").and_then(Value::as_object);
    officers
        .into_iter()
        .flat_map(serde_json::Map::values)
        .filter(|officer| officer.get("removed").and_then(Value::as_bool) != Some(true))
        .filter_map(|officer| officer.get("account")?.as_str()?.parse::<Uuid>().ok())
        .map(AccountId)
        .collect()
}
