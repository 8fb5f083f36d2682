//! What a phone exported as a file: for one that never gets a network again, or that was revoked.

use axum::extract::State;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    id::{DeviceId, DocumentId, Kind},
    limits,
    refusal::Refusal,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::UNSENT;
use crate::{
    accounts::access::{Caller, Role},
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{body::Json, problem::Problem},
    secret,
    store::{Writing, id},
    sync::stored,
};

/// The file's form.
const FORMAT: &str = "sokiem-refused-1";

/// A file that a phone exported.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exported {
    /// `sokiem-refused-1`.
    format: String,
    /// When it was exported, by the phone's clock.
    #[serde(rename = "exported_ms")]
    #[schema(value_type = i64)]
    _exported_ms: serde_json::Number,
    /// The device, where the phone knows it.
    device: Option<Uuid>,
    /// The changes, each after what it builds on.
    changes: Vec<ExportedChange>,
}

/// One of its changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExportedChange {
    document: Uuid,
    kind: String,
    area: Uuid,
    /// Why it was refused; null where it was never sent.
    refusal: Option<String>,
    /// Hexadecimal.
    bytes: String,
}

/// What came of an import.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// Changes that are in quarantine now and were not before.
    added: u32,
    /// Changes that were in quarantine or in their record before.
    known: u32,
}

/// Take in a file that a phone exported. Its changes go to quarantine, to be looked at one by one.
#[utoipa::path(post, path = "/api/v1/quarantine/import", tag = "records", request_body = Exported,
    responses((status = 200, body = Imported), (status = 403, description = "forbidden"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn import(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<Exported>,
) -> Result<Json<Imported>, Problem> {
    caller.at_least(Role::Supervisor)?;
    if body.format != FORMAT {
        return Err(Problem::invalid(format!("format: {FORMAT}")));
    }
    if body.changes.len() > limits::MAX_PUSH_CHANGES {
        return Err(Problem::invalid(format!(
            "changes: at most {}",
            limits::MAX_PUSH_CHANGES
        )));
    }
    let quota = app.config.limits.quarantine_bytes;
    app.store
        .write(move |writing| {
            let mut imported = Imported { added: 0, known: 0 };
            let mut device = None;
            for change in &body.changes {
                let change = Change::read(writing.sql, change, body.device)?;
                device = Some(change.device);
                if keep(writing, &change, quota)? {
                    imported.added += 1;
                } else {
                    imported.known += 1;
                }
            }
            let mut entry = Entry::new(Action::QuarantineImported).by(caller.account);
            if let Some(device) = device {
                entry = entry.with_device(device);
            }
            audit::note(writing, entry.detail("added", imported.added))?;
            Ok(Json(imported))
        })
        .await
}

struct Change {
    device: DeviceId,
    document: DocumentId,
    kind: Kind,
    area: Uuid,
    hash: ChangeHash,
    reason: &'static str,
    bytes: Vec<u8>,
}

impl Change {
    fn read(
        sql: &Connection,
        exported: &ExportedChange,
        device: Option<Uuid>,
    ) -> Result<Self, Problem> {
        let invalid = |what: &str| Problem::invalid(format!("changes: {what}"));
        let bytes = secret::unhex(&exported.bytes)
            .filter(|bytes| bytes.len() <= 2 * limits::MAX_CHANGE_BYTES)
            .ok_or_else(|| invalid("bytes are hexadecimal digits"))?;
        let header = ChangeHeader::parse(&bytes).ok();
        let hash = header.as_ref().map_or_else(
            || ChangeHash(Sha256::digest(&bytes).into()),
            |header| header.hash,
        );
        // Who wrote it, where that is known; else the phone that the file names.
        let by_actor = match &header {
            Some(header) => device_of(sql, header)?,
            None => None,
        };
        let device = match by_actor {
            Some(device) => device,
            None => known_device(sql, device)?.ok_or_else(|| invalid("nobody knows the device"))?,
        };
        let reason = match exported.refusal.as_deref() {
            None => UNSENT,
            Some(code) => Refusal::from_code(code)
                .ok_or_else(|| invalid("refusal is a reason of the protocol"))?
                .code(),
        };
        Ok(Self {
            device,
            document: DocumentId(exported.document),
            kind: Kind::from_name(&exported.kind).ok_or_else(|| invalid("kind"))?,
            area: exported.area,
            hash,
            reason,
            bytes,
        })
    }
}

fn device_of(sql: &Connection, header: &ChangeHeader) -> Result<Option<DeviceId>, Error> {
    let device: Option<Option<DeviceId>> = sql
        .prepare_cached("SELECT device FROM actors WHERE actor = ?1")?
        .query_row([header.actor.as_bytes().as_slice()], |row| {
            id::optional_id(row, 0)
        })
        .optional()?;
    Ok(device.flatten())
}

fn known_device(sql: &Connection, device: Option<Uuid>) -> Result<Option<DeviceId>, Error> {
    let Some(device) = device else {
        return Ok(None);
    };
    let known = sql
        .prepare_cached("SELECT 1 FROM devices WHERE id = ?1")?
        .exists([device.as_bytes().as_slice()])?;
    Ok(known.then_some(DeviceId(device)))
}

/// Keeps a change in quarantine; false when it was there, or in its record, before.
fn keep(writing: &Writing<'_>, change: &Change, quota: u64) -> Result<bool, Problem> {
    let sql = writing.sql;
    if stored::has_change(sql, change.document, &change.hash)? {
        return Ok(false);
    }
    let device = change.device.as_bytes().as_slice();
    let kept: u64 = sql
        .prepare_cached(
            "SELECT coalesce(sum(length(bytes) + 100), 0) FROM quarantine WHERE device = ?1 AND state = 'open'",
        )
        .and_then(|mut statement| statement.query_row([device], |row| row.get(0)))
        .map_err(Error::from)?;
    if kept + change.bytes.len() as u64 + 100 > quota {
        return Err(Problem::invalid(
            "The device's quarantine is full: settle some of it first",
        ));
    }
    let added = sql
        .prepare_cached(
            "INSERT INTO quarantine (device, document, hash, kind, area, bytes, reason, received_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (device, document, hash) DO NOTHING",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                device,
                change.document.as_bytes().as_slice(),
                change.hash.0.as_slice(),
                change.kind.name(),
                change.area.as_bytes().as_slice(),
                change.bytes,
                change.reason,
                writing.now_ms,
            ])
        })
        .map_err(Error::from)?;
    Ok(added > 0)
}
