//! What a page asks is answered in the words that the page reads.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod finishing;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::json;
use sokiem_client_core::{
    Book,
    platform::{SystemClock, SystemRandom},
    sync::{Step, SyncRun},
};
use sokiem_record::{
    edit::Edit,
    id::{AreaId, DocumentId, EpochId},
    wire,
};
use sokiem_web::{calls, failure};
use sokiem_web_messages::{Ask, answer, ask, request::UnitQuery, session::Standing};
use uuid::Uuid;

const TODAY: &str = "2019-10-05";

/// A book that may write in one commune.
fn book() -> (Book, AreaId) {
    let book = Book::in_memory(SystemClock, SystemRandom).unwrap();
    let commune = AreaId(Uuid::from_u128(7));
    let mut run = SyncRun::new();
    let Step::Exchange(_) = run.next(&book).unwrap() else {
        panic!("a synchronisation begins with an exchange")
    };
    let answer = wire::ExchangeResponse {
        v: wire::PROTOCOL_VERSION,
        epoch: EpochId(Uuid::from_u128(1)),
        server_time_ms: 0,
        pushed: vec![],
        scope: vec![wire::Grant {
            area: commune,
            writable: true,
        }],
        pulled: vec![],
        wipe: false,
    };
    run.received(&book, &wire::encode(&answer)).unwrap();
    (book, commune)
}

/// Asks as a page does, over JSON both ways.
fn asked<A: DeserializeOwned>(book: &Book, ask: &Ask<A>) -> A {
    let text = serde_json::to_string(&ask.request).unwrap();
    let request = serde_json::from_str(&text).unwrap();
    let answer = calls::answer(book, &request, TODAY).unwrap().unwrap();
    serde_json::from_str(&answer.to_string()).unwrap()
}

fn fields(name: &str) -> BTreeMap<String, serde_json::Value> {
    BTreeMap::from([
        ("name".to_owned(), json!(name)),
        ("unit_kind".to_owned(), json!("school")),
    ])
}

fn unit(book: &Book, area: AreaId, name: &str) -> DocumentId {
    let operation = Uuid::from_u128(name.len() as u128);
    asked(book, &ask::create_unit(operation, area, fields(name))).document
}

#[test]
fn a_unit_is_written_found_and_read() {
    let (book, area) = book();
    let id = unit(&book, area, "Trường THCS Đại Điền");
    let found: answer::Units = asked(
        &book,
        &ask::units(UnitQuery {
            text: "dai dien".to_owned(),
            ..UnitQuery::default()
        }),
    );
    assert_eq!(found.units.len(), 1);
    assert!(!found.more);
    assert_eq!(found.units[0].document, id);
    let page = asked(&book, &ask::unit(id));
    assert_eq!(page.unit.fields["name"], "Trường THCS Đại Điền");
    assert!(page.unit.writable && page.unit.pending);
    assert!(page.inspections.is_empty() && page.campaigns.is_empty());
}

#[test]
fn the_same_deed_is_done_once_and_answered_alike() {
    let (book, area) = book();
    let id = unit(&book, area, "Trường Mẫu giáo");
    let record = asked(&book, &ask::record(id));
    let staff = Edit::Set {
        path: "staff".parse().unwrap(),
        value: json!(40),
    };
    let deed = ask::edit(
        Uuid::from_u128(77),
        id,
        Some(record.heads),
        vec![staff],
        None,
    );
    let first: answer::Saved = asked(&book, &deed);
    assert_eq!(asked(&book, &deed), first);
    let history = asked(&book, &ask::history(id));
    assert_eq!(history.changes.len(), 2, "the unit and one edit");
    assert_eq!(history.changes[1].fields[0].path.as_str(), "staff");
}

#[test]
fn what_waits_is_in_the_outbox_and_in_the_status() {
    let (book, area) = book();
    let id = unit(&book, area, "Trường Tiểu học");
    let outbox = asked(&book, &ask::outbox());
    assert_eq!(outbox.waiting.len(), 1);
    assert_eq!(outbox.waiting[0].document, id);
    let standing: Standing = asked(&book, &ask::status());
    assert!(standing.owner.is_none(), "nobody has enrolled");
    assert_eq!(standing.status.pending, 1);
    assert_eq!(standing.status.last_verified_ms, None, "nothing is claimed");
    assert_eq!(standing.areas.len(), 1);
    let today: answer::Today = asked(&book, &ask::today());
    assert_eq!(today.today, TODAY);
    assert!(today.assigned.is_empty() && today.returned.is_empty());
    assert!(asked(&book, &ask::criteria_sets()).is_empty());
}

#[test]
fn what_can_not_be_done_is_said_in_both_languages() {
    let (book, _) = book();
    let request = ask::record(DocumentId(Uuid::from_u128(3))).request;
    let error = calls::answer(&book, &request, TODAY).unwrap_err();
    let failure = failure::of(&error);
    assert_eq!(failure.code, "no-such-record");
    assert!(!failure.text.vi.is_empty() && !failure.text.en.is_empty());
}
