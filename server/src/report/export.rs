//! The report as a file: XLSX and CSV. Every figure is a line with its denominator and its missing data.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use rust_xlsxwriter::{Workbook, XlsxError};
use serde::Deserialize;
use sokiem_record::words;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    answer::{Report, Row, Window},
    endpoint::{computed, noted},
    figure::Figure,
    measure::Measure,
    question::{Asked, KindAsked},
};
use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::{self, Action},
    export::{
        Value, csv, file,
        xlsx::{self, Formats},
    },
    http::{body::Parameters, problem::Problem},
};

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReportFormat)]
pub(crate) enum Format {
    /// A workbook.
    Xlsx,
    /// One table as text.
    Csv,
}

/// What is asked for, and as which file.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportAsked {
    /// `xlsx` or `csv`.
    #[param(inline)]
    format: Format,
    /// First year.
    from: i32,
    /// Last year.
    to: i32,
    /// Only this area and what lies below it.
    area: Option<Uuid>,
    /// Only units of this kind.
    #[param(inline)]
    kind: Option<KindAsked>,
    /// A row for each area.
    #[serde(default)]
    by_area: bool,
    /// The day on which deadlines are judged, `YYYY-MM-DD`; today where it is left out.
    as_of: Option<String>,
}

/// The review report as a file.
#[utoipa::path(get, path = "/api/v1/report/export", tag = "report", params(ExportAsked),
    responses((status = 200, description = "XLSX or CSV", content(
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "text/csv"))),
        (status = 400, description = "malformed-query"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn export(
    State(app): Shared,
    caller: Caller,
    Parameters(asked): Parameters<ExportAsked>,
) -> Result<Response, Problem> {
    let format = asked.format;
    let asked = Asked {
        from: asked.from,
        to: asked.to,
        area: asked.area,
        kind: asked.kind,
        by_area: asked.by_area,
        as_of: asked.as_of,
    };
    let question = asked.question(|| app.machine.today())?;
    let (from, to) = (question.from, question.to);
    let entry = noted(Action::ReportExported, &question).by(caller.account);
    let report = app
        .store
        .read(move |sql| computed(sql, &caller, &question))
        .await?;
    let answer = match format {
        Format::Xlsx => {
            let bytes = workbook(&report).map_err(xlsx::failed)?;
            file::answer(&format!("bao-cao-{from}-{to}.xlsx"), file::XLSX, bytes)
        }
        Format::Csv => file::answer(
            &format!("bao-cao-{from}-{to}.csv"),
            file::CSV,
            text(&report),
        ),
    };
    let entry = entry.detail("format", if format == Format::Csv { "csv" } else { "xlsx" });
    app.store
        .write(move |writing| audit::note(writing, entry))
        .await?;
    Ok(answer.into_response())
}

const HEADING: [(&str, u16); 8] = [
    ("Kỳ", 12),
    ("Địa bàn", 24),
    ("Loại hình", 20),
    ("Chỉ tiêu", 34),
    ("Giá trị", 10),
    ("Trên số đơn vị", 12),
    ("Không có số liệu", 12),
    ("Kỳ đánh giá", 44),
];

/// Every figure as a line: that of the period first, then year by year.
fn lines(report: &Report) -> Vec<Vec<Value>> {
    let mut lines = Vec::new();
    let area = report
        .area
        .as_ref()
        .map_or_else(String::new, |area| area.name.clone());
    let kind = report.kind.map_or("Tất cả", |kind| kind.names().0);
    let period = format!("{}–{}", report.from, report.to);
    for (measure, figure) in report.figures.all() {
        let head = [&period, area.as_str(), kind].map(Value::text);
        lines.push(line(head, measure.names().0, figure, ""));
    }
    for year in &report.years {
        let total = (&year.total, area.as_str(), "Cộng");
        let rows = year.rows.iter().map(|row| {
            let area = row.area.as_ref().map_or(area.as_str(), |area| &area.name);
            (row, area, row.unit_kind.map_or("", |kind| kind.names().0))
        });
        for (row, area, kind) in rows.chain([total]) {
            let windows = windows(&row.windows);
            let head = || {
                [
                    Value::Number(f64::from(year.year)),
                    Value::text(area),
                    Value::text(kind),
                ]
            };
            for (measure, figure) in row.figures() {
                lines.push(line(head(), measure.names().0, figure, &windows));
            }
            for class in &row.classes {
                let name = format!("Xếp loại: {}", class.name());
                lines.push(line(head(), &name, &class.figure, &windows));
            }
        }
    }
    lines
}

fn line(head: [Value; 3], name: &str, figure: &Figure, windows: &str) -> Vec<Value> {
    let mut line = Vec::from(head);
    line.extend([
        Value::text(name),
        number(figure.value),
        Value::count(figure.of),
        Value::count(figure.no_data),
        Value::text(windows),
    ]);
    line
}

/// A figure without data is no number: the cell says so.
fn number(value: Option<u64>) -> Value {
    value.map_or_else(|| Value::text("không có số liệu"), Value::count)
}

/// The windows of a row; more than one is said in so many words.
pub(crate) fn windows(windows: &[Window]) -> String {
    let day = |day: &Option<String>| {
        let day = day
            .as_deref()
            .map(|day| words::date(day).unwrap_or_default());
        day.unwrap_or_else(|| "chưa ghi".to_owned())
    };
    let one = |window: &Window| match (&window.start, &window.end) {
        (None, None) => format!("chưa ghi: {} đơn vị", window.units),
        (start, end) => format!("{}–{}: {} đơn vị", day(start), day(end), window.units),
    };
    let all: Vec<String> = windows.iter().map(one).collect();
    if all.len() > 1 {
        format!("Gồm các kỳ khác nhau: {}", all.join("; "))
    } else {
        all.concat()
    }
}

fn text(report: &Report) -> String {
    let mut out = csv::BEGIN.to_owned();
    csv::line(&mut out, &HEADING.map(|(name, _)| Value::text(name)));
    for values in lines(report) {
        csv::line(&mut out, &values);
    }
    out
}

fn workbook(report: &Report) -> Result<Vec<u8>, XlsxError> {
    let formats = Formats::new();
    let mut workbook = Workbook::new();
    summary(&mut workbook, &formats, report)?;
    wide(&mut workbook, &formats, report)?;
    let sheet = workbook.add_worksheet().set_name("Số liệu")?;
    let heading = HEADING.map(|(name, width)| (name.to_owned(), width));
    xlsx::heading(sheet, &formats, 0, &heading)?;
    let mut last = 0;
    for (row, values) in (1_u32..).zip(lines(report)) {
        xlsx::row(sheet, &formats, row, &values)?;
        last = row;
    }
    sheet.autofilter(0, 0, last, 7)?;
    workbook.save_to_buffer()
}

fn summary(workbook: &mut Workbook, formats: &Formats, report: &Report) -> Result<(), XlsxError> {
    let sheet = workbook.add_worksheet().set_name("Tóm tắt")?;
    for (column, width) in [(0, 44), (1, 14), (2, 16), (3, 18)] {
        sheet.set_column_width(column, width)?;
    }
    let title = format!("Báo cáo số liệu {}–{}", report.from, report.to);
    sheet.write_string_with_format(0, 0, title, &formats.title)?;
    let area = report.area.as_ref();
    let area = area.map_or("tất cả địa bàn được xem", |area| &area.name);
    let as_of = words::date(&report.as_of).unwrap_or_default();
    let mut said = vec![
        format!("Địa bàn: {area}"),
        format!(
            "Loại hình: {}",
            report.kind.map_or("tất cả", |kind| kind.names().0)
        ),
        format!("Hạn khắc phục tính đến ngày {as_of}"),
        "“không có số liệu” khác với 0: không ai ghi nhận.".to_owned(),
    ];
    if report.synthetic {
        said.push("Có số liệu giả lập để trình diễn.".to_owned());
    }
    if report.units_with_unsettled_differences > 0 {
        said.push(format!(
            "Còn {} đơn vị có chỗ khác nhau chưa thống nhất: số liệu có thể thay đổi.",
            report.units_with_unsettled_differences
        ));
    }
    let mut row = 1;
    for text in said {
        xlsx::row(sheet, formats, row, &[Value::text(text)])?;
        row += 1;
    }
    row += 1;
    for (column, name) in (0_u16..).zip([
        "Chỉ tiêu cả kỳ",
        "Giá trị",
        "Trên số đơn vị",
        "Không có số liệu",
    ]) {
        sheet.write_string_with_format(row, column, name, &formats.heading)?;
    }
    for (measure, figure) in report.figures.all() {
        row += 1;
        let values = [
            Value::text(measure.names().0),
            number(figure.value),
            Value::count(figure.of),
            Value::count(figure.no_data),
        ];
        xlsx::row(sheet, formats, row, &values)?;
    }
    Ok(())
}

/// The table as it is on the page: a row for each year and kind, three columns for each figure.
fn wide(workbook: &mut Workbook, formats: &Formats, report: &Report) -> Result<(), XlsxError> {
    let sheet = workbook.add_worksheet().set_name("Bảng tổng hợp")?;
    for (column, (name, width)) in (0_u16..).zip([("Năm", 8), ("Địa bàn", 24), ("Loại hình", 20)])
    {
        sheet.set_column_width(column, width)?;
        sheet.merge_range(0, column, 1, column, name, &formats.heading)?;
    }
    for (column, measure) in (3_u16..).step_by(3).zip(Measure::ALL) {
        sheet.merge_range(
            0,
            column,
            0,
            column + 2,
            measure.names().0,
            &formats.heading,
        )?;
        for (part, name) in (column..).zip(["giá trị", "trên", "không có số liệu"]) {
            sheet.write_string_with_format(1, part, name, &formats.heading)?;
        }
    }
    sheet.set_freeze_panes(2, 3)?;
    let mut at = 2;
    for year in &report.years {
        let rows = year.rows.iter().map(|row| (row, false));
        for (row, total) in rows.chain([(&year.total, true)]) {
            let kind = if total {
                if row.windows_differ {
                    "Cộng (các kỳ đánh giá khác nhau)"
                } else {
                    "Cộng"
                }
            } else {
                row.unit_kind.map_or("", |kind| kind.names().0)
            };
            xlsx::row(sheet, formats, at, &wide_row(year.year, kind, row))?;
            at += 1;
        }
    }
    Ok(())
}

fn wide_row(year: i32, kind: &str, row: &Row) -> Vec<Value> {
    let area = row.area.as_ref().map_or("", |area| &area.name);
    let mut values = vec![
        Value::Number(f64::from(year)),
        Value::text(area),
        Value::text(kind),
    ];
    for (_, figure) in row.figures() {
        values.extend([
            number(figure.value),
            Value::count(figure.of),
            Value::count(figure.no_data),
        ]);
    }
    values
}
