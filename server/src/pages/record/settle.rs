//! One field on a page of its own: to correct it, to settle it, and to try again where that was not possible.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::Value;
use sokiem_record::{
    edit::Edit,
    schema::{self, FieldType, Place},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    field::{Field, Fields, anchor, full_label},
    input::{Complaint, Input, Sort, parse},
    timeline::{Step, missed},
};
use crate::{
    accounts::access::by_form,
    app::{App, Shared},
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    pages::{
        again::{Failed, NO_REASON},
        frame::{self, Frame, Visitor},
        shown::Shown,
    },
    records::{at::At, change, reading::Reading},
};

#[derive(Template)]
#[template(path = "record_field.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    title: String,
    reading: &'a Reading,
    heads: String,
    label: (String, String),
    field: Field<'a>,
    /// For a correction; absent where people differ.
    input: Option<Input>,
    reason: &'a str,
    complaint: Option<String>,
    /// What arrived while the visitor was looking.
    missed: Vec<Step<'a>>,
}

impl Page<'_> {
    fn writes(&self) -> bool {
        self.reading.writable
    }
}

/// Which field.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Its path, as the schema names it.
    path: String,
}

/// One field as a page, to correct it or to settle it.
#[utoipa::path(get, path = "/records/{id}/field", tag = "pages", params(("id" = Uuid, Path, description = "The record"), Which),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found: there is no such record or field")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Parameters(which): Parameters<Which>,
) -> Result<Response, Problem> {
    let tried = Tried::default();
    page(&app, &visitor, id, &which.path, tried).await
}

/// What somebody tried, and why it was not done.
#[derive(Default)]
struct Tried {
    value: Option<String>,
    other: String,
    reason: String,
    seen: Option<String>,
    complaint: Option<String>,
    status: StatusCode,
}

async fn page(
    app: &Arc<App>,
    visitor: &Visitor,
    id: Uuid,
    path: &str,
    tried: Tried,
) -> Result<Response, Problem> {
    let reading = Reading::of(app, &visitor.caller, id, At::default()).await?;
    let field_type = field_type(&reading, path)?;
    let fields = Fields::of(&reading, None);
    let mut field = fields.field(path);
    let mut input = None;
    match &mut field.clash {
        Some(clash) => {
            clash.chosen = tried.value.unwrap_or_default();
            clash.reason.clone_from(&tried.reason);
            clash.other.value = tried.other;
        }
        None => {
            let now = Input::of(field_type, "value", reading.value(path));
            // Where it was a settlement that came too late, what was chosen is proposed as a correction.
            let typed = match tried.value {
                Some(value) if value == OTHER => Some(tried.other),
                Some(value) => Some(match serde_json::from_str::<Value>(&value) {
                    Ok(Value::String(text)) => text,
                    Ok(Value::Null) => String::new(),
                    _ => value,
                }),
                None => None,
            };
            input = Some(match typed {
                Some(typed) => now.with(&typed),
                None => now,
            });
        }
    }
    let response = frame::page(&Page {
        frame: Frame::of(visitor),
        csrf: &visitor.csrf,
        title: reading.title(),
        heads: reading.now.join(" "),
        label: full_label(path),
        field,
        input,
        reason: &tried.reason,
        complaint: tried.complaint,
        missed: tried
            .seen
            .map_or_else(Vec::new, |seen| missed(&reading, &seen)),
        reading: &reading,
    })?;
    Ok((tried.status, response).into_response())
}

/// Stands for a value that is none of theirs.
const OTHER: &str = "other";

fn field_type(reading: &Reading, path: &str) -> Result<FieldType, Problem> {
    let place = path
        .parse()
        .ok()
        .and_then(|path| schema::place(reading.kind, &path));
    match place {
        Some(Place::Field(field)) => Ok(field),
        _ => Err(Problem::not_found()),
    }
}

/// The form that settles a difference.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettlementForm)]
pub(crate) struct Settlement {
    path: String,
    /// The value that holds from now on as JSON, or `other`.
    #[serde(default)]
    value: String,
    /// Another value, as people type it.
    #[serde(default)]
    other: String,
    reason: String,
    /// The heads that were shown, joined by spaces.
    heads: String,
    csrf: String,
}

/// Settle a difference by form.
#[utoipa::path(post, path = "/records/{id}/settle", tag = "pages", params(("id" = Uuid, Path, description = "The record")),
    request_body(content = Settlement, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Settled: to the field on the record's page"), (status = 404, description = "not-found: there is no such record or field"),
        (status = 409, content_type = "text/html", description = "The record has changed: what has, and the form again", body = String),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn settle(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Settlement>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let visitor = Visitor {
        caller,
        csrf: form.csrf,
    };
    let reading = Reading::of(&app, &visitor.caller, id, At::default()).await?;
    let field = field_type(&reading, &form.path)?;
    let chosen = if form.value == OTHER {
        parse(field, &form.other).and_then(|value| match value {
            Value::Null => Err(("Hãy nhập giá trị khác.", "Give the other value.")),
            value => Ok(value),
        })
    } else {
        serde_json::from_str(&form.value).map_err(|_| ("Hãy chọn một giá trị.", "Choose a value."))
    };
    let settled = match checked(chosen, &form.reason) {
        Ok(value) => {
            let body = change::Settlement {
                path: form.path.clone(),
                value,
                reason: form.reason.clone(),
                heads: words(&form.heads),
            };
            let caller = visitor.caller.clone();
            let state = State(Arc::clone(&app));
            change::settle(state, caller, Path(id), Json(body))
                .await
                .map(drop)
                .map_err(Failed::from)
        }
        Err(complaint) => Err(Failed::wrong(complaint)),
    };
    let Err(failed) = settled else {
        return Ok(back(id, &form.path));
    };
    let tried = Tried {
        value: Some(form.value),
        other: form.other,
        reason: form.reason,
        seen: Some(form.heads),
        ..failed.tried()?
    };
    page(&app, &visitor, id, &form.path, tried).await
}

/// The form that corrects a field.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CorrectionForm)]
pub(crate) struct Correction {
    path: String,
    /// The value as people type it; empty clears the field.
    #[serde(default)]
    value: String,
    reason: String,
    /// The heads that were shown, joined by spaces.
    heads: String,
    csrf: String,
}

/// Correct a field by form. A value that arrived meanwhile stands beside it, for somebody to settle.
#[utoipa::path(post, path = "/records/{id}/field", tag = "pages", params(("id" = Uuid, Path, description = "The record")),
    request_body(content = Correction, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Corrected: to the field on the record's page"), (status = 404, description = "not-found: there is no such record or field"),
        (status = 409, content_type = "text/html", description = "The record does not know the state: the form again", body = String),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn correct(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Correction>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let visitor = Visitor {
        caller,
        csrf: form.csrf,
    };
    let reading = Reading::of(&app, &visitor.caller, id, At::default()).await?;
    let field = field_type(&reading, &form.path)?;
    let corrected = match checked(parse(field, &form.value), &form.reason) {
        Ok(value) => {
            let edit = edit(&form.path, field, value)?;
            correction(&app, &visitor, id, vec![edit], &form.reason, &form.heads).await
        }
        Err(complaint) => Err(Failed::wrong(complaint)),
    };
    let Err(failed) = corrected else {
        return Ok(back(id, &form.path));
    };
    let tried = Tried {
        value: Some(OTHER.to_owned()),
        other: form.value,
        reason: form.reason,
        seen: Some(form.heads),
        ..failed.tried()?
    };
    page(&app, &visitor, id, &form.path, tried).await
}

/// The step that makes a field read like this.
pub(super) fn edit(path: &str, field: FieldType, value: Value) -> Result<Edit, Problem> {
    let path = path.parse().map_err(|_| Problem::not_found())?;
    Ok(match (field, value) {
        (FieldType::Text, value) => Edit::Text {
            path,
            text: value.as_str().unwrap_or_default().to_owned(),
        },
        (_, value) => Edit::Set { path, value },
    })
}

/// Writes a correction on the state that was shown.
pub(super) async fn correction(
    app: &Arc<App>,
    visitor: &Visitor,
    id: Uuid,
    edits: Vec<Edit>,
    reason: &str,
    seen: &str,
) -> Result<(), Failed> {
    let body = change::Correction {
        heads: words(seen),
        reason: reason.to_owned(),
        edits,
    };
    let state = State(Arc::clone(app));
    change::edit(state, visitor.caller.clone(), Path(id), Json(body))
        .await
        .map(drop)
        .map_err(Failed::from)
}

impl Failed {
    fn tried(self) -> Result<Tried, Problem> {
        let (status, complaint) = self.explained()?;
        Ok(Tried {
            status,
            complaint: Some(complaint),
            ..Tried::default()
        })
    }
}

/// A value with a reason.
fn checked(value: Result<Value, Complaint>, reason: &str) -> Result<Value, Complaint> {
    let value = value?;
    match reason.trim() {
        "" => Err(NO_REASON),
        _ => Ok(value),
    }
}

/// Heads as a form carries them.
pub(in crate::pages) fn words(heads: &str) -> Vec<String> {
    heads.split_whitespace().map(str::to_owned).collect()
}

/// To a field on the record's page.
fn back(id: Uuid, path: &str) -> Response {
    Redirect::to(&format!("/records/{id}#{}", anchor(path))).into_response()
}
