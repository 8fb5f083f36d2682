//! The review report as tables, a year each.

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use serde_json::json;

use super::frame::{self, Frame, Visitor};
use crate::{
    app::Shared,
    http::{
        body::{Json, Parameters},
        problem::{Cause, Problem},
    },
    report::{
        answer::{Report, Row},
        endpoint,
        figure::Figure,
    },
};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    frame: Frame<'a>,
    report: &'a Report,
}

impl Row {
    /// The figures of a row, with what they are called.
    fn columns(&self) -> [(&'static str, &'static str, &Figure); 15] {
        [
            ("Thuộc diện", "In scope", &self.units_in_scope),
            ("Đủ điều kiện xét", "Eligible", &self.eligible),
            ("Đã kiểm tra", "Inspected", &self.inspected),
            (
                "Có lực lượng bảo vệ",
                "Protection force",
                &self.with_protection_force,
            ),
            ("Có phương án bảo vệ", "Protection plan", &self.with_plan),
            ("Có mô hình", "Model", &self.with_model),
            ("Đăng ký", "Registered", &self.registered),
            ("Nộp hồ sơ", "Submitted", &self.submitted),
            ("Được công nhận", "Recognised", &self.recognised),
            ("Vụ việc", "Incidents", &self.incidents),
            ("Tồn tại nêu ra", "Findings opened", &self.findings_opened),
            ("Đã khắc phục", "Findings closed", &self.findings_closed),
            ("Quá hạn", "Overdue", &self.findings_overdue),
            (
                "Khen tập thể",
                "Collectives commended",
                &self.commendations_collective,
            ),
            (
                "Khen cá nhân",
                "Individuals commended",
                &self.commendations_individuals,
            ),
        ]
    }

    /// What a row is about.
    fn kind(&self) -> (&'static str, &'static str) {
        match self.unit_kind {
            Some("agency") => ("Cơ quan", "Agencies"),
            Some("enterprise") => ("Doanh nghiệp", "Enterprises"),
            Some("school") => ("Nhà trường", "Schools"),
            _ => ("Cộng", "Total"),
        }
    }
}

/// Which years.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Years {
    /// First year; five years back where it is left out.
    from: Option<i32>,
    /// Last year; this one where it is left out.
    to: Option<i32>,
}

/// The review report as a page.
#[utoipa::path(get, path = "/report", tag = "pages", params(Years),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Parameters(years): Parameters<Years>,
) -> Result<Response, Problem> {
    let today = app.machine.today();
    let this_year: i32 = today
        .split('-')
        .next()
        .and_then(|year| year.parse().ok())
        .unwrap_or(2026);
    let to = years.to.unwrap_or(this_year);
    let from = years.from.unwrap_or(to - 5);
    let internal = |_| Problem::new(Cause::Internal);
    let asked = serde_json::from_value(json!({"from": from, "to": to})).map_err(internal)?;
    let Json(report) = endpoint::get(State(app), visitor.caller.clone(), Parameters(asked)).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        report: &report,
    })
}
