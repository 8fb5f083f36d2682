//! Signing in and out.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sokiem_record::id::AccountId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::{
        access::{Caller, Role, cookie_name, csrf},
        lockout::Subject,
        password,
        provider::{Who, identity},
        second_factor,
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
    store::{Writing, id},
};

/// A login name and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The login name.
    pub(crate) login: String,
    /// The password.
    pub(crate) password: String,
    /// The second factor, for an account that has one: six digits of the authenticator app, or a recovery code.
    #[serde(default)]
    pub(crate) code: Option<String>,
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
        (status = 401, description = "credential-invalid; second-factor-needed: the password is right, send `code` too"),
        (status = 429, description = "too-many-requests")))]
pub(crate) async fn sign_in(
    State(app): Shared,
    client: Client,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    let session = match begin(&app, client, body).await? {
        Begun::Session(session) => session,
        Begun::SecondFactorNeeded(_) => return Err(Problem::new(Cause::SecondFactorNeeded)),
    };
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

/// How far somebody came.
pub(crate) enum Begun {
    Session(Session),
    /// The password is right, and this account has a second factor.
    SecondFactorNeeded(AccountId),
}

/// Checks a password, and the second factor of an account that has one, and begins a session.
pub(crate) async fn begin(app: &Arc<App>, client: Client, body: SignIn) -> Result<Begun, Problem> {
    let now_ms = app.machine.now_ms();
    app.attempts
        .count(&format!("sign-in from {}", client.0), now_ms)?;
    let login = body.login.trim().to_lowercase();
    let tried = tried(&login, client);
    app.lockouts.expect_open(&tried, now_ms)?;
    app.attempts.count(&format!("sign-in as {login}"), now_ms)?;
    let found: Option<(AccountId, Option<String>, bool)> = app
        .store
        .read(move |sql| {
            let row = sql
                .prepare_cached(
                    "SELECT id, password_hash FROM accounts WHERE login = ?1 AND active = 1 AND coalesce(password_until_ms > ?2, 1)",
                )?
                .query_row(params![login, now_ms], |row| Ok((id::id(row, 0)?, row.get(1)?)))
                .optional()?;
            row.map(|(account, hash)| Ok::<_, Error>((account, hash, second_factor::is_on(sql, account)?)))
                .transpose()
        })
        .await?;
    let hash = found.as_ref().and_then(|found| found.1.clone());
    let right = password::check_apart(app, body.password, hash).await?;
    let known = found.as_ref().map(|found| found.0);
    let Some((account, _, second_factor)) = found.filter(|_| right) else {
        // What was typed as a name is not kept: people type passwords there.
        let entry = Entry::new(Action::SignedIn).refused();
        let entry = known.into_iter().fold(entry, Entry::by);
        let entry = entry.detail("address", client.0.to_string());
        failed(app, &tried, entry).await?;
        return Err(
            Problem::new(Cause::CredentialInvalid).detail("The name or the password is wrong")
        );
    };
    let code = body.code.filter(|code| !code.trim().is_empty());
    let showing = match (second_factor, code) {
        (false, _) => Showing::default(),
        (true, None) => return Ok(Begun::SecondFactorNeeded(account)),
        (true, code) => Showing {
            code,
            ..Showing::default()
        },
    };
    open(app, client, account, showing, &tried)
        .await
        .map(Begun::Session)
}

/// Begins a session for somebody whom the identity provider vouches for. An account with a second factor of ours is
/// asked for it here too.
pub(crate) async fn begin_at_provider(
    app: &Arc<App>,
    client: Client,
    who: Who,
) -> Result<Begun, Problem> {
    let refused = Entry::new(Action::SignedIn).refused();
    let refused = refused.detail("address", client.0.to_string());
    let found = app
        .store
        .write(move |writing| {
            let Some(account) = identity::account(writing, &who)? else {
                audit::note(writing, refused.detail("by", "provider"))?;
                return Ok(None);
            };
            Ok::<_, Error>(Some((account, second_factor::is_on(writing.sql, account)?)))
        })
        .await?;
    let (account, second_factor) = found.ok_or_else(|| {
        Problem::forbidden()
            .detail("No account belongs to this person")
            .vietnamese("Danh tính này chưa được gán cho tài khoản nào. Hãy nhờ người quản trị.")
    })?;
    if second_factor {
        return Ok(Begun::SecondFactorNeeded(account));
    }
    let showing = Showing {
        by_provider: true,
        ..Showing::default()
    };
    open(app, client, account, showing, &[])
        .await
        .map(Begun::Session)
}

async fn failed(app: &Arc<App>, tried: &[Subject], entry: Entry) -> Result<(), Problem> {
    app.lockouts.failed(tried, app.machine.now_ms());
    let (keeping, shared) = (tried.to_vec(), Arc::clone(app));
    app.store
        .write(move |writing| {
            shared.lockouts.keep(writing, &keeping)?;
            audit::note(writing, entry)?;
            Ok(())
        })
        .await
}

/// What somebody shows whose password is right, or whom the identity provider vouches for.
#[derive(Default)]
struct Showing {
    /// The second factor; `None` for an account that has none.
    code: Option<String>,
    /// In the second step of the form: what the first left behind.
    pending: Option<[u8; 32]>,
    by_provider: bool,
}

/// The second step of signing in by form: a code for the sign-in whose password was right.
pub(crate) async fn go_on(
    app: &Arc<App>,
    client: Client,
    pending: [u8; 32],
    code: String,
) -> Result<Session, Problem> {
    let now_ms = app.machine.now_ms();
    app.attempts
        .count(&format!("sign-in from {}", client.0), now_ms)?;
    let found = app
        .store
        .read(move |sql| second_factor::pending::find(sql, pending, now_ms))
        .await?;
    let (account, login, by_provider) =
        found.ok_or_else(|| Problem::new(Cause::CredentialExpired))?;
    let tried = tried(&login, client);
    app.lockouts.expect_open(&tried, now_ms)?;
    let showing = Showing {
        code: Some(code),
        pending: Some(pending),
        by_provider,
    };
    open(app, client, account, showing, &tried).await
}

/// Begins a session for somebody whose password is right, if the second factor is too. Both are counted as one:
/// a right password with wrong codes clears nothing.
async fn open(
    app: &Arc<App>,
    client: Client,
    account: AccountId,
    showing: Showing,
    tried: &[Subject],
) -> Result<Session, Problem> {
    let now_ms = app.machine.now_ms();
    let mut tried = tried.to_vec();
    let Showing {
        code,
        pending,
        by_provider,
    } = showing;
    let key = match code {
        Some(_) => {
            tried.push(second_factor::endpoint::tried(account));
            app.lockouts.expect_open(&tried, now_ms)?;
            second_factor::endpoint::key(app).await?
        }
        None => None,
    };
    let token = secret::hex(&app.machine.random::<32>()?);
    let expires_ms = platform::after_s(now_ms, app.config.lifetimes.session_s);
    let digest = secret::digest(token.as_bytes());
    let most = app.config.limits.sessions_per_account;
    let entry = Entry::new(Action::SignedIn).by(account);
    let entry = entry.detail("address", client.0.to_string());
    let (keeping, shared, signed_in) = (tried.clone(), Arc::clone(app), entry.clone());
    let opened = app
        .store
        .write(move |writing| {
            let mut signed_in = signed_in;
            if let Some(code) = &code {
                let Some(accepted) = second_factor::accept(writing, key, account, code)? else {
                    return Ok(None);
                };
                signed_in = signed_in.detail("second_factor", accepted.word());
            }
            if let Some(pending) = pending {
                second_factor::pending::end(writing, pending)?;
            }
            let me = person(writing.sql, account)?;
            begin_session(writing, account, &digest, expires_ms, most)?;
            if by_provider {
                writing.sql.execute(
                    "UPDATE sessions SET by_provider = 1 WHERE token_digest = ?1",
                    [digest.as_slice()],
                )?;
                signed_in = signed_in.detail("by", "provider");
            }
            shared.lockouts.succeeded(&keeping);
            shared.lockouts.keep(writing, &keeping)?;
            audit::note(writing, signed_in)?;
            Ok::<_, Problem>(Some(me))
        })
        .await?;
    let Some(account) = opened else {
        let entry = entry.refused().detail("second_factor", "wrong");
        failed(app, &tried, entry).await?;
        return Err(second_factor::wrong_code());
    };
    Ok(Session {
        csrf: csrf(&token),
        token,
        expires_ms,
        account,
    })
}

fn person(sql: &Connection, account: AccountId) -> Result<Me, Problem> {
    let found = sql
        .prepare_cached("SELECT name, role FROM accounts WHERE id = ?1 AND active = 1")?
        .query_row([account.as_bytes().as_slice()], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let (name, role) = found.ok_or_else(|| Problem::new(Cause::CredentialInvalid))?;
    Ok(Me {
        id: account.0,
        name,
        role: Role::from_name(&role).ok_or(Error::Unreadable("role"))?,
    })
}

fn begin_session(
    writing: &Writing<'_>,
    account: AccountId,
    digest: &[u8; 32],
    expires_ms: i64,
    most: u32,
) -> Result<(), Error> {
    let account = account.as_bytes().as_slice();
    writing.sql.execute(
        "DELETE FROM sessions WHERE expires_ms <= ?1",
        [writing.now_ms],
    )?;
    writing.sql.execute(
        "DELETE FROM sessions WHERE account = ?1 AND token_digest NOT IN
           (SELECT token_digest FROM sessions WHERE account = ?1 ORDER BY created_ms DESC LIMIT ?2)",
        params![account, most.saturating_sub(1)],
    )?;
    writing.sql.execute(
        "INSERT INTO sessions (token_digest, account, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)",
        params![digest.as_slice(), account, writing.now_ms, expires_ms],
    )?;
    Ok(())
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
