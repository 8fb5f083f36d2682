//! Criteria sets: looked at, published, compared, and never changed.

use serde_json::{Value, json};
use sokiem_record::{criteria::SHIPPED, id::Kind};

use crate::{
    harness::Town,
    pages::{Browser, hidden, percent},
};

fn file(name: &str) -> String {
    let (_, text) = SHIPPED.iter().find(|(file, _)| *file == name).unwrap();
    (*text).to_owned()
}

/// The second version of the schools' set: an item gone, one new, one changed.
fn second() -> String {
    let text =
        file("t124-gd.toml").replace("version = 1\n", "version = 2\nvalid_to = \"2030-12-31\"\n");
    let mut items: Vec<&str> = text.split("[[items]]").collect();
    items.remove(1);
    let text = items.join("[[items]]");
    let text = text.replace(
        "Có mô hình hoạt động hiệu quả",
        "Có ít nhất hai mô hình hoạt động hiệu quả",
    );
    let new = "\n[[items]]\ncode = \"T124-GD-MOI\"\nvi = \"<script>alert(1)</script>\"\nen = \"New \u{202e}item\"\nanswer = { type = \"measured\", unit = \"%\", min = 90.0 }\n\
        asked_when = { item = \"T124-GD-MODEL\", answer = [\"pass\"] }\nrequired = false\nnot_applicable_allowed = true\nevidence = [\"Ảnh\", \"Sổ trực\"]\ncitation = { source = \"Báo\", verification = \"press\" }\n";
    text + new
}

async fn preview(town: &Town, toml: &str) -> Value {
    let draft = json!({"toml": toml});
    town.post(&town.admin, "/api/v1/criteria-sets/preview", draft)
        .await
        .expect(200)
}

#[tokio::test]
async fn a_published_version_never_changes_and_the_next_is_compared_word_by_word() {
    let town = Town::new().await;
    let first = file("t124-gd.toml");
    let seen = preview(&town, &first).await;
    assert_eq!(
        (&seen["standing"], &seen["difference"]),
        (&json!("new"), &Value::Null)
    );
    let list = town
        .get(&town.admin, "/api/v1/criteria-sets")
        .await
        .expect(200);
    assert_eq!(list, json!([]), "a preview writes nothing");

    let publish = |toml: &str| json!({"area": town.district, "toml": toml});
    let path = "/api/v1/criteria-sets";
    town.post(&town.admin, path, publish(&first))
        .await
        .expect(201);
    assert_eq!(preview(&town, &first).await["standing"], "published");
    let changed = first.replace("Có mô hình", "Có nhiều mô hình");
    let seen = preview(&town, &changed).await;
    assert_eq!(
        (&seen["standing"], &seen["difference"]["changed"][0]["code"]),
        (&json!("taken"), &json!("T124-GD-MODEL"))
    );
    let refused = town.post(&town.admin, path, publish(&changed)).await;
    assert_eq!(refused.problem(409), "exists");
    assert!(
        refused.json["detail_vi"]
            .as_str()
            .unwrap()
            .contains("tăng số version")
    );

    let seen = preview(&town, &second()).await;
    assert_eq!(
        (&seen["standing"], &seen["compared_with"]["reference"]),
        (&json!("new"), &json!("T124-GD@1"))
    );
    town.post(&town.admin, path, publish(&second()))
        .await
        .expect(201);
    let list = town.get(&town.admin, path).await.expect(200);
    let references: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|set| set["reference"].as_str().unwrap())
        .collect();
    assert_eq!(references, ["T124-GD@2", "T124-GD@1"]);
    let latest = &list[0];
    assert_eq!(
        (
            &latest["valid_to"],
            &latest["published_by"],
            &latest["area_name"]
        ),
        (
            &json!("2030-12-31"),
            &json!("Quản trị"),
            &json!("Thạnh Phú")
        )
    );
    assert_eq!(latest["verification"], json!({"press": 6}));

    let (before, after) = (
        list[1]["id"].as_str().unwrap(),
        latest["id"].as_str().unwrap(),
    );
    let compared = town
        .get(
            &town.admin,
            &format!("{path}/compare?before={before}&after={after}"),
        )
        .await
        .expect(200);
    let difference = &compared["difference"];
    assert_eq!(difference, &seen["difference"]);
    assert_eq!(
        (
            &difference["removed"][0]["code"],
            &difference["added"][0]["code"]
        ),
        (&json!("T124-GD-REG"), &json!("T124-GD-MOI"))
    );
    let pieces = json!([{"stands": "both", "text": "Có "}, {"stands": "after", "text": "ít nhất hai "}, {"stands": "both", "text": "mô hình hoạt động hiệu quả"}]);
    assert_eq!(
        difference["changed"],
        json!([{"code": "T124-GD-MODEL", "fields": [{"field": "vi", "pieces": pieces}]}])
    );
    assert_eq!(difference["set"][0]["field"], "valid_to");
    let one = town
        .get(&town.admin, &format!("{path}/{before}"))
        .await
        .expect(200);
    assert_eq!(
        one["set"]["items"][1]["vi"],
        "Có mô hình hoạt động hiệu quả"
    );

    // Phones get both.
    let mut lan = town.phone("lan", &[town.communes[0]]).await;
    lan.sync(Vec::new()).await;
    let sets = lan
        .held
        .values()
        .filter(|(_, document)| document.kind() == Kind::Criteria);
    assert_eq!(sets.count(), 2);
}

#[tokio::test]
async fn an_administrator_publishes_by_forms_and_a_supervisor_reads() {
    let town = Town::new().await;
    town.account("tam", "supervisor", &[town.communes[0]]).await;
    let browser = Browser::sign_in(&town, "admin").await;
    let page = browser.read("/admin/criteria").await;
    assert!(
        page.contains("KIEMTRA-CHUNG@1"),
        "what ships can be published from here"
    );
    let csrf = hidden(&page, "csrf");
    let upload = async |file: &str| {
        let fields = [("csrf", csrf.as_str())];
        let answer = browser
            .upload(
                "/admin/criteria/preview",
                &fields,
                "<b>.toml",
                file.as_bytes(),
            )
            .await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };

    let faulty = second()
        .replace("required = false", "required = \"no\"")
        .replace("valid_from = \"2022-02-10\"", "valid_from = \"10/02/2022\"");
    let (status, page) = upload(&faulty).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("required phải là true hoặc false")
            && page.contains("T124-GD-MOI")
            && !page.contains("name=\"toml\"")
    );
    let line = faulty
        .lines()
        .position(|line| line.starts_with("required = \"no\""))
        .unwrap()
        + 1;
    assert!(page.contains(&format!("<td class=\"number\">{line}</td>")));
    assert_eq!(upload("\u{feff}code = [").await.0, 200);
    let huge = "#".repeat(300 * 1024);
    assert_eq!(upload(&huge).await.0, 413);

    // Windows' line ends make no other text of it.
    let text = second().replace('\n', "\r\n");
    let (_, page) = upload(&text).await;
    assert!(
        page.contains("&#60;script&#62;alert(1)")
            && !page.contains("<script>alert")
            && page.contains("đo được từ 90 %")
            && page.contains("T124-GD-MODEL có kết quả “đạt”")
    );
    assert!(page.contains("theo báo chí") && page.contains("Sổ trực") && page.contains("Ban hành"));
    let toml = page
        .split("<textarea name=\"toml\" hidden>\n")
        .nth(1)
        .unwrap()
        .split("</textarea>")
        .next()
        .unwrap();
    let toml = toml
        .replace("&#34;", "\"")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#39;", "'")
        .replace("&#38;", "&");
    assert_eq!(toml, second());
    let publish = async |csrf: &str, area: &str, shipped: &str, toml: &str| {
        let form = format!(
            "csrf={csrf}&area={area}&shipped={shipped}&toml={}",
            percent(&toml.replace('\n', "\r\n"))
        );
        browser.submit("/admin/criteria", &form).await
    };
    let area = town.district.to_string();
    assert_eq!(publish("x", &area, "", &toml).await.status(), 403);
    assert_eq!(publish(&csrf, "", "", &toml).await.status(), 422);
    let done = publish(&csrf, &area, "", &toml).await;
    assert_eq!(
        (done.status().as_u16(), &done.headers()["location"]),
        (
            303,
            &"/admin/criteria?published=T124-GD%402".parse().unwrap()
        )
    );
    let again = publish(&csrf, &area, "", &toml).await;
    assert_eq!(again.status(), 409);
    assert!(
        again
            .text()
            .await
            .unwrap()
            .contains("không bao giờ thay đổi")
    );
    assert!(upload(&text).await.1.contains("đúng như tệp này"));
    assert_eq!(publish(&csrf, &area, "T124-GD@1", "").await.status(), 303);

    let browser = Browser::sign_in(&town, "tam").await;
    let page = browser.read("/admin/criteria").await;
    assert!(page.contains("T124-GD@2") && !page.contains("/admin/criteria/preview"));
    let list = town
        .get(&town.admin, "/api/v1/criteria-sets")
        .await
        .expect(200);
    let ids: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|set| set["id"].as_str().unwrap())
        .collect();
    let page = browser.read(&format!("/admin/criteria/{}", ids[0])).await;
    assert!(
        page.contains("&#60;script&#62;alert(1)")
            && page.contains("10/02/2022")
            && page.contains("chưa đầy đủ")
    );
    let page = browser
        .read(&format!(
            "/admin/criteria/compare?before={}&after={}",
            ids[1], ids[0]
        ))
        .await;
    assert!(
        page.contains("<ins>ít nhất hai </ins>")
            && page.contains("Tiêu chí bỏ")
            && page.contains("T124-GD-REG")
    );
}
