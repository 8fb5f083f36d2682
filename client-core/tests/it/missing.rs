//! The check list before finishing, from what lies on the device.

use sokiem_client_core::Book;
use sokiem_record::{
    edit::{Author, Edit},
    id::ActorId,
    missing::Lack,
};
use uuid::Uuid;

use crate::{
    books::{school, set, started, sync},
    finishing::enrol,
    model::{area, campaign},
};

fn lacks(book: &Book, record: sokiem_record::id::DocumentId) -> Vec<(Lack, String)> {
    let entries = book.missing(record).unwrap().entries.into_iter();
    entries
        .map(|entry| (entry.lack, entry.path.to_string()))
        .collect()
}

#[test]
fn the_check_list_follows_the_record_and_its_criteria_set() {
    let (book, server) = started();
    let campaign = campaign(&server, area(1));
    sync(&book, &server);
    enrol(&book);
    let unit = school(&book, area(1), "Trường");
    let record = book
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    assert!(book.missing(unit).unwrap().entries.is_empty());
    let form = book.form(record).unwrap().unwrap();
    assert_eq!(form.form.item_codes(), ["T124-GD-REG", "T124-GD-MODEL"]);
    assert_eq!(form.asked.len(), 2);
    let failed = (Lack::FailUnexplained, "items/T124-GD-REG/note".to_owned());
    assert!(!lacks(&book, record).contains(&failed));
    book.edit(
        record,
        None,
        &[set("items/T124-GD-REG/answer", "fail")],
        None,
    )
    .unwrap();
    assert!(lacks(&book, record).contains(&failed));
    let unsigned = (Lack::NoDeviceSignature, "finished".to_owned());
    book.finish(record, None).unwrap();
    assert!(!lacks(&book, record).contains(&unsigned));
    book.edit(record, None, &[set("number", "7")], None)
        .unwrap();
    assert!(lacks(&book, record).contains(&unsigned));
}

#[test]
fn what_people_differ_about_is_on_the_check_list() {
    let (book, server) = started();
    let campaign = campaign(&server, area(1));
    sync(&book, &server);
    let unit = school(&book, area(1), "Trường");
    let record = book
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    sync(&book, &server);
    let answer = "items/T124-GD-MODEL/answer";
    let other = Author {
        actor: ActorId(Uuid::from_u128(0xb)),
        time_ms: 0,
        reason: None,
    };
    let edits: [Edit; 1] = [set(answer, "fail")];
    server.lock().edit(record, &other, &edits);
    book.edit(record, None, &[set(answer, "pass")], None)
        .unwrap();
    sync(&book, &server);
    assert!(lacks(&book, record).contains(&(Lack::Conflict, answer.to_owned())));
}
