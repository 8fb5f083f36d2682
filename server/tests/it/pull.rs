//! Pull: paging, cursors, fingerprints, moves, and an exchange with nothing new.

use serde_json::json;
use sokiem_record::{
    fingerprint::Fingerprint,
    id::{AreaId, DocumentId},
    wire::{
        self, Check, DocumentHeads, Hash, News, PROTOCOL_VERSION, ReconcileRequest,
        ReconcileResponse,
    },
};

use crate::harness::{Phone, Town, answer};

/// Many units on the server, of one commune.
async fn fill(town: &Town, phone: &mut Phone, area: AreaId, count: usize) {
    let mut left = count;
    while left > 0 {
        let slice = left.min(1_000);
        let pushes = (0..slice)
            .map(|n| phone.unit(area, &format!("Đơn vị {n}")))
            .collect();
        phone.sync(pushes).await;
        left -= slice;
    }
    assert!(town.metric("sokiem_changes_stored_total").await >= count as u64);
}

#[tokio::test]
async fn an_exchange_with_nothing_new_is_small_and_touches_no_document() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    fill(&town, &mut lan, area, 5_000).await;
    let mut minh = town.phone("minh", &[area]).await;
    let rounds = minh.sync(Vec::new()).await;
    assert!(rounds <= 10, "{rounds} exchanges for a fresh device");
    assert_eq!(minh.held.len(), 5_002);
    lan.sync(Vec::new()).await;

    let touched = town.metric("sokiem_documents_touched_total").await;
    for phone in [&lan, &minh] {
        let request = wire::encode(&phone.request(Vec::new()));
        let sent = request.len();
        let response = phone.post("/api/device/v1/exchange", request).await;
        let received = response.bytes().await.unwrap();
        assert!(sent + received.len() <= 1024, "{sent} + {}", received.len());
        let response: wire::ExchangeResponse = wire::decode(&received).unwrap();
        assert!(
            response
                .pulled
                .iter()
                .all(|pull| pull.entries.is_empty() && !pull.more)
        );
    }
    assert_eq!(town.metric("sokiem_documents_touched_total").await, touched);
}

#[tokio::test]
async fn paging_skips_nothing_while_changes_arrive() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut writer = town.phone("lan", &[area]).await;
    // About 3.5 KB each: several pages.
    let ids: Vec<DocumentId> = {
        let mut pushes = Vec::new();
        for n in 0..1_500 {
            let mut push = writer.unit(area, &format!("Đơn vị {n}"));
            let long = writer.set(
                push.document,
                "fire_equipment",
                json!("bình chữa cháy ".repeat(200)),
            );
            push.changes.extend(long.changes);
            pushes.push(push);
        }
        let ids = pushes.iter().map(|push| push.document).collect();
        writer.sync(pushes).await;
        ids
    };
    let mut reader = town.phone("minh", &[area]).await;
    let mut rounds = 0;
    loop {
        let response = reader.send(&reader.request(Vec::new())).await;
        reader.take(&response);
        rounds += 1;
        if response.pulled.iter().all(|pull| !pull.more) {
            break;
        }
        // Meanwhile documents that were already sent, and some that were not, change; and a new one comes.
        let mut pushes = Vec::new();
        for step in [1, 700, 1_400] {
            let id = ids[(rounds * step) % ids.len()];
            pushes.push(writer.set(id, "staff", json!(rounds)));
        }
        pushes.push(writer.unit(area, "Mới"));
        writer.sync(pushes).await;
        assert!(rounds < 50);
    }
    assert!(rounds > 1, "the pull has to take several pages");
    assert_eq!(reader.fingerprint(area), writer.fingerprint(area));
    assert_eq!(reader.held.len(), writer.held.len());
}

#[tokio::test]
async fn logs_are_gapless_and_fingerprints_are_those_of_the_documents() {
    let town = Town::new().await;
    let [one, two] = town.communes;
    let mut lan = town.phone("lan", &[one, two]).await;
    fill(&town, &mut lan, one, 30).await;
    fill(&town, &mut lan, two, 20).await;
    let ids: Vec<DocumentId> = lan.held.keys().copied().collect();
    let mut pushes = Vec::new();
    for id in ids
        .iter()
        .filter(|id| lan.held[id].1.kind().device_may_write())
        .take(10)
        .copied()
        .collect::<Vec<_>>()
    {
        pushes.push(lan.set(id, "staff", json!(9)));
    }
    lan.sync(pushes).await;
    let moved = *ids
        .iter()
        .find(|id| lan.held[id].0 == one && lan.held[id].1.kind().device_may_write())
        .unwrap();
    town.post(
        &town.admin,
        &format!("/api/v1/records/{moved}/area"),
        json!({"area": two}),
    )
    .await
    .expect(204);
    lan.sync(Vec::new()).await;
    assert_eq!(lan.held[&moved].0, two);

    let database = town.database();
    let gaps: i64 = database
        .query_row(
            "SELECT count(*) FROM areas WHERE last_seq != (SELECT count(*) FROM log WHERE area = areas.id)
                OR last_seq != coalesce((SELECT max(seq) FROM log WHERE area = areas.id), 0)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(gaps, 0);
    let mut statement = database
        .prepare("SELECT id, fingerprint FROM areas")
        .unwrap();
    let areas: Vec<(Vec<u8>, Vec<u8>)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (area, fingerprint) in areas {
        let mut sum = Fingerprint::default();
        let mut statement = database
            .prepare("SELECT id, heads FROM documents WHERE area = ?1")
            .unwrap();
        let mut rows = statement.query([&area]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let id: Vec<u8> = row.get(0).unwrap();
            let heads: Vec<u8> = row.get(1).unwrap();
            let heads: Vec<_> = heads
                .chunks(32)
                .map(|head| sokiem_record::ChangeHash(head.try_into().unwrap()))
                .collect();
            sum = sum.plus(Fingerprint::of_document(
                DocumentId::from_slice(&id).unwrap(),
                &heads,
            ));
        }
        assert_eq!(sum.as_bytes().as_slice(), fingerprint);
    }
}

#[tokio::test]
async fn a_unit_that_moves_out_of_scope_leaves() {
    let town = Town::new().await;
    let [one, two] = town.communes;
    let mut lan = town.phone("lan", &[one]).await;
    let mut both = town.phone("minh", &[one, two]).await;
    let unit = lan.unit(one, "A");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    both.sync(Vec::new()).await;
    town.post(
        &town.admin,
        &format!("/api/v1/records/{id}/area"),
        json!({"area": two}),
    )
    .await
    .expect(204);
    let response = lan.send(&lan.request(Vec::new())).await;
    let news: Vec<_> = response
        .pulled
        .iter()
        .flat_map(|pull| &pull.entries)
        .collect();
    assert_eq!(news.len(), 1);
    assert_eq!(news[0].news, News::Left(None));
    let response = both.send(&both.request(Vec::new())).await;
    let left = response
        .pulled
        .iter()
        .flat_map(|pull| &pull.entries)
        .find(|entry| matches!(entry.news, News::Left(_)));
    assert_eq!(left.unwrap().news, News::Left(Some(two)));
    both.take(&response);
    assert_eq!(both.held[&id].0, two);
    both.sync(Vec::new()).await;
    // Back again: the first phone gets the whole of it.
    lan.take(&response_of(&lan).await);
    assert!(!lan.held.contains_key(&id));
    town.post(
        &town.admin,
        &format!("/api/v1/records/{id}/area"),
        json!({"area": one}),
    )
    .await
    .expect(204);
    lan.sync(Vec::new()).await;
    both.sync(Vec::new()).await;
    assert_eq!(lan.held[&id].1.to_json()["name"], "A");
}

async fn response_of(phone: &Phone) -> wire::ExchangeResponse {
    phone.send(&phone.request(Vec::new())).await
}

#[tokio::test]
async fn a_long_history_travels_as_a_snapshot() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "A");
    let id = unit.document;
    let mut pushes = vec![unit];
    for n in 0..25 {
        pushes.push(lan.set(id, "staff", json!(n)));
    }
    lan.sync(pushes).await;
    let mut minh = town.phone("minh", &[area]).await;
    let response = response_of(&minh).await;
    let entry = response
        .pulled
        .iter()
        .flat_map(|pull| &pull.entries)
        .find(|entry| entry.document == id);
    assert!(
        matches!(&entry.unwrap().news, News::Snapshot { received_ms, .. } if received_ms.len() == 26)
    );
    minh.take(&response);
    minh.sync(Vec::new()).await;
    assert_eq!(minh.held[&id].1.heads(), lan.held[&id].1.heads());
}

#[tokio::test]
async fn a_snapshot_that_was_made_for_one_device_serves_the_next_and_never_hides_a_change() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "A");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    for n in 0..30 {
        let change = lan.set(id, "staff", json!(n));
        lan.sync(vec![change]).await;
        let mut other = town.phone(&format!("cb{n}"), &[area]).await;
        other.sync(Vec::new()).await;
        assert_eq!(
            other.held[&id].1.heads(),
            lan.held[&id].1.heads(),
            "after {n}"
        );
        assert_eq!(other.held[&id].1.to_json()["staff"], n);
    }
}

#[tokio::test]
async fn a_cursor_that_does_not_fit_the_log_starts_again() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let pushes = (0..3).map(|n| lan.unit(area, &n.to_string())).collect();
    lan.sync(pushes).await;
    let good = lan.cursors[&area];
    for (seq, check) in [(good.seq, Check([1; 8])), (good.seq + 5, good.check)] {
        let cursor = lan.cursors.get_mut(&area).unwrap();
        (cursor.seq, cursor.base, cursor.check) = (seq, seq, check);
        let response = response_of(&lan).await;
        let pull = response
            .pulled
            .iter()
            .find(|pull| pull.cursor.area == area)
            .unwrap();
        assert!(pull.reset);
        // Three units and the area's own document.
        assert_eq!((pull.entries.len(), pull.cursor), (4, good));
    }
}

#[tokio::test]
async fn a_new_epoch_is_told_and_reconciling_finds_what_differs() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let (known, changed) = (lan.unit(area, "A"), lan.unit(area, "B"));
    let (id, changed_id) = (known.document, changed.document);
    lan.sync(vec![known, changed]).await;
    let new = lan.unit(area, "C");
    let new_id = new.document;
    let ahead = lan.set(changed_id, "staff", json!(1));

    let stranger = sokiem_record::id::EpochId(crate::harness::fresh_uuid());
    let real = std::mem::replace(&mut lan.epoch, stranger);
    let body = wire::encode(&lan.request(vec![new.clone()]));
    let refused = answer(lan.post("/api/device/v1/exchange", body).await).await;
    assert_eq!(refused.problem(409), "epoch-changed");
    assert_eq!(refused.json["epoch"], real.to_string());
    lan.epoch = real;

    let documents = lan
        .held
        .iter()
        .filter(|(_, (held_in, _))| *held_in == area)
        .map(|(id, (_, document))| DocumentHeads {
            document: *id,
            heads: document.heads().into_iter().map(Hash::from).collect(),
        })
        .collect();
    let request = ReconcileRequest {
        v: PROTOCOL_VERSION,
        epoch: real,
        area,
        documents,
    };
    let response = lan
        .post("/api/device/v1/reconcile", wire::encode(&request))
        .await;
    let response: ReconcileResponse = wire::decode(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(response.unknown, [new_id]);
    assert_eq!(
        response
            .differ
            .iter()
            .map(|differ| differ.document)
            .collect::<Vec<_>>(),
        [changed_id]
    );
    assert!(response.elsewhere.is_empty() && !response.pull);
    lan.sync(vec![new, ahead]).await;
    assert!(lan.held.contains_key(&id));
}

#[tokio::test]
async fn a_restart_loses_nothing_and_a_restore_starts_an_epoch() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "A");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    let epoch = town.server.epoch();
    let town = town.restarted().await;
    assert_eq!(town.server.epoch(), epoch);
    let minh = town.phone("minh", &[area]).await;
    let response = response_of(&minh).await;
    assert!(
        response
            .pulled
            .iter()
            .flat_map(|pull| &pull.entries)
            .any(|entry| entry.document == id)
    );
    let Town { server, folder, .. } = town;
    server.stop().await.unwrap();
    let next = sokiem_server::start_epoch_offline(crate::harness::config(&folder))
        .await
        .unwrap();
    assert_ne!(next, epoch);
}
