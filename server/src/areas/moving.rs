//! A unit moves to another area with everything about it: it leaves one log and enters the other in
//! one commit, so that nobody sees a hole between.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::Connection;
use serde::Deserialize;
use sokiem_record::id::{AccountId, AreaId, DocumentId, Kind};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    areas::area,
    audit::{self, Action, Entry},
    error::Error,
    http::{body::Json, problem::Problem},
    store::{Writing, id},
    sync::stored::{self, Row},
};

/// Where to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    /// The area that the unit lies in from now on.
    area: Uuid,
}

/// Move a unit, with its inspections, assignments and reviews, to another area.
#[utoipa::path(post, path = "/api/v1/records/{id}/area", tag = "areas", request_body = Move,
    params(("id" = Uuid, Path, description = "The unit")),
    responses((status = 204, description = "Moved"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn move_unit(
    State(app): Shared,
    caller: Caller,
    Path(unit): Path<Uuid>,
    Json(body): Json<Move>,
) -> Result<StatusCode, Problem> {
    let (unit, target) = (DocumentId(unit), AreaId(body.area));
    app.store
        .write(move |writing| {
            let mine = caller.areas(writing.sql)?;
            let row = stored::find(writing.sql, unit)?
                .filter(|row| row.kind == Kind::Unit && mine.readable(row.area))
                .ok_or_else(Problem::not_found)?;
            area::expect_standing(writing.sql, target)?;
            mine.expect_writable(row.area)?;
            mine.expect_writable(target)?;
            carry(writing, caller.account, &row, target)?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// Moves a unit with everything about it.
pub(super) fn carry(
    writing: &Writing<'_>,
    by: AccountId,
    unit: &Row,
    target: AreaId,
) -> Result<(), Error> {
    stored::move_to(writing, unit, target)?;
    let entry = Entry::new(Action::UnitMoved).by(by);
    let entry = entry.on("unit", unit.id).area(unit.area);
    audit::note(writing, entry.detail("to", target.to_string()))?;
    for document in about(writing.sql, unit.id)? {
        if let Some(row) = stored::find(writing.sql, document)? {
            stored::move_to(writing, &row, target)?;
        }
    }
    Ok(())
}

/// What is about a unit: its inspections and assignments, and the reviews of those inspections.
fn about(sql: &Connection, unit: DocumentId) -> Result<Vec<DocumentId>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT id FROM documents WHERE subject = ?1 AND kind IN ('inspection', 'assignment')
         UNION SELECT reviews.id FROM documents AS reviews
           JOIN documents AS inspections ON inspections.id = reviews.subject
          WHERE inspections.subject = ?1 AND inspections.kind = 'inspection' AND reviews.kind = 'review'",
    )?;
    let rows = statement.query_map([unit.as_bytes().as_slice()], |row| id::id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
