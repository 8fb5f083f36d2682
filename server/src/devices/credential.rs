//! Which device a request comes from: proved by its signature, for every request anew.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    http::{HeaderMap, request::Parts},
};
use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::{
    id::{AccountId, DeviceId},
    limits,
    proof::{self, Claim, Covered},
    signing::PublicKey,
};

use crate::{
    accounts::lockout::Subject,
    app::App,
    devices::replay::Freshness,
    error::Error,
    http::{
        body, client,
        problem::{Cause, Problem},
    },
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

    /// The proof was made before the request came here (`accounts::policy`).
    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        let proved = parts.extensions.get::<DeviceCaller>().copied();
        proved.ok_or_else(|| Problem::new(Cause::SignatureMissing))
    }
}

/// Whether a device that was revoked is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// It is told so.
    Refuse,
    /// Only if it was asked to erase itself, and says once more that it does.
    HearAfterWipe,
}

/// Verifies the signature over a request, and then the digest over its body as it was sent. The request
/// comes back with the device in it.
pub(crate) async fn prove(
    app: &Arc<App>,
    request: Request,
    revoked: Revoked,
) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    let (claim, digest) = claim(&parts.headers)?;
    let caller = caller(app, &parts, claim, digest.as_deref(), revoked).await?;
    let limit = if digest.is_some() {
        limits::MAX_BODY_BYTES
    } else {
        0
    };
    let bytes = body::read(body, limit)
        .await
        .map_err(|problem| match digest {
            Some(_) => problem,
            None => Problem::new(Cause::SignatureInvalid)
                .detail("There is a body, and no digest of it was signed"),
        })?;
    if digest.is_some_and(|digest| digest != proof::content_digest(&bytes)) {
        return Err(
            Problem::new(Cause::SignatureInvalid).detail("The body is not the one that was signed")
        );
    }
    parts.extensions.insert(caller);
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// What the header fields claim, and the digest where one is signed.
fn claim(headers: &HeaderMap) -> Result<(Claim, Option<String>), Problem> {
    let (Some(input), Some(signature)) = (
        single(headers, proof::SIGNATURE_INPUT)?,
        single(headers, proof::SIGNATURE)?,
    ) else {
        return Err(Problem::new(Cause::SignatureMissing));
    };
    let claim = Claim::parse(input, signature)
        .map_err(|error| Problem::new(Cause::SignatureInvalid).detail(error.to_string()))?;
    let digest = match claim.covers_body() {
        true => Some(
            single(headers, proof::CONTENT_DIGEST)?
                .unwrap_or_default()
                .to_owned(),
        ),
        false => None,
    };
    Ok((claim, digest))
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let invalid = || Problem::new(Cause::SignatureInvalid).detail(format!("{name} can't be read"));
    match (values.next(), values.next()) {
        (value, None) => value
            .map(|value| value.to_str().map_err(|_| invalid()))
            .transpose(),
        _ => Err(invalid()),
    }
}

async fn caller(
    app: &Arc<App>,
    parts: &Parts,
    claim: Claim,
    digest: Option<&str>,
    revoked: Revoked,
) -> Result<DeviceCaller, Problem> {
    let device = claim.stamp.device;
    let client = client::of_request(parts, app);
    // Not for the device from everywhere: ids are no secret, and strangers could shut devices out.
    let tried = [
        Subject::new(&format!("signature of {device} from {}", client.0), 20),
        Subject::new(&format!("signature from {}", client.0), 200),
    ];
    app.lockouts.expect_open(&tried, app.machine.now_ms())?;
    let known = app.store.read(move |sql| known(sql, device)).await?;
    let covered = Covered {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        digest,
    };
    // Who does not have the key learns nothing: not that the device exists, nor that it was revoked.
    let known = known
        .filter(|known| claim.holds(&covered, &known.key))
        .ok_or_else(|| {
            app.lockouts.failed(&tried, app.machine.now_ms());
            Problem::new(Cause::SignatureInvalid)
        })?;
    let now_ms = app.machine.now_ms();
    match app.replays.meet(&claim.stamp, now_ms) {
        Freshness::Fresh => {}
        Freshness::Stale => {
            return Err(Problem::new(Cause::SignatureStale).member("server_time_ms", now_ms));
        }
        Freshness::Replayed => return Err(Problem::new(Cause::SignatureReplayed)),
    }
    let heard = revoked == Revoked::HearAfterWipe && known.wiped;
    if (known.revoked || !known.active) && !heard {
        return Err(Problem::new(Cause::DeviceRevoked));
    }
    if known.expires_ms <= now_ms && !heard {
        return Err(Problem::new(Cause::CredentialExpired));
    }
    if now_ms.saturating_sub(known.last_seen_ms) > SEEN_EVERY_MS {
        note_seen(app, device, now_ms);
    }
    Ok(DeviceCaller {
        device,
        account: known.account,
    })
}

/// Nobody waits for this one: losing it loses a time in a list.
fn note_seen(app: &Arc<App>, device: DeviceId, now_ms: i64) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let noted = app.store.write(move |writing| {
            writing.sql.execute(
                "UPDATE devices SET last_seen_ms = ?2 WHERE id = ?1",
                params![device.as_bytes().as_slice(), now_ms],
            )?;
            Ok::<_, Error>(())
        });
        if let Err(error) = noted.await {
            tracing::debug!(%error, "a device's time was not noted");
        }
    });
}

struct Known {
    account: AccountId,
    key: PublicKey,
    expires_ms: i64,
    last_seen_ms: i64,
    revoked: bool,
    wiped: bool,
    active: bool,
}

fn known(sql: &Connection, device: DeviceId) -> Result<Option<Known>, Error> {
    let known = sql
        .prepare_cached(
            "SELECT account, public_key, expires_ms, last_seen_ms, revoked_ms IS NOT NULL, wiped_ms IS NOT NULL, active
               FROM devices JOIN accounts ON accounts.id = devices.account
              WHERE devices.id = ?1 AND public_key IS NOT NULL",
        )?
        .query_row([device.as_bytes().as_slice()], |row| {
            let key: Vec<u8> = row.get(1)?;
            Ok(PublicKey::from_slice(&key).map(|key| {
                Ok::<_, rusqlite::Error>(Known {
                    account: id::id(row, 0)?,
                    key,
                    expires_ms: row.get(2)?,
                    last_seen_ms: row.get(3)?,
                    revoked: row.get(4)?,
                    wiped: row.get(5)?,
                    active: row.get(6)?,
                })
            }))
        })
        .optional()?;
    known.flatten().transpose().map_err(Error::from)
}
