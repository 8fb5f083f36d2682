//! A device meets the server: a one-time code binds officer, device, its key and its actor.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sokiem_record::{
    id::{AccountId, ActorId, DeviceId},
    proof,
    signing::{InvalidHex, PublicKey, Signature},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::{grant, lockout::Subject},
    app::Shared,
    audit::{self, Action, Entry},
    devices::code,
    http::{
        body::Json,
        client::Client,
        problem::{Cause, Problem},
    },
    platform, signing,
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
    /// The public key that the device made: 64 hexadecimal digits.
    key: String,
    /// The device's signature that it has the other half: 128 hexadecimal digits.
    proof: String,
}

/// A device that is enrolled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Enrolled {
    /// The device's id.
    device: Uuid,
    /// When the key ends, milliseconds since 1970-01-01 UTC.
    expires_ms: i64,
    /// From when on the device is to renew it.
    renew_ms: i64,
    /// The server's history.
    epoch: Uuid,
    /// Whose device it is.
    account: Person,
    /// What the server calls itself.
    server_name: String,
    /// What the server signs decisions with: its public key, 64 hexadecimal digits.
    server_key: String,
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
        (status = 409, description = "key-taken"),
        (status = 410, description = "code-used, code-expired"),
        (status = 422, description = "invalid: the actor or a name"),
        (status = 429, description = "too-many-requests")))]
pub(crate) async fn enrol(
    State(app): Shared,
    client: Client,
    Json(body): Json<Enrolment>,
) -> Result<(StatusCode, Json<Enrolled>), Problem> {
    app.attempts.count(
        &format!("enrolment from {}", client.0),
        app.machine.now_ms(),
    )?;
    let tried = [Subject::new(&format!("enrolment from {}", client.0), 10)];
    app.lockouts.expect_open(&tried, app.machine.now_ms())?;
    let actor = actor(&body.actor)?;
    if body.device_name.trim().is_empty()
        || body.device_name.chars().count() > 100
        || body.app_version.chars().count() > 100
    {
        return Err(Problem::invalid(
            "device_name: 1 to 100 characters; app_version: at most 100",
        ));
    }
    let key = proved_key(&body, actor)?;
    let (lifetime_s, epoch) = (app.config.lifetimes.credential_s, app.epoch);
    let enrolled = app
        .store
        .write(move |writing| {
            let (account, before) = redeem(writing, &body.code, &key)?;
            let person = person(writing, account)?;
            if let Some((device, since_ms)) = before {
                return Ok((device, since_ms, person));
            }
            let device = DeviceId(writing.machine.new_id()?);
            insert(writing, device, account, &body, &key, lifetime_s)?;
            writing.sql.execute(
                "UPDATE codes SET device = ?2 WHERE code_digest = ?1",
                params![
                    code::digest(&body.code).as_slice(),
                    device.as_bytes().as_slice()
                ],
            )?;
            take_over(writing, actor, account, device)?;
            bind_actor(writing, actor, account, device)?;
            grant::enter_everywhere(writing, Pen { epoch, account }, account)?;
            let entry = Entry::new(Action::DeviceEnrolled).by(account);
            let entry = entry.with_device(device).on("device", device);
            audit::note(writing, entry.detail("actor", actor.to_string()))?;
            Ok::<_, Problem>((device, writing.now_ms, person))
        })
        .await;
    if let Err(problem) = &enrolled
        && matches!(
            problem.cause(),
            Cause::CodeUnknown | Cause::CodeUsed | Cause::CodeExpired
        )
    {
        app.lockouts.failed(&tried, app.machine.now_ms());
        let shared = Arc::clone(&app);
        let entry = Entry::new(Action::DeviceEnrolled).refused();
        let entry = entry.detail("address", client.0.to_string());
        app.store
            .write(move |writing| {
                shared.lockouts.keep(writing, &tried)?;
                audit::note(writing, entry)
            })
            .await?;
    }
    let (device, since_ms, account) = enrolled?;
    let enrolled = Enrolled {
        device: device.0,
        expires_ms: platform::after_s(since_ms, lifetime_s),
        renew_ms: platform::after_s(since_ms, lifetime_s / 2),
        epoch: epoch.0,
        account,
        server_name: app.config.server_name.clone(),
        server_key: app
            .store
            .read(signing::public_key)
            .await
            .map_err(Problem::from)?
            .to_string(),
    };
    Ok((StatusCode::CREATED, Json(enrolled)))
}

/// The public key, if the device showed that it has the other half.
fn proved_key(body: &Enrolment, actor: ActorId) -> Result<PublicKey, Problem> {
    let key: PublicKey = body
        .key
        .parse()
        .map_err(|error: InvalidHex| Problem::invalid(format!("key: {error}")))?;
    let proof: Signature = body
        .proof
        .parse()
        .map_err(|error: InvalidHex| Problem::invalid(format!("proof: {error}")))?;
    if key.verifies(&proof::enrolment_message(&body.code, actor, &key), &proof) {
        return Ok(key);
    }
    Err(Problem::invalid(
        "proof: it was not made with this key over this code and actor",
    ))
}

fn insert(
    writing: &Writing<'_>,
    device: DeviceId,
    account: AccountId,
    body: &Enrolment,
    key: &PublicKey,
    lifetime_s: u64,
) -> Result<(), Problem> {
    let inserted = writing.sql.execute(
        "INSERT INTO devices (id, account, name, app_version, public_key, key_since_ms, expires_ms, enrolled_ms, last_seen_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?7, ?6, ?7, ?7) ON CONFLICT (public_key) DO NOTHING",
        params![
            device.as_bytes().as_slice(),
            account.as_bytes().as_slice(),
            body.device_name,
            body.app_version,
            key.as_bytes().as_slice(),
            platform::after_s(writing.now_ms, lifetime_s),
            writing.now_ms
        ],
    )?;
    if inserted == 0 {
        return Err(Problem::new(Cause::KeyTaken));
    }
    Ok(())
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

/// A device that was enrolled with a code, and since when.
type Before = Option<(DeviceId, i64)>;

/// Uses a code up. The device that did so before may ask again: it did not hear the answer.
fn redeem(
    writing: &Writing<'_>,
    typed: &str,
    key: &PublicKey,
) -> Result<(AccountId, Before), Problem> {
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
        let before = writing
            .sql
            .prepare_cached(
                "SELECT devices.id, devices.key_since_ms FROM codes JOIN devices ON devices.id = codes.device
                  WHERE code_digest = ?1 AND public_key = ?2 AND revoked_ms IS NULL",
            )?
            .query_row(params![digest.as_slice(), key.as_bytes().as_slice()], |row| {
                Ok((id::id(row, 0)?, row.get(1)?))
            })
            .optional()?;
        return match before {
            Some(before) if expires_ms > writing.now_ms => Ok((account, Some(before))),
            _ => Err(Problem::new(Cause::CodeUsed)),
        };
    }
    if expires_ms <= writing.now_ms {
        return Err(Problem::new(Cause::CodeExpired));
    }
    writing.sql.execute(
        "UPDATE codes SET used_ms = ?2 WHERE code_digest = ?1",
        params![digest.as_slice(), writing.now_ms],
    )?;
    Ok((account, None))
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
