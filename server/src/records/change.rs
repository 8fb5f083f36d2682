//! What a supervisor writes into records: new ones, corrections, settlements.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sokiem_record::{
    ChangeHash,
    edit::Edit,
    id::{AreaId, DocumentId, Kind},
    schema,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    areas::area,
    audit::{self, Action, Entry},
    http::{body::Json, problem::Problem},
    records::{heads, record},
    store::Writing,
    sync::{
        author,
        stored::{self, Row},
    },
};

/// What came of a change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changed {
    /// The change; null when the record read like that already.
    hash: Option<String>,
    /// The record's heads now.
    heads: Vec<String>,
}

/// A new unit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUnit {
    /// The area that it lies in.
    area: Uuid,
    /// Its fields, as the schema names them.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
}

/// The record that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    /// Its id.
    pub(crate) id: Uuid,
}

/// Make a unit at the desk.
#[utoipa::path(post, path = "/api/v1/units", tag = "records", request_body = NewUnit,
    responses((status = 201, body = Made), (status = 403, description = "forbidden"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn create_unit(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<NewUnit>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let fields = named(Kind::Unit, body.fields)?;
    let (id, area, pen) = (
        DocumentId(app.machine.new_id()?),
        AreaId(body.area),
        caller.pen(&app),
    );
    app.store
        .write(move |writing| {
            expect_area(writing, &caller, area)?;
            author::begin(writing, pen, area, id, Kind::Unit, &fields, &[])?;
            let entry = Entry::new(Action::RecordMade).by(caller.account);
            audit::note(writing, entry.on("unit", id).area(area))?;
            Ok::<_, Problem>(())
        })
        .await?;
    Ok((StatusCode::CREATED, Json(Made { id: id.0 })))
}

/// Refuses an area that does not exist or is not the caller's to write.
pub(crate) fn expect_area(
    writing: &Writing<'_>,
    caller: &Caller,
    area: AreaId,
) -> Result<(), Problem> {
    area::expect_standing(writing.sql, area)?;
    caller.areas(writing.sql)?.expect_writable(area)
}

/// Fields by the schema's own names.
fn named(kind: Kind, fields: Map<String, Value>) -> Result<Vec<(&'static str, Value)>, Problem> {
    let known = schema::fields(kind);
    fields
        .into_iter()
        .map(|(name, value)| {
            let field = known.iter().find(|(field, _)| *field == name);
            let (field, _) =
                field.ok_or_else(|| Problem::invalid(format!("fields: there is no {name}")))?;
            Ok((*field, value))
        })
        .collect()
}

/// A correction.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Correction {
    /// The heads that you saw. What arrived since stays beside your values, for somebody to settle.
    pub(crate) heads: Vec<String>,
    /// Why.
    pub(crate) reason: String,
    /// The steps: `{"edit": "set", "path": …, "value": …}` and so on.
    #[schema(schema_with = edits)]
    pub(crate) edits: Vec<Edit>,
}

/// The shapes of [`Edit`], which is not of this crate.
fn edits() -> utoipa::openapi::Schema {
    use utoipa::openapi::schema::{
        AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type,
    };
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let anything =
        || ObjectBuilder::new().schema_type(utoipa::openapi::schema::SchemaType::AnyValue);
    let fields =
        || ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(true)));
    let step = |word: &'static str, name: Option<(&'static str, ObjectBuilder)>| {
        let step = ObjectBuilder::new()
            .property("edit", text().enum_values(Some([word])))
            .required("edit")
            .property(
                "path",
                text()
                    .pattern(Some("^[^/]+(/[^/]+)*$"))
                    .max_length(Some(300)),
            )
            .required("path")
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        match name {
            Some((name, schema)) => step.property(name, schema).required(name),
            None => step,
        }
    };
    let steps = OneOfBuilder::new()
        .item(step("set", Some(("value", anything()))))
        .item(step("text", Some(("text", text()))))
        .item(step("settle", Some(("value", anything()))))
        .item(step("add", Some(("fields", fields()))))
        .item(step("remove", None));
    Schema::Array(ArrayBuilder::new().items(steps).build())
}

/// Correct a record: all of the steps or none.
#[utoipa::path(post, path = "/api/v1/records/{id}/edits", tag = "records", request_body = Correction,
    params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, body = Changed), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 409, description = "stale: the record does not know these heads"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn edit(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<Correction>,
) -> Result<Json<Changed>, Problem> {
    let base = heads::parse(&body.heads)?;
    let pen = caller.pen(&app);
    let reason = reason(body.reason)?;
    app.store
        .write(move |writing| {
            let (row, _) = record::open(writing.sql, &caller, DocumentId(id))?;
            caller.areas(writing.sql)?.expect_writable(row.area)?;
            expect_correctable(row.kind, &body.edits)?;
            let hash = author::edit(writing, pen, &row, Some(&base), &body.edits, Some(reason))?;
            let entry = Entry::new(Action::RecordEdited).by(caller.account);
            audit::note(writing, named_change(entry, &row, hash))?;
            changed(writing, row.id, hash)
        })
        .await
        .map(Json)
}

/// Refuses corrections of what is not corrected. What a campaign leads to follows from its criteria: those stay.
fn expect_correctable(kind: Kind, edits: &[Edit]) -> Result<(), Problem> {
    const OF_CAMPAIGNS: [&str; 3] = ["name", "issuing_body", "legal_basis"];
    let fine = match kind {
        Kind::Unit | Kind::Inspection | Kind::Assignment => true,
        Kind::Campaign => edits.iter().all(|edit| {
            matches!(edit, Edit::Set { path, .. } | Edit::Settle { path, .. } if OF_CAMPAIGNS.contains(&path.as_str()))
        }),
        _ => false,
    };
    if fine {
        return Ok(());
    }
    Err(Problem::forbidden()
        .detail("Only units, inspections and assignments are corrected, and what a campaign is called and based on"))
}

/// Why something is done, which has to be said.
pub(crate) fn reason(text: String) -> Result<String, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::invalid("reason: say why").vietnamese("Hãy ghi lý do."));
    }
    Ok(text)
}

/// The record and the change that an entry is about.
fn named_change(entry: Entry, row: &Row, hash: Option<ChangeHash>) -> Entry {
    let entry = entry.on(row.kind.name(), row.id).area(row.area);
    entry.detail("change", hash.map(|hash| hash.to_string()))
}

fn changed(
    writing: &Writing<'_>,
    id: DocumentId,
    hash: Option<ChangeHash>,
) -> Result<Changed, Problem> {
    let row = stored::find(writing.sql, id)?.ok_or_else(Problem::not_found)?;
    Ok(Changed {
        hash: hash.map(|hash| hash.to_string()),
        heads: heads::texts(&row.heads),
    })
}

/// A settlement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settlement {
    /// The field in which people differ.
    pub(crate) path: String,
    /// The value that holds from now on. It may be another one than theirs.
    pub(crate) value: Value,
    /// Why.
    pub(crate) reason: String,
    /// The heads that you saw; they have to be the present ones.
    pub(crate) heads: Vec<String>,
}

/// Settle a difference.
#[utoipa::path(post, path = "/api/v1/records/{id}/settle", tag = "records", request_body = Settlement,
    params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, body = Changed), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 409, description = "stale, with the member `heads`"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn settle(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<Settlement>,
) -> Result<Json<Changed>, Problem> {
    let path: schema::Path = body
        .path
        .parse()
        .map_err(|_| Problem::invalid("path: not a field path"))?;
    let pen = caller.pen(&app);
    let reason = reason(body.reason)?;
    let settled = path.to_string();
    let edit = Edit::Settle {
        path,
        value: body.value,
    };
    app.store
        .write(move |writing| {
            let (row, _) = record::open(writing.sql, &caller, DocumentId(id))?;
            caller.areas(writing.sql)?.expect_writable(row.area)?;
            heads::expect_current(&body.heads, &row.heads)?;
            let hash = author::edit(writing, pen, &row, None, &[edit], Some(reason))?;
            let entry = Entry::new(Action::Settled).by(caller.account);
            audit::note(
                writing,
                named_change(entry, &row, hash).detail("path", settled),
            )?;
            changed(writing, row.id, hash)
        })
        .await
        .map(Json)
}
