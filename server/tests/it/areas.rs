//! Areas that are renamed, merged and split while officers are out in the field.

use reqwest::Method;
use serde_json::{Value, json};
use sokiem_record::id::{AreaId, DocumentId};

use crate::{
    harness::Town,
    pages::{Browser, hidden, percent},
};

async fn area_of(town: &Town, record: DocumentId) -> String {
    let path = format!("/api/v1/records/{record}");
    let record = town.get(&town.admin, &path).await.expect(200);
    record["area"].as_str().unwrap().to_owned()
}

async fn all(town: &Town, token: &str) -> Vec<Value> {
    let areas = town.get(token, "/api/v1/areas").await.expect(200);
    areas.as_array().unwrap().clone()
}

async fn merge(town: &Town, from: AreaId, into: AreaId) -> crate::harness::Answer {
    let body = json!({ "into": into });
    town.post(&town.admin, &format!("/api/v1/areas/{from}/merge"), body)
        .await
}

#[tokio::test]
async fn a_commune_becomes_part_of_another_with_its_records_and_its_people() {
    let town = Town::new().await;
    let [near, far] = town.communes;
    let mut lan = town.phone("lan", &[near]).await;
    let mut hoa = town.phone("hoa", &[far]).await;
    let unit = lan.unit(near, "Trường Đại Điền");
    let unit_id = unit.document;
    let inspection = lan.inspection(near, unit_id);
    let inspection_id = inspection.document;
    lan.sync(vec![unit, inspection]).await;
    // Lan is out of reach: a finding, and a unit that nobody has heard of.
    let answer = lan.set(inspection_id, "number", json!("12/BB"));
    let new = lan.unit(near, "Trạm y tế");
    let new_id = new.document;

    let merged = merge(&town, near, far).await.expect(200);
    assert_eq!(merged["area"], json!(far));
    assert_eq!(area_of(&town, inspection_id).await, far.to_string());
    lan.sync(vec![answer, new]).await;
    assert_eq!(area_of(&town, new_id).await, far.to_string());
    // Both phones hold the same, Lan's too, who was given the area.
    hoa.sync(Vec::new()).await;
    lan.sync(Vec::new()).await;
    for phone in [&lan, &hoa] {
        for record in [unit_id, inspection_id, new_id] {
            let (area, _) = &phone.held[&record];
            assert_eq!(*area, far);
        }
    }
    assert_eq!(lan.fingerprint(far), hoa.fingerprint(far));
    assert_eq!(
        lan.held[&inspection_id].1.line("number").as_deref(),
        Some("12/BB")
    );
    let area = all(&town, &town.admin).await;
    let near_now = area.iter().find(|area| area["id"] == json!(near)).unwrap();
    assert_eq!(near_now["merged_into"], json!(far));

    // It is no place for anything new any more, and merged only once.
    let unit = json!({"area": near, "fields": {"name": "Công ty Dừa", "unit_kind": "enterprise"}});
    let refused = town.post(&town.admin, "/api/v1/units", unit).await;
    assert!(
        refused.expect(422)["detail_vi"]
            .as_str()
            .unwrap()
            .contains("sáp nhập")
    );
    merge(&town, near, far).await.expect(422);
    merge(&town, far, near).await.expect(422);
    let log = town.get(&town.admin, "/api/v1/audit").await.expect(200);
    assert!(log.to_string().contains("area-merged"));
}

#[tokio::test]
async fn what_is_below_a_merged_area_goes_with_it_and_nothing_is_merged_into_itself() {
    let town = Town::new().await;
    let [near, far] = town.communes;
    merge(&town, town.district, near).await.expect(422);
    merge(&town, near, near).await.expect(422);
    let province = json!({"name": "Vĩnh Long", "level": "province"});
    let province = town.post(&town.admin, "/api/v1/areas", province).await;
    let province: AreaId = AreaId(
        province.expect(201)["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap(),
    );
    town.account("lanh-dao", "supervisor", &[town.district])
        .await;
    merge(&town, town.district, province).await.expect(200);
    let chief = town.sign_in("lanh-dao").await;
    let areas = all(&town, &chief).await;
    for commune in [near, far] {
        let commune = areas.iter().find(|area| area["id"] == json!(commune));
        assert_eq!(commune.unwrap()["parent"], json!(province));
    }
}

#[tokio::test]
async fn units_are_split_off_into_a_new_commune_for_the_same_people_by_form() {
    let town = Town::new().await;
    let [near, far] = town.communes;
    let mut lan = town.phone("lan", &[near]).await;
    let mut units = Vec::new();
    for name in ["Trường Đại Điền", "Trạm y tế", "Công ty <i>Dừa</i>"] {
        let unit = lan.unit(near, name);
        units.push(unit.document);
        lan.sync(vec![unit]).await;
    }
    let inspection = lan.inspection(near, units[0]);
    let inspection_id = inspection.document;
    lan.sync(vec![inspection]).await;
    let browser = Browser::sign_in(&town, "admin").await;
    let path = format!("/admin/areas/{near}");
    let page = browser.read(&path).await;
    assert!(page.contains("&#60;i&#62;Dừa") && !page.contains("<i>Dừa"));
    let csrf = hidden(&page, "csrf");
    let form = |fields: &[(&str, &str)]| {
        let mut form = format!("csrf={csrf}");
        for (name, value) in fields {
            form.push_str(&format!("&{name}={}", percent(value)));
        }
        form
    };
    let (one, two) = (units[0].to_string(), units[1].to_string());
    let split = format!("{path}/split");
    for wrong in [
        &[("unit", one.as_str()), ("into", ""), ("name", " ")][..],
        &[("into", ""), ("name", "Xã Mới")],
        &[
            ("unit", &one),
            ("into", &far.to_string()),
            ("name", "Xã Mới"),
        ],
    ] {
        let done = browser.submit(&split, &form(wrong)).await;
        assert_eq!(done.status(), 422, "{wrong:?}");
    }
    let good = [
        ("unit", one.as_str()),
        ("unit", &two),
        ("into", ""),
        ("name", "Xã Mới"),
    ];
    let done = browser.submit(&split, &form(&good)).await;
    assert_eq!(done.status(), 303);
    let made = done.headers()["location"].to_str().unwrap();
    let made = made.trim_start_matches("/admin/areas/").to_owned();
    assert_eq!(area_of(&town, units[0]).await, made);
    assert_eq!(area_of(&town, inspection_id).await, made);
    assert_eq!(area_of(&town, units[2]).await, near.to_string());
    // The officer has the new commune without anybody giving it, and finds the same there.
    lan.sync(Vec::new()).await;
    lan.sync(Vec::new()).await;
    let made = AreaId(made.parse().unwrap());
    assert_eq!(lan.held[&units[0]].0, made);
    assert_eq!(lan.held[&units[2]].0, near);
    // The same again: those units do not lie here any more.
    let done = browser.submit(&split, &form(&good)).await;
    assert_eq!(done.status(), 422);
}

#[tokio::test]
async fn an_inspection_that_was_begun_before_its_unit_moved_is_filed_with_the_unit() {
    let town = Town::new().await;
    let [near, far] = town.communes;
    let mut lan = town.phone("lan", &[near]).await;
    let unit = lan.unit(near, "Trường Đại Điền");
    let unit_id = unit.document;
    lan.sync(vec![unit]).await;
    let inspection = lan.inspection(near, unit_id);
    let inspection_id = inspection.document;
    let path = format!("/api/v1/records/{unit_id}/area");
    town.post(&town.admin, &path, json!({ "area": far }))
        .await
        .expect(204);
    lan.sync(vec![inspection]).await;
    assert_eq!(area_of(&town, inspection_id).await, far.to_string());

    // A unit that never lay there draws nothing to where it lies.
    let mut hoa = town.phone("hoa", &[far]).await;
    let other = hoa.unit(far, "Công ty Dừa");
    let other_id = other.document;
    hoa.sync(vec![other]).await;
    let about_it = lan.inspection(near, other_id);
    let about_it_id = about_it.document;
    lan.sync(vec![about_it]).await;
    assert_eq!(area_of(&town, about_it_id).await, near.to_string());
}

#[tokio::test]
async fn an_area_is_renamed_and_put_elsewhere_but_never_below_itself() {
    let town = Town::new().await;
    let [near, far] = town.communes;
    let change = |area: AreaId, body: Value| {
        let path = format!("/api/v1/areas/{area}");
        let (http, url, token) = (town.http.clone(), town.url(&path), town.admin.clone());
        async move {
            let request = http.request(Method::PUT, url).bearer_auth(token);
            let done = request.json(&body).send().await.unwrap();
            done.status().as_u16()
        }
    };
    let renamed = json!({"name": "Xã Thạnh Phú", "parent": town.district});
    assert_eq!(change(near, renamed).await, 204);
    let below_itself = json!({"name": "Huyện", "parent": near});
    assert_eq!(change(town.district, below_itself).await, 422);
    let nameless = json!({"name": " ", "parent": null});
    assert_eq!(change(near, nameless).await, 422);
    let below_far = json!({"name": "Xã Thạnh Phú", "parent": far});
    assert_eq!(change(near, below_far).await, 204);
    // Whoever has the area above has it now, and the phone is told its name.
    let mut hoa = town.phone("hoa", &[far]).await;
    hoa.sync(Vec::new()).await;
    let named = hoa.held.values().any(|(area, document)| {
        *area == near && document.line("name").as_deref() == Some("Xã Thạnh Phú")
    });
    assert!(named);
}
