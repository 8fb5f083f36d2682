//! A device meets the server: a code becomes a credential, and binds officer, device and actor.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, State},
    http::StatusCode,
};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AccountId, ActorId, DeviceId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::grant,
    app::Shared,
    audit::{self, Action, Entry},
    devices::code,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    platform, secret,
    store::{Writing, id},
    sync::{author::Pen, poke::Poke},
};

/// A device that wants to be enrolled.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enrolment {
    /// The one-time code.
    code: String,
    /// What the officer calls the device.
    device_name: String,
    /// The actor that the installation drew: 32 hexadecimal digits.
    actor: String,
    /// Which build asks.
    app_version: String,
}

/// A device that is enrolled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Enrolled {
    /// The device's id.
    device: Uuid,
    /// Send as `Authorization: Bearer …`. Given once.
    credential: String,
    /// When the credential ends, milliseconds since 1970-01-01 UTC.
    expires_ms: i64,
    /// The server's history.
    epoch: Uuid,
    /// Whose device it is.
    account: Person,
    /// What the server calls itself.
    server_name: String,
}

/// Whose device it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Person {
    /// The account.
    id: Uuid,
    /// Name.
    name: String,
    /// Rank or function.
    title: String,
}

/// Enrol a device with a one-time code.
#[utoipa::path(post, path = "/api/device/v1/enrol", tag = "device", request_body = Enrolment,
    responses(
        (status = 201, body = Enrolled),
        (status = 400, description = "malformed-body"),
        (status = 404, description = "code-unknown"),
        (status = 410, description = "code-used, code-expired"),
        (status = 422, description = "invalid: the actor or a name"),
        (status = 429, description = "too-many-requests")))]
pub(crate) async fn enrol(
    State(app): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(body): Json<Enrolment>,
) -> Result<(StatusCode, Json<Enrolled>), Problem> {
    app.attempts.count(
        &format!("enrolment from {}", peer.ip()),
        app.machine.now_ms(),
    )?;
    let actor = actor(&body.actor)?;
    if body.device_name.trim().is_empty()
        || body.device_name.chars().count() > 100
        || body.app_version.chars().count() > 100
    {
        return Err(Problem::invalid(
            "device_name: 1 to 100 characters; app_version: at most 100",
        ));
    }
    let credential = secret::hex(&app.machine.random::<32>()?);
    let digest = secret::digest(credential.as_bytes());
    let (lifetime_s, epoch) = (app.config.lifetimes.credential_s, app.epoch);
    let (device, expires_ms, account) = app
        .store
        .write(move |writing| {
            let account = redeem(writing, &body.code)?;
            let person = person(writing, account)?;
            let device = DeviceId(writing.machine.new_id()?);
            let expires_ms = platform::after_s(writing.now_ms, lifetime_s);
            writing.sql.execute(
                "INSERT INTO devices (id, account, name, app_version, credential_digest, expires_ms, enrolled_ms, last_seen_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                params![
                    device.as_bytes().as_slice(),
                    account.as_bytes().as_slice(),
                    body.device_name,
                    body.app_version,
                    digest.as_slice(),
                    expires_ms,
                    writing.now_ms
                ],
            )?;
            take_over(writing, actor, account, device)?;
            bind_actor(writing, actor, account, device)?;
            grant::enter_everywhere(writing, Pen { epoch, account }, account)?;
            let entry = Entry::new(Action::DeviceEnrolled).by(account);
            let entry = entry.with_device(device).on("device", device);
            audit::note(writing, entry.detail("actor", actor.to_string()))?;
            Ok::<_, Problem>((device, expires_ms, person))
        })
        .await?;
    let server_name = app.config.server_name.clone();
    let enrolled = Enrolled {
        device: device.0,
        credential,
        expires_ms,
        epoch: epoch.0,
        account,
        server_name,
    };
    Ok((StatusCode::CREATED, Json(enrolled)))
}

/// An actor as a device writes it.
pub(crate) fn actor(text: &str) -> Result<ActorId, Problem> {
    let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.parse()
        .ok()
        .filter(|_| plain)
        .ok_or_else(|| Problem::invalid("actor: 32 hexadecimal digits"))
}

/// The same installation, enrolled again because its credential was lost or has expired: the new
/// device takes over its actors, so that what is still pending there can be sent, and the old
/// credential ends. Only for the same person.
fn take_over(
    writing: &Writing<'_>,
    actor: ActorId,
    account: AccountId,
    device: DeviceId,
) -> Result<(), Problem> {
    let before: Option<DeviceId> = writing
        .sql
        .prepare_cached(
            "SELECT device FROM actors WHERE actor = ?1 AND account = ?2 AND device IS NOT NULL",
        )?
        .query_row(
            [actor.as_bytes().as_slice(), account.as_bytes().as_slice()],
            |row| id::id(row, 0),
        )
        .optional()?;
    let Some(before) = before else { return Ok(()) };
    writing.sql.execute(
        "UPDATE actors SET device = ?2 WHERE device = ?1",
        [before.as_bytes().as_slice(), device.as_bytes().as_slice()],
    )?;
    writing.sql.execute(
        "UPDATE devices SET revoked_ms = coalesce(revoked_ms, ?2) WHERE id = ?1",
        params![before.as_bytes().as_slice(), writing.now_ms],
    )?;
    writing.poke(Poke::Revoked(before));
    Ok(())
}

/// Binds a fresh actor to a device, or one that is the device's already.
pub(crate) fn bind_actor(
    writing: &Writing<'_>,
    actor: ActorId,
    account: AccountId,
    device: DeviceId,
) -> Result<(), Problem> {
    let bound = writing.sql.execute(
        "INSERT INTO actors (actor, account, device, created_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (actor) DO UPDATE SET device = excluded.device WHERE device = excluded.device",
        params![
            actor.as_bytes().as_slice(),
            account.as_bytes().as_slice(),
            device.as_bytes().as_slice(),
            writing.now_ms
        ],
    )?;
    if bound == 0 {
        return Err(Problem::invalid(
            "actor: it belongs to another installation; draw a new one",
        ));
    }
    Ok(())
}

/// Uses a code up.
fn redeem(writing: &Writing<'_>, typed: &str) -> Result<AccountId, Problem> {
    let digest = code::digest(typed);
    let row: Option<(AccountId, i64, Option<i64>)> = writing
        .sql
        .prepare_cached("SELECT account, expires_ms, used_ms FROM codes WHERE code_digest = ?1")?
        .query_row([digest.as_slice()], |row| {
            Ok((id::id(row, 0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let (account, expires_ms, used_ms) = row.ok_or_else(|| Problem::new(Cause::CodeUnknown))?;
    if used_ms.is_some() {
        return Err(Problem::new(Cause::CodeUsed));
    }
    if expires_ms <= writing.now_ms {
        return Err(Problem::new(Cause::CodeExpired));
    }
    writing.sql.execute(
        "UPDATE codes SET used_ms = ?2 WHERE code_digest = ?1",
        params![digest.as_slice(), writing.now_ms],
    )?;
    Ok(account)
}

fn person(writing: &Writing<'_>, account: AccountId) -> Result<Person, Problem> {
    let person = writing
        .sql
        .prepare_cached("SELECT name, title FROM accounts WHERE id = ?1 AND active = 1")?
        .query_row([account.as_bytes().as_slice()], |row| {
            Ok(Person {
                id: account.0,
                name: row.get(0)?,
                title: row.get(1)?,
            })
        })
        .optional()?;
    person.ok_or_else(|| Problem::forbidden().detail("The account is closed"))
}
