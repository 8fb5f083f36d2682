//! The supervisor's desk at 100,000 records over real HTTP: the inbox, lists, search, one record, planning, and the
//! report of five years. The records are real ones: each was pushed through an exchange, with its criteria answered
//! and its findings. Filling takes some minutes. At the end it says what memory the process had before and after.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops by panicking, and prints its figures"
)]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use reqwest::{Client, redirect::Policy};
use serde_bytes::ByteBuf;
use serde_json::{Value, json};
use sokiem_record::{
    criteria,
    edit::{Author, Edit},
    genesis,
    id::{AreaId, DocumentId, Kind},
    wire::DocumentPush,
};
use sokiem_tests::{
    device::Device,
    town::{Small, unit_fields},
};
use tokio::runtime::Runtime;
use uuid::{Builder, Uuid};

/// Units; with an inspection of each in each of the years they make 100,000 records.
const UNITS: u128 = 16_667;
const YEARS: std::ops::RangeInclusive<u128> = 2015..=2019;
/// Units that are assigned in the campaign.
const ASSIGNED: u128 = 1_000;
/// Documents that are built and pushed at a time.
const BATCH: usize = 5_000;
/// What a list is searched for: every name has it.
const WORDS: &str = "giong+luong+1234";

fn desk(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let town = runtime.block_on(Small::start()).unwrap();
    let campaign = runtime.block_on(town.campaign()).unwrap();
    let officer = runtime.block_on(town.officer("lan")).unwrap();
    runtime.block_on(fill(&town, &officer, campaign));

    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let ask = |path: &str| {
        let request = client
            .get(format!("{}{path}", town.server.url()))
            .header("cookie", format!("sokiem_session={}", town.desk.token()));
        runtime.block_on(async {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            answer.bytes().await.unwrap()
        })
    };
    let report = "/api/v1/report?from=2015&to=2019&as_of=2019-12-31";
    let told: Value = serde_json::from_slice(&ask(report)).unwrap();
    let inspected = told.pointer("/years/4/total/inspected/value").unwrap();
    assert_eq!(*inspected, json!(UNITS));

    let (unit, inspection) = (unit_id(4_000), inspection_id(4_000, 2017));
    let overdue = "figure=findings_overdue&year=2019&from=2015&to=2019&as_of=2019-12-31";
    let pages = [
        ("inbox", "/inbox".to_owned()),
        ("list of inspections", "/records?kind=inspection".to_owned()),
        (
            "list of inspections with differences",
            "/records?kind=inspection&has_conflicts=true".to_owned(),
        ),
        (
            "list of units by name",
            "/records?kind=unit&sort=title".to_owned(),
        ),
        ("search in units", format!("/records?kind=unit&q={WORDS}")),
        ("search in everything", format!("/records?q={WORDS}")),
        (
            "search for what most records have",
            "/records?kind=inspection&q=so".to_owned(),
        ),
        ("one inspection", format!("/records/{inspection}")),
        ("one unit", format!("/records/{unit}")),
        ("planning", "/planning".to_owned()),
        ("one campaign", format!("/planning/{campaign}")),
        ("report of five years", report.to_owned()),
        (
            "report of five years by area",
            format!("{report}&by_area=true"),
        ),
        (
            "report of five years as a page",
            "/report?from=2015&to=2019".to_owned(),
        ),
        (
            "the records behind a figure",
            format!("/api/v1/report/records?{overdue}"),
        ),
    ];
    for (_, path) in &pages {
        ask(path);
    }
    let before = resident_mib();
    let mut group = criterion.benchmark_group("desk at 100,000 records");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(5));
    for (name, path) in &pages {
        group.bench_function(*name, |bencher| bencher.iter(|| ask(path)));
    }
    group.finish();
    let after = resident_mib();
    println!("resident memory: {before:.0} MiB after each page once, {after:.0} MiB at the end");
}

async fn fill(town: &Small, officer: &Device, campaign: DocumentId) {
    let author = Author {
        actor: officer.book.actor().unwrap(),
        time_ms: 1_560_000_000_000,
        reason: None,
    };
    let items = criteria::shipped()
        .unwrap()
        .into_iter()
        .find(|set| set.code == "KIEMTRA-CHUNG")
        .unwrap()
        .item_codes();
    let mut pushes = Vec::new();
    for n in 0..UNITS {
        pushes.push(unit(town, &author, n));
        for year in YEARS {
            pushes.push(inspection(town, &author, &items, n, year));
        }
        if pushes.len() >= BATCH || n + 1 == UNITS {
            town.push(officer, std::mem::take(&mut pushes))
                .await
                .unwrap();
        }
    }
    for n in 0..ASSIGNED {
        let body = json!({"unit": unit_id(n), "campaign": campaign, "due": "2019-06-30"});
        town.desk.post("/api/v1/assignments", body).await.unwrap();
    }
}

fn unit(town: &Small, author: &Author, n: u128) -> DocumentPush {
    let fields = unit_fields(usize::try_from(n).unwrap());
    let (mut document, first) = genesis::document(unit_id(n), Kind::Unit, author, &fields).unwrap();
    let edits: Vec<Edit> = YEARS
        .flat_map(|year| {
            [
                ("in_scope", json!(true)),
                ("eligible", json!(true)),
                ("registered_on", json!(format!("{year}-02-10"))),
                ("recognition", json!("recognised")),
                ("classification", json!("mạnh")),
            ]
            .map(|(field, value)| set(&format!("years/{year}.{field}"), value))
        })
        .collect();
    let second = document.edit(author, None, &edits).unwrap().unwrap();
    push(
        town,
        unit_id(n),
        Kind::Unit,
        vec![first.bytes, second.bytes],
    )
}

fn inspection(
    town: &Small,
    author: &Author,
    items: &[String],
    n: u128,
    year: u128,
) -> DocumentPush {
    let id = inspection_id(n, year);
    let set_of = ("KIEMTRA-CHUNG", 1);
    let (mut document, first) =
        genesis::unplanned_inspection(id, unit_id(n), set_of, items, author).unwrap();
    let mut edits = vec![
        set("number", json!(format!("{n}/BB-{year}"))),
        set("inspected_on", json!(format!("{year}-08-05"))),
        set("place", json!("Văn phòng đơn vị")),
        set("finished", json!(true)),
    ];
    edits.extend(
        items
            .iter()
            .map(|item| set(&format!("items/{item}/answer"), json!("pass"))),
    );
    let finding = format!("findings/{}", Uuid::from_u128(scattered(n * 10_000 + year)));
    edits.push(genesis::element(
        finding.parse().unwrap(),
        [
            ("text", json!("Thiếu sổ trực, cần lập lại và ghi hằng ngày")),
            ("deadline", json!(format!("{year}-11-15"))),
            ("state", json!("open")),
        ],
    ));
    let second = document.edit(author, None, &edits).unwrap().unwrap();
    push(town, id, Kind::Inspection, vec![first.bytes, second.bytes])
}

fn set(path: &str, value: Value) -> Edit {
    let path = path.parse().unwrap();
    Edit::Set { path, value }
}

fn push(town: &Small, document: DocumentId, kind: Kind, changes: Vec<Vec<u8>>) -> DocumentPush {
    DocumentPush {
        document,
        kind,
        area: AreaId(town.commune),
        changes: changes.into_iter().map(ByteBuf::from).collect(),
    }
}

/// Ids as clocks make them: units in one year, inspections in theirs.
fn unit_id(n: u128) -> DocumentId {
    id(2014, n)
}

fn inspection_id(n: u128, year: u128) -> DocumentId {
    id(year, n)
}

fn id(year: u128, n: u128) -> DocumentId {
    const YEAR_MS: u128 = 365 * 24 * 3_600_000;
    let ms = u64::try_from((year - 1970) * YEAR_MS + n * 60_000).unwrap();
    let [random @ .., _, _, _, _, _, _] = (scattered(n * 10_000 + year) << 64).to_be_bytes();
    DocumentId(Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
}

/// 64 bits that look random and are the same every time (SplitMix64).
fn scattered(n: u128) -> u128 {
    let mut z = u64::try_from(n)
        .unwrap()
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    u128::from(z ^ (z >> 31))
}

/// The memory of this process, the server's included, in MiB; 0 where the system does not say.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

criterion_group!(benches, desk);
criterion_main!(benches);
