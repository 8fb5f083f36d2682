//! Values that people set apart from each other.

use serde_json::json;
use sokiem_record::edit::{Edit, EditError};
use uuid::Uuid;

use crate::support::*;

const ANSWER: &str = "items/T124-CD-1B/answer";

#[test]
fn different_values_both_stay_with_author_and_time_until_settled() {
    let (mut one, mut other) = (planned(), planned());
    let first = write(&mut one, &author(1), &[set(ANSWER, "pass")]);
    let second = write(&mut other, &author(2), &[set(ANSWER, "fail")]);
    deliver(&mut one, &second);
    deliver(&mut other, &first);
    assert_eq!(one.conflicts(), other.conflicts());
    let conflicts = one.conflicts();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].path.as_str(), ANSWER);
    let mut seen: Vec<_> = conflicts[0]
        .alternatives
        .iter()
        .map(|one| {
            (
                one.value.clone(),
                one.provenance.actor,
                one.provenance.time_ms,
            )
        })
        .collect();
    seen.sort_by_key(|(_, actor, _)| *actor);
    assert_eq!(
        seen,
        [
            (json!("pass"), author(1).actor, author(1).time_ms),
            (json!("fail"), author(2).actor, author(2).time_ms)
        ]
    );
    assert_eq!(
        one.to_json()["items"]["T124-CD-1B"]["answer"],
        conflicts[0].alternatives[0].value
    );

    let mut supervisor = author(3);
    supervisor.reason = Some("Đã xem ảnh chụp".into());
    let settled = write(&mut one, &supervisor, &[settle(ANSWER, "fail")]);
    deliver(&mut other, &settled);
    assert!(one.conflicts().is_empty() && other.conflicts().is_empty());
    let provenance = other.provenance(&ANSWER.parse().unwrap());
    assert_eq!(
        provenance[0].provenance.reason.as_deref(),
        Some("Đã xem ảnh chụp")
    );
    assert_eq!(provenance[0].value, json!("fail"));
}

#[test]
fn people_who_agree_make_no_conflict() {
    let (mut one, mut other) = (planned(), planned());
    let first = write(&mut one, &author(1), &[set(ANSWER, "pass")]);
    write(&mut other, &author(2), &[set(ANSWER, "pass")]);
    deliver(&mut other, &first);
    assert!(other.conflicts().is_empty());
    assert_eq!(other.provenance(&ANSWER.parse().unwrap()).len(), 2);
    // Saying it once more changes nothing, so that agreement is not overwritten by one of the two.
    assert_eq!(
        other
            .edit(&author(1), None, &[set(ANSWER, "pass")])
            .unwrap(),
        None
    );
}

#[test]
fn a_plain_edit_does_not_settle_by_accident() {
    let (mut one, mut other) = (planned(), planned());
    let first = write(&mut one, &author(1), &[set(ANSWER, "pass")]);
    write(&mut other, &author(2), &[set(ANSWER, "fail")]);
    deliver(&mut other, &first);
    let heads = other.heads();
    assert!(matches!(
        other.edit(&author(2), None, &[set(ANSWER, "pass")]),
        Err(EditError::NeedsSettling(_))
    ));
    assert!(matches!(
        other.edit(&author(2), None, &[settle("number", "12")]),
        Err(EditError::NothingToSettle(_))
    ));
    assert_eq!(other.heads(), heads);
}

#[test]
fn a_value_that_arrived_unseen_is_not_overridden() {
    let (mut one, mut other) = (planned(), planned());
    write(&mut other, &author(2), &[set("number", "12/BB")]);
    let seen = other.heads();
    // While the form is open, somebody else's answer arrives; and the officer saves another field as well.
    let arrived = write(&mut one, &author(1), &[set(ANSWER, "fail")]);
    deliver(&mut other, &arrived);
    other
        .edit(&author(2), Some(&seen), &[set("place", "Thạnh Hải")])
        .unwrap()
        .unwrap();
    other
        .edit(&author(2), Some(&seen), &[set(ANSWER, "pass")])
        .unwrap()
        .unwrap();
    let conflicts = other.conflicts();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].alternatives.len(), 2);
    assert_eq!(other.to_json()["place"], json!("Thạnh Hải"));
    // The actor's changes follow each other, so any replica takes them in order.
    let mut third = planned();
    for change in other.changes_since(&[]) {
        third.receive(&change).unwrap();
    }
    assert_eq!(third.heads(), other.heads());
}

#[test]
fn both_notes_are_in_the_merged_text() {
    let (mut one, mut other) = (planned(), planned());
    let note = "items/T124-CD-1A/note";
    let first = write(&mut one, &author(1), &[text(note, "Có nghị quyết. ")]);
    let second = write(&mut other, &author(2), &[text(note, "Thiếu kế hoạch. ")]);
    deliver(&mut one, &second);
    deliver(&mut other, &first);
    let merged = one.to_json()["items"]["T124-CD-1A"]["note"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        merged.contains("Có nghị quyết.") && merged.contains("Thiếu kế hoạch."),
        "{merged}"
    );
    assert_eq!(one.to_json(), other.to_json());
    assert!(one.conflicts().is_empty());
}

#[test]
fn findings_of_two_people_stand_beside_each_other_and_removal_keeps_what_was_said() {
    let (mut one, mut other) = (planned(), planned());
    let first = write(&mut one, &author(1), &[finding(0xa, "Cửa kho hỏng khóa")]);
    deliver(&mut other, &first);
    let path = format!("findings/{}", Uuid::from_u128(0xa));
    let removed = write(
        &mut one,
        &author(1),
        &[Edit::Remove {
            path: path.parse().unwrap(),
        }],
    );
    let edited = write(
        &mut other,
        &author(2),
        &[
            set(&format!("{path}/owner"), "Ông A"),
            finding(0xb, "Thiếu sổ trực"),
        ],
    );
    deliver(&mut one, &edited);
    deliver(&mut other, &removed);
    let json = one.to_json();
    assert_eq!(json, other.to_json());
    let element = &json["findings"][Uuid::from_u128(0xa).to_string()];
    assert_eq!(
        (&element["removed"], &element["owner"]),
        (&json!(true), &json!("Ông A"))
    );
    assert_eq!(json["findings"].as_object().unwrap().len(), 2);
}

#[test]
fn two_people_fill_the_same_year_of_a_new_unit() {
    let id = sokiem_record::id::DocumentId(Uuid::from_u128(0x77));
    let (mut one, _) = sokiem_record::genesis::document(
        id,
        sokiem_record::id::Kind::Unit,
        &author(1),
        &[("name", json!("Trường THCS An Thạnh"))],
    )
    .unwrap();
    let mut other = one.clone();
    let first = write(
        &mut one,
        &author(1),
        &[set("years/2019.registered_on", "2019-02-01")],
    );
    write(
        &mut other,
        &author(2),
        &[set("years/2019.classification", "mạnh")],
    );
    deliver(&mut other, &first);
    assert_eq!(
        other.to_json()["years"],
        json!({"2019.registered_on": "2019-02-01", "2019.classification": "mạnh"})
    );
    assert!(other.conflicts().is_empty());
}

#[test]
fn a_failed_edit_changes_nothing() {
    let mut document = planned();
    let heads = document.heads();
    let edits = [set("place", "Thạnh Hải"), set("copies", "hai")];
    assert!(matches!(
        document.edit(&author(1), None, &edits),
        Err(EditError::InvalidValue { .. })
    ));
    assert!(matches!(
        document.edit(&author(1), Some(&[]), &[set("place", "x")]),
        Err(EditError::UnknownBase)
    ));
    assert!(matches!(
        document.edit(&author(1), None, &[set("items/T124-CD-9/answer", "pass")]),
        Err(EditError::NoSuchElement(_))
    ));
    assert!(matches!(
        document.edit(&author(1), None, &[set("kind", "unit")]),
        Err(EditError::NoSuchField(_))
    ));
    assert_eq!(document.heads(), heads);
    assert!(document.to_json().get("place").is_none());
}
