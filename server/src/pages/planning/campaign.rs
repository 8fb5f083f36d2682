//! One campaign: how far it has come, who is to do what in it, and the form to assign more.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use rusqlite::{Connection, params};
use serde::Deserialize;
use sokiem_record::{id::DocumentId, schema::FieldType, words};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::{Areas, by_form},
    app::Shared,
    error::Error,
    http::{
        body::{Json, Parameters},
        problem::{Cause, Problem},
    },
    pages::{
        choices::{Choice, Choices},
        frame::{self, Frame, Visitor},
        record::input,
    },
    records::{
        assignment::{self, NewAssignment},
        list::Filter,
        progress::{self, Part, Progress, Work},
        units,
    },
};

/// Assignments that are listed: the late ones first, then those that are due first.
const LISTED: usize = 300;
/// Units that are offered at a time.
const OFFERED: usize = 200;

/// Which units are offered for assigning.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Units of this area.
    #[serde(default)]
    area: String,
    /// Words by their beginning, with or without accents.
    #[serde(default)]
    q: String,
}

/// A unit that nobody is to inspect in the campaign yet.
struct Offered {
    id: String,
    name: String,
    area_name: String,
    kind: (&'static str, &'static str),
}

#[derive(Template)]
#[template(path = "planning/campaign.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    progress: Progress,
    wanted: Wanted,
    areas: Vec<Choice>,
    officers: Vec<Choice>,
    offered: Vec<Offered>,
    /// There are more units than are offered at a time.
    more: bool,
}

impl Page<'_> {
    /// Where the work of an assignment stands, in words.
    fn state(work: &Work) -> (&'static str, &'static str) {
        match work {
            Work { approved: true, .. } => ("Đã duyệt", "Approved"),
            Work { finished: true, .. } => ("Đã xong", "Finished"),
            Work { late: true, .. } => ("Quá hạn", "Late"),
            Work { begun: true, .. } => ("Đang làm", "Begun"),
            _ => ("Chưa làm", "Not begun"),
        }
    }

    /// The assignments that are listed, and how many are not.
    fn listed(&self) -> (&[Work], usize) {
        let work = &self.progress.work;
        let listed = work.get(..LISTED).unwrap_or(work);
        (listed, work.len() - listed.len())
    }

    /// The parts of the progress, with what a table of them is called.
    fn parts(&self) -> [(&'static str, &'static str, &[Part]); 2] {
        [
            ("Theo địa bàn", "By area", &self.progress.areas),
            ("Theo cán bộ", "By officer", &self.progress.officers),
        ]
    }
}

/// One campaign: progress, assignments, and the form to assign more.
#[utoipa::path(get, path = "/planning/{id}", tag = "pages", params(("id" = Uuid, Path), Wanted),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"),
        (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let Json(progress) =
        progress::get(State(app.clone()), visitor.caller.clone(), Path(id)).await?;
    let filter = Filter {
        area: wanted.area.parse().ok(),
        ..Filter::default()
    };
    let choices = Choices::of(&app, &visitor.caller, &filter).await?;
    let (caller, asked) = (visitor.caller.clone(), wanted.clone());
    let mut offered = app
        .store
        .read(move |sql| offered(sql, &caller.areas(sql)?, DocumentId(id), &asked))
        .await?;
    let more = offered.len() > OFFERED;
    offered.truncate(OFFERED);
    frame::page(&Page {
        frame: Frame::of(&visitor),
        csrf: &visitor.csrf,
        progress,
        wanted,
        areas: choices.areas,
        officers: choices.officers,
        offered,
        more,
    })
}

/// Units that lie where the visitor may write, are of a kind that the campaign is about, and are not assigned in it.
fn offered(
    sql: &Connection,
    areas: &Areas,
    campaign: DocumentId,
    wanted: &Wanted,
) -> Result<Vec<Offered>, Error> {
    let kinds = assignment::kinds(sql, campaign)?;
    let area: Option<Uuid> = wanted.area.parse().ok();
    let mut assigned = sql.prepare_cached(
        "SELECT 1 FROM documents
          WHERE subject = ?1 AND kind = 'assignment' AND campaign = ?2 AND state <> 'cancelled'",
    )?;
    let mut found = Vec::new();
    units::each(sql, &wanted.q, |unit| {
        let kind = kinds.iter().find(|known| **known == unit.kind);
        if let Some(kind) = kind
            && areas.writable(unit.area)
            && area.is_none_or(|area| area == unit.area.0)
            && !assigned.exists(params![
                unit.id.as_bytes().as_slice(),
                campaign.as_bytes().as_slice()
            ])?
        {
            found.push(Offered {
                id: unit.id.0.to_string(),
                name: unit.name,
                area_name: unit.area_name,
                kind: words::names(kind).unwrap_or((kind, kind)),
            });
        }
        Ok(found.len() <= OFFERED)
    })?;
    Ok(found)
}

/// The form that assigns units.
#[derive(Default, ToSchema)]
pub(crate) struct AssignForm {
    /// The units; the field may stand more than once.
    unit: Vec<Uuid>,
    /// The accounts of the officers; the field may stand more than once.
    officer: Vec<Uuid>,
    /// Until when, day first, or empty.
    due: String,
    /// What to look at, or empty.
    note: String,
    csrf: String,
}

impl AssignForm {
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let id = |text: &str| {
            text.parse()
                .map_err(|_| Problem::invalid("unit, officer: ids"))
        };
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "unit" => form.unit.push(id(&value)?),
                "officer" => form.officer.push(id(&value)?),
                "due" => form.due = value,
                "note" => form.note = value,
                "csrf" => form.csrf = value,
                _ => return Err(Problem::invalid("there is no such field")),
            }
        }
        Ok(form)
    }
}

/// Assign units by form.
#[utoipa::path(post, path = "/planning/{id}/assign", tag = "pages", params(("id" = Uuid, Path)),
    request_body(content = AssignForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Assigned"), (status = 403, description = "forbidden"), (status = 422, description = "invalid")))]
pub(crate) async fn assign(
    State(app): Shared,
    headers: HeaderMap,
    Path(campaign): Path<Uuid>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = AssignForm::read(pairs)?;
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let pen = caller.pen(&app);
    let due = input::parse(FieldType::Date, &form.due)
        .map_err(|(vi, en)| Problem::invalid(en).vietnamese(vi))?;
    let due = due.as_str().map(str::to_owned);
    if form.unit.is_empty() {
        return Err(
            Problem::invalid("Choose at least one unit").vietnamese("Hãy chọn ít nhất một đơn vị.")
        );
    }
    app.store
        .write(move |writing| {
            let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
            for unit in form.unit {
                let body = NewAssignment {
                    unit,
                    campaign,
                    due: due.clone(),
                    note: said(&form.note),
                    officers: form.officer.clone(),
                };
                match assignment::assign(writing, pen, &caller, body) {
                    // Somebody else was faster: the page shows who is to go there.
                    Err(problem) if problem.cause() == Cause::Exists => {}
                    done => drop(done?),
                }
            }
            Ok::<_, Problem>(())
        })
        .await?;
    Ok(Redirect::to(&format!("/planning/{campaign}")).into_response())
}
