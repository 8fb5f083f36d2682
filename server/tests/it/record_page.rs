//! One record as a page: a form whose every value says who wrote it, now and as it was.

use serde_json::{Value, json};
use sokiem_record::{
    genesis,
    id::{DocumentId, Kind},
};

use crate::{
    harness::{Phone, Town, fresh_uuid, push},
    pages::{Browser, hidden, percent},
};

const HOSTILE: &str = "<script>alert(1)</script>\u{202e}=cmd()";
const ANSWER: &str = "items/KTC-01/answer";

/// Two officers at the same unit, who differ about one criterion and write into one text.
struct Visit {
    town: Town,
    inspection: DocumentId,
    lan: Phone,
}

impl Visit {
    async fn new() -> Self {
        let town = Town::new().await;
        town.account("lanh-dao", "supervisor", &[town.district])
            .await;
        town.account("pho", "supervisor", &[town.district]).await;
        let set = json!({"area": town.district, "shipped": "KIEMTRA-CHUNG@1"});
        town.post(&town.admin, "/api/v1/criteria-sets", set)
            .await
            .expect(201);
        let area = town.communes[0];
        let mut lan = town.phone("lan", &[area]).await;
        let mut minh = town.phone("minh", &[area]).await;
        let unit = lan.unit(area, "Trường Đại Điền");
        let inspection = DocumentId(fresh_uuid());
        let items = ["KTC-01".to_owned(), "KTC-02".to_owned()];
        let criteria = ("KIEMTRA-CHUNG", 1);
        let (document, written) = genesis::unplanned_inspection(
            inspection,
            unit.document,
            criteria,
            &items,
            &lan.author(),
        )
        .unwrap();
        lan.held.insert(inspection, (area, document));
        let begun = push(inspection, Kind::Inspection, area, vec![written.bytes]);
        lan.sync(vec![unit, begun]).await;
        minh.sync(Vec::new()).await;
        let ours = vec![
            lan.set(inspection, ANSWER, json!("pass")),
            lan.text(inspection, "items/KTC-01/note", "Đã xem kế hoạch. "),
        ];
        let theirs = vec![
            minh.set(inspection, ANSWER, json!("fail")),
            minh.text(inspection, "items/KTC-01/note", HOSTILE),
        ];
        lan.sync(ours).await;
        minh.sync(theirs).await;
        lan.sync(Vec::new()).await;
        Self {
            town,
            inspection,
            lan,
        }
    }

    fn path(&self) -> String {
        format!("/records/{}", self.inspection)
    }

    async fn history(&self) -> Vec<Value> {
        let path = format!("/api/v1{}/history", self.path());
        let history = self.town.get(&self.town.admin, &path).await.expect(200);
        history.as_array().unwrap().clone()
    }
}

/// The part of a page between two texts.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = page
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from} in {page}"));
    rest.split_once(to).map_or(rest, |(part, _)| part)
}

#[tokio::test]
async fn the_criteria_read_in_their_order_with_both_opinions_side_by_side() {
    let visit = Visit::new().await;
    let browser = Browser::sign_in(&visit.town, "lanh-dao").await;
    let page = browser.read(&visit.path()).await;
    let (one, two) = (
        page.find("id=\"f-items-KTC-01\"").unwrap(),
        page.find("id=\"f-items-KTC-02\"").unwrap(),
    );
    assert!(one < two);
    let sets = sokiem_record::criteria::shipped().unwrap();
    let set = sets.iter().find(|set| set.code == "KIEMTRA-CHUNG").unwrap();
    let text = &set.items[0].vi;
    assert!(page.contains(text), "the criterion's own text: {text}");

    let criterion = &page[one..two];
    let sides: Vec<&str> = criterion.split("class=\"side\"").skip(1).collect();
    assert_eq!(sides.len(), 3, "two opinions and another value");
    let of = |name: &str| sides.iter().find(|side| side.contains(name)).unwrap();
    assert!(of("LAN").contains("đạt") && of("LAN").contains("Đã xem kế hoạch."));
    assert!(of("MINH").contains("chưa đạt") && !of("MINH").contains("Đã xem kế hoạch."));
    assert!(of("MINH").contains("Máy thử") && of("MINH").contains("14/07/2017 09:40"));
    // The merged note: each author's part, and nothing of it is markup.
    assert!(criterion.contains("words w1") && criterion.contains("words w2"));
    assert!(!page.contains("<script>alert") && page.contains("&#60;script&#62;alert(1)"));
}

#[tokio::test]
async fn another_value_than_theirs_settles_with_a_reason() {
    let visit = Visit::new().await;
    let browser = Browser::sign_in(&visit.town, "lanh-dao").await;
    let page = browser.read(&visit.path()).await;
    let heads = hidden(&page, "heads");
    let csrf = hidden(&page, "csrf");
    let form = |value: &str, other: &str, reason: &str| {
        format!(
            "path={ANSWER}&value={value}&other={other}&reason={}&heads={}&csrf={csrf}",
            percent(reason),
            percent(&heads)
        )
    };
    let path = format!("{}/settle", visit.path());
    let nothing = browser.submit(&path, &form("other", "", "vì sao")).await;
    assert_eq!(nothing.status(), 422);
    let again = nothing.text().await.unwrap();
    assert!(again.contains("Hãy nhập giá trị khác") && again.contains("value=\"vì sao\""));
    let settled = browser
        .submit(&path, &form("other", "not_applicable", "Cả hai đều nhầm"))
        .await;
    assert_eq!(settled.status(), 303);
    assert_eq!(
        settled.headers()["location"],
        format!("{}#f-items-KTC-01-answer", visit.path())
    );
    let page = browser.read(&visit.path()).await;
    let answer = between(&page, "id=\"f-items-KTC-01-answer\"", "</dd>");
    assert!(answer.contains("không áp dụng") && answer.contains("LANH-DAO"));
    assert!(answer.contains("Cả hai đều nhầm"));
}

#[tokio::test]
async fn a_settlement_that_comes_too_late_shows_what_changed_and_keeps_what_was_typed() {
    let mut visit = Visit::new().await;
    let browser = Browser::sign_in(&visit.town, "lanh-dao").await;
    let page = browser.read(&visit.path()).await;
    let (heads, csrf) = (hidden(&page, "heads"), hidden(&page, "csrf"));
    let late = visit.lan.set(visit.inspection, "place", json!("Ấp Chợ"));
    visit.lan.sync(vec![late]).await;
    let form = |heads: &str| {
        format!(
            "path={ANSWER}&value={}&reason={}&heads={}&csrf={csrf}",
            percent("\"fail\""),
            percent("Đã đối chiếu"),
            percent(heads)
        )
    };
    let path = format!("{}/settle", visit.path());
    let stale = browser.submit(&path, &form(&heads)).await;
    assert_eq!(stale.status(), 409);
    let page = stale.text().await.unwrap();
    assert!(page.contains("Thay đổi trong lúc bạn xem") && page.contains("Ấp Chợ"));
    assert!(page.contains("value=\"Đã đối chiếu\""));
    assert!(page.contains("value=\"&#34;fail&#34;\" required checked"));
    let settled = browser.submit(&path, &form(&hidden(&page, "heads"))).await;
    assert_eq!(settled.status(), 303);
}

#[tokio::test]
async fn a_supervisors_correction_is_theirs_and_has_a_reason() {
    let visit = Visit::new().await;
    let browser = Browser::sign_in(&visit.town, "lanh-dao").await;
    let path = format!("{}/field", visit.path());
    let page = browser.read(&format!("{path}?path=inspected_on")).await;
    assert!(page.contains("placeholder=\"ngày/tháng/năm\""));
    let (heads, csrf) = (hidden(&page, "heads"), hidden(&page, "csrf"));
    let form = |value: &str, reason: &str| {
        format!(
            "path=inspected_on&value={value}&reason={}&heads={}&csrf={csrf}",
            percent(reason),
            percent(&heads)
        )
    };
    let wrong = browser
        .submit(&path, &form("31/02/2019", "Nhầm ngày"))
        .await;
    assert_eq!(wrong.status(), 422);
    let page = wrong.text().await.unwrap();
    assert!(page.contains("Hãy nhập ngày có thật") && page.contains("value=\"31/02/2019\""));
    assert_eq!(
        browser
            .submit(&path, &form("2019-03-01", " "))
            .await
            .status(),
        422
    );
    let done = browser
        .submit(&path, &form("01/03/2019", "Theo giấy mời"))
        .await;
    assert_eq!(done.status(), 303);
    let page = browser.read(&visit.path()).await;
    let field = between(&page, "id=\"f-inspected-on\"", "</dd>");
    assert!(field.contains("01/03/2019") && field.contains("LANH-DAO"));
    assert!(field.contains("Theo giấy mời"));
    let unknown = browser
        .get(&format!("{path}?path=items/NO/such/field"))
        .await;
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn the_history_leads_back_to_the_record_as_it_was() {
    let visit = Visit::new().await;
    let history = visit.history().await;
    let browser = Browser::sign_in(&visit.town, "lanh-dao").await;
    let at = |step: usize| {
        let heads: Vec<_> = history[step]["state"].as_array().unwrap().iter().collect();
        let heads: Vec<_> = heads.iter().map(|head| head.as_str().unwrap()).collect();
        format!("{}?at={}", visit.path(), heads.join(","))
    };
    let now = browser.read(&visit.path()).await;
    assert!(now.contains(&at(1)) && now.contains("Differs</span>"));
    // After the second change there was one answer and no other opinion.
    let then = browser.read(&at(1)).await;
    assert!(then.contains("Bản cũ") && then.contains(&format!("2/{}", history.len())));
    let answer = between(&then, "id=\"f-items-KTC-01-answer\"", "</dd>");
    assert!(answer.contains("đạt") && answer.contains("LAN"));
    assert!(!then.contains("Differs</span>") && !then.contains("MINH</dd>"));
    assert!(
        !then.contains("method=\"post\" action=\"/records/"),
        "nothing is written there"
    );
    assert!(then.contains(&format!("rel=\"prev\" href=\"{}\"", at(0))));
    assert!(then.contains(&format!("rel=\"next\" href=\"{}\"", at(2))));
    let nothing = "0".repeat(64);
    let unknown = browser.get(&format!("{}?at={nothing}", visit.path())).await;
    assert_eq!(unknown.status(), 422);

    let api = format!("/api/v1{}", at(1));
    let record = visit.town.get(&visit.town.admin, &api).await.expect(200);
    assert_eq!(record["fields"]["items"]["KTC-01"]["answer"], "pass");
    assert_eq!(
        (record["conflicts"].as_i64(), record["changes"].as_i64()),
        (Some(0), Some(2))
    );
}

#[tokio::test]
async fn the_api_says_who_wrote_each_value_and_each_part_of_a_text() {
    let visit = Visit::new().await;
    let path = format!("/api/v1{}/attribution", visit.path());
    let said = visit.town.get(&visit.town.admin, &path).await.expect(200);
    let names = |of: &Value| -> Vec<String> {
        let said = of.as_array().unwrap().iter();
        let mut names: Vec<_> = said
            .map(|said| said["by"]["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&said["values"][ANSWER]), ["LAN", "MINH"]);
    let note = &said["texts"]["items/KTC-01/note"];
    assert_eq!(names(note), ["LAN", "MINH"]);
    let parts = note.as_array().unwrap();
    let of_lan = parts
        .iter()
        .find(|part| part["by"]["name"] == "LAN")
        .unwrap();
    assert_eq!(of_lan["text"], "Đã xem kế hoạch. ");
    assert_eq!(of_lan["by"]["device_name"], "Máy thử");
    assert!(of_lan["received_ms"].is_i64());
}

fn decision(page: &str, word: &str, more: &str) -> String {
    let (heads, previous) = (hidden(page, "heads"), hidden(page, "previous"));
    let csrf = hidden(page, "csrf");
    let heads = percent(&heads);
    format!("decision={word}&heads={heads}&previous={previous}&csrf={csrf}{more}")
}

#[tokio::test]
async fn a_record_is_returned_with_reasons_at_criteria_and_approved() {
    let mut visit = Visit::new().await;
    let browser = Browser::sign_in(&visit.town, "lanh-dao").await;
    let path = format!("{}/decide", visit.path());
    let page = browser.read(&visit.path()).await;
    assert!(page.contains("name=\"reason.KTC-02\"") && page.contains("form=\"decide\""));
    let unexplained = browser
        .submit(&path, &decision(&page, "returned", ""))
        .await;
    assert_eq!(unexplained.status(), 422);
    assert!(unexplained.text().await.unwrap().contains("Hãy nêu lý do"));
    let reasons = format!(
        "&reason=&reason.KTC-01={}&reason.KTC-02=",
        percent(&format!("Thiếu ngày ban hành {HOSTILE}"))
    );
    let returned = browser
        .submit(&path, &decision(&page, "returned", &reasons))
        .await;
    assert_eq!(returned.status(), 303);
    let page = browser.read(&visit.path()).await;
    let criterion = between(&page, "id=\"f-items-KTC-01\"", "id=\"f-items-KTC-02\"");
    assert!(criterion.contains("Thiếu ngày ban hành") && criterion.contains("LANH-DAO"));
    assert!(!page.contains("<script>alert"));
    // The officer has the reason on the phone.
    visit.lan.sync(Vec::new()).await;
    let review = genesis::review_id(visit.inspection);
    let review = visit.lan.held[&review].1.to_json();
    let reasons: Vec<_> = review["reasons"].as_object().unwrap().values().collect();
    assert_eq!((reasons.len(), &reasons[0]["item"]), (1, &json!("KTC-01")));

    let approved = browser
        .submit(&path, &decision(&page, "approved", ""))
        .await;
    assert_eq!(approved.status(), 303);
    let late = visit.lan.set(visit.inspection, "place", json!("Ấp Chợ"));
    visit.lan.sync(vec![late]).await;
    let page = browser.read(&visit.path()).await;
    let panel = between(&page, "id=\"decision\"", "</section>");
    assert!(panel.contains("đã duyệt") && panel.contains("Có thay đổi sau quyết định"));
    assert!(panel.contains("Ấp Chợ"));
    // The state that was decided on can still be read.
    let (_, rest) = panel.split_once("?at=").unwrap();
    let at = rest.split('"').next().unwrap();
    let then = browser.read(&format!("{}?at={at}", visit.path())).await;
    assert!(
        then.contains("Bản cũ")
            && !between(&then, "id=\"minutes\"", "</section>").contains("Ấp Chợ")
    );
}

#[tokio::test]
async fn of_two_supervisors_who_decide_at_once_the_second_is_told_and_nothing_is_lost() {
    let visit = Visit::new().await;
    let one = Browser::sign_in(&visit.town, "lanh-dao").await;
    let other = Browser::sign_in(&visit.town, "pho").await;
    let path = format!("{}/decide", visit.path());
    let (seen, seen_too) = (
        one.read(&visit.path()).await,
        other.read(&visit.path()).await,
    );
    let approved = decision(&seen, "approved", "");
    let typed = format!(
        "&reason={}&reason.KTC-02={}",
        percent("Chưa đủ hồ sơ"),
        percent("Thiếu biên bản họp")
    );
    let returned = decision(&seen_too, "returned", &typed);
    let (first, second) =
        tokio::join!(one.submit(&path, &approved), other.submit(&path, &returned));
    let statuses = [first.status().as_u16(), second.status().as_u16()];
    assert!(
        statuses == [303, 409] || statuses == [409, 303],
        "{statuses:?}"
    );
    let decisions = format!("/api/v1{}/decisions", visit.path());
    let taken = visit
        .town
        .get(&visit.town.admin, &decisions)
        .await
        .expect(200);
    assert_eq!(taken.as_array().unwrap().len(), 1);
    if statuses == [303, 409] {
        let page = second.text().await.unwrap();
        assert!(page.contains("Người khác đã quyết định trước") && page.contains("LANH-DAO"));
        assert!(page.contains("Chưa đủ hồ sơ") && page.contains("Thiếu biên bản họp"));
        let again = other
            .submit(&path, &decision(&page, "returned", &typed))
            .await;
        assert_eq!(again.status(), 303);
        let taken = visit
            .town
            .get(&visit.town.admin, &decisions)
            .await
            .expect(200);
        let words: Vec<_> = taken.as_array().unwrap().iter().collect();
        assert_eq!(words[0]["decision"], "approved");
        assert_eq!(
            (&words[1]["decision"], &words[1]["name"]),
            (&json!("returned"), &json!("PHO"))
        );
        assert_eq!(words[1]["reasons"][0]["item"], "KTC-02");
    }
}

#[tokio::test]
async fn a_decision_that_comes_too_late_shows_what_arrived_and_keeps_the_reasons() {
    let mut visit = Visit::new().await;
    let browser = Browser::sign_in(&visit.town, "lanh-dao").await;
    let page = browser.read(&visit.path()).await;
    let late = visit.lan.set(visit.inspection, "place", json!(HOSTILE));
    visit.lan.sync(vec![late]).await;
    let typed = format!("&reason.KTC-01={}", percent("Xem lại <b>mục</b> này"));
    let path = format!("{}/decide", visit.path());
    let stale = browser
        .submit(&path, &decision(&page, "returned", &typed))
        .await;
    assert_eq!(stale.status(), 409);
    let page = stale.text().await.unwrap();
    let missed = between(&page, "Thay đổi trong lúc bạn xem", "</section>");
    assert!(missed.contains("địa điểm") && missed.contains("alert(1)") && missed.contains("LAN"));
    assert!(!missed.contains("giá trị đo"), "only what arrived since");
    assert!(
        page.contains("Xem lại &#60;b&#62;mục&#60;/b&#62; này") && !page.contains("<script>alert")
    );
    let again = browser
        .submit(&path, &decision(&page, "returned", &typed))
        .await;
    assert_eq!(again.status(), 303);
}

#[tokio::test]
async fn comments_at_criteria_reach_the_officers_phone() {
    let mut visit = Visit::new().await;
    let browser = Browser::sign_in(&visit.town, "lanh-dao").await;
    let page = browser.read(&visit.path()).await;
    let csrf = hidden(&page, "csrf");
    let path = format!("{}/comments", visit.path());
    let form = |item: &str, text: &str| format!("item={item}&text={}&csrf={csrf}", percent(text));
    let said = browser.submit(&path, &form("KTC-02", HOSTILE)).await;
    assert_eq!(said.status(), 303);
    assert_eq!(
        browser
            .submit(&path, &form("", "Xem lại cả biên bản"))
            .await
            .status(),
        303
    );
    assert_eq!(browser.submit(&path, &form("", "  ")).await.status(), 422);
    let unknown = browser
        .submit(&path, &form("NO-1", "Giữ lại lời này"))
        .await;
    assert_eq!(unknown.status(), 422);
    assert!(unknown.text().await.unwrap().contains("Giữ lại lời này"));
    let page = browser.read(&visit.path()).await;
    let criterion = between(&page, "id=\"f-items-KTC-02\"", "</article>");
    assert!(criterion.contains("alert(1)") && criterion.contains("LANH-DAO"));
    assert!(!page.contains("<script>alert"));
    assert!(between(&page, "id=\"comments\"", "</section>").contains("Xem lại cả biên bản"));

    visit.lan.sync(Vec::new()).await;
    let record = visit.lan.held[&visit.inspection].1.to_json();
    let comments: Vec<_> = record["comments"].as_object().unwrap().values().collect();
    assert_eq!(comments.len(), 2);
    assert!(
        comments
            .iter()
            .any(|one| one["item"] == "KTC-02" && one["text"] == HOSTILE)
    );
    let api = format!("/api/v1{path}");
    let listed = visit.town.get(&visit.town.admin, &api).await.expect(200);
    assert_eq!(listed[0]["by"]["name"], "LANH-DAO");
    let officer = visit.town.sign_in("lan").await;
    let refused = visit.town.post(&officer, &api, json!({"text": "x"})).await;
    assert_eq!(refused.problem(403), "forbidden");
}
