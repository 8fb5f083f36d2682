//! What the page of an inspection is told about finishing.

use serde_json::json;
use sokiem_client_core::{
    Book, EnrolResponse, EnrolledAccount,
    platform::{SystemClock, SystemRandom},
    sync::{Step, SyncRun},
};
use sokiem_record::{
    edit::{Author, Edit},
    fingerprint::Fingerprint,
    genesis,
    id::{AccountId, ActorId, AreaId, DeviceId, DocumentId, EpochId, Kind},
    missing::Lack,
    signing::SigningKey,
    wire,
};
use sokiem_web_messages::{answer, ask};
use uuid::Uuid;

use crate::{asked, unit};

/// An officer's book with a criteria set that asks one thing.
fn book() -> (Book, AreaId) {
    let book = Book::in_memory(SystemClock, SystemRandom).unwrap();
    let (commune, epoch) = (AreaId(Uuid::from_u128(7)), EpochId(Uuid::from_u128(1)));
    let desk = Author {
        actor: ActorId(Uuid::from_u128(9)),
        time_ms: 0,
        reason: None,
    };
    let item = json!({"code": "THU-1", "vi": "Có cổng", "en": "There is a gate", "answer": {"type": "pass_fail"},
        "required": true, "not_applicable_allowed": false});
    let set = json!({"code": "THU", "version": 1, "title_vi": "Phiếu thử", "title_en": "Trial", "items": [item]});
    let fields = [
        ("code", json!("THU")),
        ("version", json!(1)),
        ("title", json!("Phiếu thử")),
        ("set", json!(set.to_string())),
    ];
    let id = genesis::criteria_id("THU", 1);
    let (document, written) = genesis::document(id, Kind::Criteria, &desk, &fields).unwrap();
    let answer = wire::ExchangeResponse {
        v: wire::PROTOCOL_VERSION,
        epoch,
        server_time_ms: 0,
        pushed: vec![],
        scope: vec![wire::Grant {
            area: commune,
            writable: true,
        }],
        pulled: vec![wire::AreaPull {
            cursor: wire::Cursor {
                area: commune,
                base: 1,
                seq: 1,
                check: wire::Check::of(&written.hash.0),
            },
            reset: false,
            more: false,
            fingerprint: Some(Fingerprint::of_document(id, &document.heads())),
            entries: vec![wire::Entry {
                document: id,
                kind: Kind::Criteria,
                news: wire::News::Snapshot {
                    bytes: document.save().into(),
                    received_ms: vec![0],
                },
            }],
        }],
        wipe: false,
    };
    let mut run = SyncRun::new();
    assert!(matches!(run.next(&book).unwrap(), Step::Exchange(_)));
    run.received(&book, &wire::encode(&answer)).unwrap();
    book.next_key().unwrap();
    let enrolled = EnrolResponse {
        device: DeviceId(Uuid::from_u128(0xd)),
        expires_ms: i64::MAX,
        renew_ms: i64::MAX,
        epoch,
        account: EnrolledAccount {
            id: AccountId(Uuid::from_u128(0xa)),
            name: "Trần Thị Lan".to_owned(),
            title: "Cán bộ".to_owned(),
        },
        server_name: "Sổ Kiểm".to_owned(),
        server_key: SigningKey::from_seed(&[4; 32]).public_key(),
    };
    book.enrolled("http://localhost", &enrolled).unwrap();
    (book, commune)
}

fn lacks(book: &Book, inspection: DocumentId) -> Vec<Lack> {
    let page: answer::Inspection = asked(book, &ask::inspection(inspection));
    page.missing.iter().map(|one| one.lack).collect()
}

#[test]
fn what_was_changed_after_it_was_finished_is_told_by_a_word() {
    let (book, area) = book();
    let unit = unit(&book, area, "Trường Tiểu học");
    let begin = ask::open_unplanned(Uuid::from_u128(1), unit, "THU".to_owned(), 1);
    let inspection = asked(&book, &begin).document;
    assert!(lacks(&book, inspection).contains(&Lack::NoDate));
    asked(&book, &ask::finish(Uuid::from_u128(2), inspection));
    assert!(!lacks(&book, inspection).contains(&Lack::NoDeviceSignature));
    let number = Edit::Set {
        path: "number".parse().unwrap(),
        value: json!("7"),
    };
    let edit = ask::edit(Uuid::from_u128(3), inspection, None, vec![number], None);
    asked(&book, &edit);
    assert!(lacks(&book, inspection).contains(&Lack::NoDeviceSignature));
    asked(&book, &ask::finish(Uuid::from_u128(4), inspection));
    assert!(!lacks(&book, inspection).contains(&Lack::NoDeviceSignature));
}
