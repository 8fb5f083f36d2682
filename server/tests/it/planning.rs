//! Assigning inspections by form, and how far a campaign has come.

use serde_json::{Value, json};
use sokiem_record::id::AreaId;

use crate::{
    harness::Town,
    pages::{Browser, hidden, percent},
};

async fn campaign(town: &Town, area: AreaId) -> String {
    let set = json!({"area": area, "shipped": "KIEMTRA-CHUNG@1"});
    town.post(&town.admin, "/api/v1/criteria-sets", set)
        .await
        .expect(201);
    let set = json!({"criteria": "KIEMTRA-CHUNG@1", "window_start": "2019-01-01", "window_end": "2019-12-31"});
    let body =
        json!({"area": area, "name": "Đợt <b>2019</b>", "year": 2019, "sets": {"agency": set}});
    let made = town
        .post(&town.admin, "/api/v1/campaigns", body)
        .await
        .expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn progress(town: &Town, token: &str, campaign: &str) -> Value {
    let path = format!("/api/v1/campaigns/{campaign}/progress");
    town.get(token, &path).await.expect(200)
}

/// Assigns by the page's form; the status of the answer.
async fn assign(browser: &Browser<'_>, campaign: &str, fields: &[(&str, &str)]) -> u16 {
    let path = format!("/planning/{campaign}");
    let mut form = format!("csrf={}", hidden(&browser.read(&path).await, "csrf"));
    for (name, value) in fields {
        form.push_str(&format!("&{name}={}", percent(value)));
    }
    let done = browser.submit(&format!("{path}/assign"), &form).await;
    done.status().as_u16()
}

#[tokio::test]
async fn units_are_assigned_by_form_and_their_progress_is_told_by_area_and_by_officer() {
    let town = Town::new().await;
    let [near, far] = town.communes;
    let campaign = campaign(&town, town.district).await;
    let minh = town.account("minh", "officer", &[near]).await;
    let mut lan = town.phone("lan", &[near, far]).await;
    let names = [
        "Trường Đại Điền",
        "Công ty <i>Dừa</i>",
        "Trạm y tế",
        "Xã đội",
    ];
    let mut units = Vec::new();
    for (n, name) in names.into_iter().enumerate() {
        let unit = lan.unit(if n == 3 { far } else { near }, name);
        units.push(unit.document);
        lan.sync(vec![unit]).await;
    }
    town.account("lanh-dao", "supervisor", &[town.district])
        .await;
    let browser = Browser::sign_in(&town, "lanh-dao").await;
    let page = browser.read(&format!("/planning/{campaign}")).await;
    assert!(page.contains("&#60;i&#62;Dừa") && !page.contains("<b>2019"));
    let found = browser.read(&format!("/planning/{campaign}?q=dai")).await;
    assert!(found.contains("Trường Đại Điền") && !found.contains("Trạm y tế"));

    assert_eq!(
        assign(&browser, &campaign, &[]).await,
        422,
        "no unit was chosen"
    );
    let ids: Vec<String> = units.iter().map(ToString::to_string).collect();
    let first = [
        ("unit", ids[0].as_str()),
        ("unit", &ids[1]),
        ("officer", &minh),
        ("due", "30/06/2019"),
        ("note", "Xem sổ trực"),
    ];
    assert_eq!(assign(&browser, &campaign, &first).await, 303);
    // The second one is assigned already: that is no fault of whoever assigns the rest.
    let second = [("unit", ids[1].as_str()), ("unit", &ids[3])];
    assert_eq!(assign(&browser, &campaign, &second).await, 303);
    let wrong = [("unit", ids[2].as_str()), ("due", "31/02/2019")];
    assert_eq!(assign(&browser, &campaign, &wrong).await, 422);

    let chief = town.sign_in("lanh-dao").await;
    let told = progress(&town, &chief, &campaign).await;
    let counts = |assigned: u64, begun: u64, finished: u64, approved: u64, late: u64| json!({"assigned": assigned, "begun": begun, "finished": finished, "approved": approved, "late": late});
    assert_eq!(told["total"], counts(3, 0, 0, 0, 2));

    for unit in [units[0], units[1]] {
        let inspection = lan.inspection(near, unit);
        let id = inspection.document;
        lan.sync(vec![inspection]).await;
        let belongs = lan.set(id, "campaign", json!(campaign));
        lan.sync(vec![belongs]).await;
        if unit == units[0] {
            let finished = lan.set(id, "finished", json!(true));
            lan.sync(vec![finished]).await;
            let path = format!("/api/v1/records/{id}");
            let heads = town.get(&chief, &path).await.expect(200)["heads"].clone();
            let decision = json!({"decision": "approved", "heads": heads});
            town.post(&chief, &format!("{path}/decisions"), decision)
                .await
                .expect(201);
        }
    }
    let told = progress(&town, &chief, &campaign).await;
    assert_eq!(told["total"], counts(3, 2, 1, 1, 1));
    let part = |part: &Value| {
        let mut part = part.as_object().unwrap().clone();
        part.remove("id");
        Value::from(part)
    };
    let with = |name: &str, counts: Value| {
        let mut all = counts.as_object().unwrap().clone();
        all.insert("name".to_owned(), name.into());
        Value::from(all)
    };
    let areas: Vec<Value> = told["areas"].as_array().unwrap().iter().map(part).collect();
    assert_eq!(
        areas,
        [
            with("An Điền", counts(2, 2, 1, 1, 1)),
            with("Thạnh Hải", counts(1, 0, 0, 0, 0))
        ]
    );
    let officers: Vec<Value> = told["officers"]
        .as_array()
        .unwrap()
        .iter()
        .map(part)
        .collect();
    assert_eq!(
        officers,
        [
            with("MINH", counts(2, 2, 1, 1, 1)),
            with("", counts(1, 0, 0, 0, 0))
        ]
    );
    assert_eq!(
        told["work"][0]["unit"],
        json!(units[1]),
        "what is late comes first"
    );
    let page = browser.read(&format!("/planning/{campaign}")).await;
    assert!(page.contains("30/06/2019") && page.contains("Quá hạn") && page.contains("Đã duyệt"));
    assert!(browser.read("/planning").await.contains(&campaign));

    // Somebody whose areas are others sees and assigns nothing of these.
    town.account("noi-khac", "supervisor", &[far]).await;
    let other = town.sign_in("noi-khac").await;
    let told = progress(&town, &other, &campaign).await;
    assert_eq!(told["total"], counts(1, 0, 0, 0, 0));
    let browser = Browser::sign_in(&town, "noi-khac").await;
    let theirs = [("unit", ids[2].as_str())];
    assert_eq!(assign(&browser, &campaign, &theirs).await, 403);
}

#[tokio::test]
async fn an_assignment_is_changed_called_off_and_taken_up_again() {
    let town = Town::new().await;
    let [near, far] = town.communes;
    let campaign = campaign(&town, town.district).await;
    let minh = town.account("minh", "officer", &[near]).await;
    let hoa = town.account("hoa", "officer", &[near]).await;
    let elsewhere = town.account("xa", "officer", &[far]).await;
    let mut lan = town.phone("lan", &[near]).await;
    let unit = lan.unit(near, "Trường Đại Điền");
    let id = unit.document.to_string();
    lan.sync(vec![unit]).await;
    town.account("lanh-dao", "supervisor", &[near]).await;
    let chief = town.sign_in("lanh-dao").await;
    let body = json!({"unit": id, "campaign": campaign, "officers": [elsewhere]});
    let refused = town.post(&chief, "/api/v1/assignments", body).await;
    let why = refused.expect(422);
    assert!(
        why["detail_vi"]
            .as_str()
            .unwrap()
            .contains("không phụ trách"),
        "{why}"
    );
    let body = json!({"unit": id, "campaign": campaign, "officers": [minh], "due": "2019-06-30", "note": "Xem sổ trực"});
    let made = town.post(&chief, "/api/v1/assignments", body).await;
    let made = made.expect(201)["id"].as_str().unwrap().to_owned();

    let browser = Browser::sign_in(&town, "lanh-dao").await;
    let path = format!("/planning/assignments/{made}");
    let page = browser.read(&path).await;
    assert!(page.contains("30/06/2019") && page.contains("Xem sổ trực"));
    assert!(page.contains(&minh) && page.contains(&hoa) && !page.contains(&elsewhere));
    let form = |page: &str, fields: &[(&str, &str)]| {
        let (csrf, heads) = (hidden(page, "csrf"), hidden(page, "heads"));
        let mut form = format!("csrf={csrf}&heads={}", percent(&heads));
        for (name, value) in fields {
            form.push_str(&format!("&{name}={}", percent(value)));
        }
        form
    };
    let save = [
        ("act", "save"),
        ("due", "15/07/2019"),
        ("note", ""),
        ("officer", hoa.as_str()),
        ("reason", "Minh nghỉ phép"),
    ];
    // Without a reason, and with a day that does not exist: the form again, with what was typed in it.
    for (n, wrong) in [(4, ("reason", " ")), (1, ("due", "31/02/2019"))] {
        let mut fields = save;
        fields[n] = wrong;
        let done = browser.submit(&path, &form(&page, &fields)).await;
        assert_eq!(done.status(), 422);
        let again = done.text().await.unwrap();
        assert!(again.contains("role=\"alert\"") && again.contains(wrong.1.trim()));
    }
    let done = browser.submit(&path, &form(&page, &save)).await;
    assert_eq!(done.status(), 303);
    let late = browser.submit(&path, &form(&page, &save)).await;
    assert_eq!(late.status(), 409, "somebody was faster");
    let told = progress(&town, &chief, &campaign).await;
    assert_eq!(told["work"][0]["due"], "2019-07-15");
    assert_eq!(told["work"][0]["officers"], json!(["HOA"]));

    let page = browser.read(&path).await;
    let cancel = [
        ("act", "cancel"),
        ("due", ""),
        ("note", ""),
        ("reason", "Đơn vị đã giải thể"),
    ];
    assert_eq!(
        browser.submit(&path, &form(&page, &cancel)).await.status(),
        303
    );
    let told = progress(&town, &chief, &campaign).await;
    assert_eq!(told["total"]["assigned"], 0);
    assert!(browser.read(&path).await.contains("đã hủy"));
    // It is offered again, and assigning it anew takes it up again.
    let offers = browser.read(&format!("/planning/{campaign}")).await;
    assert!(offers.contains(&format!("value=\"{id}\"")));
    let again = [("unit", id.as_str()), ("officer", &minh)];
    assert_eq!(assign(&browser, &campaign, &again).await, 303);
    let told = progress(&town, &chief, &campaign).await;
    assert_eq!(told["total"]["assigned"], 1);
    assert_eq!(told["work"][0]["officers"], json!(["MINH"]));
    let log = town.get(&town.admin, "/api/v1/audit").await.expect(200);
    let log = log.to_string();
    assert!(log.contains("assignment-changed") && log.contains("assignment-cancelled"));
}

#[tokio::test]
async fn a_campaign_is_made_by_form_and_its_name_is_corrected_but_not_its_criteria() {
    let town = Town::new().await;
    let set = json!({"area": town.district, "shipped": "KIEMTRA-CHUNG@1"});
    town.post(&town.admin, "/api/v1/criteria-sets", set)
        .await
        .expect(201);
    town.account("lanh-dao", "supervisor", &[town.district])
        .await;
    let browser = Browser::sign_in(&town, "lanh-dao").await;
    let page = browser.read("/planning/new").await;
    assert!(page.contains("KIEMTRA-CHUNG@1"));
    let form = |fields: &[(&str, &str)]| {
        let mut form = format!("csrf={}", hidden(&page, "csrf"));
        for (name, value) in fields {
            form.push_str(&format!("&{name}={}", percent(value)));
        }
        form
    };
    let area = town.district.to_string();
    let good = [
        ("area", area.as_str()),
        ("name", "Đợt <i>một</i>"),
        ("year", "2019"),
        ("issuing_body", "Ban Chỉ đạo"),
        ("legal_basis", "Kế hoạch 118"),
        ("criteria.school", "KIEMTRA-CHUNG@1"),
        ("window_start.school", "01/06/2018"),
        ("window_end.school", "31/05/2019"),
    ];
    for (n, wrong) in [
        (2, ("year", "hai nghìn")),
        (5, ("criteria.school", "")),
        (7, ("window_end.school", "")),
        (7, ("window_end.school", "01/01/2018")),
        (1, ("name", "")),
    ] {
        let mut fields = good;
        fields[n] = wrong;
        let done = browser.submit("/planning/new", &form(&fields)).await;
        assert_eq!(done.status(), 422, "{wrong:?}");
        let again = done.text().await.unwrap();
        assert!(again.contains("role=\"alert\"") && again.contains("Kế hoạch 118"));
    }
    let done = browser.submit("/planning/new", &form(&good)).await;
    assert_eq!(done.status(), 303);
    let to = done.headers()["location"].to_str().unwrap().to_owned();
    let page = browser.read(&to).await;
    assert!(page.contains("&#60;i&#62;một"));
    let id = to.trim_start_matches("/planning/");
    let chief = town.sign_in("lanh-dao").await;
    let record = town.get(&chief, &format!("/api/v1/records/{id}")).await;
    let record = record.expect(200);
    assert_eq!(
        record["fields"]["sets"],
        json!({"school.criteria": "KIEMTRA-CHUNG@1", "school.window_start": "2018-06-01", "school.window_end": "2019-05-31"})
    );
    let correct = |path: &'static str| json!({"heads": record["heads"], "reason": "sai", "edits": [{"edit": "set", "path": path, "value": "Đợt hai"}]});
    let edits = format!("/api/v1/records/{id}/edits");
    town.post(&chief, &edits, correct("sets/school.criteria"))
        .await
        .expect(403);
    town.post(&chief, &edits, correct("name")).await.expect(200);
    assert!(browser.read("/planning").await.contains("Đợt hai"));
}
