//! One assignment: until when, by whom, what to look at; or that it is called off.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use rusqlite::Connection;
use serde_json::Value;
use sokiem_record::{
    id::{AccountId, AreaId, DocumentId, Kind},
    schema::FieldType,
    words,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::{Caller, by_form},
    app::{App, Shared},
    error::Error,
    http::{body::Json, problem::Problem},
    pages::{
        again::{Failed, NO_REASON},
        choices::Choice,
        frame::{self, Frame, Visitor},
        record::{input, settle},
    },
    records::{
        assignment::{self, AssignmentChange},
        heads, record,
    },
    store::id,
    sync::{scope, stored},
};

/// What stands in the form.
#[derive(Default)]
struct Typed {
    due: String,
    note: String,
    officers: Vec<Uuid>,
    reason: String,
}

/// An assignment as its page shows it.
struct Stands {
    id: Uuid,
    campaign: Uuid,
    campaign_name: String,
    unit: Uuid,
    unit_name: String,
    cancelled: bool,
    writable: bool,
    heads: String,
    typed: Typed,
    /// Who has the area of the unit, and who is to do it without having it any more.
    officers: Vec<(Uuid, String)>,
}

#[derive(Template)]
#[template(path = "planning/assignment.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    stands: Stands,
    officers: Vec<Choice>,
    complaint: Option<String>,
}

/// One assignment.
#[utoipa::path(get, path = "/planning/assignments/{id}", tag = "pages", params(("id" = Uuid, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"),
        (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    page(&app, &visitor, id, None).await
}

/// The page, with what was typed before and what was wrong with it.
async fn page(
    app: &App,
    visitor: &Visitor,
    id: Uuid,
    tried: Option<(Typed, Failed)>,
) -> Result<Response, Problem> {
    let caller = visitor.caller.clone();
    let mut stands = app
        .store
        .read(move |sql| stands(sql, &caller, DocumentId(id)))
        .await?;
    let (mut status, mut complaint) = (StatusCode::OK, None);
    if let Some((typed, failed)) = tried {
        let (why, text) = failed.explained()?;
        stands.typed = typed;
        (status, complaint) = (why, Some(text));
    }
    let officers = stands.officers.iter().map(|(account, name)| Choice {
        value: account.to_string(),
        name: name.clone(),
        chosen: stands.typed.officers.contains(account),
    });
    let page = frame::page(&Page {
        frame: Frame::of(visitor),
        csrf: &visitor.csrf,
        officers: officers.collect(),
        stands,
        complaint,
    })?;
    Ok((status, page).into_response())
}

fn stands(sql: &Connection, caller: &Caller, id: DocumentId) -> Result<Stands, Problem> {
    let (row, document) = record::open(sql, caller, id)?;
    if row.kind != Kind::Assignment {
        return Err(Problem::not_found());
    }
    let contents = document.contents();
    let text = |field: &str| contents.fields.get(field).and_then(Value::as_str);
    let refers = |field: &str| text(field).and_then(|id| id.parse::<Uuid>().ok());
    let (Some(unit), Some(campaign)) = (refers("unit"), refers("campaign")) else {
        return Err(Problem::not_found());
    };
    let chosen: Vec<Uuid> = assignment::officers(&document)
        .into_iter()
        .map(|(_, account)| account)
        .collect();
    Ok(Stands {
        id: id.0,
        campaign,
        campaign_name: name(sql, campaign)?,
        unit,
        unit_name: name(sql, unit)?,
        cancelled: contents.summary.state == assignment::CANCELLED,
        writable: caller.areas(sql)?.writable(row.area),
        heads: heads::texts(&row.heads).join(" "),
        officers: officers(sql, row.area, &chosen)?,
        typed: Typed {
            due: text("due").and_then(words::date).unwrap_or_default(),
            note: text("note").unwrap_or_default().to_owned(),
            officers: chosen,
            reason: String::new(),
        },
    })
}

/// What lists call a record.
fn name(sql: &Connection, record: Uuid) -> Result<String, Error> {
    let row = stored::find(sql, DocumentId(record))?;
    let Some(row) = row else {
        return Ok("…".to_owned());
    };
    Ok(stored::open(sql, &row)?.line("name").unwrap_or_default())
}

/// The officers who have an area, and those who were chosen before, in the order of their names.
fn officers(sql: &Connection, area: AreaId, chosen: &[Uuid]) -> Result<Vec<(Uuid, String)>, Error> {
    let there = scope::accounts_over(sql, area)?;
    let mut statement = sql.prepare_cached(
        "SELECT id, name, role = 'officer' AND active FROM accounts ORDER BY name, id",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((id::id::<AccountId>(row, 0)?, row.get(1)?, row.get(2)?))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (account, name, goes): (AccountId, String, bool) = row?;
        if chosen.contains(&account.0) || (goes && there.contains(&account)) {
            found.push((account.0, name));
        }
    }
    Ok(found)
}

/// The form that changes an assignment or calls it off.
#[derive(Default, ToSchema)]
#[schema(as = AssignmentChangeForm)]
pub(crate) struct ChangeForm {
    /// `save`, `cancel` or `resume`.
    act: String,
    /// Until when, day first, or empty.
    due: String,
    /// What to look at, or empty.
    note: String,
    /// The accounts of the officers; the field may stand more than once.
    officer: Vec<Uuid>,
    reason: String,
    /// The heads that were shown, joined by spaces.
    heads: String,
    csrf: String,
}

impl ChangeForm {
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "act" => form.act = value,
                "due" => form.due = value,
                "note" => form.note = value,
                "officer" => form.officer.push(
                    value
                        .parse()
                        .map_err(|_| Problem::invalid("officer: an id"))?,
                ),
                "reason" => form.reason = value,
                "heads" => form.heads = value,
                "csrf" => form.csrf = value,
                _ => return Err(Problem::invalid("there is no such field")),
            }
        }
        if !matches!(form.act.as_str(), "save" | "cancel" | "resume") {
            return Err(Problem::invalid("act: save, cancel or resume"));
        }
        Ok(form)
    }

    /// What was typed as a change.
    fn change(&self) -> Result<AssignmentChange, Failed> {
        let due = input::parse(FieldType::Date, &self.due).map_err(Failed::wrong)?;
        if self.reason.trim().is_empty() {
            return Err(Failed::wrong(NO_REASON));
        }
        Ok(AssignmentChange {
            heads: settle::words(&self.heads),
            due: due.as_str().map(str::to_owned),
            note: Some(self.note.trim().to_owned()).filter(|note| !note.is_empty()),
            officers: self.officer.clone(),
            cancelled: self.act == "cancel",
            reason: self.reason.clone(),
        })
    }
}

/// Change an assignment, or call it off, by form.
#[utoipa::path(post, path = "/planning/assignments/{id}", tag = "pages", params(("id" = Uuid, Path)),
    request_body(content = ChangeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Changed: to the campaign"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 409, content_type = "text/html", description = "Somebody was faster: the form again", body = String),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn change(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = ChangeForm::read(pairs)?;
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let changed = match form.change() {
        Ok(body) => {
            let state = State(app.clone());
            assignment::change(state, caller.clone(), Path(id), Json(body))
                .await
                .map_err(Failed::from)
        }
        Err(wrong) => Err(wrong),
    };
    let visitor = Visitor {
        caller,
        csrf: form.csrf,
    };
    if let Err(failed) = changed {
        let typed = Typed {
            due: form.due,
            note: form.note,
            officers: form.officer,
            reason: form.reason,
        };
        return page(&app, &visitor, id, Some((typed, failed))).await;
    }
    let caller = visitor.caller;
    let campaign = app
        .store
        .read(move |sql| Ok::<_, Problem>(stands(sql, &caller, DocumentId(id))?.campaign))
        .await?;
    Ok(Redirect::to(&format!("/planning/{campaign}#work")).into_response())
}
