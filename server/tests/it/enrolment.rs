//! Codes, credentials, revocation.

use reqwest::Method;
use serde_json::{Value, json};
use sokiem_record::id::ActorId;

use crate::harness::{Town, answer, fresh_uuid};

#[tokio::test]
async fn a_code_works_once() {
    let town = Town::new().await;
    let account = town.account("lan", "officer", &[town.communes[0]]).await;
    let code = town.code(&account).await;
    let enrolled = town
        .enrol(&code.to_lowercase(), ActorId(fresh_uuid()))
        .await
        .expect(201);
    assert_eq!(enrolled["account"]["name"], "LAN");
    assert_eq!(enrolled["epoch"], town.server.epoch().to_string());
    assert_eq!(
        town.enrol(&code, ActorId(fresh_uuid())).await.problem(410),
        "code-used"
    );
}

#[tokio::test]
async fn unknown_and_expired_codes_are_told_apart() {
    let town = Town::with(|config| config.lifetimes.code_s = 0).await;
    let account = town.account("lan", "officer", &[]).await;
    let code = town.code(&account).await;
    assert_eq!(
        town.enrol(&code, ActorId(fresh_uuid())).await.problem(410),
        "code-expired"
    );
    assert_eq!(
        town.enrol("2222-2222-2222", ActorId(fresh_uuid()))
            .await
            .problem(404),
        "code-unknown"
    );
}

#[tokio::test]
async fn an_actor_belongs_to_one_person() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[]).await;
    let account = town.account("minh", "officer", &[]).await;
    let code = town.code(&account).await;
    assert_eq!(town.enrol(&code, phone.actor).await.problem(422), "invalid");
    // The code was not used up by the mistake.
    town.enrol(&code, ActorId(fresh_uuid())).await.expect(201);
}

#[tokio::test]
async fn an_installation_that_is_enrolled_again_can_send_what_was_pending() {
    let town = Town::new().await;
    let area = town.communes[0];
    let account = town.account("lan", "officer", &[area]).await;
    let mut phone = town.phone_of(&account).await;
    let unit = phone.unit(area, "A");
    let code = town.code(&account).await;
    let enrolled = town.enrol(&code, phone.actor).await.expect(201);
    let body = sokiem_record::wire::encode(&phone.request(Vec::new()));
    let old = answer(phone.post("/api/device/v1/exchange", body).await).await;
    assert_eq!(old.problem(403), "device-revoked");
    phone.credential = enrolled["credential"].as_str().unwrap().to_owned();
    phone.sync(vec![unit]).await;
}

#[tokio::test]
async fn an_expired_credential_is_refused() {
    let town = Town::with(|config| config.lifetimes.credential_s = 0).await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    let body = sokiem_record::wire::encode(&phone.request(Vec::new()));
    let answer = answer(phone.post("/api/device/v1/exchange", body).await).await;
    assert_eq!(answer.problem(401), "credential-expired");
}

#[tokio::test]
async fn a_revoked_device_can_do_nothing() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    let path = format!("/api/v1/devices/{}", phone.device);
    town.call(&town.admin, Method::DELETE, &path, Value::Null)
        .await
        .expect(204);
    for path in ["/api/device/v1/exchange", "/api/device/v1/reconcile"] {
        let body = sokiem_record::wire::encode(&phone.request(Vec::new()));
        assert_eq!(
            answer(phone.post(path, body).await).await.problem(403),
            "device-revoked"
        );
    }
    let devices = town.get(&town.admin, "/api/v1/devices").await.expect(200);
    assert!(devices[0]["revoked_ms"].is_i64());
}

#[tokio::test]
async fn a_cloned_phone_gets_another_actor() {
    let town = Town::with(|config| config.limits.actors_per_device = 2).await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    let actor = json!({"actor": ActorId(fresh_uuid()).to_string()});
    let path = "/api/device/v1/actors";
    town.post(&phone.credential, path, actor.clone())
        .await
        .expect(204);
    town.post(&phone.credential, path, actor).await.expect(204);
    let one_more = json!({"actor": ActorId(fresh_uuid()).to_string()});
    assert_eq!(
        town.post(&phone.credential, path, one_more)
            .await
            .problem(422),
        "invalid"
    );
}

#[tokio::test]
async fn guessing_codes_is_slowed_down() {
    let town = Town::with(|config| config.limits.attempts = 20).await;
    let mut last = String::new();
    for _ in 0..21 {
        let answer = town.enrol("2222-2222-2222", ActorId(fresh_uuid())).await;
        last = answer.problem(answer.status.as_u16());
    }
    assert_eq!(last, "too-many-requests");
}

#[tokio::test]
async fn a_session_by_cookie_needs_the_csrf_header() {
    let town = Town::new().await;
    let body = json!({"login": "admin", "password": crate::harness::PASSWORD});
    let session = town
        .http
        .post(town.url("/api/v1/session"))
        .json(&body)
        .send()
        .await
        .unwrap();
    let cookie = session.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let session: Value = session.json().await.unwrap();
    let code = || {
        town.http
            .post(town.url("/api/v1/areas"))
            .header("cookie", &cookie)
            .json(&json!({"name": "X", "level": "commune"}))
    };
    assert_eq!(
        answer(code().send().await.unwrap()).await.problem(403),
        "forbidden"
    );
    let csrf = session["csrf"].as_str().unwrap();
    answer(code().header("x-sokiem-csrf", csrf).send().await.unwrap())
        .await
        .expect(201);
    let me = town
        .http
        .get(town.url("/api/v1/session"))
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(answer(me).await.expect(200)["role"], "administrator");
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_name_look_alike() {
    let town = Town::new().await;
    for login in ["admin", "nobody"] {
        let body = json!({"login": login, "password": "wrong password"});
        assert_eq!(
            town.post("", "/api/v1/session", body).await.problem(401),
            "credential-invalid"
        );
    }
}
