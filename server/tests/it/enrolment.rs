//! Codes, keys, revocation.

use reqwest::Method;
use serde_json::{Value, json};
use sokiem_record::{id::ActorId, proof};

use crate::harness::{Town, answer, fresh_key, fresh_uuid};

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
async fn a_phone_that_did_not_hear_the_answer_may_use_its_code_again() {
    let town = Town::new().await;
    let account = town.account("lan", "officer", &[town.communes[0]]).await;
    let code = town.code(&account).await;
    let (actor, key) = (ActorId(fresh_uuid()), fresh_key());
    let first = town.enrol_with(&code, actor, &key).await.expect(201);
    let again = town.enrol_with(&code, actor, &key).await.expect(201);
    assert_eq!(first, again);
    let other = town.enrol_with(&code, actor, &fresh_key()).await;
    assert_eq!(other.problem(410), "code-used");
    let devices = town.get(&town.admin, "/api/v1/devices").await.expect(200);
    assert_eq!(devices.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_without_proof_or_of_another_device_is_refused() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[]).await;
    let account = town.account("minh", "officer", &[]).await;
    let code = town.code(&account).await;
    let actor = ActorId(fresh_uuid());
    let taken = town.enrol_with(&code, actor, &phone.key).await;
    assert_eq!(taken.problem(409), "key-taken");
    // Shown for another code, with another's key, and with a key whose every signature holds.
    let key = fresh_key();
    let (public, other) = (key.public_key(), phone.key.public_key());
    let proof = key.sign(&proof::enrolment_message(&code, actor, &public));
    let weak = format!("01{}", "0".repeat(62));
    let nothing = format!("{weak}{}", "0".repeat(64));
    for (key, proof) in [
        (public.to_string(), key.sign(b"something else").to_string()),
        (other.to_string(), proof.to_string()),
        (weak, nothing),
        ("00".to_owned(), proof.to_string()),
    ] {
        let body = json!({"code": code, "device_name": "M", "actor": actor.to_string(), "app_version": "1",
            "key": key, "proof": proof});
        let answer = town.post("", "/api/device/v1/enrol", body).await;
        assert_eq!(answer.problem(422), "invalid");
    }
    town.enrol_with(&code, actor, &key).await.expect(201);
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
    let key = fresh_key();
    let enrolled = town.enrol_with(&code, phone.actor, &key).await.expect(201);
    let body = sokiem_record::wire::encode(&phone.request(Vec::new()));
    let old = answer(phone.post("/api/device/v1/exchange", body).await).await;
    assert_eq!(old.problem(403), "device-revoked");
    phone.key = key;
    phone.device = enrolled["device"].as_str().unwrap().to_owned();
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
    phone
        .call(Method::POST, path, actor.clone())
        .await
        .expect(204);
    phone.call(Method::POST, path, actor).await.expect(204);
    let one_more = json!({"actor": ActorId(fresh_uuid()).to_string()});
    assert_eq!(
        phone.call(Method::POST, path, one_more).await.problem(422),
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
