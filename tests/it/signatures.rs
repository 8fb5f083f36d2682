//! Finished records are signed on phones, decisions on the server, and everybody can verify both.

use serde_json::{Value as Json, json};
use sokiem_client_core::book::Saved;
use sokiem_record::{
    edit::Edit,
    id::DocumentId,
    verification::{History, Standing, Verification},
};
use sokiem_tests::{
    device::Device,
    town::{Small, new_unit},
};

fn set(path: &str, value: impl Into<Json>) -> Edit {
    Edit::Set {
        path: path.parse().unwrap(),
        value: value.into(),
    }
}

fn finish(device: &Device, record: DocumentId, answer: &str) -> Saved {
    let edits = [set("items/KTC-01/answer", answer)];
    device.book.edit(record, None, &edits, None).unwrap();
    device.book.finish(record, None).unwrap()
}

fn standings(verified: &Verification) -> Vec<Standing> {
    verified.signatures.iter().map(|one| one.standing).collect()
}

async fn at_the_server(town: &Small, record: DocumentId) -> Json {
    let path = format!("/api/v1/records/{record}/verify");
    town.desk.get(&path).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_officers_finish_apart_and_everybody_sees_who_signed_what() {
    let town = Small::start().await.unwrap();
    let campaign = town.campaign().await.unwrap();
    let (lan, minh) = (
        town.officer("lan").await.unwrap(),
        town.officer("minh").await.unwrap(),
    );
    lan.sync().await.unwrap();
    let unit = new_unit(&lan.book, town.commune, 1).unwrap();
    lan.sync().await.unwrap();
    minh.sync().await.unwrap();
    // Without network from here on.
    let record = lan
        .book
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    minh.book.open_planned_inspection(unit, campaign).unwrap();
    let signed = finish(&lan, record, "pass");
    assert!(signed.change.is_some());
    assert_eq!(
        lan.book.finish(record, None).unwrap().change,
        None,
        "what is signed as it stands is not signed again"
    );
    finish(&minh, record, "fail");
    let own = lan.book.verify(record).unwrap();
    assert_eq!(
        standings(&own),
        [Standing::Valid],
        "also before it was sent"
    );
    assert!(own.is_sound() && own.signatures[0].since.as_ref().unwrap().is_empty());

    lan.sync().await.unwrap();
    minh.sync().await.unwrap();
    lan.sync().await.unwrap();
    for device in [&lan, &minh] {
        let verified = device.book.verify(record).unwrap();
        assert_eq!(standings(&verified), [Standing::Valid, Standing::Valid]);
        assert!(matches!(verified.history, History::Whole { changes } if changes >= 5));
        for one in &verified.signatures {
            let since = one.since.as_ref().unwrap();
            assert!(!since.is_empty(), "the other's work came after");
            assert!(since.iter().all(|entry| {
                let author = device.book.author(entry.provenance.actor).unwrap();
                author.account.is_some() && author.account != one.account
            }));
        }
        assert!(
            device
                .book
                .verify_all()
                .unwrap()
                .iter()
                .all(Verification::is_sound)
        );
    }
    let verified = at_the_server(&town, record).await;
    assert_eq!(verified["sound"], true);
    assert_eq!(verified["signatures"].as_array().unwrap().len(), 2);
    assert!(verified["signatures"][0]["received_ms"].is_i64());
    let name = &verified["signatures"][0]["since"][0]["by"]["name"];
    assert!(name.as_str().unwrap().starts_with("Cán bộ"));

    // The decision is signed by the server, and the phones know its key.
    let conflicts = town
        .desk
        .get(&format!("/api/v1/records/{record}/conflicts"))
        .await
        .unwrap();
    assert_eq!(conflicts[0]["path"], "items/KTC-01/answer");
    town.desk
        .settle(record.0, "items/KTC-01/answer", &json!("fail"), "xem ảnh")
        .await
        .unwrap();
    town.desk.decide(record.0, "approved", "").await.unwrap();
    lan.sync().await.unwrap();
    let verified = lan.book.verify(record).unwrap();
    assert_eq!(verified.decisions.len(), 1);
    assert_eq!(verified.decisions[0].standing, Standing::Valid);
    assert_eq!(verified.decisions[0].since, Some(vec![]));
    // Work after the approval is told.
    lan.book
        .edit(record, None, &[set("number", "12/BB")], None)
        .unwrap();
    let verified = lan.book.verify(record).unwrap();
    assert_eq!(verified.decisions[0].since.as_ref().unwrap().len(), 1);
    // And can be signed anew.
    let again = lan.book.finish(record, None).unwrap();
    assert!(again.change.is_some());
    lan.sync().await.unwrap();
    let verified = at_the_server(&town, record).await;
    let standing = |one: &Json| one["standing"].as_str().map(str::to_owned);
    let signatures = verified["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), 3);
    assert!(
        signatures
            .iter()
            .all(|one| standing(one).as_deref() == Some("valid"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_key_keeps_its_signatures_and_a_revoked_one_those_that_had_arrived() {
    let town = Small::start().await.unwrap();
    let campaign = town.campaign().await.unwrap();
    let (lan, minh) = (
        town.officer("lan").await.unwrap(),
        town.officer("minh").await.unwrap(),
    );
    lan.sync().await.unwrap();
    let unit = new_unit(&lan.book, town.commune, 1).unwrap();
    let record = lan
        .book
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    finish(&lan, record, "pass");
    lan.sync().await.unwrap();
    let device = lan.book.enrolment().unwrap().unwrap().device;
    town.desk
        .delete(&format!("/api/v1/devices/{device}"))
        .await
        .unwrap();
    minh.sync().await.unwrap();
    let verified = minh.book.verify(record).unwrap();
    assert_eq!(standings(&verified), [Standing::Valid]);
    // A signature of the lost phone that is handed in later by somebody else would be marked: the roster
    // says so on every phone.
    let roster = minh
        .book
        .get(sokiem_record::genesis::area_document_id(
            sokiem_record::id::AreaId(town.commune),
        ))
        .unwrap();
    let actor = lan.book.actor().unwrap();
    assert_eq!(
        roster.fields["actors"][format!("{}.key", actor.0)],
        Json::Null
    );
    let own = minh.book.actor().unwrap();
    let key = &roster.fields["actors"][format!("{}.key", own.0)];
    assert_eq!(key.as_str().unwrap().len(), 64);
}
