//! When the two sides do not hold the same: restored servers, damaged news, sums that went wrong.

use sokiem_client_core::search::Query;
use sokiem_record::id::EpochId;
use uuid::Uuid;

use crate::{
    books::{book, school, set, started, sync},
    model::{area, campaign},
};

#[test]
fn a_server_that_was_restored_gets_back_what_it_lost() {
    let (one, server) = started();
    let campaign = campaign(&server, area(1));
    let old = school(&one, area(1), "Trường cũ");
    sync(&one, &server);
    let backup = server.lock().clone();
    // After the backup: a new unit, an edit, an inspection; all acknowledged.
    let new = school(&one, area(1), "Trường mới");
    one.edit(old, None, &[set("staff", 9)], None).unwrap();
    let inspection = one.open_planned_inspection(old, campaign).unwrap().document;
    assert!(sync(&one, &server).verified);
    *server.lock() = backup;
    server.lock().epoch = EpochId(Uuid::from_u128(2));
    // And something that was never acknowledged.
    one.edit(new, None, &[set("staff", 5)], None).unwrap();
    let report = sync(&one, &server);
    assert!(report.verified && report.offered_again == 3, "{report:?}");
    let model = server.lock();
    assert_eq!(model.documents[&old].2.to_json()["staff"], 9);
    assert_eq!(model.documents[&new].2.to_json()["staff"], 5);
    assert!(model.documents.contains_key(&inspection));
    drop(model);
    assert!(one.refused().unwrap().is_empty());
    assert!(
        one.events(20)
            .unwrap()
            .iter()
            .any(|event| event.event == "epoch-changed")
    );
    assert!(sync(&one, &server).verified);
}

#[test]
fn a_restored_server_gets_each_devices_part_back_from_whichever_comes_first() {
    let (one, server) = started();
    let unit = school(&one, area(1), "Trường");
    sync(&one, &server);
    let other = book(2);
    sync(&other, &server);
    let backup = server.lock().clone();
    one.edit(unit, None, &[set("staff", 1)], None).unwrap();
    sync(&one, &server);
    sync(&other, &server);
    other.edit(unit, None, &[set("staff", 2)], None).unwrap();
    sync(&other, &server);
    sync(&one, &server);
    *server.lock() = backup;
    server.lock().epoch = EpochId(Uuid::from_u128(2));
    // This server takes from a device only what the device wrote: the other's work waits for the other.
    let foreign = one.actor().unwrap();
    server
        .lock()
        .refuse
        .insert(foreign, sokiem_record::refusal::Refusal::ForeignActor);
    let report = sync(&other, &server);
    assert!(!report.verified && report.disagreeing == [area(1)]);
    assert_eq!(
        other.get(unit).unwrap().fields["staff"],
        2,
        "nothing leaves the record"
    );
    assert_eq!(other.status().unwrap().disagreeing, [area(1)]);
    server.lock().refuse.clear();
    assert!(sync(&one, &server).verified);
    assert!(sync(&other, &server).verified);
    assert!(other.status().unwrap().disagreeing.is_empty());
    assert_eq!(server.lock().documents[&unit].2.to_json()["staff"], 2);
}

#[test]
fn a_log_that_was_cut_back_is_noticed_by_the_cursor() {
    let (one, server) = started();
    let unit = school(&one, area(1), "Trường");
    sync(&one, &server);
    let backup = server.lock().clone();
    one.edit(unit, None, &[set("staff", 1)], None).unwrap();
    sync(&one, &server);
    // Restored without a new epoch: against the rules, and it heals all the same.
    *server.lock() = backup;
    assert!(sync(&one, &server).verified);
    assert_eq!(server.lock().documents[&unit].2.to_json()["staff"], 1);
}

#[test]
fn damaged_news_is_set_aside_and_never_called_synced() {
    let (one, server) = started();
    let unit = school(&one, area(1), "Trường");
    let sound = school(&one, area(1), "Trường lành");
    sync(&one, &server);
    server.lock().damage.insert(unit);
    let other = book(2);
    let report = sync(&other, &server);
    assert!(!report.verified && report.bad_entries > 0 && report.disagreeing == [area(1)]);
    assert_eq!(other.list(&Query::default()).unwrap()[0].document, sound);
    assert!(other.status().unwrap().last_verified_ms.is_none());
    assert!(
        other
            .events(20)
            .unwrap()
            .iter()
            .any(|event| event.event == "bad-entry")
    );
    // A known disagreement is not fought over again and again.
    let before = server.lock().reconciles;
    sync(&other, &server);
    assert_eq!(server.lock().reconciles, before);
    // Once the server is well, the next news heals the area.
    server.lock().damage.clear();
    one.edit(unit, None, &[set("staff", 1)], None).unwrap();
    sync(&one, &server);
    let report = sync(&other, &server);
    assert!(report.verified, "{report:?}");
    assert_eq!(other.get(unit).unwrap().fields["staff"], 1);
}
