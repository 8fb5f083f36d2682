//! Everything on this device as one JSON value: for a person to keep, or to carry to the server by hand.

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::{
    book::Book,
    error::Result,
    store::{documents, enrolment, quarantine, record},
};

/// States the shape of the export.
const FORMAT: &str = "sokiem-export-1";

impl Book {
    /// Everything on this device: each document with its values and every change as hexadecimal bytes,
    /// what was refused with its bytes, the status and the events. A document that can't be read is
    /// exported by its bytes alone, with the reason. The credential is left out.
    ///
    /// # Errors
    /// [`crate::Error::Database`] when the database can't be read.
    pub fn export(&self) -> Result<Json> {
        let status = self.status()?;
        let exported_ms = self.now_ms();
        self.read(|connection| {
            let documents: Vec<Json> = documents::all(connection)?
                .iter()
                .map(|row| export_document(connection, row))
                .collect::<Result<_>>()?;
            let refused: Vec<Json> = quarantine::all(connection)?
                .iter()
                .map(|refused| {
                    let mut json = json!(refused);
                    if let Some(fields) = json.as_object_mut() {
                        fields.insert("bytes".to_owned(), hex(&refused.bytes).into());
                    }
                    json
                })
                .collect();
            Ok(json!({
                "format": FORMAT,
                "exported_ms": exported_ms,
                "actor": enrolment::actor(connection)?,
                "enrolment": enrolment::get(connection)?,
                "epoch": enrolment::epoch(connection)?,
                "status": status,
                "documents": documents,
                "refused": refused,
                "events": record::events(connection, 500)?,
            }))
        })
    }
}

/// States the shape of an export of what was refused.
const REFUSED_FORMAT: &str = "sokiem-refused-1";

impl Book {
    /// What the server refused and what was never sent, as a file that the desk imports
    /// (`POST /api/v1/quarantine/import`): for a phone that gets no network any more, or was revoked. Nothing
    /// changes on this device.
    ///
    /// # Errors
    /// [`crate::Error::Database`] when the database can't be read.
    pub fn export_refused(&self) -> Result<Json> {
        let exported_ms = self.now_ms();
        self.read(|connection| {
            let mut changes = Vec::new();
            for refused in quarantine::all(connection)? {
                if refused.direction == quarantine::Direction::Sent {
                    changes.push(json!({
                        "document": refused.document, "kind": refused.kind, "area": refused.area,
                        "refusal": refused.refusal.code(), "bytes": hex(&refused.bytes),
                    }));
                }
            }
            for row in documents::all(connection)? {
                let stored = documents::changes(connection, row.id)?;
                changes.extend(stored.iter().filter(|change| change.pending).map(|change| {
                    json!({
                        "document": row.id, "kind": row.kind, "area": row.area,
                        "refusal": null, "bytes": hex(&change.bytes),
                    })
                }));
            }
            let device = enrolment::get(connection)?.map(|enrolment| enrolment.device);
            Ok(json!({
                "format": REFUSED_FORMAT, "exported_ms": exported_ms, "device": device, "changes": changes,
            }))
        })
    }
}

fn export_document(connection: &Connection, row: &documents::Row) -> Result<Json> {
    let stored = documents::changes(connection, row.id)?;
    let pending: Vec<String> = stored
        .iter()
        .filter(|change| change.pending)
        .map(|change| change.hash.to_string())
        .collect();
    let heads: Vec<String> = row.heads.iter().map(ToString::to_string).collect();
    let mut json = json!({
        "document": row.id, "kind": row.kind, "area": row.area, "heads": heads, "pending": pending,
    });
    let content = match documents::load(connection, row) {
        Ok(document) => json!({
            "fields": document.to_json(),
            "conflicts": document.conflicts(),
            "changes": document.changes_since(&[]).iter().map(|bytes| hex(bytes)).collect::<Vec<_>>(),
        }),
        Err(error) => json!({
            "unreadable": error.to_string(),
            "snapshot": documents::snapshot(connection, row.id)?.map(|snapshot| hex(&snapshot.bytes)),
            "changes": stored.iter().map(|change| hex(&change.bytes)).collect::<Vec<_>>(),
        }),
    };
    if let (Some(json), Json::Object(content)) = (json.as_object_mut(), content) {
        json.extend(content);
    }
    Ok(json)
}

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
