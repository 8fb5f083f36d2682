//! Two officers at the same unit, each with a phone, neither with a network.

use serde_bytes::ByteBuf;
use serde_json::{Value as Json, json};
use sokiem_client_core::sync::Transport;
use sokiem_record::{
    edit::{Author, Edit},
    genesis,
    id::{ActorId, AreaId, DocumentId, Kind},
    wire::{self, ChangeOutcome, DocumentPush, ExchangeRequest, ExchangeResponse},
};
use sokiem_tests::town::{Small, new_unit};
use uuid::Uuid;

fn set(path: &str, value: impl Into<Json>) -> Edit {
    Edit::Set {
        path: path.parse().unwrap(),
        value: value.into(),
    }
}

fn note(path: &str, text: &str) -> Edit {
    Edit::Text {
        path: path.parse().unwrap(),
        text: text.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_planned_inspection_becomes_one_record_with_both_notes_and_every_clash() {
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
    let hers = lan
        .book
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    let his = minh
        .book
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    assert_eq!(hers, his);
    let her_edits = [
        set("items/KTC-01/answer", "pass"),
        note("items/KTC-01/note", "Có 3 người. "),
    ];
    lan.book.edit(hers, None, &her_edits, None).unwrap();
    let his_edits = [
        set("items/KTC-01/answer", "fail"),
        note("items/KTC-01/note", "Thiếu danh sách. "),
    ];
    minh.book.edit(his, None, &his_edits, None).unwrap();
    minh.book
        .edit(his, None, &[set("items/KTC-02/answer", "pass")], None)
        .unwrap();

    minh.sync().await.unwrap();
    lan.sync().await.unwrap();
    minh.sync().await.unwrap();

    let inspections = town.desk.list("kind=inspection").await.unwrap();
    assert_eq!(inspections.len(), 1);
    let record = town.desk.record(hers.0).await.unwrap();
    let merged = record["fields"]["items"]["KTC-01"]["note"]
        .as_str()
        .unwrap();
    assert!(
        merged.contains("Có 3 người.") && merged.contains("Thiếu danh sách."),
        "{merged}"
    );
    assert_eq!(record["fields"]["items"]["KTC-02"]["answer"], "pass");
    let conflicts = town
        .desk
        .get(&format!("/api/v1/records/{hers}/conflicts"))
        .await
        .unwrap();
    assert_eq!(conflicts.as_array().unwrap().len(), 1);
    assert_eq!(conflicts[0]["path"], "items/KTC-01/answer");
    let alternatives = conflicts[0]["alternatives"].as_array().unwrap();
    let mut seen: Vec<_> = alternatives
        .iter()
        .map(|one| (one["value"].clone(), one["by"]["name"].clone()))
        .collect();
    seen.sort_by_key(|(value, _)| value.to_string());
    assert_eq!(
        seen,
        [
            (json!("fail"), json!("Cán bộ minh")),
            (json!("pass"), json!("Cán bộ lan"))
        ]
    );
    // The phones show the same, with the colleague's name.
    for device in [&lan, &minh] {
        let conflicts = device.book.conflicts(hers).unwrap();
        assert_eq!(conflicts.len(), 1);
        let mut names: Vec<_> = conflicts[0]
            .alternatives
            .iter()
            .map(|one| one.author.name.clone())
            .collect();
        names.sort();
        assert_eq!(names, ["Cán bộ lan", "Cán bộ minh"]);
    }

    // A supervisor settles, and the phones know who and why.
    town.desk
        .settle(
            hers.0,
            "items/KTC-01/answer",
            &json!("fail"),
            "Đã xem danh sách",
        )
        .await
        .unwrap();
    lan.sync().await.unwrap();
    assert!(lan.book.conflicts(hers).unwrap().is_empty());
    let last = lan.book.history(hers).unwrap().pop().unwrap();
    assert_eq!(
        (last.author.name.as_str(), last.provenance.reason.as_deref()),
        ("Quản trị", Some("Đã xem danh sách"))
    );
    assert!(last.received_ms.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_names_the_state_it_was_taken_on_and_later_work_is_marked() {
    let town = Small::start().await.unwrap();
    let campaign = town.campaign().await.unwrap();
    let lan = town.officer("lan").await.unwrap();
    lan.sync().await.unwrap();
    let unit = new_unit(&lan.book, town.commune, 1).unwrap();
    let inspection = lan
        .book
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    lan.book
        .edit(inspection, None, &[set("finished", true)], None)
        .unwrap();
    lan.sync().await.unwrap();
    town.desk
        .decide(inspection.0, "approved", "")
        .await
        .unwrap();
    assert_eq!(
        town.desk.record(inspection.0).await.unwrap()["review"]["changed_since"],
        false
    );
    lan.book
        .edit(inspection, None, &[set("copies", 4)], None)
        .unwrap();
    lan.sync().await.unwrap();
    let record = town.desk.record(inspection.0).await.unwrap();
    assert_eq!(record["review"]["decision"], "approved");
    assert_eq!(record["review"]["changed_since"], true);
    assert_eq!(record["review"]["difference"][0]["path"], "copies");
    // The officer's phone has the decision too.
    lan.sync().await.unwrap();
    let review = lan.book.get(genesis::review_id(inspection)).unwrap();
    assert_eq!(review.fields["decisions"].as_object().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_order_phones_return_in_the_server_holds_the_same_heads() {
    let mut merged: Option<(Json, Json)> = None;
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let heads = arrive(order).await;
        assert_eq!(
            *merged.get_or_insert_with(|| heads.clone()),
            heads,
            "order {order:?}"
        );
    }
}

/// The same three authors' changes to one unit reach a fresh server in an order, written by hand as a
/// foreign client would; heads and fields there.
async fn arrive(order: [usize; 3]) -> (Json, Json) {
    let town = Small::start().await.unwrap();
    let id = DocumentId(Uuid::from_u128(77));
    let actors: Vec<ActorId> = (0..3_u128)
        .map(|n| ActorId(Uuid::from_u128(0x1000 + n)))
        .collect();
    let mut devices = Vec::new();
    for (n, actor) in actors.iter().enumerate() {
        let device = town.officer(&format!("canbo{n}")).await.unwrap();
        device.transport.bind_actor(*actor).await.unwrap();
        devices.push(device);
    }
    let author = |n: usize| Author {
        actor: actors[n],
        time_ms: 5,
        reason: None,
    };
    let (base, first) =
        genesis::document(id, Kind::Unit, &author(0), &[("name", json!("Trường"))]).unwrap();
    let push = |bytes: Vec<u8>| ExchangeRequest {
        v: wire::PROTOCOL_VERSION,
        epoch: Some(town.server.epoch()),
        cursors: Vec::new(),
        push: vec![DocumentPush {
            document: id,
            kind: Kind::Unit,
            area: AreaId(town.commune),
            changes: vec![ByteBuf::from(bytes)],
        }],
        report: None,
    };
    let send = async |n: usize, bytes: Vec<u8>| {
        let answer = devices[n]
            .transport
            .exchange(wire::encode(&push(bytes)))
            .await
            .unwrap();
        let response: ExchangeResponse = wire::decode(&answer).unwrap();
        assert_eq!(response.pushed[0].changes, [ChangeOutcome::Stored]);
    };
    send(0, first.bytes).await;
    let mut changes = Vec::new();
    for n in 0..3 {
        let edits = [
            set("address", format!("Ấp {n}")),
            note("notes", &format!("ý kiến {n}. ")),
        ];
        changes.push(
            base.clone()
                .edit(&author(n), None, &edits)
                .unwrap()
                .unwrap()
                .bytes,
        );
    }
    for n in order {
        send(n, changes[n].clone()).await;
    }
    let record = town.desk.record(id.0).await.unwrap();
    assert_eq!(record["conflicts"], 1);
    (record["heads"].clone(), record["fields"].clone())
}
