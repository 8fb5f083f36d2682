//! The review report as tables, a year each.

use axum::{extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::layout::{Visitor, escaped, items, page, text};
use crate::{
    app::Shared,
    http::{
        body::{Json, Parameters},
        problem::{Cause, Problem},
    },
    report::endpoint,
};

/// The figures of a row, with what they are called.
const COLUMNS: [(&str, &str); 15] = [
    ("units_in_scope", "Thuộc diện"),
    ("eligible", "Đủ điều kiện xét"),
    ("inspected", "Đã kiểm tra"),
    ("with_protection_force", "Có lực lượng bảo vệ"),
    ("with_plan", "Có phương án bảo vệ"),
    ("with_model", "Có mô hình"),
    ("registered", "Đăng ký"),
    ("submitted", "Nộp hồ sơ"),
    ("recognised", "Được công nhận"),
    ("incidents", "Vụ việc"),
    ("findings_opened", "Tồn tại nêu ra"),
    ("findings_closed", "Đã khắc phục"),
    ("findings_overdue", "Quá hạn"),
    ("commendations_collective", "Khen tập thể"),
    ("commendations_individuals", "Khen cá nhân"),
];

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
    let report = serde_json::to_value(report).map_err(internal)?;
    let totals = report.get("figures").unwrap_or(&Value::Null);
    let mut body = format!(
        "<form method=\"get\" action=\"/report\">Từ năm <input name=\"from\" value=\"{from}\" size=\"5\"> đến <input name=\"to\" value=\"{to}\" size=\"5\"> \
         <button>Xem <small lang=\"en\">Show</small></button></form>"
    );
    if report.get("synthetic") == Some(&Value::Bool(true)) {
        body.push_str("<p class=\"clash\">Có số liệu giả lập để trình diễn. <small lang=\"en\">Some of these records are synthetic.</small></p>");
    }
    body.push_str(&format!(
        "<p>Đơn vị: <strong>{}</strong> · có lực lượng bảo vệ: <strong>{}</strong> · đăng ký xây dựng mô hình: <strong>{}</strong> · khen thưởng: <strong>{}</strong></p>",
        figure(totals.get("units_total")),
        figure(totals.get("units_with_protection_force")),
        figure(totals.get("units_registered_for_model")),
        figure(totals.get("commendations"))
    ));
    body.push_str("<p class=\"en\">„–“: không có số liệu. <span lang=\"en\">no data; 0 means none.</span></p>");
    for year in items(&report, "years") {
        body.push_str(&table(year));
    }
    Ok(page("Báo cáo", Some(&visitor), &body))
}

fn table(year: &Value) -> String {
    let heading: String = COLUMNS
        .iter()
        .map(|(_, name)| format!("<th>{name}</th>"))
        .collect();
    let rows: String = items(year, "rows")
        .chain(year.get("total"))
        .map(row)
        .collect();
    let number = year.get("year").unwrap_or(&Value::Null);
    format!(
        "<h2>{number}</h2><table><tr><th>Loại hình</th>{heading}<th>Xếp loại</th></tr>{rows}</table>"
    )
}

fn row(row: &Value) -> String {
    let kind = match text(row, "unit_kind") {
        "agency" => "Cơ quan",
        "enterprise" => "Doanh nghiệp",
        "school" => "Nhà trường",
        _ => "Cộng",
    };
    let windows = if row.get("windows_differ") == Some(&Value::Bool(true)) {
        " <small title=\"windows differ\">(các kỳ đánh giá khác nhau)</small>"
    } else {
        ""
    };
    let cells: String = COLUMNS
        .iter()
        .map(|(field, _)| format!("<td class=\"n\">{}</td>", figure(row.get(*field))))
        .collect();
    let classes: Vec<String> = row
        .get("classes")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(class, count)| format!("{}: {}", escaped(class), figure(Some(count))))
        .collect();
    format!(
        "<tr><td>{kind}{windows}</td>{cells}<td>{}</td></tr>",
        classes.join("<br>")
    )
}

/// The number with what it is a part of.
fn figure(figure: Option<&Value>) -> String {
    let number = |field: &str| {
        figure
            .and_then(|figure| figure.get(field))
            .and_then(Value::as_u64)
    };
    match number("value") {
        Some(value) => format!("{value}<small>/{}</small>", number("of").unwrap_or(0)),
        None => "<span class=\"none\">–</span>".to_owned(),
    }
}
