//! A server that is broken or up to no good: nothing that it answers loses work, fills the phone or ends
//! the app.

use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};
use sokiem_client_core::{
    Book, Error,
    sync::{Step, SyncRun},
};
use sokiem_record::{
    document::{Document, Received as Taken},
    edit::Author,
    fingerprint::Fingerprint,
    genesis,
    id::{ActorId, AreaId, DocumentId, EpochId, Kind},
    refusal::Refusal,
    wire::{
        self, AreaPull, Cursor, Entry, ExchangeResponse, Grant, News, PROTOCOL_VERSION, Received,
    },
};
use uuid::Uuid;

use crate::{
    books::{book, school, set, started, sync},
    model::area,
};

fn grant(area: AreaId) -> Grant {
    Grant {
        area,
        writable: true,
    }
}

/// An answer with these entries for the first area, at its end.
fn answer(entries: Vec<Entry>) -> ExchangeResponse {
    let cursor = Cursor {
        base: 5,
        seq: 5,
        ..Cursor::start(area(1))
    };
    let fingerprint = Some(Fingerprint::default());
    ExchangeResponse {
        v: PROTOCOL_VERSION,
        epoch: EpochId(Uuid::from_u128(1)),
        server_time_ms: 0,
        pushed: Vec::new(),
        scope: vec![grant(area(1))],
        pulled: vec![AreaPull {
            cursor,
            reset: false,
            more: false,
            fingerprint,
            entries,
        }],
        wipe: false,
    }
}

fn entry(n: u128, news: News) -> Entry {
    Entry {
        document: DocumentId(Uuid::from_u128(n)),
        kind: Kind::Unit,
        news,
    }
}

fn snapshot(bytes: Vec<u8>) -> News {
    News::Snapshot {
        bytes: ByteBuf::from(bytes),
        received_ms: vec![1],
    }
}

fn changes(bytes: Vec<u8>) -> News {
    News::Changes(vec![Received {
        bytes: ByteBuf::from(bytes),
        received_ms: 1,
    }])
}

/// A book that takes this answer in.
fn take(book: &Book, body: &[u8]) -> Result<(), Error> {
    let mut run = SyncRun::new();
    assert!(matches!(run.next(book)?, Step::Exchange(_)));
    run.received(book, body)
}

/// The chunk of a type around contents, with a right checksum.
fn chunk(chunk_type: u8, contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).unwrap();
    let hashed = [&[chunk_type, length][..], contents].concat();
    let digest = Sha256::digest(&hashed);
    [&[0x85, 0x6f, 0x4a, 0x83][..], &digest[..4], &hashed].concat()
}

#[test]
fn bombs_among_the_entries_are_set_aside_and_the_rest_arrives() {
    let book = book(1);
    let good = DocumentId(Uuid::from_u128(77));
    let author = Author {
        actor: ActorId(Uuid::from_u128(5)),
        time_ms: 1,
        reason: None,
    };
    let (document, first) =
        genesis::document(good, Kind::Unit, &author, &[("name", "Chợ".into())]).unwrap();
    // Ten million operations, changes and dependencies in a few bytes; a deflated column.
    let ops = chunk(0, &[0, 0, 0, 1, 0x42, 5, 0x80, 0xad, 0xe2, 0x04, 0]);
    let many = chunk(0, &[0, 0, 1, 0x01, 5, 0, 0x80, 0xad, 0xe2, 0x04, 0]);
    let deflated = chunk(0, &[0, 0, 0, 1, 0x4a, 2, 1, 1]);
    let entries = vec![
        entry(1, snapshot(ops)),
        entry(2, snapshot(many)),
        entry(3, snapshot(deflated)),
        entry(4, snapshot(Vec::new())),
        entry(5, changes(vec![0; 300_000])),
        entry(6, snapshot(document.save())),
        entry(7, changes(first.bytes.clone())),
        entry(77, snapshot(document.save())),
    ];
    take(&book, &wire::encode(&answer(entries))).unwrap();
    assert_eq!(book.get(good).unwrap().fields["name"], "Chợ");
    let refused = book.refused().unwrap();
    assert_eq!(refused.len(), 7);
    assert!(refused.iter().all(|one| one.bytes.len() <= 256 * 1024));
    let reasons: Vec<Refusal> = refused.iter().map(|one| one.refusal).collect();
    assert_eq!(reasons[..2], [Refusal::TooLarge; 2]);
    assert_eq!(reasons[5..], [Refusal::WrongDocument; 2]);
    assert_eq!(book.status().unwrap().last_verified_ms, None);
}

#[test]
fn a_server_that_sends_only_damage_does_not_fill_the_phone() {
    let book = book(1);
    let entries = (1..=1_000)
        .map(|n| entry(n, snapshot(vec![7; 1_000])))
        .collect();
    take(&book, &wire::encode(&answer(entries))).unwrap();
    assert_eq!(book.refused().unwrap().len(), 200);
}

#[test]
fn answers_that_make_no_sense_change_nothing() {
    let (book, server) = started();
    let unit = school(&book, area(1), "Trường");
    sync(&book, &server);
    book.edit(unit, None, &[set("staff", 4)], None).unwrap();
    let before = serde_json::to_value(book.export().unwrap()["documents"].clone()).unwrap();
    let mut too_many_outcomes = answer(Vec::new());
    too_many_outcomes.pushed = vec![wire::DocumentOutcome {
        document: unit,
        area: None,
        changes: Vec::new(),
    }];
    let mut elsewhere = answer(Vec::new());
    elsewhere.pulled[0].cursor.area = area(9);
    let mut other_epoch = answer(Vec::new());
    other_epoch.epoch = EpochId(Uuid::from_u128(9));
    for (name, answer) in [
        ("outcomes that do not fit", too_many_outcomes),
        ("news of an area out of scope", elsewhere),
        ("another epoch", other_epoch),
    ] {
        assert!(take(&book, &wire::encode(&answer)).is_err(), "{name}");
    }
    // Two million empty entries in two megabytes; a list that claims 2^64.
    let bomb = [
        &b"\xa6\x61v\x01\x66pushed\x9f"[..],
        &vec![0x80; 2_000_000],
        &[0xff],
    ]
    .concat();
    for body in [
        bomb,
        b"\xa6\x61v\x01\x66pushed\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        Vec::new(),
    ] {
        assert!(matches!(take(&book, &body), Err(Error::Answer(_))));
    }
    assert_eq!(
        serde_json::to_value(book.export().unwrap()["documents"].clone()).unwrap(),
        before
    );
    assert!(sync(&book, &server).verified);
}

/// Always more, and never anything: the phone stops by itself.
#[test]
fn a_pull_without_an_end_is_given_up() {
    let book = book(1);
    let mut run = SyncRun::new();
    let mut requests = 0;
    while let Step::Exchange(_) = run.next(&book).unwrap() {
        requests += 1;
        let mut endless = answer(Vec::new());
        endless.pulled[0].more = true;
        endless.pulled[0].fingerprint = None;
        endless.pulled[0].cursor.base = 0;
        endless.pulled[0].cursor.seq = requests;
        run.received(&book, &wire::encode(&endless)).unwrap();
        assert!(requests <= 2_000);
    }
    let mut back = answer(Vec::new());
    back.pulled[0].cursor.base = 0;
    back.pulled[0].cursor.seq = 1;
    assert!(matches!(
        take(&book, &wire::encode(&back)),
        Err(Error::Contradiction(_))
    ));
}

#[test]
fn a_refused_change_that_is_taken_over_arrives_and_leaves_quarantine_with_a_note() {
    let (one, server) = started();
    let actor = one.actor().unwrap();
    server.lock().refuse.insert(actor, Refusal::OutOfScope);
    let unit = school(&one, area(1), "Trường ngoài địa bàn");
    one.edit(unit, None, &[set("staff", 12)], None).unwrap();
    assert_eq!(sync(&one, &server).refused, 2);
    assert!(one.get(unit).is_err());
    let file = one.export_refused().unwrap();
    let changes = file["changes"].as_array().unwrap().clone();
    assert_eq!(
        (file["format"].as_str(), changes.len()),
        (Some("sokiem-refused-1"), 2)
    );
    assert_eq!(changes[0]["refusal"], "out-of-scope");
    // A supervisor takes both over: the server holds them as they were written.
    let mut document = Document::new(unit, Kind::Unit);
    for (index, change) in changes.iter().enumerate() {
        let hex = change["bytes"].as_str().unwrap();
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        let Taken::Applied(header) = document.receive(&bytes).unwrap() else {
            unreachable!("change {index} is not taken");
        };
        let written = sokiem_record::edit::Written {
            hash: header.hash,
            bytes,
        };
        server.lock().put(area(1), (document.clone(), written));
    }
    assert!(sync(&one, &server).verified);
    assert_eq!(one.get(unit).unwrap().fields["staff"], 12);
    assert!(one.refused().unwrap().is_empty());
    let events = one.events(10).unwrap();
    let note = events
        .iter()
        .find(|event| event.event == "taken-over")
        .unwrap();
    assert_eq!(note.detail["changes"], 2);
}

#[test]
fn what_was_never_sent_is_exported_too() {
    let (book, _server) = started();
    school(&book, area(1), "Trường chưa gửi");
    let file = book.export_refused().unwrap();
    assert_eq!(file["changes"].as_array().unwrap().len(), 1);
    assert!(file["changes"][0]["refusal"].is_null());
    assert_eq!(book.status().unwrap().pending, 1);
}
