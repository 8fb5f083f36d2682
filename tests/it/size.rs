//! What an exchange costs when a device holds 5,000 documents.

use sokiem_client_core::{search::Query, sync::sync_once};
use sokiem_record::id::Kind;
use sokiem_tests::{town::Small, wire::Counting};

const UNITS: usize = 5_000;

/// A counter of the server's metrics.
pub(crate) async fn metric(base: &str, name: &str) -> u64 {
    let text = reqwest::get(format!("{base}/metrics"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name}_total ")));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    line.split(' ').next_back().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_documents_arrive_in_few_exchanges_and_then_nothing_new_is_nearly_free() {
    let town = Small::start().await.unwrap();
    let writer = town.officer("lan").await.unwrap();
    town.fill(&writer, UNITS).await.unwrap();

    let fresh = town.officer("minh").await.unwrap();
    let line = Counting::new(fresh.transport.clone());
    let report = sync_once(&fresh.book, &line).await.unwrap();
    assert!(report.verified);
    let (exchanges, bytes) = line.take();
    println!("fresh pull: {exchanges} exchanges, {bytes} bytes");
    assert!(exchanges <= 10, "{exchanges} exchanges");

    // Lists and search read the projection; no document has been opened.
    let units = fresh
        .book
        .list(&Query {
            kind: Some(Kind::Unit),
            ..Query::default()
        })
        .unwrap();
    assert_eq!(units.len(), UNITS);
    let found = fresh.book.search("giong luong so 4321", 10).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].title, "Trường Tiểu học Ấp Giồng Luông số 4321");

    let touched = metric(&town.server.url(), "sokiem_documents_touched").await;
    let report = sync_once(&fresh.book, &line).await.unwrap();
    assert!(report.verified);
    let (exchanges, bytes) = line.take();
    println!("nothing new: {exchanges} exchange, {bytes} bytes");
    assert_eq!(exchanges, 1);
    assert!(bytes <= 1024, "{bytes} bytes");
    assert_eq!(
        metric(&town.server.url(), "sokiem_documents_touched").await,
        touched
    );
}
