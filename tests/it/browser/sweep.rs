//! Every page that the server has, in a town whose names mean harm: nothing of it acts, nobody is shut out, nothing
//! sticks out of a phone. Which pages there are says the server itself, so that none can be forgotten.

use reqwest::{Client, header, redirect::Policy};
use serde_json::{Value as Json, json};
use sokiem_tests::town::PASSWORD;

use super::{
    Browser, Page,
    scene::{FORMULA, HARM, Hostile, SCRIPT, TURN},
};

/// Queries without which a page says nothing, or another thing.
const QUERIES: &[(&str, &[&str])] = &[
    (
        "/inbox",
        &[
            "?need=review",
            "?need=difference",
            "?need=changed",
            "?need=overdue",
        ],
    ),
    ("/records", &["?kind=unit", "?kind=inspection", "?q=cmd"]),
    (
        "/records/{id}/field",
        &["?path=items/KTC-01/answer", "?path=place", "?path=opinion"],
    ),
    ("/report", &["?from=2019&to=2019&by_area=true"]),
    ("/report/print", &["?from=2019&to=2019&by_area=true"]),
    (
        "/report/records",
        &["?figure=units_in_scope&year=2019&from=2019&to=2019&part=all"],
    ),
    ("/records/{id}/join", &["", "?into={id}"]),
    ("/admin/recovery/confirm", &["?act=approve", "?act=dismiss"]),
    (
        "/api/v1/records/export",
        &[
            "?kind=unit&format=csv",
            "?kind=inspection&format=csv",
            "?kind=unit&format=geojson",
            "?kind=inspection&format=json",
        ],
    ),
    ("/api/v1/report", &["?from=2019&to=2019"]),
    ("/api/v1/report/export", &["?from=2019&to=2019&format=csv"]),
    (
        "/api/v1/report/records",
        &["?figure=units_in_scope&year=2019&from=2019&to=2019&part=all"],
    ),
    ("/api/v1/records/{id}/difference", &["?from=&to="]),
];

/// How many addresses of a route are looked at.
const MOST: usize = 4;

/// Pages that only show something in a state that this town is not in; other tests have them.
const ELSEWHERE: &[&str] = &[
    // Needs an account with a second factor.
    "/account/second-factor/remove",
    "/admin/accounts/{account}/second-factor",
    // Needs the officer's app, whose pages are its own; `field_app::*` of the server looks at how it is served.
    "/app/",
    // Needs an identity provider.
    "/sign-in/provider/callback",
];

/// Somebody who reads, and what there is to be read.
struct Reader {
    client: Client,
    base: String,
    token: String,
    api: Json,
}

/// An answer: its type, and what it says.
struct Answer {
    media_type: String,
    sniffed: bool,
    text: String,
}

impl Reader {
    async fn new(town: &Hostile) -> Self {
        let base = town.town.server.url();
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let body = json!({"login": "admin", "password": PASSWORD});
        let session = client
            .post(format!("{base}/api/v1/session"))
            .json(&body)
            .send()
            .await
            .unwrap();
        let session: Json = session.json().await.unwrap();
        let api = client
            .get(format!("{base}/api/openapi.json"))
            .send()
            .await
            .unwrap();
        Self {
            token: session["token"].as_str().unwrap().to_owned(),
            api: api.json().await.unwrap(),
            client,
            base,
        }
    }

    /// What an address answers; nothing unless it is there.
    async fn get(&self, path: &str) -> Option<Answer> {
        let request = self.client.get(format!("{}{path}", self.base));
        let request = match path.starts_with("/api/") {
            true => request.bearer_auth(&self.token),
            false => request.header(header::COOKIE, format!("sokiem_session={}", self.token)),
        };
        let response = request.send().await.unwrap();
        assert!(
            !response.status().is_server_error(),
            "{path}: {}",
            response.status()
        );
        if response.status() != 200 {
            return None;
        }
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        Some(Answer {
            media_type: header(header::CONTENT_TYPE).unwrap_or_default().to_owned(),
            sniffed: header(header::X_CONTENT_TYPE_OPTIONS) != Some("nosniff"),
            text: String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned(),
        })
    }

    /// The routes that are read with GET, whether they are pages, and whether anybody may read them.
    fn routes(&self) -> Vec<(&str, bool, bool)> {
        let paths = self.api["paths"].as_object().unwrap();
        let read = paths.iter().filter_map(|(route, item)| {
            let operation = item.get("get")?;
            let is_page = operation["responses"]["200"]["content"]
                .get("text/html")
                .is_some();
            let who = operation["x-access"]["who"].as_str().unwrap();
            matches!(who, "anybody" | "page" | "session").then_some((
                route.as_str(),
                is_page,
                who == "anybody",
            ))
        });
        read.collect()
    }

    /// Some addresses of a route that have something in this town.
    async fn addresses(&self, route: &str, town: &Hostile) -> Vec<String> {
        let queries = QUERIES.iter().find(|(known, _)| *known == route);
        let queries: Vec<String> = match queries {
            Some((_, queries)) => queries.iter().map(|&query| query.to_owned()).collect(),
            None => vec![self.needed(route)],
        };
        let mut there = Vec::new();
        for query in queries {
            let mut found = 0;
            for address in filled(format!("{route}{query}"), town) {
                if found < MOST && self.get(&address).await.is_some() {
                    there.push(address);
                    found += 1;
                }
            }
        }
        there
    }

    /// The query that a route can't do without, to be filled with ids.
    fn needed(&self, route: &str) -> String {
        let parameters = self.api["paths"][route]["get"]["parameters"].as_array();
        let needed = parameters.into_iter().flatten().filter(|one| {
            one["in"] == "query" && one["required"] == true && one["schema"]["format"] == "uuid"
        });
        let names: Vec<String> = needed
            .map(|one| format!("{}={{id}}", one["name"].as_str().unwrap()))
            .collect();
        match names.is_empty() {
            true => String::new(),
            false => format!("?{}", names.join("&")),
        }
    }
}

/// An address with every id that may stand at the places that are left open in it.
fn filled(address: String, town: &Hostile) -> Vec<String> {
    let mut filled = vec![address];
    while filled.iter().any(|address| address.contains('{')) {
        filled = filled.iter().flat_map(|open| fill(open, town)).collect();
    }
    filled
}

/// Fills the first place that is left open.
fn fill(address: &str, town: &Hostile) -> Vec<String> {
    let (before, rest) = address.split_once('{').unwrap();
    let (name, after) = rest.split_once('}').unwrap();
    let called: Vec<_> = town.ids.iter().filter(|(one, _)| *one == name).collect();
    // What has a name that this town does not know may still be one of its things.
    let ids = if called.is_empty() {
        town.ids.iter().collect()
    } else {
        called
    };
    ids.iter()
        .map(|(_, id)| format!("{before}{id}{after}"))
        .collect()
}

/// What is wrong with the page that is shown, in two widths.
fn wrongs(page: &Page, called: &str) -> Vec<String> {
    let mut wrongs = Vec::new();
    for width in [1440, 390] {
        page.resize(width);
        wrongs.extend(
            page.overflow()
                .into_iter()
                .map(|one| format!("{width}: {one}")),
        );
        wrongs.extend(
            page.barriers()
                .into_iter()
                .map(|one| format!("{width}: {one}")),
        );
    }
    wrongs.extend(page.faults());
    // Our own scripts are files; nobody's words have become an element.
    let grown = page.evaluate("document.querySelectorAll('script:not([src]), img[src=x], [onmouseover], [onerror]').length");
    if grown != 0 {
        wrongs.push("somebody's words have become markup".to_owned());
    }
    if page
        .evaluate("document.body.innerText + document.title")
        .as_str()
        .unwrap()
        .contains(TURN)
    {
        wrongs.push("somebody's words turn the direction of the text".to_owned());
    }
    page.resize(1440);
    wrongs
        .into_iter()
        .map(|one| format!("{called} {one}"))
        .collect()
}

/// What is wrong with pages that only forms lead to, and with what is said where something can't be done.
async fn answers_of_forms(page: &Page, town: &Hostile) -> Vec<String> {
    let mut wrong = Vec::new();
    let (_, account) = town
        .ids
        .iter()
        .find(|(name, _)| *name == "account")
        .unwrap();
    page.visit(&format!("/admin/accounts/{account}"));
    page.follow("form[action$='/code'] button");
    wrong.extend(wrongs(page, "an enrolment code"));
    page.visit("/admin/audit");
    page.follow("form[action$='/check'] button");
    wrong.extend(wrongs(page, "a check of the audit log"));
    page.visit("/account");
    page.fill(
        "form[action='/account/second-factor'] input[name=password]",
        PASSWORD,
    );
    page.follow("form[action='/account/second-factor'] button");
    wrong.extend(wrongs(page, "the beginning of a second factor"));

    // Somebody else writes while the page is open.
    let record = format!("/records/{}", town.inspection);
    page.visit(&record);
    let edit = json!([{"edit": "set", "path": "copies", "value": 4}]);
    town.town
        .desk
        .edit(town.inspection.0, HARM, edit)
        .await
        .unwrap();
    page.fill("#decide textarea[name=reason]", HARM);
    page.follow("#decide button[value=returned]");
    assert!(page.text("main").contains("Chưa ghi quyết định"));
    // Chromium notes in the console that the answer says 409, and 404 below.
    page.faults();
    wrong.extend(wrongs(page, "a decision that came too late"));
    let (status, _) = page.go("/records/0192f0c1-2222-7333-8444-555555555555");
    assert_eq!(status, 404);
    page.faults();
    wrong.extend(wrongs(page, "what is not there"));
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_for_everybody_and_harmless_whatever_people_typed() {
    let town = Hostile::start().await.unwrap();
    let reader = Reader::new(&town).await;
    let browser = Browser::start();
    let anybody = browser.page(&town.town.server.url());
    let page = browser.page(&town.town.server.url());
    page.sign_in("admin", PASSWORD);
    let (mut wrong, mut seen, mut said) = (Vec::new(), 0, String::new());
    for (route, is_page, open) in reader.routes() {
        if !is_page || ELSEWHERE.contains(&route) {
            continue;
        }
        if open {
            anybody.visit(route);
            wrong.extend(wrongs(&anybody, route));
            seen += 1;
            continue;
        }
        let addresses = reader.addresses(route, &town).await;
        if addresses.is_empty() {
            wrong.push(format!(
                "nothing of this town is at {route}: teach it to `Hostile` or to `QUERIES`"
            ));
        }
        for address in addresses {
            page.visit(&address);
            wrong.extend(wrongs(&page, &address));
            said.push_str(&page.text("body"));
            seen += 1;
        }
    }
    wrong.extend(answers_of_forms(&page, &town).await);
    println!("{seen} pages");
    assert!(
        wrong.is_empty(),
        "{} things on {seen} pages:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    for words in [SCRIPT, FORMULA, "[U+202E]gpj.exe"] {
        assert!(said.contains(words), "{words} can be read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_by_programs_is_never_taken_for_a_page() {
    let town = Hostile::start().await.unwrap();
    let reader = Reader::new(&town).await;
    let mut seen = 0;
    for (route, is_page, _) in reader.routes() {
        // A stream does not end.
        if is_page || route == "/news" {
            continue;
        }
        for address in reader.addresses(route, &town).await {
            let answer = reader.get(&address).await.unwrap();
            assert!(!answer.media_type.starts_with("text/html"), "{address}");
            assert!(
                !answer.sniffed,
                "{address}: a browser may guess another type"
            );
            let readable = ["text/", "json"]
                .iter()
                .any(|kind| answer.media_type.contains(kind));
            if readable && answer.media_type.contains("csv") {
                assert!(
                    !answer.text.contains(TURN)
                        && !answer.text.contains("\r\n=")
                        && !answer.text.contains(",="),
                    "{address}"
                );
            }
            seen += 1;
        }
    }
    println!("{seen} addresses");
    assert!(seen > 40, "{seen}");
    // Where a browser is sent to them, it downloads them or shows them as they are.
    let browser = Browser::start();
    let page = browser.page(&town.town.server.url());
    page.sign_in("admin", PASSWORD);
    for address in [
        format!("/api/v1/records/{}", town.inspection),
        "/api/v1/inbox".to_owned(),
    ] {
        page.visit(&address);
        page.expect_no_faults();
    }
}
