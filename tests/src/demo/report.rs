//! The report as text for a terminal: Vietnamese first, with its denominators.

use serde_json::Value as Json;

/// The report in lines.
pub fn lines(report: &Json) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!(
            "BÁO CÁO SƠ KẾT {}–{} · REVIEW REPORT",
            report["from"], report["to"]
        ),
        "(hồ sơ mô phỏng · all records are synthetic)".to_owned(),
        String::new(),
        headline(
            "Đơn vị thuộc diện kiểm tra · units in scope",
            &report["figures"]["units_total"],
        ),
        headline(
            "Có lực lượng bảo vệ · with a protection force",
            &report["figures"]["units_with_protection_force"],
        ),
        headline(
            "Đăng ký xây dựng mô hình · registered for the model",
            &report["figures"]["units_registered_for_model"],
        ),
        format!(
            "  {:58} {}",
            "Khen thưởng tập thể, cá nhân · commendations",
            number(&report["commendations"])
        ),
        String::new(),
        row([
            "Năm · year",
            "loại · kind",
            "kiểm tra",
            "đăng ký",
            "công nhận",
            "mạnh",
            "sự việc",
            "tồn tại",
            "quá hạn",
        ]
        .map(str::to_owned)),
        row([
            "",
            "",
            "inspected",
            "registered",
            "recognised",
            "strong",
            "incidents",
            "findings",
            "overdue",
        ]
        .map(str::to_owned)),
    ];
    for year in report["years"].as_array().into_iter().flatten() {
        for one in year["rows"].as_array().into_iter().flatten() {
            lines.push(figures(&year["year"], kind(&one["unit_kind"]), one));
        }
        let mark = if year["total"]["windows_differ"] == true {
            "tổng *"
        } else {
            "tổng"
        };
        lines.push(figures(&year["year"], mark, &year["total"]));
    }
    lines.push(String::new());
    lines.push("  – : không có số liệu · no data (khác với 0 · not the same as 0)".to_owned());
    lines.push("  * : cơ quan, doanh nghiệp tính 30/11–30/11, trường học tính theo năm học · windows differ by kind".to_owned());
    lines
}

fn headline(name: &str, figure: &Json) -> String {
    format!("  {name:58} {}/{}", number(&figure["value"]), figure["of"])
}

fn figures(year: &Json, kind: &str, row_: &Json) -> String {
    let share = |name: &str| format!("{}/{}", number(&row_[name]["value"]), row_[name]["of"]);
    let plain = |name: &str| number(&row_[name]["value"]);
    let mut classes = row_["classes"].as_array().into_iter().flatten();
    let strong = classes.find(|class| class["label"] == "mạnh");
    row([
        year.to_string(),
        kind.to_owned(),
        share("inspected"),
        share("registered"),
        share("recognised"),
        strong.map_or_else(|| "–".to_owned(), |class| number(&class["value"])),
        plain("incidents"),
        plain("findings_opened"),
        plain("findings_overdue"),
    ])
}

fn row(cells: [String; 9]) -> String {
    let [year, kind, rest @ ..] = cells;
    let rest: Vec<String> = rest.iter().map(|cell| format!("{cell:>11}")).collect();
    format!("  {year:11} {kind:13} {}", rest.join(" "))
}

fn kind(kind: &Json) -> &'static str {
    match kind.as_str() {
        Some("agency") => "cơ quan",
        Some("enterprise") => "doanh nghiệp",
        Some("school") => "trường học",
        _ => "chưa rõ",
    }
}

fn number(value: &Json) -> String {
    if value.is_null() {
        "–".to_owned()
    } else {
        value.to_string()
    }
}
