//! What an area is called and where it stands in the tree.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::Value;
use sokiem_record::{
    edit::Edit,
    genesis,
    id::{AccountId, AreaId},
    schema,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::area;
use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    store::Writing,
    sync::{
        author::{self, Pen},
        poke::Poke,
        scope, stored,
    },
};

/// What an area is to be from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AreaChange {
    /// What it is called.
    pub(crate) name: String,
    /// The area above it; none for one at the top.
    pub(crate) parent: Option<Uuid>,
}

/// Rename an area, or put it below another one.
#[utoipa::path(put, path = "/api/v1/areas/{area}", tag = "areas", request_body = AreaChange,
    params(("area" = Uuid, Path, description = "The area")),
    responses((status = 204, description = "Changed"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn change(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<AreaChange>,
) -> Result<StatusCode, Problem> {
    let (area, pen) = (AreaId(id), caller.pen(&app));
    area::expect_name(&body.name)?;
    app.store
        .write(move |writing| {
            if !area::exists(writing.sql, area)? {
                return Err(Problem::not_found());
            }
            area::expect_standing(writing.sql, area)?;
            name(writing, pen, area, &body.name)?;
            place(writing, pen, area, body.parent.map(AreaId))?;
            let entry = Entry::new(Action::AreaChanged).by(pen.account);
            audit::note(writing, entry.on("area", area).area(area))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

fn name(writing: &Writing<'_>, pen: Pen, area: AreaId, name: &str) -> Result<(), Problem> {
    writing.sql.execute(
        "UPDATE areas SET name = ?2 WHERE id = ?1",
        params![area.as_bytes().as_slice(), name],
    )?;
    write(writing, pen, area, "name", name.into())
}

/// Puts an area below another one.
pub(super) fn place(
    writing: &Writing<'_>,
    pen: Pen,
    area: AreaId,
    parent: Option<AreaId>,
) -> Result<(), Problem> {
    if let Some(parent) = parent {
        area::expect_standing(writing.sql, parent)?;
        if lies_in(writing.sql, parent, area)? {
            return Err(Problem::invalid("parent: it lies in this area itself")
                .vietnamese("Địa bàn cấp trên không thể là chính nó hay nằm trong nó."));
        }
    }
    let mut concerned = scope::accounts_over(writing.sql, area)?;
    writing.sql.execute(
        "UPDATE areas SET parent = ?2 WHERE id = ?1",
        params![
            area.as_bytes().as_slice(),
            parent.map(|parent| parent.as_bytes().to_vec())
        ],
    )?;
    let text = parent.map(|parent| parent.to_string());
    write(writing, pen, area, "parent", text.into())?;
    concerned.extend(scope::accounts_over(writing.sql, area)?);
    told(writing, concerned);
    Ok(())
}

/// Tells these accounts' devices that their areas have changed.
pub(super) fn told(writing: &Writing<'_>, mut accounts: Vec<AccountId>) {
    accounts.sort_unstable();
    accounts.dedup();
    for account in accounts {
        writing.poke(Poke::Scope(account));
    }
}

/// Whether an area is another one or lies in it.
pub(super) fn lies_in(sql: &Connection, area: AreaId, other: AreaId) -> Result<bool, Error> {
    Ok(sql
        .prepare_cached(
            "WITH RECURSIVE up (id) AS (
               SELECT ?1 UNION SELECT areas.parent FROM areas JOIN up ON areas.id = up.id WHERE areas.parent IS NOT NULL)
             SELECT 1 FROM up WHERE id = ?2",
        )?
        .exists([area.as_bytes().as_slice(), other.as_bytes().as_slice()])?)
}

/// Writes a field of the area's own document, which devices read.
pub(super) fn write(
    writing: &Writing<'_>,
    pen: Pen,
    area: AreaId,
    field: &'static str,
    value: Value,
) -> Result<(), Problem> {
    let Some(row) = stored::find(writing.sql, genesis::area_document_id(area))? else {
        return Ok(());
    };
    let path: schema::Path = field.parse().map_err(|_| Problem::new(Cause::Internal))?;
    // After a restore two histories may stand beside each other: what is said now decides.
    let conflicts = stored::open(writing.sql, &row)?.conflicts();
    let edit = if conflicts.iter().any(|conflict| conflict.path == path) {
        Edit::Settle { path, value }
    } else {
        Edit::Set { path, value }
    };
    author::edit(writing, pen, &row, None, &[edit], None)?;
    Ok(())
}
