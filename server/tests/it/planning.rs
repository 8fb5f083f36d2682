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
