//! What devices brought back after a restore, for an administrator to look at, approve or dismiss.

use axum::extract::State;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sokiem_record::{
    document::Document,
    history::FieldChange,
    id::{AccountId, AreaId, DeviceId, DocumentId, Kind},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    approval::{self, Done},
    aside,
};
use crate::{
    accounts::access::{Caller, Role},
    app::Shared,
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    store::id,
    sync::stored,
};

/// A document of which something waits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// The document.
    pub(crate) document: Uuid,
    /// Its kind.
    pub(crate) kind: String,
    /// Its area.
    pub(crate) area: Uuid,
    /// What it is called with what waits.
    pub(crate) title: String,
    /// Whether the server has a part of it.
    pub(crate) known: bool,
    /// How many changes wait.
    pub(crate) changes: usize,
    /// What it would say that it does not say now.
    #[schema(value_type = Vec<Object>)]
    pub(crate) difference: Vec<FieldChange>,
    /// The devices that brought it.
    pub(crate) devices: Vec<Bringer>,
}

/// A device that brought something back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bringer {
    /// The device.
    pub(crate) device: Uuid,
    /// Whose it is.
    pub(crate) account: Uuid,
    /// Whose it is, by name.
    pub(crate) account_name: String,
}

/// What waits after a restore.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recovery {
    /// How many changes wait in all: give it with the approval.
    pub(crate) changes: usize,
    /// Document by document.
    pub(crate) documents: Vec<Waiting>,
}

/// List what devices brought back of documents that only the server writes.
#[utoipa::path(get, path = "/api/v1/recovery", tag = "recovery",
    responses((status = 200, body = Recovery), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn list(State(app): Shared, caller: Caller) -> Result<Json<Recovery>, Problem> {
    caller.at_least(Role::Administrator)?;
    let recovery = app
        .store
        .read(|sql| {
            let documents = approval::documents(sql)?
                .into_iter()
                .map(|of| waiting(sql, of))
                .collect::<Result<Vec<_>, Error>>()?;
            let changes = documents.iter().map(|waiting| waiting.changes).sum();
            Ok::<_, Error>(Recovery { changes, documents })
        })
        .await?;
    Ok(Json(recovery))
}

fn waiting(
    sql: &Connection,
    (id, kind, area): (DocumentId, Kind, AreaId),
) -> Result<Waiting, Error> {
    let row = stored::find(sql, id)?;
    let document = aside::with_waiting(sql, row.as_ref(), Document::new(id, kind))?;
    let before = row
        .as_ref()
        .map(|row| row.heads.clone())
        .unwrap_or_default();
    let mut statement = sql.prepare_cached(
        "SELECT DISTINCT devices.id, accounts.id, accounts.name
           FROM recovered_by JOIN devices ON devices.id = recovered_by.device
           JOIN accounts ON accounts.id = devices.account WHERE recovered_by.document = ?1 ORDER BY devices.id",
    )?;
    let devices = statement.query_map([id.as_bytes().as_slice()], |row| {
        Ok(Bringer {
            device: id::id::<DeviceId>(row, 0)?.0,
            account: id::id::<AccountId>(row, 1)?.0,
            account_name: row.get(2)?,
        })
    })?;
    Ok(Waiting {
        document: id.0,
        kind: kind.name().to_owned(),
        area: area.0,
        title: document.summary().title,
        known: row.is_some(),
        changes: aside::waiting(sql, id)?.len(),
        difference: document
            .difference(&before, &document.heads())
            .unwrap_or_default(),
        devices: devices.collect::<Result<_, _>>()?,
    })
}

/// What is approved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// How many changes the list named in all: nothing slips in between looking and approving.
    pub(crate) changes: usize,
    /// Only these documents; all where absent.
    #[serde(default)]
    pub(crate) documents: Option<Vec<Uuid>>,
}

/// Approve what devices brought back: it is the server's own again.
#[utoipa::path(post, path = "/api/v1/recovery/approve", tag = "recovery", request_body = Approval,
    responses((status = 200, body = Done), (status = 403, description = "forbidden"), (status = 409, description = "stale, with the member `changes`")),
    security(("session" = [])))]
pub(crate) async fn approve(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<Approval>,
) -> Result<Json<Done>, Problem> {
    caller.at_least(Role::Administrator)?;
    let done = app
        .store
        .write(move |writing| {
            let waiting: usize = writing.sql.query_row(
                "SELECT count(*) FROM recovered WHERE state = 'waiting'",
                [],
                |row| row.get(0),
            )?;
            if waiting != body.changes {
                return Err(Problem::new(Cause::Stale)
                    .detail("Another number of changes waits than you saw; look at the list again")
                    .member("changes", waiting));
            }
            let mut done = Done::default();
            for of in approval::documents(writing.sql)? {
                if body
                    .documents
                    .as_ref()
                    .is_none_or(|some| some.contains(&of.0.0))
                {
                    done.changes += approval::approve(writing, caller.account, of)?;
                    done.documents += 1;
                }
            }
            Ok(done)
        })
        .await?;
    Ok(Json(done))
}

/// What is dismissed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RecoveryDismissal)]
pub(crate) struct Dismissal {
    /// Which documents.
    pub(crate) documents: Vec<Uuid>,
    /// Why.
    pub(crate) reason: String,
}

/// Dismiss what devices brought back: they drop it.
#[utoipa::path(post, path = "/api/v1/recovery/dismiss", tag = "recovery", request_body = Dismissal,
    responses((status = 200, body = Done), (status = 403, description = "forbidden"), (status = 422, description = "invalid: a reason is needed")),
    security(("session" = [])))]
pub(crate) async fn dismiss(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<Dismissal>,
) -> Result<Json<Done>, Problem> {
    caller.at_least(Role::Administrator)?;
    if body.reason.trim().is_empty() || body.reason.chars().count() > 500 {
        return Err(Problem::invalid("reason: 1 to 500 characters"));
    }
    let done = app
        .store
        .write(move |writing| {
            let mut done = Done::default();
            for of in approval::documents(writing.sql)? {
                if body.documents.contains(&of.0.0) {
                    done.changes += approval::dismiss(writing, caller.account, of, &body.reason)?;
                    done.documents += 1;
                }
            }
            Ok::<_, Problem>(done)
        })
        .await?;
    Ok(Json(done))
}
