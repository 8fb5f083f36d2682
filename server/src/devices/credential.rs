//! What a device shows with every request. The server keeps only its SHA-256.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::id::{AccountId, DeviceId};

use crate::{
    accounts::access::Token,
    app::App,
    error::Error,
    http::problem::{Cause, Problem},
    secret,
    store::id,
};

/// A device is noted as seen at most once in this time, so that an exchange with nothing new writes nothing.
const SEEN_EVERY_MS: i64 = 60_000;

/// A device that proved who it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeviceCaller {
    pub(crate) device: DeviceId,
    pub(crate) account: AccountId,
}

impl FromRequestParts<Arc<App>> for DeviceCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Some(Token::Bearer(credential)) = Token::of(&parts.headers) else {
            return Err(Problem::new(Cause::CredentialMissing));
        };
        let digest = secret::digest(credential.as_bytes());
        let now_ms = app.machine.now_ms();
        let (caller, last_seen_ms) = app
            .store
            .read(move |sql| device(sql, digest, now_ms))
            .await?;
        if now_ms.saturating_sub(last_seen_ms) > SEEN_EVERY_MS {
            let app = Arc::clone(app);
            // Nobody waits for this one: losing it loses a time in a list.
            tokio::spawn(async move {
                let noted = app.store.write(move |writing| {
                    writing.sql.execute(
                        "UPDATE devices SET last_seen_ms = ?2 WHERE id = ?1",
                        params![caller.device.as_bytes().as_slice(), now_ms],
                    )?;
                    Ok::<_, Error>(())
                });
                if let Err(error) = noted.await {
                    tracing::debug!(%error, "a device's time was not noted");
                }
            });
        }
        Ok(caller)
    }
}

fn device(sql: &Connection, digest: [u8; 32], now_ms: i64) -> Result<(DeviceCaller, i64), Problem> {
    let row = sql
        .prepare_cached(
            "SELECT devices.id, devices.account, devices.expires_ms, devices.last_seen_ms, devices.revoked_ms, accounts.active
               FROM devices JOIN accounts ON accounts.id = devices.account WHERE credential_digest = ?1",
        )?
        .query_row([digest.as_slice()], |row| {
            let caller = DeviceCaller { device: id::id(row, 0)?, account: id::id(row, 1)? };
            let times: (i64, i64, Option<i64>) = (row.get(2)?, row.get(3)?, row.get(4)?);
            Ok((caller, times, row.get::<_, bool>(5)?))
        })
        .optional()?;
    let Some((caller, (expires_ms, last_seen_ms, revoked_ms), active)) = row else {
        return Err(Problem::new(Cause::CredentialInvalid));
    };
    if revoked_ms.is_some() || !active {
        return Err(Problem::new(Cause::DeviceRevoked));
    }
    if expires_ms <= now_ms {
        return Err(Problem::new(Cause::CredentialExpired));
    }
    Ok((caller, last_seen_ms))
}
