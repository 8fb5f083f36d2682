//! Comments (góp ý) on a criterion or on the whole inspection: part of the record, so that officers get
//! them on their devices and may answer there.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sokiem_record::{
    document::Document,
    genesis,
    id::{DocumentId, Kind},
    schema::{self, REMOVED},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::{self, Action, Entry, reads},
    error::Error,
    http::{body::Json, problem::Problem},
    records::{
        attribution::{Attribution, Written, attribute},
        change::Made,
        record,
    },
    sync::author,
};

/// A comment in the making.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewComment {
    /// The criterion's code; empty for the whole record.
    #[serde(default)]
    pub(crate) item: String,
    /// What is said.
    pub(crate) text: String,
}

/// A comment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Comment {
    /// Its key in the record.
    pub(crate) id: String,
    /// The criterion's code; empty for the whole record.
    pub(crate) item: String,
    /// What is said.
    pub(crate) text: String,
    /// Who said it.
    #[serde(flatten)]
    pub(crate) written: Written,
    /// Whether it was struck out.
    pub(crate) removed: bool,
}

/// Comment on an inspection.
#[utoipa::path(post, path = "/api/v1/records/{id}/comments", tag = "records", request_body = NewComment,
    params(("id" = Uuid, Path, description = "The inspection")),
    responses((status = 201, body = Made), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn add(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<NewComment>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    if body.text.trim().is_empty() {
        return Err(Problem::invalid("text: say something"));
    }
    let pen = caller.pen(&app);
    let comment = app.machine.new_id()?;
    let path = schema::Path::new(["comments", &comment.to_string()])
        .map_err(|error| Problem::invalid(error.to_string()))?;
    app.store
        .write(move |writing| {
            let (row, document) = record::open(writing.sql, &caller, DocumentId(id))?;
            if row.kind != Kind::Inspection {
                return Err(Problem::not_found());
            }
            caller.areas(writing.sql)?.expect_writable(row.area)?;
            let mut fields = vec![("text", Value::from(body.text.trim()))];
            if !body.item.is_empty() {
                expect_criterion(&document, &body.item)?;
                fields.push(("item", body.item.as_str().into()));
            }
            let edit = genesis::element(path, fields);
            author::edit(writing, pen, &row, None, &[edit], None)?;
            let entry = Entry::new(Action::Commented).by(caller.account);
            let entry = entry.on(row.kind.name(), row.id).area(row.area);
            audit::note(writing, entry.detail("comment", comment.to_string()))?;
            Ok(())
        })
        .await?;
    Ok((StatusCode::CREATED, Json(Made { id: comment })))
}

fn expect_criterion(inspection: &Document, item: &str) -> Result<(), Problem> {
    let fields = inspection.to_json();
    let items = fields.get("items").and_then(Value::as_object);
    if items.is_some_and(|items| items.contains_key(item)) {
        return Ok(());
    }
    Err(Problem::invalid(
        "item: there is no such criterion in this inspection",
    ))
}

/// List the comments on an inspection, oldest first.
#[utoipa::path(get, path = "/api/v1/records/{id}/comments", tag = "records", params(("id" = Uuid, Path, description = "The inspection")),
    responses((status = 200, body = Vec<Comment>), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Comment>>, Problem> {
    let account = caller.account;
    let (area, comments) = app
        .store
        .read(move |sql| {
            let (row, document) = record::open(sql, &caller, DocumentId(id))?;
            let said = attribute(sql, &document)?;
            Ok::<_, Error>((row.area, of(&document.to_json(), &said))).map_err(Problem::from)
        })
        .await?;
    reads::looked_at_record(&app, account, id, area, "comments");
    Ok(Json(comments))
}

/// The comments that a record holds, oldest first.
pub(crate) fn of(fields: &Value, said: &Attribution) -> Vec<Comment> {
    let comments = fields.get("comments").and_then(Value::as_object);
    let mut comments: Vec<Comment> = comments
        .into_iter()
        .flatten()
        .filter_map(|(id, comment)| {
            let text = |name: &str| comment.get(name).and_then(Value::as_str);
            Some(Comment {
                id: id.clone(),
                item: text("item").unwrap_or_default().to_owned(),
                text: text("text").unwrap_or_default().to_owned(),
                written: said.elements.get(&format!("comments/{id}"))?.clone(),
                removed: comment.get(REMOVED) == Some(&Value::Bool(true)),
            })
        })
        .collect();
    comments.sort_by(|one, other| {
        let at = |comment: &Comment| (comment.written.time_ms, comment.id.clone());
        at(one).cmp(&at(other))
    });
    comments
}
