//! Looking at what the rules would purge, running them, and what they did.

use axum::extract::State;
use rusqlite::OptionalExtension as _;
use serde::{Deserialize, Serialize};
use sokiem_record::id::AccountId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    plan::Report,
    run::{self},
};
use crate::{
    accounts::access::{Caller, Role},
    app::Shared,
    error::Error,
    http::{
        body::{Json, Parameters},
        problem::{Cause, Problem},
    },
    store::id,
};

/// What the rules would purge now. Nothing is touched.
#[utoipa::path(get, path = "/api/v1/retention/preview", tag = "retention",
    responses((status = 200, body = Report), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn preview(State(app): Shared, caller: Caller) -> Result<Json<Report>, Problem> {
    caller.at_least(Role::Administrator)?;
    Ok(Json(run::preview(&app).await?))
}

/// That somebody has looked before.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmed {
    /// How many documents the preview named.
    documents: usize,
}

/// Purge what is due. The number of documents has to be the one of the preview.
#[utoipa::path(post, path = "/api/v1/retention/run", tag = "retention", request_body = Confirmed,
    responses((status = 200, body = Report), (status = 403, description = "forbidden"), (status = 409, description = "stale, with the member `documents`")),
    security(("session" = [])))]
pub(crate) async fn run(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<Confirmed>,
) -> Result<Json<Report>, Problem> {
    caller.at_least(Role::Administrator)?;
    let due = run::preview(&app).await?.documents.len();
    if due != body.documents {
        return Err(Problem::new(Cause::Stale)
            .detail("The rules name another number of documents than you saw; look at the preview again")
            .member("documents", due));
    }
    // On a task of its own: a connection that is cut does not leave a run half done.
    let running = tokio::spawn(async move { run::run(&app, Some(caller.account)).await });
    let report = running.await.map_err(|_| Error::Panicked)??;
    Ok(Json(report))
}

/// Which runs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// `id` of the last one of the page before.
    before: Option<Uuid>,
    /// How many; 20 where absent.
    limit: Option<u32>,
}

/// One run of the rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Run {
    /// Its id.
    id: Uuid,
    /// When, milliseconds since 1970-01-01 UTC.
    at_ms: i64,
    /// Who ran it; null where the server did by itself.
    account: Option<Uuid>,
    /// What was purged.
    report: Report,
}

/// What the rules have purged, the newest first.
#[utoipa::path(get, path = "/api/v1/retention/runs", tag = "retention", params(Which),
    responses((status = 200, body = Vec<Run>), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn runs(
    State(app): Shared,
    caller: Caller,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Vec<Run>>, Problem> {
    caller.at_least(Role::Administrator)?;
    let limit = which.limit.unwrap_or(20).clamp(1, app.config.limits.page);
    app.store
        .read(move |sql| {
            let before: Option<i64> = match which.before {
                None => Some(i64::MAX),
                Some(id) => sql
                    .query_row("SELECT at_ms FROM purges WHERE id = ?1", [id.as_bytes().as_slice()], |row| {
                        row.get(0)
                    })
                    .optional()?,
            };
            let mut statement = sql.prepare_cached(
                "SELECT id, at_ms, account, report FROM purges WHERE at_ms < ?1 ORDER BY at_ms DESC LIMIT ?2",
            )?;
            let rows = statement.query_map((before.unwrap_or(i64::MIN), limit), |row| {
                Ok(Run {
                    id: id::id::<sokiem_record::id::DocumentId>(row, 0)?.0,
                    at_ms: row.get(1)?,
                    account: id::optional_id::<AccountId>(row, 2)?.map(|id| id.0),
                    report: serde_json::from_str(&row.get::<_, String>(3)?).unwrap_or_default(),
                })
            })?;
            Ok(Json(rows.collect::<Result<_, _>>()?))
        })
        .await
}
