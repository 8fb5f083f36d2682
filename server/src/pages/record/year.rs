//! A unit's year on a page of its own: registered, self-assessed, dossier, appraised, recognised or not; and,
//! apart from that, classified.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use sokiem_record::{
    edit::Edit,
    id::{DocumentId, Kind},
    regime,
    schema::{self, FieldType, KeyType, Place},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    field::{Field, Fields},
    input::{Input, Sort, parse},
    settle::{correction, edit},
    timeline::{Step, missed},
};
use crate::{
    accounts::access::by_form,
    app::{App, Shared},
    http::problem::Problem,
    pages::{
        again::{Failed, NO_REASON},
        frame::{self, Frame, Visitor},
        shown::Shown,
    },
    records::{
        at::At,
        reading::Reading,
        record,
        year::{self, Year},
    },
};

/// The fields of a year, in the order in which a year goes.
const GROUPS: [(&str, &str, &[&str]); 6] = [
    (
        "Quy định, kỳ đánh giá",
        "Regime and window",
        &[
            "regime",
            "window_start",
            "window_end",
            "in_scope",
            "eligible",
        ],
    ),
    (
        "Điều kiện trong năm",
        "Conditions in the year",
        &["protection_force", "protection_plan", "model"],
    ),
    (
        "Đăng ký, tự đánh giá, hồ sơ, thẩm định",
        "Registration, self-assessment, dossier, appraisal",
        &[
            "registered_on",
            "self_assessed_on",
            "submitted_on",
            "appraised_on",
            "appraisal",
        ],
    ),
    (
        "Công nhận",
        "Recognition",
        &[
            "recognition",
            "recognition_number",
            "recognition_on",
            "recognition_signer",
        ],
    ),
    (
        "Xếp loại (việc riêng, không suy từ công nhận)",
        "Classification (apart from recognition)",
        &[
            "classification_scheme",
            "classification",
            "classification_points",
        ],
    ),
    (
        "Khen thưởng",
        "Commendations",
        &["commended_collective", "commended_individuals"],
    ),
];

/// What the form of a year carries. Beside these: every field of the year by its name, as people type it.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of a form whose names follow from the schema"
)]
pub(crate) struct YearForm {
    reason: String,
    /// The heads that were shown, joined by spaces.
    heads: String,
    csrf: String,
}

struct Group<'a> {
    title: (&'static str, &'static str),
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    field: Field<'a>,
    /// Absent where people differ: that is settled first.
    input: Option<Input>,
}

#[derive(Template)]
#[template(path = "record_year.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    title: String,
    reading: &'a Reading,
    heads: String,
    year: &'a str,
    stands: Year,
    regimes: Vec<String>,
    groups: Vec<Group<'a>>,
    reason: String,
    complaint: Option<String>,
    missed: Vec<Step<'a>>,
}

impl Page<'_> {
    fn writes(&self) -> bool {
        self.reading.writable
    }

    /// What happens in a year, with whether it is recorded.
    fn stages(&self) -> [(bool, &'static str, &'static str); 5] {
        let recorded = |field: &str| self.stands.fields.contains_key(field);
        [
            (recorded("registered_on"), "đăng ký", "registered"),
            (recorded("self_assessed_on"), "tự đánh giá", "self-assessed"),
            (recorded("submitted_on"), "nộp hồ sơ", "dossier submitted"),
            (recorded("appraised_on"), "thẩm định", "appraised"),
            (recorded("recognition"), "có kết quả", "decided"),
        ]
    }

    /// What the fields that a decision lacks are called.
    fn lacking(&self) -> String {
        let names = self.stands.missing.iter();
        let names = names.filter_map(|field| sokiem_record::labels::name(field));
        names.map(|(vi, _)| vi).collect::<Vec<_>>().join(", ")
    }
}

/// A unit's year as a page.
#[utoipa::path(get, path = "/records/{id}/years/{year}", tag = "pages",
    params(("id" = Uuid, Path, description = "The unit"), ("year" = String, Path, description = "The year, four digits")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path((id, year)): Path<(Uuid, String)>,
) -> Result<Response, Problem> {
    page(&app, &visitor, id, &year, BTreeMap::new(), None).await
}

/// Write a unit's year by form: what differs from what was shown, in one change.
#[utoipa::path(post, path = "/records/{id}/years/{year}", tag = "pages",
    params(("id" = Uuid, Path, description = "The unit"), ("year" = String, Path, description = "The year, four digits")),
    request_body(content = YearForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Written: to the year"), (status = 404, description = "not-found"),
        (status = 409, content_type = "text/html", description = "The record does not know the state: the form again", body = String),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn write(
    State(app): Shared,
    headers: HeaderMap,
    Path((id, year)): Path<(Uuid, String)>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let csrf = text("csrf");
    let caller = by_form(&app, &headers, &csrf).await?;
    let visitor = Visitor { caller, csrf };
    // Against what the visitor saw: what others wrote meanwhile is no change of theirs.
    let at = At {
        at: text("heads")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(","),
    };
    let seen = Reading::of(&app, &visitor.caller, id, at).await?;
    expect_year(&seen, &year)?;
    let written = match edits(&seen, &year, &form) {
        Ok(edits) if edits.is_empty() => Err(Failed::wrong((
            "Chưa có gì thay đổi.",
            "Nothing was changed.",
        ))),
        Ok(_) if text("reason").trim().is_empty() => Err(Failed::wrong(NO_REASON)),
        Ok(edits) => correction(&app, &visitor, id, edits, &text("reason"), &text("heads")).await,
        Err(failed) => Err(failed),
    };
    match written {
        Ok(()) => Ok(Redirect::to(&format!("/records/{id}/years/{year}")).into_response()),
        Err(failed) => {
            let (status, complaint) = failed.explained()?;
            let complaint = Some((status, complaint));
            let typed = own(&seen, &year, form);
            page(&app, &visitor, id, &year, typed, complaint).await
        }
    }
}

fn expect_year(reading: &Reading, year: &str) -> Result<(), Problem> {
    if reading.kind == Kind::Unit && KeyType::Year.accepts(year) {
        return Ok(());
    }
    Err(Problem::not_found())
}

fn field_type(path: &str) -> Option<FieldType> {
    match schema::place(Kind::Unit, &path.parse().ok()?) {
        Some(Place::Field(field)) => Some(field),
        _ => None,
    }
}

/// Without the fields that the visitor left as they were: others may have written them since.
fn own(seen: &Reading, year: &str, mut form: BTreeMap<String, String>) -> BTreeMap<String, String> {
    form.retain(|name, typed| {
        let path = format!("years/{year}.{name}");
        field_type(&path)
            .is_none_or(|field| Input::of(field, name, seen.value(&path)).value != *typed)
    });
    form
}

/// What was typed otherwise than it was shown.
fn edits(seen: &Reading, year: &str, form: &BTreeMap<String, String>) -> Result<Vec<Edit>, Failed> {
    let mut edits = Vec::new();
    for name in year::names() {
        let path = format!("years/{year}.{name}");
        let (Some(typed), Some(field)) = (form.get(name), field_type(&path)) else {
            continue;
        };
        let shown = Input::of(field, name, seen.value(&path));
        if *typed != shown.value {
            let value = parse(field, typed).map_err(Failed::wrong)?;
            edits.push(edit(&path, field, value)?);
        }
    }
    Ok(edits)
}

async fn page(
    app: &Arc<App>,
    visitor: &Visitor,
    id: Uuid,
    year: &str,
    typed: BTreeMap<String, String>,
    complaint: Option<(StatusCode, String)>,
) -> Result<Response, Problem> {
    let reading = Reading::of(app, &visitor.caller, id, At::default()).await?;
    expect_year(&reading, year)?;
    let (caller, of) = (visitor.caller.clone(), year.to_owned());
    let stands = app
        .store
        .read(move |sql| {
            let (_, document) = record::open(sql, &caller, DocumentId(id))?;
            Ok::<_, Problem>(year::of(&document, &of)?)
        })
        .await?;
    let fields = Fields::of(&reading, None);
    let entry = |name: &&str| {
        let path = format!("years/{year}.{name}");
        let field = fields.field(&path);
        let input = field_type(&path).filter(|_| field.clash.is_none());
        let input = input.map(|kind| {
            let input = Input::of(kind, name, reading.value(&path));
            match typed.get(*name) {
                Some(typed) => input.with(typed),
                None => input,
            }
        });
        Entry { field, input }
    };
    let (status, complaint) = match complaint {
        Some((status, complaint)) => (status, Some(complaint)),
        None => (StatusCode::OK, None),
    };
    let regimes = regime::shipped().unwrap_or_default();
    let response = frame::page(&Page {
        frame: Frame::of(visitor),
        csrf: &visitor.csrf,
        title: reading.title(),
        heads: reading.now.join(" "),
        year,
        stands,
        regimes: regimes.into_iter().map(|regime| regime.name).collect(),
        groups: GROUPS
            .iter()
            .map(|(vi, en, names)| Group {
                title: (*vi, *en),
                entries: names.iter().map(entry).collect(),
            })
            .collect(),
        reason: typed.get("reason").cloned().unwrap_or_default(),
        complaint,
        missed: typed
            .get("heads")
            .map_or_else(Vec::new, |seen| missed(&reading, seen)),
        reading: &reading,
    })?;
    Ok((status, response).into_response())
}
