//! Two records of one real unit become one: the one that goes says which it was joined into and keeps its
//! history; its inspections count for the one that stays. It can be undone.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Value;
use sokiem_record::{
    document::Document,
    edit::Edit,
    id::{DocumentId, Kind},
    schema::{self, FieldType, Place},
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
    records::{assignment, change::reason, heads, record},
    store::{Writing, id},
    sync::{
        author::{self, Pen},
        stored::{self, Row},
    },
};

/// The field that says into which record a unit's was joined.
const JOINED: &str = "joined_into";
/// What a unit's record says about itself and is not taken over.
const OWN: [&str; 2] = [JOINED, "synthetic"];

/// Which record stays, and what it takes over.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Join {
    /// The record that stays.
    pub(crate) into: Uuid,
    /// The heads of the record that goes, as you saw them; they have to be the present ones.
    pub(crate) heads: Vec<String>,
    /// The same of the record that stays.
    pub(crate) into_heads: Vec<String>,
    /// The fields whose values it takes over from the record that goes. Of `notes` it keeps both.
    #[serde(default)]
    pub(crate) take: Vec<String>,
    /// Why.
    pub(crate) reason: String,
}

/// Join a unit's record into another one of the same unit.
#[utoipa::path(post, path = "/api/v1/records/{id}/join", tag = "records", request_body = Join,
    params(("id" = Uuid, Path, description = "The record that goes")),
    responses((status = 204, description = "Joined"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 409, description = "stale, with the member `heads`"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn join(
    State(app): Shared,
    caller: Caller,
    Path(gone): Path<Uuid>,
    Json(body): Json<Join>,
) -> Result<StatusCode, Problem> {
    let pen = caller.pen(&app);
    let reason = reason(body.reason)?;
    app.store
        .write(move |writing| {
            let (gone, goes) = unit(writing.sql, &caller, DocumentId(gone))?;
            heads::expect_current(&body.heads, &gone.heads)?;
            let (kept, stays) = unit(writing.sql, &caller, DocumentId(body.into))?;
            heads::expect_current(&body.into_heads, &kept.heads)?;
            if gone.id == kept.id || stays.line(JOINED).is_some() {
                return Err(Problem::invalid(
                    "into: another record, and one that was not joined into a third",
                )
                .vietnamese("Hãy chọn một hồ sơ khác, và chưa nhập vào hồ sơ nào."));
            }
            let why = || Some(reason.clone());
            // What was joined into the one that goes, goes with it.
            for other in joined(writing.sql, gone.id)? {
                if let Some(row) = stored::find(writing.sql, other)? {
                    point(writing, pen, &row, Some(kept.id), why())?;
                }
            }
            point(writing, pen, &gone, Some(kept.id), why())?;
            let taken = body
                .take
                .iter()
                .map(|path| taken(path, &goes, &stays))
                .collect::<Result<Vec<_>, _>>()?;
            if !taken.is_empty() {
                author::edit(writing, pen, &kept, None, &taken, why())?;
            }
            for double in doubles(writing.sql, gone.id, kept.id)? {
                if let Some(row) = stored::find(writing.sql, double)? {
                    let path = parsed("cancelled")?;
                    let edit = Edit::Set {
                        path,
                        value: true.into(),
                    };
                    author::edit(writing, pen, &row, None, &[edit], why())?;
                }
            }
            let entry = Entry::new(Action::UnitJoined).by(caller.account);
            let entry = entry.on("unit", gone.id).area(gone.area);
            audit::note(writing, entry.detail("into", kept.id.to_string()))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// Why it is a unit of its own after all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Separate {
    /// The heads that you saw; they have to be the present ones.
    pub(crate) heads: Vec<String>,
    /// Why.
    pub(crate) reason: String,
}

/// Make a record that was joined into another one a unit of its own again. Values that were taken over stay.
#[utoipa::path(post, path = "/api/v1/records/{id}/separate", tag = "records", request_body = Separate,
    params(("id" = Uuid, Path, description = "The record")),
    responses((status = 204, description = "It is a unit of its own"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 409, description = "stale, with the member `heads`"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn separate(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<Separate>,
) -> Result<StatusCode, Problem> {
    let pen = caller.pen(&app);
    let reason = reason(body.reason)?;
    app.store
        .write(move |writing| {
            let (row, document) = unit(writing.sql, &caller, DocumentId(id))?;
            heads::expect_current(&body.heads, &row.heads)?;
            if document.line(JOINED).is_none() {
                return Err(Problem::invalid("It was not joined into another record")
                    .vietnamese("Hồ sơ này chưa nhập vào hồ sơ nào."));
            }
            point(writing, pen, &row, None, Some(reason))?;
            let entry = Entry::new(Action::UnitSeparated).by(caller.account);
            audit::note(writing, entry.on("unit", row.id).area(row.area))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// A unit that the caller may write.
fn unit(sql: &Connection, caller: &Caller, id: DocumentId) -> Result<(Row, Document), Problem> {
    let (row, document) = record::open(sql, caller, id)?;
    if row.kind != Kind::Unit {
        return Err(Problem::not_found());
    }
    caller.areas(sql)?.expect_writable(row.area)?;
    Ok((row, document))
}

/// Makes a record say into which it was joined.
fn point(
    writing: &Writing<'_>,
    pen: Pen,
    row: &Row,
    into: Option<DocumentId>,
    reason: Option<String>,
) -> Result<(), Problem> {
    let path = parsed(JOINED)?;
    let value = Value::from(into.map(|into| into.to_string()));
    let document = stored::open(writing.sql, row)?;
    let edit = put(&document, path, value);
    author::edit(writing, pen, row, None, &[edit], reason)?;
    Ok(())
}

/// The step that puts a value, also where people differ about it.
fn put(document: &Document, path: schema::Path, value: Value) -> Edit {
    let conflicts = document.conflicts();
    if conflicts.iter().any(|conflict| conflict.path == path) {
        Edit::Settle { path, value }
    } else {
        Edit::Set { path, value }
    }
}

fn parsed(path: &str) -> Result<schema::Path, Problem> {
    path.parse().map_err(|_| Problem::new(Cause::Internal))
}

/// The step that takes a value over.
fn taken(path: &str, from: &Document, into: &Document) -> Result<Edit, Problem> {
    let wrong = || Problem::invalid(format!("take: {path} is no field that can be taken over"));
    let parsed: schema::Path = path.parse().map_err(|_| wrong())?;
    if OWN.contains(&path) {
        return Err(wrong());
    }
    let value = |document: &Document| value_at(&document.to_json(), path);
    match schema::place(Kind::Unit, &parsed) {
        Some(Place::Field(FieldType::Text)) => {
            let texts = [value(into), value(from)];
            let texts = texts.iter().filter_map(Value::as_str);
            let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
            Ok(Edit::Text {
                path: parsed,
                text: texts.join("\n"),
            })
        }
        Some(Place::Field(_)) => Ok(put(into, parsed, value(from))),
        _ => Err(wrong()),
    }
}

fn value_at(fields: &Value, path: &str) -> Value {
    let found = path
        .split('/')
        .try_fold(fields, |value, key| value.get(key));
    found.cloned().unwrap_or_default()
}

/// A field in which two records of a unit differ.
pub(crate) struct Differing {
    pub(crate) path: String,
    /// What the one says that goes.
    pub(crate) gone: Value,
    /// What the one says that stays.
    pub(crate) kept: Value,
}

/// Where two records differ, as far as the one that goes says anything.
pub(crate) fn differing(gone: &Document, kept: &Document) -> Vec<Differing> {
    let (gone, kept) = (gone.to_json(), kept.to_json());
    let mut paths = Vec::new();
    for (field, value) in gone.as_object().into_iter().flatten() {
        match value {
            Value::Object(rows) => paths.extend(rows.keys().map(|key| format!("{field}/{key}"))),
            _ => paths.push(field.clone()),
        }
    }
    let known = paths.into_iter().filter(|path| {
        let place = path
            .parse()
            .ok()
            .and_then(|path| schema::place(Kind::Unit, &path));
        matches!(place, Some(Place::Field(_))) && !OWN.contains(&path.as_str())
    });
    known
        .map(|path| Differing {
            gone: value_at(&gone, &path),
            kept: value_at(&kept, &path),
            path,
        })
        .filter(|one| !one.gone.is_null() && one.gone != "" && one.gone != one.kept)
        .collect()
}

/// The records that were joined into one.
pub(crate) fn joined(sql: &Connection, kept: DocumentId) -> Result<Vec<DocumentId>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT document FROM report_units WHERE joined_into = ?1 ORDER BY document",
    )?;
    let rows = statement.query_map([kept.as_bytes().as_slice()], |row| id::id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Assignments of the record that goes which nobody has begun, where the one that stays has one in the same campaign.
fn doubles(sql: &Connection, gone: DocumentId, kept: DocumentId) -> Result<Vec<DocumentId>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT double.id FROM documents AS double
          WHERE double.subject = ?1 AND double.kind = 'assignment' AND double.state <> ?3
            AND EXISTS (SELECT 1 FROM documents AS other
                         WHERE other.subject = ?2 AND other.kind = 'assignment' AND other.state <> ?3
                           AND other.campaign = double.campaign)
            AND NOT EXISTS (SELECT 1 FROM documents AS begun
                             WHERE begun.subject = ?1 AND begun.kind = 'inspection' AND begun.campaign = double.campaign)",
    )?;
    let keys = rusqlite::params![
        gone.as_bytes().as_slice(),
        kept.as_bytes().as_slice(),
        assignment::CANCELLED
    ];
    let rows = statement.query_map(keys, |row| id::id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
