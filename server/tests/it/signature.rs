//! Signed requests: only the device that has the key is heard, once, and now.

use reqwest::Method;
use serde_json::Value;
use sokiem_record::{proof, wire};

use crate::harness::{Phone, Town, answer};

const EXCHANGE: &str = "/api/device/v1/exchange";

fn body(phone: &Phone) -> Vec<u8> {
    wire::encode(&phone.request(Vec::new()))
}

async fn outcome(request: reqwest::RequestBuilder) -> (u16, String, Value) {
    let request = request.header("content-type", wire::MEDIA_TYPE);
    let answer = answer(request.send().await.unwrap()).await;
    let status = answer.status.as_u16();
    let slug = if status == 200 {
        String::new()
    } else {
        answer.problem(status)
    };
    (status, slug, answer.json)
}

#[tokio::test]
async fn a_copied_request_is_refused_also_when_a_part_of_it_is_altered() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    let stamp = phone.stamp();
    let request = |path| phone.stamped(&stamp, Method::POST, path, Some(body(&phone)));
    assert_eq!(outcome(request(EXCHANGE)).await.0, 200);
    assert_eq!(outcome(request(EXCHANGE)).await.1, "signature-replayed");
    assert_eq!(
        outcome(request("/api/device/v1/reconcile")).await.1,
        "signature-replayed"
    );

    // Signed for another address, method, query or body.
    for (method, path, sent) in [
        (Method::POST, "/api/device/v1/reconcile", body(&phone)),
        (Method::POST, "/api/device/v1/exchange?x", body(&phone)),
        (Method::GET, "/api/device/v1/events", body(&phone)),
        (Method::POST, EXCHANGE, b"other".to_vec()),
        (Method::POST, EXCHANGE, Vec::new()),
    ] {
        let signed = phone.signed(Method::POST, EXCHANGE, Some(body(&phone)));
        let signed = signed.build().unwrap();
        let altered = town
            .http
            .request(method, town.url(path))
            .headers(signed.headers().clone())
            .body(sent);
        assert_eq!(outcome(altered).await.1, "signature-invalid", "{path}");
    }
}

#[tokio::test]
async fn a_body_without_a_signed_digest_is_refused() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    let bare = phone
        .signed(Method::POST, EXCHANGE, None)
        .body(body(&phone));
    assert_eq!(outcome(bare).await.1, "signature-invalid");
    let digest = proof::content_digest(&body(&phone));
    let unsigned = phone
        .signed(Method::POST, EXCHANGE, None)
        .header("content-digest", digest)
        .body(body(&phone));
    assert_eq!(outcome(unsigned).await.1, "signature-invalid");
}

#[tokio::test]
async fn a_phone_with_a_wrong_clock_is_told_the_servers_time() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    for off_s in [-3_i64 * 365 * 86_400, -301, 301, 86_400] {
        let mut stamp = phone.stamp();
        let now_s = stamp.created_s;
        stamp.created_s += off_s + off_s.signum();
        let request = phone.stamped(&stamp, Method::POST, EXCHANGE, Some(body(&phone)));
        let (status, slug, problem) = outcome(request).await;
        assert_eq!((status, slug.as_str()), (401, "signature-stale"));
        let told_s = problem["server_time_ms"].as_i64().unwrap() / 1000;
        assert!((now_s..now_s + 60).contains(&told_s));
    }
}

#[tokio::test]
async fn who_has_no_key_learns_nothing_about_devices() {
    let town = Town::new().await;
    let mut phone = town.phone("lan", &[town.communes[0]]).await;
    let path = format!("/api/v1/devices/{}", phone.device);
    town.call(&town.admin, Method::DELETE, &path, Value::Null)
        .await
        .expect(204);
    let (_, slug, _) = outcome(phone.signed(Method::POST, EXCHANGE, Some(body(&phone)))).await;
    assert_eq!(slug, "device-revoked");
    phone.key = crate::harness::fresh_key();
    let revoked = outcome(phone.signed(Method::POST, EXCHANGE, Some(body(&phone)))).await;
    phone.device = crate::harness::fresh_uuid().to_string();
    let unknown = outcome(phone.signed(Method::POST, EXCHANGE, Some(body(&phone)))).await;
    assert_eq!(revoked, unknown);
    assert_eq!(unknown.1, "signature-invalid");
}

#[tokio::test]
async fn a_session_opens_no_device_route_and_a_signature_none_for_people() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    let events = town.get(&town.admin, "/api/device/v1/events").await;
    assert_eq!(events.problem(401), "signature-missing");
    let records = phone
        .call(Method::GET, "/api/v1/records", Value::Null)
        .await;
    assert_eq!(records.problem(401), "credential-missing");
}
