//! The second factor: set up, asked for, used up, lost.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sokiem_server::{
    Role,
    platform::{Platform, SystemPlatform},
    remove_second_factor_offline,
};
use totp_rs::{Builder, Secret, Totp};

use crate::{
    harness::{Answer, PASSWORD, Town, config},
    pages::{Browser, hidden, percent},
};

/// The system's, with a clock that tests move.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn pass_s(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    fn now_s(&self) -> u64 {
        u64::try_from(self.now_ms() / 1000).unwrap()
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

/// An authenticator app.
struct Authenticator(Totp, Clock);

impl Authenticator {
    fn new(secret: &str, clock: &Clock) -> Self {
        let secret = Secret::try_from_base32(secret).unwrap();
        let totp = Builder::new().with_secret(secret).build().unwrap();
        Self(totp, clock.clone())
    }

    fn code(&self) -> String {
        self.0.generate(self.1.now_s()).to_string()
    }

    /// A code that is good at no time near now.
    fn wrong(&self) -> String {
        let now = self.1.now_s();
        let good: Vec<String> = (0..4)
            .map(|n| self.0.generate(now + 60 - 30 * n).to_string())
            .collect();
        let mut wrong = (0..10).map(|digit| digit.to_string().repeat(6));
        wrong.find(|code| !good.contains(code)).unwrap()
    }
}

async fn sign_in(town: &Town, login: &str, code: Option<&str>) -> Answer {
    let mut body = json!({"login": login, "password": PASSWORD});
    if let Some(code) = code {
        body["code"] = code.into();
    }
    town.post("", "/api/v1/session", body).await
}

/// Sets a second factor up by the API; the app and the recovery codes.
async fn set_up(town: &Town, clock: &Clock, token: &str) -> (Authenticator, Vec<String>) {
    let path = "/api/v1/session/second-factor";
    let setup = town
        .post(token, path, json!({"password": PASSWORD}))
        .await
        .expect(201);
    let app = Authenticator::new(setup["secret"].as_str().unwrap(), clock);
    assert!(
        setup["uri"]
            .as_str()
            .unwrap()
            .starts_with("otpauth://totp/")
    );
    let confirmed = town
        .call(token, Method::PUT, path, json!({"code": app.code()}))
        .await
        .expect(200);
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    let codes = codes
        .iter()
        .map(|code| code.as_str().unwrap().to_owned())
        .collect();
    (app, codes)
}

#[tokio::test]
async fn a_code_is_asked_for_taken_once_and_a_recovery_code_stands_in() {
    let clock = Clock::default();
    let town = Town::on(clock.clone(), |_| {}).await;
    town.account("tam", "supervisor", &[town.communes[0]]).await;
    let (token, other) = (town.sign_in("tam").await, town.sign_in("tam").await);
    let (app, codes) = set_up(&town, &clock, &token).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(
        town.get(&other, "/api/v1/session").await.status,
        401,
        "other sessions end"
    );
    assert_eq!(town.get(&token, "/api/v1/session").await.status, 200);

    assert_eq!(
        sign_in(&town, "tam", None).await.problem(401),
        "second-factor-needed"
    );
    let used = app.code();
    assert_eq!(
        sign_in(&town, "tam", Some(&used)).await.problem(401),
        "credential-invalid",
        "it confirmed the set-up"
    );
    clock.pass_s(30);
    let code = app.code();
    sign_in(
        &town,
        "tam",
        Some(&format!("{} {}", &code[..3], &code[3..])),
    )
    .await
    .expect(201);
    assert_eq!(
        sign_in(&town, "tam", Some(&code)).await.problem(401),
        "credential-invalid"
    );
    // The code of a step that is over, after a newer one was used.
    assert_eq!(
        sign_in(&town, "tam", Some(&used)).await.problem(401),
        "credential-invalid"
    );
    let typed = codes[3].to_lowercase().replace('-', " ");
    sign_in(&town, "tam", Some(&typed)).await.expect(201);
    assert_eq!(
        sign_in(&town, "tam", Some(&typed)).await.problem(401),
        "credential-invalid"
    );
    let state = town
        .get(&token, "/api/v1/session/second-factor")
        .await
        .expect(200);
    assert_eq!(
        (state["on"].clone(), state["recovery_codes_left"].clone()),
        (json!(true), json!(9))
    );

    let fresh = town
        .post(
            &token,
            "/api/v1/session/recovery-codes",
            json!({"password": PASSWORD}),
        )
        .await
        .expect(201);
    assert_eq!(
        sign_in(&town, "tam", Some(&codes[4])).await.problem(401),
        "credential-invalid"
    );
    sign_in(&town, "tam", fresh["recovery_codes"][0].as_str())
        .await
        .expect(201);

    let remove = "/api/v1/session/second-factor/remove";
    let wrong = town.post(&token, remove, json!({"password": "no"})).await;
    assert_eq!(wrong.problem(401), "credential-invalid");
    town.post(&token, remove, json!({"password": PASSWORD}))
        .await
        .expect(204);
    sign_in(&town, "tam", None).await.expect(201);
}

#[tokio::test]
async fn guessing_codes_shuts_out_and_a_right_password_clears_nothing() {
    let clock = Clock::default();
    let town = Town::on(clock.clone(), |_| {}).await;
    town.account("tam", "supervisor", &[]).await;
    let token = town.sign_in("tam").await;
    let (app, _) = set_up(&town, &clock, &token).await;
    clock.pass_s(60);
    for _ in 0..6 {
        assert_eq!(
            sign_in(&town, "tam", None).await.problem(401),
            "second-factor-needed"
        );
        let wrong = sign_in(&town, "tam", Some(&app.wrong())).await;
        assert_eq!(wrong.problem(401), "credential-invalid");
    }
    // The right one too, while it lasts.
    assert_eq!(
        sign_in(&town, "tam", Some(&app.code())).await.problem(429),
        "too-many-requests"
    );
    clock.pass_s(60);
    sign_in(&town, "tam", Some(&app.code())).await.expect(201);
    let refused = town
        .get(
            &town.admin,
            "/api/v1/audit?action=signed-in&outcome=refused&limit=1",
        )
        .await
        .expect(200);
    assert_eq!(refused["rows"][0]["detail"]["second_factor"], "wrong");
}

#[tokio::test]
async fn it_is_set_up_and_used_by_forms() {
    let clock = Clock::default();
    let town = Town::on(clock.clone(), |_| {}).await;
    town.account("tam", "supervisor", &[town.communes[0]]).await;
    let mut browser = Browser::sign_in(&town, "tam").await;
    let csrf = hidden(&browser.read("/account").await, "csrf");
    let form = |fields: &str| format!("csrf={csrf}&{fields}");
    let password = percent(PASSWORD);
    let wrong = browser
        .submit("/account/second-factor", &form("password=no"))
        .await;
    assert!(wrong.text().await.unwrap().contains("Mật khẩu không đúng"));
    let page = browser
        .submit(
            "/account/second-factor",
            &form(&format!("password={password}")),
        )
        .await;
    let page = page.text().await.unwrap();
    assert!(page.contains("<svg"));
    let secret = page
        .split("<code>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let app = Authenticator::new(secret, &clock);
    let again = browser
        .submit(
            "/account/second-factor/confirm",
            &form(&format!("code={}", app.wrong())),
        )
        .await;
    let again = again.text().await.unwrap();
    assert!(
        again.contains("Mã không đúng") && again.contains(secret),
        "the same secret once more"
    );
    let confirmed = browser
        .submit(
            "/account/second-factor/confirm",
            &form(&format!("code={}", app.code())),
        )
        .await;
    assert_eq!(
        confirmed
            .text()
            .await
            .unwrap()
            .matches("<li><code>")
            .count(),
        10
    );
    assert!(browser.read("/account").await.contains("Đang bật từ"));

    clock.pass_s(30);
    let first = browser
        .submit("/sign-in", &format!("login=tam&password={password}"))
        .await;
    assert_eq!(
        (
            first.status(),
            first.headers()["location"].to_str().unwrap()
        ),
        (StatusCode::SEE_OTHER, "/sign-in/code")
    );
    let cookie = first.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("Max-Age=300"));
    cookie
        .split(';')
        .next()
        .unwrap()
        .clone_into(&mut browser.cookie);
    assert_eq!(
        browser.get("/records").await.headers()["location"],
        "/sign-in",
        "half a sign-in opens nothing"
    );
    let wrong = browser
        .submit("/sign-in/code", &format!("code={}", app.wrong()))
        .await;
    assert!(wrong.text().await.unwrap().contains("Mã không đúng"));
    let right = browser
        .submit("/sign-in/code", &format!("code={}", app.code()))
        .await;
    assert_eq!(right.headers()["location"], "/");
    assert_eq!(right.headers().get_all("set-cookie").iter().count(), 2);
    clock.pass_s(30);
    let twice = browser
        .submit("/sign-in/code", &format!("code={}", app.code()))
        .await;
    assert_eq!(
        twice.headers()["location"],
        "/sign-in?expired=code",
        "a first step leads to one session"
    );

    let first = browser
        .submit("/sign-in", &format!("login=tam&password={password}"))
        .await;
    let cookie = first.headers()["set-cookie"].to_str().unwrap();
    cookie
        .split(';')
        .next()
        .unwrap()
        .clone_into(&mut browser.cookie);
    clock.pass_s(301);
    let late = browser
        .submit("/sign-in/code", &format!("code={}", app.code()))
        .await;
    assert_eq!(late.headers()["location"], "/sign-in?expired=code");
}

#[tokio::test]
async fn an_administrator_takes_away_what_somebody_lost_and_the_log_says_so() {
    let clock = Clock::default();
    let town = Town::on(clock.clone(), |_| {}).await;
    let account = town.account("tam", "supervisor", &[]).await;
    let token = town.sign_in("tam").await;
    set_up(&town, &clock, &token).await;
    let browser = Browser::sign_in(&town, "admin").await;
    assert!(
        browser
            .read(&format!("/admin/accounts/{account}"))
            .await
            .contains("Mất điện thoại")
    );
    let path = format!("/admin/accounts/{account}/second-factor");
    let csrf = hidden(&browser.read(&path).await, "csrf");
    assert_eq!(
        sign_in(&town, "tam", None).await.problem(401),
        "second-factor-needed"
    );
    assert_eq!(
        browser
            .submit(&path, &format!("csrf={csrf}"))
            .await
            .status(),
        StatusCode::SEE_OTHER
    );
    sign_in(&town, "tam", None).await.expect(201);
    let log = town
        .get(&town.admin, "/api/v1/audit?action=second-factor-off")
        .await
        .expect(200);
    assert_eq!(
        (
            log["rows"][0]["object"].clone(),
            log["rows"][0]["account_name"].clone()
        ),
        (json!(account), json!("Quản trị"))
    );
}

#[tokio::test]
async fn who_has_to_have_one_can_do_nothing_else_before() {
    let clock = Clock::default();
    let town = Town::on(clock.clone(), |config| {
        config.second_factor.required_for = vec![Role::Supervisor];
    })
    .await;
    town.account("tam", "supervisor", &[town.communes[0]]).await;
    let token = town.sign_in("tam").await;
    assert_eq!(
        town.get(&token, "/api/v1/records").await.problem(403),
        "second-factor-required"
    );
    let browser = Browser::sign_in(&town, "tam").await;
    assert_eq!(
        browser.get("/records").await.headers()["location"],
        "/account"
    );
    assert!(
        browser
            .read("/account")
            .await
            .contains("phải bật xác thực hai bước")
    );
    set_up(&town, &clock, &token).await;
    assert_eq!(town.get(&token, "/api/v1/records").await.status, 200);
    assert_eq!(
        town.get(&town.admin, "/api/v1/records").await.status,
        200,
        "administrators were not named"
    );
}

#[tokio::test]
async fn the_secret_is_sealed_and_without_its_key_recovery_codes_are_the_way_in() {
    let clock = Clock::default();
    let town = Town::on(clock.clone(), |_| {}).await;
    let (app, codes) = set_up(&town, &clock, &town.admin).await;
    let key = town.folder.path().join("second-factor.key");
    assert!(key.is_file());
    let secret = app.0.secret().as_ref().to_vec();
    for name in ["", "-wal"] {
        let file = town
            .folder
            .path()
            .join(format!("{}{name}", sokiem_server::FILE_NAME));
        let bytes = std::fs::read(file).unwrap();
        assert!(
            !bytes.windows(secret.len()).any(|part| part == secret),
            "{name}"
        );
        let code: Vec<u8> = codes[0].bytes().filter(|byte| *byte != b'-').collect();
        assert!(
            !bytes.windows(code.len()).any(|part| part == code),
            "{name}"
        );
    }
    clock.pass_s(30);
    std::fs::rename(&key, key.with_extension("lost")).unwrap();
    assert_eq!(
        sign_in(&town, "admin", Some(&app.code()))
            .await
            .problem(401),
        "credential-invalid"
    );
    sign_in(&town, "admin", Some(&codes[0])).await.expect(201);
    // Nobody is left who could on the pages: at the machine itself.
    let Town { server, folder, .. } = town;
    server.stop().await.unwrap();
    assert!(
        remove_second_factor_offline(config(&folder), "nobody")
            .await
            .is_err()
    );
    remove_second_factor_offline(config(&folder), "Admin")
        .await
        .unwrap();
    let server = sokiem_server::serve(config(&folder)).await.unwrap();
    let body = json!({"login": "admin", "password": PASSWORD});
    let http = reqwest::Client::new();
    let again = http
        .post(format!("{}/api/v1/session", server.url()))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 201);
    let _: Value = again.json().await.unwrap();
}
