//! Refused work of real devices, and what a supervisor makes of it at a real server.

use serde_json::json;
use sokiem_record::{
    edit::Edit,
    id::{AreaId, DocumentId},
};
use sokiem_tests::{
    device::Device,
    town::{Small, new_unit},
};

fn staff(count: i64) -> Edit {
    Edit::Set {
        path: "staff".parse().unwrap(),
        value: count.into(),
    }
}

/// A town, a phone whose area was taken away while it had work to send, the unit, and the officer's account.
async fn moved_officer() -> (Small, Device, DocumentId, String) {
    let town = Small::start().await.unwrap();
    let lan = town.officer("lan").await.unwrap();
    lan.sync().await.unwrap();
    let unit = new_unit(&lan.book, town.commune, 1).unwrap();
    lan.sync().await.unwrap();
    lan.book.edit(unit, None, &[staff(31)], None).unwrap();
    let account = lan.book.enrolment().unwrap().unwrap().account;
    let grant = format!("/api/v1/accounts/{account}/areas/{}", town.commune);
    town.desk.delete(&grant).await.unwrap();
    (town, lan, unit, account.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn work_for_an_area_that_was_taken_away_is_taken_over_and_comes_back_to_the_phone() {
    let (town, lan, unit, account) = moved_officer().await;
    lan.sync().await.unwrap();
    assert_eq!(lan.book.refused().unwrap().len(), 1);
    let list = town.desk.get("/api/v1/quarantine").await.unwrap();
    let one = list["refused"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(list["refused"][0]["reason"], "out-of-scope");
    let said = town
        .desk
        .get(&format!("/api/v1/quarantine/{one}"))
        .await
        .unwrap();
    assert_eq!(
        (
            said["fields"][0]["path"].clone(),
            said["fields"][0]["after"].clone()
        ),
        (json!("staff"), json!(31))
    );
    let why = json!({"reason": "Làm khi còn phụ trách"});
    town.desk
        .post(&format!("/api/v1/quarantine/{one}/take-over"), why)
        .await
        .unwrap();
    assert_eq!(
        town.desk.record(unit.0).await.unwrap()["fields"]["staff"],
        31
    );
    let area = AreaId(town.commune);
    town.desk
        .put(
            &format!("/api/v1/accounts/{account}/areas/{area}"),
            json!({}),
        )
        .await
        .unwrap();
    lan.sync().await.unwrap();
    assert_eq!(lan.book.get(unit).unwrap().fields["staff"], 31);
    assert!(lan.book.refused().unwrap().is_empty());
    let events = lan.book.events(20).unwrap();
    assert!(events.iter().any(|event| event.event == "taken-over"));
}

/// The phone never gets a network again: its work comes to the desk as a file.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_without_a_network_for_ever_loses_nothing() {
    let (town, lan, unit, _) = moved_officer().await;
    let fresh = new_unit(&lan.book, town.commune, 2).unwrap();
    let file = lan.book.export_refused().unwrap();
    let imported = town
        .desk
        .post("/api/v1/quarantine/import", file)
        .await
        .unwrap();
    assert_eq!(imported["added"], 2);
    let list = town
        .desk
        .get("/api/v1/quarantine?reason=unsent")
        .await
        .unwrap();
    for one in list["refused"].as_array().unwrap() {
        let path = format!(
            "/api/v1/quarantine/{}/take-over",
            one["id"].as_str().unwrap()
        );
        town.desk
            .post(&path, json!({"reason": "Máy mất"}))
            .await
            .unwrap();
    }
    assert_eq!(
        town.desk.record(unit.0).await.unwrap()["fields"]["staff"],
        31
    );
    let history = town
        .desk
        .get(&format!("/api/v1/records/{fresh}/history"))
        .await
        .unwrap();
    assert_eq!(history[0]["by"]["name"], "Cán bộ lan");
}

/// The same with everything that is on the phone, as a person exports it who does not know what was sent.
#[tokio::test(flavor = "multi_thread")]
async fn everything_on_a_phone_brings_what_the_server_lacks_and_nothing_twice() {
    let (town, lan, unit, _) = moved_officer().await;
    let fresh = new_unit(&lan.book, town.commune, 2).unwrap();
    let import = async || {
        let file = lan.book.export().unwrap();
        let path = "/api/v1/quarantine/import";
        town.desk.post(path, file).await.unwrap()
    };
    let brought = import().await;
    assert_eq!(
        (&brought["added"], &brought["known"]),
        (&json!(2), &json!(0))
    );
    // The phone comes into a network after all. What is refused stands elsewhere in the file than what was never sent.
    lan.sync().await.unwrap();
    assert!(!lan.book.refused().unwrap().is_empty());
    let again = import().await;
    assert_eq!((&again["added"], &again["lacking"]), (&json!(0), &json!(0)));
    for document in brought["documents"].as_array().unwrap() {
        for one in document["last"].as_array().unwrap() {
            let path = format!("/api/v1/quarantine/{}/take-over", one.as_str().unwrap());
            let why = json!({"reason": "Máy mất"});
            town.desk.post(&path, why).await.unwrap();
        }
    }
    let record = town.desk.record(unit.0).await.unwrap();
    assert_eq!(record["fields"]["staff"], 31);
    assert!(town.desk.record(fresh.0).await.is_ok());
    let history = format!("/api/v1/records/{}/history", fresh.0);
    let history = town.desk.get(&history).await.unwrap();
    assert_eq!(history[0]["by"]["name"], "Cán bộ lan");
    let last = import().await;
    assert_eq!(last["added"], 0);
}
