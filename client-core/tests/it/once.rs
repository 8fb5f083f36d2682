//! A host that did not hear the answer asks again, and nothing is done twice.

use serde_json::json;
use sokiem_client_core::{Book, Error, attachments, keys::BookKey, search::Query};
use sokiem_record::id::{DocumentId, Kind};
use uuid::Uuid;

use crate::{
    books::{fields, school, set, started, sync},
    files::File,
    finishing::enrol,
    model::{Server, area, campaign},
    platform::{Seeded, TestClock},
    uploads::{add, noise},
};

const TAP: Uuid = Uuid::from_u128(0x7a9);

fn changes(book: &Book, document: DocumentId) -> usize {
    book.history(document).unwrap().len()
}

#[test]
fn the_same_operation_again_answers_the_same_and_writes_nothing() {
    let (book, _server) = started();
    let unit = school(&book, area(1), "Trường");
    let staff = |value: i32| {
        book.once(TAP, |book| {
            book.edit(unit, None, &[set("staff", value)], Some("đếm lại"))
        })
    };
    let saved = staff(40).unwrap();
    book.edit(unit, None, &[set("staff", 41)], None).unwrap();
    // The leading tab was closed between the commit and the answer: its follower asks the next one.
    assert_eq!(staff(40).unwrap(), saved);
    assert_eq!(book.get(unit).unwrap().fields["staff"], 41);
    assert_eq!(changes(&book, unit), 3);
    let other = Uuid::from_u128(0x7aa);
    let saved = book
        .once(other, |book| {
            book.edit(unit, None, &[set("staff", 42)], None)
        })
        .unwrap();
    assert!(saved.change.is_some());
}

#[test]
fn an_operation_is_remembered_by_a_book_that_was_opened_anew() {
    let file = File::new();
    let server = Server::new(&[area(1)]);
    let key = BookKey::from_bytes([3; 32]);
    let create = |seed: u64| {
        let clock = TestClock::at(1_700_000_000_000);
        let book = file.open(&key, clock, Seeded::new(seed));
        sync(&book, &server);
        let named = fields(json!({"name": "Trường", "unit_kind": "school"}));
        let saved = book
            .once(TAP, |book| book.create_unit(area(1), &named))
            .unwrap();
        (saved, book.list(&Query::default()).unwrap().len())
    };
    let first = create(1);
    assert_eq!(create(2), first);
    assert_eq!(first.1, 1);
}

#[test]
fn what_was_left_of_an_operation_is_done_and_what_was_made_is_not_made_again() {
    let (book, server) = started();
    let campaign = campaign(&server, area(1));
    sync(&book, &server);
    let named = fields(json!({"name": "Trường", "unit_kind": "school"}));
    let work = |book: &Book, dies: bool| {
        let unit = book.create_unit(area(1), &named)?.document;
        if dies {
            return Err(Error::NotEnrolled);
        }
        book.open_planned_inspection(unit, campaign)
    };
    assert!(book.once(TAP, |book| work(book, true)).is_err());
    let opened = book.once(TAP, |book| work(book, false)).unwrap();
    assert_eq!(book.once(TAP, |book| work(book, false)).unwrap(), opened);
    assert!(opened.change.is_some());
    let units = Query {
        kind: Some(Kind::Unit),
        ..Query::default()
    };
    assert_eq!(book.list(&units).unwrap().len(), 1);
}

#[test]
fn every_sort_of_save_is_made_once() {
    let (book, server) = started();
    let campaign = campaign(&server, area(1));
    sync(&book, &server);
    enrol(&book);
    let unit = school(&book, area(1), "Trường");
    let twice = |number: u128, work: &dyn Fn(&Book) -> DocumentId| {
        let operation = Uuid::from_u128(number);
        let first = book.once(operation, |book| Ok(work(book))).unwrap();
        let pending = book.status().unwrap().pending;
        assert_eq!(book.once(operation, |book| Ok(work(book))).unwrap(), first);
        assert_eq!(book.status().unwrap().pending, pending);
        first
    };
    let record = twice(1, &|book| {
        book.open_unplanned_inspection(unit, "T124-GD", 1)
            .unwrap()
            .document
    });
    twice(2, &|book| {
        book.open_planned_inspection(unit, campaign)
            .unwrap()
            .document
    });
    let photo = noise(64, 6);
    let place = || "items/T124-GD-REG/evidence".parse().unwrap();
    twice(3, &|book| {
        let about = attachments::About {
            place: &attachments::Place::Evidence(place()),
            caption: None,
            taken_ms: None,
            position: None,
        };
        add(book, record, &about, &photo).unwrap().saved.document
    });
    twice(4, &|book| book.finish(record, None).unwrap().document);
    assert_eq!(book.verify(record).unwrap().signatures.len(), 1);
}

#[test]
fn what_failed_is_not_remembered_and_an_id_used_for_other_work_is_told() {
    let (book, _server) = started();
    let unit = school(&book, area(1), "Trường");
    let wrong = book.once(TAP, |book| {
        book.edit(unit, None, &[set("staff", "nhiều")], None)
    });
    assert!(matches!(wrong, Err(Error::Edit(_))));
    let right = book.once(TAP, |book| book.edit(unit, None, &[set("staff", 4)], None));
    let change = right.unwrap().change.unwrap();
    let other = book.once(TAP, |book| book.dismiss_refused(unit, change));
    assert!(matches!(other, Err(Error::Unreadable(_))));
}

#[test]
fn the_oldest_operations_are_forgotten() {
    let (book, _server) = started();
    let unit = school(&book, area(1), "Trường");
    let edit = |number: u32| {
        let staff = [set("staff", number)];
        let operation = Uuid::from_u128(u128::from(number));
        let saved = book.once(operation, |book| book.edit(unit, None, &staff, None));
        saved.unwrap().change
    };
    let first = edit(1);
    let second = edit(2);
    for number in 3..=501 {
        edit(number);
    }
    assert_eq!(edit(2), second);
    assert_ne!(edit(1), first);
}
