//! What somebody is told who looks for the officer's app at a server that was started without it.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::frame::{self, Frame};
use crate::{app::App, http::problem::Problem};

#[derive(Template)]
#[template(path = "no_field_app.html")]
struct Page<'a> {
    frame: Frame<'a>,
    server_name: &'a str,
}

/// The page, with status 404.
pub(crate) fn page(app: &App) -> Result<Response, Problem> {
    let mut response = frame::page(&Page {
        frame: Frame::open(),
        server_name: &app.config.server_name,
    })?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}
