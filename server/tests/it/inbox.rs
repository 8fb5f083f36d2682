//! What needs a person, and how lists and search follow what arrives.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sokiem_record::{genesis, id::DocumentId};

use crate::{
    harness::{Phone, Town, fresh_uuid},
    pages::Browser,
};

/// A town, a phone with a unit and an inspection of it, and a supervisor over the district.
struct Desk {
    town: Town,
    supervisor: String,
    lan: Phone,
    unit: DocumentId,
    inspection: DocumentId,
}

impl Desk {
    async fn new() -> Self {
        let town = Town::new().await;
        town.account("lanh-dao", "supervisor", &[town.district])
            .await;
        let supervisor = town.sign_in("lanh-dao").await;
        let area = town.communes[0];
        let mut lan = town.phone("lan", &[area]).await;
        let unit = lan.unit(area, "Trường Tiểu học Thạnh Hải");
        let unit_id = unit.document;
        let inspection = lan.inspection(area, unit_id);
        let inspection_id = inspection.document;
        lan.sync(vec![unit, inspection]).await;
        Self {
            town,
            supervisor,
            lan,
            unit: unit_id,
            inspection: inspection_id,
        }
    }

    async fn inbox(&self) -> Value {
        let answer = self.town.get(&self.supervisor, "/api/v1/inbox").await;
        answer.expect(200)
    }

    async fn waiting(&self) -> [u64; 4] {
        let inbox = self.inbox().await;
        ["review", "difference", "changed", "overdue"].map(|need| inbox[need].as_u64().unwrap())
    }

    async fn write(&mut self, path: &str, value: Value) {
        let push = self.lan.set(self.inspection, path, value);
        self.lan.sync(vec![push]).await;
    }

    /// The officer says something about the inspection.
    async fn answer(&mut self, text: &str) {
        let path = format!("comments/{}", fresh_uuid()).parse().unwrap();
        let comment = genesis::element(path, [("text", text.into())]);
        let push = self.lan.edits(self.inspection, &[comment]);
        self.lan.sync(vec![push]).await;
    }

    async fn decide(&self, decision: &str) {
        let path = format!("/api/v1/records/{}", self.inspection);
        let heads = self.town.get(&self.supervisor, &path).await.expect(200)["heads"].clone();
        let body = json!({"decision": decision, "heads": heads, "reason": "Đã xem"});
        let path = format!("{path}/decisions");
        self.town
            .post(&self.supervisor, &path, body)
            .await
            .expect(201);
    }

    async fn found(&self, query: &str) -> Vec<String> {
        let path = format!("/api/v1/records?{query}");
        let page = self.town.get(&self.supervisor, &path).await.expect(200);
        let records = page["records"].as_array().unwrap();
        records
            .iter()
            .map(|record| record["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[tokio::test]
async fn an_inspection_waits_for_a_supervisor_whenever_it_is_the_supervisors_turn() {
    let mut desk = Desk::new().await;
    assert_eq!(
        desk.waiting().await,
        [0, 0, 0, 0],
        "the officer is not done"
    );
    desk.write("finished", json!(true)).await;
    assert_eq!(desk.waiting().await, [1, 0, 0, 0]);
    assert_eq!(
        desk.found("need=review").await,
        [desk.inspection.to_string()]
    );
    desk.decide("returned").await;
    assert_eq!(desk.waiting().await, [0, 0, 0, 0], "the officer's turn");
    desk.write("place", json!("Ấp 2")).await;
    assert_eq!(desk.waiting().await, [1, 0, 0, 0], "answered");
    desk.decide("approved").await;
    assert_eq!(desk.waiting().await, [0, 0, 0, 0]);
    desk.write("place", json!("Ấp 3")).await;
    assert_eq!(desk.waiting().await, [0, 0, 1, 0], "changed since");
    desk.decide("reopened").await;
    assert_eq!(desk.waiting().await, [1, 0, 0, 0]);
    // Nobody else's business.
    let town = &desk.town;
    town.account("ben-kia", "supervisor", &[town.communes[1]])
        .await;
    let other = town.sign_in("ben-kia").await;
    let others = async || town.get(&other, "/api/v1/inbox").await.expect(200)["review"].clone();
    assert_eq!(others().await, 0);
    // Until the unit is theirs: what waits goes with it.
    let area = format!("/api/v1/records/{}/area", desk.unit);
    town.post(&town.admin, &area, json!({ "area": town.communes[1] }))
        .await
        .expect(204);
    assert_eq!(others().await, 1);
    assert_eq!(desk.waiting().await, [1, 0, 0, 0], "the district has both");
}

#[tokio::test]
async fn a_comment_after_a_decision_is_no_change_of_it_and_an_officers_is_heard() {
    let mut desk = Desk::new().await;
    let path = format!("/api/v1/records/{}", desk.inspection);
    let comment = async |desk: &Desk| {
        let body = json!({"text": "Cảm ơn, đã đủ"});
        let comments = format!("{path}/comments");
        desk.town
            .post(&desk.supervisor, &comments, body)
            .await
            .expect(201);
    };
    let changed = async |desk: &Desk| {
        let record = desk.town.get(&desk.supervisor, &path).await.expect(200);
        record["review"]["changed_since"].as_bool().unwrap()
    };
    desk.write("finished", json!(true)).await;
    desk.decide("returned").await;
    comment(&desk).await;
    assert_eq!(
        desk.waiting().await,
        [0, 0, 0, 0],
        "still the officer's turn"
    );
    desk.answer("Đã bổ sung sổ").await;
    assert_eq!(desk.waiting().await, [1, 0, 0, 0], "answered in words");
    desk.decide("approved").await;
    comment(&desk).await;
    assert_eq!(desk.waiting().await, [0, 0, 0, 0]);
    assert!(!changed(&desk).await);
    desk.write("place", json!("Ấp 3")).await;
    assert_eq!(desk.waiting().await, [0, 0, 1, 0]);
    assert!(changed(&desk).await);
    desk.decide("approved").await;
    desk.answer("Tôi ghi nhầm ngày, xin mở lại").await;
    assert_eq!(desk.waiting().await, [1, 0, 0, 0], "to be heard");
    assert!(!changed(&desk).await, "and yet what was approved is there");
    let kept = computed(&desk.town);
    let forget = "DELETE FROM meta WHERE key = 'projection'; DELETE FROM needs;";
    desk.town.database().execute_batch(forget).unwrap();
    let town = desk.town.restarted().await;
    assert_eq!(computed(&town), kept, "computed again");
}

#[tokio::test]
async fn a_finding_past_its_deadline_is_overdue_until_it_is_fixed() {
    let mut desk = Desk::new().await;
    desk.write("finished", json!(true)).await;
    let path = format!("/api/v1/records/{}", desk.inspection);
    let finding = format!("findings/{}", fresh_uuid());
    let correct = async |edit: Value| {
        let heads = desk.town.get(&desk.supervisor, &path).await.expect(200)["heads"].clone();
        let body = json!({"heads": heads, "reason": "Bổ sung", "edits": [edit]});
        let edits = format!("{path}/edits");
        desk.town
            .post(&desk.supervisor, &edits, body)
            .await
            .expect(200);
    };
    let fields = json!({"text": "Thiếu sổ trực", "state": "open", "deadline": "2001-01-31"});
    correct(json!({"edit": "add", "path": finding, "fields": fields})).await;
    assert_eq!(desk.waiting().await[3], 1);
    assert_eq!(
        desk.found("need=overdue").await,
        [desk.inspection.to_string()]
    );
    correct(json!({"edit": "set", "path": format!("{finding}/deadline"), "value": "2999-01-31"}))
        .await;
    assert_eq!(desk.waiting().await[3], 0);
    correct(json!({"edit": "set", "path": format!("{finding}/deadline"), "value": "2001-01-31"}))
        .await;
    correct(json!({"edit": "set", "path": format!("{finding}/state"), "value": "fixed"})).await;
    assert_eq!(desk.waiting().await[3], 0);
}

#[tokio::test]
async fn refused_changes_and_silent_devices_are_counted() {
    let town = Town::with(|config| config.lifetimes.silent_device_s = 0).await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "Chợ");
    lan.sync(vec![unit]).await;
    let stray = lan.unit(town.communes[1], "Ngoài địa bàn");
    lan.send(&lan.request(vec![stray])).await;
    let connection = town.database();
    connection
        .execute("UPDATE devices SET last_seen_ms = last_seen_ms - 5000", [])
        .unwrap();
    let inbox = town.get(&town.admin, "/api/v1/inbox").await.expect(200);
    assert_eq!(inbox["quarantined"], 1);
    assert_eq!(inbox["silent_devices"][0]["id"], lan.device);
    let revoke = format!("/api/v1/devices/{}", lan.device);
    town.call(&town.admin, reqwest::Method::DELETE, &revoke, Value::Null)
        .await
        .expect(204);
    let inbox = town.get(&town.admin, "/api/v1/inbox").await.expect(200);
    assert_eq!(inbox["silent_devices"], json!([]), "revoked: not missed");
}

#[tokio::test]
async fn an_inspection_is_found_by_its_units_name_also_after_that_has_changed() {
    let mut desk = Desk::new().await;
    let (unit, inspection) = (desk.unit.to_string(), desk.inspection.to_string());
    assert_eq!(
        desk.found("kind=inspection&q=thanh+truong").await,
        std::slice::from_ref(&inspection)
    );
    assert_eq!(desk.found("kind=unit&q=ti%E1%BB%83u").await, [unit]);
    assert!(desk.found("q=rong").await.is_empty(), "words begin so");
    let rename = desk
        .lan
        .set(desk.unit, "name", json!("Trường Tiểu học Đại Điền"));
    desk.lan.sync(vec![rename]).await;
    assert_eq!(desk.found("kind=inspection&q=dai+dien").await, [inspection]);
    for kind in ["unit", "inspection"] {
        let former = format!("kind={kind}&q=thanh+hai");
        assert!(desk.found(&former).await.is_empty(), "{kind}");
    }
    // Whatever is typed is words, and nothing else.
    for hostile in ["%22", "*", "a+OR+b", "NEAR(a)", "-", "%27)--"] {
        desk.found(&format!("q={hostile}")).await;
    }
}

#[tokio::test]
async fn lists_are_narrowed_by_who_wrote_and_by_the_kind_of_unit() {
    let mut desk = Desk::new().await;
    let area = desk.town.communes[0];
    let kind = desk.lan.set(desk.unit, "unit_kind", json!("school"));
    desk.lan.sync(vec![kind]).await;
    let mut minh = desk.town.phone("minh", &[area]).await;
    let market = minh.unit(area, "Chợ");
    let market_id = market.document.to_string();
    minh.sync(vec![market]).await;
    assert_eq!(
        desk.found("kind=inspection&unit_kind=school").await,
        [desk.inspection.to_string()]
    );
    assert!(desk.found("unit_kind=enterprise").await.is_empty());
    let accounts = desk
        .town
        .get(&desk.town.admin, "/api/v1/accounts")
        .await
        .expect(200);
    let minh = accounts
        .as_array()
        .unwrap()
        .iter()
        .find(|account| account["login"] == "minh")
        .unwrap()["id"]
        .clone();
    let of_minh = format!("kind=unit&officer={}", minh.as_str().unwrap());
    assert_eq!(desk.found(&of_minh).await, [market_id]);
    // A form sends what was not chosen as empty.
    assert_eq!(
        desk.found("kind=unit&area=&campaign=&officer=&q=&need=")
            .await
            .len(),
        2
    );
}

#[tokio::test]
async fn pages_narrow_inspections_to_where_they_stand() {
    let mut desk = Desk::new().await;
    desk.write("finished", json!(true)).await;
    let browser = Browser::sign_in(&desk.town, "lanh-dao").await;
    let record = format!("/records/{}\"", desk.inspection);
    for (query, is_there) in [
        ("state=finished&review=none", true),
        ("state=draft", false),
        ("review=approved", false),
    ] {
        for page in ["/inbox?need=review", "/records?kind=inspection"] {
            let page = browser.read(&format!("{page}&{query}")).await;
            assert_eq!(page.contains(&record), is_there, "{query}");
            let (word, _) = query.split_once('&').unwrap_or((query, ""));
            let (_, chosen) = word.split_once('=').unwrap();
            assert!(
                page.contains(&format!("value=\"{chosen}\" selected")),
                "{page}"
            );
        }
    }
    let units = browser.read("/records?kind=unit").await;
    assert!(
        !units.contains("name=\"review\""),
        "units are not decided about"
    );
}

#[tokio::test]
async fn every_order_is_read_page_by_page_without_a_gap() {
    let mut desk = Desk::new().await;
    let area = desk.town.communes[0];
    for n in 0..7 {
        let unit = desk.lan.unit(area, &format!("Đơn vị {}", n % 3));
        desk.lan.sync(vec![unit]).await;
    }
    let orders = [
        ("title", "title, id"),
        ("date", "coalesce(date, '') DESC, id DESC"),
        ("updated", "updated_ms DESC, id DESC"),
    ];
    for (filter, wanted) in [("kind=unit&", "kind = 'unit'"), ("", "1")] {
        for (sort, order) in orders {
            let all = ids(
                &desk.town,
                &format!("SELECT hex(id) FROM documents WHERE {wanted} ORDER BY {order}"),
            );
            assert!(all.len() >= 8, "{all:?}");
            let (mut read, mut after) = (Vec::new(), String::new());
            loop {
                let path = format!("/api/v1/records?{filter}sort={sort}&limit=3&after={after}");
                let page = desk.town.get(&desk.town.admin, &path).await.expect(200);
                for record in page["records"].as_array().unwrap() {
                    let id = record["id"].as_str().unwrap();
                    read.push(id.replace('-', "").to_uppercase());
                }
                match page["next"].as_str() {
                    Some(next) => after = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(read, all, "{filter}{sort}");
        }
    }
}

/// What a query over the database answers in its one column.
fn ids(town: &Town, query: &str) -> Vec<String> {
    let connection = town.database();
    let mut statement = connection.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Everything that is computed from documents, as text.
fn computed(town: &Town) -> Vec<String> {
    let connection = town.database();
    let mut rows = Vec::new();
    for query in [
        "SELECT hex(inspection), hex(review), decision, decided_ms, hex(heads) FROM decisions",
        "SELECT hex(document), need, hex(area), 0, deadline FROM needs",
        "SELECT hex(account), hex(document), '', 0, '' FROM writers",
        "SELECT hex(document), text, '', 0, '' FROM search_texts",
        "SELECT hex(document), word, '', 0, '' FROM search_words",
    ] {
        let mut statement = connection.prepare(query).unwrap();
        let read = statement.query_map([], |row| {
            let texts: [String; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
            Ok(format!(
                "{texts:?} {} {}",
                row.get::<_, i64>(3)?,
                row.get::<_, String>(4)?
            ))
        });
        rows.extend(read.unwrap().map(Result::unwrap));
    }
    rows.sort();
    rows
}

#[tokio::test]
async fn what_is_computed_again_is_what_was_computed_step_by_step() {
    let mut desk = Desk::new().await;
    desk.write("finished", json!(true)).await;
    desk.decide("approved").await;
    desk.write("place", json!("Ấp 3")).await;
    let rename = desk.lan.set(desk.unit, "name", json!("Trường Đại Điền"));
    desk.lan.sync(vec![rename]).await;
    let before = computed(&desk.town);
    assert!(before.len() >= 8, "{before:?}");
    desk.town
        .database()
        .execute("UPDATE meta SET value = x'00' WHERE key = 'projection'", [])
        .unwrap();
    let town = desk.town.restarted().await;
    assert_eq!(computed(&town), before);
}

#[tokio::test]
async fn an_open_page_hears_of_news_until_its_session_ends() {
    let mut desk = Desk::new().await;
    let stream = |token: String| {
        let request = desk.town.http.get(desk.town.url("/news"));
        async move { request.bearer_auth(token).send().await.unwrap() }
    };
    let mut page = stream(desk.supervisor.clone()).await;
    assert_eq!(page.status(), StatusCode::OK);
    desk.write("place", json!("Ấp 2")).await;
    let heard = page.chunk().await.unwrap().unwrap();
    let heard = String::from_utf8(heard.to_vec()).unwrap();
    let fields: Vec<&str> = heard.lines().collect();
    // An event without data is none to a browser.
    assert_eq!(fields, ["event: news", "data: {}", ""]);
    desk.town
        .call(
            &desk.supervisor,
            reqwest::Method::DELETE,
            "/api/v1/session",
            Value::Null,
        )
        .await
        .expect(204);
    desk.write("place", json!("Ấp 4")).await;
    assert_eq!(page.chunk().await.unwrap(), None, "the stream has ended");
}
