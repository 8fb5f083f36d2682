//! One-time codes that bind a device to an officer.

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use qrcode::{QrCode, render::svg};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sokiem_record::id::AccountId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::{App, Shared},
    audit::{self, Action, Entry},
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
        query::percent,
    },
    platform::{self, Machine},
    secret,
};

/// No 0, 1, I, L, O, U: nothing that is read wrongly from a screen or said wrongly on the telephone.
const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUPS: usize = 3;
const GROUP: usize = 4;

/// For whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCode {
    /// The account that the device will belong to.
    pub(crate) account: Uuid,
}

/// A code, shown once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EnrolmentCode)]
pub(crate) struct Code {
    /// Its id.
    pub(crate) id: Uuid,
    /// The code to type in.
    pub(crate) code: String,
    /// The same as the address that the QR code holds: of the officer's app where this server has it, else
    /// `sokiem:enrol?server=…&code=…`.
    pub(crate) uri: String,
    /// When it ends, milliseconds since 1970-01-01 UTC.
    pub(crate) expires_ms: i64,
    /// The QR code as SVG.
    pub(crate) qr_svg: String,
}

/// A fresh code such as `7KQ2-M9XA-44TB`: three groups are 59 random bits, four are 78.
pub(crate) fn generate(machine: &Machine, groups: usize) -> Result<String, Error> {
    let mut code = String::new();
    while code.len() < groups * (GROUP + 1) {
        for byte in machine.random::<16>()? {
            // 240 = 8 · 30: larger bytes would favour the first letters.
            if byte >= 240 || code.len() >= groups * (GROUP + 1) {
                continue;
            }
            if let Some(letter) = ALPHABET.get(usize::from(byte) % ALPHABET.len()) {
                code.push(char::from(*letter));
                if code.len() % (GROUP + 1) == GROUP {
                    code.push('-');
                }
            }
        }
    }
    code.pop();
    Ok(code)
}

/// The digest of a code as somebody typed it: case, spaces and dashes don't matter.
pub(crate) fn digest(typed: &str) -> [u8; 32] {
    let letters: String = typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    secret::digest(letters.as_bytes())
}

/// The address of a code. Where there is the officer's app, it opens with the code filled in; what stands after the `#`
/// stays in the phone, so that no log holds a code.
fn uri(app: &App, code: &str) -> String {
    let (server, code) = (&app.public_url, percent(code));
    match app.field_app {
        Some(_) => format!("{}/app/#/enrol/{code}", server.trim_end_matches('/')),
        None => format!("sokiem:enrol?server={}&code={code}", percent(server)),
    }
}

pub(crate) fn qr_svg(uri: &str) -> Result<String, Problem> {
    let code = QrCode::new(uri).map_err(|error| {
        tracing::error!(%error, "no QR code");
        Problem::new(Cause::Internal)
    })?;
    Ok(code
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .build())
}

/// Make an enrolment code for an account.
#[utoipa::path(post, path = "/api/v1/enrolment-codes", tag = "devices", request_body = NewCode,
    responses((status = 201, body = Code), (status = 403, description = "forbidden"), (status = 422, description = "invalid: no such account")),
    security(("session" = [])))]
pub(crate) async fn create(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<NewCode>,
) -> Result<(StatusCode, Json<Code>), Problem> {
    let code = generate(&app.machine, GROUPS)?;
    let digest = digest(&code);
    let id = app.machine.new_id()?;
    let expires_ms = platform::after_s(app.machine.now_ms(), app.config.lifetimes.code_s);
    let account = AccountId(body.account);
    app.store
        .write(move |writing| {
            let known = writing
                .sql
                .prepare_cached("SELECT 1 FROM accounts WHERE id = ?1 AND active = 1")?
                .exists([account.as_bytes().as_slice()])?;
            if !known {
                return Err(Problem::invalid("There is no such account"));
            }
            caller.expect_administrates(writing.sql, account)?;
            writing.sql.execute(
                "INSERT INTO codes (id, code_digest, account, created_by, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    id.as_bytes().as_slice(),
                    digest.as_slice(),
                    account.as_bytes().as_slice(),
                    caller.account.as_bytes().as_slice(),
                    writing.now_ms,
                    expires_ms
                ],
            )?;
            let entry = Entry::new(Action::CodeMade).by(caller.account);
            let entry = entry.on("account", account);
            audit::note(writing, entry.detail("code", id.to_string()))?;
            Ok(())
        })
        .await?;
    let uri = uri(&app, &code);
    let qr_svg = qr_svg(&uri)?;
    Ok((
        StatusCode::CREATED,
        Json(Code {
            id,
            code,
            uri,
            expires_ms,
            qr_svg,
        }),
    ))
}

/// The QR code of a code that is still good. The server keeps only a digest, so the code itself comes along.
#[utoipa::path(get, path = "/api/v1/enrolment-codes/{id}/qr.svg", tag = "devices",
    params(("id" = Uuid, Path, description = "The code's id"), ("x-sokiem-code" = String, Header, description = "The code")),
    responses((status = 200, content_type = "image/svg+xml", body = String), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn qr(
    State(app): Shared,
    _: Caller,
    Path(id): Path<Uuid>,
    headers: axum::http::HeaderMap,
) -> Result<Response, Problem> {
    let code = headers
        .get("x-sokiem-code")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let (digest, now_ms) = (digest(&code), app.machine.now_ms());
    let good: Option<i64> = app
        .store
        .read(move |sql| {
            Ok::<_, Error>(
                sql.query_row(
                    "SELECT 1 FROM codes WHERE id = ?1 AND code_digest = ?2 AND used_ms IS NULL AND expires_ms > ?3",
                    params![id.as_bytes().as_slice(), digest.as_slice(), now_ms],
                    |row| row.get(0),
                )
                .optional()?,
            )
        })
        .await?;
    good.ok_or_else(Problem::not_found)?;
    let svg = qr_svg(&uri(&app, &code))?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::SystemPlatform;

    #[test]
    fn codes_have_three_groups_of_four_and_can_be_typed_carelessly() {
        let machine = Machine::new(SystemPlatform);
        let code = generate(&machine, GROUPS).unwrap();
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4]);
        assert_eq!(
            digest(&code),
            digest(&format!(" {} ", code.to_lowercase().replace('-', " ")))
        );
        assert_ne!(code, generate(&machine, GROUPS).unwrap());
    }
}
