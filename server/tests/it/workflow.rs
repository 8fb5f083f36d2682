//! A unit's year and the life of findings, by form.

use serde_json::{Value, json};
use sokiem_record::{genesis, id::DocumentId};

use crate::{
    harness::{Phone, Town, fresh_uuid},
    pages::{Browser, hidden, percent},
};

async fn enterprise(town: &Town) -> (DocumentId, Phone) {
    town.account("lanh-dao", "supervisor", &[town.district])
        .await;
    let mut lan = town.phone("lan", &[town.communes[0]]).await;
    let unit = lan.unit(town.communes[0], "Công ty Dừa <b>X</b>");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    let kind = lan.set(id, "unit_kind", json!("enterprise"));
    let size = lan.set(id, "enterprise_size", json!("small"));
    lan.sync(vec![kind, size]).await;
    (id, lan)
}

fn form(page: &str, fields: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("heads", hidden(page, "heads")),
        ("csrf", hidden(page, "csrf")),
    ];
    all.extend(
        fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let pairs: Vec<String> = all
        .iter()
        .map(|(name, value)| format!("{name}={}", percent(value)))
        .collect();
    pairs.join("&")
}

async fn years(town: &Town, unit: DocumentId) -> Value {
    let path = format!("/api/v1/records/{unit}/years");
    town.get(&town.admin, &path).await.expect(200)
}

#[tokio::test]
async fn a_year_goes_from_registration_to_its_decision_and_is_classified_apart() {
    let town = Town::new().await;
    let (unit, _) = enterprise(&town).await;
    let browser = Browser::sign_in(&town, "lanh-dao").await;
    let path = format!("/records/{unit}/years/2023");
    let page = browser.read(&path).await;
    assert!(page.contains("TT 124/2021/TT-BCA") && page.contains("quy mô doanh nghiệp"));
    assert!(!page.contains("<b>X"));
    let nothing = browser
        .submit(&path, &form(&page, &[("reason", "x")]))
        .await;
    assert_eq!(nothing.status(), 422);
    let typed = [
        ("registered_on", "15/03/2023"),
        ("submitted_on", "2023-10-20"),
        ("reason", "Theo bản đăng ký"),
    ];
    let done = browser.submit(&path, &form(&page, &typed)).await;
    assert_eq!(done.status(), 303);
    let year = years(&town, unit).await[0].clone();
    assert_eq!(
        (&year["year"], &year["stage"]),
        (&json!("2023"), &json!("submitted"))
    );
    assert_eq!(year["regime"]["verdict"], "left_out");
    assert!(
        year["fields"]["eligible"].is_null(),
        "a hint is not written"
    );

    let page = browser.read(&path).await;
    let typed = [
        ("recognition", "recognised"),
        ("reason", "Quyết định của tỉnh"),
    ];
    browser.submit(&path, &form(&page, &typed)).await;
    let page = browser.read(&path).await;
    assert!(page.contains("còn thiếu") && page.contains("số quyết định công nhận"));
    let year = years(&town, unit).await[0].clone();
    assert_eq!(year["stage"], "decided");
    assert_eq!(year["missing"].as_array().unwrap().len(), 3);
    assert!(
        year["fields"]["classification"].is_null(),
        "classification does not follow from recognition"
    );
    let typed = [
        ("recognition_number", "12/QĐ-<i>UB</i>"),
        ("recognition_on", "20/12/2023"),
        ("recognition_signer", "Nguyễn Văn A"),
        ("classification", "khá"),
        ("classification_points", "87,5"),
        ("reason", "Bổ sung"),
    ];
    browser.submit(&path, &form(&page, &typed)).await;
    let year = years(&town, unit).await[0].clone();
    assert!(year["missing"].as_array().unwrap().is_empty());
    assert_eq!(year["fields"]["classification_points"], 87.5);
    let page = browser.read(&format!("/records/{unit}")).await;
    assert!(page.contains("20/12/2023") && page.contains("được công nhận"));
    assert!(!page.contains("<i>UB") && page.contains(&format!("{path}\">2023</a>")));
    for wrong in ["/years/23", "/years/abcd"] {
        let response = browser.get(&format!("/records/{unit}{wrong}")).await;
        assert_eq!(response.status(), 404, "{wrong}");
    }
}

#[tokio::test]
async fn a_year_that_others_wrote_meanwhile_keeps_both_and_a_mistake_keeps_what_was_typed() {
    let town = Town::new().await;
    let (unit, mut lan) = enterprise(&town).await;
    let browser = Browser::sign_in(&town, "lanh-dao").await;
    let path = format!("/records/{unit}/years/2023");
    let page = browser.read(&path).await;
    let one = lan.set(unit, "years/2023.registered_on", json!("2023-03-01"));
    let other = lan.set(unit, "years/2023.model", json!(true));
    lan.sync(vec![one, other]).await;
    let typed = [
        ("registered_on", "32/03/2023"),
        ("model", ""),
        ("reason", "Theo bản đăng ký"),
    ];
    let wrong = browser.submit(&path, &form(&page, &typed)).await;
    assert_eq!(wrong.status(), 422);
    let again = wrong.text().await.unwrap();
    assert!(again.contains("value=\"32/03/2023\"") && again.contains("Theo bản đăng ký"));
    assert!(again.contains("Thay đổi trong lúc bạn xem"));
    assert!(
        again.contains("<option value=\"true\" selected>"),
        "what the visitor left alone is as it is now"
    );
    let typed = [
        ("registered_on", "15/03/2023"),
        ("reason", "Theo bản đăng ký"),
    ];
    let done = browser.submit(&path, &form(&page, &typed)).await;
    assert_eq!(done.status(), 303);
    let page = browser.read(&path).await;
    assert!(page.contains("01/03/2023") && page.contains("15/03/2023"));
    assert!(page.contains("khác nhau, thống nhất trước"));
}

#[tokio::test]
async fn a_finding_is_added_becomes_overdue_is_fixed_and_verified() {
    let town = Town::new().await;
    let (unit, mut lan) = enterprise(&town).await;
    let inspection = lan.inspection(town.communes[0], unit);
    let id = inspection.document;
    lan.sync(vec![inspection]).await;
    let browser = Browser::sign_in(&town, "lanh-dao").await;
    let record = format!("/records/{id}");
    let page = browser.read(&record).await;
    let add = format!("{record}/findings");
    let new = [
        ("text", "Thiếu sổ <u>tuần tra</u>"),
        ("item", "KIEMTRA-01"),
        ("owner", "Bảo vệ"),
        ("deadline", "30/06/2019"),
        ("reason", "Xem tại chỗ"),
    ];
    let bad = [new[0], ("deadline", "không rõ"), ("reason", "Xem tại chỗ")];
    let refused = browser.submit(&add, &form(&page, &bad)).await;
    assert_eq!(refused.status(), 422);
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains("Thiếu sổ &#60;u&#62;tuần tra")
    );
    let added = browser.submit(&add, &form(&page, &new)).await;
    assert_eq!(added.status(), 303);
    let page = browser.read(&record).await;
    assert!(page.contains("quá hạn khắc phục") && !page.contains("<u>tuần tra"));
    let fields = |json: Value| json["fields"]["findings"].as_object().unwrap().clone();
    let api = format!("/api/v1{record}");
    let findings = fields(town.get(&town.admin, &api).await.expect(200));
    let (key, finding) = findings.iter().next().unwrap();
    assert_eq!(finding["state"], "open");
    let path = format!("{add}/{key}");
    let no_day = [("state", "fixed"), ("day", ""), ("reason", "Đã có sổ")];
    let refused = browser.submit(&path, &form(&page, &no_day)).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("Đã có sổ"));
    for (state, chip) in [
        ("fixed", "đã khắc phục, chờ xác minh"),
        ("verified", "đã xác minh"),
    ] {
        let page = browser.read(&record).await;
        let typed = [
            ("state", state),
            ("day", "2019-07-01"),
            ("reason", "Đã có sổ"),
        ];
        let moved = browser.submit(&path, &form(&page, &typed)).await;
        assert_eq!(moved.status(), 303);
        let page = browser.read(&record).await;
        assert!(
            page.contains(&format!("good\">{chip}")) || page.contains(&format!("waiting\">{chip}"))
        );
        assert!(!page.contains("quá hạn khắc phục"));
    }
    let unknown = format!("{add}/{}", fresh_uuid());
    let page = browser.read(&record).await;
    let typed = [("state", "open"), ("reason", "x")];
    assert_eq!(
        browser
            .submit(&unknown, &form(&page, &typed))
            .await
            .status(),
        422
    );
    // The officer has it on the phone.
    lan.sync(Vec::new()).await;
    let held = lan.held[&id].1.to_json();
    assert_eq!(held["findings"][key]["verified_on"], "2019-07-01");
    assert!(
        !lan.held.contains_key(&genesis::review_id(id)),
        "nothing was decided"
    );
}
