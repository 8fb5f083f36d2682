//! A server comes back from an older backup, and real devices bring what it lost.

use serde_json::{Value as Json, json};
use sokiem_client_core::sync;
use sokiem_record::{
    edit::Edit,
    genesis,
    id::{AreaId, DocumentId},
    refusal::Refusal,
};
use sokiem_server::{Config, FILE_NAME, backup, serve};
use sokiem_tests::{
    desk::Desk,
    device::Device,
    town::{PASSWORD, Small, config, new_unit},
};

/// Backs the running server up.
fn back_up(town: &Small) -> std::path::PathBuf {
    let to = town.folder.path().join("backup");
    backup::make_beside(&config(&town.folder), &to, None).unwrap();
    to
}

/// Stops the server, restores the backup in its place, and starts it at the same address. `forgetful`: the
/// folder that is replaced is lost too.
async fn restored(town: Small, from: &std::path::Path, forgetful: bool) -> Small {
    let Small {
        server,
        folder,
        district,
        commune,
        ..
    } = town;
    let config = Config {
        listen: server.address(),
        ..config(&folder)
    };
    server.stop().await.unwrap();
    if forgetful {
        std::fs::remove_dir_all(&config.data_dir).unwrap();
    }
    backup::restore(config.clone(), from, !forgetful)
        .await
        .unwrap();
    let server = serve(config).await.unwrap();
    let desk = Desk::sign_in(&server.url(), "admin", PASSWORD)
        .await
        .unwrap();
    Small {
        server,
        folder,
        desk,
        district,
        commune,
    }
}

/// One synchronisation that may end without proof.
async fn try_sync(device: &Device) -> sync::SyncReport {
    sync::sync_once(&device.book, &device.transport)
        .await
        .unwrap()
}

async fn assign(town: &Small, unit: DocumentId, campaign: DocumentId) -> DocumentId {
    let body = json!({"unit": unit, "campaign": campaign, "due": "2019-06-30"});
    town.desk.post("/api/v1/assignments", body).await.unwrap();
    genesis::assignment_id(unit, campaign)
}

async fn recovery(town: &Small) -> Json {
    town.desk.get("/api/v1/recovery").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_bring_back_acknowledged_work_also_where_the_restored_log_has_grown_past_their_cursors()
 {
    let town = Small::start().await.unwrap();
    let (lan, minh) = (
        town.officer("lan").await.unwrap(),
        town.officer("minh").await.unwrap(),
    );
    lan.sync().await.unwrap();
    new_unit(&lan.book, town.commune, 1).unwrap();
    lan.sync().await.unwrap();
    minh.sync().await.unwrap();
    let from = back_up(&town);
    let lost: Vec<DocumentId> = (2..6)
        .map(|n| new_unit(&lan.book, town.commune, n).unwrap())
        .collect();
    lan.sync().await.unwrap();
    let town = restored(town, &from, true).await;
    // New work comes first, and more than what was lost.
    for n in 10..30 {
        new_unit(&minh.book, town.commune, n).unwrap();
    }
    minh.sync().await.unwrap();
    let report = lan.sync().await.unwrap();
    assert!(report.offered_again >= 4, "{report:?}");
    minh.sync().await.unwrap();
    for unit in lost {
        town.desk.record(unit.0).await.unwrap();
        minh.book.get(unit).unwrap();
    }
    assert_eq!(town.desk.list("kind=unit").await.unwrap().len(), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_server_writes_comes_back_once_an_administrator_approves_it() {
    let town = Small::start().await.unwrap();
    let campaign = town.campaign().await.unwrap();
    let (lan, minh) = (
        town.officer("lan").await.unwrap(),
        town.officer("minh").await.unwrap(),
    );
    lan.sync().await.unwrap();
    let unit = new_unit(&lan.book, town.commune, 1).unwrap();
    lan.sync().await.unwrap();
    let from = back_up(&town);
    // An assignment, an inspection with a decision, and an officer in the roster that the backup lacks.
    let assignment = assign(&town, unit, campaign).await;
    let inspection = lan
        .book
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    let finished = Edit::Set {
        path: "finished".parse().unwrap(),
        value: true.into(),
    };
    lan.book.edit(inspection, None, &[finished], None).unwrap();
    lan.sync().await.unwrap();
    town.desk
        .decide(inspection.0, "approved", "Đạt")
        .await
        .unwrap();
    lan.sync().await.unwrap();
    let town = restored(town, &from, true).await;

    let report = try_sync(&lan).await;
    assert!(!report.verified && report.pending == 0, "{report:?}");
    assert!(
        lan.book.get(assignment).is_ok(),
        "the device keeps its copy"
    );
    let waiting = recovery(&town).await;
    let kinds: Vec<&str> = waiting["documents"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["kind"].as_str())
        .collect();
    assert!(
        kinds.contains(&"assignment") && kinds.contains(&"review"),
        "{waiting}"
    );
    assert_eq!(
        waiting["documents"][0]["devices"][0]["account_name"],
        "Cán bộ lan"
    );
    assert!(
        town.desk.record(assignment.0).await.is_err(),
        "nothing counts before it is approved"
    );
    let stale = json!({"changes": waiting["changes"].as_u64().unwrap() - 1});
    assert!(
        town.desk
            .post("/api/v1/recovery/approve", stale)
            .await
            .is_err()
    );
    let all = json!({"changes": waiting["changes"]});
    town.desk
        .post("/api/v1/recovery/approve", all)
        .await
        .unwrap();

    lan.sync().await.unwrap();
    minh.sync().await.unwrap();
    assert_eq!(recovery(&town).await["changes"], 0);
    let record = town.desk.record(inspection.0).await.unwrap();
    assert_eq!(
        (
            &record["review"]["decision"],
            &record["review"]["changed_since"]
        ),
        (&json!("approved"), &json!(false))
    );
    minh.book.get(assignment).unwrap();
    let history = town
        .desk
        .get(&format!("/api/v1/records/{assignment}/history"))
        .await
        .unwrap();
    // The first change follows from unit and campaign; who assigned stands behind the second.
    assert_eq!(history[0]["by"]["planned"], true);
    assert_eq!(history[1]["by"]["name"], "Quản trị");
}

/// Parts of one record come from several areas when its unit moved between two devices' synchronisations.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_from_two_areas_is_one_record_to_approve() {
    let town = Small::start().await.unwrap();
    let campaign = town.campaign().await.unwrap();
    let lan = town.officer("lan").await.unwrap();
    lan.sync().await.unwrap();
    let unit = new_unit(&lan.book, town.commune, 1).unwrap();
    lan.sync().await.unwrap();
    let from = back_up(&town);
    let assignment = assign(&town, unit, campaign).await;
    lan.sync().await.unwrap();
    let town = restored(town, &from, true).await;
    try_sync(&lan).await;
    let database = config(&town.folder).data_dir.join(FILE_NAME);
    let moved = rusqlite::Connection::open(database).unwrap().execute(
        "UPDATE recovered SET area = ?1 WHERE document = ?2 AND position = 1",
        [town.district.as_bytes(), assignment.0.as_bytes()],
    );
    assert_eq!(moved, Ok(1));
    let waiting = recovery(&town).await;
    let listed = waiting["documents"].as_array().unwrap();
    let of_it: Vec<&Json> = listed
        .iter()
        .filter(|one| one["document"] == json!(assignment))
        .collect();
    assert_eq!(of_it.len(), 1, "{waiting}");
    assert_eq!(of_it[0]["area"], json!(town.commune), "the latest counts");
    let all = json!({"changes": waiting["changes"]});
    town.desk
        .post("/api/v1/recovery/approve", all)
        .await
        .unwrap();
    lan.sync().await.unwrap();
    town.desk.record(assignment.0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_dismisses_leaves_the_devices_and_they_agree_again() {
    let town = Small::start().await.unwrap();
    let campaign = town.campaign().await.unwrap();
    let lan = town.officer("lan").await.unwrap();
    lan.sync().await.unwrap();
    let (kept, unit) = (
        new_unit(&lan.book, town.commune, 1).unwrap(),
        new_unit(&lan.book, town.commune, 2).unwrap(),
    );
    lan.sync().await.unwrap();
    let old = assign(&town, kept, campaign).await;
    lan.sync().await.unwrap();
    let from = back_up(&town);
    let new = assign(&town, unit, campaign).await;
    let edits = json!([{"edit": "set", "path": "due", "value": "2019-12-31"}]);
    town.desk.edit(old.0, "Gia hạn", edits).await.unwrap();
    lan.sync().await.unwrap();
    let town = restored(town, &from, true).await;
    assert!(!try_sync(&lan).await.verified);
    let documents: Vec<Json> = recovery(&town).await["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["document"].clone())
        .collect();
    assert!(documents.contains(&json!(old)) && documents.contains(&json!(new)));
    let body = json!({"documents": documents, "reason": "Không đúng"});
    town.desk
        .post("/api/v1/recovery/dismiss", body)
        .await
        .unwrap();

    lan.sync().await.unwrap();
    assert!(lan.book.get(new).is_err(), "it never was on this server");
    let due = lan.book.get(old).unwrap();
    assert!(
        !serde_json::to_string(&due).unwrap().contains("2019-12-31"),
        "{due:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn work_in_an_area_that_the_backup_lacks_goes_to_quarantine_on_both_sides() {
    let town = Small::start().await.unwrap();
    let lan = town.officer("lan").await.unwrap();
    lan.sync().await.unwrap();
    let from = back_up(&town);
    let area = town
        .desk
        .create_area("Xã mới", "commune", Some(town.district))
        .await
        .unwrap();
    let account = lan.book.enrolment().unwrap().unwrap().account;
    town.desk
        .put(
            &format!("/api/v1/accounts/{account}/areas/{area}"),
            Json::Null,
        )
        .await
        .unwrap();
    lan.sync().await.unwrap();
    let unit = new_unit(&lan.book, area, 7).unwrap();
    lan.sync().await.unwrap();
    let town = restored(town, &from, true).await;
    let report = try_sync(&lan).await;
    assert_eq!(report.areas_lost, 1, "{report:?}");
    try_sync(&lan).await;
    let refused = lan.book.refused().unwrap();
    assert!(
        refused
            .iter()
            .any(|one| one.document == unit && one.refusal == Refusal::UnknownArea),
        "{refused:?}"
    );
    let kept = town.desk.get("/api/v1/quarantine").await.unwrap();
    assert!(kept.to_string().contains(&unit.to_string()), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_record_does_not_come_back_by_a_restore_nor_by_a_device() {
    let town = Small::start_with(|config| config.retention.inspections_years = Some(1))
        .await
        .unwrap();
    let campaign = town.campaign().await.unwrap();
    let (lan, minh) = (
        town.officer("lan").await.unwrap(),
        town.officer("minh").await.unwrap(),
    );
    lan.sync().await.unwrap();
    let unit = new_unit(&lan.book, town.commune, 1).unwrap();
    lan.sync().await.unwrap();
    let inspection = lan
        .book
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    let opinion = |text: &str| Edit::Text {
        path: "opinion".parse().unwrap(),
        text: text.into(),
    };
    lan.book
        .edit(inspection, None, &[opinion("Nhất trí. ")], None)
        .unwrap();
    let assignment = assign(&town, unit, campaign).await;
    lan.sync().await.unwrap();
    minh.sync().await.unwrap();
    let from = back_up(&town);
    // One of them has work on it that was not sent.
    minh.book
        .edit(inspection, None, &[opinion("Bổ sung. ")], None)
        .unwrap();
    let due = town.desk.get("/api/v1/retention/preview").await.unwrap();
    let documents = due["documents"].as_array().unwrap().len();
    assert_eq!(documents, 2, "{due}");
    town.desk
        .post("/api/v1/retention/run", json!({"documents": documents}))
        .await
        .unwrap();

    lan.sync().await.unwrap();
    assert!(lan.book.get(inspection).is_err() && lan.book.get(assignment).is_err());
    let report = try_sync(&minh).await;
    assert_eq!((report.refused, report.pending), (1, 0), "{report:?}");
    minh.sync().await.unwrap();
    assert!(
        minh.book.get(inspection).is_err(),
        "the copy goes, the refused change is kept apart"
    );
    assert_eq!(minh.book.refused().unwrap()[0].refusal, Refusal::Purged);
    // The same inspection begun anew is the purged one: its id follows from unit and campaign.
    lan.book.open_planned_inspection(unit, campaign).unwrap();
    try_sync(&lan).await;
    assert!(town.desk.record(inspection.0).await.is_err());

    let town = restored(town, &from, false).await;
    assert!(
        town.desk.record(inspection.0).await.is_err(),
        "the restore has purged it again"
    );
    for device in [&lan, &minh] {
        try_sync(device).await;
        device.sync().await.unwrap();
    }
    assert!(town.desk.record(inspection.0).await.is_err());
    assert!(town.desk.record(unit.0).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_enrolled_after_the_backup_enrols_again_and_keeps_everything() {
    let town = Small::start().await.unwrap();
    let account = town
        .desk
        .create_account("lan", "Cán bộ lan", "officer", None, &[town.commune])
        .await
        .unwrap();
    let from = back_up(&town);
    let url = town.server.url();
    let lan = Device::enrol(town.folder.path(), "lan", &url, &town.desk, account)
        .await
        .unwrap();
    lan.sync().await.unwrap();
    let unit = new_unit(&lan.book, town.commune, 1).unwrap();
    lan.sync().await.unwrap();
    let unsent = new_unit(&lan.book, town.commune, 2).unwrap();
    let town = restored(town, &from, true).await;
    let unknown = sync::sync_once(&lan.book, &lan.transport).await;
    assert!(unknown.is_err(), "{unknown:?}");
    let lan = lan
        .enrolled_again(&town.server.url(), &town.desk, account)
        .await
        .unwrap();
    // The enrolment that was lost had put the device into the roster: that waits for an administrator.
    assert_eq!(try_sync(&lan).await.pending, 0);
    let waiting = recovery(&town).await;
    assert_eq!(waiting["documents"][0]["kind"], "area", "{waiting}");
    let all = json!({"changes": waiting["changes"]});
    town.desk
        .post("/api/v1/recovery/approve", all)
        .await
        .unwrap();
    lan.sync().await.unwrap();
    for unit in [unit, unsent] {
        town.desk.record(unit.0).await.unwrap();
        lan.book.get(unit).unwrap();
    }
    // The roster has the keys of both enrolments beside each other now; what the server knows decides.
    let lan = lan
        .enrolled_again(&town.server.url(), &town.desk, account)
        .await
        .unwrap();
    lan.sync().await.unwrap();
    let roster = genesis::area_document_id(AreaId(town.commune));
    let roster = lan.book.get(roster).unwrap();
    assert!(roster.conflicts.is_empty(), "{:?}", roster.conflicts);
}
