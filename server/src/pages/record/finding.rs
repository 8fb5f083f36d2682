//! The life of findings (tồn tại) by form: a new one, fixed, verified, open again.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sokiem_record::{
    edit::Edit,
    genesis,
    schema::{self, FieldType},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    field::anchor,
    input::{Complaint, parse},
    settle::correction,
};
use crate::{
    accounts::access::by_form,
    app::Shared,
    http::problem::Problem,
    pages::{
        again::{Failed, NO_REASON},
        frame::{self, Frame, Visitor},
        shown::Shown,
    },
};

/// The form that moves a finding on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moving {
    /// `fixed`, `verified` or `open`.
    state: String,
    /// The day on which that was.
    #[serde(default)]
    day: String,
    reason: String,
    /// The heads that were shown, joined by spaces.
    heads: String,
    csrf: String,
}

/// Say by form that a finding is fixed, verified, or open again.
#[utoipa::path(post, path = "/records/{id}/findings/{finding}", tag = "pages",
    params(("id" = Uuid, Path, description = "The inspection"), ("finding" = Uuid, Path, description = "The finding")),
    request_body(content = Moving, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Written: to the finding on the record's page"), (status = 404, description = "not-found"),
        (status = 409, content_type = "text/html", description = "The record does not know the state: the form again", body = String),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn move_on(
    State(app): Shared,
    headers: HeaderMap,
    Path((id, finding)): Path<(Uuid, Uuid)>,
    Form(form): Form<Moving>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let visitor = Visitor {
        caller,
        csrf: form.csrf.clone(),
    };
    let at = format!("findings/{finding}");
    let written = match moved(&at, &form) {
        Ok(edits) => correction(&app, &visitor, id, edits, &form.reason, &form.heads).await,
        Err(complaint) => Err(Failed::wrong(complaint)),
    };
    let typed = [
        ("state", &form.state),
        ("day", &form.day),
        ("reason", &form.reason),
        ("heads", &form.heads),
    ];
    answer(&visitor, id, &at, &format!("/{finding}"), &typed, written)
}

fn moved(at: &str, form: &Moving) -> Result<Vec<Edit>, Complaint> {
    if form.reason.trim().is_empty() {
        return Err(NO_REASON);
    }
    let day = parse(FieldType::Date, &form.day)?;
    let day_field = match form.state.as_str() {
        "fixed" => Some("fixed_on"),
        "verified" => Some("verified_on"),
        "open" => None,
        _ => return Err(("Hãy chọn tình trạng.", "Choose a state.")),
    };
    if day_field.is_some() && day.is_null() {
        return Err(("Hãy nhập ngày.", "Give the day."));
    }
    let set = |field: &str, value: Value| {
        let path = format!("{at}/{field}").parse();
        path.map(|path| Edit::Set { path, value })
    };
    let mut edits = vec![set("state", json!(form.state))];
    edits.extend(day_field.map(|field| set(field, day)));
    edits
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|_| ("Không có tồn tại này.", "There is no such finding."))
}

/// The form of a new finding.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFinding {
    /// What is to be put right.
    text: String,
    /// The criterion's code; may be empty.
    #[serde(default)]
    item: String,
    #[serde(default)]
    remedy: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    deadline: String,
    reason: String,
    /// The heads that were shown, joined by spaces.
    heads: String,
    csrf: String,
}

/// Add a finding by form.
#[utoipa::path(post, path = "/records/{id}/findings", tag = "pages", params(("id" = Uuid, Path, description = "The inspection")),
    request_body(content = NewFinding, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Written: to the finding on the record's page"), (status = 404, description = "not-found"),
        (status = 409, content_type = "text/html", description = "The record does not know the state: the form again", body = String),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn add(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<NewFinding>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let visitor = Visitor {
        caller,
        csrf: form.csrf.clone(),
    };
    let at = format!("findings/{}", app.machine.new_id()?);
    let written = match added(&at, &form) {
        Ok(edit) => correction(&app, &visitor, id, vec![edit], &form.reason, &form.heads).await,
        Err(complaint) => Err(Failed::wrong(complaint)),
    };
    let typed = [
        ("text", &form.text),
        ("item", &form.item),
        ("remedy", &form.remedy),
        ("owner", &form.owner),
        ("deadline", &form.deadline),
        ("reason", &form.reason),
        ("heads", &form.heads),
    ];
    answer(&visitor, id, &at, "", &typed, written)
}

fn added(at: &str, form: &NewFinding) -> Result<Edit, Complaint> {
    if form.reason.trim().is_empty() {
        return Err(NO_REASON);
    }
    if form.text.trim().is_empty() {
        return Err(("Hãy nêu tồn tại là gì.", "Say what is to be put right."));
    }
    let path: schema::Path = at
        .parse()
        .map_err(|_| ("Không ghi được.", "It can't be written."))?;
    let mut fields = vec![
        ("text", json!(form.text.trim())),
        ("state", json!("open")),
        ("deadline", parse(FieldType::Date, &form.deadline)?),
    ];
    for (name, text) in [
        ("item", &form.item),
        ("remedy", &form.remedy),
        ("owner", &form.owner),
    ] {
        fields.push((name, parse(FieldType::Line, text)?));
    }
    fields.retain(|(_, value)| !value.is_null());
    Ok(genesis::element(path, fields))
}

#[derive(Template)]
#[template(path = "record_finding.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    id: Uuid,
    /// What the form's address ends with.
    to: &'a str,
    anchor: String,
    typed: BTreeMap<&'a str, &'a String>,
    complaint: String,
}

impl Page<'_> {
    fn of(&self, name: &str) -> &str {
        self.typed.get(name).map_or("", |text| text.as_str())
    }
}

/// To the finding, or the form again with what was typed.
fn answer(
    visitor: &Visitor,
    id: Uuid,
    at: &str,
    to: &str,
    typed: &[(&str, &String)],
    written: Result<(), Failed>,
) -> Result<Response, Problem> {
    let Err(failed) = written else {
        let anchor = anchor(at);
        return Ok(Redirect::to(&format!("/records/{id}#{anchor}")).into_response());
    };
    let (status, complaint) = failed.explained()?;
    let page = frame::page(&Page {
        frame: Frame::of(visitor),
        csrf: &visitor.csrf,
        id,
        to,
        anchor: anchor(at),
        typed: typed.iter().copied().collect(),
        complaint,
    })?;
    Ok((status, page).into_response())
}
