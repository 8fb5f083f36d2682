//! Taking over and dismissing.

use axum::extract::{Path, State};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AccountId, AreaId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Key, bytes, find, take_over};
use crate::{
    accounts::access::{Caller, Role},
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    records::{change::expect_area, heads},
    store::Writing,
    sync::stored,
};

/// Longest reason, in characters.
const MAX_REASON: usize = 500;

/// How a refused change is taken over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeOver {
    /// Why.
    pub(crate) reason: String,
    /// Where a record goes that the server does not hold; the area that the device named where absent.
    pub(crate) area: Option<Uuid>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenOver {
    /// `original`: the change itself, with its author. `own`: an edit that says the same.
    way: &'static str,
    /// Every refused change that is settled by it: those that it builds on came along.
    settled: Vec<String>,
    /// The record.
    document: Uuid,
    /// Its heads now.
    heads: Vec<String>,
}

/// Take a refused change over into the record.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/take-over", tag = "records", params(("id" = String, Path, description = "`id` of the list")),
    request_body = TakeOver,
    responses((status = 200, body = TakenOver), (status = 403, description = "forbidden: the record's area is not one of yours"),
        (status = 404, description = "not-found"), (status = 409, description = "stale: it is settled already"),
        (status = 422, description = "invalid: it can't be taken over")), security(("session" = [])))]
pub(crate) async fn take_over(
    State(app): Shared,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<TakeOver>,
) -> Result<Json<TakenOver>, Problem> {
    caller.at_least(Role::Supervisor)?;
    let key = Key::parse(&key)?;
    let reason = reason(&body.reason)?;
    let pen = caller.pen(&app);
    app.store
        .write(move |writing| {
            let sql = writing.sql;
            let found = find(sql, &caller.areas(sql)?, key)?;
            expect_open(&found.refused.state)?;
            let area = match stored::find(sql, key.document)? {
                Some(row) => row.area,
                None => AreaId(body.area.unwrap_or(found.refused.area)),
            };
            expect_area(writing, &caller, area)?;
            let bytes = bytes(sql, key)?;
            let taken = take_over::take_over(writing, pen, &found, &bytes, area, &reason)?;
            for settled in &taken.keys {
                settle(writing, *settled, "taken-over", caller.account, &reason)?;
            }
            let entry = Entry::new(Action::ChangeTakenOver)
                .by(caller.account)
                .with_device(key.device);
            let entry = entry.on("record", key.document).area(taken.area);
            let entry = entry
                .detail("change", key.hash.to_string())
                .detail("way", taken.way.name());
            audit::note(writing, entry.detail("reason", found.refused.reason))?;
            Ok(Json(TakenOver {
                way: taken.way.name(),
                settled: taken.keys.iter().map(ToString::to_string).collect(),
                document: key.document.0,
                heads: heads::texts(&taken.heads),
            }))
        })
        .await
}

/// Why a refused change is dismissed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuarantineDismissal)]
pub(crate) struct Dismissal {
    /// Why.
    pub(crate) reason: String,
}

/// Dismiss a refused change. It stays on record, among those that are settled.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/dismiss", tag = "records", params(("id" = String, Path, description = "`id` of the list")),
    request_body = Dismissal,
    responses((status = 204, description = "Dismissed"), (status = 404, description = "not-found"),
        (status = 409, description = "stale: it is settled already"), (status = 422, description = "invalid")), security(("session" = [])))]
pub(crate) async fn dismiss(
    State(app): Shared,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<Dismissal>,
) -> Result<axum::http::StatusCode, Problem> {
    caller.at_least(Role::Supervisor)?;
    let key = Key::parse(&key)?;
    let reason = reason(&body.reason)?;
    app.store
        .write(move |writing| {
            let found = find(writing.sql, &caller.areas(writing.sql)?, key)?;
            expect_open(&found.refused.state)?;
            settle(writing, key, "dismissed", caller.account, &reason)?;
            let entry = Entry::new(Action::ChangeDismissed)
                .by(caller.account)
                .with_device(key.device);
            let entry = entry
                .on("record", key.document)
                .area(AreaId(found.refused.area));
            let entry = entry.detail("change", key.hash.to_string());
            audit::note(writing, entry.detail("reason", found.refused.reason))?;
            Ok(axum::http::StatusCode::NO_CONTENT)
        })
        .await
}

fn reason(text: &str) -> Result<String, Problem> {
    let reason = text.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Problem::invalid(format!(
            "reason: 1 to {MAX_REASON} characters"
        )));
    }
    Ok(reason.to_owned())
}

fn expect_open(state: &str) -> Result<(), Problem> {
    if state == "open" {
        return Ok(());
    }
    Err(Problem::new(Cause::Stale).detail("Somebody has settled this change already"))
}

fn settle(
    writing: &Writing<'_>,
    key: Key,
    state: &str,
    by: AccountId,
    reason: &str,
) -> Result<(), Error> {
    // The same change from another device is settled with it.
    writing
        .sql
        .prepare_cached(
            "UPDATE quarantine SET state = ?3, settled_by = ?4, settled_ms = ?5, settled_reason = ?6
              WHERE document = ?1 AND hash = ?2 AND state = 'open' AND (?3 <> 'dismissed' OR device = ?7)",
        )?
        .execute(params![
            key.document.as_bytes().as_slice(),
            key.hash.0.as_slice(),
            state,
            by.as_bytes().as_slice(),
            writing.now_ms,
            reason,
            key.device.as_bytes().as_slice()
        ])?;
    Ok(())
}
