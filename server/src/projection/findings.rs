//! The findings of inspections, so that overdue ones are found without opening a record.

use rusqlite::{Connection, params};
use serde_json::Value;
use sokiem_record::id::DocumentId;

use crate::error::Error;

/// A finding: its key in the record, its state, its deadline.
type Finding = (String, String, Option<String>);

/// Follows the findings of an inspection.
pub(super) fn keep(sql: &Connection, inspection: DocumentId, fields: &Value) -> Result<(), Error> {
    let now = read(fields);
    let key = inspection.as_bytes().as_slice();
    let before: Vec<Finding> = sql
        .prepare_cached(
            "SELECT element, state, deadline FROM findings WHERE inspection = ?1 ORDER BY element",
        )?
        .query_map([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    if now == before {
        return Ok(());
    }
    sql.prepare_cached("DELETE FROM findings WHERE inspection = ?1")?
        .execute([key])?;
    let mut insert = sql.prepare_cached(
        "INSERT INTO findings (inspection, element, state, deadline) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (element, state, deadline) in now {
        insert.execute(params![key, element, state, deadline])?;
    }
    Ok(())
}

fn read(fields: &Value) -> Vec<Finding> {
    let Some(findings) = fields.get("findings").and_then(Value::as_object) else {
        return Vec::new();
    };
    let text = |finding: &Value, name: &str| finding.get(name)?.as_str().map(str::to_owned);
    let mut found: Vec<Finding> = findings
        .iter()
        .filter(|(_, finding)| finding.get("removed").and_then(Value::as_bool) != Some(true))
        .map(|(element, finding)| {
            let state = text(finding, "state").unwrap_or_else(|| "open".to_owned());
            (element.clone(), state, text(finding, "deadline"))
        })
        .collect();
    found.sort();
    found
}
