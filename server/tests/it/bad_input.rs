//! Whatever is wrong with a request gets its own answer, costs little, and changes nothing.

use reqwest::{Method, header};
use serde_json::json;
use sokiem_record::{limits, wire};

use crate::harness::{Phone, Town, answer};

const EXCHANGE: &str = "/api/device/v1/exchange";

async fn refused(phone: &Phone, body: Vec<u8>, status: u16) -> String {
    answer(phone.post(EXCHANGE, body).await)
        .await
        .problem(status)
}

fn rows(town: &Town) -> i64 {
    town.database()
        .query_row(
            "SELECT (SELECT count(*) FROM log) + (SELECT count(*) FROM documents) + (SELECT count(*) FROM quarantine)",
            [],
            |row| row.get(0),
        )
        .unwrap()
}

#[tokio::test]
async fn bodies_that_are_no_message_are_malformed() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    let before = rows(&town);
    let good = wire::encode(&phone.request(Vec::new()));
    let mut trailing = good.clone();
    trailing.push(0);
    let cut = good[..good.len() - 3].to_vec();
    // A map {"v": 1, "x": 1}; {"v": "1"}; an array that claims 2^32 elements.
    let unknown_field = b"\xa2\x61v\x01\x61x\x01".to_vec();
    let wrong_type = b"\xa1\x61v\x611".to_vec();
    let huge_claim = b"\xa4\x61v\x01\x65epoch\xf6\x67cursors\x9a\xff\xff\xff\xff".to_vec();
    for body in [
        b"garbage".to_vec(),
        Vec::new(),
        trailing,
        cut,
        unknown_field,
        wrong_type,
        huge_claim,
    ] {
        assert_eq!(refused(&phone, body, 400).await, "malformed-body");
    }
    let mut other_version = phone.request(Vec::new());
    other_version.v = 77;
    // A map {"v": 2, "x": 1}: of another version, it may have keys that this one has not.
    let newer = b"\xa2\x61v\x02\x61x\x01".to_vec();
    for body in [wire::encode(&other_version), newer] {
        assert_eq!(refused(&phone, body, 400).await, "unsupported-version");
    }
    assert_eq!(rows(&town), before);
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused_as_sent_and_as_unpacked() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    let large = vec![0; limits::MAX_BODY_BYTES + 1];
    assert_eq!(refused(&phone, large, 413).await, "body-too-large");
    let bomb = zstd::encode_all(vec![0; limits::MAX_DECOMPRESSED_BYTES * 4].as_slice(), 3).unwrap();
    assert!(bomb.len() < 100_000);
    let response = phone
        .signed(Method::POST, EXCHANGE, Some(bomb))
        .header(header::CONTENT_TYPE, wire::MEDIA_TYPE)
        .header(header::CONTENT_ENCODING, "zstd")
        .send()
        .await
        .unwrap();
    assert_eq!(answer(response).await.problem(413), "body-too-large");
}

#[tokio::test]
async fn a_compressed_body_is_read_and_a_damaged_one_is_malformed() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    let good = wire::encode(&phone.request(Vec::new()));
    let send = |body: Vec<u8>, encoding: &'static str| {
        phone
            .signed(Method::POST, EXCHANGE, Some(body))
            .header(header::CONTENT_TYPE, wire::MEDIA_TYPE)
            .header(header::CONTENT_ENCODING, encoding)
            .send()
    };
    let packed = zstd::encode_all(good.as_slice(), 3).unwrap();
    assert_eq!(send(packed.clone(), "zstd").await.unwrap().status(), 200);
    let damaged = answer(send(b"not zstd".to_vec(), "zstd").await.unwrap()).await;
    assert_eq!(damaged.problem(400), "malformed-body");
    let unknown = answer(send(packed, "lz4").await.unwrap()).await;
    assert_eq!(unknown.problem(415), "unsupported-media-type");
}

#[tokio::test]
async fn the_content_type_has_to_be_right() {
    let town = Town::new().await;
    let phone = town.phone("lan", &[town.communes[0]]).await;
    let as_json = phone.call(Method::POST, EXCHANGE, json!({})).await;
    assert_eq!(as_json.problem(415), "unsupported-media-type");
    let response = town
        .http
        .post(town.url("/api/v1/session"))
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer(response).await.problem(415),
        "unsupported-media-type"
    );
}

#[tokio::test]
async fn credentials_are_missing_or_invalid() {
    let town = Town::new().await;
    let mut phone = town.phone("lan", &[town.communes[0]]).await;
    let body = wire::encode(&phone.request(Vec::new()));
    let response = town
        .http
        .post(town.url(EXCHANGE))
        .header(header::CONTENT_TYPE, wire::MEDIA_TYPE)
        .body(body.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(answer(response).await.problem(401), "signature-missing");
    phone.key = crate::harness::fresh_key();
    assert_eq!(refused(&phone, body, 401).await, "signature-invalid");
    assert_eq!(
        town.get("wrong", "/api/v1/accounts").await.problem(401),
        "credential-invalid"
    );
    assert_eq!(
        town.get("wrong", "/api/v1/accounts").await.problem(401),
        "credential-invalid"
    );
}

#[tokio::test]
async fn json_bodies_refuse_unknown_fields_and_wrong_types() {
    let town = Town::new().await;
    let before = rows(&town);
    for body in [
        json!({"name": "X", "level": "commune", "extra": 1}),
        json!({"name": 5, "level": "commune"}),
        json!({"level": "commune"}),
        json!({"name": "X", "level": "planet"}),
    ] {
        assert_eq!(
            town.post(&town.admin, "/api/v1/areas", body)
                .await
                .problem(400),
            "malformed-body"
        );
    }
    let unknown_parent =
        json!({"name": "X", "level": "commune", "parent": crate::harness::fresh_uuid()});
    assert_eq!(
        town.post(&town.admin, "/api/v1/areas", unknown_parent)
            .await
            .problem(422),
        "invalid"
    );
    assert_eq!(rows(&town), before);
}

#[tokio::test]
async fn what_does_not_exist_is_a_problem_document_too() {
    let town = Town::new().await;
    assert_eq!(
        town.get(&town.admin, "/api/v1/nothing").await.problem(404),
        "not-found"
    );
    let wrong_method = town
        .call(
            &town.admin,
            Method::PATCH,
            "/api/v1/areas",
            serde_json::Value::Null,
        )
        .await;
    assert_eq!(wrong_method.problem(405), "method-not-allowed");
}

#[tokio::test]
async fn officers_cannot_administrate() {
    let town = Town::new().await;
    town.account("lan", "officer", &[town.communes[0]]).await;
    let token = town.sign_in("lan").await;
    let area = json!({"name": "X", "level": "commune"});
    assert_eq!(
        town.post(&token, "/api/v1/areas", area).await.problem(403),
        "forbidden"
    );
    let code = json!({"account": crate::harness::fresh_uuid()});
    assert_eq!(
        town.post(&token, "/api/v1/enrolment-codes", code)
            .await
            .problem(403),
        "forbidden"
    );
}

#[tokio::test]
async fn too_many_cursors_documents_or_changes_are_refused() {
    let town = Town::new().await;
    let mut phone = town.phone("lan", &[town.communes[0]]).await;
    let push = phone.unit(town.communes[0], "A");
    let request = phone.request(vec![push; limits::MAX_PUSH_DOCUMENTS + 1]);
    assert_eq!(
        refused(&phone, wire::encode(&request), 413).await,
        "body-too-large"
    );
    let mut request = phone.request(Vec::new());
    request.cursors = vec![wire::Cursor::start(town.communes[0]); limits::MAX_CURSORS + 1];
    assert_eq!(
        refused(&phone, wire::encode(&request), 413).await,
        "body-too-large"
    );
}

#[tokio::test]
async fn a_connection_cut_in_mid_body_changes_nothing() {
    use std::io::{Read as _, Write as _};

    let town = Town::new().await;
    let mut phone = town.phone("lan", &[town.communes[0]]).await;
    let unit = phone.unit(town.communes[0], "A");
    let before = rows(&town);
    let body = wire::encode(&phone.request(vec![unit.clone()]));
    let address = town.server.address();
    let signed = phone
        .signed(Method::POST, EXCHANGE, Some(body.clone()))
        .build()
        .unwrap();
    let signed: String = signed
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()))
        .collect();
    let head = format!(
        "POST {EXCHANGE} HTTP/1.1\r\nhost: x\r\n{signed}content-type: {}\r\ncontent-length: {}\r\n\r\n",
        wire::MEDIA_TYPE,
        body.len()
    );
    let half = body[..body.len() / 2].to_vec();
    let answered = tokio::task::spawn_blocking(move || {
        let mut connection = std::net::TcpStream::connect(address).unwrap();
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(&half).unwrap();
        connection.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // Reading to the end: the server is done with this request.
        let _ = connection.read_to_end(&mut answer);
        answer
    })
    .await
    .unwrap();
    assert!(!answered.starts_with(b"HTTP/1.1 200"));
    assert_eq!(rows(&town), before);
    phone.sync(vec![unit]).await;
}
