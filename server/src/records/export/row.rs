//! One record on its way out: its row in lists, and its fields.

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use sokiem_record::id::{DocumentId, Kind};
use uuid::Uuid;

use crate::{accounts::access::Areas, error::Error, records::heads, store::id, sync::stored};

/// A record.
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) kind: Kind,
    pub(super) area: Uuid,
    pub(super) area_name: String,
    pub(super) title: String,
    pub(super) subject: Option<Uuid>,
    pub(super) subject_title: Option<String>,
    pub(super) campaign: Option<Uuid>,
    pub(super) campaign_title: Option<String>,
    pub(super) state: String,
    pub(super) review: Option<String>,
    pub(super) date: Option<String>,
    pub(super) conflicts: u32,
    pub(super) updated_ms: i64,
    pub(super) heads: Vec<String>,
    /// Every field, as `GET /api/v1/records/{id}` says it.
    pub(super) fields: Value,
}

/// Reads a record; `None` where it is gone, or has gone where the caller may not read.
pub(super) fn read(
    sql: &Connection,
    areas: &Areas,
    record: DocumentId,
) -> Result<Option<Row>, Error> {
    let Some(found) = stored::find(sql, record)?.filter(|row| areas.readable(row.area)) else {
        return Ok(None);
    };
    let document = stored::open(sql, &found)?;
    let mut statement = sql.prepare_cached(
        "SELECT areas.name, documents.title, documents.subject, subjects.title, documents.campaign,
                campaigns.title, documents.state, reviews.state, documents.date, documents.conflicts,
                documents.updated_ms
           FROM documents
           JOIN areas ON areas.id = documents.area
           LEFT JOIN documents AS subjects ON subjects.id = documents.subject
           LEFT JOIN documents AS campaigns ON campaigns.id = documents.campaign
           LEFT JOIN documents AS reviews ON reviews.subject = documents.id AND reviews.kind = 'review'
          WHERE documents.id = ?1 LIMIT 1",
    )?;
    let row = statement
        .query_row([record.as_bytes().as_slice()], |row| {
            Ok(Row {
                id: record.0,
                kind: found.kind,
                area: found.area.0,
                area_name: row.get(0)?,
                title: row.get(1)?,
                subject: id::optional_id::<DocumentId>(row, 2)?.map(|id| id.0),
                subject_title: row.get(3)?,
                campaign: id::optional_id::<DocumentId>(row, 4)?.map(|id| id.0),
                campaign_title: row.get(5)?,
                state: row.get(6)?,
                review: row.get(7)?,
                date: row.get(8)?,
                conflicts: row.get(9)?,
                updated_ms: row.get(10)?,
                heads: heads::texts(&found.heads),
                fields: document.to_json(),
            })
        })
        .optional()?;
    Ok(row)
}
