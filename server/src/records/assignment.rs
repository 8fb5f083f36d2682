//! Assigning inspections: which unit, in which campaign, by whom, until when.

use axum::{extract::State, http::StatusCode};
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
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    records::change::Made,
    store::Writing,
    sync::{author, stored},
};

/// An assignment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAssignment {
    /// The unit.
    unit: Uuid,
    /// The campaign.
    campaign: Uuid,
    /// Until when, `YYYY-MM-DD`.
    #[serde(default)]
    due: Option<String>,
    /// What to look at.
    #[serde(default)]
    note: Option<String>,
    /// By whom: accounts.
    #[serde(default)]
    officers: Vec<Uuid>,
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
        .write(move |writing| {
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
                return Err(
                    Problem::new(Cause::Exists).detail("This unit is assigned in this campaign")
                );
            }
            let entry = Entry::new(Action::Assigned).by(caller.account);
            let entry = entry.on("unit", body.unit).area(area);
            audit::note(writing, entry.detail("assignment", id.to_string()))?;
            Ok(id)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(Made { id: id.0 })))
}

fn set(field: &str, value: Value) -> Result<Edit, Problem> {
    let path = field.parse().map_err(|_| Problem::new(Cause::Internal))?;
    Ok(Edit::Set { path, value })
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
