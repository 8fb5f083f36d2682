//! The inbox: what needs this supervisor, one kind of need at a time.

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
    projection::Need,
    records::{
        inbox::{self, Inbox},
        list::{self, Filter, Listed, Sort},
    },
};

#[derive(Template)]
#[template(path = "inbox.html")]
struct Page<'a> {
    frame: Frame<'a>,
    inbox: &'a Inbox,
    need: Need,
    choices: &'a Choices,
    records: &'a [Listed],
    /// The query of the next page.
    next: Option<String>,
}

/// What needs a person.
#[utoipa::path(get, path = "/inbox", tag = "pages", params(Filter),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Parameters(filter): Parameters<Filter>,
) -> Result<Response, Problem> {
    let caller = &visitor.caller;
    let Json(inbox) = inbox::get(State(app.clone()), caller.clone()).await?;
    let need = filter.need.unwrap_or_else(|| {
        let waiting = Need::ALL.into_iter().find(|need| inbox.count(*need) > 0);
        waiting.unwrap_or(Need::Review)
    });
    let filter = Filter {
        need: Some(need),
        sort: Sort::Updated,
        ..filter
    };
    let choices = Choices::of(&app, caller, &filter).await?;
    let query = filter.query();
    let Json(page) = list::list(State(app), caller.clone(), Parameters(filter)).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        inbox: &inbox,
        need,
        choices: &choices,
        records: &page.records,
        next: page.next.map(|next| format!("{query}after={next}")),
    })
}
