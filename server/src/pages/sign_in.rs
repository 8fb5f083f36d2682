//! Signing in and out by form.

use std::net::SocketAddr;

use axum::{
    Form,
    extract::{ConnectInfo, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::layout::{escaped, page};
use crate::{
    accounts::{
        access::by_form,
        session::{self, SignIn},
    },
    app::Shared,
    http::problem::Problem,
};

/// A form that only carries its session's CSRF text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignOut {
    csrf: String,
}

/// The sign-in page.
#[utoipa::path(get, path = "/sign-in", tag = "pages", responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn show() -> Response {
    form("")
}

fn form(complaint: &str) -> Response {
    page(
        "Đăng nhập",
        None,
        &format!(
            "<p lang=\"en\" class=\"en\">Sign in</p><p class=\"clash\">{}</p><form method=\"post\" action=\"/sign-in\">\
             <p><label>Tên đăng nhập <small lang=\"en\">Name</small><br><input name=\"login\" autocomplete=\"username\" required></label></p>\
             <p><label>Mật khẩu <small lang=\"en\">Password</small><br><input type=\"password\" name=\"password\" autocomplete=\"current-password\" required></label></p>\
             <button>Đăng nhập <small lang=\"en\">Sign in</small></button></form>",
            escaped(complaint)
        ),
    )
}

/// Sign in by form.
#[utoipa::path(post, path = "/sign-in", tag = "pages",
    request_body(content = SignIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Signed in: to the list"), (status = 200, description = "Not signed in: the form again")))]
pub(crate) async fn submit(
    State(app): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Form(body): Form<SignIn>,
) -> Response {
    match session::begin(&app, peer, body).await {
        Ok(session) => {
            let cookie = session::cookie(&app, &session.token);
            (
                [(header::SET_COOKIE, cookie)],
                Redirect::to("/records?kind=inspection"),
            )
                .into_response()
        }
        Err(problem) if problem.status().is_client_error() => {
            form(&format!("Không đăng nhập được. {}", problem.text()))
        }
        Err(problem) => problem.into_response(),
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
