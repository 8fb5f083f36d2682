//! A device's next key.

use axum::extract::State;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use sokiem_record::{
    proof,
    signing::{InvalidHex, PublicKey, Signature},
};
use utoipa::ToSchema;

use crate::{
    accounts::grant,
    app::Shared,
    audit::{self, Action, Entry},
    devices::credential::DeviceCaller,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    platform,
    store::id,
    sync::author::Pen,
};

/// The key that the device will sign with from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextKey {
    /// Its public half: 64 hexadecimal digits.
    key: String,
    /// The device's signature that it has the other half: 128 hexadecimal digits.
    proof: String,
}

/// How long the key is good.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyTaken {
    /// When it ends, milliseconds since 1970-01-01 UTC.
    expires_ms: i64,
    /// From when on the device is to renew it.
    renew_ms: i64,
}

/// Renew the device's key. The request is signed with the key that is known, which may be the new one
/// already: a device that did not hear the answer asks again.
#[utoipa::path(put, path = "/api/device/v1/key", tag = "device", request_body = NextKey,
    responses(
        (status = 200, body = KeyTaken),
        (status = 401, description = "signature-missing, signature-invalid, signature-stale, signature-replayed, credential-expired"),
        (status = 409, description = "key-taken"),
        (status = 422, description = "invalid: not a key, or no proof")),
    security(("device" = [])))]
pub(crate) async fn put(
    State(app): Shared,
    caller: DeviceCaller,
    Json(body): Json<NextKey>,
) -> Result<Json<KeyTaken>, Problem> {
    let hex = |member: &'static str| {
        move |error: InvalidHex| Problem::invalid(format!("{member}: {error}"))
    };
    let key: PublicKey = body.key.parse().map_err(hex("key"))?;
    let proof: Signature = body.proof.parse().map_err(hex("proof"))?;
    if !key.verifies(&proof::renewal_message(caller.device, &key), &proof) {
        return Err(Problem::invalid(
            "proof: it was not made with this key for this device",
        ));
    }
    let (lifetime_s, epoch) = (app.config.lifetimes.credential_s, app.epoch);
    let since_ms = app
        .store
        .write(move |writing| {
            let (device, public) = (caller.device.as_bytes().as_slice(), key.as_bytes().as_slice());
            let holders: Vec<(sokiem_record::id::DeviceId, i64)> = writing
                .sql
                .prepare_cached("SELECT id, key_since_ms FROM devices WHERE public_key = ?1")?
                .query_map([public], |row| Ok((id::id(row, 0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            match holders.first() {
                Some((holder, since_ms)) if *holder == caller.device => return Ok(*since_ms),
                Some(_) => return Err(Problem::new(Cause::KeyTaken)),
                None => {}
            }
            writing.sql.execute(
                "UPDATE devices SET public_key = ?2, key_since_ms = ?3, expires_ms = ?4 WHERE id = ?1",
                params![device, public, writing.now_ms, platform::after_s(writing.now_ms, lifetime_s)],
            )?;
            let pen = Pen { epoch, account: caller.account };
            grant::enter_everywhere(writing, pen, caller.account)?;
            let entry = Entry::new(Action::KeyRenewed).by(caller.account);
            audit::note(writing, entry.with_device(caller.device).on("device", caller.device))?;
            Ok(writing.now_ms)
        })
        .await?;
    Ok(Json(KeyTaken {
        expires_ms: platform::after_s(since_ms, lifetime_s),
        renew_ms: platform::after_s(since_ms, lifetime_s / 2),
    }))
}
