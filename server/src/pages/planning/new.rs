//! A new campaign: what it is called, and by which criteria each kind of unit is inspected.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::Value;
use sokiem_record::{criteria::CriteriaSet, schema::FieldType, typed::UnitKind, words};
use utoipa::ToSchema;

use crate::{
    accounts::access::by_form,
    app::{App, Shared},
    http::{body::Json, problem::Problem},
    pages::{
        admin::areas::{self, Branch},
        again::Failed,
        choices::Choice,
        frame::{self, Frame, Visitor},
        record::input,
    },
    records::{
        campaign::{self, NewCampaign, Set},
        criteria,
    },
};

/// What stands in the form: every field by its name.
type Typed = BTreeMap<String, String>;

/// The fields of one kind of unit.
struct OfKind {
    /// The word of the schema.
    kind: &'static str,
    name: (&'static str, &'static str),
    sets: Vec<Choice>,
    window_start: String,
    window_end: String,
}

#[derive(Template)]
#[template(path = "planning/new.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    typed: &'a Typed,
    areas: Vec<Branch>,
    kinds: Vec<OfKind>,
    complaint: Option<String>,
}

impl Page<'_> {
    /// What was typed in a field.
    fn typed(&self, name: &str) -> &str {
        self.typed.get(name).map_or("", String::as_str)
    }
}

/// The form for a new campaign.
#[utoipa::path(get, path = "/planning/new", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn show(State(app): Shared, visitor: Visitor) -> Result<Response, Problem> {
    page(app, &visitor, Typed::new(), None).await
}

async fn page(
    app: Arc<App>,
    visitor: &Visitor,
    typed: Typed,
    failed: Option<Failed>,
) -> Result<Response, Problem> {
    let caller = visitor.caller.clone();
    let sets = app
        .store
        .read(move |sql| Ok::<_, Problem>(criteria::all(sql, &caller.areas(sql)?)?))
        .await?;
    let (status, complaint) = match failed {
        Some(failed) => failed
            .explained()
            .map(|(status, text)| (status, Some(text)))?,
        None => (StatusCode::OK, None),
    };
    let page = frame::page(&Page {
        frame: Frame::of(visitor),
        csrf: &visitor.csrf,
        areas: areas::own(app, visitor).await?,
        kinds: UnitKind::ALL
            .into_iter()
            .map(|kind| of_kind(kind, &sets, &typed))
            .collect(),
        typed: &typed,
        complaint,
    })?;
    Ok((status, page).into_response())
}

fn of_kind(kind: UnitKind, sets: &[CriteriaSet], typed: &Typed) -> OfKind {
    let word = kind.name();
    let said = |field: &str| typed.get(&format!("{field}.{word}")).cloned();
    let chosen = said("criteria");
    let fitting = sets.iter().filter(|set| set.unit_kinds.contains(&kind));
    OfKind {
        kind: word,
        name: words::names(word).unwrap_or((word, word)),
        sets: fitting
            .map(|set| Choice {
                name: format!("{}: {}", set.reference(), set.title_vi),
                chosen: chosen.as_deref() == Some(&set.reference()),
                value: set.reference(),
            })
            .collect(),
        window_start: said("window_start").unwrap_or_default(),
        window_end: said("window_end").unwrap_or_default(),
    }
}

/// What the form of a campaign carries. Beside these, for each kind of unit: `criteria.KIND`, `window_start.KIND` and
/// `window_end.KIND`.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of a form with names for each kind of unit"
)]
pub(crate) struct CampaignForm {
    area: String,
    name: String,
    year: String,
    issuing_body: String,
    legal_basis: String,
    csrf: String,
}

/// What was typed as a campaign.
fn campaign(typed: &Typed) -> Result<NewCampaign, Failed> {
    let text = |name: &str| typed.get(name).map_or("", |text| text.trim());
    let said = |name: &str| Some(text(name).to_owned()).filter(|text| !text.is_empty());
    let area = text("area")
        .parse()
        .map_err(|_| Failed::wrong(("Hãy chọn địa bàn.", "Choose an area.")))?;
    let year = text("year")
        .parse()
        .ok()
        .filter(|year| (1975..=2200).contains(year))
        .ok_or(Failed::wrong((
            "Hãy nhập năm, bốn chữ số.",
            "Give the year in four digits.",
        )))?;
    let day = |name: &str| {
        input::parse(FieldType::Date, text(name))
            .map(|day: Value| day.as_str().map(str::to_owned))
            .map_err(Failed::wrong)
    };
    let mut sets = BTreeMap::new();
    for kind in UnitKind::ALL {
        let word = kind.name();
        let (window_start, window_end) = (
            day(&format!("window_start.{word}"))?,
            day(&format!("window_end.{word}"))?,
        );
        match said(&format!("criteria.{word}")) {
            Some(criteria) => {
                let set = Set {
                    criteria,
                    window_start,
                    window_end,
                };
                sets.insert(kind, set);
            }
            None if window_start.is_some() || window_end.is_some() => {
                return Err(Failed::wrong((
                    "Có ngày đánh giá nhưng chưa chọn bộ tiêu chí cho loại đơn vị đó.",
                    "A window is given for a kind of unit without criteria.",
                )));
            }
            None => {}
        }
    }
    Ok(NewCampaign {
        area,
        name: text("name").to_owned(),
        year,
        issuing_body: said("issuing_body"),
        legal_basis: said("legal_basis"),
        synthetic: false,
        sets,
    })
}

/// Make a campaign by form.
#[utoipa::path(post, path = "/planning/new", tag = "pages",
    request_body(content = CampaignForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Made: to its page"), (status = 403, description = "forbidden"),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn create(
    State(app): Shared,
    headers: HeaderMap,
    Form(mut typed): Form<Typed>,
) -> Result<Response, Problem> {
    let csrf = typed.remove("csrf").unwrap_or_default();
    let caller = by_form(&app, &headers, &csrf).await?;
    let made = match campaign(&typed) {
        Ok(body) => campaign::create(State(app.clone()), caller.clone(), Json(body))
            .await
            .map_err(Failed::from),
        Err(failed) => Err(failed),
    };
    match made {
        Ok((_, Json(made))) => Ok(Redirect::to(&format!("/planning/{}", made.id)).into_response()),
        Err(failed) => page(app, &Visitor { caller, csrf }, typed, Some(failed)).await,
    }
}
