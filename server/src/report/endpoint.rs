//! `GET /api/v1/report`.

use axum::extract::State;
use rusqlite::Connection;
use serde::Deserialize;
use sokiem_record::{id::AreaId, is_date};
use uuid::Uuid;

use super::{
    answer::Report,
    compute::{Question, report},
    facts,
};
use crate::{
    accounts::access::{Areas, Caller},
    app::Shared,
    audit::{Action, Entry, reads},
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    store::id,
};

/// Longest period, in years.
const MOST_YEARS: i32 = 50;

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// First year.
    from: i32,
    /// Last year.
    to: i32,
    /// Only this area and what lies below it.
    area: Option<Uuid>,
    /// A row for each area.
    #[serde(default)]
    by_area: bool,
    /// The day on which deadlines are judged, `YYYY-MM-DD`; today where it is left out.
    as_of: Option<String>,
}

/// The review report over the caller's areas.
#[utoipa::path(get, path = "/api/v1/report", tag = "report", params(Asked),
    responses((status = 200, body = Report), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn get(
    State(app): Shared,
    caller: Caller,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Report>, Problem> {
    if asked.from < 1
        || asked.to > 9999
        || asked.to < asked.from
        || asked.to - asked.from >= MOST_YEARS
    {
        return Err(Problem::invalid(format!(
            "from, to: years, at most {MOST_YEARS} of them, in order"
        )));
    }
    if asked.as_of.as_deref().is_some_and(|day| !is_date(day)) {
        return Err(Problem::invalid("as_of: a date YYYY-MM-DD"));
    }
    let question = Question {
        from: asked.from,
        to: asked.to,
        as_of: asked.as_of.unwrap_or_else(|| app.machine.today()),
        by_area: asked.by_area,
    };
    let top = asked.area.map(AreaId);
    let account = caller.account;
    let entry = Entry::new(Action::ReportRead);
    let entry = top.into_iter().fold(entry, Entry::area);
    let entry = entry.detail("from", asked.from).detail("to", asked.to);
    let answer = app
        .store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            if top.is_some_and(|area| !areas.readable(area)) {
                return Err(Problem::not_found());
            }
            let below = top.map(|area| subtree(sql, area)).transpose()?;
            let units = facts::gather(sql, |area| wanted(&areas, below.as_deref(), area))?;
            Ok(report(&units, &question))
        })
        .await?;
    reads::looked(&app, account, entry);
    Ok(Json(answer))
}

fn wanted(areas: &Areas, below: Option<&[AreaId]>, area: AreaId) -> bool {
    areas.readable(area) && below.is_none_or(|below| below.contains(&area))
}

/// An area and everything below it.
fn subtree(sql: &Connection, top: AreaId) -> Result<Vec<AreaId>, Problem> {
    let mut statement = sql.prepare_cached(
        "WITH RECURSIVE below (id) AS (SELECT ?1 UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id)
         SELECT id FROM below",
    )?;
    let rows = statement.query_map([top.as_bytes().as_slice()], |row| id::id::<AreaId>(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
