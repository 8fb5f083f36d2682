//! Webhooks, told to a real receiver that fails, is slow, and recovers.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU16, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use sokiem_server::{
    Config,
    platform::{Platform, SystemPlatform},
};
use tokio::sync::mpsc;

use crate::{
    harness::{Town, push},
    pages::{Browser, hidden, percent},
};

/// The system's, with a clock that tests move.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn pass_s(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Platform for Clock {
    fn now_ms(&self) -> i64 {
        SystemPlatform.now_ms() + self.0.load(Ordering::SeqCst)
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), sokiem_server::Error> {
        SystemPlatform.fill(bytes)
    }
}

/// What a receiver answers when it does not answer.
const NEVER: u16 = 0;

#[derive(Clone)]
struct Behaviour {
    answer: Arc<AtomicU16>,
    heard: mpsc::UnboundedSender<(HeaderMap, Bytes)>,
}

async fn receive(State(to): State<Behaviour>, headers: HeaderMap, body: Bytes) -> Response {
    let _ = to.heard.send((headers, body));
    match to.answer.load(Ordering::SeqCst) {
        NEVER => std::future::pending().await,
        302 => (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response(),
        answer => StatusCode::from_u16(answer).unwrap().into_response(),
    }
}

/// A receiver on this machine.
struct Receiver {
    url: String,
    answer: Arc<AtomicU16>,
    heard: mpsc::UnboundedReceiver<(HeaderMap, Bytes)>,
}

impl Receiver {
    async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hear", listener.local_addr().unwrap());
        let (sender, heard) = mpsc::unbounded_channel();
        let answer = Arc::new(AtomicU16::new(204));
        let behaviour = Behaviour {
            answer: Arc::clone(&answer),
            heard: sender,
        };
        let router = Router::new().fallback(receive).with_state(behaviour);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, answer, heard }
    }

    fn answers(&self, status: u16) {
        self.answer.store(status, Ordering::SeqCst);
    }

    /// The next request: its id, what is told, and the whole for verifying.
    async fn next(&mut self) -> (String, Value, HeaderMap, Bytes) {
        let (headers, body) = self.heard.recv().await.unwrap();
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        (id, serde_json::from_slice(&body).unwrap(), headers, body)
    }
}

/// Whether one of the signatures is that of this secret.
fn signed(secret: &str, headers: &HeaderMap, body: &Bytes) -> bool {
    let text = |name: &str| headers[name].to_str().unwrap();
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")).as_bytes());
    mac.update(body);
    let good = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    text("webhook-signature").split(' ').any(|one| one == good)
}

fn allow(config: &mut Config) {
    config.webhooks.private_networks = vec!["127.0.0.0/8".parse().unwrap()];
    config.webhooks.patience_s = 1;
    config.lifetimes.session_s = 365 * 24 * 3600;
}

/// Makes a webhook; its path and its secret.
async fn hook(town: &Town, url: &str, events: &[&str]) -> (String, String) {
    let body = json!({"url": url, "events": events});
    let made = town
        .post(&town.admin, "/api/v1/webhooks", body)
        .await
        .expect(201);
    let id = made["webhook"]["id"].as_str().unwrap();
    (
        format!("/api/v1/webhooks/{id}"),
        made["secret"].as_str().unwrap().to_owned(),
    )
}

/// The deliveries once the newest of them was tried so often.
async fn tried(town: &Town, path: &str, attempts: u64) -> Vec<Value> {
    loop {
        let deliveries = town
            .get(&town.admin, &format!("{path}/deliveries"))
            .await
            .expect(200);
        let deliveries = deliveries.as_array().unwrap().clone();
        if deliveries
            .first()
            .is_some_and(|one| one["attempts"] == attempts)
        {
            return deliveries;
        }
        tokio::task::yield_now().await;
    }
}

async fn test_event(town: &Town, path: &str) {
    town.post(&town.admin, &format!("{path}/test"), Value::Null)
        .await
        .expect(202);
}

#[tokio::test]
async fn receivers_hear_of_what_they_asked_for_signed_and_without_anybodys_name() {
    let town = Town::with(allow).await;
    let area = town.communes[0];
    let mut receiver = Receiver::new().await;
    let all = [
        "record.arrived",
        "record.finished",
        "record.decided",
        "record.changed-after-approval",
        "unit.decided",
        "change.quarantined",
    ];
    let (_, secret) = hook(&town, &receiver.url, &all).await;
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "Chợ Đại Điền");
    let (id, inspection) = (unit.document, lan.inspection(area, unit.document));
    let record = inspection.document;
    lan.sync(vec![unit, inspection]).await;
    for (expected, kind) in [(id, "unit"), (record, "inspection")] {
        let (_, told, headers, body) = receiver.next().await;
        assert_eq!(told["type"], "record.arrived");
        assert_eq!(
            told["data"],
            json!({"record": expected, "kind": kind, "area": area})
        );
        assert!(signed(&secret, &headers, &body) && !signed("whsec_AAAA", &headers, &body));
        let text = String::from_utf8_lossy(&body).to_lowercase();
        assert!(!text.contains("chợ") && !text.contains("lan"), "{text}");
    }
    let finished = lan.set(record, "finished", json!(true));
    lan.sync(vec![finished]).await;
    assert_eq!(receiver.next().await.1["type"], "record.finished");
    let heads: Vec<String> = lan.held[&record]
        .1
        .heads()
        .iter()
        .map(ToString::to_string)
        .collect();
    let decision = json!({"decision": "approved", "heads": heads});
    town.post(
        &town.admin,
        &format!("/api/v1/records/{record}/decisions"),
        decision,
    )
    .await
    .expect(201);
    let told = receiver.next().await.1;
    assert_eq!(
        (&told["type"], &told["data"]["decision"]),
        (&json!("record.decided"), &json!("approved"))
    );
    assert_eq!(told["data"]["record"], json!(record));
    // A comment alters nothing of what was approved.
    town.post(
        &town.admin,
        &format!("/api/v1/records/{record}/comments"),
        json!({"text": "Đã đủ"}),
    )
    .await
    .expect(201);
    let later = lan.set(record, "number", json!("12/BB"));
    lan.sync(vec![later]).await;
    assert_eq!(
        receiver.next().await.1["type"],
        "record.changed-after-approval"
    );
    let junk = push(
        id,
        sokiem_record::id::Kind::Unit,
        area,
        vec![b"no change".to_vec()],
    );
    lan.send(&lan.request(vec![junk])).await;
    let told = receiver.next().await.1;
    assert_eq!(
        (&told["type"], &told["data"]["reason"]),
        (&json!("change.quarantined"), &json!("malformed"))
    );
}

#[tokio::test]
async fn what_is_decided_about_a_units_year_is_told_once_and_when_it_is_taken_back() {
    let town = Town::with(allow).await;
    let area = town.communes[0];
    let mut receiver = Receiver::new().await;
    hook(&town, &receiver.url, &["unit.decided"]).await;
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "Chợ Đại Điền");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    for (field, value) in [
        ("registered_on", json!("2023-02-10")),
        ("recognition", json!("not_recognised")),
        ("recognition_number", json!("12/QĐ-UBND")),
        ("recognition", json!("recognised")),
        ("recognition", Value::Null),
    ] {
        let push = lan.set(id, &format!("years/2023.{field}"), value.clone());
        lan.sync(vec![push]).await;
        if field == "recognition" {
            let (_, told, _, body) = receiver.next().await;
            let about = json!({"record": id, "kind": "unit", "area": area, "year": "2023", "decision": value});
            assert_eq!(
                (&told["type"], &told["data"]),
                (&json!("unit.decided"), &about)
            );
            assert!(!String::from_utf8_lossy(&body).contains("QĐ"));
        }
    }
    assert!(receiver.heard.try_recv().is_err());
}

#[tokio::test]
async fn a_receiver_that_fails_hears_the_same_again_after_growing_pauses() {
    let clock = Clock::default();
    let town = Town::on(clock.clone(), allow).await;
    let mut receiver = Receiver::new().await;
    let (path, secret) = hook(&town, &receiver.url, &["record.arrived"]).await;
    receiver.answers(500);
    test_event(&town, &path).await;
    let (first, ..) = receiver.next().await;
    let mut pause_ms = 0;
    // Another one is heard of at once, and brings those along that are due.
    for (attempt, answer) in [(1_u64, 500), (2, NEVER), (3, 302)] {
        let failed = tried(&town, &path, attempt).await;
        assert_eq!(failed[0]["state"], "waiting");
        let next_ms =
            failed[0]["next_ms"].as_i64().unwrap() - failed[0]["last_ms"].as_i64().unwrap();
        assert!(next_ms > pause_ms, "{next_ms} after {pause_ms}");
        pause_ms = next_ms;
        receiver.answers(answer);
        clock.pass_s(next_ms / 1000 + 1);
        town.post(&town.admin, &format!("{path}/retry"), Value::Null)
            .await
            .expect(202);
        let (again, told, headers, body) = receiver.next().await;
        assert_eq!(
            (again, &told["type"]),
            (first.clone(), &json!("webhook.test"))
        );
        assert!(signed(&secret, &headers, &body));
    }
    let slow = tried(&town, &path, 4).await;
    assert_eq!(slow[0]["last_status"], 302, "redirects are not followed");
    receiver.answers(200);
    clock.pass_s(24 * 3600);
    test_event(&town, &path).await;
    let ids = [receiver.next().await.0, receiver.next().await.0];
    assert!(ids.contains(&first) && ids[0] != ids[1], "{ids:?}");
    loop {
        let left = town
            .get(&town.admin, &format!("{path}/deliveries?state=waiting"))
            .await
            .expect(200);
        if left == json!([]) {
            break;
        }
        tokio::task::yield_now().await;
    }
    let hooks = town.get(&town.admin, "/api/v1/webhooks").await.expect(200);
    assert_eq!(hooks[0]["failing_since_ms"], Value::Null);
}

#[tokio::test]
async fn who_does_not_answer_for_days_is_stopped_and_started_again_by_an_administrator() {
    let clock = Clock::default();
    let town = Town::on(clock.clone(), allow).await;
    let mut receiver = Receiver::new().await;
    let (path, _) = hook(&town, &receiver.url, &["record.arrived"]).await;
    receiver.answers(503);
    test_event(&town, &path).await;
    let (id, ..) = receiver.next().await;
    tried(&town, &path, 1).await;
    clock.pass_s(6 * 24 * 3600);
    town.post(&town.admin, &format!("{path}/retry"), Value::Null)
        .await
        .expect(202);
    receiver.next().await;
    tried(&town, &path, 2).await;
    let hooks = town.get(&town.admin, "/api/v1/webhooks").await.expect(200);
    assert_eq!(
        (&hooks[0]["enabled"], &hooks[0]["stopped_reason"]),
        (&json!(false), &json!("failing"))
    );
    let log = town
        .get(&town.admin, "/api/v1/audit?action=webhook-stopped")
        .await
        .expect(200);
    assert_eq!(log["rows"].as_array().unwrap().len(), 1);
    receiver.answers(204);
    town.call(&town.admin, Method::PATCH, &path, json!({"enabled": true}))
        .await
        .expect(200);
    assert_eq!(receiver.next().await.0, id, "what waited is not lost");
    tried(&town, &path, 3).await;
    receiver.answers(410);
    test_event(&town, &path).await;
    receiver.next().await;
    loop {
        let hooks = town.get(&town.admin, "/api/v1/webhooks").await.expect(200);
        if hooks[0]["stopped_reason"] == "gone" {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn private_networks_are_not_told_and_addresses_have_to_be_safe() {
    let town = Town::new().await;
    let mut receiver = Receiver::new().await;
    let (path, _) = hook(&town, &receiver.url, &["record.arrived"]).await;
    test_event(&town, &path).await;
    let failed = tried(&town, &path, 1).await;
    assert!(
        failed[0]["last_error"]
            .as_str()
            .unwrap()
            .contains("private network"),
        "{failed:?}"
    );
    assert!(receiver.heard.try_recv().is_err());
    for url in [
        "http://hooks.example/",
        "https://u:p@hooks.example/",
        "file:///etc/passwd",
        "nonsense",
    ] {
        let body = json!({"url": url, "events": ["record.arrived"]});
        let refused = town.post(&town.admin, "/api/v1/webhooks", body).await;
        assert_eq!(refused.problem(422), "invalid", "{url}");
    }
    let nothing = json!({"url": "https://hooks.example/", "events": []});
    assert_eq!(
        town.post(&town.admin, "/api/v1/webhooks", nothing)
            .await
            .problem(422),
        "invalid"
    );
}

#[tokio::test]
async fn a_webhook_is_made_rotated_and_removed_by_forms_and_both_secrets_are_good_for_a_day() {
    let clock = Clock::default();
    let town = Town::on(clock.clone(), allow).await;
    let mut receiver = Receiver::new().await;
    let browser = Browser::sign_in(&town, "admin").await;
    let csrf = hidden(&browser.read("/admin/webhooks").await, "csrf");
    let address = percent(&format!("{}?x=<b>", receiver.url));
    let form = format!("csrf={csrf}&url={address}&event=record.arrived&event=record.decided");
    let made = browser
        .submit("/admin/webhooks", &form)
        .await
        .text()
        .await
        .unwrap();
    let secret = |page: &str| {
        format!(
            "whsec_{}",
            page.split("whsec_")
                .nth(1)
                .unwrap()
                .split('<')
                .next()
                .unwrap()
        )
    };
    let old = secret(&made);
    assert!(!made.contains("<b>"));
    let path = made
        .split("href=\"/admin/webhooks/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let page = format!("/admin/webhooks/{path}");
    assert!(!browser.read(&page).await.contains("whsec_"), "shown once");
    assert!(
        browser
            .read(&format!("{page}/secret"))
            .await
            .contains("Trong một ngày")
    );
    let rotated = browser
        .submit(&format!("{page}/secret"), &format!("csrf={csrf}"))
        .await;
    let new = secret(&rotated.text().await.unwrap());
    browser
        .submit(&format!("{page}/act"), &format!("csrf={csrf}&act=test"))
        .await;
    let (_, _, headers, body) = receiver.next().await;
    assert!(signed(&old, &headers, &body) && signed(&new, &headers, &body));
    clock.pass_s(24 * 3600 + 1);
    browser
        .submit(&format!("{page}/act"), &format!("csrf={csrf}&act=test"))
        .await;
    let (_, _, headers, body) = receiver.next().await;
    assert!(!signed(&old, &headers, &body) && signed(&new, &headers, &body));
    assert!(browser.read(&page).await.contains("webhook.test"));
    browser
        .submit(&format!("{page}/remove"), &format!("csrf={csrf}"))
        .await;
    assert_eq!(browser.get(&page).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_form_of_a_webhook_that_is_refused_comes_back_as_it_was_typed() {
    let town = Town::new().await;
    let browser = Browser::sign_in(&town, "admin").await;
    let csrf = hidden(&browser.read("/admin/webhooks").await, "csrf");
    let url = "https://hooks.example/?x=<b>";
    let refused = async |path: &str, form: &str| {
        let answer = browser.submit(path, &format!("csrf={csrf}&{form}")).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        answer.text().await.unwrap()
    };
    let checked = |page: &str, event: &str| {
        let form = page.split("name=\"event\"");
        let mut form = form.filter(|one| one.contains(&format!("value=\"{event}\"")));
        form.next().unwrap().contains(" checked")
    };
    let nothing = format!("url={}", percent(url));
    let page = refused("/admin/webhooks", &nothing).await;
    assert!(
        page.contains("Hãy chọn ít nhất một sự kiện.") && page.contains("role=\"alert\""),
        "{page}"
    );
    let typed = "value=\"https://hooks.example/?x=&#60;b&#62;\"";
    assert!(page.contains(typed), "{page}");
    let page = refused(
        "/admin/webhooks",
        "url=http://no.example/&event=unit.decided",
    )
    .await;
    assert!(page.contains("value=\"http://no.example/\""), "{page}");
    assert!(checked(&page, "unit.decided") && !checked(&page, "record.arrived"));
    let (path, _) = hook(&town, "https://hooks.example/", &["record.arrived"]).await;
    let path = path.replace("/api/v1", "/admin");
    let page = refused(&path, &nothing).await;
    assert!(page.contains("Hãy chọn ít nhất một sự kiện.") && page.contains(typed));
    assert!(!checked(&page, "record.arrived"), "as it was sent");
    assert!(checked(&browser.read(&path).await, "record.arrived"));
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_no_other() {
    let town = Town::with(|config| {
        allow(config);
        config.webhooks.patience_s = 3600;
    })
    .await;
    let (mut slow, mut quick) = (Receiver::new().await, Receiver::new().await);
    slow.answers(NEVER);
    let (slow_path, _) = hook(&town, &slow.url, &["record.arrived"]).await;
    let (quick_path, _) = hook(&town, &quick.url, &["record.arrived"]).await;
    for _ in 0..10 {
        test_event(&town, &slow_path).await;
    }
    slow.next().await;
    for _ in 0..3 {
        test_event(&town, &quick_path).await;
        quick.next().await;
    }
    let hung = town
        .get(
            &town.admin,
            &format!("{slow_path}/deliveries?state=waiting"),
        )
        .await
        .expect(200);
    assert_eq!(hung.as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn what_was_given_up_is_shown_and_goes_out_when_an_administrator_says_so() {
    let clock = Clock::default();
    let town = Town::on(clock.clone(), |config| {
        allow(config);
        config.webhooks.stop_after_s = 10 * 365 * 24 * 3600;
    })
    .await;
    let mut receiver = Receiver::new().await;
    let (path, _) = hook(&town, &receiver.url, &["record.arrived"]).await;
    receiver.answers(500);
    test_event(&town, &path).await;
    let (id, ..) = receiver.next().await;
    for attempt in 2..=10 {
        tried(&town, &path, attempt - 1).await;
        clock.pass_s(2 * 24 * 3600);
        town.post(&town.admin, &format!("{path}/retry"), Value::Null)
            .await
            .expect(202);
        assert_eq!(receiver.next().await.0, id);
    }
    let over = tried(&town, &path, 10).await;
    assert_eq!(
        (&over[0]["state"], &over[0]["last_status"]),
        (&json!("given-up"), &json!(500))
    );
    let hooks = town.get(&town.admin, "/api/v1/webhooks").await.expect(200);
    assert_eq!(
        (&hooks[0]["waiting"], &hooks[0]["given_up"]),
        (&json!(0), &json!(1))
    );
    let browser = Browser::sign_in(&town, "admin").await;
    assert!(browser.read("/admin").await.contains("Webhook không gửi"));
    let page = path.replace("/api/v1", "/admin");
    let listed = browser.read(&format!("{page}?state=given-up")).await;
    assert!(listed.contains("đã thôi gửi"), "{listed}");
    assert!(
        !browser
            .read(&format!("{page}?state=waiting"))
            .await
            .contains("webhook.test")
    );
    receiver.answers(204);
    town.post(&town.admin, &format!("{path}/retry"), Value::Null)
        .await
        .expect(202);
    assert_eq!(receiver.next().await.0, id);
}

#[tokio::test]
async fn what_waits_is_sent_after_a_restart_and_what_was_refused_is_not_told() {
    let town = Town::with(allow).await;
    let area = town.communes[0];
    let mut receiver = Receiver::new().await;
    receiver.answers(500);
    let events = ["record.arrived", "record.decided"];
    let (path, _) = hook(&town, &receiver.url, &events).await;
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "Chợ Đại Điền");
    let inspection = lan.inspection(area, unit.document);
    let record = inspection.document;
    // A decision on something that is not there yet: nothing becomes of it.
    let decision = json!({"decision": "approved", "heads": ["00".repeat(32)]});
    let decisions = format!("/api/v1/records/{record}/decisions");
    let refused = town.post(&town.admin, &decisions, decision.clone()).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    lan.sync(vec![unit, inspection]).await;
    let refused = town.post(&town.admin, &decisions, decision).await;
    assert!(refused.status.is_client_error());
    let first = receiver.next().await.0;
    let town = town.restarted_with(allow).await;
    receiver.answers(204);
    town.post(&town.admin, &format!("{path}/retry"), Value::Null)
        .await
        .expect(202);
    let left = format!("{path}/deliveries?state=waiting");
    while town.get(&town.admin, &left).await.expect(200) != json!([]) {
        tokio::task::yield_now().await;
    }
    let mut heard = std::collections::BTreeSet::from([first]);
    while let Ok((headers, body)) = receiver.heard.try_recv() {
        let told: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(told["type"], "record.arrived");
        heard.insert(headers["webhook-id"].to_str().unwrap().to_owned());
    }
    assert_eq!(heard.len(), 2, "{heard:?}");
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_or_a_private_network_is_not_followed() {
    let town = Town::new().await;
    for url in [
        "https://localhost:9/",
        "https://127.0.0.1:9/",
        "https://2130706433:9/",
        "https://[::ffff:10.0.0.1]:9/",
        "https://169.254.169.254/latest/meta-data/",
    ] {
        let (path, _) = hook(&town, url, &["record.arrived"]).await;
        test_event(&town, &path).await;
        let failed = tried(&town, &path, 1).await;
        let why = failed[0]["last_error"].as_str().unwrap().to_owned();
        assert!(why.contains("private network"), "{url}: {why}");
    }
}
