//! Last year's answers as a start.

use sokiem_client_core::Book;
use sokiem_record::{
    edit::{Author, Edit},
    id::{ActorId, DocumentId},
};
use uuid::Uuid;

use crate::{
    books::{school, set, started, sync},
    finishing::enrol,
    model::{Server, area, campaign},
};

const REG: &str = "items/T124-GD-REG";
const MODEL: &str = "items/T124-GD-MODEL";

fn text(path: &str, text: &str) -> Edit {
    Edit::Text {
        path: path.parse().unwrap(),
        text: text.to_owned(),
    }
}

fn visit(book: &Book, unit: DocumentId, day: &str, edits: &[Edit]) -> DocumentId {
    let opened = book.open_unplanned_inspection(unit, "T124-GD", 1).unwrap();
    let edits = [&[set("inspected_on", day)], edits].concat();
    book.edit(opened.document, None, &edits, None).unwrap();
    opened.document
}

/// A unit with two finished visits and one that nobody finished; the visit of today.
fn visited() -> (Book, Server, DocumentId, DocumentId) {
    let (book, server) = started();
    campaign(&server, area(1));
    sync(&book, &server);
    enrol(&book);
    let unit = school(&book, area(1), "Trường");
    let answer = format!("{REG}/answer");
    let earlier = [set(&answer, "fail")];
    book.finish(visit(&book, unit, "2024-05-04", &earlier), None)
        .unwrap();
    let last = [
        set(&answer, "pass"),
        set(&format!("{REG}/value"), 95.5),
        text(&format!("{REG}/note"), "Đủ hồ sơ"),
        set(&format!("{MODEL}/answer"), "not_checked"),
    ];
    book.finish(visit(&book, unit, "2025-08-05", &last), None)
        .unwrap();
    visit(&book, unit, "2026-01-01", &earlier);
    let today = visit(&book, unit, "2026-05-06", &[]);
    (book, server, unit, today)
}

fn copied(book: &Book, record: DocumentId) -> Vec<String> {
    let paths = book.copied(record).unwrap().into_iter();
    paths.map(String::from).collect()
}

#[test]
fn the_last_finished_visits_answers_are_copied_in_one_change_that_says_so() {
    let (book, _server, _, today) = visited();
    let before = book.history(today).unwrap().len();
    let done = book.copy_last(today).unwrap().unwrap();
    assert_eq!(done.items, ["T124-GD-REG"]);
    assert_eq!(done.inspected_on.as_deref(), Some("2025-08-05"));
    let fields = book.get(today).unwrap().fields;
    let item = &fields["items"]["T124-GD-REG"];
    assert_eq!(item["answer"], "pass");
    assert_eq!(item["value"], 95.5);
    assert_eq!(item["note"], "Đủ hồ sơ");
    assert!(fields["items"]["T124-GD-MODEL"]["answer"].is_null());
    let history = book.history(today).unwrap();
    assert_eq!(history.len(), before + 1);
    assert_eq!(
        history.last().unwrap().provenance.reason.as_deref(),
        Some("chép từ lần kiểm tra ngày 05/08/2025")
    );
    assert_eq!(copied(&book, today), [REG]);
    // There is nothing left to copy.
    let again = book.copy_last(today).unwrap().unwrap();
    assert!(again.saved.change.is_none() && again.items.is_empty());
}

#[test]
fn what_was_said_already_is_left_alone() {
    let (book, _server, _, today) = visited();
    let note = [text(&format!("{REG}/note"), "Đang xem")];
    book.edit(today, None, &note, None).unwrap();
    let done = book.copy_last(today).unwrap().unwrap();
    assert!(done.items.is_empty());
    assert!(copied(&book, today).is_empty());
}

#[test]
fn whoever_writes_over_a_copied_item_takes_the_mark_off_it() {
    for edit in [
        set(&format!("{REG}/answer"), "fail"),
        set(&format!("{REG}/value"), 96),
        text(&format!("{REG}/note"), "Đủ hồ sơ, đã xem lại"),
    ] {
        let (book, _server, _, today) = visited();
        book.copy_last(today).unwrap();
        book.edit(today, None, std::slice::from_ref(&edit), None)
            .unwrap();
        assert!(copied(&book, today).is_empty(), "{edit:?}");
    }
}

#[test]
fn an_answer_that_somebody_else_gave_meanwhile_stands_beside_the_copy() {
    let (book, server, _, today) = visited();
    sync(&book, &server);
    let other = Author {
        actor: ActorId(Uuid::from_u128(0xb)),
        time_ms: 0,
        reason: None,
    };
    let answer = format!("{REG}/answer");
    server.lock().edit(today, &other, &[set(&answer, "fail")]);
    book.copy_last(today).unwrap();
    sync(&book, &server);
    assert_eq!(book.conflicts(today).unwrap()[0].alternatives.len(), 2);
    assert!(copied(&book, today).is_empty());
}

#[test]
fn copying_is_done_once_and_needs_an_earlier_visit() {
    let (book, _server, unit, today) = visited();
    let copy = || book.once(Uuid::from_u128(1), |book| book.copy_last(today));
    let first = copy().unwrap();
    assert_eq!(first.as_ref().unwrap().items.len(), 1);
    assert_eq!(copy().unwrap(), first);
    let day = |before| {
        let last = book.last_inspection(unit, before).unwrap();
        last.and_then(|last| last.date)
    };
    assert_eq!(day(None).as_deref(), Some("2025-08-05"));
    assert_eq!(day(Some("2025-08-05")).as_deref(), Some("2024-05-04"));
    assert_eq!(day(Some("2024-05-04")), None);
    let new = school(&book, area(1), "Trường mới");
    let first = visit(&book, new, "2026-05-06", &[]);
    assert_eq!(book.copy_last(first).unwrap(), None);
    assert_eq!(book.copy_last(new).unwrap(), None);
}
