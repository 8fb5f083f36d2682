//! Setting one's second factor up and taking it away; an administrator takes away somebody else's.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::OptionalExtension as _;
use serde::{Deserialize, Serialize};
use sokiem_record::id::AccountId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{sealing, stored, totp, wrong_code};
use crate::{
    accounts::{access::Caller, lockout::Subject, own, policy},
    app::{App, Shared},
    audit::{self, Action, Entry},
    devices::code::qr_svg,
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    store::Writing,
};

/// How it is with one's second factor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactor {
    /// Whether it is asked for.
    pub(crate) on: bool,
    /// Since when, milliseconds since 1970-01-01 UTC.
    pub(crate) since_ms: Option<i64>,
    /// Recovery codes that were not used.
    pub(crate) recovery_codes_left: u64,
    /// Whether one's role has to have one.
    pub(crate) required: bool,
}

/// Whether one has a second factor.
#[utoipa::path(get, path = "/api/v1/session/second-factor", tag = "accounts",
    responses((status = 200, body = SecondFactor)), security(("session" = [])))]
pub(crate) async fn show(
    State(app): Shared,
    caller: Caller,
) -> Result<Json<SecondFactor>, Problem> {
    let required = policy::needs_second_factor(&app, &caller);
    app.store
        .read(move |sql| {
            let (since_ms, recovery_codes_left) = stored::state(sql, caller.account)?;
            Ok(Json(SecondFactor {
                on: since_ms.is_some(),
                since_ms,
                recovery_codes_left,
                required,
            }))
        })
        .await
}

/// One's password, once more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Password {
    /// The password.
    pub(crate) password: String,
}

/// A secret that is to be confirmed by a code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Setup {
    /// The secret in base32, to be typed into an authenticator app.
    pub(crate) secret: String,
    /// The same as the address that the QR code holds.
    pub(crate) uri: String,
    /// The QR code as SVG.
    pub(crate) qr_svg: String,
}

fn setup(app: &App, secret: &[u8], login: &str) -> Result<Setup, Problem> {
    let totp = totp(secret, &app.config.server_name, login)?;
    let uri = totp
        .to_url()
        .map_err(|error| Error::SecondFactor(error.to_string()))?;
    Ok(Setup {
        secret: totp.secret().to_base32(),
        qr_svg: qr_svg(&uri)?,
        uri,
    })
}

async fn login(app: &App, account: AccountId) -> Result<String, Problem> {
    app.store
        .read(move |sql| {
            sql.prepare_cached("SELECT login FROM accounts WHERE id = ?1")?
                .query_row([account.as_bytes().as_slice()], |row| row.get(0))
                .optional()?
                .ok_or_else(Problem::not_found)
        })
        .await
}

/// Begin to set up a second factor: the secret for an authenticator app. It counts once a code confirmed it.
#[utoipa::path(post, path = "/api/v1/session/second-factor", tag = "accounts", request_body = Password,
    responses((status = 201, body = Setup), (status = 401, description = "credential-invalid: the password is wrong"),
        (status = 409, description = "exists: there is one; take it away first"), (status = 429, description = "too-many-requests")),
    security(("session" = [])))]
pub(crate) async fn begin(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<Password>,
) -> Result<(StatusCode, Json<Setup>), Problem> {
    own::expect_password(&app, &caller, body.password).await?;
    let key = sealing::key_or_new(&app).await?;
    let secret = app.machine.random::<20>()?;
    let sealed = sealing::seal(&key, &app.machine.random::<24>()?, caller.account, &secret)?;
    let account = caller.account;
    app.store
        .write(
            move |writing| match stored::begin(writing, account, &sealed)? {
                true => Ok(()),
                false => Err(Problem::new(Cause::Exists)
                    .detail("There is a second factor; take it away first")
                    .vietnamese(
                        "Đã bật xác thực hai bước. Muốn đổi ứng dụng, hãy tắt rồi bật lại.",
                    )),
            },
        )
        .await?;
    let login = login(&app, account).await?;
    Ok((StatusCode::CREATED, Json(setup(&app, &secret, &login)?)))
}

/// What was begun and is still to be confirmed, shown again after a wrong code.
pub(crate) async fn begun(app: &App, caller: &Caller) -> Result<Setup, Problem> {
    let key = sealing::key(app).await?.ok_or_else(Problem::not_found)?;
    let account = caller.account;
    let secret = app
        .store
        .read(move |sql| stored::begun(sql, &key, account))
        .await?;
    let login = login(app, account).await?;
    setup(app, &secret.ok_or_else(Problem::not_found)?, &login)
}

/// A code of the authenticator app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecondFactorCode)]
pub(crate) struct Code {
    /// Six digits.
    pub(crate) code: String,
}

/// Recovery codes, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    /// Each is good once, in the place of a code of the app.
    pub(crate) recovery_codes: Vec<String>,
}

/// Confirm what was begun by a code of the authenticator app: from here on it is asked for. All other sessions end.
#[utoipa::path(put, path = "/api/v1/session/second-factor", tag = "accounts", request_body = Code,
    responses((status = 200, body = RecoveryCodes), (status = 422, description = "invalid: the code is wrong, or nothing was begun"),
        (status = 429, description = "too-many-requests")),
    security(("session" = [])))]
pub(crate) async fn confirm(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<Code>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let tried = [tried(caller.account)];
    app.lockouts.expect_open(&tried, app.machine.now_ms())?;
    let Some(key) = sealing::key(&app).await? else {
        return Err(nothing_begun());
    };
    let shared = std::sync::Arc::clone(&app);
    let codes = app
        .store
        .write(move |writing| {
            let Some(codes) = stored::confirm(writing, &key, caller.account, &body.code)? else {
                shared.lockouts.failed(&tried, writing.now_ms);
                shared.lockouts.keep(writing, &tried)?;
                return Ok(None);
            };
            writing.sql.execute(
                "DELETE FROM sessions WHERE account = ?1 AND token_digest <> ?2",
                [
                    caller.account.as_bytes().as_slice(),
                    caller.token_digest.as_slice(),
                ],
            )?;
            let entry = Entry::new(Action::SecondFactorOn).by(caller.account);
            audit::note(writing, entry.on("account", caller.account))?;
            Ok::<_, Error>(Some(codes))
        })
        .await?;
    codes
        .map(|recovery_codes| Json(RecoveryCodes { recovery_codes }))
        .ok_or_else(nothing_begun)
}

fn nothing_begun() -> Problem {
    let wrong = wrong_code();
    Problem::invalid("The code is wrong, or nothing was begun").vietnamese(wrong.text().to_owned())
}

fn nothing_on() -> Problem {
    Problem::invalid("There is no second factor").vietnamese("Chưa bật xác thực hai bước.")
}

/// Whose wrong codes are counted together: those of everybody who has the password, from everywhere.
pub(crate) fn tried(account: AccountId) -> Subject {
    Subject::new(&format!("second factor of {account}"), 5)
}

/// Take one's second factor away.
#[utoipa::path(post, path = "/api/v1/session/second-factor/remove", tag = "accounts", request_body = Password,
    responses((status = 204, description = "Taken away"), (status = 401, description = "credential-invalid: the password is wrong"),
        (status = 422, description = "invalid: there is none"), (status = 429, description = "too-many-requests")),
    security(("session" = [])))]
pub(crate) async fn remove(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<Password>,
) -> Result<StatusCode, Problem> {
    own::expect_password(&app, &caller, body.password).await?;
    let account = caller.account;
    app.store
        .write(move |writing| {
            take_away(
                writing,
                account,
                Entry::new(Action::SecondFactorOff).by(account),
            )
        })
        .await
}

fn take_away(
    writing: &Writing<'_>,
    account: AccountId,
    entry: Entry,
) -> Result<StatusCode, Problem> {
    if !stored::remove(writing, account)? {
        return Err(nothing_on());
    }
    audit::note(writing, entry.on("account", account))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Get ten new recovery codes; those before are no longer good.
#[utoipa::path(post, path = "/api/v1/session/recovery-codes", tag = "accounts", request_body = Password,
    responses((status = 201, body = RecoveryCodes), (status = 401, description = "credential-invalid: the password is wrong"),
        (status = 422, description = "invalid: there is no second factor"), (status = 429, description = "too-many-requests")),
    security(("session" = [])))]
pub(crate) async fn new_recovery_codes(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<Password>,
) -> Result<(StatusCode, Json<RecoveryCodes>), Problem> {
    own::expect_password(&app, &caller, body.password).await?;
    let recovery_codes = app
        .store
        .write(move |writing| {
            if !stored::is_on(writing.sql, caller.account)? {
                return Err(nothing_on());
            }
            let codes = stored::new_recovery_codes(writing, caller.account)?;
            let entry = Entry::new(Action::RecoveryCodesMade).by(caller.account);
            audit::note(writing, entry.on("account", caller.account))?;
            Ok(codes)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(RecoveryCodes { recovery_codes })))
}

/// Take somebody's second factor away who has lost it.
#[utoipa::path(delete, path = "/api/v1/accounts/{account}/second-factor", tag = "accounts",
    params(("account" = Uuid, Path, description = "The account")),
    responses((status = 204, description = "Taken away"), (status = 403, description = "forbidden"), (status = 422, description = "invalid: there is none")),
    security(("session" = [])))]
pub(crate) async fn remove_of(
    State(app): Shared,
    caller: Caller,
    Path(account): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let entry = Entry::new(Action::SecondFactorOff).by(caller.account);
    app.store
        .write(move |writing| take_away(writing, AccountId(account), entry))
        .await
}

/// What signing in needs to check a code.
pub(crate) async fn key(app: &App) -> Result<Option<[u8; 32]>, Error> {
    sealing::key(app).await
}
