//! The officer's app at `/app/`.

use std::{fs, path::Path};

use reqwest::{Response, header::HeaderMap, redirect::Policy};
use serde_json::json;
use sokiem_record::id::ActorId;
use sokiem_server::Config;

use crate::{
    harness::{Town, fresh_uuid},
    pages::{Browser, hidden},
};

const MODULE: &str = "sokiem.0123456789abcdef.wasm";

/// A folder as `scripts/field-app build` makes it. The forms are no real compression: what is looked at is which is sent.
fn build(folder: &Path) {
    fs::create_dir_all(folder.join("icons")).unwrap();
    let write = |name: &str, content: &str| fs::write(folder.join(name), content).unwrap();
    // Long enough that a compressing layer would take it.
    let page = format!(
        "<!doctype html><title>Sổ Kiểm</title>{}",
        "<p>x</p>".repeat(100)
    );
    write("index.html", &page);
    write("index.html.br", "index as br");
    write("index.html.gz", "index as gzip");
    write("sw.js", &"self;\n".repeat(100));
    write("manifest.webmanifest", "{}");
    write(MODULE, &"wasm".repeat(100));
    write(&format!("{MODULE}.br"), "wasm as br");
    write(
        "icons/icon.svg",
        "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
    );
    write(".secret", "x");
}

/// Has the server serve such a folder.
pub(crate) fn serve(config: &mut Config) {
    let folder = config.data_dir.join("field-app");
    build(&folder);
    config.field_app.dir = Some(folder);
}

async fn town() -> Town {
    Town::with(serve).await
}

async fn ask(town: &Town, path: &str, headers: &[(&str, &str)]) -> Response {
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_zstd()
        .build()
        .unwrap();
    let mut request = client.get(town.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn said<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn files_come_with_their_types_and_are_kept_as_their_names_allow() {
    let town = town().await;
    for (path, media_type, kept) in [
        ("/app/", "text/html; charset=utf-8", "no-cache"),
        ("/app/?source=pwa", "text/html; charset=utf-8", "no-cache"),
        ("/app/sw.js", "text/javascript; charset=utf-8", "no-cache"),
        (
            "/app/manifest.webmanifest",
            "application/manifest+json",
            "no-cache",
        ),
        ("/app/icons/icon.svg", "image/svg+xml", "no-cache"),
        (
            &format!("/app/{MODULE}"),
            "application/wasm",
            "public, max-age=31536000, immutable",
        ),
    ] {
        let response = ask(&town, path, &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        let headers = response.headers();
        assert_eq!(said(headers, "content-type"), media_type, "{path}");
        assert_eq!(said(headers, "cache-control"), kept, "{path}");
        assert!(said(headers, "etag").starts_with('"'), "{path}");
        assert_eq!(said(headers, "vary"), "accept-encoding", "{path}");
        assert_eq!(said(headers, "content-encoding"), "", "{path}");
    }
    let to = ask(&town, "/app", &[]).await;
    assert_eq!(
        (to.status().as_u16(), said(to.headers(), "location")),
        (303, "/app/")
    );
}

#[tokio::test]
async fn the_smallest_form_that_a_browser_takes_is_sent_and_nothing_is_compressed_twice() {
    let town = town().await;
    let mut tags = Vec::new();
    for (accepted, coding, content) in [
        ("gzip, deflate, br, zstd", "br", "index as br"),
        ("gzip, br;q=0", "gzip", "index as gzip"),
        ("zstd", "", "<!doctype html>"),
        ("identity", "", "<!doctype html>"),
    ] {
        let response = ask(&town, "/app/", &[("accept-encoding", accepted)]).await;
        let headers = response.headers().clone();
        assert_eq!(said(&headers, "content-encoding"), coding, "{accepted}");
        assert!(
            response.text().await.unwrap().starts_with(content),
            "{accepted}"
        );
        tags.push(said(&headers, "etag").to_owned());
    }
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[2] == tags[3]);
    // What came without a compressed form goes out as it lies.
    let plain = ask(
        &town,
        "/app/sw.js",
        &[("accept-encoding", "br, gzip, zstd")],
    )
    .await;
    assert_eq!(said(plain.headers(), "content-encoding"), "");
    assert_eq!(plain.text().await.unwrap().len(), 600);

    let held = [
        ("accept-encoding", "br"),
        ("if-none-match", tags[0].as_str()),
    ];
    let again = ask(&town, "/app/", &held).await;
    assert_eq!(again.status(), 304);
    assert_eq!(said(again.headers(), "etag"), tags[0]);
    assert_eq!(said(again.headers(), "cache-control"), "no-cache");
    assert!(again.bytes().await.unwrap().is_empty());
    let other = [
        ("accept-encoding", "gzip"),
        ("if-none-match", tags[0].as_str()),
    ];
    assert_eq!(ask(&town, "/app/", &other).await.status(), 200);
}

#[tokio::test]
async fn head_says_what_get_says_and_other_methods_are_refused() {
    let town = town().await;
    let path = format!("/app/{MODULE}");
    let head = town
        .http
        .head(town.url(&path))
        .header("accept-encoding", "br");
    let head = head.send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(said(head.headers(), "content-length"), "10");
    assert_eq!(said(head.headers(), "content-encoding"), "br");
    assert!(head.bytes().await.unwrap().is_empty());
    let post = town.http.post(town.url("/app/")).send().await.unwrap();
    assert_eq!(post.status(), 405);
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_reached() {
    let town = town().await;
    for path in [
        "/app/.secret",
        "/app/icons",
        "/app/icons/",
        "/app/nothing.js",
        "/app/..%2fsokiem.db",
        "/app/%2e%2e/sokiem.db",
        "/app/icons/..%2f..%2fsokiem.db",
        "/app/icons/%2e%2e%2findex.html",
        "/app//etc/passwd",
        "/app/index.html.br%00",
    ] {
        let response = ask(&town, path, &[]).await;
        assert_eq!(response.status(), 404, "{path}");
        let media_type = said(response.headers(), "content-type").to_owned();
        assert_eq!(media_type, "application/problem+json", "{path}");
    }
}

#[tokio::test]
async fn the_app_has_a_policy_of_its_own_and_other_pages_keep_theirs() {
    let town = town().await;
    for path in ["/app/", "/app/sw.js"] {
        let response = ask(&town, path, &[]).await;
        let headers = response.headers();
        let policy = said(headers, "content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "worker-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        let granted = said(headers, "permissions-policy");
        assert!(granted.starts_with("camera=(self), geolocation=(self), "));
        assert_eq!(granted.matches("self").count(), 2);
        assert_eq!(said(headers, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(said(headers, "referrer-policy"), "no-referrer");
        assert_eq!(said(headers, "x-content-type-options"), "nosniff");
        // A worker of the app must never stand before the desk.
        assert_eq!(said(headers, "service-worker-allowed"), "");
        assert_eq!(headers.get_all("content-security-policy").iter().count(), 1);
    }
    let desk = ask(&town, "/sign-in", &[]).await;
    let policy = said(desk.headers(), "content-security-policy");
    assert!(!policy.contains("wasm-unsafe-eval"), "{policy}");
    assert!(said(desk.headers(), "permissions-policy").starts_with("camera=()"));
}

#[tokio::test]
async fn a_server_without_the_app_says_so_in_both_languages() {
    let town = Town::new().await;
    let page = ask(&town, "/app/", &[]).await;
    assert_eq!(page.status(), 404);
    let text = page.text().await.unwrap();
    assert!(text.contains("không có ứng dụng của cán bộ") && text.contains("has no officer"));
    assert!(text.contains("field_app.dir"), "{text}");
    let file = town.get("", "/app/sw.js").await;
    assert_eq!(file.problem(404), "not-found");
    assert!(
        file.json["detail"]
            .as_str()
            .unwrap()
            .contains("field_app.dir")
    );
    for path in ["/", "/sign-in"] {
        let text = ask(&town, path, &[]).await.text().await.unwrap();
        assert!(!text.contains("/app/"), "{path}");
    }
}

#[tokio::test]
async fn an_enrolment_code_opens_the_app_where_there_is_one() {
    let town = Town::with(|config| {
        serve(config);
        config.public_url = Some("https://sokiem.example/".to_owned());
    })
    .await;
    let account = town.account("lan", "officer", &[town.communes[0]]).await;
    let made = town
        .post(
            &town.admin,
            "/api/v1/enrolment-codes",
            json!({"account": account}),
        )
        .await
        .expect(201);
    let code = made["code"].as_str().unwrap();
    let link = format!("https://sokiem.example/app/#/enrol/{code}");
    assert_eq!(made["uri"], link);
    // It is this text that the picture holds: whoever typed the code by hand gets the same one.
    let path = format!(
        "/api/v1/enrolment-codes/{}/qr.svg",
        made["id"].as_str().unwrap()
    );
    let drawn = town
        .http
        .get(town.url(&path))
        .bearer_auth(&town.admin)
        .header("x-sokiem-code", code)
        .send()
        .await
        .unwrap();
    assert_eq!(
        drawn.text().await.unwrap(),
        made["qr_svg"].as_str().unwrap()
    );
    let browser = Browser::sign_in(&town, "admin").await;
    let page = browser.read(&format!("/admin/accounts/{account}")).await;
    let form = format!("csrf={}", hidden(&page, "csrf"));
    let shown = browser
        .submit(&format!("/admin/accounts/{account}/code"), &form)
        .await;
    let shown = shown.text().await.unwrap();
    assert!(shown.contains("<code>https://sokiem.example/app/#/enrol/"));
    assert!(shown.contains("máy ảnh của điện thoại") && !shown.contains("sokiem:enrol"));
    // The code is as good as any.
    let enrolled = town.enrol(code, ActorId(fresh_uuid())).await;
    enrolled.expect(201);
}

#[tokio::test]
async fn the_front_page_and_the_sign_in_page_lead_to_the_app() {
    let town = town().await;
    for path in ["/", "/sign-in"] {
        let text = ask(&town, path, &[]).await.text().await.unwrap();
        assert!(
            text.contains("<a href=\"/app/\">Sổ kiểm trên điện thoại"),
            "{path}"
        );
    }
}
