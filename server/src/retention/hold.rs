//! Holds: records that no rule purges.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AccountId, DocumentId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::{Caller, Role},
    app::Shared,
    audit::{self, Action, Entry},
    http::{body::Json, problem::Problem},
    store::id,
    sync::stored,
};

/// Longest reason, in characters.
const REASON_CHARS: usize = 500;

/// Why a record is to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHold {
    /// For the people who look after the records.
    pub(crate) reason: String,
}

/// A record that is kept whatever the rules say.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hold {
    /// The record. A unit's hold covers what is about the unit, a campaign's what belongs to it.
    pub(crate) record: Uuid,
    /// Why.
    pub(crate) reason: String,
    /// Who placed it.
    pub(crate) account: Uuid,
    /// When, milliseconds since 1970-01-01 UTC.
    pub(crate) placed_ms: i64,
}

/// Hold a record: no rule purges it, nor what is about it.
#[utoipa::path(put, path = "/api/v1/records/{id}/hold", tag = "retention", request_body = NewHold,
    params(("id" = Uuid, Path, description = "The record")),
    responses((status = 204, description = "Held"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn put(
    State(app): Shared,
    caller: Caller,
    Path(record): Path<Uuid>,
    Json(body): Json<NewHold>,
) -> Result<StatusCode, Problem> {
    caller.at_least(Role::Administrator)?;
    if body.reason.trim().is_empty() || body.reason.chars().count() > REASON_CHARS {
        return Err(Problem::invalid(format!(
            "reason: 1 to {REASON_CHARS} characters"
        )));
    }
    app.store
        .write(move |writing| {
            let row =
                stored::find(writing.sql, DocumentId(record))?.ok_or_else(Problem::not_found)?;
            writing.sql.execute(
                "INSERT INTO holds (document, reason, account, placed_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (document) DO UPDATE SET reason = ?2, account = ?3, placed_ms = ?4",
                params![
                    record.as_bytes().as_slice(),
                    body.reason.trim(),
                    caller.account.as_bytes().as_slice(),
                    writing.now_ms
                ],
            )?;
            let entry = Entry::new(Action::HoldPlaced).by(caller.account);
            audit::note(writing, entry.on(row.kind.name(), record).area(row.area))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// Lift a hold.
#[utoipa::path(delete, path = "/api/v1/records/{id}/hold", tag = "retention",
    params(("id" = Uuid, Path, description = "The record")),
    responses((status = 204, description = "Lifted"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn delete(
    State(app): Shared,
    caller: Caller,
    Path(record): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    caller.at_least(Role::Administrator)?;
    app.store
        .write(move |writing| {
            let lifted = writing.sql.execute(
                "DELETE FROM holds WHERE document = ?1",
                [record.as_bytes().as_slice()],
            )?;
            if lifted == 0 {
                return Err(Problem::not_found());
            }
            let entry = Entry::new(Action::HoldLifted).by(caller.account);
            audit::note(writing, entry.on("record", record))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// List holds.
#[utoipa::path(get, path = "/api/v1/holds", tag = "retention",
    responses((status = 200, body = Vec<Hold>), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn list(State(app): Shared, caller: Caller) -> Result<Json<Vec<Hold>>, Problem> {
    caller.at_least(Role::Administrator)?;
    app.store
        .read(|sql| {
            let mut statement = sql.prepare_cached(
                "SELECT document, reason, account, placed_ms FROM holds ORDER BY placed_ms, document",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(Hold {
                    record: id::id::<DocumentId>(row, 0)?.0,
                    reason: row.get(1)?,
                    account: id::id::<AccountId>(row, 2)?.0,
                    placed_ms: row.get(3)?,
                })
            })?;
            Ok(Json(rows.collect::<Result<_, _>>()?))
        })
        .await
}
