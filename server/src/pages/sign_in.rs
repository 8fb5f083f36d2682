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
        session::{self, SignIn},
    },
    app::Shared,
    http::{body::Parameters, client::Client, problem::Problem},
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
}

/// Why somebody is here.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Why {
    /// `yes`: a form was sent without a session.
    #[serde(default)]
    expired: String,
}

/// The sign-in page.
#[utoipa::path(get, path = "/sign-in", tag = "pages", params(Why), responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn show(Parameters(why): Parameters<Why>) -> Result<Response, Problem> {
    form(None, why.expired == "yes")
}

fn form(complaint: Option<&str>, expired: bool) -> Result<Response, Problem> {
    frame::page(&Page {
        frame: Frame::open(),
        complaint,
        expired,
    })
}

/// Sign in by form.
#[utoipa::path(post, path = "/sign-in", tag = "pages",
    request_body(content = SignIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Signed in: to the list"), (status = 200, description = "Not signed in: the form again")))]
pub(crate) async fn submit(
    State(app): Shared,
    client: Client,
    Form(body): Form<SignIn>,
) -> Result<Response, Problem> {
    match session::begin(&app, client, body).await {
        Ok(session) => {
            let cookie = session::cookie(&app, &session.token);
            let answer = (
                [(header::SET_COOKIE, cookie)],
                Redirect::to("/records?kind=inspection"),
            );
            Ok(answer.into_response())
        }
        Err(problem) if problem.status().is_client_error() => form(Some(problem.text()), false),
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
    let signed_out = session::sign_out(State(app), caller).await?;
    let cookie = signed_out.headers().get(header::SET_COOKIE).cloned();
    let mut response = Redirect::to("/sign-in").into_response();
    response
        .headers_mut()
        .extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}
