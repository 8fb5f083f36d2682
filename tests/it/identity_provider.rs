//! Signing in at an OpenID provider that we did not write: `oidc-provider` on Node.js, on this machine.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use reqwest::{Client, Method, Response, redirect::Policy};
use serde_json::{Value, json};
use sokiem_server::{
    Config, Role, Running,
    config::{Claim, Oidc},
    platform::{Platform, SystemPlatform},
    serve_on,
};
use totp_rs::{Builder, Secret};

const PASSWORD: &str = "mật khẩu đủ dài";

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

/// The provider; it ends with the test.
struct Provider(Child);

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that knows a provider, with a folder of its own and its administrator's token.
struct House {
    server: Running,
    http: Client,
    admin: String,
    issuer: String,
    clock: Clock,
    _folder: tempfile::TempDir,
    provider: Provider,
}

fn people() -> Value {
    json!({
        "lan": {"email": "Lan@Example.vn", "email_verified": true},
        "gian": {"email": "lan@example.vn", "email_verified": false},
        "khac": {"email": "lan@example.vn", "email_verified": true},
        "la": {"email": "la@example.vn", "email_verified": true},
    })
}

impl House {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let ready = Command::new(root.join("scripts/setup"))
            .arg("oidc")
            .status();
        assert!(ready.unwrap().success(), "scripts/setup oidc");
        let mut child = Command::new("node")
            .arg(root.join("target/foreign/oidc/provider.mjs"))
            .env("PEOPLE", people().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut hear = |begin: &str| {
            let line = said.find_map(|line| line.unwrap().strip_prefix(begin).map(str::to_owned));
            line.unwrap()
        };
        let issuer = hear("issuer ");
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            data_dir: folder.path().to_owned(),
            secure_cookies: false,
            oidc: Some(Oidc {
                issuer: issuer.clone(),
                client_id: "sokiem".to_owned(),
                client_secret: Some("a secret of the test".into()),
                client_secret_file: None,
                name: "Cổng <b>tỉnh</b>".to_owned(),
                scopes: vec!["email".to_owned(), "profile".to_owned()],
                link_by: Claim::Email,
                asks_for_second_factor: false,
            }),
            ..Config::default()
        };
        config.limits.password_memory_kib = 64;
        config.limits.attempts = 10_000;
        change(&mut config);
        // A second installation in the same process finds the first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Clock::default();
        let server = serve_on(config, clock.clone()).await.unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}/sign-in/provider/callback", server.url()).unwrap();
        hear("ready");
        // Its end would end the provider.
        child.stdin = Some(stdin);
        server
            .create_account("admin", "Quản trị", Role::Administrator, PASSWORD)
            .await
            .unwrap();
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        let mut house = Self {
            server,
            http,
            admin: String::new(),
            issuer,
            clock,
            _folder: folder,
            provider: Provider(child),
        };
        house.admin = house.token("admin").await;
        house
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    async fn api(&self, token: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.request(method, self.url(path)).bearer_auth(token);
        let response = request.json(&body).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn token(&self, login: &str) -> String {
        let body = json!({"login": login, "password": PASSWORD});
        let (_, session) = self.api("", Method::POST, "/api/v1/session", body).await;
        session["token"].as_str().unwrap().to_owned()
    }

    /// A supervisor who is known at the provider by this address.
    async fn account(&self, login: &str, claim: &str) -> String {
        let body =
            json!({"login": login, "name": login, "role": "supervisor", "password": PASSWORD});
        let (_, account) = self
            .api(&self.admin, Method::POST, "/api/v1/accounts", body)
            .await;
        let account = account["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/accounts/{account}/identity");
        let (status, why) = self
            .api(&self.admin, Method::PUT, &path, json!({"claim": claim}))
            .await;
        assert_eq!(status, 204, "{why}");
        account
    }
}

/// A browser: cookies for each host, and redirects followed by hand.
struct Browser<'a> {
    house: &'a House,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    fn new(house: &'a House) -> Self {
        let cookies = BTreeMap::new();
        Self { house, cookies }
    }

    async fn send(&mut self, address: &str, form: Option<&str>) -> Response {
        let address = reqwest::Url::parse(address).unwrap();
        let host = format!("{:?}:{:?}", address.host_str(), address.port());
        let jar = self.cookies.entry(host).or_default();
        let cookie: Vec<String> = jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = match form {
            Some(form) => self
                .house
                .http
                .post(address)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.to_owned()),
            None => self.house.http.get(address),
        };
        let response = request
            .header("cookie", cookie.join("; "))
            .send()
            .await
            .unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value {
                "" => jar.remove(name),
                value => jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        response
    }

    /// Where an answer leads.
    fn location(&self, response: &Response, from: &str) -> Option<String> {
        let to = response.headers().get("location")?.to_str().unwrap();
        let from = reqwest::Url::parse(from).unwrap();
        Some(from.join(to).unwrap().to_string())
    }

    /// From the button of the sign-in page through the provider's pages: the address at which the browser comes back.
    async fn go(&mut self, person: &str) -> String {
        let mut at = self.house.url("/sign-in/provider");
        for _ in 0..20 {
            let response = self.send(&at, None).await;
            let next = match self.location(&response, &at) {
                Some(next) => next,
                None => {
                    let page = response.text().await.unwrap();
                    let prompt = if page.contains("value=\"login\"") {
                        "login"
                    } else {
                        "consent"
                    };
                    let form = format!("prompt={prompt}&login={person}&password=x");
                    let answered = self.send(&at, Some(&form)).await;
                    self.location(&answered, &at).unwrap()
                }
            };
            if next.starts_with(&self.house.url("/sign-in/provider/callback")) {
                return next;
            }
            at = next;
        }
        panic!("the provider leads nowhere");
    }

    /// The whole way; the page at the end.
    async fn sign_in(&mut self, person: &str) -> String {
        let back = self.go(person).await;
        self.send(&back, None).await.text().await.unwrap()
    }

    async fn read(&mut self, path: &str) -> (u16, String) {
        let response = self.send(&self.house.url(path), None).await;
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_provider_vouches_for_signs_in_to_the_account_that_was_named_and_no_other() {
    let house = House::new().await;
    let account = house.account("lan", " LAN@example.vn ").await;
    let (_, page) = Browser::new(&house).read("/sign-in").await;
    assert!(
        page.contains("/sign-in/provider") && page.contains("Cổng &#60;b&#62;tỉnh"),
        "{page}"
    );

    // An address that nobody verified links nothing; nor does one that was named for nobody.
    for person in ["gian", "la"] {
        let mut browser = Browser::new(&house);
        let refused = browser.sign_in(person).await;
        assert!(
            refused.contains("chưa được gán cho tài khoản nào"),
            "{refused}"
        );
        assert_eq!(browser.read("/records").await.0, 303);
    }
    let mut lan = Browser::new(&house);
    let page = lan.sign_in("lan").await;
    assert!(page.contains("0;url=/\""), "{page}");
    assert_eq!(lan.read("/records").await.0, 200);
    // From now on it is the provider's own id that counts: the same address of somebody else does not.
    let mut other = Browser::new(&house);
    assert!(other.sign_in("khac").await.contains("chưa được gán"));
    assert!(
        Browser::new(&house)
            .sign_in("lan")
            .await
            .contains("Đã đăng nhập")
    );

    let (_, log) = house
        .api(
            &house.admin,
            Method::GET,
            "/api/v1/audit?action=identity-linked",
            Value::Null,
        )
        .await;
    assert_eq!(
        (
            log["rows"].as_array().unwrap().len(),
            &log["rows"][0]["object"]
        ),
        (1, &json!(account))
    );

    // Signing out here leads to the provider's own sign-out.
    let (_, page) = lan.read("/account").await;
    let csrf = page
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let out = lan
        .send(&house.url("/sign-out"), Some(&format!("csrf={csrf}")))
        .await;
    assert_eq!(out.headers()["location"], "/sign-in?expired=left");
    let (_, page) = lan.read("/sign-in?expired=left").await;
    assert!(
        page.contains(&format!("{}/session/end?client_id=sokiem", house.issuer)),
        "{page}"
    );

    // Undone, nothing is left of it.
    Browser::new(&house).sign_in("lan").await;
    let path = format!("/api/v1/accounts/{account}/identity");
    assert_eq!(
        house
            .api(&house.admin, Method::DELETE, &path, Value::Null)
            .await
            .0,
        204
    );
    assert!(
        Browser::new(&house)
            .sign_in("lan")
            .await
            .contains("chưa được gán")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_counts_once_and_in_the_browser_that_was_sent() {
    let house = House::new().await;
    house.account("lan", "lan@example.vn").await;
    let mut lan = Browser::new(&house);
    let back = lan.go("lan").await;
    // A stranger's browser with what somebody else brought back: no session for either.
    let mut stranger = Browser::new(&house);
    let refused = stranger.send(&back, None).await;
    assert_eq!(refused.headers()["location"], "/sign-in?expired=provider");
    stranger.send(&house.url("/sign-in/provider"), None).await;
    let refused = stranger.send(&back, None).await;
    assert_eq!(refused.headers()["location"], "/sign-in?expired=provider");
    let forged = back.replace("state=", "state=0");
    let refused = lan.send(&forged, None).await;
    assert_eq!(refused.headers()["location"], "/sign-in?expired=provider");
    assert_eq!(lan.send(&back, None).await.status(), 200);
    assert_eq!(lan.read("/records").await.0, 200);
    let mut again = Browser::new(&house);
    again.cookies.clone_from(&lan.cookies);
    let twice = again.send(&back, None).await;
    assert_eq!(twice.headers()["location"], "/sign-in?expired=provider");
    // A code that is not the provider's.
    let mut liar = Browser::new(&house);
    let back = liar.go("lan").await;
    let (before, _) = back.split_once("code=").unwrap();
    let state = back
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let page = liar
        .send(&format!("{before}code=forged&state={state}"), None)
        .await;
    assert!(page.text().await.unwrap().contains("Không đăng nhập được"));
    assert_eq!(liar.read("/records").await.0, 303);
    // Somebody who said no there.
    let no = liar
        .send(
            &house.url("/sign-in/provider/callback?error=access_denied&state=x"),
            None,
        )
        .await;
    assert!(no.text().await.unwrap().contains("không xác nhận"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_second_factor_of_ours_is_asked_for_it_here_too() {
    let house = House::new().await;
    house.account("lan", "lan@example.vn").await;
    let token = house.token("lan").await;
    let path = "/api/v1/session/second-factor";
    let (_, setup) = house
        .api(&token, Method::POST, path, json!({"password": PASSWORD}))
        .await;
    let secret = Secret::try_from_base32(setup["secret"].as_str().unwrap()).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let code = totp.generate(now.as_secs()).to_string();
    let (status, codes) = house
        .api(&token, Method::PUT, path, json!({"code": code}))
        .await;
    assert_eq!(status, 200, "{codes}");
    let mut lan = Browser::new(&house);
    let back = lan.go("lan").await;
    let half = lan.send(&back, None).await;
    assert_eq!(half.headers()["location"], "/sign-in/code");
    assert_eq!(lan.read("/records").await.0, 303);
    let recovery = codes["recovery_codes"][0].as_str().unwrap();
    let whole = lan
        .send(
            &house.url("/sign-in/code"),
            Some(&format!("code={recovery}")),
        )
        .await;
    assert_eq!(whole.headers()["location"], "/");
    assert_eq!(lan.read("/records").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_gone_leaves_the_password() {
    let mut house = House::new().await;
    house.provider.0.kill().unwrap();
    house.provider.0.wait().unwrap();
    let (status, page) = Browser::new(&house).read("/sign-in/provider").await;
    assert_eq!(status, 200);
    assert!(page.contains("Hãy thử lại, hoặc dùng mật khẩu") && page.contains("name=\"password\""));
    house.token("admin").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stays_away_too_long_begins_again_and_old_tokens_are_not_taken() {
    let house = House::new().await;
    house.account("lan", "lan@example.vn").await;
    let mut lan = Browser::new(&house);
    let back = lan.go("lan").await;
    house.clock.pass_s(601);
    let late = lan.send(&back, None).await;
    assert_eq!(late.headers()["location"], "/sign-in?expired=provider");
    let (_, page) = lan.read("/sign-in?expired=provider").await;
    assert!(page.contains("quá lâu"), "{page}");
    // By this server's clock the provider's tokens, which are good for a minute, are old by now.
    let mut again = Browser::new(&house);
    let refused = again.sign_in("lan").await;
    assert!(refused.contains("Không đăng nhập được"), "{refused}");
    assert_eq!(again.read("/records").await.0, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_account_and_one_that_was_given_to_another_person_are_not_reached_any_more() {
    let house = House::new().await;
    let account = house.account("lan", "lan@example.vn").await;
    let mut lan = Browser::new(&house);
    lan.sign_in("lan").await;
    assert_eq!(lan.read("/records").await.0, 200);
    let path = format!("/api/v1/accounts/{account}/identity");
    let claim = json!({"claim": "la@example.vn"});
    let (status, why) = house.api(&house.admin, Method::PUT, &path, claim).await;
    assert_eq!(status, 204, "{why}");
    assert_eq!(lan.read("/records").await.0, 303, "the session has ended");
    assert!(lan.sign_in("lan").await.contains("chưa được gán"));
    let mut la = Browser::new(&house);
    la.sign_in("la").await;
    assert_eq!(la.read("/records").await.0, 200);

    let path = format!("/api/v1/accounts/{account}");
    let (status, why) = house
        .api(&house.admin, Method::PATCH, &path, json!({"active": false}))
        .await;
    assert!(status < 300, "{status} {why}");
    assert_eq!(la.read("/records").await.0, 303);
    assert!(la.sign_in("la").await.contains("chưa được gán"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_needs_a_second_factor_does_without_ours_only_where_the_provider_asks_for_one()
{
    for asks in [false, true] {
        let house = House::with(|config| {
            config.second_factor.required_for = vec![Role::Supervisor];
            config.oidc.as_mut().unwrap().asks_for_second_factor = asks;
        })
        .await;
        house.account("lan", "lan@example.vn").await;
        let mut lan = Browser::new(&house);
        lan.sign_in("lan").await;
        assert_eq!(lan.read("/records").await.0, if asks { 200 } else { 303 });
        let (_, page) = lan.read("/account").await;
        assert_ne!(page.contains("phải bật xác thực hai bước"), asks, "{page}");
        // With the password alone it is never enough.
        let token = house.token("lan").await;
        let (status, why) = house
            .api(&token, Method::GET, "/api/v1/records", Value::Null)
            .await;
        assert_eq!(
            (status, &why["type"]),
            (403, &json!("/problems/second-factor-required"))
        );
    }
}
