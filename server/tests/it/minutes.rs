//! The minutes of an inspection: what they say, what a printed version is worth, and the way back from paper.

use serde_json::{Value, json};
use sokiem_record::id::DocumentId;

use crate::{
    harness::{Phone, Town},
    pages::Browser,
};

/// An inspection with something in every section.
async fn inspected(town: &Town) -> (Phone, DocumentId) {
    let area = town.communes[0];
    let mut phone = town.phone("lan", &[area]).await;
    let unit = phone.unit(area, "<script>Chợ</script> \u{202e}gnal");
    let inspection = phone.inspection(area, unit.document);
    let id = inspection.document;
    phone.sync(vec![unit, inspection]).await;
    (phone, id)
}

async fn fill(phone: &mut Phone, id: DocumentId) {
    let key = "0192f0c1-2222-7333-8444-555555555555";
    let element = |list: &str, fields: &[(&'static str, Value)]| {
        let path = format!("{list}/{key}").parse().unwrap();
        sokiem_record::genesis::element(path, fields.iter().cloned())
    };
    let edits = [
        element(
            "team",
            &[
                ("name", json!("Nguyễn Văn <b>A</b>")),
                ("title", json!("Đội trưởng")),
                ("body", json!("Công an xã")),
            ],
        ),
        element(
            "representatives",
            &[
                ("name", json!("Trần Thị B")),
                ("title", json!("Hiệu trưởng")),
            ],
        ),
        element(
            "absentees",
            &[("name", json!("Lê Văn C")), ("reason", json!("đi họp"))],
        ),
        element(
            "incidents",
            &[
                ("type", json!("Mất trộm")),
                ("date", json!("2019-03-02")),
                ("count", json!(2)),
                ("reported", json!(true)),
                ("outcome", json!("đã xử lý")),
            ],
        ),
        element(
            "findings",
            &[
                ("item", json!("KIEMTRA-01")),
                ("text", json!("Sổ trực chưa ghi đủ")),
                ("remedy", json!("Ghi bổ sung")),
                ("owner", json!("Bảo vệ")),
                ("deadline", json!("2019-09-30")),
            ],
        ),
        element(
            "recommendations",
            &[("text", json!("Lắp thêm camera")), ("to", json!("UBND xã"))],
        ),
        element(
            "signatures",
            &[
                ("role", json!("unit")),
                ("name", json!("Trần Thị B")),
                ("refused", json!(true)),
                ("refusal_reason", json!("chưa đồng ý mục 1")),
            ],
        ),
    ];
    let mut pushed = vec![phone.edits(id, &edits)];
    for (path, value) in [
        ("number", json!("12/BB-BCĐ")),
        ("issuing_body", json!("Ban Chỉ đạo 07 huyện")),
        ("legal_basis", json!("Kế hoạch số 118")),
        ("started_ms", json!(1_564_963_500_000_i64)),
        ("place", json!("Trụ sở đơn vị")),
        ("copies", json!(3)),
        ("items/KIEMTRA-01/answer", json!("fail")),
        ("items/KIEMTRA-01/value", json!(87.5)),
        ("finished", json!(true)),
    ] {
        pushed.push(phone.set(id, path, value));
    }
    pushed.push(phone.text(id, "opinion", "Đơn vị thống nhất, trừ mục 1."));
    phone.sync(pushed).await;
}

async fn decide(town: &Town, id: DocumentId, decision: &str) {
    let record = town
        .get(&town.admin, &format!("/api/v1/records/{id}"))
        .await
        .expect(200);
    let previous = record["review"]["id"].clone();
    let mut body = json!({"decision": decision, "heads": record["heads"], "reason": "đã xem"});
    if previous.is_string() {
        body["previous"] = previous;
    }
    let path = format!("/api/v1/records/{id}/decisions");
    let answer = town.post(&town.admin, &path, body).await;
    assert!(answer.status.is_success(), "{}", answer.json);
}

async fn minutes(town: &Town, id: DocumentId, query: &str) -> Value {
    town.get(&town.admin, &format!("/api/v1/records/{id}/minutes{query}"))
        .await
        .expect(200)
}

#[tokio::test]
async fn everything_that_was_recorded_stands_on_the_paper_as_text() {
    let town = Town::new().await;
    let (mut phone, id) = inspected(&town).await;
    fill(&mut phone, id).await;
    let browser = Browser::sign_in(&town, "admin").await;
    let page = browser.read(&format!("/records/{id}/minutes")).await;
    for expected in [
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Ban Chỉ đạo 07 huyện",
        "12/BB-BCĐ",
        "Kế hoạch số 118",
        "07 giờ 05 phút, ngày 05/08/2019",
        "Trụ sở đơn vị",
        "Nguyễn Văn &#60;b&#62;A&#60;/b&#62;",
        "Hiệu trưởng",
        "đi họp",
        "87,5",
        "Mất trộm",
        "02/03/2019",
        "Sổ trực chưa ghi đủ",
        "Ghi bổ sung",
        "30/09/2019",
        "Lắp thêm camera",
        "Đơn vị thống nhất, trừ mục 1.",
        "Từ chối ký",
        "chưa đồng ý mục 1",
        "được lập thành 3 bản",
        "BẢN NHÁP",
        "code.svg?at=",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(!page.contains("<script>") && !page.contains("<b>A") && !page.contains('\u{202e}'));
    assert!(page.contains("[U+202E]gnal") && !page.contains(" style="));
}

#[tokio::test]
async fn what_nobody_recorded_leaves_lines_to_write_on() {
    let town = Town::new().await;
    let (_, id) = inspected(&town).await;
    let browser = Browser::sign_in(&town, "admin").await;
    let page = browser.read(&format!("/records/{id}/minutes")).await;
    assert!(page.matches("class=\"ruled\"").count() >= 6, "{page}");
    assert!(
        !page.contains("Không ghi nhận"),
        "an unfinished record claims nothing"
    );
    assert!(page.contains("1 chưa có kết quả") && page.contains("ký, ghi rõ họ tên"));
}

#[tokio::test]
async fn paper_leads_back_to_its_version_and_says_what_it_is_worth() {
    let town = Town::new().await;
    let (mut phone, id) = inspected(&town).await;
    fill(&mut phone, id).await;
    let draft = minutes(&town, id, "").await;
    assert_eq!(
        (&draft["paper"]["worth"], &draft["newest"]),
        (&json!("draft"), &json!(true))
    );
    decide(&town, id, "approved").await;
    let approved = minutes(&town, id, "").await;
    assert_eq!(approved["paper"]["worth"], "approved");
    assert_eq!(approved["paper"]["sound"], true);
    let short = approved["short"].as_str().unwrap().to_owned();
    let browser = Browser::sign_in(&town, "admin").await;
    let page = browser.read(&format!("/records/{id}/minutes")).await;
    assert!(
        !page.contains("class=\"watermark\"") && page.contains("đúng là phiên bản đã được duyệt")
    );

    // What is said about it afterwards makes it no other.
    let comments = format!("/api/v1/records/{id}/comments");
    town.post(&town.admin, &comments, json!({"text": "Cảm ơn"}))
        .await
        .expect(201);
    let commented = minutes(&town, id, "").await;
    assert_eq!(commented["paper"]["worth"], "approved");
    assert_eq!(commented["paper"]["approved"], Value::Null);

    // A late edit: the newest is not what was approved, and the paper still leads to what was.
    let late = phone.set(id, "copies", json!(5));
    phone.sync(vec![late]).await;
    let newest = minutes(&town, id, "").await;
    assert_eq!(newest["paper"]["worth"], "changed");
    assert_eq!(newest["paper"]["approved"], short.as_str());
    assert_eq!(newest["content"]["copies"], 5);
    let then = minutes(&town, id, &format!("?at={short}")).await;
    assert_eq!(
        (&then["paper"]["worth"], &then["newest"]),
        (&json!("approved"), &json!(false))
    );
    assert_eq!(then["content"]["copies"], 3);
    let page = browser
        .read(&format!("/records/{id}/minutes?at={short}"))
        .await;
    assert!(
        page.contains("không phải phiên bản mới nhất") && page.contains("được lập thành 3 bản")
    );
    let page = browser.read(&format!("/records/{id}/minutes")).await;
    assert!(page.contains("ĐÃ THAY ĐỔI SAU KHI DUYỆT"));
    let old = draft["heads"][0].as_str().unwrap();
    assert_eq!(
        minutes(&town, id, &format!("?at={old}")).await["paper"]["worth"],
        "approved",
        "the same version"
    );

    for wrong in ["?at=000000000000", "?at=zz", "?at=ab", "?at=%3Cscript%3E"] {
        let path = format!("/api/v1/records/{id}/minutes{wrong}");
        assert_eq!(
            town.get(&town.admin, &path).await.problem(422),
            "invalid",
            "{wrong}"
        );
    }
    let code = browser
        .get(&format!("/records/{id}/minutes/code.svg?at={short}"))
        .await;
    assert_eq!(code.headers()["content-type"], "image/svg+xml");
    assert!(code.text().await.unwrap().contains("<svg"));
}

#[tokio::test]
async fn where_officers_differ_the_paper_says_both_and_claims_neither() {
    let town = Town::new().await;
    let (mut lan, id) = inspected(&town).await;
    let mut minh = town.phone("minh", &[town.communes[0]]).await;
    minh.sync(Vec::new()).await;
    let one = lan.set(id, "items/KIEMTRA-01/answer", json!("pass"));
    let two = minh.set(id, "items/KIEMTRA-01/answer", json!("fail"));
    lan.sync(vec![one]).await;
    minh.sync(vec![two]).await;
    let content = minutes(&town, id, "").await["content"].clone();
    let items = content["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["code"] == "KIEMTRA-01");
    assert_eq!(item.unwrap()["disputed"].as_array().unwrap().len(), 2);
    assert_eq!(content["differences"].as_array().unwrap().len(), 1);
    let browser = Browser::sign_in(&town, "admin").await;
    let page = browser.read(&format!("/records/{id}/minutes")).await;
    assert!(
        page.contains("Chưa thống nhất") && page.contains("0 đạt, 0 chưa đạt"),
        "{page}"
    );
}

#[tokio::test]
async fn only_inspections_have_minutes() {
    let town = Town::new().await;
    let (phone, id) = inspected(&town).await;
    let unit = phone
        .held
        .keys()
        .find(|held| **held != id && phone.held[held].1.kind() == sokiem_record::id::Kind::Unit)
        .unwrap();
    let path = format!("/api/v1/records/{unit}/minutes");
    assert_eq!(town.get(&town.admin, &path).await.problem(404), "not-found");
}
