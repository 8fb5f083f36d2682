//! One record: what it says, where people differ, what happened.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sokiem_record::{labels, schema, words};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    frame::{self, Frame, Visitor},
    shown::{Shown, leaves},
};
use crate::{
    accounts::access::{Role, by_form},
    app::Shared,
    attachments::listing::{self, Arrival, Attachment},
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    records::{
        change,
        record::{self, Difference, Entry, Record},
        verify::{self, Verified},
    },
};

#[derive(Template)]
#[template(path = "record.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    title: &'a str,
    record: &'a Record,
    /// The state that is shown, for the form that settles.
    heads: String,
    conflicts: &'a [Difference],
    /// Whether the visitor may settle.
    settles: bool,
    leaves: Vec<(schema::Path, Shown)>,
    /// Photos and scans, here or not.
    pictures: Vec<Picture<'a>>,
    history: &'a [Entry],
    verified: &'a Verified,
}

/// A photo or scan that the record names.
struct Picture<'a> {
    original: &'a Attachment,
    /// Its thumbnail, where that has arrived.
    small: Option<&'a Attachment>,
    arrived: bool,
    missing: bool,
}

fn pictures(attached: &[Attachment]) -> Vec<Picture<'_>> {
    let originals = attached
        .iter()
        .filter(|one| !one.is_thumbnail() && !one.removed);
    originals
        .map(|original| {
            let below = format!("{}/", original.path);
            let small = attached.iter().find(|one| {
                one.is_thumbnail()
                    && one.state == Arrival::Arrived
                    && one.path.as_str().starts_with(&below)
            });
            Picture {
                original,
                small,
                arrived: original.state == Arrival::Arrived,
                missing: original.state == Arrival::Missing,
            }
        })
        .collect()
}

/// One record as a page.
#[utoipa::path(get, path = "/records/{id}", tag = "pages", params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let caller = &visitor.caller;
    let Json(record) = record::get(State(app.clone()), caller.clone(), Path(id)).await?;
    let Json(conflicts) = record::conflicts(State(app.clone()), caller.clone(), Path(id)).await?;
    let Json(history) = record::history(State(app.clone()), caller.clone(), Path(id)).await?;
    let Json(attached) = listing::list(State(app.clone()), caller.clone(), Path(id)).await?;
    let Json(verified) = verify::verify(State(app), caller.clone(), Path(id)).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        csrf: &visitor.csrf,
        title: title(&record),
        heads: record.heads.join(" "),
        conflicts: &conflicts,
        settles: visitor.caller.role >= Role::Supervisor,
        leaves: leaves(&record.fields),
        pictures: pictures(&attached),
        history: &history,
        verified: &verified,
        record: &record,
    })
}

/// What a record is called: its name, its number, or what it is.
fn title(record: &Record) -> &str {
    let field = |name: &str| record.fields.get(name).and_then(Value::as_str);
    [field("name"), field("number")]
        .into_iter()
        .flatten()
        .find(|title| !title.is_empty())
        .or_else(|| words::names(&record.kind).map(|(vi, _)| vi))
        .unwrap_or_default()
}

/// The form that settles a difference.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settlement {
    path: String,
    /// JSON.
    value: String,
    reason: String,
    /// The heads that were shown, joined by spaces.
    heads: String,
    csrf: String,
}

/// Settle a difference by form.
#[utoipa::path(post, path = "/records/{id}/settle", tag = "pages", params(("id" = Uuid, Path, description = "The record")),
    request_body(content = Settlement, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Settled: to the record"), (status = 409, description = "stale"), (status = 422, description = "invalid")))]
pub(crate) async fn settle(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Settlement>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let value: Value =
        serde_json::from_str(&form.value).map_err(|_| Problem::invalid("value: JSON"))?;
    let heads: Vec<&str> = form.heads.split_whitespace().collect();
    let body = json!({"path": form.path, "value": value, "reason": form.reason, "heads": heads});
    let body = serde_json::from_value(body).map_err(|_| Problem::new(Cause::Internal))?;
    change::settle(State(app), caller, Path(id), Json(body)).await?;
    Ok(Redirect::to(&format!("/records/{id}")).into_response())
}
