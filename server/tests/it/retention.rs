//! What happens when the time that records are kept is over.

use reqwest::Method;
use serde_json::{Value, json};
use sokiem_record::{refusal::Refusal, wire::ChangeOutcome};

use crate::harness::{Town, fresh_uuid};

async fn town(change: impl FnOnce(&mut sokiem_server::config::Retention)) -> Town {
    Town::with(|config| change(&mut config.retention)).await
}

#[tokio::test]
async fn without_a_rule_nothing_is_due() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "Đã giải thể");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    let closed = lan.set(id, "closed_on", json!("1990-01-31"));
    lan.sync(vec![closed]).await;
    let preview = town
        .get(&town.admin, "/api/v1/retention/preview")
        .await
        .expect(200);
    assert_eq!(preview["documents"], json!([]));
}

#[tokio::test]
async fn a_purged_unit_leaves_phones_and_disk_and_does_not_come_back() {
    let town = town(|rules| rules.closed_units_years = Some(5)).await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let mut minh = town.phone("minh", &[area]).await;
    let name = "Xí nghiệp Gạch Ngói Bến Tre";
    let (old, open) = (lan.unit(area, name), lan.unit(area, "Còn hoạt động"));
    let (old_id, open_id) = (old.document, open.document);
    lan.sync(vec![old.clone(), open]).await;
    let closed = lan.set(old_id, "closed_on", json!("2001-06-30"));
    lan.sync(vec![closed.clone()]).await;
    minh.sync(Vec::new()).await;

    let preview = town
        .get(&town.admin, "/api/v1/retention/preview")
        .await
        .expect(200);
    assert_eq!(preview["documents"][0]["id"], json!(old_id), "{preview}");
    assert_eq!(preview["counts"][0]["documents"], 1);
    let wrong = town
        .post(
            &town.admin,
            "/api/v1/retention/run",
            json!({"documents": 2}),
        )
        .await;
    assert_eq!(wrong.problem(409), "stale");
    let report = town
        .post(
            &town.admin,
            "/api/v1/retention/run",
            json!({"documents": 1}),
        )
        .await
        .expect(200);
    assert_eq!(report["documents"].as_array().unwrap().len(), 1);
    assert_eq!(
        town.get(&town.admin, &format!("/api/v1/records/{old_id}"))
            .await
            .problem(404),
        "not-found"
    );
    let runs = town
        .get(&town.admin, "/api/v1/retention/runs")
        .await
        .expect(200);
    assert_eq!(
        runs[0]["report"]["documents"][0]["rule"],
        "closed_units_years"
    );
    let purged = town
        .get(
            &town.admin,
            &format!("/api/v1/audit?action=purged&object={old_id}"),
        )
        .await
        .expect(200);
    assert_eq!(purged["rows"].as_array().unwrap().len(), 1);

    // Phones drop it at the next exchange and both sides hold the same; one that never had it is not troubled.
    minh.sync(Vec::new()).await;
    assert!(!minh.held.contains_key(&old_id) && minh.held.contains_key(&open_id));
    let mut fresh = town.phone("binh", &[area]).await;
    fresh.sync(Vec::new()).await;
    assert!(!fresh.held.contains_key(&old_id));

    // Neither its own changes nor new ones bring it back.
    let later = lan.set(old_id, "staff", json!(3));
    for again in [old, closed, later] {
        let response = lan.send(&lan.request(vec![again])).await;
        assert_eq!(
            response.pushed[0].changes,
            [ChangeOutcome::Refused(Refusal::Purged)]
        );
    }
    let kept = town
        .get(&town.admin, "/api/v1/quarantine")
        .await
        .expect(200);
    assert!(
        kept["refused"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["reason"] == "purged")
    );
    assert_eq!(kept["refused"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn nothing_of_a_purged_record_is_left_in_the_files() {
    let town = town(|rules| rules.closed_units_years = Some(5)).await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "TENDONVIBIMAT");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    for n in 0..12 {
        let note = lan.set(id, "head_name", json!(format!("NGUOIDUNGDAU{n}")));
        lan.sync(vec![note]).await;
    }
    let closed = lan.set(id, "closed_on", json!("2001-06-30"));
    lan.sync(vec![closed]).await;
    town.post(
        &town.admin,
        "/api/v1/retention/run",
        json!({"documents": 1}),
    )
    .await
    .expect(200);
    let Town { server, folder, .. } = town;
    server.stop().await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).to_uppercase();
        for secret in ["TENDONVIBIMAT", "NGUOIDUNGDAU"] {
            assert!(!text.contains(secret), "{secret} in {}", path.display());
        }
    }
}

#[tokio::test]
async fn a_hold_keeps_a_unit_until_it_is_lifted() {
    let town = town(|rules| rules.closed_units_years = Some(5)).await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "Đang có khiếu nại");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    let closed = lan.set(id, "closed_on", json!("2001-06-30"));
    lan.sync(vec![closed]).await;
    let path = format!("/api/v1/records/{id}/hold");
    let why = json!({"reason": "Khiếu nại số 12"});
    town.call(&town.admin, Method::PUT, &path, why)
        .await
        .expect(204);
    let preview = town
        .get(&town.admin, "/api/v1/retention/preview")
        .await
        .expect(200);
    assert_eq!(
        (preview["held"].clone(), preview["documents"].clone()),
        (json!(1), json!([]))
    );
    town.post(
        &town.admin,
        "/api/v1/retention/run",
        json!({"documents": 0}),
    )
    .await
    .expect(200);
    town.get(&town.admin, &format!("/api/v1/records/{id}"))
        .await
        .expect(200);
    assert_eq!(
        town.get(&town.admin, "/api/v1/holds").await.expect(200)[0]["reason"],
        "Khiếu nại số 12"
    );
    town.call(&town.admin, Method::DELETE, &path, Value::Null)
        .await
        .expect(204);
    town.post(
        &town.admin,
        "/api/v1/retention/run",
        json!({"documents": 1}),
    )
    .await
    .expect(200);
    assert_eq!(
        town.get(&town.admin, &format!("/api/v1/records/{id}"))
            .await
            .problem(404),
        "not-found"
    );
}

#[tokio::test]
async fn the_audit_log_is_shortened_from_its_beginning_and_stays_checkable() {
    let town = town(|rules| rules.audit_days = Some(0)).await;
    let before = town
        .get(&town.admin, "/api/v1/audit/verify")
        .await
        .expect(200);
    town.post(
        &town.admin,
        "/api/v1/retention/run",
        json!({"documents": 0}),
    )
    .await
    .expect(200);
    let after = town
        .get(&town.admin, "/api/v1/audit/verify")
        .await
        .expect(200);
    assert_eq!(after["ok"], true, "{after}");
    assert!(
        after["rows"].as_u64() < before["rows"].as_u64(),
        "{before} {after}"
    );
    let said = town
        .get(&town.admin, "/api/v1/audit?action=audit-shortened")
        .await
        .expect(200);
    assert_eq!(said["rows"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_administrators_purge_and_hold() {
    let town = town(|rules| rules.closed_units_years = Some(5)).await;
    town.account("chihuy", "supervisor", &[town.district]).await;
    let chief = town.sign_in("chihuy").await;
    for path in [
        "/api/v1/retention/preview",
        "/api/v1/retention/runs",
        "/api/v1/holds",
        "/api/v1/recovery",
    ] {
        assert_eq!(
            town.get(&chief, path).await.problem(403),
            "forbidden",
            "{path}"
        );
    }
    let run = town
        .post(&chief, "/api/v1/retention/run", json!({"documents": 0}))
        .await;
    assert_eq!(run.problem(403), "forbidden");
    let hold = format!("/api/v1/records/{}/hold", fresh_uuid());
    assert_eq!(
        town.call(&chief, Method::PUT, &hold, json!({"reason": "x"}))
            .await
            .problem(403),
        "forbidden"
    );
}
