//! Signing in and out.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sokiem_record::id::AccountId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::{
        access::{Caller, Role, cookie_name, csrf},
        lockout::Subject,
        password,
    },
    app::{App, Shared},
    audit::{self, Action, Entry},
    error::Error,
    http::{
        body::Json,
        client::Client,
        problem::{Cause, Problem},
    },
    platform, secret,
    store::id,
};

/// A login name and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The login name.
    pub(crate) login: String,
    /// The password.
    pub(crate) password: String,
}

/// A session that began.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// Send as `Authorization: Bearer …`. Browsers use the cookie instead.
    pub(crate) token: String,
    /// Send as `x-sokiem-csrf` with every request that uses the cookie and does more than read.
    pub(crate) csrf: String,
    /// When it ends, milliseconds since 1970-01-01 UTC.
    pub(crate) expires_ms: i64,
    /// Who signed in.
    pub(crate) account: Me,
}

/// Who is signed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The account.
    pub(crate) id: Uuid,
    /// The person's name.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
}

/// Sign in.
#[utoipa::path(post, path = "/api/v1/session", tag = "accounts", request_body = SignIn,
    responses(
        (status = 201, description = "Signed in; also sets the session cookie", body = Session),
        (status = 401, description = "credential-invalid"),
        (status = 429, description = "too-many-requests")))]
pub(crate) async fn sign_in(
    State(app): Shared,
    client: Client,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    let session = begin(&app, client, body).await?;
    let cookie = cookie(&app, &session.token);
    Ok((
        StatusCode::CREATED,
        [(header::SET_COOKIE, cookie)],
        Json(session),
    )
        .into_response())
}

/// Failures are counted for a name from one address, and with more patience for a name from everywhere and for an
/// address with whatever name: nobody shuts somebody else out with a few tries.
fn tried(login: &str, client: Client) -> [Subject; 3] {
    [
        Subject::new(&format!("sign-in as {login} from {}", client.0), 5),
        Subject::new(&format!("sign-in as {login}"), 50),
        Subject::new(&format!("sign-in from {}", client.0), 50),
    ]
}

/// Checks a password and begins a session.
pub(crate) async fn begin(
    app: &Arc<App>,
    client: Client,
    body: SignIn,
) -> Result<Session, Problem> {
    let now_ms = app.machine.now_ms();
    app.attempts
        .count(&format!("sign-in from {}", client.0), now_ms)?;
    let login = body.login.trim().to_lowercase();
    let tried = tried(&login, client);
    app.lockouts.expect_open(&tried, now_ms)?;
    app.attempts.count(&format!("sign-in as {login}"), now_ms)?;
    let found: Option<(AccountId, String, String, Option<String>)> = app
        .store
        .read(move |sql| {
            Ok::<_, Error>(
                sql.prepare_cached(
                    "SELECT id, name, role, password_hash FROM accounts WHERE login = ?1 AND active = 1 AND coalesce(password_until_ms > ?2, 1)",
                )?
                .query_row(params![login, now_ms], |row| Ok((id::id(row, 0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
                .optional()?,
            )
        })
        .await?;
    let hash = found.as_ref().and_then(|found| found.3.clone());
    let right = password::check_apart(app, body.password, hash).await?;
    let known = found.as_ref().map(|found| found.0);
    let Some((account, name, role, _)) = found.filter(|_| right) else {
        // What was typed as a name is not kept: people type passwords there.
        let entry = Entry::new(Action::SignedIn).refused();
        let entry = known.into_iter().fold(entry, Entry::by);
        let entry = entry.detail("address", client.0.to_string());
        app.lockouts.failed(&tried, now_ms);
        let (keeping, shared) = (tried, Arc::clone(app));
        app.store
            .write(move |writing| {
                shared.lockouts.keep(writing, &keeping)?;
                audit::note(writing, entry)
            })
            .await?;
        return Err(
            Problem::new(Cause::CredentialInvalid).detail("The name or the password is wrong")
        );
    };
    let role = Role::from_name(&role).ok_or(Error::Unreadable("role"))?;
    app.lockouts.succeeded(&tried);
    let (keeping, shared) = (tried, Arc::clone(app));
    let token = secret::hex(&app.machine.random::<32>()?);
    let expires_ms = platform::after_s(now_ms, app.config.lifetimes.session_s);
    let digest = secret::digest(token.as_bytes());
    let most = app.config.limits.sessions_per_account;
    let signed_in = Entry::new(Action::SignedIn).by(account);
    let signed_in = signed_in.detail("address", client.0.to_string());
    app.store
        .write(move |writing| {
            let account = account.as_bytes().as_slice();
            writing.sql.execute("DELETE FROM sessions WHERE expires_ms <= ?1", [now_ms])?;
            writing.sql.execute(
                "DELETE FROM sessions WHERE account = ?1 AND token_digest NOT IN
                   (SELECT token_digest FROM sessions WHERE account = ?1 ORDER BY created_ms DESC LIMIT ?2)",
                params![account, most.saturating_sub(1)],
            )?;
            writing.sql.execute(
                "INSERT INTO sessions (token_digest, account, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)",
                params![digest.as_slice(), account, now_ms, expires_ms],
            )?;
            shared.lockouts.keep(writing, &keeping)?;
            audit::note(writing, signed_in)?;
            Ok::<_, Error>(())
        })
        .await?;
    let account = Me {
        id: account.0,
        name,
        role,
    };
    Ok(Session {
        csrf: csrf(&token),
        token,
        expires_ms,
        account,
    })
}

/// The cookie that carries a session.
pub(crate) fn cookie(app: &App, token: &str) -> String {
    let secure = if app.config.secure_cookies {
        "; Secure"
    } else {
        ""
    };
    let seconds = app.config.lifetimes.session_s;
    let name = cookie_name(app);
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
}

/// Who am I.
#[utoipa::path(get, path = "/api/v1/session", tag = "accounts",
    responses((status = 200, body = Me), (status = 401, description = "credential-missing, credential-invalid, credential-expired")),
    security(("session" = [])))]
pub(crate) async fn me(caller: Caller) -> Json<Me> {
    Json(Me {
        id: caller.account.0,
        name: caller.name,
        role: caller.role,
    })
}

/// Sign out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "accounts",
    responses((status = 204, description = "The session has ended")), security(("session" = [])))]
pub(crate) async fn sign_out(State(app): Shared, caller: Caller) -> Result<Response, Problem> {
    app.store
        .write(move |writing| {
            writing.sql.execute(
                "DELETE FROM sessions WHERE token_digest = ?1",
                [caller.token_digest.as_slice()],
            )?;
            audit::note(writing, Entry::new(Action::SignedOut).by(caller.account))?;
            Ok::<_, Error>(())
        })
        .await?;
    let secure = if app.config.secure_cookies {
        "; Secure"
    } else {
        ""
    };
    let name = cookie_name(&app);
    let gone = format!("{name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}
