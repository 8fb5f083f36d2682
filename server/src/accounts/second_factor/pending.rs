//! Signing in by form in two steps: whose password was right is known by a cookie for a few minutes, with which
//! nothing can be done but show the second factor.

use axum::http::{HeaderMap, header};
use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::id::AccountId;

use crate::{
    app::App,
    error::Error,
    platform, secret,
    store::{Writing, id},
};

/// Seconds in which the second factor has to be shown.
const PATIENCE_S: u64 = 300;

fn name(app: &App) -> &'static str {
    if app.config.secure_cookies {
        "__Host-sokiem_pending"
    } else {
        "sokiem_pending"
    }
}

/// The cookie; an empty token takes it away.
pub(crate) fn cookie(app: &App, token: &str) -> String {
    let secure = if app.config.secure_cookies {
        "; Secure"
    } else {
        ""
    };
    let seconds = if token.is_empty() { 0 } else { PATIENCE_S };
    let name = name(app);
    // Lax and not Strict: somebody may come back here from an identity provider's page.
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// SHA-256 of the token that a request shows.
pub(crate) fn digest(app: &App, headers: &HeaderMap) -> Option<[u8; 32]> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let token = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == self::name(app))
        .map(|(_, token)| token)?;
    Some(secret::digest(token.as_bytes()))
}

/// Notes that somebody's password was right, or that the identity provider vouches for them; the token for the cookie.
pub(crate) async fn begin(
    app: &App,
    account: AccountId,
    by_provider: bool,
) -> Result<String, Error> {
    let token = secret::hex(&app.machine.random::<32>()?);
    let digest = secret::digest(token.as_bytes());
    app.store
        .write(move |writing| {
            let expires_ms = platform::after_s(writing.now_ms, PATIENCE_S);
            writing.sql.execute(
                "DELETE FROM pending_sign_ins WHERE expires_ms <= ?1",
                [writing.now_ms],
            )?;
            writing.sql.execute(
                "INSERT INTO pending_sign_ins (token_digest, account, expires_ms, by_provider) VALUES (?1, ?2, ?3, ?4)",
                params![digest.as_slice(), account.as_bytes().as_slice(), expires_ms, by_provider],
            )?;
            Ok::<_, Error>(())
        })
        .await?;
    Ok(token)
}

/// Whose password was right, their login, and whether the identity provider vouches for them instead.
pub(crate) fn find(
    sql: &Connection,
    digest: [u8; 32],
    now_ms: i64,
) -> Result<Option<(AccountId, String, bool)>, Error> {
    Ok(sql
        .prepare_cached(
            "SELECT accounts.id, accounts.login, by_provider FROM pending_sign_ins JOIN accounts ON accounts.id = account
              WHERE token_digest = ?1 AND expires_ms > ?2 AND active = 1",
        )?
        .query_row(params![digest.as_slice(), now_ms], |row| {
            Ok((id::id(row, 0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?)
}

/// Ends it: the second factor was right, or there is no way on.
pub(crate) fn end(writing: &Writing<'_>, digest: [u8; 32]) -> Result<(), Error> {
    writing.sql.execute(
        "DELETE FROM pending_sign_ins WHERE token_digest = ?1",
        [digest.as_slice()],
    )?;
    Ok(())
}
