//! Pushing, pulling, and what happens when requests and answers get lost.

use serde_json::json;
use sokiem_client_core::{Error, search::Query};
use sokiem_record::{edit::Edit, id::ActorId, refusal::Refusal};

use crate::{
    books::{book, fields, school, set, started, sync, try_sync},
    model::{Fault, Server, area, campaign},
};

#[test]
fn what_one_device_saves_arrives_on_the_other() {
    let (one, server) = started();
    let unit = school(&one, area(1), "Trường THCS Đại Điền");
    one.edit(unit, None, &[set("staff", 40)], None).unwrap();
    let report = sync(&one, &server);
    assert!(report.verified && report.acknowledged == 2 && report.pending == 0);
    let other = book(2);
    assert!(sync(&other, &server).verified);
    assert_eq!(other.get(unit).unwrap().fields["staff"], 40);
    assert_eq!(other.search("dai dien", 5).unwrap()[0].document, unit);
    other.edit(unit, None, &[set("staff", 41)], None).unwrap();
    sync(&other, &server);
    assert!(sync(&one, &server).verified);
    assert_eq!(one.get(unit).unwrap().fields["staff"], 41);
    let history = one.history(unit).unwrap();
    assert!(history.iter().all(|entry| entry.received_ms.is_some()));
    assert_eq!(
        history
            .iter()
            .map(|entry| entry.author.here)
            .collect::<Vec<_>>(),
        [true, true, false]
    );
}

#[test]
fn nothing_new_costs_one_exchange() {
    let (one, server) = started();
    school(&one, area(1), "Trường");
    sync(&one, &server);
    sync(&one, &server);
    let before = server.lock().exchanges;
    assert!(sync(&one, &server).verified);
    let model = server.lock();
    assert_eq!((model.exchanges - before, model.reconciles), (1, 0));
}

#[test]
fn two_officers_on_one_planned_inspection_end_with_one_record_and_both_values() {
    let (one, server) = started();
    let campaign = campaign(&server, area(1));
    let unit = school(&one, area(1), "Trường");
    sync(&one, &server);
    let other = book(2);
    sync(&other, &server);
    let id = one
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    assert_eq!(
        other
            .open_planned_inspection(unit, campaign)
            .unwrap()
            .document,
        id
    );
    for (book, answer, note) in [(&one, "pass", "Đủ hồ sơ."), (&other, "fail", "Thiếu sổ.")]
    {
        let note = Edit::Text {
            path: "items/T124-GD-REG/note".parse().unwrap(),
            text: note.into(),
        };
        book.edit(
            id,
            None,
            &[set("items/T124-GD-REG/answer", answer), note],
            None,
        )
        .unwrap();
    }
    assert!(sync(&one, &server).verified);
    assert!(sync(&other, &server).verified);
    assert!(sync(&one, &server).verified);
    for book in [&one, &other] {
        let read = book.get(id).unwrap();
        let note = read.fields["items"]["T124-GD-REG"]["note"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            note.contains("Đủ hồ sơ.") && note.contains("Thiếu sổ."),
            "{note}"
        );
        assert_eq!(read.conflicts.len(), 1);
        let alternatives = &read.conflicts[0].alternatives;
        assert_eq!(alternatives.iter().filter(|one| one.author.here).count(), 1);
        let listed = book
            .list(&Query {
                conflicts_only: true,
                ..Query::default()
            })
            .unwrap();
        assert_eq!(listed.len(), 1);
    }
    assert_eq!(one.get(id).unwrap().heads, other.get(id).unwrap().heads);
    let settle = Edit::Settle {
        path: "items/T124-GD-REG/answer".parse().unwrap(),
        value: "fail".into(),
    };
    one.edit(id, None, &[settle], Some("đã xem sổ")).unwrap();
    sync(&one, &server);
    sync(&other, &server);
    assert!(other.get(id).unwrap().conflicts.is_empty());
}

#[test]
fn a_lost_a_cut_and_a_doubled_answer_lose_and_double_nothing() {
    for fault in [
        Fault::RequestLost,
        Fault::ResponseLost,
        Fault::ResponseCut,
        Fault::Twice,
    ] {
        let (one, server) = started();
        let unit = school(&one, area(1), "Trường");
        server.lock().faults.push_back(fault);
        let first = try_sync(&one, &server);
        assert_eq!(first.is_ok(), fault == Fault::Twice, "{fault:?}");
        if let Err(error) = first {
            assert!(error.is_retryable(), "{fault:?}");
            let status = one.status().unwrap();
            assert!(status.pending == 1 && status.last_error.is_some() && !status.syncing);
        }
        one.edit(unit, None, &[set("staff", 1)], None).unwrap();
        assert!(sync(&one, &server).verified, "{fault:?}");
        assert!(one.status().unwrap().last_error.is_none());
        assert_eq!(one.history(unit).unwrap().len(), 2);
        let model = server.lock();
        assert_eq!(model.documents[&unit].2.change_count(), 2, "{fault:?}");
    }
}

#[test]
fn pulling_goes_on_page_by_page_until_the_end() {
    let (one, server) = started();
    for number in 0..25 {
        school(&one, area(1), &format!("Trường số {number}"));
    }
    sync(&one, &server);
    server.lock().page = 4;
    let other = book(2);
    assert!(sync(&other, &server).verified);
    assert_eq!(other.list(&Query::default()).unwrap().len(), 25);
}

#[test]
fn a_refused_change_leaves_the_record_and_stays_in_quarantine_with_what_builds_on_it() {
    let (one, server) = started();
    let unit = school(&one, area(1), "Trường");
    sync(&one, &server);
    let actor = one.actor().unwrap();
    server.lock().refuse.insert(actor, Refusal::TooLarge);
    one.edit(unit, None, &[set("staff", 1)], None).unwrap();
    one.edit(unit, None, &[set("staff", 2)], None).unwrap();
    let fresh = school(&one, area(1), "Trường mới");
    let report = sync(&one, &server);
    assert!(report.verified && report.refused == 3 && report.pending == 0);
    assert!(
        one.get(unit)
            .unwrap()
            .fields
            .get("staff")
            .is_none_or(serde_json::Value::is_null)
    );
    assert!(matches!(one.get(fresh), Err(Error::NoSuchDocument(_))));
    let refused = one.refused().unwrap();
    let of: Vec<_> = refused
        .iter()
        .map(|refused| (refused.document, refused.refusal))
        .collect();
    assert_eq!(
        of,
        [
            (unit, Refusal::TooLarge),
            (unit, Refusal::DependsOnRefused),
            (fresh, Refusal::TooLarge)
        ]
    );
    assert!(refused[0].vietnamese.contains("quá lớn") && refused[2].title == "Trường mới");
    assert_eq!(one.status().unwrap().refused, 3);
    assert_eq!(
        one.export().unwrap()["refused"].as_array().unwrap().len(),
        3
    );
    // The next work of the same device is taken.
    server.lock().refuse.clear();
    one.edit(unit, None, &[set("staff", 3)], None).unwrap();
    assert!(sync(&one, &server).verified);
    assert_eq!(server.lock().documents[&unit].2.to_json()["staff"], 3);
}

#[test]
fn one_refused_document_does_not_hold_up_the_others() {
    let (one, server) = started();
    let campaign = campaign(&server, area(1));
    let unit = school(&one, area(1), "Trường");
    sync(&one, &server);
    let id = one
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    let actor: ActorId = one.actor().unwrap();
    server.lock().refuse.insert(actor, Refusal::OutOfScope);
    one.edit(id, None, &[set("place", "Thạnh Phú")], None)
        .unwrap();
    let report = sync(&one, &server);
    // The planned inspection's first change has an actor of its own, and is stored.
    assert_eq!((report.acknowledged, report.refused), (1, 1));
    assert!(one.get(id).is_ok() && server.lock().documents.contains_key(&id));
}

#[test]
fn an_area_that_is_lost_goes_once_its_work_is_pushed_and_comes_back_whole() {
    let server = Server::new(&[area(1), area(2)]);
    let one = book(1);
    sync(&one, &server);
    let kept = school(&one, area(1), "Trường ở lại");
    let gone = school(&one, area(2), "Trường ra đi");
    sync(&one, &server);
    one.edit(gone, None, &[set("staff", 7)], None).unwrap();
    let grants = server.lock().grants.clone();
    server.lock().grants.truncate(1);
    // The area is gone at the server: what was pending is refused there, and kept here.
    sync(&one, &server);
    assert!(matches!(
        one.edit(gone, None, &[set("staff", 8)], None),
        Err(Error::ReadOnlyArea(_))
    ));
    let refused = one.refused().unwrap();
    assert!(one.get(gone).is_ok() && refused[0].refusal == Refusal::OutOfScope);
    assert!(one.dismiss_refused(gone, refused[0].hash).unwrap());
    assert!(matches!(one.get(gone), Err(Error::NoSuchDocument(_))));
    assert!(one.get(kept).is_ok());
    assert!(sync(&one, &server).verified);
    server.lock().grants = grants;
    assert!(sync(&one, &server).verified);
    assert_eq!(one.get(gone).unwrap().fields["name"], "Trường ra đi");
    assert!(one.get(gone).unwrap().writable);
}

#[test]
fn a_document_that_moves_is_never_missing_and_never_twice() {
    let server = Server::new(&[area(1), area(2)]);
    let one = book(1);
    sync(&one, &server);
    let unit = school(&one, area(1), "Trường");
    sync(&one, &server);
    one.edit(unit, None, &[set("staff", 3)], None).unwrap();
    server.lock().move_document(unit, area(2), true);
    assert!(sync(&one, &server).verified);
    assert!(sync(&one, &server).verified);
    let listed = one
        .list(&Query {
            area: Some(area(2)),
            ..Query::default()
        })
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(server.lock().documents[&unit].2.to_json()["staff"], 3);
    // To an area that this device may not see: the copy goes.
    server.lock().move_document(unit, area(3), false);
    assert!(sync(&one, &server).verified);
    assert!(matches!(one.get(unit), Err(Error::NoSuchDocument(_))));
}

#[test]
fn reading_a_record_costs_no_write_and_names_come_from_the_roster() {
    let (one, server) = started();
    let unit = school(&one, area(1), "Trường");
    sync(&one, &server);
    let (actor, account) = (
        one.actor().unwrap().0.hyphenated(),
        uuid::Uuid::from_u128(0xacc),
    );
    let begun = sokiem_record::genesis::document(
        sokiem_record::genesis::area_document_id(area(1)),
        sokiem_record::id::Kind::Area,
        &crate::model::desk(),
        &[("name", "Xã Thạnh Phú".into()), ("level", "commune".into())],
    );
    let id = server.lock().put(area(1), begun.unwrap());
    let edits = [
        set(&format!("people/{account}.name"), "Nguyễn Thị Lan"),
        set(&format!("people/{account}.title"), "Cán bộ"),
        set(&format!("actors/{actor}.account"), account.to_string()),
        set(&format!("actors/{actor}.device_name"), "Máy của Lan"),
    ];
    server.lock().edit(id, &crate::model::desk(), &edits);
    let other = book(2);
    sync(&other, &server);
    let author = &other.history(unit).unwrap()[0].author;
    assert_eq!(
        (author.name.as_str(), author.device.as_str(), author.here),
        ("Nguyễn Thị Lan", "Máy của Lan", false)
    );
}

#[test]
fn assignments_say_what_is_late() {
    let (one, server) = started();
    let campaign = campaign(&server, area(1));
    let unit = school(&one, area(1), "Trường");
    sync(&one, &server);
    let account = sokiem_record::id::AccountId(uuid::Uuid::from_u128(0xacc));
    let assignment = sokiem_record::genesis::document(
        sokiem_record::genesis::assignment_id(unit, campaign),
        sokiem_record::id::Kind::Assignment,
        &crate::model::desk(),
        &[
            ("unit", unit.to_string().into()),
            ("campaign", campaign.to_string().into()),
            ("due", "2026-03-01".into()),
        ],
    );
    let id = server.lock().put(area(1), assignment.unwrap());
    let officer = Edit::Add {
        path: format!("officers/{}", uuid::Uuid::from_u128(1))
            .parse()
            .unwrap(),
        fields: fields(json!({"account": account.to_string()}))
            .into_iter()
            .collect(),
    };
    server.lock().edit(id, &crate::model::desk(), &[officer]);
    sync(&one, &server);
    assert!(
        one.assigned(
            Some(sokiem_record::id::AccountId(uuid::Uuid::from_u128(1))),
            "2026-02-01"
        )
        .unwrap()
        .is_empty()
    );
    let due = one.assigned(Some(account), "2026-02-01").unwrap();
    assert!(due.len() == 1 && !due[0].overdue && due[0].inspection_state.is_none());
    let late = one.assigned(None, "2026-03-02").unwrap();
    assert!(late[0].overdue && late[0].unit_title == "Trường");
    let opened = one
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    assert_eq!(opened, late[0].inspection);
    one.edit(opened, None, &[set("finished", true)], None)
        .unwrap();
    assert!(!one.assigned(Some(account), "2026-03-02").unwrap()[0].overdue);
}

#[test]
fn what_was_acknowledged_is_folded_when_there_is_time_and_reads_as_before() {
    let (one, server) = started();
    let (long, short) = (
        school(&one, area(1), "Trường dài"),
        school(&one, area(1), "Trường ngắn"),
    );
    for staff in 0..51 {
        one.edit(long, None, &[set("staff", staff)], None).unwrap();
    }
    // Nothing is acknowledged yet, so that nothing can be folded.
    assert_eq!(one.compact(8).unwrap(), 0);
    sync(&one, &server);
    one.edit(long, None, &[set("learners", 400)], None).unwrap();
    let received = || {
        let history = one.history(long).unwrap();
        let times = history.iter().map(|entry| entry.received_ms);
        times.collect::<Vec<_>>()
    };
    let before = (one.get(long).unwrap(), received());
    assert_eq!(one.compact(8).unwrap(), 1);
    assert_eq!(one.compact(8).unwrap(), 0);
    let after = one.get(long).unwrap();
    assert_eq!(
        (after.fields, after.heads),
        (before.0.fields, before.0.heads)
    );
    assert_eq!(received(), before.1);
    assert_eq!(one.get(short).unwrap().fields["name"], "Trường ngắn");
    // What was pending is still sent, and another phone agrees.
    let report = sync(&one, &server);
    assert!(report.verified && report.acknowledged == 1);
    let other = book(2);
    assert!(sync(&other, &server).verified);
    assert_eq!(other.get(long).unwrap().heads, one.get(long).unwrap().heads);
}
