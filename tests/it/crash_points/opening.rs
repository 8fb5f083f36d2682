//! Opening: a new book, an old one that has to be upgraded, a damaged one.

use sokiem_client_core::sync::{enrol, http::HttpTransport, sync_once};
use sokiem_disk::{Disk, Fault, Image};
use sokiem_tests::town::{Small, new_unit};

use crate::crash_points::{
    FAULTS, Tried,
    phone::{connect, content, content_of, open, open_damaged},
    seed,
};

const FILE: &str = "/phone/book.sqlite3";
const FIRST_SCHEMA: &str = include_str!("../../../client-core/src/store/schema/001_book.sql");

/// A book that has an officer, units and unsent work.
async fn filled() -> Image {
    let town = Small::start().await.unwrap();
    let account = town
        .desk
        .create_account("lan", "Lan", "officer", None, &[town.commune])
        .await
        .unwrap();
    let code = town.desk.enrolment_code(account).await.unwrap();
    let base = town.server.url();
    let disk = Disk::new(1);
    let book = open(&disk).unwrap();
    let stranger = HttpTransport::new(&base, None).unwrap();
    enrol(&book, &stranger, &base, &code, "máy", "0")
        .await
        .unwrap();
    let key = book.enrolment().unwrap().unwrap().key;
    let line = HttpTransport::new(&base, Some(key)).unwrap();
    sync_once(&book, &line).await.unwrap();
    for n in 0..8 {
        new_unit(&book, town.commune, n).unwrap();
    }
    sync_once(&book, &line).await.unwrap();
    for n in 8..11 {
        new_unit(&book, town.commune, n).unwrap();
    }
    drop(book);
    // Closed, it is one file; its name and no other.
    let bytes = disk.read(FILE).unwrap();
    let disk = Disk::new(1);
    disk.write(FILE, &bytes);
    disk.image()
}

/// Fails every call of opening the book on this disk; in the end it opens and holds `expected`.
fn every_call_of_opening(what: &str, image: &Image, expected: &[String]) {
    let seed = seed();
    let (mut tried, mut call) = (Tried::default(), 0);
    for fault in FAULTS {
        call = 0;
        loop {
            call += 1;
            let disk = Disk::new(seed.wrapping_add(call));
            disk.put_image(image);
            disk.fail_at(call, fault);
            let opened = open(&disk);
            let place = format!("SOKIEM_SEED={seed} {what}, {fault:?} at call {call}");
            if let Err(error) = &opened {
                // A disk that has gone altogether can't be told from a damaged book, and nothing can be set aside on it.
                assert!(
                    fault == Fault::Crash
                        || !(error.is_damage()
                            || matches!(error, sokiem_client_core::Error::WrongKey(_))),
                    "{place}: a sound book was taken for damaged: {error}"
                );
            }
            drop(opened);
            if disk.faults_met() == 0 {
                break;
            }
            tried.add(fault, disk.faults_met());
            // A full disk waits for a call that needs room.
            call = call.max(disk.last_fault());
            disk.forget_faults();
            disk.restart();
            drop(open(&disk).unwrap_or_else(|error| panic!("{place}: {error}")));
            assert!(content(&disk, FILE) == expected, "{place}: another content");
        }
    }
    println!("{what}: {} calls", call - 1);
    tried.report(what);
}

#[test]
fn a_book_that_was_never_finished_begins_anew() {
    let disk = Disk::new(1);
    drop(open(&disk).unwrap());
    disk.restart();
    let expected = content_of(&disk.image());
    every_call_of_opening("a first opening", &Image::default(), &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_that_fails_loses_nothing() {
    let image = filled().await;
    every_call_of_opening("an opening", &image, &content_of(&image));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_of_an_old_book_happens_whole_or_not_at_all() {
    let image = old(&filled().await);
    let disk = Disk::new(1);
    disk.put_image(&image);
    let units = open(&disk).unwrap().search("giong luong", 100).unwrap();
    assert_eq!(units.len(), 11, "the upgrade carries everything");
    disk.restart();
    every_call_of_opening("an upgrade", &image, &content_of(&disk.image()));
}

/// The same book as the first published version would have written it.
fn old(image: &Image) -> Image {
    let disk = Disk::new(1);
    disk.put_image(image);
    let connection = connect(&disk, "/phone/old.sqlite3").unwrap();
    connection
        .pragma_update(None, "foreign_keys", false)
        .unwrap();
    connection.execute_batch(FIRST_SCHEMA).unwrap();
    connection.execute("ATTACH ?1 AS new", [FILE]).unwrap();
    let tables: Vec<String> = connection
        .prepare(
            "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for table in tables {
        let columns: String = connection
            .query_row(
                "SELECT group_concat(name) FROM pragma_table_info(?1, 'main')
                  WHERE name IN (SELECT name FROM pragma_table_info(?1, 'new'))",
                [&table],
                |row| row.get(0),
            )
            .unwrap();
        connection
            .execute_batch(&format!(
                "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}"
            ))
            .unwrap();
    }
    connection.pragma_update(None, "user_version", 1).unwrap();
    drop(connection);
    disk.restart();
    let bytes = disk.read("/phone/old.sqlite3").unwrap();
    let disk = Disk::new(1);
    disk.write(FILE, &bytes);
    disk.image()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rescue_that_fails_leaves_the_damaged_book_as_it_is_and_succeeds_later() {
    const FRESH: &str = "/phone/fresh.sqlite3";
    let disk = Disk::new(1);
    disk.put_image(&filled().await);
    connect(&disk, FILE)
        .unwrap()
        .execute("DELETE FROM areas", [])
        .unwrap();
    let bytes = disk.read(FILE).unwrap();
    let disk = Disk::new(1);
    disk.write(FILE, &bytes);
    let image = disk.image();
    let rescued = open_damaged(&disk, FRESH, String::new()).unwrap();
    let expected = rescued.search("giong luong", 100).unwrap().len();
    assert!(expected > 0, "something could be read");
    drop(rescued);
    let seed = seed();
    let mut tried = Tried::default();
    for fault in FAULTS {
        // Every fourth: a rescue takes longer than a save.
        let mut call = seed % 4;
        loop {
            call += 4;
            let disk = Disk::new(seed.wrapping_add(call));
            disk.put_image(&image);
            disk.fail_at(call, fault);
            let place = format!("SOKIEM_SEED={seed} {fault:?} at call {call}");
            drop(open_damaged(&disk, FRESH, String::new()));
            if disk.faults_met() == 0 {
                break;
            }
            tried.add(fault, disk.faults_met());
            disk.forget_faults();
            disk.restart();
            assert_eq!(
                disk.read(FILE),
                image_file(&image),
                "{place}: the damaged book was changed"
            );
            let again = open_damaged(&disk, &format!("{FRESH}-2"), String::new())
                .unwrap_or_else(|error| panic!("{place}: {error}"));
            let found = again.search("giong luong", 100).unwrap().len();
            assert_eq!(found, expected, "{place}");
        }
    }
    tried.report("a rescue");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_whose_enrolment_or_areas_are_gone_is_rescued_all_the_same() {
    let image = filled().await;
    for table in ["enrolment", "areas"] {
        let disk = Disk::new(1);
        disk.put_image(&image);
        let damaged = connect(&disk, FILE).unwrap();
        damaged
            .execute(&format!("DELETE FROM {table}"), [])
            .unwrap();
        drop(damaged);
        let rescued = open_damaged(&disk, "/phone/fresh.sqlite3", String::new())
            .unwrap_or_else(|error| panic!("{table}: {error}"));
        assert_eq!(
            rescued.status().unwrap().pending,
            3,
            "{table}: unsent work is there"
        );
        assert_eq!(rescued.enrolment().unwrap().is_some(), table != "enrolment");
    }
}

fn image_file(image: &Image) -> Option<Vec<u8>> {
    let disk = Disk::new(0);
    disk.put_image(image);
    disk.read(FILE)
}
