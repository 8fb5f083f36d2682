//! Retention: the rules, what they would purge now, what they have purged, and what is held.

use std::collections::HashMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sokiem_record::words;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Place, account_page::Sure};
use crate::{
    accounts::{access::by_form, account},
    app::{App, Shared},
    areas::area,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    pages::{
        confirm::Confirm,
        frame::{self, Frame, Visitor},
    },
    retention::{
        endpoint::{self, Confirmed, Rules, Run, Which},
        hold::{self, Hold, NewHold},
        plan::{Count, Report},
    },
};

#[derive(Template)]
#[template(path = "admin/retention.html")]
struct Page<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    rules: &'a Rules,
    due: &'a Report,
    runs: &'a [Run],
    /// The last run on the page, where there may be more.
    more: Option<Uuid>,
    holds: &'a [Hold],
    areas: HashMap<Uuid, String>,
    people: HashMap<Uuid, String>,
}

/// A rule by its names, and its period: a number and what it counts.
type Period = (
    &'static str,
    &'static str,
    Option<(u32, &'static str, &'static str)>,
);

impl Page<'_> {
    fn periods(&self) -> [Period; 6] {
        let years = |count| (count, "năm", "years");
        let days = |count| (count, "ngày", "days");
        let rules = self.rules;
        [
            (
                "Biên bản và phân công",
                "Inspections and assignments",
                rules.inspections_years.map(years),
            ),
            (
                "Đơn vị đã đóng",
                "Closed units",
                rules.closed_units_years.map(years),
            ),
            (
                "Thay đổi bị từ chối",
                "Refused changes",
                rules.quarantine_days.map(days),
            ),
            (
                "Tên thiết bị đã thu hồi",
                "Names of revoked devices",
                rules.revoked_devices_days.map(days),
            ),
            (
                "Tệp không thuộc hồ sơ nào",
                "Files that belong to no record",
                rules.loose_attachments_days.map(days),
            ),
            ("Nhật ký kiểm soát", "Audit log", rules.audit_days.map(days)),
        ]
    }

    fn area(&self, id: &Uuid) -> &str {
        self.areas.get(id).map_or("…", String::as_str)
    }

    fn person(&self, id: &Uuid) -> &str {
        self.people.get(id).map_or("…", String::as_str)
    }
}

/// What a rule is called.
fn rule(name: &str) -> (&'static str, &'static str) {
    match name {
        "inspections_years" => ("Biên bản và phân công", "Inspections and assignments"),
        "closed_units_years" => ("Đơn vị đã đóng", "Closed units"),
        _ => ("Quy tắc khác", "Another rule"),
    }
}

/// What a kind of record is called.
fn kind(count: &Count) -> (&'static str, &'static str) {
    words::names(&count.kind).unwrap_or(("hồ sơ", "record"))
}

/// Runs on a page.
const RUNS: usize = 20;

/// Retention as a page.
#[utoipa::path(get, path = "/admin/retention", tag = "pages", params(Which),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Parameters(which): Parameters<Which>,
) -> Result<Response, Problem> {
    let caller = || visitor.caller.clone();
    let Json(rules) = endpoint::rules(State(app.clone()), caller()).await?;
    let Json(due) = endpoint::preview(State(app.clone()), caller()).await?;
    let which = Parameters(Which {
        limit: u32::try_from(RUNS).ok(),
        ..which
    });
    let Json(runs) = endpoint::runs(State(app.clone()), caller(), which).await?;
    let Json(holds) = hold::list(State(app.clone()), caller()).await?;
    let Json(areas) = area::list(State(app.clone()), caller()).await?;
    let Json(people) = account::list(State(app), caller()).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/retention"),
        rules: &rules,
        due: &due,
        more: runs.last().filter(|_| runs.len() == RUNS).map(|run| run.id),
        runs: &runs,
        holds: &holds,
        areas: areas.into_iter().map(|area| (area.id, area.name)).collect(),
        people: people.into_iter().map(|one| (one.id, one.name)).collect(),
    })
}

/// Ask before the rules are run.
#[utoipa::path(get, path = "/admin/retention/run", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn ask_run(State(app): Shared, visitor: Visitor) -> Result<Response, Problem> {
    let Json(due) = endpoint::preview(State(app), visitor.caller.clone()).await?;
    let documents = due.documents.len();
    Confirm::new(&visitor, ("Tiêu hủy phần hết thời hạn?", "Purge what is due?"), "/admin/retention/run")
        .about(format!("{documents} hồ sơ · {} thay đổi bị từ chối · {} dòng nhật ký · {} tệp không thuộc hồ sơ nào", due.quarantine, due.audit, due.attachments))
        .happens("Hồ sơ cùng lịch sử và ảnh của chúng bị xoá khỏi máy chủ. Không hoàn tác được.", "The records go with their history and photos. This is not undone.")
        .happens("Thiết bị gỡ bản sao ở lần đồng bộ tới, và không đưa chúng trở lại được.", "Devices remove their copies with their next exchange, and can't bring them back.")
        .happens("Bản sao lưu cũ vẫn còn chứa chúng cho đến khi bản đó bị xoá.", "Older backups still hold them until those backups go.")
        .happens("Hồ sơ đang giữ lại không bị đụng tới. Việc này được ghi vào nhật ký.", "Records under a hold are left alone. The audit log says that you did this.")
        .field("documents", documents.to_string())
        .button("Tiêu hủy", "Purge")
        .back("/admin/retention")
        .page()
}

/// The form that runs the rules.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunForm {
    /// How many documents were shown.
    documents: usize,
    csrf: String,
}

/// Run the rules by form.
#[utoipa::path(post, path = "/admin/retention/run", tag = "pages",
    request_body(content = RunForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Purged"), (status = 403, description = "forbidden"), (status = 409, description = "stale")))]
pub(crate) async fn run(
    State(app): Shared,
    headers: HeaderMap,
    Form(form): Form<RunForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let documents = form.documents;
    endpoint::run(State(app), caller, Json(Confirmed { documents })).await?;
    Ok(to_page())
}

fn to_page() -> Response {
    Redirect::to("/admin/retention").into_response()
}

/// The form that holds a record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldForm {
    /// The record's id, or the address of its page.
    record: String,
    reason: String,
    csrf: String,
}

/// Hold a record by form.
#[utoipa::path(post, path = "/admin/holds", tag = "pages",
    request_body(content = HoldForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Held"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")))]
pub(crate) async fn place(
    State(app): Shared,
    headers: HeaderMap,
    Form(form): Form<HoldForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let last = form.record.trim().rsplit('/').next().unwrap_or_default();
    let id: Uuid = last.parse().map_err(|_| {
        Problem::invalid("record: its id or the address of its page")
            .vietnamese("Hãy dán mã hồ sơ hoặc địa chỉ trang của hồ sơ.")
    })?;
    let reason = form.reason;
    hold::put(State(app), caller, Path(id), Json(NewHold { reason })).await?;
    Ok(to_page())
}

/// Ask before a hold is lifted.
#[utoipa::path(get, path = "/admin/holds/{id}/lift", tag = "pages", params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_lift(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let hold = find(app, &visitor, id).await?;
    Confirm::new(&visitor, ("Thôi giữ lại?", "Lift the hold?"), format!("/admin/holds/{id}/lift"))
        .about(hold.reason)
        .happens("Lần chạy quy tắc tới có thể tiêu hủy hồ sơ này và phần liên quan, nếu đã hết thời hạn.", "The next run of the rules may purge this record and what is about it, if its time is over.")
        .button("Thôi giữ lại", "Lift the hold")
        .back("/admin/retention")
        .page()
}

async fn find(app: std::sync::Arc<App>, visitor: &Visitor, id: Uuid) -> Result<Hold, Problem> {
    let Json(holds) = hold::list(State(app), visitor.caller.clone()).await?;
    let found = holds.into_iter().find(|hold| hold.record == id);
    found.ok_or_else(Problem::not_found)
}

/// Lift a hold by form.
#[utoipa::path(post, path = "/admin/holds/{id}/lift", tag = "pages", params(("id" = Uuid, Path, description = "The record")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Lifted"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn lift(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    hold::delete(State(app), caller, Path(id)).await?;
    Ok(to_page())
}
