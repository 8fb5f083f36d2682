//! The review report over real HTTP at 100,000 records: one year after the other of five, by area too, and the
//! list behind one figure. The records are written straight into the tables that the report reads: making
//! 100,000 documents takes hours, and the report opens none of them.
#![expect(clippy::unwrap_used, reason = "a benchmark stops by panicking")]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rusqlite::{Connection, params};
use sokiem_tests::{desk::Desk, town::Small};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Units and their inspections: five each, 100,000 records together.
const UNITS: u128 = 16_667;
const YEARS: std::ops::RangeInclusive<i32> = 2015..=2019;

fn reports(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let town = runtime.block_on(Small::start()).unwrap();
    fill(&town);
    let ask = |path: &str| {
        let desk: &Desk = &town.desk;
        runtime.block_on(desk.get(path)).unwrap()
    };
    let report = ask("/api/v1/report?from=2015&to=2019&as_of=2019-12-31");
    let inspected = report.pointer("/years/4/total/inspected/value").unwrap();
    assert_eq!(report.pointer("/units_total").unwrap(), 16_667);
    assert_eq!(inspected, 16_667);

    let mut group = criterion.benchmark_group("report at 100,000 records");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    for (name, path) in [
        (
            "five years",
            "/api/v1/report?from=2015&to=2019&as_of=2019-12-31",
        ),
        (
            "five years by area",
            "/api/v1/report?from=2015&to=2019&as_of=2019-12-31&by_area=true",
        ),
        (
            "the records behind a figure",
            "/api/v1/report/records?figure=findings_overdue&year=2019&from=2015&to=2019&as_of=2019-12-31",
        ),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| ask(path)));
    }
    group.finish();
}

fn fill(town: &Small) {
    let path = town.folder.path().join(sokiem_server::FILE_NAME);
    let mut sql = Connection::open(path).unwrap();
    let writing = sql.transaction().unwrap();
    let commune = town.commune.as_bytes().to_vec();
    let kinds = ["agency", "enterprise", "school"];
    for n in 0..UNITS {
        // Ids as a clock makes them: ascending, with something random behind.
        let unit = Uuid::from_u128(n << 80 | scattered(n)).as_bytes().to_vec();
        let kind = kinds.get(usize::try_from(n % 3).unwrap()).copied();
        document(&writing, &unit, "unit", &commune, None);
        writing
            .prepare_cached("INSERT INTO report_units VALUES (?1, ?2, NULL, 1, 1, 0, 0, NULL)")
            .unwrap()
            .execute(params![unit, kind])
            .unwrap();
        for year in YEARS {
            writing
                .prepare_cached(
                    "INSERT INTO report_years VALUES (?1, ?2, 1, 1, 1, 1, 0, 1, 1, 'recognised', 'mạnh', 'quy định tỉnh', ?3, ?4, 0, 1)",
                )
                .unwrap()
                .execute(params![unit, year, format!("{}-11-30", year - 1), format!("{year}-11-30")])
                .unwrap();
            let year_n = u128::try_from(year).unwrap();
            let inspection = Uuid::from_u128(scattered(n * 10_000 + year_n) << 48 | n);
            let inspection = inspection.as_bytes().to_vec();
            document(&writing, &inspection, "inspection", &commune, Some(&unit));
            writing
                .prepare_cached(
                    "INSERT INTO report_inspections VALUES (?1, ?2, NULL, ?3, 1, NULL, NULL, 1, 2, 1, ?4, 0)",
                )
                .unwrap()
                .execute(params![unit, inspection, year, format!("{year}-11-15")])
                .unwrap();
        }
    }
    writing.commit().unwrap();
}

fn document(sql: &Connection, id: &[u8], kind: &str, area: &[u8], subject: Option<&[u8]>) {
    sql.prepare_cached(
        "INSERT INTO documents (id, kind, area, heads, changes, bytes, title, search, subject, state, date,
                                conflicts, schema, updated_ms)
         VALUES (?1, ?2, ?3, zeroblob(32), 1, 500, 'Trường Trung học cơ sở', 'truong trung hoc co so', ?4,
                 'finished', '2019-08-05', 0, 1, 0)",
    )
    .unwrap()
    .execute(params![id, kind, area, subject])
    .unwrap();
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

criterion_group!(benches, reports);
criterion_main!(benches);
