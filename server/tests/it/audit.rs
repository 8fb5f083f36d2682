//! The audit log, as an administrator reads it.

use serde_json::{Value, json};
use sokiem_server::{Anchor, serve, verify_audit_offline};

use crate::harness::{Town, config};

/// The rows of a filter, newest first.
async fn rows(town: &Town, filter: &str) -> Vec<Value> {
    let page = town
        .get(&town.admin, &format!("/api/v1/audit?limit=500&{filter}"))
        .await
        .expect(200);
    page["rows"].as_array().unwrap().clone()
}

/// Reads are noted a moment after they were answered: asks until the rows are there.
async fn rows_once(town: &Town, filter: &str, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        let rows = rows(town, filter).await;
        if rows.len() >= count {
            return rows;
        }
        tokio::task::yield_now().await;
    }
    panic!("fewer than {count} rows for {filter}");
}

#[tokio::test]
async fn what_people_do_is_in_the_log_with_who_and_where() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "Trường Tiểu học An Điền");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    town.account("chihuy", "supervisor", &[area]).await;
    let chief = town.sign_in("chihuy").await;
    let record = town
        .get(&chief, &format!("/api/v1/records/{id}"))
        .await
        .expect(200);
    let edit = json!({"heads": record["heads"], "reason": "đính chính",
        "edits": [{"edit": "set", "path": "head_name", "value": "Lê Thị Bưởi"}]});
    town.post(&chief, &format!("/api/v1/records/{id}/edits"), edit)
        .await
        .expect(200);
    town.post(
        &chief,
        &format!("/api/v1/records/{id}/area"),
        json!({"area": town.communes[1]}),
    )
    .await
    .problem(403);

    let edited = rows(&town, &format!("action=record-edited&object={id}")).await;
    assert_eq!(edited.len(), 1);
    assert_eq!(edited[0]["account_name"], "CHIHUY");
    assert_eq!(edited[0]["area"], json!(area));
    assert_eq!(edited[0]["action_vi"], "Sửa hồ sơ");
    assert_eq!(
        rows(&town, "action=unit-moved").await.len(),
        0,
        "it was refused"
    );
    let refused = rows_once(&town, "action=access-refused", 1).await;
    assert_eq!(refused[0]["account_name"], "CHIHUY");
    assert_eq!(
        refused[0]["detail"],
        json!({"method": "POST", "route": "/api/v1/records/{id}/area"})
    );
    let read = rows_once(&town, &format!("action=record-read&object={id}"), 1).await;
    assert_eq!(read[0]["account_name"], "CHIHUY");
    for (action, count) in [
        ("area-made", 3),
        ("account-made", 3),
        ("code-made", 1),
        ("device-enrolled", 1),
        ("signed-in", 2),
        ("server-started", 1),
    ] {
        assert_eq!(
            rows(&town, &format!("action={action}")).await.len(),
            count,
            "{action}"
        );
    }
    let whole = serde_json::to_string(&rows(&town, "").await).unwrap();
    assert!(
        !whole.contains("An Điền") && !whole.contains("Bưởi"),
        "content in the log"
    );
    assert!(!whole.contains(&chief), "a secret in the log");
}

#[tokio::test]
async fn a_failed_sign_in_is_noted_without_what_was_typed() {
    let town = Town::new().await;
    let wrong = json!({"login": "mật khẩu gõ nhầm ô", "password": "không đúng đâu"});
    town.post("", "/api/v1/session", wrong).await.problem(401);
    let wrong = json!({"login": "admin", "password": "không đúng đâu"});
    town.post("", "/api/v1/session", wrong).await.problem(401);
    let rows = rows(&town, "action=signed-in&outcome=refused").await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["account_name"], "Quản trị");
    assert!(rows[1]["account"].is_null());
    assert!(!serde_json::to_string(&rows).unwrap().contains("gõ nhầm"));
}

#[tokio::test]
async fn whoever_is_turned_away_is_noted_and_fills_no_log() {
    let town = Town::with(|config| config.limits.attempts = 20).await;
    town.account("lan", "officer", &[town.communes[0]]).await;
    let lan = town.sign_in("lan").await;
    for _ in 0..100 {
        town.get(&lan, "/api/v1/audit").await.problem(403);
    }
    let refused = rows_once(&town, "action=access-refused", 20).await;
    assert_eq!(refused.len(), 20, "the rest of this minute is not noted");
    let detail = json!({"method": "GET", "route": "/api/v1/audit"});
    assert!(
        refused
            .iter()
            .all(|row| row["detail"] == detail && row["outcome"] == "refused")
    );
}

#[tokio::test]
async fn only_administrators_read_it_page_by_page() {
    let town = Town::new().await;
    town.account("chihuy", "supervisor", &[town.district]).await;
    let chief = town.sign_in("chihuy").await;
    for path in ["/api/v1/audit", "/api/v1/audit/verify"] {
        assert_eq!(town.get(&chief, path).await.problem(403), "forbidden");
    }
    let mut seen = Vec::new();
    let mut before = String::new();
    loop {
        let page = town
            .get(
                &town.admin,
                &format!("/api/v1/audit?action=area-made&limit=1{before}"),
            )
            .await
            .expect(200);
        seen.extend(
            page["rows"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["seq"].as_i64().unwrap()),
        );
        match page["next"].as_i64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 3);
    assert!(seen.is_sorted_by(|a, b| a > b));
}

#[tokio::test]
async fn the_log_checks_out_while_serving_and_afterwards_and_shows_a_cut() {
    let town = Town::new().await;
    let checked = town
        .get(&town.admin, "/api/v1/audit/verify")
        .await
        .expect(200);
    assert_eq!(checked["ok"], true, "{checked}");
    let anchor: Anchor = checked["head"].as_str().unwrap().parse().unwrap();
    let town = town.restarted().await;
    let path = format!("/api/v1/audit/verify?anchor={anchor}");
    assert_eq!(town.get(&town.admin, &path).await.expect(200)["ok"], true);
    let started = rows(&town, "action=server-started").await;
    assert_eq!(started[0]["detail"]["orderly"], true);

    let Town { server, folder, .. } = town;
    server.stop().await.unwrap();
    assert!(
        verify_audit_offline(config(&folder), Some(anchor))
            .await
            .unwrap()
            .ok
    );
    let sql = rusqlite::Connection::open(folder.path().join(sokiem_server::FILE_NAME)).unwrap();
    sql.execute_batch(&format!(
        "DROP TRIGGER audit_is_not_deleted; DELETE FROM audit WHERE seq >= {}",
        anchor.seq
    ))
    .unwrap();
    drop(sql);
    let checked = verify_audit_offline(config(&folder), Some(anchor))
        .await
        .unwrap();
    assert_eq!(checked.broken_at, Some(anchor.seq));
    serve(config(&folder)).await.unwrap().stop().await.unwrap();
}
