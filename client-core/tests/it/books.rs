//! Writing and reading a book without any synchronisation but the first.

use futures_util::FutureExt;
use serde_json::{Map, Value as Json, json};
use sokiem_client_core::{
    Book, Error,
    search::Query,
    sync::{SyncReport, sync_once},
};
use sokiem_record::{
    edit::Edit,
    id::{AreaId, DocumentId, Kind},
};

use crate::{
    model::{Server, area, campaign},
    platform::{Seeded, TestClock},
};

pub(crate) fn book(seed: u64) -> Book {
    crate::files::book(TestClock::at(1_700_000_000_000), Seeded::new(seed))
}

/// Synchronises now; the model's server answers at once.
pub(crate) fn try_sync(book: &Book, server: &Server) -> Result<SyncReport, Error> {
    sync_once(book, server).now_or_never().unwrap()
}

pub(crate) fn sync(book: &Book, server: &Server) -> SyncReport {
    try_sync(book, server).unwrap()
}

pub(crate) fn fields(json: Json) -> Map<String, Json> {
    json.as_object().unwrap().clone()
}

pub(crate) fn school(book: &Book, area: AreaId, name: &str) -> DocumentId {
    book.create_unit(area, &fields(json!({"name": name, "unit_kind": "school"})))
        .unwrap()
        .document
}

pub(crate) fn set(path: &str, value: impl Into<Json>) -> Edit {
    Edit::Set {
        path: path.parse().unwrap(),
        value: value.into(),
    }
}

/// A book that knows its area, and the server that it knows it from.
pub(crate) fn started() -> (Book, Server) {
    let server = Server::new(&[area(1)]);
    let book = book(1);
    assert!(sync(&book, &server).verified);
    (book, server)
}

#[test]
fn nothing_can_be_written_where_nothing_was_granted() {
    let book = book(1);
    let denied = book.create_unit(area(1), &fields(json!({"name": "Trường"})));
    assert!(matches!(denied, Err(Error::ReadOnlyArea(_))));
    let (book, server) = started();
    server.lock().grants[0].writable = false;
    sync(&book, &server);
    let denied = book.create_unit(area(1), &fields(json!({"name": "Trường"})));
    assert!(matches!(denied, Err(Error::ReadOnlyArea(_))));
    assert!(book.list(&Query::default()).unwrap().is_empty());
}

#[test]
fn a_unit_is_found_by_any_beginning_of_its_words_without_accents() {
    let (book, _server) = started();
    let id = school(&book, area(1), "Trường THCS Đại Điền");
    school(&book, area(1), "Công ty Thủy sản Mỹ Hưng");
    for text in ["dai dien", "Đại", "truong thcs", "dien dai", "TRƯỜ", "thc"] {
        let found = book.search(text, 10).unwrap();
        assert_eq!(
            found.iter().map(|row| row.document).collect::<Vec<_>>(),
            [id],
            "{text}"
        );
    }
    assert!(book.search("ien", 10).unwrap().is_empty());
    assert!(book.search("dai hung", 10).unwrap().is_empty());
    assert!(
        book.search("%", 10).unwrap().len() == 2,
        "signs are no words, so nothing narrows the list"
    );
}

#[test]
fn a_planned_inspection_is_opened_once_and_found_by_its_units_name() {
    let (book, server) = started();
    let campaign = campaign(&server, area(1));
    sync(&book, &server);
    let unit = school(&book, area(1), "Trường THCS Đại Điền");
    let opened = book.open_planned_inspection(unit, campaign).unwrap();
    assert!(opened.change.is_some());
    assert!(
        book.open_planned_inspection(unit, campaign)
            .unwrap()
            .change
            .is_none()
    );
    let answer = [set("items/T124-GD-MODEL/answer", "pass")];
    let saved = book
        .edit(opened.document, Some(&opened.heads), &answer, None)
        .unwrap();
    assert_ne!(saved.heads, opened.heads);
    assert!(
        book.edit(opened.document, None, &answer, None)
            .unwrap()
            .change
            .is_none()
    );
    let read = book.get(opened.document).unwrap();
    assert_eq!(read.fields["items"]["T124-GD-MODEL"]["answer"], "pass");
    assert_eq!(read.fields["window_end"], "2026-12-31");
    assert!(read.pending && read.writable && read.conflicts.is_empty());
    let found = book
        .list(&Query {
            kind: Some(Kind::Inspection),
            text: Some("dai dien".into()),
            ..Query::default()
        })
        .unwrap();
    assert_eq!(
        (found[0].document, found[0].title.as_str()),
        (opened.document, "Trường THCS Đại Điền")
    );
    assert_eq!(book.status().unwrap().pending, 3);
}

#[test]
fn an_unplanned_inspection_needs_its_criteria_set_here() {
    let (book, server) = started();
    let unit = school(&book, area(1), "Trường");
    assert!(matches!(
        book.open_unplanned_inspection(unit, "T124-GD", 1),
        Err(Error::NotPlanned(_))
    ));
    campaign(&server, area(1));
    sync(&book, &server);
    let opened = book.open_unplanned_inspection(unit, "T124-GD", 1).unwrap();
    let history = book.history(opened.document).unwrap();
    assert!(history.len() == 1 && history[0].author.here && history[0].received_ms.is_none());
}

#[test]
fn what_can_not_be_written_leaves_the_book_as_it_was() {
    let (book, server) = started();
    let campaign = campaign(&server, area(1));
    sync(&book, &server);
    let unit = school(&book, area(1), "Trường");
    let before = book.export().unwrap();
    let denied = book.edit(
        unit,
        None,
        &[set("name", "Khác"), set("staff", "nhiều")],
        None,
    );
    assert!(matches!(denied, Err(Error::Edit(_))));
    assert!(matches!(
        book.edit(campaign, None, &[set("name", "x")], None),
        Err(Error::ReadOnlyKind(_))
    ));
    assert!(matches!(
        book.create_unit(area(1), &fields(json!({"nothing": 1}))),
        Err(Error::Edit(_))
    ));
    let nowhere = DocumentId(uuid::Uuid::from_u128(5));
    assert!(matches!(
        book.edit(nowhere, None, &[], None),
        Err(Error::NoSuchDocument(_))
    ));
    assert_eq!(book.export().unwrap(), before);
}

#[test]
fn everything_is_in_the_export_and_the_credential_is_not() {
    let (book, _server) = started();
    let unit = school(&book, area(1), "Trường");
    let export = book.export().unwrap();
    assert_eq!(export["documents"][0]["document"], unit.to_string());
    assert_eq!(
        export["documents"][0]["pending"].as_array().unwrap().len(),
        1
    );
    assert!(
        export["documents"][0]["changes"][0]
            .as_str()
            .unwrap()
            .starts_with("856f4a83")
    );
    assert!(export["enrolment"].get("credential").is_none());
}
