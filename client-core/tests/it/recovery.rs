//! When the two sides do not hold the same: restored servers, damaged news, sums that went wrong.

use sokiem_client_core::search::Query;
use sokiem_record::{edit::Edit, id::EpochId, refusal::Refusal, wire::Grant};
use uuid::Uuid;

use crate::{
    books::{book, school, set, started, sync, try_sync},
    model::{Fault, Server, area, campaign, desk},
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

/// Its area was taken away while something of it was not sent; then the server lost what it had acknowledged.
#[test]
fn what_a_restored_server_lost_of_a_record_that_is_about_to_leave_is_not_lost() {
    let (book, server) = (book(1), Server::new(&[area(1), area(2)]));
    sync(&book, &server);
    let unit = school(&book, area(2), "Trường");
    sync(&book, &server);
    let backup = server.lock().clone();
    let staff = |count: i64| {
        let saved = book.edit(unit, None, &[set("staff", count)], None);
        saved.unwrap().change.unwrap()
    };
    let acknowledged = staff(9);
    assert!(sync(&book, &server).verified);
    let unsent = staff(10);
    server.lock().grants.pop();
    assert_eq!(sync(&book, &server).refused, 1, "the area is another's");
    let refused = || -> Vec<_> {
        let refused = book.refused().unwrap();
        refused.iter().map(|one| one.hash).collect()
    };
    assert_eq!(refused(), [unsent]);

    let grants = server.lock().grants.clone();
    *server.lock() = backup;
    server.lock().grants = grants;
    server.lock().epoch = EpochId(Uuid::from_u128(2));
    sync(&book, &server);
    assert!(refused().contains(&acknowledged) && refused().contains(&unsent));
}

/// The answer to a push says first that the record lies where this device has no business any more.
#[test]
fn what_a_restored_server_lost_of_a_record_that_it_moved_away_is_not_lost() {
    let (book, server) = (book(1), Server::new(&[area(1)]));
    sync(&book, &server);
    let unit = school(&book, area(1), "Trường");
    sync(&book, &server);
    let backup = server.lock().clone();
    let staff = |count: i64| {
        let saved = book.edit(unit, None, &[set("staff", count)], None);
        saved.unwrap().change.unwrap()
    };
    let acknowledged = staff(9);
    assert!(sync(&book, &server).verified);
    let unsent = staff(10);
    *server.lock() = backup;
    server.lock().epoch = EpochId(Uuid::from_u128(2));
    server.lock().move_document(unit, area(2), false);
    sync(&book, &server);
    let refused: Vec<_> = book.refused().unwrap().iter().map(|one| one.hash).collect();
    assert!(refused.contains(&acknowledged) && refused.contains(&unsent));
}

/// It lay in an area that was in doubt, moved into one that never was, and left with that one. The line breaks
/// after so many requests in between.
#[test]
fn what_a_restored_server_lost_of_a_record_that_moved_before_it_left_is_not_lost() {
    for answered in 0..8 {
        let (book, server) = (book(1), Server::new(&[area(1)]));
        sync(&book, &server);
        let unit = school(&book, area(1), "Trường");
        sync(&book, &server);
        let backup = server.lock().clone();
        let saved = book.edit(unit, None, &[set("staff", 9)], None).unwrap();
        assert!(sync(&book, &server).verified);
        *server.lock() = backup;
        server.lock().epoch = EpochId(Uuid::from_u128(2));
        server.lock().grants.push(Grant {
            area: area(2),
            writable: true,
        });
        server.lock().move_document(unit, area(2), true);
        server.lock().faults = std::iter::repeat_n(Fault::Twice, answered)
            .chain([Fault::RequestLost])
            .collect();
        let _ = try_sync(&book, &server);
        server.lock().faults.clear();
        server.lock().grants.pop();
        sync(&book, &server);
        let at_server = server.lock().documents[&unit].2.to_json()["staff"] == 9;
        let refused = book.refused().unwrap();
        let is_seen = refused.iter().any(|one| Some(one.hash) == saved.change);
        assert!(at_server || is_seen, "after {answered} answers");
    }
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
    server.lock().refuse.insert(foreign, Refusal::ForeignActor);
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

/// What it had acknowledged was lost and is refused now, and its clone's work took the place: the news can't stand
/// beside what it has, and nothing of its own is known at the server.
#[test]
fn a_phone_whose_lost_work_is_refused_and_overtaken_agrees_again_and_keeps_the_work() {
    for loose in [false, true] {
        let (one, server) = started();
        server.lock().loose = loose;
        let unit = school(&one, area(1), "Trường");
        sync(&one, &server);
        let clone = book(1);
        sync(&clone, &server);
        let backup = server.lock().clone();
        one.edit(unit, None, &[set("staff", 9)], None).unwrap();
        assert!(sync(&one, &server).verified);
        *server.lock() = backup;
        server.lock().epoch = EpochId(Uuid::from_u128(2));
        let actor = one.actor().unwrap();
        let refusal = Refusal::OutOfScope;
        server.lock().refuse.insert(actor, refusal);
        assert!(!sync(&one, &server).verified, "its work is refused");
        server.lock().refuse.clear();
        clone
            .edit(unit, None, &[set("phone", "0275")], None)
            .unwrap();
        assert!(sync(&clone, &server).verified);
        server.lock().refuse.insert(actor, refusal);
        let report = sync(&one, &server);
        assert!(report.verified, "loose {loose}: {report:?}");
        let read = server.lock().documents[&unit].2.to_json();
        assert_eq!(
            (&read["staff"], &read["phone"]),
            (&9.into(), &"0275".into())
        );
    }
}

/// A value that another one outshone is work too: nobody has settled between them yet.
#[test]
fn a_phone_that_was_overtaken_by_its_clone_brings_back_also_the_values_that_did_not_win() {
    let (one, server) = started();
    let unit = school(&one, area(1), "Trường");
    sync(&one, &server);
    let clone = book(1);
    sync(&clone, &server);
    one.edit(unit, None, &[set("address", "Ấp 1")], None)
        .unwrap();
    for staff in 1..4 {
        let edit = [set("staff", staff)];
        server.lock().edit(unit, &desk(), &edit);
    }
    let edit = [set("address", "Ấp 9")];
    server.lock().edit(unit, &desk(), &edit);
    let backup = server.lock().clone();
    assert!(sync(&one, &server).verified);
    assert_eq!(one.get(unit).unwrap().fields["address"], "Ấp 9");
    *server.lock() = backup;
    server.lock().epoch = EpochId(Uuid::from_u128(2));
    // The same actor and sequence, taken by other work.
    clone
        .edit(unit, None, &[set("phone", "0275")], None)
        .unwrap();
    assert!(sync(&clone, &server).verified);
    assert!(sync(&one, &server).verified);
    assert!(one.refused().unwrap().is_empty());
    let model = server.lock();
    let conflicts = model.documents[&unit].2.conflicts();
    let values: Vec<_> = conflicts[0]
        .alternatives
        .iter()
        .map(|one| one.value.as_str().unwrap())
        .collect();
    assert!(
        values.contains(&"Ấp 1") && values.contains(&"Ấp 9"),
        "{values:?}"
    );
    assert_eq!(model.documents[&unit].2.to_json()["phone"], "0275");
}

#[test]
fn a_cloned_phone_sends_its_unsent_work_under_a_new_actor() {
    // Two phones with the same randomness have the same actor: one is the other's clone.
    let (one, server) = started();
    let campaign = campaign(&server, area(1));
    let unit = school(&one, area(1), "Trường");
    sync(&one, &server);
    let clone = book(1);
    assert_eq!(clone.actor().unwrap(), one.actor().unwrap());
    sync(&clone, &server);
    let inspection = one
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    clone.open_planned_inspection(unit, campaign).unwrap();
    one.edit(inspection, None, &[set("place", "Đại Điền")], None)
        .unwrap();
    let finding = Uuid::from_u128(0xf1);
    let text = |path: &str, text: &str| Edit::Text {
        path: path.parse().unwrap(),
        text: text.into(),
    };
    let work = [
        vec![set("place", "Thạnh Phong"), text("opinion", "Đồng ý.")],
        vec![Edit::Add {
            path: format!("findings/{finding}").parse().unwrap(),
            fields: [
                ("text".to_owned(), "Thiếu sổ".into()),
                ("deadline".to_owned(), "2026-05-01".into()),
            ]
            .into(),
        }],
        vec![text("opinion", "Đồng ý, sẽ sửa.")],
    ];
    for edits in &work {
        clone
            .edit(inspection, None, edits, Some("tại chỗ"))
            .unwrap();
    }
    assert!(sync(&one, &server).verified);
    let report = sync(&clone, &server);
    assert!(report.verified && report.refused == 0, "{report:?}");
    assert_ne!(clone.actor().unwrap(), one.actor().unwrap());
    assert_eq!(server.lock().bound, [clone.actor().unwrap()]);
    assert!(clone.refused().unwrap().is_empty());
    sync(&one, &server);
    for book in [&one, &clone] {
        let read = book.get(inspection).unwrap();
        assert_eq!(read.fields["opinion"], "Đồng ý, sẽ sửa.");
        assert_eq!(
            read.fields["findings"][finding.to_string()]["text"],
            "Thiếu sổ"
        );
        assert_eq!(
            read.fields["findings"][finding.to_string()]["deadline"],
            "2026-05-01"
        );
        let places: Vec<_> = read.conflicts[0]
            .alternatives
            .iter()
            .map(|one| one.value.as_str().unwrap())
            .collect();
        assert!(places.contains(&"Đại Điền") && places.contains(&"Thạnh Phong"));
        let history = book.history(inspection).unwrap();
        assert_eq!(
            history
                .iter()
                .filter(|entry| entry.provenance.reason.as_deref() == Some("tại chỗ"))
                .count(),
            3
        );
    }
}
