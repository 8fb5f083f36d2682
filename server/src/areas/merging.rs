//! Areas become one, and one becomes two, while officers are out in the field.
//!
//! Everything goes in one commit, so that nobody sees a hole between. An area that has become part of another
//! stays where it is and keeps those who had it: what their devices still bring there is filed in the other.

use axum::extract::{Path, State};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AccountId, AreaId, DocumentId, Kind};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    area::{self, Level, NewArea},
    moving, placing,
};
use crate::{
    accounts::{access::Caller, grant},
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{body::Json, problem::Problem},
    store::{Writing, id},
    sync::{author::Pen, scope, stored},
};

/// Which area it becomes part of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merge {
    /// The area that stays.
    pub(crate) into: Uuid,
}

/// What a merge or a split has moved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Moved {
    /// The area in which it lies now.
    pub(crate) area: Uuid,
    /// How many records: units with everything about them, campaigns, criteria sets.
    pub(crate) documents: usize,
}

/// Merge an area into another one: all that lies in it, the areas below it, and who has it.
#[utoipa::path(post, path = "/api/v1/areas/{area}/merge", tag = "areas", request_body = Merge,
    params(("area" = Uuid, Path, description = "The area that becomes part of the other")),
    responses((status = 200, body = Moved), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn merge(
    State(app): Shared,
    caller: Caller,
    Path(from): Path<Uuid>,
    Json(body): Json<Merge>,
) -> Result<Json<Moved>, Problem> {
    let (pen, from, into) = (caller.pen(&app), AreaId(from), AreaId(body.into));
    app.store
        .write(move |writing| {
            if !area::exists(writing.sql, from)? {
                return Err(Problem::not_found());
            }
            area::expect_standing(writing.sql, from)?;
            area::expect_standing(writing.sql, into)?;
            if placing::lies_in(writing.sql, into, from)? {
                return Err(Problem::invalid("into: it lies in the area that would go")
                    .vietnamese(
                        "Không thể nhập một địa bàn vào chính nó hay vào địa bàn nằm trong nó.",
                    ));
            }
            let documents = pour(writing, from, into)?;
            for below in ids(writing.sql, "SELECT id FROM areas WHERE parent = ?1", from)? {
                placing::place(writing, pen, below, Some(into))?;
            }
            let concerned = scope::accounts_over(writing.sql, from)?;
            for account in holders(writing.sql, from)? {
                grant::give(writing, pen, account, into)?;
            }
            placing::told(writing, concerned);
            writing.sql.execute(
                "UPDATE areas SET merged_into = ?2 WHERE id = ?1",
                [from.as_bytes().as_slice(), into.as_bytes().as_slice()],
            )?;
            placing::write(writing, pen, from, "merged_into", into.to_string().into())?;
            let entry = Entry::new(Action::AreaMerged).by(pen.account);
            let entry = entry.on("area", from).area(into);
            audit::note(writing, entry.detail("documents", documents))?;
            Ok(Json(Moved {
                area: into.0,
                documents,
            }))
        })
        .await
}

/// Moves whatever lies in an area, but for the area's own document.
fn pour(writing: &Writing<'_>, from: AreaId, into: AreaId) -> Result<usize, Error> {
    let documents: Vec<DocumentId> = writing
        .sql
        .prepare_cached("SELECT id FROM documents WHERE area = ?1 AND kind <> 'area' ORDER BY id")?
        .query_map([from.as_bytes().as_slice()], |row| id::id(row, 0))?
        .collect::<Result<_, _>>()?;
    for document in &documents {
        if let Some(row) = stored::find(writing.sql, *document)? {
            stored::move_to(writing, &row, into)?;
        }
    }
    Ok(documents.len())
}

fn ids(sql: &Connection, query: &str, area: AreaId) -> Result<Vec<AreaId>, Error> {
    let mut statement = sql.prepare_cached(query)?;
    let rows = statement.query_map([area.as_bytes().as_slice()], |row| id::id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Who was given exactly this area.
fn holders(sql: &Connection, area: AreaId) -> Result<Vec<AccountId>, Error> {
    let mut statement =
        sql.prepare_cached("SELECT account FROM grants WHERE area = ?1 ORDER BY account")?;
    let rows = statement.query_map([area.as_bytes().as_slice()], |row| id::id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Which units go where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Split {
    /// The units that go, each with everything about it.
    pub(crate) units: Vec<Uuid>,
    /// The area that they go to. Either this or `name`.
    #[serde(default)]
    pub(crate) into: Option<Uuid>,
    /// What a new area is called, which stands beside this one and is given to everybody who has this one.
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// Move units of an area to another one, or to a new one that is split off from it.
#[utoipa::path(post, path = "/api/v1/areas/{area}/split", tag = "areas", request_body = Split,
    params(("area" = Uuid, Path, description = "The area that the units lie in")),
    responses((status = 200, body = Moved), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn split(
    State(app): Shared,
    caller: Caller,
    Path(from): Path<Uuid>,
    Json(body): Json<Split>,
) -> Result<Json<Moved>, Problem> {
    let (pen, from) = (caller.pen(&app), AreaId(from));
    if body.units.is_empty() {
        return Err(
            Problem::invalid("units: at least one").vietnamese("Hãy chọn ít nhất một đơn vị.")
        );
    }
    app.store
        .write(move |writing| {
            if !area::exists(writing.sql, from)? {
                return Err(Problem::not_found());
            }
            let target = match (body.into, body.name) {
                (Some(into), None) => {
                    area::expect_standing(writing.sql, AreaId(into))?;
                    AreaId(into)
                }
                (None, Some(name)) => beside(writing, pen, from, name)?,
                _ => {
                    return Err(Problem::invalid("into, name: one of them").vietnamese(
                        "Hãy chọn địa bàn có sẵn, hoặc đặt tên cho địa bàn mới, không cả hai.",
                    ));
                }
            };
            let mut moved = 0;
            for unit in body.units {
                let row = stored::find(writing.sql, DocumentId(unit))?
                    .filter(|row| row.kind == Kind::Unit && row.area == from);
                let row = row.ok_or_else(|| {
                    Problem::invalid(format!("units: {unit} does not lie in this area"))
                        .vietnamese("Có đơn vị được chọn không còn nằm trong địa bàn này.")
                })?;
                moving::carry(writing, pen.account, &row, target)?;
                moved += 1;
            }
            let entry = Entry::new(Action::AreaSplit).by(pen.account);
            let entry = entry.on("area", from).area(from);
            let entry = entry.detail("to", target.to_string());
            audit::note(writing, entry.detail("units", moved))?;
            Ok(Json(Moved {
                area: target.0,
                documents: moved,
            }))
        })
        .await
}

/// A new area beside another one, for the same people.
fn beside(writing: &Writing<'_>, pen: Pen, area: AreaId, name: String) -> Result<AreaId, Problem> {
    area::expect_name(&name)?;
    area::expect_standing(writing.sql, area)?;
    let (level, parent): (String, Option<AreaId>) = writing.sql.query_row(
        "SELECT level, parent FROM areas WHERE id = ?1",
        params![area.as_bytes().as_slice()],
        |row| Ok((row.get(0)?, id::optional_id(row, 1)?)),
    )?;
    let new = NewArea {
        name,
        level: Level::named(&level).unwrap_or(Level::Commune),
        parent: parent.map(|parent| parent.0),
    };
    let made = AreaId(area::make(writing, pen, new)?.id);
    for account in holders(writing.sql, area)? {
        grant::give(writing, pen, account, made)?;
    }
    Ok(made)
}
