//! The pages of administration, as a browser without scripts uses them.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sokiem_record::{id::ActorId, wire::DeviceReport};
use sokiem_server::backup;

use crate::{
    harness::{PASSWORD, Town, fresh_key, fresh_uuid},
    pages::{Browser, hidden, percent},
};

/// Sends a form with the CSRF text of a page.
async fn post(
    browser: &Browser<'_>,
    page: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> reqwest::Response {
    let csrf = hidden(&browser.read(page).await, "csrf");
    let mut form = format!("csrf={csrf}");
    for (name, value) in fields {
        form.push_str(&format!("&{name}={}", percent(value)));
    }
    browser.submit(path, &form).await
}

/// The same, and where it leads.
async fn posted(browser: &Browser<'_>, page: &str, path: &str, fields: &[(&str, &str)]) -> String {
    let response = post(browser, page, path, fields).await;
    let status = response.status();
    let location = response.headers().get("location").cloned();
    let text = response.text().await.unwrap();
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    location.unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_account_is_made_changed_given_areas_and_closed_by_forms() {
    let town = Town::new().await;
    let browser = Browser::sign_in(&town, "admin").await;
    let name = "<script>alert(1)</script> Nguyễn \u{202e}Lan";
    let area = town.communes[0].to_string();
    let fields = [
        ("login", "lan.nguyen"),
        ("name", name),
        ("title", "Đội trưởng"),
        ("role", "officer"),
        ("password", PASSWORD),
        ("area", &area),
    ];
    let path = posted(&browser, "/admin/accounts/new", "/admin/accounts", &fields).await;
    let again = post(&browser, "/admin/accounts/new", "/admin/accounts", &fields).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert!(again.text().await.unwrap().contains("đã có người dùng"));
    for page in ["/admin/accounts?q=nguyen", &path] {
        let shown = browser.read(page).await;
        assert!(!shown.contains("<script>alert"), "{page}");
        assert!(
            shown.contains("&#60;script&#62;") && shown.contains("<bdi>"),
            "{page}"
        );
    }
    assert!(
        !browser
            .read("/admin/accounts?q=minh")
            .await
            .contains("lan.nguyen")
    );

    let other = town.communes[1].to_string();
    posted(
        &browser,
        &path,
        &format!("{path}/areas"),
        &[("area", &other)],
    )
    .await;
    assert!(browser.read(&path).await.contains(&format!("{other}/take")));
    let take = format!("{path}/areas/{other}/take");
    assert!(browser.read(&take).await.contains("Thạnh Hải"));
    posted(&browser, &take, &take, &[]).await;
    assert!(!browser.read(&path).await.contains(&format!("{other}/take")));

    let change = [
        ("name", "Nguyễn Thị Lan"),
        ("title", ""),
        ("role", "supervisor"),
    ];
    posted(&browser, &path, &path, &change).await;
    let lan = Browser::sign_in(&town, "lan.nguyen").await;
    assert!(lan.read("/admin").await.contains("Quản trị"));

    let asked = browser.read(&format!("{path}/close")).await;
    assert!(asked.contains("Mọi thiết bị của người này bị thu hồi"));
    assert_eq!(
        lan.get("/admin").await.status(),
        StatusCode::OK,
        "asking does nothing"
    );
    posted(
        &browser,
        &format!("{path}/close"),
        &format!("{path}/close"),
        &[],
    )
    .await;
    assert_eq!(lan.get("/admin").await.status(), StatusCode::SEE_OTHER);
    assert!(browser.read(&path).await.contains("Tài khoản đã đóng"));
    assert!(!browser.read("/admin/accounts").await.contains("lan.nguyen"));
    assert!(
        browser
            .read("/admin/accounts?state=closed")
            .await
            .contains("lan.nguyen")
    );
    posted(&browser, &path, &format!("{path}/open"), &[]).await;
    Browser::sign_in(&town, "lan.nguyen").await;
}

#[tokio::test]
async fn a_given_password_leads_to_ones_own_account_and_nowhere_else() {
    let town = Town::new().await;
    let account = town.account("tam", "supervisor", &[town.communes[0]]).await;
    let admin = Browser::sign_in(&town, "admin").await;
    let path = format!("/admin/accounts/{account}/password");
    let shown = post(&admin, &path, &path, &[]).await.text().await.unwrap();
    let given = shown.split("class=\"once\"><code>").nth(1).unwrap();
    let given = given.split('<').next().unwrap().to_owned();
    let mut tam = Browser::new(&town);
    let signed_in = tam
        .submit("/sign-in", &format!("login=tam&password={given}"))
        .await;
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap();
    cookie
        .split(';')
        .next()
        .unwrap()
        .clone_into(&mut tam.cookie);
    assert_eq!(tam.get("/records").await.headers()["location"], "/account");
    assert!(tam.read("/account").await.contains("do người quản trị cấp"));
    let wrong = [
        ("old", "no"),
        ("new", "một mật khẩu mới"),
        ("again", "một mật khẩu mới"),
    ];
    let refused = post(&tam, "/account", "/account/password", &wrong).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains("Mật khẩu cũ không đúng")
    );
    let twice = [
        ("old", given.as_str()),
        ("new", "một mật khẩu mới"),
        ("again", "một mật khẩu khác"),
    ];
    let refused = post(&tam, "/account", "/account/password", &twice).await;
    assert!(refused.text().await.unwrap().contains("không giống nhau"));
    let right = [
        ("old", given.as_str()),
        ("new", "một mật khẩu mới"),
        ("again", "một mật khẩu mới"),
    ];
    assert_eq!(
        posted(&tam, "/account", "/account/password", &right).await,
        "/account?done=password"
    );
    tam.read("/records").await;
}

#[tokio::test]
async fn people_see_and_end_their_other_sessions() {
    let town = Town::new().await;
    let (here, there) = (
        Browser::sign_in(&town, "admin").await,
        Browser::sign_in(&town, "admin").await,
    );
    let page = here.read("/account").await;
    let path = page.split("action=\"/account/sessions/").skip(1);
    let paths: Vec<String> = path
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    // The harness has one of its own.
    assert_eq!(paths.len(), 2);
    for path in paths {
        posted(&here, "/account", &format!("/account/sessions/{path}"), &[]).await;
    }
    assert_eq!(
        there.get("/account").await.headers()["location"],
        "/sign-in"
    );
    let late = there
        .submit("/account/password", "csrf=x&old=a&new=b&again=b")
        .await;
    assert_eq!(late.headers()["location"], "/sign-in?expired=yes");
    assert!(
        there
            .read("/sign-in?expired=yes")
            .await
            .contains("chưa được làm")
    );
}

#[tokio::test]
async fn a_device_is_enrolled_with_the_code_of_the_page_and_says_how_it_is() {
    let town = Town::with(|config| config.lifetimes.silent_device_s = 0).await;
    let account = town.account("lan", "officer", &[town.communes[0]]).await;
    let browser = Browser::sign_in(&town, "admin").await;
    let path = format!("/admin/accounts/{account}");
    let shown = post(&browser, &path, &format!("{path}/code"), &[])
        .await
        .text()
        .await
        .unwrap();
    assert!(shown.contains("<svg") && !shown.contains("<?xml") && !shown.contains("style="));
    assert!(shown.contains("sokiem:enrol?server="));
    let code = shown.split("class=\"once\"><code>").nth(1).unwrap();
    let code = code.split('<').next().unwrap();
    let enrolled = town
        .enrol_with(code, ActorId(fresh_uuid()), &fresh_key())
        .await
        .expect(201);
    let device = enrolled["device"].as_str().unwrap();
    let page = browser.read(&format!("/admin/devices/{device}")).await;
    assert!(page.contains("chưa lần nào"), "{page}");

    let phone = town.phone_of(&account).await;
    let mut request = phone.request(Vec::new());
    let an_hour_ago = phone.stamp().created_s * 1000 - 3_600_000;
    request.report = Some(DeviceReport {
        app_version: "2.1 <b>".to_owned(),
        clock_ms: an_hour_ago,
        waiting: 7,
        attachments: 3,
    });
    phone.send(&request).await;
    let list = browser.read("/admin/devices?state=waiting").await;
    assert!(
        list.contains("2.1 &#60;b&#62;") && list.contains("7") && list.contains("+ 3"),
        "{list}"
    );
    assert!(!list.contains(device), "the other one said nothing");
    assert!(list.contains("chậm") && list.contains("60 phút"), "{list}");
    assert!(
        browser
            .read("/admin/devices?state=silent")
            .await
            .contains(&phone.device)
    );
    let listed = town.get(&town.admin, "/api/v1/devices").await.expect(200);
    let of = |id: &str| -> Value {
        let devices = listed.as_array().unwrap();
        devices
            .iter()
            .find(|device| device["id"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (
            of(&phone.device)["waiting"].clone(),
            of(device)["waiting"].clone()
        ),
        (json!(7), json!(null))
    );
    // A device of before says nothing, and what is known stays.
    phone.send(&phone.request(Vec::new())).await;
    assert!(
        browser
            .read(&format!("/admin/devices/{}", phone.device))
            .await
            .contains("2.1")
    );
}

#[tokio::test]
async fn wiping_and_revoking_are_asked_for_before_they_happen() {
    let town = Town::new().await;
    let lan = town.phone("lan", &[town.communes[0]]).await;
    let browser = Browser::sign_in(&town, "admin").await;
    let path = format!("/admin/devices/{}", lan.device);
    assert!(
        browser
            .read(&format!("{path}/wipe"))
            .await
            .contains("Không hoàn tác được")
    );
    assert!(!lan.send(&lan.request(Vec::new())).await.wipe);
    posted(
        &browser,
        &format!("{path}/wipe"),
        &format!("{path}/wipe"),
        &[],
    )
    .await;
    assert!(lan.send(&lan.request(Vec::new())).await.wipe);
    assert!(browser.read(&path).await.contains("chờ xoá dữ liệu"));
    posted(
        &browser,
        &format!("{path}/revoke"),
        &format!("{path}/revoke"),
        &[],
    )
    .await;
    assert!(
        browser
            .read("/admin/devices?state=revoked")
            .await
            .contains(&lan.device)
    );
    let forged = browser
        .submit(&format!("{path}/revoke"), "csrf=forged")
        .await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_supervisor_sees_their_own_officers_and_is_told_no_in_words() {
    let town = Town::new().await;
    let [here, there] = town.communes;
    town.account("tam", "supervisor", &[here]).await;
    let own = town.account("lan", "officer", &[here]).await;
    let other = town.account("minh", "officer", &[there]).await;
    let tam = Browser::sign_in(&town, "tam").await;
    let overview = tam.read("/admin").await;
    assert!(!overview.contains("/admin/audit") && !overview.contains("/admin/backups"));
    let list = tam.read("/admin/accounts").await;
    assert!(list.contains(&own) && !list.contains(&other));
    tam.read(&format!("/admin/accounts/{own}")).await;
    let refused = tam.get(&format!("/admin/accounts/{other}")).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    assert!(
        refused.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let refused = refused.text().await.unwrap();
    assert!(refused.contains("Không tìm thấy") && refused.contains("Chưa có gì thay đổi"));
    assert!(refused.contains("TAM"), "the frame is the visitor's");
    let refused = tam.get("/admin/audit").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let form = [
        ("login", "b"),
        ("name", "B"),
        ("title", ""),
        ("role", "supervisor"),
        ("password", ""),
        ("area", &here.to_string()),
    ];
    let refused = post(&tam, "/admin/accounts/new", "/admin/accounts", &form).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains("Lãnh đạo chỉ tạo tài khoản cán bộ")
    );
}

#[tokio::test]
async fn areas_stand_as_a_tree_and_one_more_is_made() {
    let town = Town::new().await;
    let browser = Browser::sign_in(&town, "admin").await;
    let form = [
        ("name", "Bình Thạnh <i>"),
        ("level", "commune"),
        ("parent", &town.district.to_string()),
    ];
    posted(&browser, "/admin/areas", "/admin/areas", &form).await;
    let page = browser.read("/admin/areas").await;
    let (district, commune) = (
        page.find("Thạnh Phú").unwrap(),
        page.find("Bình Thạnh").unwrap(),
    );
    assert!(district < commune && page.contains("depth-1") && !page.contains("<i>"));
    let wrong = [("name", " "), ("level", "commune"), ("parent", "")];
    let refused = post(&browser, "/admin/areas", "/admin/areas", &wrong).await;
    assert!(refused.text().await.unwrap().contains("Cần tên địa bàn"));
}

#[tokio::test]
async fn the_audit_log_is_filtered_paged_and_checked() {
    let town = Town::new().await;
    let browser = Browser::sign_in(&town, "admin").await;
    for _ in 0..120 {
        town.get(&town.admin, "/api/v1/audit/verify")
            .await
            .expect(200);
    }
    let page = browser.read("/admin/audit?action=audit-verified").await;
    assert!(page.contains("Kiểm tra nhật ký kiểm soát") && !page.contains("<td>Tạo địa bàn"));
    let next = page
        .split("rel=\"next\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let next = next.replace("&#38;", "&");
    let second = browser.read(&next).await;
    assert_eq!(
        second.matches("class=\"part\">audit-verified<").count(),
        20,
        "{second}"
    );
    let none = browser
        .read("/admin/audit?action=&from=2001-01-01&to=2001-01-02")
        .await;
    assert!(none.contains("Không có dòng nào"));
    let wrong = browser.get("/admin/audit?from=hôm+nay").await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);

    let good = post(
        &browser,
        "/admin/audit",
        "/admin/audit/check",
        &[("anchor", "")],
    )
    .await;
    assert!(
        good.text()
            .await
            .unwrap()
            .contains("còn nguyên như khi được ghi")
    );
    town.database()
        .execute_batch(
            "DROP TRIGGER audit_is_not_changed; UPDATE audit SET outcome = 'refused' WHERE seq = 5",
        )
        .unwrap();
    let bad = post(
        &browser,
        "/admin/audit",
        "/admin/audit/check",
        &[("anchor", "")],
    )
    .await;
    let bad = bad.text().await.unwrap();
    assert!(
        bad.contains("KHÔNG còn") && bad.contains("row</span> 5"),
        "{bad}"
    );
}

#[tokio::test]
async fn backups_are_listed_with_what_their_check_found() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().to_owned();
    let town = Town::with(|config| {
        config.backup.dir = Some(folder.clone());
        config.backup.every_s = 3_600;
    })
    .await;
    while town.metric("sokiem_backup_last_success").await == 0 {
        tokio::task::yield_now().await;
    }
    let browser = Browser::sign_in(&town, "admin").await;
    let listed = town.get(&town.admin, "/api/v1/backups").await.expect(200);
    let name = listed["backups"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(listed["overdue"], false);
    let page = browser.read("/admin/backups").await;
    assert!(page.contains(&name) && page.contains("tự động sau mỗi lần sao lưu"));
    // The check that began by itself may still be under way.
    let check = format!("/api/v1/backups/{name}/check");
    while town.post(&town.admin, &check, Value::Null).await.status != 200 {
        tokio::task::yield_now().await;
    }
    assert!(browser.read("/admin/backups").await.contains("nguyên vẹn"));
    assert!(backup::check(&folder.join(&name)).unwrap().ok);
    std::fs::write(folder.join(&name).join("stray"), b"x").unwrap();
    let bad = town
        .post(&town.admin, &check, Value::Null)
        .await
        .expect(200);
    assert_eq!(bad["backups"][0]["check"]["ok"], false, "{bad}");
    let page = browser.read("/admin/backups").await;
    assert!(page.contains("HỎNG") && page.contains("stray"));
    let outside = town
        .post(&town.admin, "/api/v1/backups/..%2f../check", Value::Null)
        .await;
    assert_eq!(outside.problem(404), "not-found");
}

#[tokio::test]
async fn retention_is_previewed_confirmed_and_held_back() {
    let town = Town::with(|config| config.retention.closed_units_years = Some(5)).await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let (one, two) = (lan.unit(area, "Một"), lan.unit(area, "Hai"));
    let ids = [one.document, two.document];
    lan.sync(vec![one, two]).await;
    let closed = ids.map(|id| lan.set(id, "closed_on", json!("2001-06-30")));
    lan.sync(closed.to_vec()).await;
    let browser = Browser::sign_in(&town, "admin").await;
    let address = format!("https://sokiem.example/records/{}", ids[0]);
    let hold = [("record", address.as_str()), ("reason", "<u>khiếu nại</u>")];
    posted(&browser, "/admin/retention", "/admin/holds", &hold).await;
    let page = browser.read("/admin/retention").await;
    assert!(
        page.contains("&#60;u&#62;khiếu nại") && page.contains("5 năm"),
        "{page}"
    );
    let asked = browser.read("/admin/retention/run").await;
    assert!(asked.contains("1 hồ sơ"));
    let stale = post(
        &browser,
        "/admin/retention",
        "/admin/retention/run",
        &[("documents", "2")],
    )
    .await;
    assert_eq!(stale.status(), StatusCode::CONFLICT);
    posted(
        &browser,
        "/admin/retention",
        "/admin/retention/run",
        &[("documents", "1")],
    )
    .await;
    assert_eq!(
        browser.get(&format!("/records/{}", ids[1])).await.status(),
        StatusCode::NOT_FOUND
    );
    browser.read(&format!("/records/{}", ids[0])).await;
    let lift = format!("/admin/holds/{}/lift", ids[0]);
    assert!(browser.read(&lift).await.contains("khiếu nại"));
    posted(&browser, &lift, &lift, &[]).await;
    assert!(
        browser
            .read("/admin/retention/run")
            .await
            .contains("1 hồ sơ")
    );
}
