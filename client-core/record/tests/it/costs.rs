//! What taking a record in costs, counted and not timed: the same on every machine. A figure above its bound is a cost
//! that came back; look at what it buys before the bound is raised.

use allocation_counter::{AllocationInfo, measure};
use serde_json::json;
use sokiem_record::{
    document::{Document, Received},
    edit::Edit,
    genesis,
    id::{DocumentId, Kind},
};
use uuid::Uuid;

use crate::support::*;

/// A unit with forty fields, and a second change of two.
fn unit() -> (Document, [Vec<u8>; 2]) {
    let names = [
        "name",
        "address",
        "head_name",
        "head_title",
        "phone",
        "plan_approver",
    ];
    let numbers = [
        "staff",
        "learners",
        "guards_full_time",
        "guards_part_time",
        "guards_hired",
        "guards_trained",
        "cctv_installed",
        "cctv_working",
    ];
    let flags = [
        "plan_exists",
        "register_shifts",
        "register_visitors",
        "register_patrols",
        "register_incidents",
        "years/2018.in_scope",
        "years/2018.eligible",
        "years/2018.model",
        "years/2019.in_scope",
        "years/2019.eligible",
        "years/2019.model",
    ];
    let mut fields = vec![
        ("unit_kind", json!("school")),
        ("notes", json!("Hồ sơ đầy đủ, sổ trực ghi hằng ngày.")),
    ];
    fields.extend(names.map(|name| (name, json!("Trường THCS An Điền"))));
    fields.extend(numbers.map(|name| (name, json!(41))));
    fields.extend(flags.map(|name| (name, json!(true))));
    let id = DocumentId(Uuid::from_u128(41));
    let (mut document, first) = genesis::document(id, Kind::Unit, &author(1), &fields).unwrap();
    let edits = [("staff", json!(42)), ("head_name", json!("Nguyễn Văn An"))];
    let edits = edits.map(|(path, value)| Edit::Set {
        path: path.parse().unwrap(),
        value,
    });
    let second = document.edit(&author(1), None, &edits).unwrap().unwrap();
    (document, [first.bytes, second.bytes])
}

fn at_most(what: &str, counted: &AllocationInfo, allocations: u64, kib: u64) {
    println!(
        "{what}: {} allocations, {} bytes",
        counted.count_total, counted.bytes_total
    );
    assert!(
        counted.count_total <= allocations,
        "{what}: {} allocations",
        counted.count_total
    );
    assert!(
        counted.bytes_total <= kib * 1024,
        "{what}: {} bytes",
        counted.bytes_total
    );
}

#[test]
fn taking_in_a_first_change_and_one_more_allocates_no_more_than_it_did() {
    let (document, [first, second]) = unit();
    let mut taken = Document::new(document.id(), Kind::Unit);
    let took = measure(|| {
        assert!(matches!(
            taken.receive_unread(&first),
            Ok(Received::Applied(_))
        ));
    });
    at_most("the first change", &took, 80, 14);
    let took = measure(|| {
        assert!(matches!(
            taken.receive_unread(&second),
            Ok(Received::Applied(_))
        ));
    });
    at_most("a second change", &took, 13, 1);
    let took = measure(|| assert!(taken.checked_contents().is_some()));
    at_most("what it says", &took, 68, 7);
    let saved = document.save();
    let took =
        measure(|| assert!(Document::receive_whole(document.id(), Kind::Unit, &saved).is_ok()));
    at_most("the whole document", &took, 940, 890);
}

#[test]
fn a_record_is_no_larger_than_it_was() {
    let (document, [first, second]) = unit();
    println!("{} {} {}", first.len(), second.len(), document.save().len());
    assert!(first.len() <= 771, "{}", first.len());
    assert!(second.len() <= 135, "{}", second.len());
    assert!(document.save().len() <= 932, "{}", document.save().len());
}
