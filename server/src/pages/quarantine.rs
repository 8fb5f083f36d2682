//! What was refused: a list, and one change with what it would say and what can be done about it.

pub(crate) mod import;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sokiem_record::{labels, words};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    frame::{self, Frame, Visitor},
    shown::Shown,
};
use crate::{
    accounts::access::by_form,
    app::Shared,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    records::quarantine::{
        Refused,
        list::{self, Filter},
        say::{self, Said},
        settle,
    },
};

#[derive(Template)]
#[template(path = "quarantine.html")]
struct ListPage<'a> {
    frame: Frame<'a>,
    state: &'a str,
    refused: &'a [Refused],
    /// The query of the next page.
    next: Option<String>,
}

/// What was refused, as a page.
#[utoipa::path(get, path = "/quarantine", tag = "pages", params(Filter),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn list(
    State(app): Shared,
    visitor: Visitor,
    Parameters(filter): Parameters<Filter>,
) -> Result<Response, Problem> {
    let state = match filter.state.as_deref() {
        Some("taken-over") => "taken-over",
        Some("dismissed") => "dismissed",
        _ => "open",
    };
    let caller = visitor.caller.clone();
    let filter = Filter {
        state: Some(state.to_owned()),
        ..filter
    };
    let Json(page) = list::list(State(app), caller, Parameters(filter)).await?;
    frame::page(&ListPage {
        frame: Frame::of(&visitor),
        state,
        refused: &page.refused,
        next: page.next.map(|next| format!("state={state}&after={next}")),
    })
}

#[derive(Template)]
#[template(path = "refused.html")]
struct OnePage<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    said: &'a Said,
}

/// One refused change as a page.
#[utoipa::path(get, path = "/quarantine/{id}", tag = "pages", params(("id" = String, Path, description = "`id` of the list")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let Json(said) = say::get(State(app), visitor.caller.clone(), Path(id)).await?;
    frame::page(&OnePage {
        frame: Frame::of(&visitor),
        csrf: &visitor.csrf,
        said: &said,
    })
}

/// The form that takes over or dismisses.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuarantineForm)]
pub(crate) struct Settlement {
    /// `take-over` or `dismiss`.
    act: String,
    reason: String,
    /// Where a new record goes; may be empty.
    #[serde(default)]
    area: String,
    csrf: String,
}

/// Take over or dismiss by form.
#[utoipa::path(post, path = "/quarantine/{id}/settle", tag = "pages", params(("id" = String, Path, description = "`id` of the list")),
    request_body(content = Settlement, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Settled"), (status = 409, description = "stale"), (status = 422, description = "invalid")))]
pub(crate) async fn settle(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(form): Form<Settlement>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let reason = form.reason;
    if form.act == "dismiss" {
        let body = Json(settle::Dismissal { reason });
        settle::dismiss(State(app), caller, Path(id), body).await?;
    } else {
        let area = match form.area.trim() {
            "" => None,
            area => Some(
                area.parse::<Uuid>()
                    .map_err(|_| Problem::invalid("area: an id"))?,
            ),
        };
        let body = Json(settle::TakeOver { reason, area });
        settle::take_over(State(app), caller, Path(id), body).await?;
    }
    Ok(Redirect::to("/quarantine").into_response())
}

/// What a kind is called.
fn kind(kind: &str) -> Shown {
    words::names(kind).map_or(Shown::Nothing, |(vi, en)| Shown::Word(vi, en))
}
