//! Two records of one real unit that become one.

use serde_json::json;
use sokiem_record::id::DocumentId;

use crate::{
    harness::Town,
    pages::{Browser, hidden, percent},
};

#[tokio::test]
async fn two_records_of_one_unit_are_joined_and_count_as_one_and_taken_apart_again() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut phone = town.phone("minh", &[area]).await;
    let (kept, gone) = (
        phone.unit(area, "Trường Đại Điền"),
        phone.unit(area, "Trường  Đại Điền"),
    );
    let (kept_id, gone_id) = (kept.document, gone.document);
    phone.sync(vec![kept, gone]).await;
    let staff = phone.set(gone_id, "staff", json!(42));
    let address = phone.set(gone_id, "address", json!("Ấp 2"));
    let other = phone.set(kept_id, "address", json!("Ấp Hai"));
    phone.sync(vec![staff, address, other]).await;
    for unit in [kept_id, gone_id] {
        let scope = phone.set(unit, "years/2019.in_scope", json!(true));
        phone.sync(vec![scope]).await;
    }
    let inspection = phone.inspection(area, gone_id);
    let inspection_id = inspection.document;
    phone.sync(vec![inspection]).await;
    let on = phone.set(inspection_id, "inspected_on", json!("2019-08-05"));
    let finished = phone.set(inspection_id, "finished", json!(true));
    phone.sync(vec![on, finished]).await;
    let report = async || {
        let path = "/api/v1/report?from=2019&to=2019&as_of=2019-12-31";
        let report = town.get(&town.admin, path).await.expect(200);
        let figure = |name: &str| report["years"][0]["total"][name]["value"].clone();
        (report["units_total"].clone(), figure("inspected"))
    };
    assert_eq!(report().await, (json!(2), json!(1)));

    town.account("tam", "supervisor", &[area]).await;
    let browser = Browser::sign_in(&town, "tam").await;
    let join = format!("/records/{gone_id}/join");
    let offered = browser.read(&join).await;
    assert!(offered.contains(&format!("into={kept_id}")));
    let page = browser.read(&format!("{join}?into={kept_id}")).await;
    assert!(page.contains("Ấp 2") && page.contains("Ấp Hai") && page.contains("42"));
    let form = |page: &str, more: &str| {
        let field = |name: &str| percent(&hidden(page, name));
        format!(
            "csrf={}&heads={}&into_heads={}&into={kept_id}&{more}",
            field("csrf"),
            field("heads"),
            field("into_heads")
        )
    };
    let wrong = browser
        .submit(&join, &form(&page, "take=staff&reason="))
        .await;
    assert_eq!(wrong.status(), 422);
    let wrong = browser
        .submit(&join, &form(&page, "take=joined_into&reason=x"))
        .await;
    assert_eq!(wrong.status(), 422);
    let done = browser
        .submit(
            &join,
            &form(&page, "take=staff&reason=M%E1%BB%99t+tr%C6%B0%E1%BB%9Dng"),
        )
        .await;
    assert_eq!(done.status(), 303);
    assert_eq!(
        report().await,
        (json!(1), json!(1)),
        "its inspection counts for the one that stays"
    );
    let record = format!("/api/v1/records/{kept_id}");
    let fields = town.get(&town.admin, &record).await.expect(200)["fields"].clone();
    assert_eq!(
        (&fields["staff"], &fields["address"]),
        (&json!(42), &json!("Ấp Hai"))
    );
    let page = browser.read(&format!("/records/{kept_id}")).await;
    assert!(page.contains(&inspection_id.to_string()) && page.contains(&gone_id.to_string()));
    let page = browser.read(&format!("/records/{gone_id}")).await;
    assert!(page.contains("đã nhập vào") && page.contains(&inspection_id.to_string()));
    // The phone is told, and the figure opens the record that stays.
    phone.sync(Vec::new()).await;
    let told = phone.held[&gone_id].1.line("joined_into");
    assert_eq!(told, Some(kept_id.to_string()));

    // A third record that is joined into the one that went would be lost from sight.
    let third = phone.unit(area, "Trường Đại Điền 3");
    let third_id = third.document;
    let scope = phone.set(third_id, "years/2019.in_scope", json!(true));
    phone.sync(vec![third, scope]).await;
    let heads = async |id: DocumentId| {
        let path = format!("/api/v1/records/{id}");
        town.get(&town.admin, &path).await.expect(200)["heads"].clone()
    };
    let body = json!({"into": gone_id, "heads": heads(third_id).await, "into_heads": heads(gone_id).await, "reason": "x"});
    town.post(
        &town.admin,
        &format!("/api/v1/records/{third_id}/join"),
        body,
    )
    .await
    .expect(422);
    // Where the one that stays is joined into the third, what was joined into it goes along.
    let body = json!({"into": third_id, "heads": heads(kept_id).await, "into_heads": heads(third_id).await, "reason": "x"});
    town.post(
        &town.admin,
        &format!("/api/v1/records/{kept_id}/join"),
        body,
    )
    .await
    .expect(204);
    assert_eq!(report().await.0, json!(1));
    let fields = town
        .get(&town.admin, &format!("/api/v1/records/{gone_id}"))
        .await
        .expect(200)["fields"]
        .clone();
    assert_eq!(fields["joined_into"], json!(third_id.to_string()));

    let separate = format!("/records/{gone_id}/separate");
    let page = browser.read(&separate).await;
    let fields = format!(
        "csrf={}&heads={}&reason=Hai+n%C6%A1i",
        percent(&hidden(&page, "csrf")),
        percent(&hidden(&page, "heads"))
    );
    assert_eq!(browser.submit(&separate, &fields).await.status(), 303);
    assert_eq!(report().await.0, json!(2));
    let log = town.get(&town.admin, "/api/v1/audit").await.expect(200);
    let log = log.to_string();
    assert!(log.contains("unit-joined") && log.contains("unit-separated"));
}
