//! One record: its content, differences of opinion, history.

use axum::extract::{Path, State};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sokiem_record::{
    document::Document,
    genesis,
    history::FieldChange,
    id::{AreaId, DocumentId, Kind},
    schema,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::reads,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    records::{
        heads,
        names::{Names, Writer},
    },
    sync::stored::{self, Row},
};

/// A record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Record {
    /// Its id.
    pub(crate) id: Uuid,
    /// What it is about.
    pub(crate) kind: String,
    /// The area that it lies in.
    pub(crate) area: Uuid,
    /// Its state, to act on.
    pub(crate) heads: Vec<String>,
    /// Its fields.
    #[schema(value_type = Object)]
    pub(crate) fields: Value,
    /// In how many fields people differ.
    pub(crate) conflicts: usize,
    /// How many changes it has.
    pub(crate) changes: u32,
    /// What was decided about it, for an inspection.
    pub(crate) review: Option<Review>,
    /// Fields of a newer schema, and values that can't be read: kept and listed.
    #[schema(value_type = Object)]
    pub(crate) oddities: Value,
}

/// The latest decision about an inspection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Review {
    /// The document that holds all decisions.
    pub(crate) document: Uuid,
    /// `returned`, `approved` or `reopened`.
    pub(crate) decision: String,
    /// When, milliseconds since 1970-01-01 UTC.
    pub(crate) decided_ms: Option<i64>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// The heads that it was taken on.
    pub(crate) heads: Vec<String>,
    /// Whether something has arrived since.
    pub(crate) changed_since: bool,
    /// What has changed since.
    #[schema(value_type = Vec<Object>)]
    pub(crate) difference: Vec<FieldChange>,
}

/// Looks up a record that the caller may see.
pub(crate) fn find(sql: &Connection, caller: &Caller, id: DocumentId) -> Result<Row, Problem> {
    let areas = caller.areas(sql)?;
    stored::find(sql, id)?
        .filter(|row| areas.readable(row.area))
        .ok_or_else(Problem::not_found)
}

/// Opens a record that the caller may see.
pub(crate) fn open(
    sql: &Connection,
    caller: &Caller,
    id: DocumentId,
) -> Result<(Row, Document), Problem> {
    let row = find(sql, caller, id)?;
    let document = stored::open(sql, &row)?;
    Ok((row, document))
}

/// Read a record.
#[utoipa::path(get, path = "/api/v1/records/{id}", tag = "records", params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, body = Record), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn get(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Record>, Problem> {
    let account = caller.account;
    let record = app
        .store
        .read(move |sql| {
            let (row, document) = open(sql, &caller, DocumentId(id))?;
            let oddities = document.oddities();
            Ok::<_, Problem>(Record {
                id,
                kind: row.kind.name().to_owned(),
                area: row.area.0,
                heads: heads::texts(&document.heads()),
                fields: document.to_json(),
                conflicts: document.conflicts().len(),
                changes: row.changes,
                review: review(sql, &document)?,
                oddities: serde_json::json!({
                    "unknown": oddities.unknown, "unreadable": oddities.unreadable
                }),
            })
        })
        .await?;
    reads::looked_at_record(&app, account, id, AreaId(record.area), "content");
    Ok(Json(record))
}

fn review(sql: &Connection, inspection: &Document) -> Result<Option<Review>, Problem> {
    if inspection.kind() != Kind::Inspection {
        return Ok(None);
    }
    let id = genesis::review_id(inspection.id());
    let Some(row) = stored::find(sql, id)? else {
        return Ok(None);
    };
    let json = stored::open(sql, &row)?.to_json();
    let decisions = json.get("decisions").and_then(Value::as_object);
    let decided_ms = |decision: &Value| decision.get("decided_ms").and_then(Value::as_i64);
    let latest = decisions
        .into_iter()
        .flatten()
        .max_by_key(|(key, decision)| (decided_ms(decision), key.as_str()));
    let Some((_, latest)) = latest else {
        return Ok(None);
    };
    let text = |field: &str| {
        latest
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let decided_on: Vec<String> = text("heads")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let now = heads::texts(&inspection.heads());
    let parsed = heads::parse(&decided_on)?;
    Ok(Some(Review {
        document: id.0,
        decision: text("decision").to_owned(),
        decided_ms: decided_ms(latest),
        reason: Some(text("reason").to_owned()).filter(|reason| !reason.is_empty()),
        changed_since: decided_on != now,
        difference: inspection
            .difference(&parsed, &inspection.heads())
            .unwrap_or_default(),
        heads: decided_on,
    }))
}

/// A field in which people differ.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Difference {
    /// Which field.
    #[schema(value_type = String)]
    pub(crate) path: schema::Path,
    /// Every live value, the one that is shown meanwhile first.
    pub(crate) alternatives: Vec<Alternative>,
}

/// One of several live values.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alternative {
    /// The value.
    pub(crate) value: Value,
    /// The change that wrote it.
    pub(crate) hash: String,
    /// Who wrote it.
    pub(crate) by: Writer,
    /// When by their clock.
    pub(crate) time_ms: i64,
    /// When the server received it.
    pub(crate) received_ms: Option<i64>,
}

/// List the fields in which people differ.
#[utoipa::path(get, path = "/api/v1/records/{id}/conflicts", tag = "records", params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, body = Vec<Difference>), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn conflicts(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Difference>>, Problem> {
    let account = caller.account;
    let (area, differences) = app
        .store
        .read(move |sql| {
            let (row, document) = open(sql, &caller, DocumentId(id))?;
            let names = Names::of(sql, row.id)?;
            let received = stored::received_ms(sql, row.id)?;
            let differences = document.conflicts().into_iter().map(|conflict| Difference {
                path: conflict.path,
                alternatives: conflict
                    .alternatives
                    .into_iter()
                    .map(|alternative| Alternative {
                        value: alternative.value,
                        hash: alternative.provenance.hash.to_string(),
                        by: names.writer(alternative.provenance.actor),
                        time_ms: alternative.provenance.time_ms,
                        received_ms: received.get(&alternative.provenance.hash).copied(),
                    })
                    .collect(),
            });
            Ok::<_, Problem>((row.area, differences.collect()))
        })
        .await?;
    reads::looked_at_record(&app, account, id, area, "conflicts");
    Ok(Json(differences))
}

/// One change of a record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Entry {
    /// The change.
    pub(crate) hash: String,
    /// Who wrote it.
    pub(crate) by: Writer,
    /// When by their clock.
    pub(crate) time_ms: i64,
    /// When the server received it.
    pub(crate) received_ms: Option<i64>,
    /// Why, where somebody said so.
    pub(crate) reason: Option<String>,
    /// What it set.
    #[schema(value_type = Vec<Object>)]
    pub(crate) fields: Vec<FieldChange>,
}

/// Who set which field to what, when, in order.
#[utoipa::path(get, path = "/api/v1/records/{id}/history", tag = "records", params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, body = Vec<Entry>), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn history(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Entry>>, Problem> {
    let account = caller.account;
    let (area, entries) = app
        .store
        .read(move |sql| {
            let (row, document) = open(sql, &caller, DocumentId(id))?;
            let names = Names::of(sql, row.id)?;
            let received = stored::received_ms(sql, row.id)?;
            let entries = document.history().into_iter().map(|entry| Entry {
                hash: entry.provenance.hash.to_string(),
                by: names.writer(entry.provenance.actor),
                time_ms: entry.provenance.time_ms,
                received_ms: received.get(&entry.provenance.hash).copied(),
                reason: entry.provenance.reason,
                fields: entry.fields,
            });
            Ok::<_, Problem>((row.area, entries.collect()))
        })
        .await?;
    reads::looked_at_record(&app, account, id, area, "history");
    Ok(Json(entries))
}

/// Two states of a record.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Between {
    /// Heads of the earlier state, joined by commas; empty for the state before the first change.
    #[serde(default)]
    from: String,
    /// Heads of the later state, joined by commas; empty for the present.
    #[serde(default)]
    to: String,
}

/// The fields that read differently at two states.
#[utoipa::path(get, path = "/api/v1/records/{id}/difference", tag = "records",
    params(("id" = Uuid, Path, description = "The record"), Between),
    responses((status = 200, body = Vec<Object>), (status = 404, description = "not-found"), (status = 422, description = "invalid: not states of this record")),
    security(("session" = [])))]
pub(crate) async fn difference(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Parameters(between): Parameters<Between>,
) -> Result<Json<Vec<FieldChange>>, Problem> {
    let split = |text: &str| -> Vec<String> {
        text.split(',')
            .filter(|head| !head.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (from, to) = (
        heads::parse(&split(&between.from))?,
        heads::parse(&split(&between.to))?,
    );
    let account = caller.account;
    let (area, changes) = app
        .store
        .read(move |sql| {
            let (row, document) = open(sql, &caller, DocumentId(id))?;
            let to = if to.is_empty() { document.heads() } else { to };
            let changes = document.difference(&from, &to);
            let changes =
                changes.ok_or_else(|| Problem::invalid("from, to: not states of this record"))?;
            Ok::<_, Problem>((row.area, changes))
        })
        .await?;
    reads::looked_at_record(&app, account, id, area, "difference");
    Ok(Json(changes))
}
