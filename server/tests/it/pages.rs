//! The pages, as a browser sees them.

use reqwest::{Client, Response, StatusCode, redirect::Policy};
use serde_json::json;
use sokiem_record::id::DocumentId;

use crate::harness::{PASSWORD, Town};

/// A browser without scripts: it keeps one cookie and follows no redirect by itself.
pub(crate) struct Browser<'a> {
    town: &'a Town,
    http: Client,
    pub(crate) cookie: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(town: &'a Town) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self {
            town,
            http,
            cookie: String::new(),
        }
    }

    pub(crate) async fn sign_in(town: &'a Town, login: &str) -> Self {
        let mut browser = Self::new(town);
        let response = browser
            .submit(
                "/sign-in",
                &format!("login={login}&password={}", percent(PASSWORD)),
            )
            .await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        browser.cookie = cookie.split(';').next().unwrap().to_owned();
        browser
    }

    pub(crate) async fn submit(&self, path: &str, form: &str) -> Response {
        self.http
            .post(self.town.url(path))
            .header("cookie", &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .send()
            .await
            .unwrap()
    }

    /// Sends a form with a file.
    pub(crate) async fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file_name: &str,
        file: &[u8],
    ) -> Response {
        let (media_type, body) = multipart(fields, file_name, file);
        self.http
            .post(self.town.url(path))
            .header("cookie", &self.cookie)
            .header("content-type", media_type)
            .body(body)
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http
            .get(self.town.url(path))
            .header("cookie", &self.cookie)
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn read(&self, path: &str) -> String {
        let response = self.get(path).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        text
    }
}

/// A form with a file: its media type, and the body.
pub(crate) fn multipart(
    fields: &[(&str, &str)],
    file_name: &str,
    file: &[u8],
) -> (String, Vec<u8>) {
    const BOUNDARY: &str = "----ranh-gioi-5d0c3b5e";
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

pub(crate) fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// The value of a hidden field.
pub(crate) fn hidden(page: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.rsplit_once(&start).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn disputed_unit(town: &Town) -> DocumentId {
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let mut minh = town.phone("minh", &[area]).await;
    let unit = lan.unit(area, "<b>Chợ & \"Đại Điền\"</b>");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    minh.sync(Vec::new()).await;
    let (one, two) = (
        lan.set(id, "staff", json!(12)),
        minh.set(id, "staff", json!(15)),
    );
    lan.sync(vec![one]).await;
    minh.sync(vec![two]).await;
    id
}

#[tokio::test]
async fn without_a_session_pages_lead_to_the_sign_in_page() {
    let town = Town::new().await;
    let browser = Browser::new(&town);
    assert!(browser.read("/").await.contains("Sổ Kiểm"));
    for path in [
        "/records",
        "/report",
        "/records/0192f0c1-2222-7333-8444-555555555555",
    ] {
        let response = browser.get(path).await;
        assert_eq!(
            (response.status(), &response.headers()["location"]),
            (StatusCode::SEE_OTHER, &"/sign-in".parse().unwrap())
        );
    }
    let wrong = browser
        .submit("/sign-in", "login=admin&password=wrong")
        .await;
    assert_eq!(wrong.status(), StatusCode::OK);
    assert!(wrong.text().await.unwrap().contains("Không đăng nhập được"));
}

#[tokio::test]
async fn a_difference_is_seen_and_settled_by_form() {
    let town = Town::new().await;
    let id = disputed_unit(&town).await;
    let browser = Browser::sign_in(&town, "admin").await;
    let list = browser.read("/records?has_conflicts=true").await;
    assert!(list.contains(&id.to_string()));
    let page = browser.read(&format!("/records/{id}")).await;
    assert!(
        page.contains("LAN")
            && page.contains("MINH")
            && page.contains("Differs</span>: <span title=\"staff\">số người làm việc")
    );
    assert!(!page.contains("<b>Chợ"), "what people typed is not markup");
    assert!(page.contains("&#60;b&#62;Chợ &#38; &#34;Đại Điền&#34;"));

    let path = format!("/records/{id}/settle");
    let (heads, csrf) = (hidden(&page, "heads"), hidden(&page, "csrf"));
    let form = |csrf: &str| {
        format!(
            "path=staff&value=15&reason={}&heads={}&csrf={csrf}",
            percent("Đã đếm lại"),
            percent(&heads)
        )
    };
    assert_eq!(
        browser.submit(&path, &form("forged")).await.status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        browser.submit(&path, &form(&csrf)).await.status(),
        StatusCode::SEE_OTHER
    );
    let page = browser.read(&format!("/records/{id}")).await;
    assert!(!page.contains("Differs</span>") && page.contains("Đã đếm lại"));
    // The same form again: the record is another one now.
    assert_eq!(
        browser.submit(&path, &form(&csrf)).await.status(),
        StatusCode::CONFLICT
    );
}

#[tokio::test]
async fn the_report_is_a_page_and_signing_out_ends_the_session() {
    let town = Town::new().await;
    let browser = Browser::sign_in(&town, "admin").await;
    let page = browser.read("/report?from=2014&to=2019").await;
    assert!(page.contains("2014") && page.contains("2019") && page.contains("Đơn vị"));
    let csrf = hidden(&page, "csrf");
    assert_eq!(
        browser
            .submit("/sign-out", &format!("csrf={csrf}"))
            .await
            .status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(browser.get("/report").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_refused_change_is_read_and_taken_over_on_its_page() {
    let town = Town::new().await;
    let [here, there] = town.communes;
    town.account("truong", "supervisor", &[there]).await;
    let mut lan = town.phone("lan", &[here]).await;
    let unit = lan.unit(there, "<i>Chợ</i> ngoài địa bàn");
    let id = unit.document;
    lan.send(&lan.request(vec![unit])).await;
    let browser = Browser::sign_in(&town, "truong").await;
    let list = browser.read("/quarantine").await;
    assert!(
        list.contains("LAN")
            && list.contains("Thạnh Hải")
            && list.contains("địa bàn không còn giao")
    );
    // Beside the changes there is the page for files of phones.
    let paths = list
        .split('"')
        .filter(|part| part.starts_with("/quarantine/"));
    let mut paths = paths.filter(|path| *path != "/quarantine/import");
    let path = paths.next().unwrap().to_owned();
    let one = browser.read(&path).await;
    assert!(
        one.contains("ngoài địa bàn") && !one.contains("<i>"),
        "{one}"
    );
    let csrf = hidden(&one, "csrf");
    let reason = percent("Nhận lại");
    let forged = browser
        .submit(
            &format!("{path}/settle"),
            &format!("act=take-over&reason={reason}&csrf=no"),
        )
        .await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let taken = browser
        .submit(
            &format!("{path}/settle"),
            &format!("act=take-over&reason={reason}&csrf={csrf}"),
        )
        .await;
    assert_eq!(taken.status(), StatusCode::SEE_OTHER);
    assert!(
        browser
            .read("/quarantine?state=taken-over")
            .await
            .contains("Nhận lại")
    );
    assert!(
        browser
            .read(&format!("/records/{id}"))
            .await
            .contains("LAN")
    );
}

#[tokio::test]
async fn a_record_says_who_signed_it_and_what_changed_since() {
    let town = Town::new().await;
    let own = town.account("lan", "officer", &[town.communes[0]]).await;
    let mut phone = town.phone_of(&own).await;
    phone.sync(vec![]).await;
    let unit = phone.unit(town.communes[0], "Trường Đại Điền");
    let inspection = phone.inspection(town.communes[0], unit.document);
    let record = inspection.document;
    let key = phone.key.clone();
    let signature = crate::signatures::signed(&mut phone, record, &key, own.parse().unwrap());
    phone.sync(vec![unit, inspection, signature]).await;
    let browser = Browser::sign_in(&town, "lan").await;
    let path = format!("/records/{record}");
    let page = browser.read(&path).await;
    assert!(
        page.contains("Đã ký") && page.contains("chữ ký đúng"),
        "{page}"
    );
    assert!(page.contains("Không có thay đổi sau khi ký"));
    let later = phone.set(record, "number", json!("12/BB"));
    phone.sync(vec![later]).await;
    let page = browser.read(&path).await;
    assert!(page.contains("Thay đổi sau khi ký") && page.contains("12/BB"));
}

#[tokio::test]
async fn an_address_that_is_none_is_a_page_for_people_and_a_problem_for_programs() {
    let town = Town::new().await;
    let asked = |path: &'static str, accept: &'static str| {
        let request = Client::new().get(town.url(path)).header("accept", accept);
        async move { request.send().await.unwrap() }
    };
    let page = asked("/nowhere", "text/html,application/xhtml+xml,*/*;q=0.8").await;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    let page = page.text().await.unwrap();
    assert!(page.contains("Không tìm thấy.") && page.contains("There is no such thing"));
    for (path, accept) in [("/nowhere", "*/*"), ("/api/v1/nowhere", "text/html")] {
        let problem = asked(path, accept).await;
        assert_eq!(problem.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            problem.headers()["content-type"],
            "application/problem+json"
        );
    }
}
