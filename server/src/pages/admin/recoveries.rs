//! After a restore from a backup: what devices brought back of documents that only the server writes.

use std::collections::HashMap;

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sokiem_record::{labels, words};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Place;
use crate::{
    accounts::access::by_form,
    app::Shared,
    areas::area,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    pages::{
        confirm::Confirm,
        frame::{self, Frame, Visitor},
        shown::Shown,
    },
    recovery::endpoint::{self, Approval, Dismissal, Recovery, Waiting},
};

#[derive(Template)]
#[template(path = "admin/recovery.html")]
struct Page<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    recovery: &'a Recovery,
    areas: HashMap<Uuid, String>,
}

impl Page<'_> {
    fn area(&self, id: &Uuid) -> &str {
        self.areas.get(id).map_or("…", String::as_str)
    }
}

fn kind(waiting: &Waiting) -> (&'static str, &'static str) {
    words::names(&waiting.kind).unwrap_or(("hồ sơ", "record"))
}

/// What waits after a restore, as a page.
#[utoipa::path(get, path = "/admin/recovery", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn list(State(app): Shared, visitor: Visitor) -> Result<Response, Problem> {
    let Json(recovery) = endpoint::list(State(app.clone()), visitor.caller.clone()).await?;
    let Json(areas) = area::list(State(app), visitor.caller.clone()).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/recovery"),
        recovery: &recovery,
        areas: areas.into_iter().map(|area| (area.id, area.name)).collect(),
    })
}

/// What is to be done with which documents.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// `approve` or `dismiss`.
    act: String,
    /// One document; all that wait where absent.
    document: Option<Uuid>,
}

/// Ask before what devices brought back is approved or dismissed.
#[utoipa::path(get, path = "/admin/recovery/confirm", tag = "pages", params(Wanted),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn ask(
    State(app): Shared,
    visitor: Visitor,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let Json(recovery) = endpoint::list(State(app), visitor.caller.clone()).await?;
    let concerned: Vec<&Waiting> = recovery
        .documents
        .iter()
        .filter(|waiting| wanted.document.is_none_or(|id| waiting.document == id))
        .collect();
    if concerned.is_empty() && wanted.document.is_some() {
        return Err(Problem::not_found());
    }
    let approve = wanted.act == "approve";
    let question = match approve {
        true => (
            "Nhận lại phần thiết bị mang về?",
            "Approve what devices brought back?",
        ),
        false => (
            "Bác phần thiết bị mang về?",
            "Dismiss what devices brought back?",
        ),
    };
    let mut page = Confirm::new(&visitor, question, "/admin/recovery");
    for waiting in &concerned {
        page = page.about(format!(
            "{} ({}: {})",
            waiting.title,
            kind(waiting).0,
            waiting.changes
        ));
    }
    let page = match approve {
        true => page
            .happens("Nội dung này trở lại thành của máy chủ, như trước khi khôi phục. Không hoàn tác được.", "It is the server's own again, as before the restore. This is not undone.")
            .happens("Chỉ nhận khi chắc rằng máy chủ đã thật sự viết ra nó: người có thiết bị có thể bịa.", "Approve only what the server surely wrote: who has a device could have made it up.")
            .button("Nhận lại", "Approve"),
        false => page
            .happens("Thiết bị bỏ phần này và không đưa về nữa. Không hoàn tác được.", "Devices drop it and don't bring it again. This is not undone.")
            .typed("reason", "Lý do", "Reason")
            .button("Bác", "Dismiss"),
    };
    let documents: Vec<String> = concerned
        .iter()
        .map(|waiting| waiting.document.to_string())
        .collect();
    page.field("act", if approve { "approve" } else { "dismiss" })
        .field("changes", recovery.changes.to_string())
        .field("documents", documents.join(" "))
        .back("/admin/recovery")
        .page()
}

/// The form that approves or dismisses.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RecoveryForm)]
pub(crate) struct Settlement {
    /// `approve` or `dismiss`.
    act: String,
    /// How many changes waited in all when it was shown.
    changes: usize,
    /// Ids, between spaces.
    documents: String,
    #[serde(default)]
    reason: String,
    csrf: String,
}

/// Approve or dismiss by form.
#[utoipa::path(post, path = "/admin/recovery", tag = "pages",
    request_body(content = Settlement, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done"), (status = 403, description = "forbidden"), (status = 409, description = "stale"), (status = 422, description = "invalid")))]
pub(crate) async fn settle(
    State(app): Shared,
    headers: HeaderMap,
    Form(form): Form<Settlement>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let documents: Vec<Uuid> = form
        .documents
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| Problem::invalid("documents: ids"))?;
    match form.act.as_str() {
        "approve" => {
            let body = Approval {
                changes: form.changes,
                documents: Some(documents),
            };
            endpoint::approve(State(app), caller, Json(body)).await?;
        }
        "dismiss" => {
            let reason = form.reason;
            let body = Dismissal { documents, reason };
            endpoint::dismiss(State(app), caller, Json(body)).await?;
        }
        _ => return Err(Problem::invalid("act: approve or dismiss")),
    }
    Ok(Redirect::to("/admin/recovery").into_response())
}
