//! Two records of one real unit: found, laid side by side, joined; and taken apart again.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use rusqlite::Connection;
use serde::Deserialize;
use sokiem_record::{
    fold::fold,
    id::{DocumentId, Kind},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{field::full_label, settle::words};
use crate::{
    accounts::access::{Caller, by_form},
    app::{App, Shared},
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    pages::{
        again::{Failed, NO_REASON},
        confirm::Confirm,
        frame::{self, Frame, Visitor},
        shown::Shown,
    },
    records::{
        heads,
        joining::{self, Join, Separate},
        record,
        units::{self, Unit},
    },
};

/// Records that are offered at a time.
const OFFERED: usize = 50;

/// Which record the one is joined into.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Words of its name by their beginning, with or without accents.
    #[serde(default)]
    q: String,
    /// The record that stays, once it is chosen.
    #[serde(default)]
    into: String,
}

/// Another unit that may be the same.
struct Offered {
    id: String,
    name: String,
    area_name: String,
    inspections: u64,
}

/// A field in which the two differ.
struct Row {
    path: String,
    label: (String, String),
    gone: Shown,
    kept: Shown,
    taken: bool,
}

/// The record that stays, beside the one that goes.
struct Beside {
    id: Uuid,
    name: String,
    heads: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "record_join.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    id: Uuid,
    name: String,
    heads: String,
    q: &'a str,
    offered: Vec<Offered>,
    beside: Option<Beside>,
    reason: String,
    complaint: Option<String>,
}

/// Find the record that stays, and see the two side by side.
#[utoipa::path(get, path = "/records/{id}/join", tag = "pages", params(("id" = Uuid, Path, description = "The record that goes"), Wanted),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"),
        (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    page(&app, &visitor, id, wanted, None).await
}

async fn page(
    app: &App,
    visitor: &Visitor,
    id: Uuid,
    wanted: Wanted,
    tried: Option<(Failed, JoinForm)>,
) -> Result<Response, Problem> {
    let (caller, asked) = (visitor.caller.clone(), wanted.clone());
    let (name, seen, offered, mut beside) = app
        .store
        .read(move |sql| read(sql, &caller, DocumentId(id), &asked))
        .await?;
    let (mut status, mut complaint, mut reason) = (StatusCode::OK, None, String::new());
    if let Some((failed, form)) = tried {
        let (why, text) = failed.explained()?;
        (status, complaint, reason) = (why, Some(text), form.reason);
        for row in beside.iter_mut().flat_map(|beside| &mut beside.rows) {
            row.taken = form.take.contains(&row.path);
        }
    }
    let page = frame::page(&Page {
        frame: Frame::of(visitor),
        csrf: &visitor.csrf,
        id,
        name,
        heads: seen,
        q: &wanted.q,
        offered,
        beside,
        reason,
        complaint,
    })?;
    Ok((status, page).into_response())
}

type Read = (String, String, Vec<Offered>, Option<Beside>);

fn read(
    sql: &Connection,
    caller: &Caller,
    id: DocumentId,
    wanted: &Wanted,
) -> Result<Read, Problem> {
    let (row, gone) = record::open(sql, caller, id)?;
    if row.kind != Kind::Unit {
        return Err(Problem::not_found());
    }
    caller.areas(sql)?.expect_writable(row.area)?;
    let name = gone.line("name").unwrap_or_default();
    let seen = heads::texts(&row.heads).join(" ");
    let into = wanted.into.parse::<Uuid>().ok();
    let Some(into) = into.filter(|into| *into != id.0) else {
        let offered = offered(sql, caller, id, &name, &wanted.q)?;
        return Ok((name, seen, offered, None));
    };
    let (other, kept) = record::open(sql, caller, DocumentId(into))?;
    if other.kind != Kind::Unit {
        return Err(Problem::not_found());
    }
    let rows = joining::differing(&gone, &kept).into_iter().map(|one| {
        let shown = |value| match one.path.parse() {
            Ok(path) => Shown::at(Kind::Unit, &path, value),
            Err(_) => Shown::of(value),
        };
        Row {
            label: full_label(&one.path),
            gone: shown(&one.gone),
            kept: shown(&one.kept),
            // What only the record says that goes would else be lost from sight.
            taken: one.kept.is_null(),
            path: one.path,
        }
    });
    let beside = Beside {
        id: into,
        name: kept.line("name").unwrap_or_default(),
        heads: heads::texts(&other.heads).join(" "),
        rows: rows.collect(),
    };
    Ok((name, seen, Vec::new(), Some(beside)))
}

/// Units that the visitor may write: what the words find, or without words those that are called the same.
fn offered(
    sql: &Connection,
    caller: &Caller,
    id: DocumentId,
    name: &str,
    words: &str,
) -> Result<Vec<Offered>, Problem> {
    let areas = caller.areas(sql)?;
    let same = fold(name);
    let mut inspected = sql.prepare_cached(
        "SELECT count(*) FROM documents WHERE subject = ?1 AND kind = 'inspection'",
    )?;
    let mut found = Vec::new();
    let is_alike = |unit: &Unit| fold(&unit.name) == same;
    let mut offer = |unit: Unit| {
        if unit.id != id && unit.kind != "joined" && areas.writable(unit.area) {
            found.push(Offered {
                inspections: inspected
                    .query_row([unit.id.as_bytes().as_slice()], |row| row.get(0))?,
                id: unit.id.0.to_string(),
                name: unit.name,
                area_name: unit.area_name,
            });
        }
        Ok(found.len() < OFFERED)
    };
    if words.trim().is_empty() {
        units::each(sql, name, |unit| {
            if is_alike(&unit) {
                return offer(unit);
            }
            Ok(true)
        })?;
    } else {
        units::each(sql, words, offer)?;
    }
    Ok(found)
}

/// The form that joins a record into another one.
#[derive(Default, ToSchema)]
pub(crate) struct JoinForm {
    /// The record that stays.
    into: Uuid,
    /// The fields that it takes over; the field may stand more than once.
    take: Vec<String>,
    reason: String,
    /// The heads of both that were shown, each joined by spaces.
    heads: String,
    into_heads: String,
    csrf: String,
}

impl JoinForm {
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "into" => form.into = value.parse().map_err(|_| Problem::invalid("into: an id"))?,
                "take" => form.take.push(value),
                "reason" => form.reason = value,
                "heads" => form.heads = value,
                "into_heads" => form.into_heads = value,
                "csrf" => form.csrf = value,
                _ => return Err(Problem::invalid("there is no such field")),
            }
        }
        Ok(form)
    }
}

/// Join a record into another one by form.
#[utoipa::path(post, path = "/records/{id}/join", tag = "pages", params(("id" = Uuid, Path, description = "The record that goes")),
    request_body(content = JoinForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Joined: to the record that stays"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 409, content_type = "text/html", description = "One of them has changed: the two again", body = String),
        (status = 422, content_type = "text/html", description = "The two again, with what is wrong", body = String)))]
pub(crate) async fn join(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = JoinForm::read(pairs)?;
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let joined = if form.reason.trim().is_empty() {
        Err(Failed::wrong(NO_REASON))
    } else {
        let body = Join {
            into: form.into,
            heads: words(&form.heads),
            into_heads: words(&form.into_heads),
            take: form.take.clone(),
            reason: form.reason.clone(),
        };
        let state = State(app.clone());
        let joined = joining::join(state, caller.clone(), Path(id), Json(body)).await;
        joined.map_err(Failed::from)
    };
    let Err(failed) = joined else {
        return Ok(Redirect::to(&format!("/records/{}#joined", form.into)).into_response());
    };
    let visitor = Visitor {
        caller,
        csrf: form.csrf.clone(),
    };
    let wanted = Wanted {
        into: form.into.to_string(),
        ..Wanted::default()
    };
    page(&app, &visitor, id, wanted, Some((failed, form))).await
}

/// Ask before two records are taken apart again.
#[utoipa::path(get, path = "/records/{id}/separate", tag = "pages", params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"),
        (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_separate(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let caller = visitor.caller.clone();
    let (name, seen) = app
        .store
        .read(move |sql| {
            let (row, document) = record::open(sql, &caller, DocumentId(id))?;
            if row.kind != Kind::Unit {
                return Err(Problem::not_found());
            }
            caller.areas(sql)?.expect_writable(row.area)?;
            let name = document.line("name").unwrap_or_default();
            Ok((name, heads::texts(&row.heads).join(" ")))
        })
        .await?;
    Confirm::new(
        &visitor,
        (
            "Tách lại thành đơn vị riêng?",
            "Make it a unit of its own again?",
        ),
        format!("/records/{id}/separate"),
    )
    .about(name)
    .happens(
        "Hồ sơ này lại được tính là một đơn vị, với các lần kiểm tra của nó.",
        "It counts as a unit again, with its inspections.",
    )
    .happens(
        "Những giá trị đã lấy sang hồ sơ kia thì ở lại đó; cần thì sửa từng mục.",
        "Values that the other record took over stay there; correct them where needed.",
    )
    .field("heads", seen)
    .typed("reason", "Lý do", "Reason")
    .button("Tách lại", "Separate them")
    .back(format!("/records/{id}"))
    .page()
}

/// The form that takes two records apart again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeparateForm {
    /// The heads that were shown, joined by spaces.
    heads: String,
    reason: String,
    csrf: String,
}

/// Take two records apart again by form.
#[utoipa::path(post, path = "/records/{id}/separate", tag = "pages", params(("id" = Uuid, Path, description = "The record")),
    request_body(content = SeparateForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "It is a unit of its own"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 409, description = "stale"), (status = 422, description = "invalid")))]
pub(crate) async fn separate(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<SeparateForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let body = Separate {
        heads: words(&form.heads),
        reason: form.reason,
    };
    joining::separate(State(app), caller, Path(id), Json(body)).await?;
    Ok(Redirect::to(&format!("/records/{id}")).into_response())
}
