//! Signing in and out by form.

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::frame::{self, Frame};
use crate::{
    accounts::{
        access::by_form,
        second_factor::pending,
        session::{self, Begun, SignIn},
    },
    app::{App, Shared},
    config::Oidc,
    http::{
        body::Parameters,
        client::Client,
        problem::{Cause, Problem},
        query::percent,
    },
};

/// A form that only carries its session's CSRF text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignOut {
    csrf: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    frame: Frame<'a>,
    complaint: Option<&'a str>,
    /// What was sent came without a session.
    expired: bool,
    /// The second factor, or the identity provider, took too long.
    too_late: bool,
    /// What the identity provider is called, where one is configured.
    provider: Option<&'a str>,
    /// Officers have an app of their own at this server.
    has_field_app: bool,
    /// Where the session at the provider ends too.
    end_session: Option<String>,
}

/// Why somebody is here.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Why {
    /// `yes`: a form was sent without a session. `code`, `provider`: that took too long. `left`: a session was ended that
    /// had been begun at the identity provider.
    #[serde(default)]
    expired: String,
}

/// The sign-in page.
#[utoipa::path(get, path = "/sign-in", tag = "pages", params(Why), responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn show(
    State(app): Shared,
    Parameters(why): Parameters<Why>,
) -> Result<Response, Problem> {
    form(&app, None, &why.expired)
}

pub(super) fn form(app: &App, complaint: Option<&str>, expired: &str) -> Result<Response, Problem> {
    let oidc = app.config.oidc.as_ref();
    frame::page(&Page {
        frame: Frame::open(),
        complaint,
        expired: expired == "yes",
        too_late: matches!(expired, "code" | "provider"),
        provider: oidc.map(|oidc| oidc.name.as_str()),
        has_field_app: app.field_app.is_some(),
        end_session: oidc
            .filter(|_| expired == "left")
            .and_then(|oidc| Some(leave(app, oidc, &app.provider.end_session()?))),
    })
}

/// Sign in by form.
#[utoipa::path(post, path = "/sign-in", tag = "pages",
    request_body(content = SignIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Signed in: to the work"), (status = 200, description = "Not signed in: the form again")))]
pub(crate) async fn submit(
    State(app): Shared,
    client: Client,
    Form(body): Form<SignIn>,
) -> Result<Response, Problem> {
    match session::begin(&app, client, body).await {
        Ok(Begun::Session(session)) => {
            let cookie = session::cookie(&app, &session.token);
            Ok(signed_in(cookie))
        }
        Ok(Begun::SecondFactorNeeded(account)) => {
            let token = pending::begin(&app, account, false).await?;
            let cookie = [(header::SET_COOKIE, pending::cookie(&app, &token))];
            Ok((cookie, Redirect::to("/sign-in/code")).into_response())
        }
        Err(problem) if problem.status().is_client_error() => form(&app, Some(problem.text()), ""),
        Err(problem) => Err(problem),
    }
}

/// Where people begin.
pub(super) const BEGIN: &str = "/";

fn signed_in(cookie: String) -> Response {
    let cookie = [(header::SET_COOKIE, cookie)];
    (cookie, Redirect::to(BEGIN)).into_response()
}

/// The address at the provider that ends the session there and leads back here.
fn leave(app: &App, oidc: &Oidc, end_session: &str) -> String {
    let mark = if end_session.contains('?') { '&' } else { '?' };
    let back = format!("{}/sign-in", app.public_url.trim_end_matches('/'));
    format!(
        "{end_session}{mark}client_id={}&post_logout_redirect_uri={}",
        percent(&oidc.client_id),
        percent(&back)
    )
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage<'a> {
    frame: Frame<'a>,
    complaint: Option<&'a str>,
}

/// The second step of signing in.
#[utoipa::path(get, path = "/sign-in/code", tag = "pages", responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn show_code() -> Result<Response, Problem> {
    code_form(None)
}

fn code_form(complaint: Option<&str>) -> Result<Response, Problem> {
    frame::page(&CodePage {
        frame: Frame::open(),
        complaint,
    })
}

/// The form of the second step.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInCodeForm)]
pub(crate) struct CodeForm {
    code: String,
}

/// Show the second factor by form.
#[utoipa::path(post, path = "/sign-in/code", tag = "pages",
    request_body(content = CodeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Signed in: to the list; or the first step is over: to sign in"), (status = 200, description = "Not signed in: the form again")))]
pub(crate) async fn submit_code(
    State(app): Shared,
    client: Client,
    headers: HeaderMap,
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    let again = || Ok(Redirect::to("/sign-in?expired=code").into_response());
    let Some(pending) = pending::digest(&app, &headers) else {
        return again();
    };
    match session::go_on(&app, client, pending, form.code).await {
        Ok(session) => {
            let mut response = signed_in(session::cookie(&app, &session.token));
            let gone = pending::cookie(&app, "").parse();
            let gone = gone.map_err(|_| Problem::new(Cause::Internal))?;
            response.headers_mut().append(header::SET_COOKIE, gone);
            Ok(response)
        }
        Err(problem) if problem.cause() == Cause::CredentialExpired => again(),
        Err(problem) if problem.status().is_client_error() => code_form(Some(problem.text())),
        Err(problem) => Err(problem),
    }
}

/// Sign out by form.
#[utoipa::path(post, path = "/sign-out", tag = "pages",
    request_body(content = SignOut, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Signed out")))]
pub(crate) async fn sign_out(
    State(app): Shared,
    headers: HeaderMap,
    Form(body): Form<SignOut>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &body.csrf).await?;
    let to = if caller.by_provider {
        "/sign-in?expired=left"
    } else {
        "/sign-in"
    };
    let signed_out = session::sign_out(State(app), caller).await?;
    let cookie = signed_out.headers().get(header::SET_COOKIE).cloned();
    let mut response = Redirect::to(to).into_response();
    response
        .headers_mut()
        .extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}
