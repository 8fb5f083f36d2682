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

/// What is kept how long, as configured; null is for ever.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rules {
    /// Seconds from one run to the next; 0 leaves it to an administrator.
    pub(crate) every_s: u64,
    /// Inspections and assignments: years.
    pub(crate) inspections_years: Option<u32>,
    /// Units after they closed: years.
    pub(crate) closed_units_years: Option<u32>,
    /// Refused changes: days.
    pub(crate) quarantine_days: Option<u32>,
    /// Names of revoked devices: days.
    pub(crate) revoked_devices_days: Option<u32>,
    /// Attachments that no document refers to: days.
    pub(crate) loose_attachments_days: Option<u32>,
    /// The audit log: days.
    pub(crate) audit_days: Option<u32>,
}

/// What is kept how long. The configuration says so; nobody changes it here.
#[utoipa::path(get, path = "/api/v1/retention/rules", tag = "retention",
    responses((status = 200, body = Rules), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn rules(State(app): Shared, caller: Caller) -> Result<Json<Rules>, Problem> {
    caller.at_least(Role::Administrator)?;
    let rules = &app.config.retention;
    Ok(Json(Rules {
        every_s: rules.every_s,
        inspections_years: rules.inspections_years,
        closed_units_years: rules.closed_units_years,
        quarantine_days: rules.quarantine_days,
        revoked_devices_days: rules.revoked_devices_days,
        loose_attachments_days: rules.loose_attachments_days,
        audit_days: rules.audit_days,
    }))
}

/// That somebody has looked before.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmed {
    /// How many documents the preview named.
    pub(crate) documents: usize,
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
    pub(crate) before: Option<Uuid>,
    /// How many; 20 where absent.
    pub(crate) limit: Option<u32>,
}

/// One run of the rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Run {
    /// Its id.
    pub(crate) id: Uuid,
    /// When, milliseconds since 1970-01-01 UTC.
    pub(crate) at_ms: i64,
    /// Who ran it; null where the server did by itself.
    pub(crate) account: Option<Uuid>,
    /// What was purged.
    pub(crate) report: Report,
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
