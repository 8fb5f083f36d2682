//! Signed heads and decisions: who signed what, what changed since, and that nothing can be altered unseen.

use serde_json::{Value as Json, json};
use sokiem_record::{
    ChangeHash,
    attestation::{DecisionStatement, HeadsStatement},
    document::Document,
    edit::{Author, Edit},
    genesis,
    id::{AccountId, AreaId, DeviceId, DocumentId, Kind},
    signing::SigningKey,
    verification::{self, Keys, Standing, VerifiedSignature, read_history},
};
use uuid::Uuid;

use crate::support::{author, deliver, plan, planned, set, write};

/// Officer `n`: actor, account, device and key all follow from the number.
fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn account(n: u8) -> AccountId {
    AccountId(Uuid::from_u128(0xa000 + u128::from(n)))
}

fn statement(document: &Document, n: u8) -> HeadsStatement {
    HeadsStatement {
        document: document.id(),
        kind: document.kind(),
        heads: document.heads(),
        account: account(n),
        device: DeviceId(Uuid::from_u128(0xd000 + u128::from(n))),
        signed_ms: 1_700_000_000_000,
    }
}

fn sign(document: &mut Document, n: u8) -> sokiem_record::edit::Written {
    let element = statement(document, n)
        .element(Uuid::from_u128(0x5000 + u128::from(n)), &key(n), "Lan", "")
        .unwrap();
    write(document, &author(n.into()), &[element])
}

const AREA: u128 = 0xffff;

/// A roster in which actor `n` has each of these keys in turn; `None` is a revocation. Each a second after
/// the other, from 1,000 ms on.
fn roster(n: u8, account: AccountId, keys: &[Option<u8>]) -> Keys {
    let server = |ms| Author {
        actor: author(99).actor,
        time_ms: ms,
        reason: None,
    };
    let id = genesis::area_document_id(AreaId(Uuid::from_u128(AREA)));
    let (mut area, _) =
        genesis::document(id, Kind::Area, &server(0), &[("name", "Xã".into())]).unwrap();
    let actor = author(n.into()).actor.0;
    write(
        &mut area,
        &server(0),
        &[set(&format!("actors/{actor}.account"), account.to_string())],
    );
    for (at_s, seed) in (1_i64..).zip(keys) {
        let value = seed.map_or(Json::Null, |seed| key(seed).public_key().to_string().into());
        write(
            &mut area,
            &server(at_s * 1_000),
            &[set(&format!("actors/{actor}.key"), value)],
        );
    }
    let mut known = Keys::default();
    known.learn(&area);
    known
}

fn known(n: u8) -> Keys {
    roster(n, account(n), &[Some(n)])
}

fn one(document: &Document, keys: &Keys) -> VerifiedSignature {
    let mut all = verification::signatures(document, keys, |_| Some(1_500));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn finished(n: u8) -> Document {
    let mut document = planned();
    write(
        &mut document,
        &author(n.into()),
        &[
            set("items/T124-CD-1A/answer", "pass"),
            set("finished", true),
        ],
    );
    sign(&mut document, n);
    document
}

#[test]
fn a_signature_says_who_signed_which_state_and_what_changed_since() {
    let mut document = planned();
    write(&mut document, &author(7), &[set("finished", true)]);
    let signed = document.heads();
    sign(&mut document, 7);
    let found = one(&document, &known(7));
    assert_eq!(found.standing, Standing::Valid);
    assert_eq!(
        (found.account, found.name.as_str()),
        (Some(account(7)), "Lan")
    );
    assert_eq!(found.heads, signed);
    assert_eq!(
        found.since,
        Some(vec![]),
        "the signature itself is no change"
    );
    let later = write(&mut document, &author(8), &[set("number", "12/BB")]);
    let found = one(&document, &known(7));
    assert_eq!(
        found.standing,
        Standing::Valid,
        "what was signed stays signed"
    );
    let since = found.since.unwrap();
    assert_eq!(since.len(), 1);
    assert_eq!(since[0].provenance.hash, later.hash);
    assert_eq!(since[0].provenance.actor, author(8).actor);
    assert_eq!(since[0].fields[0].path.as_str(), "number");
}

#[test]
fn a_change_beside_a_signature_of_a_device_is_a_change() {
    let mut document = finished(7);
    // A note hidden in the very change that puts another signature.
    let element = statement(&document, 8)
        .element(Uuid::from_u128(0x5008), &key(8), "", "")
        .unwrap();
    write(
        &mut document,
        &author(8),
        &[element, set("number", "13/BB")],
    );
    let found = verification::signatures(&document, &known(7), |_| None);
    assert_eq!(found[0].since.as_ref().unwrap().len(), 1);
    // A team member's drawn signature is one too.
    let mut document = finished(7);
    let path = format!("signatures/{}", Uuid::from_u128(1))
        .parse()
        .unwrap();
    write(
        &mut document,
        &author(8),
        &[genesis::element(
            path,
            [("role", json!("team")), ("name", json!("Minh"))],
        )],
    );
    assert_eq!(one(&document, &known(7)).since.unwrap().len(), 1);
}

#[test]
fn what_is_said_about_a_record_does_not_alter_it() {
    let mut document = finished(7);
    let seen = document.heads();
    let comment = |n: u128| {
        let path = format!("comments/{}", Uuid::from_u128(n)).parse().unwrap();
        genesis::element(path, [("text", json!("Xem lại mục 1A"))])
    };
    let said = write(&mut document, &author(9), &[comment(1)]);
    write(
        &mut document,
        &author(9),
        &[Edit::Text {
            path: format!("comments/{}/text", Uuid::from_u128(1))
                .parse()
                .unwrap(),
            text: "Xem lại mục 1B".to_owned(),
        }],
    );
    sign(&mut document, 8);
    let since = document.since(&seen).unwrap();
    assert_eq!(since.changes, []);
    assert_eq!(since.words.len(), 3);
    assert_eq!(since.words[0].provenance.hash, said.hash);
    let comments: Vec<bool> = since.words.iter().map(|word| word.comments()).collect();
    assert_eq!(comments, [true, true, false]);
    assert_eq!(
        verification::signatures(&document, &known(7), |_| None)[0].since,
        Some(vec![]),
        "what was signed is what is there"
    );
    // Nobody hides a change behind a comment.
    let both = write(
        &mut document,
        &author(8),
        &[comment(2), set("number", "14/BB")],
    );
    let since = document.since(&seen).unwrap();
    assert_eq!(since.changes.len(), 1);
    assert_eq!(since.changes[0].provenance.hash, both.hash);
    assert_eq!(document.since(&document.heads()), Some(Default::default()));
    assert_eq!(document.since(&[]), None);
    assert_eq!(document.since(&[ChangeHash([9; 32])]), None);
}

/// The document as a store holds it: a snapshot of all but the last changes, and those.
struct Stored {
    snapshot: Vec<u8>,
    changes: Vec<(ChangeHash, Vec<u8>)>,
    heads: Vec<ChangeHash>,
}

fn stored() -> Stored {
    let mut document = finished(7);
    let snapshot = document.save();
    let changes = (1..=2)
        .map(|number| write(&mut document, &author(8), &[set("copies", number)]))
        .map(|written| (written.hash, written.bytes))
        .collect();
    Stored {
        snapshot,
        changes,
        heads: document.heads(),
    }
}

fn read(stored: &Stored) -> Result<Document, String> {
    let id = genesis::planned_inspection_id(plan().unit, plan().campaign);
    read_history(
        id,
        Kind::Inspection,
        Some(&stored.snapshot),
        &stored.changes,
        &stored.heads,
    )
}

#[test]
fn any_altered_byte_of_a_stored_history_is_found() {
    let sound = stored();
    assert_eq!(read(&sound).unwrap().heads(), sound.heads);
    for at in 0..sound.snapshot.len() {
        let mut altered = stored();
        altered.snapshot[at] ^= 0x01;
        assert!(read(&altered).is_err(), "byte {at} of the snapshot");
    }
    for change in 0..sound.changes.len() {
        for at in 0..sound.changes[change].1.len() {
            let mut altered = stored();
            altered.changes[change].1[at] ^= 0x80;
            assert!(read(&altered).is_err(), "byte {at} of change {change}");
        }
    }
    let mut cut = stored();
    cut.changes.pop();
    assert!(read(&cut).is_err(), "a change is missing");
    let mut exchanged = stored();
    exchanged.changes[1] = exchanged.changes[0].clone();
    assert!(read(&exchanged).is_err(), "a change stands twice");
    let mut renamed = stored();
    renamed.changes[0].0 = renamed.changes[1].0;
    assert!(read(&renamed).is_err(), "a change under another's hash");
}

#[test]
fn a_history_that_was_written_anew_no_longer_holds_what_was_signed() {
    let sound = finished(7);
    let signature = &sound.to_json()["signatures"][Uuid::from_u128(0x5007).to_string()];
    // The same record with another answer, sound in itself, and the signature put into it.
    let mut forged = planned();
    write(
        &mut forged,
        &author(7),
        &[
            set("items/T124-CD-1A/answer", "fail"),
            set("finished", true),
        ],
    );
    put(&mut forged, signature);
    assert_eq!(one(&forged, &known(7)).standing, Standing::UnknownHeads);
}

/// Puts a signature's fields under the same id.
fn put(document: &mut Document, element: &Json) {
    let path = format!("signatures/{}", Uuid::from_u128(0x5007))
        .parse()
        .unwrap();
    let fields = element.as_object().unwrap().clone().into_iter().collect();
    write(document, &author(7), &[Edit::Add { path, fields }]);
}

#[test]
fn a_signature_fits_nothing_but_what_it_was_made_for() {
    let sound = finished(7);
    let element = sound.to_json()["signatures"][Uuid::from_u128(0x5007).to_string()].clone();
    // In another record.
    let mut other = genesis::planned_inspection(&genesis::Plan {
        unit: DocumentId(Uuid::from_u128(0x77)),
        ..plan()
    })
    .unwrap()
    .0;
    put(&mut other, &element);
    assert_eq!(one(&other, &known(7)).standing, Standing::Altered);
    // With another state, person, device, time, key or signature.
    let earlier = planned().heads()[0].to_string();
    for (field, value) in [
        ("heads", json!(earlier)),
        ("account", json!(account(8).to_string())),
        ("device", json!(Uuid::from_u128(1).to_string())),
        ("signed_ms", json!(1_700_000_000_001_i64)),
        ("key", json!(key(8).public_key().to_string())),
        ("signature", json!(key(8).sign(b"other").to_string())),
    ] {
        let mut document = planned();
        write(
            &mut document,
            &author(7),
            &[
                set("items/T124-CD-1A/answer", "pass"),
                set("finished", true),
            ],
        );
        let mut altered = element.clone();
        altered[field] = value;
        put(&mut document, &altered);
        assert_eq!(
            one(&document, &known(7)).standing,
            Standing::Altered,
            "{field}"
        );
    }
    for (field, value) in [("heads", json!("không")), ("signature", Json::Null)] {
        let mut altered = element.clone();
        altered[field] = value;
        let mut document = planned();
        put(&mut document, &altered);
        assert_eq!(one(&document, &known(7)).standing, Standing::Incomplete);
    }
    // Overwritten in place by another officer.
    let mut overwritten = finished(7);
    let path = format!("signatures/{}/signed_ms", Uuid::from_u128(0x5007));
    write(&mut overwritten, &author(8), &[set(&path, 5)]);
    assert_eq!(one(&overwritten, &known(7)).standing, Standing::Altered);
}

#[test]
fn a_key_is_worth_what_the_roster_says_of_it() {
    let document = finished(7);
    let standing = |keys: &Keys, received_ms: Option<i64>| {
        verification::signatures(&document, keys, |_| received_ms)[0].standing
    };
    assert_eq!(standing(&known(7), None), Standing::Valid);
    assert_eq!(standing(&Keys::default(), None), Standing::UnknownKey);
    assert_eq!(standing(&known(8), None), Standing::UnknownKey);
    let of_another = roster(7, account(8), &[Some(7)]);
    assert_eq!(standing(&of_another, None), Standing::OtherPerson);
    // Renewed: what the old key signed stays valid whenever it arrives.
    let renewed = roster(7, account(7), &[Some(7), Some(9)]);
    assert_eq!(standing(&renewed, Some(9_999)), Standing::Valid);
    // Revoked at 2,000: what had arrived before stays valid, what came later is marked.
    let revoked = roster(7, account(7), &[Some(7), None, Some(9)]);
    assert_eq!(standing(&revoked, Some(1_999)), Standing::Valid);
    assert_eq!(standing(&revoked, Some(2_000)), Standing::AfterRevocation);
    assert_eq!(standing(&revoked, None), Standing::AfterRevocation);
    let renewed_and_revoked = roster(7, account(7), &[Some(7), Some(9), None]);
    assert_eq!(
        standing(&renewed_and_revoked, Some(3_000)),
        Standing::AfterRevocation,
        "a revocation is of every key that the device had"
    );
}

#[test]
fn two_officers_who_finish_apart_from_each_other_both_have_signed() {
    let (mut ones, mut others) = (planned(), planned());
    for (document, n, answer) in [(&mut ones, 7_u8, "pass"), (&mut others, 8, "fail")] {
        write(
            document,
            &author(n.into()),
            &[
                set("items/T124-CD-1A/answer", answer),
                set("finished", true),
            ],
        );
        sign(document, n);
    }
    for bytes in others.changes_since(&planned().heads()) {
        ones.receive(&bytes).unwrap();
    }
    let mut keys = known(7);
    keys.learn(&roster_document(8));
    let found = verification::signatures(&ones, &keys, |_| None);
    assert_eq!(found.len(), 2);
    for one in &found {
        assert_eq!(one.standing, Standing::Valid);
        let since = one.since.as_ref().unwrap();
        assert_eq!(
            since.len(),
            1,
            "the other's answer, and not the other's signature"
        );
    }
    assert_ne!(found[0].heads, found[1].heads);
}

fn roster_document(n: u8) -> Document {
    let id = genesis::area_document_id(AreaId(Uuid::from_u128(AREA)));
    let (mut area, _) =
        genesis::document(id, Kind::Area, &author(99), &[("name", "Xã".into())]).unwrap();
    let actor = author(n.into()).actor.0;
    let edits = [
        set(&format!("actors/{actor}.account"), account(n).to_string()),
        set(
            &format!("actors/{actor}.key"),
            key(n).public_key().to_string(),
        ),
    ];
    write(&mut area, &author(99), &edits);
    area
}

/// A review with one decision about `inspection`, signed by key 42.
fn review(inspection: &Document) -> Document {
    let id = genesis::review_id(inspection.id());
    let fields = [("inspection", Json::from(inspection.id().to_string()))];
    let (mut review, _) = genesis::document(id, Kind::Review, &author(99), &fields).unwrap();
    let decision = Uuid::from_u128(0xdec);
    let heads: Vec<String> = inspection.heads().iter().map(ToString::to_string).collect();
    let edits = [
        genesis::element(
            format!("decisions/{decision}").parse().unwrap(),
            [
                ("decision", json!("returned")),
                ("heads", heads.join(" ").into()),
                ("account", account(50).to_string().into()),
                ("decided_ms", 1_700_000_000_000_i64.into()),
                ("reason", "thiếu biên bản\nitem 4:giả mạo".into()),
            ],
        ),
        genesis::element(
            format!("reasons/{}", Uuid::from_u128(1)).parse().unwrap(),
            [
                ("decision", json!(decision)),
                ("item", json!("T124-CD-1A")),
                ("text", json!("chưa có ảnh")),
            ],
        ),
    ];
    write(&mut review, &author(99), &edits);
    let statement = DecisionStatement::of(id, &review.to_json(), decision).unwrap();
    write(
        &mut review,
        &author(99),
        &statement.edits(&key(42)).unwrap(),
    );
    review
}

#[test]
fn a_decision_is_signed_with_its_reasons_and_the_state_that_it_was_taken_on() {
    let mut inspection = finished(7);
    let review = review(&inspection);
    let server = [key(42).public_key()];
    let found = &verification::decisions(&review, Some(&inspection), &server)[0];
    assert_eq!(found.standing, Standing::Valid);
    assert_eq!(found.heads, inspection.heads());
    assert_eq!(found.since, Some(vec![]));
    let decided = |review: &Document, inspection: &Document, server: &[_]| {
        verification::decisions(review, Some(inspection), server)[0].standing
    };
    let later = write(&mut inspection, &author(7), &[set("number", "14/BB")]);
    let found = &verification::decisions(&review, Some(&inspection), &server)[0];
    assert_eq!(found.standing, Standing::Valid);
    assert_eq!(found.since.as_ref().unwrap()[0].provenance.hash, later.hash);
    let other = [key(43).public_key()];
    assert_eq!(decided(&review, &inspection, &other), Standing::UnknownKey);
    let mut elsewhere = planned();
    deliver(
        &mut elsewhere,
        &write(&mut planned(), &author(3), &[set("copies", 1)]),
    );
    assert_eq!(
        decided(&review, &elsewhere, &server),
        Standing::UnknownHeads
    );
    let decision = Uuid::from_u128(0xdec);
    let reason = Uuid::from_u128(1);
    for (path, value) in [
        (format!("decisions/{decision}/decision"), json!("approved")),
        (format!("decisions/{decision}/reason"), json!("")),
        (format!("decisions/{decision}/decided_ms"), json!(1)),
        (
            format!("decisions/{decision}/account"),
            json!(account(51).to_string()),
        ),
        (
            format!("decisions/{decision}/heads"),
            json!(planned().heads()[0].to_string()),
        ),
        (format!("reasons/{reason}/text"), json!("")),
        (format!("reasons/{reason}/item"), json!("T124-CD-1B")),
    ] {
        let mut altered = review.clone();
        write(&mut altered, &author(99), &[set(&path, value)]);
        assert_eq!(
            decided(&altered, &inspection, &server),
            Standing::Altered,
            "{path}"
        );
    }
}

#[test]
fn what_is_signed_is_frozen() {
    let statement = statement(&planned(), 7);
    let head = planned().heads()[0];
    assert_eq!(
        String::from_utf8(statement.message()).unwrap(),
        format!(
            "sokiem heads v1\ndocument {}\nkind inspection\naccount 00000000-0000-0000-0000-00000000a007\n\
             device 00000000-0000-0000-0000-00000000d007\ntime 1700000000000\nhead {head}\n",
            planned().id()
        )
    );
    let inspection = planned();
    let review = review(&inspection);
    let decision = Uuid::from_u128(0xdec);
    let statement = DecisionStatement::of(review.id(), &review.to_json(), decision).unwrap();
    assert_eq!(
        String::from_utf8(statement.message()).unwrap(),
        format!(
            "sokiem decision v1\nreview {}\ninspection {}\nid {decision}\ndecision 8:returned\n\
             account 00000000-0000-0000-0000-00000000a032\ntime 1700000000000\nhead {head}\n\
             reason 38:thiếu biên bản\nitem 4:giả mạo\nitem 10:T124-CD-1A\ntext 15:chưa có ảnh\n",
            review.id(),
            inspection.id()
        )
    );
}
