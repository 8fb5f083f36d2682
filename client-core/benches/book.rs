//! What an officer waits for: a durable save, opening a record, lists and search; and the device's
//! part of a fresh pull of 5,000 records.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a benchmark may fail like a test"
)]

#[path = "../tests/it/model.rs"]
#[expect(dead_code, reason = "the tests use the rest of the model")]
mod model;
#[path = "../tests/it/platform.rs"]
mod platform;

use std::{hint::black_box, path::Path};

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use model::{Server, area};
use platform::{Seeded, TestClock};
use rusqlite::Connection;
use serde_json::json;
use sokiem_client_core::{Book, keys::BookKey, search::Query, sync::sync_once};
use sokiem_record::{
    edit::Edit,
    id::{DocumentId, Kind},
};

const FEW_WORDS: &[&str] = &[
    "Đại Điền",
    "Thạnh Phong",
    "Mỹ Hưng",
    "An Nhơn",
    "Giao Thạnh",
    "Bình Thạnh",
];

fn sync(book: &Book, server: &Server) {
    let report = sync_once(book, server).now_or_never().map(Result::ok);
    assert!(report.flatten().is_some_and(|report| report.verified));
}

fn new_book() -> Book {
    Book::in_memory(TestClock::at(1_700_000_000_000), Seeded::new(7))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn fill(book: &Book, count: usize) -> Vec<DocumentId> {
    (0..count)
        .map(|number| {
            let place = FEW_WORDS[number % FEW_WORDS.len()];
            let fields = json!({
                "name": format!("Trường THCS {place} {number}"), "unit_kind": "school", "staff": 40, "learners": 800,
                "address": format!("Ấp {number}, xã {place}, huyện Thạnh Phú"), "head_name": "Nguyễn Văn A",
            });
            let fields = fields.as_object().cloned().unwrap_or_default();
            book.create_unit(area(1), &fields).map(|saved| saved.document).unwrap_or_else(|error| panic!("{error}"))
        })
        .collect()
}

fn set(path: &str, value: u32) -> Edit {
    let path = path.parse().unwrap_or_else(|error| panic!("{error}"));
    Edit::Set {
        path,
        value: value.into(),
    }
}

/// A book in a file: as officers have it, or without encryption, to see what that costs.
fn in_file(path: &Path, encrypted: bool) -> Book {
    let (clock, random) = (TestClock::at(1_700_000_000_000), Seeded::new(7));
    let opened = if encrypted {
        let key = BookKey::from_bytes([7; 32]);
        Book::open(path, &key, clock, random).map(|opened| opened.book)
    } else {
        Connection::open(path)
            .map_err(Into::into)
            .and_then(|connection| Book::from_connection(connection, clock, random))
    };
    opened.unwrap_or_else(|error| panic!("{error}"))
}

const BOTH: [(&str, bool); 2] = [("encrypted", true), ("plain", false)];

fn save(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("durable save");
    for (name, encrypted) in BOTH {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let book = in_file(&folder.path().join("book.db"), encrypted);
        sync(&book, &Server::new(&[area(1)]));
        // One document per few saves, as in the field: not one with thousands of changes.
        group.bench_function(name, |bench| {
            let mut number = 0;
            let mut unit = fill(&book, 1)[0];
            bench.iter(|| {
                number += 1;
                if number % 50 == 0 {
                    unit = fill(&book, 1)[0];
                }
                black_box(book.edit(unit, None, &[set("staff", number)], None).is_ok())
            });
        });
    }
}

fn open(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("open a record");
    for changes in [1_u32, 50, 1_000] {
        let (book, server) = (new_book(), Server::new(&[area(1)]));
        sync(&book, &server);
        let unit = fill(&book, 1)[0];
        for number in 1..changes {
            let _ = book.edit(unit, None, &[set("staff", number)], None);
        }
        sync(&book, &server);
        // A device that pulled it afterwards holds it as one snapshot.
        let other = new_book();
        sync(&other, &server);
        group.bench_function(BenchmarkId::from_parameter(changes), |bench| {
            bench.iter(|| black_box(other.get(unit).is_ok()));
        });
    }
}

fn lists(bench: &mut Criterion) {
    let (book, server) = (new_book(), Server::new(&[area(1)]));
    sync(&book, &server);
    fill(&book, 5_000);
    let query = Query {
        kind: Some(Kind::Unit),
        limit: Some(50),
        ..Query::default()
    };
    bench.bench_function("list 50 of 5,000", |bench| {
        bench.iter(|| black_box(book.list(&query).map(|rows| rows.len())))
    });
    let all = Query {
        kind: Some(Kind::Unit),
        ..Query::default()
    };
    bench.bench_function("list all 5,000", |bench| {
        bench.iter(|| black_box(book.list(&all).map(|rows| rows.len())))
    });
    bench.bench_function("search 5,000, many found", |bench| {
        bench.iter(|| black_box(book.search("dai dien", 50).map(|rows| rows.len())));
    });
    bench.bench_function("search 5,000, one found", |bench| {
        bench.iter(|| black_box(book.search("thcs 4321", 50).map(|rows| rows.len())));
    });
}

/// Opening checks every page: the price of noticing damage before the officer does. Search in a file that
/// was just opened reads its pages from there.
fn open_book(bench: &mut Criterion) {
    let server = Server::new(&[area(1)]);
    let source = new_book();
    sync(&source, &server);
    fill(&source, 5_000);
    sync(&source, &server);
    let folder = tempfile::tempdir().unwrap();
    for (name, encrypted) in BOTH {
        let path = folder.path().join(name);
        sync(&in_file(&path, encrypted), &server);
        bench.bench_function(&format!("open a book of 5,000 records, {name}"), |bench| {
            bench.iter(|| black_box(in_file(&path, encrypted).actor().is_ok()))
        });
        let book = in_file(&path, encrypted);
        bench.bench_function(&format!("search 5,000 in a file, {name}"), |bench| {
            bench.iter(|| black_box(book.search("thcs 4321", 50).map(|rows| rows.len())));
        });
    }
}

/// With the model's server in the same thread: its part is counted too.
fn pull(bench: &mut Criterion) {
    let (book, server) = (new_book(), Server::new(&[area(1)]));
    sync(&book, &server);
    fill(&book, 5_000);
    sync(&book, &server);
    let mut group = bench.benchmark_group("pull");
    group.sample_size(10);
    group.bench_function("fresh, 5,000 records", |bench| {
        bench.iter_batched(
            new_book,
            |fresh| sync(&fresh, &server),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("nothing new", |bench| bench.iter(|| sync(&book, &server)));
}

criterion_group!(benches, save, open, open_book, lists, pull);
criterion_main!(benches);
