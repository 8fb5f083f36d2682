//! Refused changes: looked at, taken over, dismissed, imported.

use serde_json::{Value, json};
use sokiem_record::{
    chunk::ChangeHeader,
    id::{ActorId, AreaId, DocumentId},
    refusal::Refusal,
    wire::{ChangeOutcome, DocumentPush},
};

use crate::{
    harness::{Phone, Town, fresh_uuid},
    pages::{Browser, hidden},
};

/// A town with a supervisor of each commune.
struct Desk {
    town: Town,
    /// Of the first commune.
    here: String,
    /// Of the second.
    there: String,
}

impl Desk {
    async fn new() -> Self {
        let town = Town::new().await;
        let [here, there] = town.communes;
        town.account("truong", "supervisor", &[here]).await;
        town.account("pho", "supervisor", &[there]).await;
        let (here, there) = (town.sign_in("truong").await, town.sign_in("pho").await);
        Self { town, here, there }
    }

    async fn open(&self, token: &str) -> Vec<Value> {
        let page = self.town.get(token, "/api/v1/quarantine").await.expect(200);
        page["refused"].as_array().unwrap().clone()
    }

    async fn said(&self, token: &str, refused: &Value) -> Value {
        let path = format!("/api/v1/quarantine/{}", refused["id"].as_str().unwrap());
        self.town.get(token, &path).await.expect(200)
    }

    async fn settle(
        &self,
        token: &str,
        refused: &Value,
        act: &str,
        body: Value,
    ) -> crate::harness::Answer {
        let path = format!(
            "/api/v1/quarantine/{}/{act}",
            refused["id"].as_str().unwrap()
        );
        self.town.post(token, &path, body).await
    }

    async fn audited(&self, action: &str) -> usize {
        let count: i64 = self
            .town
            .database()
            .query_row(
                "SELECT count(*) FROM audit WHERE action = ?1",
                [action],
                |row| row.get(0),
            )
            .unwrap();
        usize::try_from(count).unwrap()
    }
}

async fn refused(phone: &Phone, pushes: Vec<DocumentPush>, refusal: Refusal) {
    let response = phone.send(&phone.request(pushes)).await;
    for outcome in response.pushed.iter().flat_map(|outcome| &outcome.changes) {
        assert_eq!(*outcome, ChangeOutcome::Refused(refusal));
    }
}

fn why() -> Value {
    json!({"reason": "Cán bộ đã báo trước"})
}

#[tokio::test]
async fn out_of_scope_work_is_shown_in_words_and_enters_the_record_with_its_author() {
    let desk = Desk::new().await;
    let [here, there] = desk.town.communes;
    let mut lan = desk.town.phone("lan", &[here]).await;
    let unit = lan.unit(there, "Trường ngoài địa bàn");
    let id = unit.document;
    let more = lan.set(id, "staff", json!(12));
    let mut both = unit.clone();
    both.changes.extend(more.changes);
    refused(&lan, vec![both], Refusal::OutOfScope).await;
    // The supervisor of the named area sees it, and so does the officer's own.
    assert_eq!(desk.open(&desk.there).await.len(), 2);
    let open = desk.open(&desk.here).await;
    assert_eq!(open.len(), 2);
    let mut later = None;
    for one in &open {
        let said = desk.said(&desk.there, one).await;
        assert_eq!(said["take_over"], "original");
        assert_eq!(said["by"]["name"], "LAN");
        let fields = said["fields"].as_array().unwrap();
        if fields
            .iter()
            .any(|field| field["path"] == "staff" && field["after"] == 12)
        {
            later = Some(one.clone());
        }
    }
    // Who may not write the area does not decide where the record goes.
    let later = later.unwrap();
    let answer = desk.settle(&desk.here, &later, "take-over", why()).await;
    assert_eq!(answer.problem(403), "forbidden");
    // The later change brings the one that it builds on along.
    let taken = desk
        .settle(&desk.there, &later, "take-over", why())
        .await
        .expect(200);
    assert_eq!(
        (
            taken["way"].clone(),
            taken["settled"].as_array().unwrap().len()
        ),
        (json!("original"), 2)
    );
    let history = desk
        .town
        .get(&desk.there, &format!("/api/v1/records/{id}/history"))
        .await
        .expect(200);
    for entry in history.as_array().unwrap() {
        assert_eq!(entry["by"]["name"], "LAN");
    }
    assert!(desk.open(&desk.there).await.is_empty());
    let again = desk.settle(&desk.there, &later, "take-over", why()).await;
    assert_eq!(again.problem(409), "stale");
    assert_eq!(desk.audited("change-taken-over").await, 1);
    let mut minh = desk.town.phone("minh", &[there]).await;
    minh.sync(Vec::new()).await;
    assert_eq!(minh.held[&id].1.to_json()["staff"], 12);
}

#[tokio::test]
async fn a_record_for_an_unknown_area_goes_where_the_supervisor_says() {
    let desk = Desk::new().await;
    let here = desk.town.communes[0];
    let mut lan = desk.town.phone("lan", &[here]).await;
    let unit = lan.unit(AreaId(fresh_uuid()), "Trường của xã cũ");
    let id = unit.document;
    refused(&lan, vec![unit], Refusal::UnknownArea).await;
    let open = desk.open(&desk.here).await;
    assert_eq!(desk.said(&desk.here, &open[0]).await["needs_area"], true);
    let nowhere = desk.settle(&desk.here, &open[0], "take-over", why()).await;
    assert_eq!(nowhere.problem(422), "invalid");
    let body = json!({"reason": "Xã đã sáp nhập", "area": here});
    desk.settle(&desk.here, &open[0], "take-over", body)
        .await
        .expect(200);
    lan.held.clear();
    lan.sync(Vec::new()).await;
    assert_eq!(lan.held[&id].1.to_json()["name"], "Trường của xã cũ");
}

#[tokio::test]
async fn a_clones_work_is_taken_over_in_the_supervisors_own_name() {
    let desk = Desk::new().await;
    let here = desk.town.communes[0];
    let mut lan = desk.town.phone("lan", &[here]).await;
    let unit = lan.unit(here, "Chợ");
    let id = unit.document;
    let copy = lan.held[&id].1.clone();
    let one = lan.set(id, "staff", json!(3));
    lan.sync(vec![unit, one]).await;
    let held = lan.held.insert(id, (here, copy));
    let other = lan.set(id, "learners", json!(40));
    lan.held.insert(id, held.unwrap());
    refused(&lan, vec![other], Refusal::ForkedActor).await;
    let open = desk.open(&desk.here).await;
    assert_eq!(desk.said(&desk.here, &open[0]).await["take_over"], "own");
    let taken = desk
        .settle(&desk.here, &open[0], "take-over", why())
        .await
        .expect(200);
    assert_eq!(taken["way"], "own");
    let record = desk
        .town
        .get(&desk.here, &format!("/api/v1/records/{id}"))
        .await
        .expect(200);
    assert_eq!(
        (
            record["fields"]["staff"].clone(),
            record["fields"]["learners"].clone()
        ),
        (json!(3), json!(40))
    );
    lan.sync(Vec::new()).await;
    assert_eq!(lan.held[&id].1.to_json()["learners"], 40);
}

#[tokio::test]
async fn what_is_no_change_can_only_be_dismissed() {
    let desk = Desk::new().await;
    let here = desk.town.communes[0];
    let mut lan = desk.town.phone("lan", &[here]).await;
    let mut garbage = lan.unit(here, "Rác");
    garbage.changes[0][20] ^= 1;
    refused(&lan, vec![garbage], Refusal::Malformed).await;
    let open = desk.open(&desk.here).await;
    let said = desk.said(&desk.here, &open[0]).await;
    assert!(said["take_over"].is_null() && said["unreadable"].is_string());
    assert_eq!(
        desk.settle(&desk.here, &open[0], "take-over", why())
            .await
            .problem(422),
        "invalid"
    );
    let silent = desk
        .settle(&desk.here, &open[0], "dismiss", json!({"reason": " "}))
        .await;
    assert_eq!(silent.problem(422), "invalid");
    desk.settle(&desk.here, &open[0], "dismiss", why())
        .await
        .expect(204);
    assert!(desk.open(&desk.here).await.is_empty());
    let settled = desk
        .town
        .get(&desk.here, "/api/v1/quarantine?state=dismissed")
        .await
        .expect(200);
    assert_eq!(
        settled["refused"][0]["settled_reason"],
        "Cán bộ đã báo trước"
    );
    assert_eq!(desk.audited("change-dismissed").await, 1);
}

#[tokio::test]
async fn other_areas_supervisors_and_officers_see_nothing_and_lists_go_on_page_by_page() {
    let desk = Desk::new().await;
    let here = desk.town.communes[0];
    let mut lan = desk.town.phone("lan", &[here]).await;
    let foreign = ActorId(fresh_uuid());
    let own = lan.actor;
    lan.actor = foreign;
    let pushes: Vec<_> = (0..5)
        .map(|n| lan.unit(here, &format!("Đơn vị {n}")))
        .collect();
    lan.actor = own;
    refused(&lan, pushes, Refusal::ForeignActor).await;
    assert!(desk.open(&desk.there).await.is_empty());
    let open = desk.open(&desk.here).await;
    let path = format!("/api/v1/quarantine/{}", open[0]["id"].as_str().unwrap());
    assert_eq!(
        desk.town.get(&desk.there, &path).await.problem(404),
        "not-found"
    );
    let officer = desk.town.sign_in("lan").await;
    assert_eq!(
        desk.town
            .get(&officer, "/api/v1/quarantine")
            .await
            .problem(403),
        "forbidden"
    );
    // Nobody stands behind the name, and there is no record yet to write into: it can't be taken over.
    assert!(desk.said(&desk.here, &open[0]).await["take_over"].is_null());
    let (mut seen, mut after) = (Vec::new(), String::new());
    for _ in 0..3 {
        let path = format!("/api/v1/quarantine?reason=foreign-actor&limit=2{after}");
        let page = desk.town.get(&desk.here, &path).await.expect(200);
        seen.extend(
            page["refused"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["id"].clone()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let all: Vec<_> = open.iter().map(|one| one["id"].clone()).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_phones_file_is_imported_once_and_taken_over() {
    let desk = Desk::new().await;
    let here = desk.town.communes[0];
    let mut lan = desk.town.phone("lan", &[here]).await;
    let unit = lan.unit(here, "Chưa từng gửi");
    let id: DocumentId = unit.document;
    let hex: String = unit.changes[0]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let change =
        json!({"document": id, "kind": "unit", "area": here, "refusal": null, "bytes": hex});
    let file = json!({"format": "sokiem-refused-1", "exported_ms": 1, "device": lan.device, "changes": [change]});
    let imported = desk
        .town
        .post(&desk.here, "/api/v1/quarantine/import", file.clone())
        .await
        .expect(200);
    assert_eq!(
        (&imported["added"], &imported["known"]),
        (&json!(1), &json!(0))
    );
    let again = desk
        .town
        .post(&desk.here, "/api/v1/quarantine/import", file.clone())
        .await
        .expect(200);
    assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(1)));
    assert_eq!(again["documents"][0]["waiting"], 1);
    let open = desk.open(&desk.here).await;
    assert_eq!(open[0]["reason"], "unsent");
    desk.settle(&desk.here, &open[0], "take-over", why())
        .await
        .expect(200);
    // The phone comes back after all: it is told that its change is there.
    lan.sync(vec![unit]).await;
    let mut bad = file;
    bad["changes"][0]["bytes"] = "xyz".into();
    assert_eq!(
        desk.town
            .post(&desk.here, "/api/v1/quarantine/import", bad)
            .await
            .problem(422),
        "invalid"
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything on a phone as it exports it: these documents, whose changes in `unsent` were never sent.
fn whole(phone: &Phone, area: AreaId, documents: &[(&str, &DocumentPush, usize)]) -> Value {
    let documents: Vec<Value> = documents
        .iter()
        .map(|(name, push, unsent)| {
            let hashes: Vec<String> = push
                .changes
                .iter()
                .map(|change| ChangeHeader::parse(change).unwrap().hash.to_string())
                .collect();
            let changes: Vec<String> = push.changes.iter().map(|change| hex(change)).collect();
            json!({"document": push.document, "kind": "unit", "area": area, "heads": [],
                "pending": hashes[hashes.len() - unsent..], "fields": {"name": name, "staff": 3},
                "conflicts": [], "changes": changes})
        })
        .collect();
    json!({"format": "sokiem-export-1", "exported_ms": 1, "actor": phone.actor.to_string(),
        "enrolment": {"device": phone.device, "account": fresh_uuid()}, "epoch": null, "status": {},
        "documents": documents, "refused": [], "events": []})
}

const HARM: &str = "<script>alert(1)</script>\u{202e}gpj.exe";

#[tokio::test]
async fn everything_on_a_phone_is_imported_by_form_and_said_record_by_record() {
    let desk = Desk::new().await;
    let here = desk.town.communes[0];
    let mut lan = desk.town.phone("lan", &[here]).await;
    // One record the server has, and one more change of it; one record nobody ever saw.
    let sent = lan.unit(here, "Trường đã gửi");
    lan.sync(vec![sent.clone()]).await;
    let mut known = sent.clone();
    known
        .changes
        .extend(lan.set(sent.document, "staff", json!(12)).changes);
    known
        .changes
        .extend(lan.set(sent.document, "staff", json!(13)).changes);
    let unseen = lan.unit(here, HARM);
    let file = whole(
        &lan,
        here,
        &[("Trường đã gửi", &known, 2), (HARM, &unseen, 1)],
    )
    .to_string();

    let browser = Browser::sign_in(&desk.town, "truong").await;
    let form = browser.read("/quarantine/import").await;
    let csrf = hidden(&form, "csrf");
    let import = async |csrf: &str| {
        let fields = [("csrf", csrf)];
        browser
            .upload(
                "/quarantine/import",
                &fields,
                "<b>máy.json",
                file.as_bytes(),
            )
            .await
    };
    assert_eq!(import("x").await.status(), 403);
    assert!(desk.open(&desk.here).await.is_empty());
    let said = import(&csrf).await;
    assert_eq!(said.status(), 200);
    let said = said.text().await.unwrap();
    assert!(
        !said.contains("<script>alert") && !said.contains("<b>máy") && !said.contains('\u{202e}'),
        "{said}"
    );
    assert!(said.contains("Trường đã gửi") && said.contains("tên theo tệp"));
    // Three changes wait; of two that build on each other the page leads to the later one.
    assert_eq!(desk.open(&desk.here).await.len(), 3);
    let links: Vec<&str> = said.split("<a href=\"/quarantine/").skip(1).collect();
    let links: Vec<&str> = links
        .iter()
        .filter_map(|link| link.split('"').next())
        .collect();
    let links: Vec<&str> = links
        .into_iter()
        .filter(|link| link.contains('.'))
        .collect();
    assert_eq!(links.len(), 2, "{links:?}");
    for link in links {
        let path = format!("/api/v1/quarantine/{link}/take-over");
        desk.town.post(&desk.here, &path, why()).await.expect(200);
    }
    assert!(desk.open(&desk.here).await.is_empty());
    let path = format!("/api/v1/records/{}/history", sent.document);
    let history = desk.town.get(&desk.here, &path).await.expect(200);
    assert_eq!(history.as_array().unwrap().len(), 3);
    for entry in history.as_array().unwrap() {
        assert_eq!(entry["by"]["name"], "LAN");
    }
    let again = import(&csrf).await.text().await.unwrap();
    assert!(again.contains("Thay đổi mới đưa vào chờ xem: <span lang=\"en\">Changes that now wait to be looked at:</span> <strong>0</strong>"), "{again}");
    assert_eq!(desk.audited("quarantine-imported").await, 2);
}

#[tokio::test]
async fn a_file_says_nothing_of_other_areas_and_one_of_an_unknown_phone_is_refused() {
    let desk = Desk::new().await;
    let [here, there] = desk.town.communes;
    let mut lan = desk.town.phone("lan", &[here]).await;
    let mut sent = lan.unit(here, "Kho bí mật");
    lan.sync(vec![sent.clone()]).await;
    sent.changes
        .extend(lan.set(sent.document, "staff", json!(12)).changes);
    let mut stranger = lan.unit(here, "Của ai?");
    lan.actor = ActorId(fresh_uuid());
    stranger.changes = lan.unit(here, "Của ai?").changes;
    let mut file = whole(&lan, there, &[("", &sent, 1), ("Của ai?", &stranger, 1)]);
    file["enrolment"] = Value::Null;
    file["documents"][0]["pending"]
        .as_array_mut()
        .unwrap()
        .push("ab".repeat(32).into());
    let told = desk
        .town
        .post(&desk.there, "/api/v1/quarantine/import", file)
        .await
        .expect(200);
    assert_eq!((&told["added"], &told["lacking"]), (&json!(1), &json!(1)));
    assert!(told["documents"][0]["title"].is_null(), "{told}");
    assert_eq!(
        told["documents"][1]["refused"][0]["reason"],
        "unknown-device"
    );
    assert!(told["documents"][1]["last"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_no_export_or_too_large_is_told_on_a_page() {
    let desk = Desk::new().await;
    let browser = Browser::sign_in(&desk.town, "truong").await;
    let csrf = hidden(&browser.read("/quarantine/import").await, "csrf");
    let fields = [("csrf", csrf.as_str())];
    for (file, status, words) in [
        (b"".to_vec(), 422, "Hãy chọn tệp"),
        (b"PK\x03\x04".to_vec(), 422, "không phải tệp do sổ kiểm"),
        (
            br#"{"format":"sokiem-export-1","documents":["#.to_vec(),
            400,
            "Tệp bị hỏng",
        ),
        (
            br#"{"format":"sokiem-export-1","documents":3}"#.to_vec(),
            400,
            "Tệp bị hỏng",
        ),
        (
            vec![b' '; 64 * 1024 * 1024 + 1],
            413,
            "chỉ xuất phần chưa gửi",
        ),
    ] {
        let said = browser
            .upload("/quarantine/import", &fields, "a.json", &file)
            .await;
        assert_eq!(said.status(), status, "{words}");
        let media_type = said.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(media_type.starts_with("text/html"), "{media_type}");
        let said = said.text().await.unwrap();
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(desk.audited("quarantine-imported").await, 0);
}
