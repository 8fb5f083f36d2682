//! Opening files: twice, from the future, and damaged.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use sokiem_client_core::{Book, Error, OpenedBook, keys::BookKey, search::Query};
use sokiem_record::id::DocumentId;

use crate::{
    books::{school, set, sync},
    model::{Server, area},
    platform::{Seeded, TestClock},
};

fn open(path: &Path) -> Result<OpenedBook, Error> {
    Book::open(
        path,
        &key(),
        TestClock::at(1_700_000_000_000),
        Seeded::new(3),
    )
}

fn key() -> BookKey {
    BookKey::from_bytes([3; 32])
}

#[test]
fn a_book_is_there_again_after_it_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sâu/hơn/book.db");
    let server = Server::new(&[area(1)]);
    let (unit, actor) = {
        let opened = open(&path).unwrap();
        assert!(opened.rescued.is_none());
        sync(&opened.book, &server);
        let unit = school(&opened.book, area(1), "Trường");
        (unit, opened.book.actor().unwrap())
    };
    let book = open(&path).unwrap().book;
    assert_eq!(book.actor().unwrap(), actor);
    assert_eq!(book.get(unit).unwrap().fields["name"], "Trường");
    assert_eq!(book.status().unwrap().pending, 1);
}

#[test]
fn a_second_opener_is_told_that_the_book_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let first = open(&path).unwrap();
    match open(&path) {
        Err(Error::OpenElsewhere(file)) => assert_eq!(file, path),
        other => panic!("{other:?}"),
    }
    drop(first);
    assert!(open(&path).is_ok());
}

#[test]
fn a_book_of_a_newer_version_is_refused_and_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    drop(open(&path).unwrap());
    {
        let newer = Connection::open(&path).unwrap();
        key().unlock(&newer).unwrap();
        newer.pragma_update(None, "user_version", 900).unwrap();
    }
    let before = fs::read(&path).unwrap();
    assert!(matches!(
        open(&path),
        Err(Error::NewerSchema { found: 900, .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A book with 200 units, of which 20 have pending edits.
fn filled(path: &Path) -> (Server, Vec<DocumentId>) {
    let server = Server::new(&[area(1)]);
    let book = open(path).unwrap().book;
    sync(&book, &server);
    let units: Vec<DocumentId> = (0..200)
        .map(|number| school(&book, area(1), &format!("Trường số {number}")))
        .collect();
    assert!(sync(&book, &server).verified);
    for unit in &units[..20] {
        book.edit(*unit, None, &[set("staff", 5)], None).unwrap();
    }
    (server, units)
}

fn damaged_files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.to_string_lossy().contains(".damaged-"))
        .collect()
}

#[test]
fn a_book_with_damaged_pages_is_set_aside_and_what_can_be_read_is_carried_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let (server, units) = filled(&path);
    let pages = fs::metadata(&path).unwrap().len() as usize / 4096;
    // Every tenth page is overwritten, the first few with schema and enrolment are spared.
    let mut content = fs::read(&path).unwrap();
    for page in (20..pages).step_by(10) {
        content[page * 4096..page * 4096 + 512].fill(0x5a);
    }
    fs::write(&path, &content).unwrap();
    let opened = open(&path).unwrap();
    let report = opened.rescued.expect("the damage is noticed");
    assert_eq!(
        fs::read(&report.set_aside).unwrap(),
        content,
        "the damaged file is kept as it was"
    );
    assert!(
        report.enrolment && report.documents > 100 && !report.lost.is_empty(),
        "{report:?}"
    );
    let book = opened.book;
    assert_eq!(
        book.list(&Query::default()).unwrap().len() as u64,
        report.documents
    );
    assert!(
        book.events(5)
            .unwrap()
            .iter()
            .any(|event| event.event == "rescued")
    );
    // With the server everything comes together again, and pending work is pushed or in quarantine.
    sync(&book, &server);
    assert_eq!(book.list(&Query::default()).unwrap().len(), 200);
    let model = server.lock();
    let staffed = |unit: &&DocumentId| model.documents[unit].2.to_json()["staff"] == 5;
    let arrived = units[..20].iter().filter(staffed).count() as u64;
    drop(model);
    assert_eq!(
        arrived, report.pending,
        "what was rescued of the pending work arrives"
    );
    drop(book);
    assert!(open(&path).unwrap().rescued.is_none());
}

#[test]
fn a_file_of_zeros_as_a_power_cut_leaves_it_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    fs::write(&path, [0; 10_000]).unwrap();
    let before = fs::read(&path).unwrap();
    let report = open(&path).unwrap().rescued.unwrap();
    assert_eq!(fs::read(&report.set_aside).unwrap(), before);
    assert!(!report.enrolment && report.documents == 0 && !report.lost.is_empty());
    assert_eq!(damaged_files(folder.path()).len(), 1);
}

#[test]
fn a_file_in_which_nothing_speaks_for_the_key_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let somebodys = b"not a database, but perhaps somebody's only copy of something".repeat(100);
    fs::write(&path, &somebodys).unwrap();
    assert!(matches!(open(&path), Err(Error::WrongKey(_))));
    assert_eq!(fs::read(&path).unwrap(), somebodys);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_sound_books_whole_content_survives_the_rescue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let (server, units) = filled(&path);
    // Damage where nothing of value lies: a page that only an index uses is found by looking for one
    // whose loss costs no row.
    let pages = fs::metadata(&path).unwrap().len() as usize / 4096;
    let sound = fs::read(&path).unwrap();
    let mut complete = 0;
    for page in 2..pages {
        let mut content = sound.clone();
        content[page * 4096..page * 4096 + 16].fill(0x5a);
        let copy = folder.path().join(format!("copy-{page}.db"));
        fs::write(&copy, &content).unwrap();
        let Ok(opened) = open(&copy) else {
            panic!("page {page}")
        };
        let Some(report) = &opened.rescued else {
            continue;
        };
        complete += u64::from(report.documents == 200 && report.pending == 20);
        assert!(
            report.documents + report.lost.len() as u64 > 0,
            "page {page}"
        );
        if complete == 1 && report.documents == 200 {
            assert_eq!(opened.book.get(units[0]).unwrap().fields["staff"], 5);
            assert!(sync(&opened.book, &server).verified);
        }
        drop(opened);
        if complete > 3 {
            break;
        }
    }
    assert!(complete > 0);
}

#[test]
fn a_rescue_that_was_interrupted_is_done_again_or_finished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let (_server, units) = filled(&path);
    // Interrupted between setting the damaged file aside and moving the new one in.
    fs::rename(&path, folder.path().join("book.db.rescued")).unwrap();
    assert_eq!(
        open(&path).unwrap().book.get(units[0]).unwrap().fields["staff"],
        5
    );
    // Interrupted while the new one was written: what there is of it is begun anew.
    fs::write(folder.path().join("book.db.rescuing"), b"half a file").unwrap();
    fs::write(&path, [0; 7]).unwrap();
    assert!(open(&path).unwrap().rescued.is_some());
    assert!(!folder.path().join("book.db.rescuing").exists());
}
