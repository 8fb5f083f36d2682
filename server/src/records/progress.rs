//! How far a campaign has come: what was assigned in it, and how much of that is begun, finished, approved or late.

use std::collections::{BTreeMap, HashMap};

use axum::extract::{Path, State};
use rusqlite::{Connection, params};
use serde::Serialize;
use sokiem_record::id::{AccountId, AreaId, DocumentId, Kind};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::{Areas, Caller},
    app::Shared,
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    store::id,
    sync::stored,
};

/// How many assignments stand where. Each one counts in every number that is true of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Counts {
    /// Assigned and not cancelled.
    pub(crate) assigned: u64,
    /// Somebody has begun the inspection.
    pub(crate) begun: u64,
    /// The inspection is finished.
    pub(crate) finished: u64,
    /// The latest decision about it is an approval.
    pub(crate) approved: u64,
    /// Due before today, and not finished.
    pub(crate) late: u64,
}

impl Counts {
    fn add(&mut self, work: &Work) {
        self.assigned += 1;
        self.begun += u64::from(work.begun);
        self.finished += u64::from(work.finished);
        self.approved += u64::from(work.approved);
        self.late += u64::from(work.late);
    }
}

/// The counts of an area or an officer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProgressPart)]
pub(crate) struct Part {
    /// The area or the account; none for what nobody in particular is to do.
    pub(crate) id: Option<Uuid>,
    /// What it is called.
    pub(crate) name: String,
    /// How far it has come.
    #[serde(flatten)]
    pub(crate) counts: Counts,
}

/// One assignment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Work {
    /// The assignment.
    pub(crate) assignment: Uuid,
    /// The unit.
    pub(crate) unit: Uuid,
    /// What the unit is called.
    pub(crate) unit_name: String,
    /// Where it lies.
    pub(crate) area: Uuid,
    /// What that area is called.
    pub(crate) area_name: String,
    /// Until when, `YYYY-MM-DD`.
    pub(crate) due: Option<String>,
    /// By whom, by name.
    pub(crate) officers: Vec<String>,
    /// The inspection, once it is begun.
    pub(crate) inspection: Option<Uuid>,
    /// Somebody has begun the inspection.
    pub(crate) begun: bool,
    /// The inspection is finished.
    pub(crate) finished: bool,
    /// The latest decision about it is an approval.
    pub(crate) approved: bool,
    /// Due before today, and not finished.
    pub(crate) late: bool,
}

/// How far a campaign has come in the caller's areas.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Progress {
    /// The campaign.
    pub(crate) campaign: Uuid,
    /// What it is called.
    pub(crate) name: String,
    /// All of it.
    pub(crate) total: Counts,
    /// By area, in the order of their names.
    pub(crate) areas: Vec<Part>,
    /// By officer, in the order of their names, last what nobody in particular is to do. What several are to do counts
    /// for each of them.
    pub(crate) officers: Vec<Part>,
    /// Each assignment: the late ones first, then those that are due first.
    pub(crate) work: Vec<Work>,
}

/// How far a campaign has come.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/progress", tag = "records", params(("id" = Uuid, Path)),
    responses((status = 200, body = Progress), (status = 403, description = "forbidden"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn get(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Progress>, Problem> {
    let today = app.machine.today();
    app.store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            of(sql, &areas, DocumentId(id), &today)?
                .map(Json)
                .ok_or_else(|| Problem::new(Cause::NotFound))
        })
        .await
}

/// How far a campaign has come in these areas; `None` where there is no such campaign.
pub(crate) fn of(
    sql: &Connection,
    areas: &Areas,
    campaign: DocumentId,
    today: &str,
) -> Result<Option<Progress>, Error> {
    let row = stored::find(sql, campaign)?;
    let Some(row) = row.filter(|row| row.kind == Kind::Campaign && areas.readable(row.area)) else {
        return Ok(None);
    };
    let name = stored::open(sql, &row)?.line("name").unwrap_or_default();
    let mut officers = officers(sql, campaign)?;
    let mut work = work(sql, areas, campaign, today)?;
    let mut total = Counts::default();
    let mut by_area: BTreeMap<(String, Uuid), Counts> = BTreeMap::new();
    let mut by_officer: BTreeMap<(bool, String, Option<Uuid>), Counts> = BTreeMap::new();
    for one in &mut work {
        total.add(one);
        let area = (one.area_name.clone(), one.area);
        by_area.entry(area).or_default().add(one);
        let who = officers.remove(&one.assignment).unwrap_or_default();
        if who.is_empty() {
            let nobody = (true, String::new(), None);
            by_officer.entry(nobody).or_default().add(one);
        }
        for (account, name) in &who {
            let officer = (false, name.clone(), Some(account.0));
            by_officer.entry(officer).or_default().add(one);
        }
        one.officers = who.into_iter().map(|(_, name)| name).collect();
    }
    Ok(Some(Progress {
        campaign: campaign.0,
        name,
        total,
        areas: by_area
            .into_iter()
            .map(|((name, id), counts)| Part {
                id: Some(id),
                name,
                counts,
            })
            .collect(),
        officers: by_officer
            .into_iter()
            .map(|((_, name, id), counts)| Part { id, name, counts })
            .collect(),
        work,
    }))
}

/// How far every campaign has come in these areas: the totals alone, without reading assignment by assignment.
pub(crate) fn totals(
    sql: &Connection,
    areas: &Areas,
    today: &str,
) -> Result<HashMap<Uuid, Counts>, Error> {
    let mut statement = sql.prepare_cached(
        "WITH assigned AS (
           SELECT campaign, area, date,
                  (SELECT max(CASE WHEN state = 'finished' THEN 2 ELSE 1 END) FROM documents AS inspection
                    WHERE inspection.subject = documents.subject AND inspection.kind = 'inspection'
                      AND inspection.campaign = documents.campaign) AS done,
                  EXISTS (SELECT 1 FROM documents AS inspection JOIN decisions ON decisions.inspection = inspection.id
                    WHERE inspection.subject = documents.subject AND inspection.kind = 'inspection'
                      AND inspection.campaign = documents.campaign AND decisions.decision = 'approved') AS approved
             FROM documents
            WHERE kind = 'assignment' AND state = 'assigned' AND campaign IS NOT NULL)
         SELECT campaign, area, count(*), count(done), sum(done IS 2), sum(approved), sum(date < ?1 AND done IS NOT 2)
           FROM assigned GROUP BY campaign, area",
    )?;
    let mut rows = statement.query([today])?;
    let mut totals: HashMap<Uuid, Counts> = HashMap::new();
    while let Some(row) = rows.next()? {
        if !areas.readable(id::id(row, 1)?) {
            continue;
        }
        let total = totals.entry(id::id::<DocumentId>(row, 0)?.0).or_default();
        total.assigned += row.get::<_, u64>(2)?;
        total.begun += row.get::<_, u64>(3)?;
        total.finished += row.get::<_, u64>(4)?;
        total.approved += row.get::<_, u64>(5)?;
        total.late += row.get::<_, Option<u64>>(6)?.unwrap_or_default();
    }
    Ok(totals)
}

fn work(
    sql: &Connection,
    areas: &Areas,
    campaign: DocumentId,
    today: &str,
) -> Result<Vec<Work>, Error> {
    // A unit may have been inspected more than once in a campaign; one finished inspection is enough.
    let mut statement = sql.prepare_cached(
        "SELECT assigned.id, assigned.area, areas.name, assigned.date, unit.id, unit.title,
                (SELECT id FROM documents AS inspection
                  WHERE inspection.subject = assigned.subject AND inspection.kind = 'inspection' AND inspection.campaign = ?1
                  ORDER BY inspection.state = 'finished' DESC, inspection.id LIMIT 1) AS inspection,
                EXISTS (SELECT 1 FROM documents AS inspection
                  WHERE inspection.subject = assigned.subject AND inspection.kind = 'inspection' AND inspection.campaign = ?1
                    AND inspection.state = 'finished'),
                EXISTS (SELECT 1 FROM documents AS inspection JOIN decisions ON decisions.inspection = inspection.id
                  WHERE inspection.subject = assigned.subject AND inspection.kind = 'inspection' AND inspection.campaign = ?1
                    AND decisions.decision = 'approved')
           FROM documents AS assigned
           JOIN documents AS unit ON unit.id = assigned.subject
           JOIN areas ON areas.id = assigned.area
          WHERE assigned.campaign = ?1 AND assigned.kind = 'assignment' AND assigned.state = 'assigned'
          ORDER BY assigned.date IS NULL, assigned.date, unit.title, assigned.id",
    )?;
    let rows = statement.query_map(params![campaign.as_bytes().as_slice()], |row| {
        let inspection = id::optional_id::<DocumentId>(row, 6)?;
        let (due, finished): (Option<String>, bool) = (row.get(3)?, row.get(7)?);
        Ok(Work {
            assignment: id::id::<DocumentId>(row, 0)?.0,
            area: id::id::<AreaId>(row, 1)?.0,
            area_name: row.get(2)?,
            unit: id::id::<DocumentId>(row, 4)?.0,
            unit_name: row.get(5)?,
            officers: Vec::new(),
            inspection: inspection.map(|id| id.0),
            begun: inspection.is_some(),
            finished,
            approved: row.get(8)?,
            late: !finished && due.as_deref().is_some_and(|due| due < today),
            due,
        })
    })?;
    let mut work = Vec::new();
    for row in rows {
        let one: Work = row?;
        if areas.readable(AreaId(one.area)) {
            work.push(one);
        }
    }
    work.sort_by_key(|one| !one.late);
    Ok(work)
}

/// The officers of a campaign's assignments, in the order of their names.
fn officers(
    sql: &Connection,
    campaign: DocumentId,
) -> Result<HashMap<Uuid, Vec<(AccountId, String)>>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT assigned.id, accounts.id, accounts.name
           FROM documents AS assigned
           JOIN assignees ON assignees.assignment = assigned.id
           JOIN accounts ON accounts.id = assignees.account
          WHERE assigned.campaign = ?1 AND assigned.kind = 'assignment'
          ORDER BY accounts.name, accounts.id",
    )?;
    let rows = statement.query_map([campaign.as_bytes().as_slice()], |row| {
        Ok((
            id::id::<DocumentId>(row, 0)?.0,
            id::id::<AccountId>(row, 1)?,
            row.get(2)?,
        ))
    })?;
    let mut found: HashMap<Uuid, Vec<(AccountId, String)>> = HashMap::new();
    for row in rows {
        let (assignment, account, name) = row?;
        found.entry(assignment).or_default().push((account, name));
    }
    Ok(found)
}
