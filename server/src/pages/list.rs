//! Lists of records, with search.

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    choices::Choices,
    frame::{self, Frame, Visitor},
    shown::Shown,
};
use crate::{
    app::Shared,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    records::list::{Filter, Listed, Page, list},
};

#[derive(Template)]
#[template(path = "records.html")]
struct Records<'a> {
    frame: Frame<'a>,
    kind: &'a str,
    choices: &'a Choices,
    records: &'a [Listed],
    /// The query of this list, for its files.
    query: String,
    /// The query of the next page.
    next: Option<String>,
}

/// A list of records as a page.
#[utoipa::path(get, path = "/records", tag = "pages", params(Filter),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Parameters(filter): Parameters<Filter>,
) -> Result<Response, Problem> {
    let query = filter.query();
    let kind = filter.kind().to_owned();
    let choices = Choices::of(&app, &visitor.caller, &filter).await?;
    let Json(Page { records, next }) =
        list(State(app), visitor.caller.clone(), Parameters(filter)).await?;
    frame::page(&Records {
        frame: Frame::of(&visitor),
        kind: &kind,
        choices: &choices,
        records: &records,
        next: next.map(|next| format!("{query}after={next}")),
        query,
    })
}
