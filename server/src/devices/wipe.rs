//! Asking a device to erase what it holds, and hearing that it does.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::id::DeviceId;
use uuid::Uuid;

use crate::{
    accounts::{access::Caller, grant},
    app::Shared,
    audit::{self, Action, Entry},
    devices::{credential::DeviceCaller, device},
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    sync::poke::Poke,
};

/// Ask a device to erase everything that it holds. It first sends what it may; then it says so, and is revoked.
/// A device that never comes back erases nothing: revoke it as well, or instead.
#[utoipa::path(post, path = "/api/v1/devices/{id}/wipe", tag = "devices",
    params(("id" = Uuid, Path, description = "The device")),
    responses((status = 202, description = "It will be told with its next exchange"), (status = 403, description = "forbidden"),
        (status = 404, description = "not-found"), (status = 409, description = "device-revoked: it is not heard any more, so it can't be told")),
    security(("session" = [])))]
pub(crate) async fn ask(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let id = DeviceId(id);
    app.store
        .write(move |writing| {
            let account = device::owner(writing.sql, id)?;
            caller.expect_administrates(writing.sql, account)?;
            let asked = writing.sql.execute(
                "UPDATE devices SET wipe_ms = coalesce(wipe_ms, ?2) WHERE id = ?1 AND revoked_ms IS NULL",
                params![id.as_bytes().as_slice(), writing.now_ms],
            )?;
            if asked == 0 {
                return Err(Problem::new(Cause::Exists).detail("The device is revoked: it is not heard any more, so it can't be told"));
            }
            let entry = Entry::new(Action::WipeAsked).by(caller.account);
            audit::note(writing, entry.on("device", id))?;
            // Its stream says that there is news, so that it comes at once.
            writing.poke(Poke::Scope(account));
            Ok(())
        })
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Whether somebody asked for this device to be erased.
pub(crate) fn is_asked(sql: &Connection, device: DeviceId) -> Result<bool, Error> {
    let asked = sql
        .prepare_cached("SELECT wipe_ms IS NOT NULL FROM devices WHERE id = ?1")?
        .query_row([device.as_bytes().as_slice()], |row| row.get(0))
        .optional()?;
    Ok(asked.unwrap_or(false))
}

/// Say that this device has sent what it could and erases itself now. From here on it is revoked. Saying it
/// twice is the same as once.
#[utoipa::path(post, path = "/api/device/v1/wiped", tag = "device", request_body = Object,
    responses((status = 204, description = "Noted; the device is revoked"), (status = 422, description = "invalid: nobody asked for it")),
    security(("device" = [])))]
pub(crate) async fn confirm(
    State(app): Shared,
    caller: DeviceCaller,
    Json(Nothing {}): Json<Nothing>,
) -> Result<StatusCode, Problem> {
    let epoch = app.epoch;
    app.store
        .write(move |writing| {
            if !is_asked(writing.sql, caller.device)? {
                return Err(Problem::invalid("Nobody asked for this device to be erased"));
            }
            let first = writing.sql.execute(
                "UPDATE devices SET wiped_ms = ?2, revoked_ms = coalesce(revoked_ms, ?2) WHERE id = ?1 AND wiped_ms IS NULL",
                params![caller.device.as_bytes().as_slice(), writing.now_ms],
            )?;
            if first > 0 {
                let account = caller.account;
                grant::revoke_everywhere(writing, epoch, account, account)?;
                let entry = Entry::new(Action::DeviceWiped).by(caller.account);
                audit::note(writing, entry.with_device(caller.device).on("device", caller.device))?;
                writing.poke(Poke::Revoked(caller.device));
            }
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An empty object.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}
