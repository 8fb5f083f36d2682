//! Push: what is stored, what is refused, and that repeating changes nothing.

use serde_json::json;
use sokiem_record::{
    document::Document,
    id::{ActorId, AreaId, DocumentId, Kind},
    refusal::Refusal,
    wire::{ChangeOutcome, Hash},
};

use crate::harness::{Town, fresh_uuid};

#[tokio::test]
async fn what_one_phone_pushes_another_pulls() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let mut minh = town.phone("minh", &[area]).await;
    let unit = lan.unit(area, "Trường THCS An Điền");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    minh.sync(Vec::new()).await;
    assert_eq!(minh.held[&id].1.to_json()["name"], "Trường THCS An Điền");
    let change = minh.set(id, "staff", json!(31));
    minh.sync(vec![change]).await;
    lan.sync(Vec::new()).await;
    assert_eq!(lan.held[&id].1.heads(), minh.held[&id].1.heads());
}

#[tokio::test]
async fn the_same_push_twice_stores_once() {
    let town = Town::new().await;
    let mut lan = town.phone("lan", &[town.communes[0]]).await;
    let unit = lan.unit(town.communes[0], "A");
    let request = lan.request(vec![unit]);
    let first = lan.send(&request).await;
    assert_eq!(first.pushed[0].changes, [ChangeOutcome::Stored]);
    let rows = log_rows(&town);
    let second = lan.send(&request).await;
    assert_eq!(second.pushed[0].changes, [ChangeOutcome::Had]);
    assert_eq!(log_rows(&town), rows);
    assert_eq!(second.pushed[0].area, Some(town.communes[0]));
}

fn log_rows(town: &Town) -> i64 {
    town.database()
        .query_row("SELECT count(*) FROM log", [], |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn a_change_without_what_it_builds_on_is_answered_with_what_is_missing() {
    let town = Town::new().await;
    let mut lan = town.phone("lan", &[town.communes[0]]).await;
    let unit = lan.unit(town.communes[0], "A");
    let id = unit.document;
    let first = lan.held[&id].1.heads()[0];
    let change = lan.set(id, "staff", json!(3));
    let response = lan.send(&lan.request(vec![change.clone()])).await;
    assert_eq!(
        response.pushed[0].changes,
        [ChangeOutcome::Missing(vec![Hash::from(first)])]
    );
    assert_eq!(response.pushed[0].area, None);
    let response = lan.send(&lan.request(vec![unit, change])).await;
    assert!(
        response
            .pushed
            .iter()
            .all(|outcome| outcome.changes == [ChangeOutcome::Stored])
    );
}

#[tokio::test]
async fn every_refusal_has_its_reason_and_goes_to_quarantine() {
    let town = Town::new().await;
    let [mine, others] = town.communes;
    let mut lan = town.phone("lan", &[mine]).await;
    let mut minh = town.phone("minh", &[others]).await;
    let foreign = minh.unit(mine, "Của người khác");
    let out_of_scope = lan.unit(others, "Ngoài địa bàn");
    let unknown_area = lan.unit(AreaId(fresh_uuid()), "Không có");
    let read_only = lan.unit(town.district, "Chỉ đọc");
    let mut garbage = lan.unit(mine, "Rác");
    garbage.changes[0][20] ^= 1;
    let mut wrong_id = lan.unit(mine, "Sai mã");
    wrong_id.document = DocumentId(fresh_uuid());
    let mut wrong_kind = lan.unit(mine, "Sai loại");
    wrong_kind.kind = Kind::Inspection;
    let mut server_kind = lan.unit(mine, "Loại của máy chủ");
    server_kind.kind = Kind::Campaign;
    let cases = [
        (foreign, Refusal::ForeignActor),
        (out_of_scope, Refusal::OutOfScope),
        (unknown_area, Refusal::UnknownArea),
        (read_only, Refusal::OutOfScope),
        (garbage, Refusal::Malformed),
        (wrong_id, Refusal::WrongDocument),
        (wrong_kind, Refusal::WrongDocument),
        (server_kind, Refusal::ReadOnlyKind),
    ];
    let rows = log_rows(&town);
    let pushes = cases.iter().map(|(push, _)| push.clone()).collect();
    let response = lan.send(&lan.request(pushes)).await;
    for ((_, refusal), outcome) in cases.iter().zip(&response.pushed) {
        assert_eq!(outcome.changes, [ChangeOutcome::Refused(*refusal)]);
        assert_eq!(outcome.area, None);
    }
    assert_eq!(log_rows(&town), rows);
    let kept: i64 = town
        .database()
        .query_row("SELECT count(*) FROM quarantine", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, cases.len() as i64);
}

#[tokio::test]
async fn a_refused_change_refuses_what_builds_on_it_and_nothing_else() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let mut bad = lan.unit(area, "A");
    let id = bad.document;
    // A second change by an actor that is not the phone's, and a third on top of it.
    let own = lan.actor;
    lan.actor = ActorId(fresh_uuid());
    let foreign = lan.set(id, "staff", json!(3));
    lan.actor = own;
    let after = lan.set(id, "learners", json!(4));
    bad.changes.extend(foreign.changes);
    bad.changes.extend(after.changes);
    let good = lan.unit(area, "B");
    let response = lan.send(&lan.request(vec![bad, good])).await;
    assert_eq!(
        response.pushed[0].changes,
        [
            ChangeOutcome::Stored,
            ChangeOutcome::Refused(Refusal::ForeignActor),
            ChangeOutcome::Refused(Refusal::DependsOnRefused)
        ]
    );
    assert_eq!(response.pushed[1].changes, [ChangeOutcome::Stored]);
}

#[tokio::test]
async fn a_second_history_under_one_actor_is_refused() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "A");
    let id = unit.document;
    let copy: Document = lan.held[&id].1.clone();
    let one = lan.set(id, "staff", json!(3));
    lan.held.insert(id, (area, copy));
    let other = lan.set(id, "staff", json!(4));
    let response = lan.send(&lan.request(vec![unit, one, other])).await;
    assert_eq!(
        response.pushed[2].changes,
        [ChangeOutcome::Refused(Refusal::ForkedActor)]
    );
}

#[tokio::test]
async fn the_quarantine_of_a_device_is_bounded() {
    let town = Town::with(|config| config.limits.quarantine_bytes = 5_000).await;
    let mut lan = town.phone("lan", &[town.communes[0]]).await;
    let pushes = (0..20)
        .map(|_| lan.unit(town.communes[1], "Ngoài địa bàn"))
        .collect();
    lan.send(&lan.request(pushes)).await;
    let bytes: i64 = town
        .database()
        .query_row("SELECT sum(length(bytes)) FROM quarantine", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(bytes <= 5_000, "{bytes}");
    assert!(town.metric("sokiem_quarantine_full_total").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_phones_push_at_once_and_nothing_is_lost_or_doubled() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut phones = Vec::new();
    for n in 0..8 {
        phones.push(town.phone(&format!("cb{n}"), &[area]).await);
    }
    let pushing = phones.into_iter().map(|mut phone| {
        tokio::spawn(async move {
            for round in 0..10 {
                let pushes: Vec<_> = (0..5)
                    .map(|n| phone.unit(area, &format!("{round}.{n}")))
                    .collect();
                let request = phone.request(pushes);
                // Twice at the same time: a retry that overtakes its first attempt.
                let (one, two) = tokio::join!(phone.send(&request), phone.send(&request));
                for response in [&one, &two] {
                    let outcomes = response.pushed.iter().flat_map(|outcome| &outcome.changes);
                    for outcome in outcomes {
                        assert!(
                            matches!(outcome, ChangeOutcome::Stored | ChangeOutcome::Had),
                            "{outcome:?}"
                        );
                    }
                }
                phone.take(&one);
            }
            phone
        })
    });
    let mut phones: Vec<_> = Vec::new();
    for pushed in pushing.collect::<Vec<_>>() {
        phones.push(pushed.await.unwrap());
    }
    for phone in &mut phones {
        phone.sync(Vec::new()).await;
        let units = phone
            .held
            .values()
            .filter(|(_, document)| document.kind() == Kind::Unit)
            .count();
        assert_eq!(units, 8 * 50);
    }
    let changes: i64 = town
        .database()
        .query_row(
            "SELECT count(*) FROM changes JOIN documents ON documents.id = document WHERE kind = 'unit'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(changes, 8 * 50);
}
