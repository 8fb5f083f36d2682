//! What synchronising costs, counted and not timed: exchanges, bytes of bodies before compression, rows that the
//! server writes. The same on every machine, so that a change that loses some of it does not pass unnoticed. A figure
//! above its bound is a cost that came back; look at what it buys before the bound is raised.

use sokiem_client_core::sync::sync_once;
use sokiem_record::edit::Edit;
use sokiem_tests::{bench::records, device::Device, town::Small, wire::Counting};

use crate::size::metric;

const RECORDS: usize = 200;

/// What one synchronisation cost.
#[derive(Debug)]
struct Cost {
    exchanges: u64,
    bytes: u64,
    rows: u64,
}

async fn cost(town: &Small, device: &Device, line: &Counting) -> Cost {
    let url = town.server.url();
    let before = metric(&url, "sokiem_store_rows_written").await;
    let report = sync_once(&device.book, line).await.unwrap();
    assert!(report.verified);
    let (exchanges, bytes) = line.take();
    let rows = metric(&url, "sokiem_store_rows_written").await - before;
    Cost {
        exchanges,
        bytes,
        rows,
    }
}

fn at_most(what: &str, cost: &Cost, exchanges: u64, bytes: u64, rows: u64) {
    println!("{what}: {cost:?}");
    assert!(cost.exchanges <= exchanges, "{what}: {cost:?}");
    assert!(cost.bytes <= bytes, "{what}: {cost:?}");
    assert!(cost.rows <= rows, "{what}: {cost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_a_pull_an_edit_and_nothing_new_cost_no_more_than_they_did() {
    let town = Small::start().await.unwrap();
    let writer = town.officer("lan").await.unwrap();
    writer.sync().await.unwrap();
    for (_, fields) in records::records(RECORDS, 7) {
        let area = sokiem_record::id::AreaId(town.commune);
        writer.book.create_unit(area, &fields).unwrap();
    }
    let line = Counting::new(writer.transport.clone());
    let push = cost(&town, &writer, &line).await;
    at_most("push of 200 records", &push, 1, 375_000, 5_600);

    let reader = town.officer("minh").await.unwrap();
    let line = Counting::new(reader.transport.clone());
    let pull = cost(&town, &reader, &line).await;
    at_most("fresh pull of 200 records", &pull, 1, 367_000, 4);
    let nothing = cost(&town, &reader, &line).await;
    at_most("nothing new", &nothing, 1, 1_024, 2);

    let unit = reader.book.search("don vi", 1).unwrap()[0].document;
    let edit =
        [("staff", 41.into()), ("head_name", "Nguyễn Văn An".into())].map(|(path, value)| {
            Edit::Set {
                path: path.parse().unwrap(),
                value,
            }
        });
    reader.book.edit(unit, None, &edit, None).unwrap();
    let edited = cost(&town, &reader, &line).await;
    at_most("one edit", &edited, 1, 1_024, 20);
}
