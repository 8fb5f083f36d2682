//! The report: its figures, the records behind them, its files and its pages.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use serde_json::{Value, json};
use sokiem_record::id::{AreaId, DocumentId};

use crate::{
    harness::{Phone, Town},
    pages::Browser,
};

/// Names that do something where they are not taken for text.
const HOSTILE: [&str; 3] = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "Trường \u{202e}gpj.exe",
];

async fn unit(phone: &mut Phone, area: AreaId, name: &str, fields: &[(&str, Value)]) -> DocumentId {
    let made = phone.unit(area, name);
    let id = made.document;
    let mut pushed = vec![made];
    for (path, value) in fields {
        pushed.push(phone.set(id, path, value.clone()));
    }
    phone.sync(pushed).await;
    id
}

/// Two units in one commune and one in the other: registered, not registered, nobody knows.
async fn recorded(town: &Town) -> [DocumentId; 3] {
    let [here, there] = town.communes;
    let mut phone = town.phone("lan", &[here, there]).await;
    let scope = ("in_inspection_scope", json!(true));
    let class = ("years/2019.classification", json!(HOSTILE[0]));
    let one = [
        scope.clone(),
        ("years/2019.registered_on", json!("2019-02-01")),
        class,
    ];
    let two = [scope.clone(), ("years/2019.model", json!(false))];
    [
        unit(&mut phone, here, HOSTILE[0], &one).await,
        unit(&mut phone, here, HOSTILE[1], &two).await,
        unit(&mut phone, there, HOSTILE[2], &[scope]).await,
    ]
}

const YEAR: &str = "from=2019&to=2019&as_of=2019-12-31";

#[tokio::test]
async fn every_figure_opens_the_records_that_it_counts() {
    let town = Town::new().await;
    let [registered, not, unknown] = recorded(&town).await.map(|id| id.to_string());
    let report = town
        .get(&town.admin, &format!("/api/v1/report?{YEAR}"))
        .await
        .expect(200);
    let figure = &report["years"][0]["total"]["registered"];
    assert_eq!(
        (&figure["value"], &figure["of"], &figure["no_data"]),
        (&json!(1), &json!(3), &json!(1))
    );
    let path = figure["records"].as_str().unwrap();
    for (part, expected) in [("counted", registered), ("zero", not), ("no_data", unknown)] {
        let behind = town
            .get(&town.admin, &format!("{path}&part={part}"))
            .await
            .expect(200);
        let units = behind["units"].as_array().unwrap();
        assert_eq!(units.len(), 1, "{part}: {behind}");
        assert_eq!(units[0]["unit"], expected.as_str());
        assert_eq!(behind["figure"]["of"], 3);
    }
    // Pages neither skip nor repeat.
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let behind = town
            .get(&town.admin, &format!("{path}&part=all&limit=1{after}"))
            .await
            .expect(200);
        seen.push(behind["units"][0]["unit"].as_str().unwrap().to_owned());
        match behind["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn a_report_by_area_and_kind_has_a_row_for_each_and_the_same_total() {
    let town = Town::new().await;
    recorded(&town).await;
    let get = async |query: &str| {
        town.get(&town.admin, &format!("/api/v1/report?{YEAR}{query}"))
            .await
            .expect(200)
    };
    let by_area = get("&by_area=true").await;
    let year = &by_area["years"][0];
    let areas: Vec<_> = year["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["area"]["name"].clone())
        .collect();
    assert_eq!(areas, ["An Điền", "Thạnh Hải"]);
    assert_eq!(year["total"]["units_in_scope"]["value"], 3);
    let path = year["rows"][1]["units_in_scope"]["records"]
        .as_str()
        .unwrap();
    let behind = town.get(&town.admin, path).await.expect(200);
    assert_eq!(behind["units"].as_array().unwrap().len(), 1);
    assert_eq!(behind["units"][0]["area"]["name"], "Thạnh Hải");
    let one = get(&format!("&area={}", town.communes[0])).await;
    assert_eq!(
        (&one["units_total"], &one["area"]["name"]),
        (&json!(2), &json!("An Điền"))
    );
    assert_eq!(get("&kind=school").await["units_total"], Value::Null);
    assert_eq!(get("&kind=agency").await["units_total"], 3);
}

#[tokio::test]
async fn the_workbook_has_numbers_as_numbers_and_text_as_text() {
    let town = Town::new().await;
    recorded(&town).await;
    let path = format!("/api/v1/report/export?format=xlsx&{YEAR}");
    let bytes = town.bytes(&town.admin, &path).await;
    let mut book = Xlsx::new(Cursor::new(bytes)).unwrap();
    assert_eq!(book.sheet_names(), ["Tóm tắt", "Bảng tổng hợp", "Số liệu"]);
    let sheet = book.worksheet_range("Số liệu").unwrap();
    let rows: Vec<&[Data]> = sheet.rows().collect();
    let text = |cell: &Data| cell.to_string();
    assert_eq!(text(&rows[0][3]), "Chỉ tiêu");
    let find = |kind: &str, name: &str| {
        let mut found = rows
            .iter()
            .filter(|row| text(&row[2]) == kind && text(&row[3]) == name);
        found.next().unwrap_or_else(|| panic!("{kind} {name}"))
    };
    let registered = find("Cộng", "Đăng ký");
    assert_eq!(
        registered[4..7],
        [Data::Float(1.0), Data::Float(3.0), Data::Float(1.0)]
    );
    let recognised = find("Cơ quan", "Được công nhận");
    assert_eq!(text(&recognised[4]), "không có số liệu");
    assert!(
        rows.iter()
            .any(|row| text(&row[3]) == format!("Xếp loại: {}", HOSTILE[0]))
    );
    for name in book.sheet_names() {
        assert!(
            book.worksheet_formula(&name).unwrap().is_empty(),
            "{name} has formulas"
        );
    }
}

#[tokio::test]
async fn the_csv_opens_as_utf8_and_says_everything_with_its_denominator() {
    let town = Town::new().await;
    recorded(&town).await;
    let path = format!("/api/v1/report/export?format=csv&{YEAR}");
    let bytes = town.bytes(&town.admin, &path).await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with('\u{feff}'));
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').split("\r\n").collect();
    assert_eq!(
        lines[0],
        "Kỳ,Địa bàn,Loại hình,Chỉ tiêu,Giá trị,Trên số đơn vị,Không có số liệu,Kỳ đánh giá"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("2019,,Cộng,Đăng ký,1,3,1,")),
        "{text}"
    );
    let audit = town
        .get(&town.admin, "/api/v1/audit")
        .await
        .expect(200)
        .to_string();
    assert!(audit.contains("report-exported"));
}

#[tokio::test]
async fn the_pages_show_hostile_names_as_text_and_lead_to_the_records() {
    let town = Town::new().await;
    let [registered, ..] = recorded(&town).await;
    let browser = Browser::sign_in(&town, "admin").await;
    let page = browser.read(&format!("/report?{YEAR}")).await;
    assert!(
        page.contains("<svg") && page.contains("role=\"img\"") && page.contains("Bảng của biểu đồ")
    );
    assert!(page.contains("thiếu 1") && !page.contains("<script>"));
    assert!(!page.contains(" style="), "no inline style");
    let link = page
        .split("href=\"")
        .find(|rest| rest.starts_with("/report/records?figure=registered&#38;"))
        .unwrap();
    let link = link.split('"').next().unwrap().replace("&#38;", "&");
    let behind = browser.read(&link).await;
    assert!(behind.contains(&format!("/records/{registered}")) && !behind.contains("<script>"));
    let all = browser.read(&format!("{link}&part=all")).await;
    assert!(all.contains("[U+202E]gpj.exe") && !all.contains('\u{202e}'));
    assert!(all.contains("=cmd|"), "on a page it is only text");
    let printed = browser
        .read(&format!(
            "/report/print?{YEAR}&body=%3Cb%3EBan&place=Ba+Tri"
        ))
        .await;
    for expected in [
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "&#60;b&#62;Ban",
        "Ba Tri",
        "tính đến ngày 31/12/2019",
        "ký, ghi rõ họ tên",
    ] {
        assert!(printed.contains(expected), "{expected}");
    }
    assert!(!printed.contains("<script>") && !printed.contains("<b>Ban"));
}

#[tokio::test]
async fn a_form_that_was_typed_wrongly_is_answered_with_what_to_do() {
    let town = Town::new().await;
    let browser = Browser::sign_in(&town, "admin").await;
    for query in [
        "from=abc",
        "from=2019&to=2014",
        "as_of=31%2F12%2F2019",
        "kind=x",
        "area=y",
    ] {
        let page = browser.read(&format!("/report?{query}")).await;
        assert!(
            page.contains("role=\"alert\"") && page.contains("bốn chữ số"),
            "{query}"
        );
    }
    let empty = browser.read("/report?from=&to=&area=&kind=&as_of=").await;
    assert!(!empty.contains("role=\"alert\""));
    for query in [
        "figure=nothing&from=2019&to=2019",
        "figure=registered&from=2019&to=2019",
        "figure=registered&year=2018&from=2019&to=2019",
        "figure=class&year=2019&from=2019&to=2019",
    ] {
        let answer = town
            .get(&town.admin, &format!("/api/v1/report/records?{query}"))
            .await;
        assert_eq!(answer.problem(422), "invalid", "{query}");
    }
}

#[tokio::test]
async fn the_report_is_the_same_when_everything_is_computed_again() {
    let town = Town::new().await;
    let [unit, ..] = recorded(&town).await;
    let area = town.communes[0];
    let mut phone = town.phone("minh", &[area]).await;
    phone.sync(Vec::new()).await;
    let inspection = phone.inspection(area, unit);
    let id = inspection.document;
    phone.sync(vec![inspection]).await;
    let day = phone.set(id, "inspected_on", json!("2019-08-05"));
    let done = phone.set(id, "finished", json!(true));
    phone.sync(vec![day, done]).await;
    let path = format!("/api/v1/report?{YEAR}&by_area=true");
    let followed = town.get(&town.admin, &path).await.expect(200);
    assert_eq!(followed["years"][0]["total"]["inspected"]["value"], 1);
    let sql = town.database();
    for table in ["report_units", "report_years", "report_inspections"] {
        assert!(
            sql.execute(&format!("DELETE FROM {table}"), []).unwrap() > 0,
            "{table}"
        );
    }
    sql.execute("DELETE FROM meta WHERE key = 'projection'", [])
        .unwrap();
    drop(sql);
    let town = town.restarted().await;
    let again = town.get(&town.admin, &path).await.expect(200);
    assert_eq!(again, followed);
    // A unit that moves is counted where it lies now.
    let there = town.communes[1];
    let moved = json!({"area": there});
    let answer = town
        .post(&town.admin, &format!("/api/v1/records/{unit}/area"), moved)
        .await;
    assert!(answer.status.is_success(), "{}", answer.json);
    let moved = town
        .get(&town.admin, &format!("/api/v1/report?{YEAR}&area={there}"))
        .await
        .expect(200);
    assert_eq!(moved["units_total"], 2);
}
