//! The front page: where the work is for who is signed in; for others what this is and where to go.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, Method},
    response::{IntoResponse, Redirect, Response},
};

use super::frame::{self, Frame};
use crate::{
    accounts::access::{self, Csrf, Role},
    app::Shared,
    http::problem::Problem,
};

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing<'a> {
    frame: Frame<'a>,
    server_name: &'a str,
    has_field_app: bool,
}

/// Where somebody's work is.
pub(crate) fn home(role: Role) -> &'static str {
    if role >= Role::Supervisor {
        "/inbox"
    } else {
        "/records?kind=inspection"
    }
}

/// The front page.
#[utoipa::path(get, path = "/", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Signed in: to the work")))]
pub(crate) async fn page(State(app): Shared, headers: HeaderMap) -> Result<Response, Problem> {
    if let Ok(caller) = access::of_request(&app, &Method::GET, &headers, Csrf::Elsewhere).await {
        return Ok(Redirect::to(home(caller.role)).into_response());
    }
    frame::page(&Landing {
        frame: Frame::open(),
        server_name: &app.config.server_name,
        has_field_app: app.field_app.is_some(),
    })
}
