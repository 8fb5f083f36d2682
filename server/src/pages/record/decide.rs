//! Deciding about an inspection: the form, and the page that shows what changed where a decision came too late.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use sokiem_record::id::Kind;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    settle::words,
    timeline::{Step, missed},
};
use crate::{
    accounts::access::by_form,
    app::{App, Shared},
    http::{body::Json, problem::Problem},
    pages::{
        again::{Failed, NO_REASON},
        frame::{self, Frame, Visitor},
        shown::Shown,
    },
    records::{
        at::At,
        decision::{self, NewDecision, Reason, Taken, Verdict},
        reading::Reading,
    },
};

/// What the form of a decision carries. Beside these: `reason.CODE`, why, for each criterion.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of a form whose names follow from the record"
)]
pub(crate) struct DecisionForm {
    /// `approved`, `returned` or `reopened`.
    decision: String,
    /// Why, about the whole.
    reason: String,
    /// The heads that were shown, joined by spaces.
    heads: String,
    /// The decision that was shown; empty where there was none.
    previous: String,
    csrf: String,
}

/// What somebody typed.
struct Typed {
    decision: String,
    reason: String,
    /// By criterion, only what is not empty.
    reasons: BTreeMap<String, String>,
    heads: String,
    previous: String,
    csrf: String,
}

impl Typed {
    fn of(mut form: BTreeMap<String, String>) -> Self {
        let mut take = |name: &str| form.remove(name).unwrap_or_default();
        let (decision, reason) = (take("decision"), take("reason"));
        let (heads, previous, csrf) = (take("heads"), take("previous"), take("csrf"));
        let reasons = form.into_iter().filter_map(|(name, text)| {
            let item = name.strip_prefix("reason.")?.to_owned();
            (!text.trim().is_empty()).then_some((item, text))
        });
        Self {
            decision,
            reason,
            reasons: reasons.collect(),
            heads,
            previous,
            csrf,
        }
    }

    fn decision(&self) -> Result<NewDecision, Failed> {
        let verdict = match self.decision.as_str() {
            "approved" => Verdict::Approved,
            "returned" => Verdict::Returned,
            "reopened" => Verdict::Reopened,
            _ => {
                return Err(Failed::wrong((
                    "Hãy chọn quyết định.",
                    "Choose a decision.",
                )));
            }
        };
        if verdict != Verdict::Approved && self.reason.trim().is_empty() && self.reasons.is_empty()
        {
            return Err(Failed::wrong(NO_REASON));
        }
        let previous = match self.previous.as_str() {
            "" => None,
            id => Some(id.parse::<Uuid>().map_err(|_| {
                Failed::wrong(("Biểu mẫu không đọc được.", "The form can't be read."))
            })?),
        };
        let reasons = self.reasons.iter().map(|(item, text)| Reason {
            item: item.clone(),
            text: text.trim().to_owned(),
        });
        Ok(NewDecision {
            decision: verdict,
            heads: words(&self.heads),
            reason: self.reason.trim().to_owned(),
            reasons: reasons.collect(),
            previous: Some(previous),
        })
    }
}

/// Decide about an inspection by form.
#[utoipa::path(post, path = "/records/{id}/decide", tag = "pages", params(("id" = Uuid, Path, description = "The inspection")),
    request_body(content = DecisionForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Decided: to the record"), (status = 404, description = "not-found"),
        (status = 409, content_type = "text/html", description = "The record has changed or somebody decided first: what happened, and the form again", body = String),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn decide(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let typed = Typed::of(form);
    let caller = by_form(&app, &headers, &typed.csrf).await?;
    let visitor = Visitor {
        caller,
        csrf: typed.csrf.clone(),
    };
    match take(&app, &visitor, id, &typed).await {
        Ok(()) => Ok(Redirect::to(&format!("/records/{id}#decision")).into_response()),
        Err(failed) => again(&app, &visitor, id, &typed, failed).await,
    }
}

async fn take(app: &Arc<App>, visitor: &Visitor, id: Uuid, typed: &Typed) -> Result<(), Failed> {
    let decision = typed.decision()?;
    let state = State(Arc::clone(app));
    decision::decide(state, visitor.caller.clone(), Path(id), Json(decision))
        .await
        .map(drop)
        .map_err(Failed::from)
}

#[derive(Template)]
#[template(path = "record_decide.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    title: String,
    reading: &'a Reading,
    heads: String,
    complaint: String,
    /// What arrived, and who decided, while the visitor was looking.
    missed: Vec<Step<'a>>,
    decided: Vec<&'a Taken>,
    typed: &'a Typed,
    /// The criteria with what was typed about each.
    reasons: Vec<ReasonBox<'a>>,
}

/// The box for a reason at a criterion.
struct ReasonBox<'a> {
    code: &'a str,
    text: &'a str,
    typed: &'a str,
}

async fn again(
    app: &Arc<App>,
    visitor: &Visitor,
    id: Uuid,
    typed: &Typed,
    failed: Failed,
) -> Result<Response, Problem> {
    let (status, complaint) = failed.explained()?;
    let reading = Reading::of(app, &visitor.caller, id, At::default()).await?;
    if reading.kind != Kind::Inspection {
        return Err(Problem::not_found());
    }
    let decisions = &reading.decisions;
    let known = decisions
        .iter()
        .position(|taken| taken.id.to_string() == typed.previous);
    let decided = decisions.iter().skip(known.map_or(0, |known| known + 1));
    let set = reading.criteria.as_ref().map_or(&[][..], |set| &set.items);
    let items = reading.value("items").as_object();
    let codes = items.into_iter().flatten().map(|(code, _)| code.as_str());
    let response = frame::page(&Page {
        frame: Frame::of(visitor),
        csrf: &visitor.csrf,
        title: reading.title(),
        heads: reading.now.join(" "),
        complaint,
        missed: missed(&reading, &typed.heads),
        decided: decided.collect(),
        reasons: codes
            .map(|code| ReasonBox {
                code,
                text: set
                    .iter()
                    .find(|item| item.code == code)
                    .map_or("", |item| &item.vi),
                typed: typed.reasons.get(code).map_or("", String::as_str),
            })
            .collect(),
        typed,
        reading: &reading,
    })?;
    Ok((status, response).into_response())
}
