//! The front page: what this is and where to go.

use askama::Template;
use axum::{extract::State, response::Response};

use super::frame::{self, Frame};
use crate::{app::Shared, http::problem::Problem};

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing<'a> {
    frame: Frame<'a>,
    server_name: &'a str,
}

/// The front page.
#[utoipa::path(get, path = "/", tag = "pages", responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn page(State(app): Shared) -> Result<Response, Problem> {
    frame::page(&Landing {
        frame: Frame::open(),
        server_name: &app.config.server_name,
    })
}
