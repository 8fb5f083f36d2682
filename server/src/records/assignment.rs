//! Assigning inspections: which unit, in which campaign, by whom, until when.

use axum::{extract::State, http::StatusCode};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use sokiem_record::{
    edit::Edit,
    genesis,
    id::{AreaId, DocumentId, Kind},
    schema,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    records::change::Made,
    store::Writing,
    sync::{
        author::{self, Pen},
        stored,
    },
};

/// An assignment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAssignment {
    /// The unit.
    pub(crate) unit: Uuid,
    /// The campaign.
    pub(crate) campaign: Uuid,
    /// Until when, `YYYY-MM-DD`.
    #[serde(default)]
    pub(crate) due: Option<String>,
    /// What to look at.
    #[serde(default)]
    pub(crate) note: Option<String>,
    /// By whom: accounts.
    #[serde(default)]
    pub(crate) officers: Vec<Uuid>,
}

/// Assign an inspection.
#[utoipa::path(post, path = "/api/v1/assignments", tag = "records", request_body = NewAssignment,
    responses((status = 201, body = Made), (status = 403, description = "forbidden"), (status = 409, description = "exists"),
        (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn create(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<NewAssignment>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let pen = caller.pen(&app);
    let id = app
        .store
        .write(move |writing| assign(writing, pen, &caller, body))
        .await?;
    Ok((StatusCode::CREATED, Json(Made { id: id.0 })))
}

/// Assigns one inspection.
pub(crate) fn assign(
    writing: &Writing<'_>,
    pen: Pen,
    caller: &Caller,
    body: NewAssignment,
) -> Result<DocumentId, Problem> {
    let area = area_of(writing, DocumentId(body.unit), Kind::Unit, "unit")?;
    area_of(
        writing,
        DocumentId(body.campaign),
        Kind::Campaign,
        "campaign",
    )?;
    caller.areas(writing.sql)?.expect_writable(area)?;
    let id = genesis::assignment_id(DocumentId(body.unit), DocumentId(body.campaign));
    let fields = [
        ("unit", json!(body.unit)),
        ("campaign", json!(body.campaign)),
    ];
    // The first change follows from the pair and is nobody's: this one says who assigned.
    let mut told: Vec<Edit> = vec![set("cancelled", Value::Bool(false))?];
    for (field, value) in [("due", body.due), ("note", body.note)] {
        if let Some(value) = value {
            told.push(set(field, Value::from(value))?);
        }
    }
    for officer in body.officers {
        let path = schema::Path::new(["officers", &writing.machine.new_id()?.to_string()])
            .map_err(|error| Problem::invalid(error.to_string()))?;
        told.push(genesis::element(path, [("account", json!(officer))]));
    }
    if !author::begin(writing, pen, area, id, Kind::Assignment, &fields, &told)? {
        return Err(Problem::new(Cause::Exists).detail("This unit is assigned in this campaign"));
    }
    let entry = Entry::new(Action::Assigned).by(caller.account);
    let entry = entry.on("unit", body.unit).area(area);
    audit::note(writing, entry.detail("assignment", id.to_string()))?;
    Ok(id)
}

fn set(field: &str, value: Value) -> Result<Edit, Problem> {
    let path = field.parse().map_err(|_| Problem::new(Cause::Internal))?;
    Ok(Edit::Set { path, value })
}

/// The kinds of unit that a campaign is about.
pub(crate) fn kinds(sql: &Connection, campaign: DocumentId) -> Result<Vec<&'static str>, Error> {
    let Some(row) = stored::find(sql, campaign)? else {
        return Ok(Vec::new());
    };
    let contents = stored::open(sql, &row)?.contents();
    let has_set = |kind: &&'static str| {
        let sets = contents.fields.get("sets").and_then(Value::as_object);
        sets.is_some_and(|sets| sets.contains_key(&format!("{kind}.criteria")))
    };
    Ok(schema::UNIT_KINDS.iter().copied().filter(has_set).collect())
}

fn area_of(
    writing: &Writing<'_>,
    id: DocumentId,
    kind: Kind,
    what: &str,
) -> Result<AreaId, Problem> {
    let row = stored::find(writing.sql, id)?.filter(|row| row.kind == kind);
    row.map(|row| row.area)
        .ok_or_else(|| Problem::invalid(format!("{what}: there is no such {what}")))
}
