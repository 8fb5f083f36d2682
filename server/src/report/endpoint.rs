//! `GET /api/v1/report`.

use std::collections::BTreeMap;

use axum::extract::State;
use rusqlite::Connection;
use sokiem_record::id::AreaId;
use uuid::Uuid;

use super::{
    answer::Report,
    compute::{AreaNames, Count},
    gather,
    question::{Asked, Question},
};
use crate::{
    accounts::access::{Areas, Caller},
    app::{App, Shared},
    audit::{Action, Entry, reads},
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    store::id,
};

/// The review report over the caller's areas.
#[utoipa::path(get, path = "/api/v1/report", tag = "report", params(Asked),
    responses((status = 200, body = Report), (status = 400, description = "malformed-query"), (status = 403, description = "forbidden"),
        (status = 404, description = "not-found"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn get(
    State(app): Shared,
    caller: Caller,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Report>, Problem> {
    let question = asked.question(|| app.machine.today())?;
    let account = caller.account;
    let entry = noted(Action::ReportRead, &question);
    let answer = app
        .store
        .read(move |sql| computed(sql, &caller, &question))
        .await?;
    reads::looked(&app, account, entry);
    Ok(Json(answer))
}

/// What the audit log says about a question.
pub(super) fn noted(action: Action, question: &Question) -> Entry {
    let entry = question
        .area
        .into_iter()
        .fold(Entry::new(action), Entry::area);
    entry
        .detail("from", question.from)
        .detail("to", question.to)
}

/// The report that answers a question of the caller.
pub(super) fn computed(
    sql: &Connection,
    caller: &Caller,
    question: &Question,
) -> Result<Report, Problem> {
    let scope = Scope::of(sql, caller, question.area)?;
    let mut count = Count::new(question);
    let years = (question.from, question.to);
    gather::each(sql, years, |area| scope.has(area), |facts| count.add(facts))?;
    Ok(count.finish(&area_names(sql)?))
}

/// The areas that a question is about.
pub(super) struct Scope {
    /// What the caller may read.
    pub(super) areas: Areas,
    /// The area that was asked about, with everything below it.
    below: Option<Vec<AreaId>>,
}

impl Scope {
    pub(super) fn of(
        sql: &Connection,
        caller: &Caller,
        top: Option<AreaId>,
    ) -> Result<Self, Problem> {
        let areas = caller.areas(sql)?;
        if top.is_some_and(|area| !areas.readable(area)) {
            return Err(Problem::not_found());
        }
        let below = top.map(|area| subtree(sql, area)).transpose()?;
        Ok(Self { areas, below })
    }

    pub(super) fn has(&self, area: AreaId) -> bool {
        let below = self.below.as_ref();
        self.areas.readable(area) && below.is_none_or(|below| below.contains(&area))
    }
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

/// What every area is called.
pub(super) fn area_names(sql: &Connection) -> Result<AreaNames, Problem> {
    let mut statement = sql.prepare_cached("SELECT id, name FROM areas")?;
    let rows = statement.query_map([], |row| {
        Ok((id::id::<AreaId>(row, 0)?.0, row.get::<_, String>(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An area that can be asked about.
pub(crate) struct Choice {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// How many of the areas above it can be asked about too.
    pub(crate) depth: usize,
}

/// The areas that a caller may ask about, each under the one above it.
pub(crate) async fn choices(app: &App, caller: &Caller) -> Result<Vec<Choice>, Problem> {
    let caller = caller.clone();
    app.store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            let mut statement = sql.prepare_cached("SELECT id, name, parent FROM areas")?;
            let rows = statement.query_map([], |row| {
                let parent = id::optional_id::<AreaId>(row, 2)?;
                Ok((id::id::<AreaId>(row, 0)?, row.get(1)?, parent))
            })?;
            let mut below: BTreeMap<Option<AreaId>, Vec<(String, AreaId)>> = BTreeMap::new();
            for row in rows {
                let (area, name, parent) = row?;
                if areas.readable(area) {
                    let parent = parent.filter(|parent| areas.readable(*parent));
                    below.entry(parent).or_default().push((name, area));
                }
            }
            let mut choices = Vec::new();
            choose(&mut choices, &mut below, None, 0);
            Ok::<_, Problem>(choices)
        })
        .await
}

fn choose(
    choices: &mut Vec<Choice>,
    below: &mut BTreeMap<Option<AreaId>, Vec<(String, AreaId)>>,
    above: Option<AreaId>,
    depth: usize,
) {
    let mut areas = below.remove(&above).unwrap_or_default();
    areas.sort();
    for (name, area) in areas {
        choices.push(Choice {
            id: area.0,
            name,
            depth,
        });
        choose(choices, below, Some(area), depth + 1);
    }
}
