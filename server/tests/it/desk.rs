//! What supervisors do: campaigns, lists, settling, deciding, correcting.

use serde_json::{Value, json};
use sokiem_record::{
    criteria,
    edit::{Author, Edit},
    genesis::{self, Plan},
    id::{AreaId, DocumentId, Kind},
    refusal::Refusal,
    wire::{ChangeOutcome, DocumentPush},
};

use crate::harness::{Phone, Town, fresh_uuid, push};

const SET: &str = "T124-CD@1";
const FIELD: &str = "items/T124-CD-1B/answer";

/// A town with a unit, a campaign and a supervisor over the district.
struct Season {
    town: Town,
    supervisor: String,
    unit: DocumentId,
    campaign: DocumentId,
}

impl Season {
    async fn new() -> Self {
        let town = Town::new().await;
        town.account("lanh-dao", "supervisor", &[town.district])
            .await;
        let supervisor = town.sign_in("lanh-dao").await;
        let set = json!({"area": town.district, "shipped": SET});
        town.post(&town.admin, "/api/v1/criteria-sets", set)
            .await
            .expect(201);
        let unit = json!({"area": town.communes[0], "fields": {"name": "Trường Mẫu giáo Đại Điền", "unit_kind": "agency"}});
        let unit = id(&town
            .post(&supervisor, "/api/v1/units", unit)
            .await
            .expect(201));
        let campaign = json!({"area": town.district, "name": "Kiểm tra 2024", "year": 2024, "legal_basis": "Kế hoạch 118",
            "sets": {"agency": {"criteria": SET, "window_start": "2023-11-30", "window_end": "2024-11-30"}}});
        let campaign = id(&town
            .post(&supervisor, "/api/v1/campaigns", campaign)
            .await
            .expect(201));
        Self {
            town,
            supervisor,
            unit,
            campaign,
        }
    }

    fn plan(&self) -> Plan {
        let (code, version) = criteria::parse_reference(SET).unwrap();
        let sets = criteria::shipped().unwrap();
        let set = sets.iter().find(|set| set.reference() == SET).unwrap();
        Plan {
            unit: self.unit,
            campaign: self.campaign,
            criteria_code: code.to_owned(),
            criteria_version: version,
            window: Some(("2023-11-30".into(), "2024-11-30".into())),
            items: set.item_codes(),
        }
    }

    /// What a phone records about the planned inspection, from its first change on.
    fn inspect(&self, phone: &mut Phone, answer: &str) -> DocumentPush {
        let area = self.town.communes[0];
        let (document, written) = genesis::planned_inspection(&self.plan()).unwrap();
        let id = document.id();
        phone.held.insert(id, (area, document));
        let edit = phone.set(id, FIELD, json!(answer));
        let changes = edit.changes.iter().map(|bytes| bytes.to_vec());
        push(
            id,
            Kind::Inspection,
            area,
            [written.bytes].into_iter().chain(changes).collect(),
        )
    }

    fn inspection(&self) -> DocumentId {
        genesis::planned_inspection_id(self.unit, self.campaign)
    }

    async fn record(&self, id: DocumentId) -> Value {
        self.town
            .get(&self.supervisor, &format!("/api/v1/records/{id}"))
            .await
            .expect(200)
    }

    /// Two phones that differ about one criterion.
    async fn two_opinions(&self) -> [Phone; 2] {
        let area = self.town.communes[0];
        let mut lan = self.town.phone("lan", &[area]).await;
        let mut minh = self.town.phone("minh", &[area]).await;
        let (one, two) = (
            self.inspect(&mut lan, "pass"),
            self.inspect(&mut minh, "fail"),
        );
        lan.send(&lan.request(vec![one])).await;
        minh.send(&minh.request(vec![two])).await;
        lan.sync(Vec::new()).await;
        minh.sync(Vec::new()).await;
        [lan, minh]
    }
}

fn id(json: &Value) -> DocumentId {
    json["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn two_phones_begin_the_same_planned_inspection_and_a_supervisor_settles() {
    let season = Season::new().await;
    let [mut lan, mut minh] = season.two_opinions().await;
    let inspection = season.inspection();
    assert_eq!(
        lan.held[&inspection].1.heads(),
        minh.held[&inspection].1.heads()
    );
    let list = season
        .town
        .get(&season.supervisor, "/api/v1/records?kind=inspection")
        .await
        .expect(200);
    assert_eq!(list["records"].as_array().unwrap().len(), 1);
    assert_eq!(list["records"][0]["conflicts"], 1);

    let path = format!("/api/v1/records/{inspection}");
    let conflicts = season
        .town
        .get(&season.supervisor, &format!("{path}/conflicts"))
        .await
        .expect(200);
    let alternatives = conflicts[0]["alternatives"].as_array().unwrap();
    assert_eq!(conflicts[0]["path"], FIELD);
    let mut said: Vec<_> = alternatives
        .iter()
        .map(|said| {
            (
                said["value"].as_str().unwrap(),
                said["by"]["name"].as_str().unwrap(),
            )
        })
        .collect();
    said.sort_unstable();
    assert_eq!(said, [("fail", "MINH"), ("pass", "LAN")]);
    assert!(
        alternatives
            .iter()
            .all(|said| said["received_ms"].is_i64() && said["by"]["device_name"] == "Máy thử")
    );

    let heads = season.record(inspection).await["heads"].clone();
    let settle = |heads: &Value| json!({"path": FIELD, "value": "fail", "reason": "Đã xem kế hoạch, chưa đạt", "heads": heads});
    let note = lan.set(inspection, "place", json!("Ấp Chợ"));
    lan.sync(vec![note]).await;
    let stale = season
        .town
        .post(
            &season.supervisor,
            &format!("{path}/settle"),
            settle(&heads),
        )
        .await;
    assert_eq!(stale.problem(409), "stale");
    let heads = stale.json["heads"].clone();
    season
        .town
        .post(
            &season.supervisor,
            &format!("{path}/settle"),
            settle(&heads),
        )
        .await
        .expect(200);

    minh.sync(Vec::new()).await;
    assert!(minh.held[&inspection].1.conflicts().is_empty());
    assert_eq!(
        minh.held[&inspection].1.to_json()["items"]["T124-CD-1B"]["answer"],
        "fail"
    );
    let history = season
        .town
        .get(&season.supervisor, &format!("{path}/history"))
        .await
        .expect(200);
    let last = history.as_array().unwrap().last().unwrap();
    assert_eq!(
        (last["by"]["name"].as_str(), last["reason"].as_str()),
        (Some("LANH-DAO"), Some("Đã xem kế hoạch, chưa đạt"))
    );
    assert_eq!(history[0]["by"]["planned"], true);
}

#[tokio::test]
async fn another_first_change_under_the_derived_actor_is_refused() {
    let season = Season::new().await;
    let area = season.town.communes[0];
    let mut lan = season.town.phone("lan", &[area]).await;
    let mut plan = season.plan();
    plan.items.pop();
    let (_, forged) = genesis::planned_inspection(&plan).unwrap();
    let id = season.inspection();
    let response = lan
        .send(&lan.request(vec![push(id, Kind::Inspection, area, vec![forged.bytes])]))
        .await;
    assert_eq!(
        response.pushed[0].changes,
        [ChangeOutcome::Refused(Refusal::WrongDocument)]
    );
    // Nor may a phone begin it in its own name: that would bar the way for everybody else.
    let (_, own) = genesis::document(id, Kind::Inspection, &lan.author(), &[]).unwrap();
    let response = lan
        .send(&lan.request(vec![push(id, Kind::Inspection, area, vec![own.bytes])]))
        .await;
    assert_eq!(
        response.pushed[0].changes,
        [ChangeOutcome::Refused(Refusal::WrongDocument)]
    );
    let good = season.inspect(&mut lan, "pass");
    lan.sync(vec![good]).await;
    let quarantine = season
        .town
        .get(&season.supervisor, "/api/v1/quarantine")
        .await
        .expect(200);
    assert_eq!(quarantine["refused"].as_array().unwrap().len(), 2);
    assert_eq!(quarantine["refused"][0]["reason"], "wrong-document");
}

/// Nobody stands behind the derived actor: under it only the first change is taken, and nothing that
/// would then be in the record without an author.
#[tokio::test]
async fn a_later_change_under_the_derived_actor_is_refused() {
    let season = Season::new().await;
    let area = season.town.communes[0];
    let mut lan = season.town.phone("lan", &[area]).await;
    let good = season.inspect(&mut lan, "pass");
    lan.sync(vec![good]).await;
    let id = season.inspection();
    let nobody = Author {
        actor: genesis::genesis_actor(id),
        time_ms: 0,
        reason: None,
    };
    let (mut document, _) = genesis::planned_inspection(&season.plan()).unwrap();
    let path = FIELD.parse().unwrap();
    let edit = Edit::Set {
        path,
        value: json!("fail"),
    };
    let forged = document.edit(&nobody, None, &[edit]).unwrap().unwrap();
    let response = lan
        .send(&lan.request(vec![push(id, Kind::Inspection, area, vec![forged.bytes])]))
        .await;
    assert_eq!(
        response.pushed[0].changes,
        [ChangeOutcome::Refused(Refusal::ForeignActor)]
    );
    assert_eq!(season.record(id).await["conflicts"], 0);
}

#[tokio::test]
async fn a_decision_holds_for_what_it_was_taken_on() {
    let season = Season::new().await;
    let area = season.town.communes[0];
    let mut lan = season.town.phone("lan", &[area]).await;
    let good = season.inspect(&mut lan, "pass");
    lan.sync(vec![good]).await;
    let inspection = season.inspection();
    let path = format!("/api/v1/records/{inspection}/decisions");
    let heads = season.record(inspection).await["heads"].clone();
    let unexplained = json!({"decision": "returned", "heads": heads});
    assert_eq!(
        season
            .town
            .post(&season.supervisor, &path, unexplained)
            .await
            .problem(422),
        "invalid"
    );
    let returned = json!({"decision": "returned", "heads": heads, "reasons": [{"item": "T124-CD-1B", "text": "Thiếu ngày ban hành"}]});
    season
        .town
        .post(&season.supervisor, &path, returned)
        .await
        .expect(201);
    let approved = json!({"decision": "approved", "heads": heads});
    season
        .town
        .post(&season.supervisor, &path, approved.clone())
        .await
        .expect(201);
    let review = season.record(inspection).await["review"].clone();
    assert_eq!(
        (
            review["decision"].as_str(),
            review["changed_since"].as_bool()
        ),
        (Some("approved"), Some(false))
    );

    let late = lan.set(inspection, "place", json!("Ấp Chợ"));
    lan.sync(vec![late]).await;
    let review = season.record(inspection).await["review"].clone();
    assert_eq!(review["changed_since"], true);
    assert_eq!(review["heads"], heads);
    assert_eq!(review["difference"][0]["path"], "place");
    assert_eq!(
        season
            .town
            .post(&season.supervisor, &path, approved)
            .await
            .problem(409),
        "stale"
    );
    // The officer sees both decisions on the phone.
    let review = genesis::review_id(inspection);
    let decisions = lan.held[&review].1.to_json()["decisions"]
        .as_object()
        .unwrap()
        .len();
    assert_eq!(decisions, 2);
    let listed = season
        .town
        .get(
            &season.supervisor,
            "/api/v1/records?kind=inspection&review=approved",
        )
        .await
        .expect(200);
    assert_eq!(listed["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_desk_edit_on_what_was_seen_stands_beside_what_came_meanwhile() {
    let season = Season::new().await;
    let mut lan = season.town.phone("lan", &[season.town.communes[0]]).await;
    lan.sync(Vec::new()).await;
    let heads = season.record(season.unit).await["heads"].clone();
    let change = lan.set(season.unit, "staff", json!(30));
    lan.sync(vec![change]).await;
    let path = format!("/api/v1/records/{}/edits", season.unit);
    let body = json!({"heads": heads, "reason": "Theo báo cáo", "edits": [{"edit": "set", "path": "staff", "value": 31}]});
    let changed = season
        .town
        .post(&season.supervisor, &path, body)
        .await
        .expect(200);
    assert_eq!(changed["heads"].as_array().unwrap().len(), 2);
    assert_eq!(season.record(season.unit).await["conflicts"], 1);
    let wrong = json!({"heads": heads, "reason": "x", "edits": [{"edit": "set", "path": "nothing", "value": 1}]});
    assert_eq!(
        season
            .town
            .post(&season.supervisor, &path, wrong)
            .await
            .problem(422),
        "invalid"
    );
}

#[tokio::test]
async fn lists_search_without_accents_and_page_without_gaps() {
    let season = Season::new().await;
    let names = [
        "Đội Thuế",
        "Chợ Đại Điền",
        "UBND xã",
        "Trường THCS",
        "Bệnh viện",
    ];
    for name in names {
        let unit = json!({"area": season.town.communes[1], "fields": {"name": name, "unit_kind": "agency"}});
        season
            .town
            .post(&season.supervisor, "/api/v1/units", unit)
            .await
            .expect(201);
    }
    let found = season
        .town
        .get(
            &season.supervisor,
            "/api/v1/records?kind=unit&q=dien+dai&sort=title",
        )
        .await
        .expect(200);
    let titles: Vec<_> = found["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["title"].clone())
        .collect();
    assert_eq!(titles, ["Chợ Đại Điền", "Trường Mẫu giáo Đại Điền"]);
    for sort in ["title", "date", "updated"] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/records?kind=unit&sort={sort}&limit=2{after}");
            let page = season.town.get(&season.supervisor, &path).await.expect(200);
            seen.extend(
                page["records"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|row| row["id"].to_string()),
            );
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        let total = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((total, seen.len()), (6, 6), "{sort}");
    }
    let unknown = season
        .town
        .get(&season.supervisor, "/api/v1/records?colour=red")
        .await;
    assert_eq!(unknown.problem(400), "malformed-query");
}

#[tokio::test]
async fn supervisors_see_and_write_their_own_areas_only() {
    let season = Season::new().await;
    let town = &season.town;
    let account = town
        .account("khac", "supervisor", &[town.communes[1]])
        .await;
    let other = town.sign_in("khac").await;
    let path = format!("/api/v1/records/{}", season.unit);
    assert_eq!(town.get(&other, &path).await.problem(404), "not-found");
    let listed = town
        .get(&other, "/api/v1/records?kind=unit")
        .await
        .expect(200);
    assert!(listed["records"].as_array().unwrap().is_empty());
    let unit = |area: AreaId| json!({"area": area, "fields": {"name": "X", "unit_kind": "agency"}});
    assert_eq!(
        town.post(&other, "/api/v1/units", unit(town.communes[0]))
            .await
            .problem(403),
        "forbidden"
    );
    assert_eq!(
        town.post(&other, "/api/v1/units", unit(town.district))
            .await
            .problem(403),
        "forbidden"
    );
    assert_eq!(
        town.post(&other, "/api/v1/units", unit(AreaId(fresh_uuid())))
            .await
            .problem(422),
        "invalid"
    );
    town.post(&other, "/api/v1/units", unit(town.communes[1]))
        .await
        .expect(201);
    // A code for an officer elsewhere, or for oneself, is not theirs to make.
    let officer = town.account("lan", "officer", &[town.communes[0]]).await;
    for account in [officer, account] {
        let code = json!({"account": account});
        assert_eq!(
            town.post(&other, "/api/v1/enrolment-codes", code)
                .await
                .problem(403),
            "forbidden"
        );
    }
    let own = town.account("minh", "officer", &[town.communes[1]]).await;
    town.post(&other, "/api/v1/enrolment-codes", json!({"account": own}))
        .await
        .expect(201);
}

#[tokio::test]
async fn an_assignment_reaches_the_officers_phone() {
    let season = Season::new().await;
    let mut lan = season.town.phone("lan", &[season.town.communes[0]]).await;
    let body = json!({"unit": season.unit, "campaign": season.campaign, "due": "2024-10-31"});
    season
        .town
        .post(&season.supervisor, "/api/v1/assignments", body.clone())
        .await
        .expect(201);
    assert_eq!(
        season
            .town
            .post(&season.supervisor, "/api/v1/assignments", body)
            .await
            .problem(409),
        "exists"
    );
    lan.sync(Vec::new()).await;
    let assignment = genesis::assignment_id(season.unit, season.campaign);
    assert_eq!(lan.held[&assignment].1.to_json()["due"], "2024-10-31");
    // Campaign and criteria lie in the district above, which the phone reads.
    assert!(lan.held.contains_key(&season.campaign));
    assert!(lan.held.contains_key(&genesis::criteria_id("T124-CD", 1)));
}

#[tokio::test]
async fn a_criteria_set_is_published_once_and_checked() {
    let season = Season::new().await;
    let path = "/api/v1/criteria-sets";
    let again = json!({"area": season.town.district, "shipped": SET});
    assert_eq!(
        season
            .town
            .post(&season.town.admin, path, again)
            .await
            .problem(409),
        "exists"
    );
    let faulty = json!({"area": season.town.district, "toml": "code = 1"});
    let faulty = season.town.post(&season.town.admin, path, faulty).await;
    assert_eq!(faulty.problem(422), "invalid");
    assert!(!faulty.json["faults"].as_array().unwrap().is_empty());
    let mut published = 1;
    for set in criteria::shipped().unwrap() {
        if set.reference() != SET {
            let body = json!({"area": season.town.district, "shipped": set.reference()});
            season
                .town
                .post(&season.town.admin, path, body)
                .await
                .expect(201);
            published += 1;
        }
    }
    let listed = season
        .town
        .get(&season.supervisor, "/api/v1/records?kind=criteria")
        .await
        .expect(200);
    assert_eq!(listed["records"].as_array().unwrap().len(), published);
}
