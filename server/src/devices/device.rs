//! The list of devices, and sending one away.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use sokiem_record::id::{AccountId, DeviceId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::{access::Caller, grant},
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{body::Json, problem::Problem},
    store::id,
    sync::poke::Poke,
};

/// A device. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Device {
    /// Its id.
    pub(crate) id: Uuid,
    /// Whose it is.
    pub(crate) account: Uuid,
    /// Whose it is, by name.
    pub(crate) account_name: String,
    /// What the officer calls it.
    pub(crate) name: String,
    /// The build that runs on it, as it last said.
    pub(crate) app_version: String,
    /// When it was enrolled.
    pub(crate) enrolled_ms: i64,
    /// When it was last heard of, to the minute.
    pub(crate) last_seen_ms: i64,
    /// Since when it has its key.
    pub(crate) key_since_ms: i64,
    /// When its key ends, unless the device renews it before.
    pub(crate) expires_ms: i64,
    /// When it was revoked.
    pub(crate) revoked_ms: Option<i64>,
    /// When somebody asked for its data to be erased.
    pub(crate) wipe_ms: Option<i64>,
    /// When it had sent what it could and said that it erases them.
    pub(crate) wiped_ms: Option<i64>,
    /// How many of its changes were refused and are kept.
    pub(crate) quarantined: u64,
    /// When it last said something about itself; null for one that never did.
    pub(crate) reported_ms: Option<i64>,
    /// How far its clock was ahead of the server's then, in milliseconds; negative when it was behind.
    pub(crate) clock_ahead_ms: Option<i64>,
    /// Changes that it had not sent then.
    pub(crate) waiting: Option<u64>,
    /// Photos and scans that it had not sent then.
    pub(crate) waiting_attachments: Option<u64>,
    /// Heard of for the last time longer ago than `lifetimes.silent_device_s`, and not revoked.
    pub(crate) silent: bool,
}

/// List devices: all of them for an administrator, those of their officers for a supervisor.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices",
    responses((status = 200, body = Vec<Device>), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn list(State(app): Shared, caller: Caller) -> Result<Json<Vec<Device>>, Problem> {
    let now_ms = app.machine.now_ms();
    let silent_before_ms = app.config.lifetimes.silent_before_ms(now_ms);
    app.store
        .read(move |sql| {
            let mut statement = sql.prepare_cached(
                "SELECT devices.id, devices.account, accounts.name, devices.name, app_version, enrolled_ms, last_seen_ms,
                        expires_ms, revoked_ms, (SELECT count(*) FROM quarantine WHERE device = devices.id),
                        key_since_ms, wipe_ms, wiped_ms, reported_ms, clock_ahead_ms, waiting, waiting_attachments
                   FROM devices JOIN accounts ON accounts.id = devices.account ORDER BY enrolled_ms, devices.id",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(Device {
                    id: id::id::<DeviceId>(row, 0)?.0,
                    account: id::id::<AccountId>(row, 1)?.0,
                    account_name: row.get(2)?,
                    name: row.get(3)?,
                    app_version: row.get(4)?,
                    enrolled_ms: row.get(5)?,
                    last_seen_ms: row.get(6)?,
                    expires_ms: row.get(7)?,
                    revoked_ms: row.get(8)?,
                    quarantined: row.get(9)?,
                    key_since_ms: row.get(10)?,
                    wipe_ms: row.get(11)?,
                    wiped_ms: row.get(12)?,
                    reported_ms: row.get(13)?,
                    clock_ahead_ms: row.get(14)?,
                    waiting: row.get(15)?,
                    waiting_attachments: row.get(16)?,
                    silent: row.get::<_, Option<i64>>(8)?.is_none() && row.get::<_, i64>(6)? < silent_before_ms,
                })
            })?;
            let all: Vec<Device> = rows.collect::<Result<_, _>>().map_err(Error::from)?;
            let mut devices = Vec::new();
            for device in all {
                if caller.administrates(sql, AccountId(device.account))? {
                    devices.push(device);
                }
            }
            Ok(Json(devices))
        })
        .await
}

/// Revoke a device: it can neither push nor pull from now on.
#[utoipa::path(delete, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The device")),
    responses((status = 204, description = "Revoked"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn revoke(
    State(app): Shared,
    caller: Caller,
    Path(device): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let device = DeviceId(device);
    let epoch = app.epoch;
    app.store
        .write(move |writing| {
            let owner = owner(writing.sql, device)?;
            caller.expect_administrates(writing.sql, owner)?;
            writing.sql.execute(
                "UPDATE devices SET revoked_ms = coalesce(revoked_ms, ?2) WHERE id = ?1",
                params![device.as_bytes().as_slice(), writing.now_ms],
            )?;
            grant::revoke_everywhere(writing, epoch, owner, caller.account)?;
            let entry = Entry::new(Action::DeviceRevoked).by(caller.account);
            audit::note(writing, entry.on("device", device))?;
            writing.poke(Poke::Revoked(device));
            Ok::<_, Problem>(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose a device is.
pub(crate) fn owner(sql: &Connection, device: DeviceId) -> Result<AccountId, Problem> {
    sql.prepare_cached("SELECT account FROM devices WHERE id = ?1")?
        .query_row([device.as_bytes().as_slice()], |row| id::id(row, 0))
        .optional()?
        .ok_or_else(Problem::not_found)
}
