//! Records as files: what a list finds, whole, and harmless for the program that opens it.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use serde_json::{Value, json};
use sokiem_record::id::DocumentId;

use crate::harness::Town;

const HOSTILE: [&str; 3] = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "Trường \u{202e}gpj.exe, \"B\"",
];

/// Units with hostile names, the first with a place and a year, and an inspection of it.
async fn recorded(town: &Town) -> (Vec<DocumentId>, DocumentId) {
    let area = town.communes[0];
    let mut phone = town.phone("lan", &[area]).await;
    let mut ids = Vec::new();
    for name in HOSTILE {
        let unit = phone.unit(area, name);
        ids.push(unit.document);
        phone.sync(vec![unit]).await;
    }
    let place = phone.set(ids[0], "position", json!("geo:9.95,106.53;u=12"));
    let staff = phone.set(ids[0], "staff", json!(31));
    let year = phone.set(ids[0], "years/2019.registered_on", json!("2019-02-01"));
    let inspection = phone.inspection(area, ids[0]);
    let id = inspection.document;
    phone.sync(vec![place, staff, year, inspection]).await;
    let answer = phone.set(id, "items/KIEMTRA-01/answer", json!("pass"));
    let day = phone.set(id, "inspected_on", json!("2019-08-05"));
    phone.sync(vec![answer, day]).await;
    (ids, id)
}

async fn text(town: &Town, query: &str) -> String {
    let path = format!("/api/v1/records/export?{query}");
    String::from_utf8(town.bytes(&town.admin, &path).await).unwrap()
}

/// The cells of a line of CSV that has no line break in a cell.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

#[tokio::test]
async fn a_csv_of_units_is_text_numbers_and_dates_and_nothing_that_acts() {
    let town = Town::new().await;
    let (ids, _) = recorded(&town).await;
    let csv = text(&town, "format=csv&kind=unit&sort=title").await;
    assert!(csv.starts_with('\u{feff}') && !csv.contains('\u{202e}'));
    let lines: Vec<&str> = csv.trim_start_matches('\u{feff}').split("\r\n").collect();
    assert_eq!(lines.len(), 5, "a heading, three units, and the end: {csv}");
    let names = cells(lines[0]);
    assert_eq!(names[0], "Mã hồ sơ");
    let staff = names.iter().position(|name| name == "số người làm việc");
    let of = |id: DocumentId| {
        *lines
            .iter()
            .find(|line| line.starts_with(&id.to_string()))
            .unwrap()
    };
    assert_eq!(cells(of(ids[0]))[staff.unwrap()], "31");
    assert!(
        of(ids[1]).contains(",'=cmd|' /C calc'!A0,"),
        "{}",
        of(ids[1])
    );
    assert!(of(ids[2]).contains("\"Trường [U+202E]gpj.exe, \"\"B\"\"\""));
}

#[tokio::test]
async fn a_workbook_has_a_sheet_for_every_list_and_no_formula() {
    let town = Town::new().await;
    let (ids, inspection) = recorded(&town).await;
    let path = "/api/v1/records/export?format=xlsx&kind=unit&sort=title";
    let mut book = Xlsx::new(Cursor::new(town.bytes(&town.admin, path).await)).unwrap();
    assert_eq!(book.sheet_names(), ["Hồ sơ", "Năm"]);
    let sheet = book.worksheet_range("Hồ sơ").unwrap();
    let column = |name: &str| {
        let heading = sheet.rows().next().unwrap();
        heading
            .iter()
            .position(|cell| *cell == Data::String(name.to_owned()))
            .unwrap()
    };
    let of = |id: DocumentId| {
        let id = Data::String(id.to_string());
        sheet.rows().find(|row| row[0] == id).unwrap()
    };
    assert_eq!(of(ids[0])[column("số người làm việc")], Data::Float(31.0));
    assert_eq!(
        of(ids[1])[column("Tên hoặc số")],
        Data::String(HOSTILE[1].to_owned())
    );
    let years = book.worksheet_range("Năm").unwrap();
    let row = years.rows().nth(1).unwrap();
    assert_eq!(row[3], Data::Float(2019.0));
    assert!(
        row.iter().any(|cell| matches!(cell, Data::DateTime(_))),
        "{row:?}"
    );
    for name in book.sheet_names() {
        assert!(book.worksheet_formula(&name).unwrap().is_empty(), "{name}");
    }
    let path = "/api/v1/records/export?format=xlsx&kind=inspection";
    let mut book = Xlsx::new(Cursor::new(town.bytes(&town.admin, path).await)).unwrap();
    assert_eq!(
        book.sheet_names(),
        ["Hồ sơ", "Tiêu chí", "Vụ việc", "Tồn tại", "Kiến nghị"]
    );
    let items = book.worksheet_range("Tiêu chí").unwrap();
    let row = items.rows().nth(1).unwrap();
    assert_eq!(row[0], Data::String(inspection.to_string()));
    assert_eq!(
        row[3..5],
        [
            Data::String("KIEMTRA-01".into()),
            Data::String("đạt".into())
        ]
    );
}

#[tokio::test]
async fn geojson_has_longitude_first_and_leaves_nobody_out() {
    let town = Town::new().await;
    let (ids, _) = recorded(&town).await;
    let raw = text(&town, "format=geojson&kind=unit").await;
    assert!(!raw.contains('\u{202e}'), "it is escaped");
    let map: Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(map["type"], "FeatureCollection");
    let features = map["features"].as_array().unwrap();
    assert_eq!(features.len(), 3);
    for feature in features {
        assert_eq!(feature["type"], "Feature");
        assert!(feature["properties"].is_object());
        let geometry = &feature["geometry"];
        if feature["id"] == ids[0].to_string() {
            assert_eq!(
                *geometry,
                json!({"type": "Point", "coordinates": [106.53, 9.95]})
            );
            assert_eq!(feature["properties"]["accuracy_m"], 12.0);
        } else {
            assert!(geometry.is_null(), "a place that is not known is none");
        }
    }
    let titles: Vec<_> = features
        .iter()
        .map(|feature| feature["properties"]["title"].as_str().unwrap())
        .collect();
    assert!(
        HOSTILE.iter().all(|name| titles.contains(name)),
        "values are what they are"
    );
}

#[tokio::test]
async fn json_comes_as_an_array_or_line_by_line_with_every_field() {
    let town = Town::new().await;
    let (ids, inspection) = recorded(&town).await;
    let array: Value = serde_json::from_str(&text(&town, "format=json").await).unwrap();
    let array = array.as_array().unwrap();
    let lines: Vec<Value> = text(&town, "format=ndjson")
        .await
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(*array, lines);
    let find = |id: DocumentId| {
        array
            .iter()
            .find(|one| one["id"] == id.to_string())
            .unwrap()
    };
    assert_eq!(find(ids[0])["fields"]["staff"], 31);
    let found = find(inspection);
    assert_eq!(found["subject_title"], HOSTILE[0]);
    assert_eq!(found["fields"]["items"]["KIEMTRA-01"]["answer"], "pass");
    let record = town
        .get(&town.admin, &format!("/api/v1/records/{inspection}"))
        .await
        .expect(200);
    assert_eq!(
        (&found["heads"], &found["fields"]),
        (&record["heads"], &record["fields"])
    );
    let empty = text(&town, "format=json&kind=campaign").await;
    assert_eq!(serde_json::from_str::<Value>(&empty).unwrap(), json!([]));
}

#[tokio::test]
async fn more_records_than_are_open_at_once_come_whole_and_in_the_filter() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut phone = town.phone("lan", &[area]).await;
    let units: Vec<_> = (0..120)
        .map(|n| phone.unit(area, &format!("Đơn vị {n}")))
        .collect();
    let mut ids: Vec<String> = units.iter().map(|unit| unit.document.to_string()).collect();
    phone.sync(units).await;
    let mut found: Vec<String> = text(&town, "format=ndjson&kind=unit")
        .await
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    ids.sort();
    found.sort();
    assert_eq!(found, ids);
    let one = text(&town, "format=ndjson&kind=unit&q=don+vi+119").await;
    assert_eq!(one.lines().count(), 1);
    let path = "/api/v1/records/export?format=xlsx&kind=unit";
    let mut book = Xlsx::new(Cursor::new(town.bytes(&town.admin, path).await)).unwrap();
    assert_eq!(book.worksheet_range("Hồ sơ").unwrap().height(), 121);
}

#[tokio::test]
async fn an_export_keeps_to_the_callers_areas_and_is_noted() {
    let town = Town::new().await;
    let (ids, _) = recorded(&town).await;
    town.account("tam", "supervisor", &[town.communes[1]]).await;
    town.account("minh", "officer", &[town.communes[0]]).await;
    let session = |login: &str| {
        town.post(
            "",
            "/api/v1/session",
            json!({"login": login, "password": crate::harness::PASSWORD}),
        )
    };
    let token = |json: Value| json["token"].as_str().unwrap().to_owned();
    let (tam, minh) = (
        token(session("tam").await.expect(201)),
        token(session("minh").await.expect(201)),
    );
    let path = "/api/v1/records/export?format=ndjson";
    let seen = String::from_utf8(town.bytes(&tam, path).await).unwrap();
    assert!(ids.iter().all(|id| !seen.contains(&id.to_string())));
    assert_eq!(town.get(&minh, path).await.problem(403), "forbidden");
    for wrong in [
        "",
        "?format=doc",
        "?format=csv&nothing=1",
        "?format=csv&area=x",
    ] {
        let answer = town
            .get(&town.admin, &format!("/api/v1/records/export{wrong}"))
            .await;
        assert_eq!(answer.problem(400), "malformed-query", "{wrong}");
    }
    let audit = town
        .get(&town.admin, "/api/v1/audit")
        .await
        .expect(200)
        .to_string();
    assert!(audit.contains("records-exported") && audit.contains("ndjson"));
}
