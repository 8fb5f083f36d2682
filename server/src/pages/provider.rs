//! Signing in at the identity provider: there, and back.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    frame::{self, Frame},
    sign_in,
};
use crate::{
    accounts::{
        provider::round_trip,
        second_factor::pending,
        session::{self, Begun},
    },
    app::Shared,
    http::{
        body::Parameters,
        client::Client,
        problem::{Cause, Problem},
    },
};

/// Go to the identity provider.
#[utoipa::path(get, path = "/sign-in/provider", tag = "pages",
    responses((status = 303, description = "To the provider"), (status = 200, description = "It can't be reached: the sign-in page, which says so"), (status = 422, description = "invalid: none is configured"), (status = 429, description = "too-many-requests")))]
pub(crate) async fn go(State(app): Shared, client: Client) -> Result<Response, Problem> {
    app.attempts
        .count(&format!("sign-in from {}", client.0), app.machine.now_ms())?;
    if app.config.oidc.is_none() {
        return Err(Problem::invalid("No identity provider is configured")
            .vietnamese("Máy chủ chưa cấu hình nhà cung cấp danh tính."));
    }
    match round_trip::begin(&app).await {
        Ok((address, token)) => {
            let cookie = [(header::SET_COOKIE, round_trip::cookie(&app, &token))];
            Ok((cookie, Redirect::to(&address)).into_response())
        }
        Err(problem) => sign_in::form(&app, Some(problem.text()), ""),
    }
}

/// What the provider sends along.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Back {
    /// What we had sent.
    #[serde(default)]
    state: String,
    /// What is redeemed for who it is.
    #[serde(default)]
    code: String,
    /// Why there is none.
    #[serde(default)]
    error: String,
}

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedIn<'a> {
    frame: Frame<'a>,
    to: &'a str,
}

/// Come back from the identity provider.
#[utoipa::path(get, path = "/sign-in/provider/callback", tag = "pages", params(Back),
    responses((status = 200, content_type = "text/html", description = "Signed in: a page that leads on; else the sign-in page, which says why not", body = String),
        (status = 303, description = "The second factor is needed, or it took too long"), (status = 429, description = "too-many-requests")))]
pub(crate) async fn back(
    State(app): Shared,
    client: Client,
    headers: HeaderMap,
    Parameters(back): Parameters<Back>,
) -> Result<Response, Problem> {
    app.attempts
        .count(&format!("sign-in from {}", client.0), app.machine.now_ms())?;
    if !back.error.is_empty() || back.code.is_empty() {
        let text = "Nhà cung cấp danh tính không xác nhận. Hãy thử lại, hoặc dùng mật khẩu.";
        return sign_in::form(&app, Some(text), "");
    }
    let who = match round_trip::end(&app, &headers, &back.state, back.code).await {
        Ok(who) => who,
        Err(problem) if problem.cause() == Cause::CredentialExpired => {
            return Ok(Redirect::to("/sign-in?expired=provider").into_response());
        }
        Err(problem) => return sign_in::form(&app, Some(problem.text()), ""),
    };
    let begun = match session::begin_at_provider(&app, client, who).await {
        Ok(begun) => begun,
        Err(problem) if problem.status().is_client_error() => {
            return sign_in::form(&app, Some(problem.text()), "");
        }
        Err(problem) => return Err(problem),
    };
    let (cookie, mut response) = match begun {
        // The session's cookie is Strict: a redirect from the provider's page would not carry it. A page of our own
        // leads on.
        Begun::Session(session) => (
            session::cookie(&app, &session.token),
            frame::page(&SignedIn {
                frame: Frame::open(),
                to: sign_in::BEGIN,
            })?,
        ),
        Begun::SecondFactorNeeded(account) => {
            let token = pending::begin(&app, account, true).await?;
            let cookie = pending::cookie(&app, &token);
            (cookie, Redirect::to("/sign-in/code").into_response())
        }
    };
    for cookie in [cookie, round_trip::cookie(&app, "")] {
        let cookie = cookie.parse().map_err(|_| Problem::new(Cause::Internal))?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
