//! What everybody does with their own account: choose a password, see and end sessions.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    accounts::{access::Caller, lockout::Subject, password},
    app::{App, Shared},
    audit::{self, Action, Entry},
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    secret,
};

/// Refuses who does not know the caller's password. Guessing it costs time.
pub(crate) async fn expect_password(
    app: &Arc<App>,
    caller: &Caller,
    password: String,
) -> Result<(), Problem> {
    let tried = [Subject::new(&format!("password of {}", caller.account), 5)];
    app.lockouts.expect_open(&tried, app.machine.now_ms())?;
    let account = caller.account;
    let stored: Option<String> = app
        .store
        .read(move |sql| {
            let mut statement =
                sql.prepare_cached("SELECT password_hash FROM accounts WHERE id = ?1")?;
            let stored = statement
                .query_row([account.as_bytes().as_slice()], |row| row.get(0))
                .optional()?;
            Ok::<_, Error>(stored.flatten())
        })
        .await?;
    if stored.is_none() {
        return Err(Problem::invalid("The account has no password")
            .vietnamese("Tài khoản chưa có mật khẩu. Hãy nhờ người quản trị cấp."));
    }
    if !password::check_apart(app, password, stored).await? {
        app.lockouts.failed(&tried, app.machine.now_ms());
        let shared = Arc::clone(app);
        let entry = Entry::new(Action::SignedIn).refused().by(account);
        let entry = entry.detail("at", "confirmation");
        app.store
            .write(move |writing| {
                shared.lockouts.keep(writing, &tried)?;
                audit::note(writing, entry)
            })
            .await?;
        return Err(Problem::new(Cause::CredentialInvalid)
            .detail("The password is wrong")
            .vietnamese("Mật khẩu không đúng."));
    }
    app.lockouts.succeeded(&tried);
    Ok(())
}

/// The old password and the new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// The password that is good now.
    pub(crate) old: String,
    /// The one to use from now on.
    pub(crate) new: String,
}

/// Choose a password. All other sessions of the account end.
#[utoipa::path(put, path = "/api/v1/session/password", tag = "accounts", request_body = NewPassword,
    responses((status = 204, description = "Changed"), (status = 401, description = "credential-invalid: the old one is wrong"),
        (status = 422, description = "invalid: too short or too long, or the same"), (status = 429, description = "too-many-requests")),
    security(("session" = [])))]
pub(crate) async fn choose_password(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<NewPassword>,
) -> Result<StatusCode, Problem> {
    if !password::acceptable(&body.new) || body.new == body.old {
        return Err(Problem::invalid(
            "A password has 8 characters at least and 200 bytes at most, and is another one than before",
        )
        .vietnamese("Mật khẩu mới cần ít nhất 8 ký tự và khác mật khẩu cũ."));
    }
    expect_password(&app, &caller, body.old).await?;
    let hash = password::hash_apart(&app, body.new).await?;
    app.store
        .write(move |writing| {
            let account = caller.account.as_bytes().as_slice();
            writing.sql.execute(
                "UPDATE accounts SET password_hash = ?2, password_until_ms = NULL WHERE id = ?1",
                params![account, hash],
            )?;
            writing.sql.execute(
                "DELETE FROM sessions WHERE account = ?1 AND token_digest <> ?2",
                params![account, caller.token_digest.as_slice()],
            )?;
            let entry = Entry::new(Action::PasswordChanged).by(caller.account);
            audit::note(writing, entry.on("account", caller.account))
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A session of one's own. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnSession {
    /// Its id; not what it is used with.
    pub(crate) id: String,
    /// When it began.
    pub(crate) created_ms: i64,
    /// When it ends.
    pub(crate) expires_ms: i64,
    /// Whether it is the one that asks.
    pub(crate) this: bool,
}

/// What a session is called: nothing can be done with it but end it.
fn name(token_digest: &[u8]) -> String {
    secret::hex(&secret::digest(token_digest))
        .chars()
        .take(32)
        .collect()
}

/// List one's own sessions.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "accounts",
    responses((status = 200, body = Vec<OwnSession>)), security(("session" = [])))]
pub(crate) async fn sessions(
    State(app): Shared,
    caller: Caller,
) -> Result<Json<Vec<OwnSession>>, Problem> {
    let now_ms = app.machine.now_ms();
    app.store
        .read(move |sql| {
            let mut statement = sql.prepare_cached(
                "SELECT token_digest, created_ms, expires_ms FROM sessions WHERE account = ?1 AND expires_ms > ?2 ORDER BY created_ms",
            )?;
            let rows = statement.query_map(params![caller.account.as_bytes().as_slice(), now_ms], |row| {
                let digest: Vec<u8> = row.get(0)?;
                Ok(OwnSession {
                    id: name(&digest),
                    created_ms: row.get(1)?,
                    expires_ms: row.get(2)?,
                    this: digest == caller.token_digest,
                })
            })?;
            Ok(Json(rows.collect::<Result<_, _>>()?))
        })
        .await
}

/// End one of one's own sessions.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "accounts",
    params(("id" = String, Path, description = "The session, as GET /api/v1/sessions calls it")),
    responses((status = 204, description = "Ended"), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn end_session(
    State(app): Shared,
    caller: Caller,
    Path(session): Path<String>,
) -> Result<StatusCode, Problem> {
    app.store
        .write(move |writing| {
            let account = caller.account.as_bytes().as_slice();
            let digests: Vec<Vec<u8>> = writing
                .sql
                .prepare_cached("SELECT token_digest FROM sessions WHERE account = ?1")?
                .query_map([account], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let digest = digests
                .into_iter()
                .find(|digest| name(digest) == session)
                .ok_or_else(Problem::not_found)?;
            writing
                .sql
                .execute("DELETE FROM sessions WHERE token_digest = ?1", [digest])?;
            audit::note(writing, Entry::new(Action::SessionEnded).by(caller.account))?;
            Ok::<_, Problem>(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
