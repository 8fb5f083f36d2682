//! One record: its content, differences of opinion, history.

use std::collections::HashMap;

use axum::extract::{Path, State};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sokiem_record::{
    ChangeHash,
    document::Document,
    genesis,
    history::{FieldChange, HistoryEntry},
    id::{AreaId, DocumentId, Kind},
    schema,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::reads,
    error::Error,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    records::{at::At, heads, names::Writer, said::Said},
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
    /// The latest decision about it, for an inspection; also when an earlier state is read.
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
    /// The decision's own id: give it as `previous` when you decide next.
    pub(crate) id: Option<Uuid>,
    /// `returned`, `approved` or `reopened`.
    pub(crate) decision: String,
    /// When, milliseconds since 1970-01-01 UTC.
    pub(crate) decided_ms: Option<i64>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// The heads that it was taken on.
    pub(crate) heads: Vec<String>,
    /// Whether something has arrived since that alters the inspection: anything but comments and signatures of devices.
    pub(crate) changed_since: bool,
    /// What reads differently since, comments included.
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

/// Read a record, as it is or as it was.
#[utoipa::path(get, path = "/api/v1/records/{id}", tag = "records",
    params(("id" = Uuid, Path, description = "The record"), At),
    responses((status = 200, body = Record), (status = 404, description = "not-found"), (status = 422, description = "invalid: not a state of this record")),
    security(("session" = [])))]
pub(crate) async fn get(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Parameters(at): Parameters<At>,
) -> Result<Json<Record>, Problem> {
    let account = caller.account;
    let record = app
        .store
        .read(move |sql| {
            let (row, document) = open(sql, &caller, DocumentId(id))?;
            let shown = at.of(&document)?;
            say(sql, &row, &document, shown.as_ref())
        })
        .await?;
    reads::looked_at_record(&app, account, id, AreaId(record.area), "content");
    Ok(Json(record))
}

/// What a record says: now, or in an earlier state of it.
pub(crate) fn say(
    sql: &Connection,
    row: &Row,
    now: &Document,
    then: Option<&Document>,
) -> Result<Record, Problem> {
    let document = then.unwrap_or(now);
    let oddities = document.oddities();
    let changes = u32::try_from(document.change_count()).unwrap_or(u32::MAX);
    Ok(Record {
        id: row.id.0,
        kind: row.kind.name().to_owned(),
        area: row.area.0,
        heads: heads::texts(&document.heads()),
        fields: document.to_json(),
        conflicts: document.conflicts().len(),
        changes: then.map_or(row.changes, |_| changes),
        review: review(sql, now)?,
        oddities: serde_json::json!({
            "unknown": oddities.unknown, "unreadable": oddities.unreadable
        }),
    })
}

pub(crate) fn review(sql: &Connection, inspection: &Document) -> Result<Option<Review>, Problem> {
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
    let Some((latest_id, latest)) = latest else {
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
    let parsed = heads::parse(&decided_on)?;
    Ok(Some(Review {
        document: id.0,
        id: latest_id.parse().ok(),
        decision: text("decision").to_owned(),
        decided_ms: decided_ms(latest),
        reason: Some(text("reason").to_owned()).filter(|reason| !reason.is_empty()),
        changed_since: heads::altered_since(inspection, &parsed),
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
    /// Why, where somebody said so.
    pub(crate) reason: Option<String>,
}

/// List the fields in which people differ, or did in an earlier state.
#[utoipa::path(get, path = "/api/v1/records/{id}/conflicts", tag = "records",
    params(("id" = Uuid, Path, description = "The record"), At),
    responses((status = 200, body = Vec<Difference>), (status = 404, description = "not-found"), (status = 422, description = "invalid: not a state of this record")),
    security(("session" = [])))]
pub(crate) async fn conflicts(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Parameters(at): Parameters<At>,
) -> Result<Json<Vec<Difference>>, Problem> {
    let account = caller.account;
    let (area, differences) = app
        .store
        .read(move |sql| {
            let (row, document) = open(sql, &caller, DocumentId(id))?;
            let then = at.of(&document)?;
            let said = Said::of(sql, row.id)?;
            let conflicts = then.as_ref().unwrap_or(&document).conflicts().into_iter();
            let differences = conflicts.map(|conflict| Difference {
                path: conflict.path,
                alternatives: said.alternatives(conflict.alternatives),
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
    /// In a history: the record's heads once the server had this change, to be given as `at`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) state: Vec<String>,
}

/// Who set which field to what, when, in the order in which the server took it in.
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
            Ok::<_, Problem>((row.area, entries(sql, &document)?))
        })
        .await?;
    reads::looked_at_record(&app, account, id, area, "history");
    Ok(Json(entries))
}

/// Every change of a record, in the order in which the server took them in.
pub(crate) fn entries(sql: &Connection, document: &Document) -> Result<Vec<Entry>, Error> {
    let said = Said::of(sql, document.id())?;
    let mut written: HashMap<ChangeHash, HistoryEntry> = document
        .history()
        .into_iter()
        .map(|entry| (entry.provenance.hash, entry))
        .collect();
    let order = stored::order(sql, document.id())?;
    let states = document.states(&order);
    let entries = order.iter().zip(states).filter_map(|(hash, state)| {
        let mut entry = said.entry(written.remove(hash)?);
        entry.state = heads::texts(&state);
        Some(entry)
    });
    Ok(entries.collect())
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
