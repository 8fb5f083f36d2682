//! A backup comes back: devices notice, and bring what it lacks.

use serde_json::json;
use sokiem_record::{
    ChangeHash,
    refusal::Refusal,
    wire::{
        self, ChangeOutcome, DocumentHeads, DocumentPush, Hash, PROTOCOL_VERSION, ReconcileRequest,
        ReconcileResponse,
    },
};
use sokiem_server::{serve, start_epoch_offline};

use crate::harness::{Phone, Town, answer, config, push};

/// The newest database, as a consistent copy.
fn backup(town: &Town) -> Vec<u8> {
    let copy = town.folder.path().join("backup.sqlite3");
    town.database()
        .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
        .unwrap();
    std::fs::read(copy).unwrap()
}

/// Stops the server, puts the backup in place, starts a new epoch, starts the server.
async fn restore(town: Town, backup: &[u8]) -> Town {
    let Town {
        server,
        folder,
        http,
        admin,
        district,
        communes,
    } = town;
    server.stop().await.unwrap();
    let file = folder.path().join(sokiem_server::FILE_NAME);
    for tail in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{tail}", file.display()));
    }
    std::fs::write(&file, backup).unwrap();
    start_epoch_offline(config(&folder)).await.unwrap();
    let server = serve(config(&folder)).await.unwrap();
    Town {
        server,
        folder,
        http,
        admin,
        district,
        communes,
    }
}

/// What a client does after `epoch-changed`: the new epoch, no cursors, every area reconciled.
async fn reconcile(town: &Town, phone: &mut Phone) -> Vec<DocumentPush> {
    phone.move_to(town);
    let refused = answer(
        phone
            .post(
                "/api/device/v1/exchange",
                wire::encode(&phone.request(Vec::new())),
            )
            .await,
    )
    .await;
    assert_eq!(refused.problem(409), "epoch-changed");
    phone.epoch = refused.json["epoch"].as_str().unwrap().parse().unwrap();
    phone.cursors.clear();
    let mut pushes = Vec::new();
    for area in town.communes {
        let held = phone
            .held
            .iter()
            .filter(|(_, (held_in, _))| *held_in == area);
        let documents = held
            .map(|(id, (_, document))| DocumentHeads {
                document: *id,
                heads: document.heads().into_iter().map(Hash::from).collect(),
            })
            .collect();
        let request = ReconcileRequest {
            v: PROTOCOL_VERSION,
            epoch: phone.epoch,
            area,
            documents,
        };
        let response = phone
            .post("/api/device/v1/reconcile", wire::encode(&request))
            .await;
        let bytes = response.bytes().await.unwrap();
        let response: ReconcileResponse = match wire::decode(&bytes) {
            Ok(response) => response,
            Err(_) => continue,
        };
        let lost = response.unknown.into_iter().map(|id| (id, Vec::new()));
        let differ = response
            .differ
            .into_iter()
            .map(|differ| (differ.document, differ.heads));
        for (id, heads) in lost.chain(differ) {
            let heads: Vec<ChangeHash> = heads.into_iter().map(ChangeHash::from).collect();
            let (_, document) = &phone.held[&id];
            pushes.push(push(
                id,
                document.kind(),
                area,
                document.changes_since(&heads),
            ));
        }
    }
    pushes
}

#[tokio::test]
async fn devices_bring_back_what_a_backup_lacks_also_what_others_wrote() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let mut minh = town.phone("minh", &[area]).await;
    let old = lan.unit(area, "Có trong bản sao lưu");
    let old_id = old.document;
    lan.sync(vec![old]).await;
    let saved = backup(&town);
    let new = lan.unit(area, "Sau bản sao lưu");
    let new_id = new.document;
    let change = lan.set(old_id, "staff", json!(12));
    lan.sync(vec![new, change]).await;
    minh.sync(Vec::new()).await;

    // Lan's phone never comes back. Minh's holds what she wrote.
    let town = restore(town, &saved).await;
    let pushes = reconcile(&town, &mut minh).await;
    assert_eq!(pushes.len(), 2);
    minh.sync(pushes).await;
    let json = town
        .get(&town.admin, &format!("/api/v1/records/{old_id}"))
        .await
        .expect(200);
    assert_eq!(json["fields"]["staff"], 12);
    let history = town
        .get(&town.admin, &format!("/api/v1/records/{new_id}/history"))
        .await
        .expect(200);
    assert_eq!(history[0]["by"]["name"], "LAN");
}

#[tokio::test]
async fn without_a_restore_nobody_brings_what_others_wrote() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let minh = town.phone("minh", &[area]).await;
    let unit = lan.unit(area, "Của Lan");
    let response = minh.send(&minh.request(vec![unit])).await;
    assert_eq!(
        response.pushed[0].changes,
        [ChangeOutcome::Refused(Refusal::ForeignActor)]
    );
}
