//! There and back: what is kept while somebody is at the provider.

use axum::http::{HeaderMap, header};
use rusqlite::{OptionalExtension, params};

use super::talk::{self, Who};
use crate::{
    app::App,
    config::Oidc,
    error::Error,
    http::problem::{Cause, Problem},
    platform, secret,
};

/// Seconds that somebody may stay at the provider.
const PATIENCE_S: u64 = 600;

fn name(app: &App) -> &'static str {
    if app.config.secure_cookies {
        "__Host-sokiem_provider"
    } else {
        "sokiem_provider"
    }
}

/// The cookie that binds it to the browser; an empty token takes it away. Lax: it has to come along when the provider
/// sends the browser back.
pub(crate) fn cookie(app: &App, token: &str) -> String {
    let secure = if app.config.secure_cookies {
        "; Secure"
    } else {
        ""
    };
    let seconds = if token.is_empty() { 0 } else { PATIENCE_S };
    let name = name(app);
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

fn browser(app: &App, headers: &HeaderMap) -> Option<[u8; 32]> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let token = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == self::name(app))
        .map(|(_, token)| token)?;
    Some(secret::digest(token.as_bytes()))
}

/// The provider, where one is configured.
pub(crate) fn configured(app: &App) -> Result<&Oidc, Problem> {
    app.config.oidc.as_ref().ok_or_else(Problem::not_found)
}

fn unreachable(error: &talk::Failed) -> Problem {
    tracing::warn!(%error, "the identity provider");
    Problem::new(Cause::Unavailable)
        .detail("Signing in at the identity provider did not work; try again, or use a password")
        .vietnamese(
            "Không đăng nhập được qua nhà cung cấp danh tính. Hãy thử lại, hoặc dùng mật khẩu.",
        )
}

/// Where the browser goes, and the token for its cookie.
pub(crate) async fn begin(app: &App) -> Result<(String, String), Problem> {
    let oidc = configured(app)?;
    let fresh = || app.machine.random::<32>().map(|bytes| secret::hex(&bytes));
    let (state, nonce, verifier, token) = (fresh()?, fresh()?, fresh()?, fresh()?);
    let address = talk::authorize_url(app, oidc, state.clone(), nonce.clone(), verifier.clone())
        .await
        .map_err(|error| unreachable(&error))?;
    let (state, browser) = (
        secret::digest(state.as_bytes()),
        secret::digest(token.as_bytes()),
    );
    app.store
        .write(move |writing| {
            let expires_ms = platform::after_s(writing.now_ms, PATIENCE_S);
            writing.sql.execute(
                "DELETE FROM provider_sign_ins WHERE expires_ms <= ?1",
                [writing.now_ms],
            )?;
            writing.sql.execute(
                "INSERT INTO provider_sign_ins (state_digest, browser_digest, nonce, verifier, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![state.as_slice(), browser.as_slice(), nonce, verifier, expires_ms],
            )?;
            Ok::<_, Error>(())
        })
        .await?;
    Ok((address, token))
}

/// Who came back: the same browser that was sent, once.
pub(crate) async fn end(
    app: &App,
    headers: &HeaderMap,
    state: &str,
    code: String,
) -> Result<Who, Problem> {
    let oidc = configured(app)?;
    let expired = || Problem::new(Cause::CredentialExpired);
    let browser = browser(app, headers).ok_or_else(expired)?;
    let state = secret::digest(state.as_bytes());
    let sent: Option<(String, String)> = app
        .store
        .write(move |writing| {
            let sent = writing
                .sql
                .query_row(
                    "SELECT nonce, verifier FROM provider_sign_ins
                      WHERE state_digest = ?1 AND browser_digest = ?2 AND expires_ms > ?3",
                    params![state.as_slice(), browser.as_slice(), writing.now_ms],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            writing.sql.execute(
                "DELETE FROM provider_sign_ins WHERE state_digest = ?1 AND browser_digest = ?2",
                params![state.as_slice(), browser.as_slice()],
            )?;
            Ok::<_, Error>(sent)
        })
        .await?;
    let (nonce, verifier) = sent.ok_or_else(expired)?;
    talk::redeem(app, oidc, code, nonce, verifier)
        .await
        .map_err(|error| unreachable(&error))
}
