//! Upload tokens. A tus client can't sign requests, so a device gets, by a request that proves who it is, a
//! short-lived token that is good for uploads and nothing else. The database keeps its SHA-256.

use std::sync::Arc;

use axum::{extract::FromRequestParts, extract::State, http::StatusCode, http::request::Parts};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use sokiem_record::id::{AccountId, DeviceId};
use utoipa::ToSchema;

use crate::{
    accounts::access::Token,
    app::{App, Shared},
    devices::credential::DeviceCaller,
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    platform, secret,
    store::id,
};

/// A token for uploads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadToken {
    /// Send as `Authorization: Bearer …` with each request to `/api/attachments/v1/uploads`.
    token: String,
    /// When it ends, milliseconds since 1970-01-01 UTC.
    expires_ms: i64,
}

/// Get a token for uploads.
#[utoipa::path(post, path = "/api/device/v1/attachments/token", tag = "attachments",
    responses((status = 201, body = UploadToken), (status = 401, description = "credential-missing, …"), (status = 403, description = "device-revoked")),
    security(("device" = [])))]
pub(crate) async fn create(
    State(app): Shared,
    caller: DeviceCaller,
) -> Result<(StatusCode, Json<UploadToken>), Problem> {
    let token = secret::hex(&app.machine.random::<32>()?);
    let digest = secret::digest(token.as_bytes());
    let expires_ms = platform::after_s(app.machine.now_ms(), app.config.lifetimes.upload_token_s);
    let kept = app.config.limits.upload_tokens_per_device;
    app.store
        .write(move |writing| {
            let device = caller.device.as_bytes().as_slice();
            writing.sql.execute(
                "INSERT INTO upload_tokens (token_digest, device, expires_ms) VALUES (?1, ?2, ?3)",
                params![digest.as_slice(), device, expires_ms],
            )?;
            writing.sql.execute("DELETE FROM upload_tokens WHERE expires_ms <= ?1", [writing.now_ms])?;
            writing.sql.execute(
                "DELETE FROM upload_tokens WHERE device = ?1 AND token_digest NOT IN
                   (SELECT token_digest FROM upload_tokens WHERE device = ?1 ORDER BY expires_ms DESC LIMIT ?2)",
                params![device, kept],
            )?;
            Ok::<_, Error>(())
        })
        .await?;
    Ok((StatusCode::CREATED, Json(UploadToken { token, expires_ms })))
}

/// A device that showed an upload token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uploader {
    pub(crate) device: DeviceId,
    pub(crate) account: AccountId,
}

impl FromRequestParts<Arc<App>> for Uploader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Some(Token::Bearer(token)) = Token::of(app, &parts.headers) else {
            return Err(Problem::new(Cause::CredentialMissing));
        };
        let digest = secret::digest(token.as_bytes());
        let now_ms = app.machine.now_ms();
        app.store
            .read(move |sql| {
                let row = sql
                    .prepare_cached(
                        "SELECT devices.id, devices.account, upload_tokens.expires_ms, devices.revoked_ms, accounts.active
                           FROM upload_tokens JOIN devices ON devices.id = upload_tokens.device
                           JOIN accounts ON accounts.id = devices.account WHERE token_digest = ?1",
                    )?
                    .query_row([digest.as_slice()], |row| {
                        let uploader = Self { device: id::id(row, 0)?, account: id::id(row, 1)? };
                        let ends: (i64, Option<i64>) = (row.get(2)?, row.get(3)?);
                        Ok((uploader, ends, row.get::<_, bool>(4)?))
                    })
                    .optional()?;
                let (uploader, (expires_ms, revoked_ms), active) =
                    row.ok_or_else(|| Problem::new(Cause::CredentialInvalid))?;
                if revoked_ms.is_some() || !active {
                    return Err(Problem::new(Cause::DeviceRevoked));
                }
                if expires_ms <= now_ms {
                    return Err(Problem::new(Cause::CredentialExpired));
                }
                Ok(uploader)
            })
            .await
    }
}
