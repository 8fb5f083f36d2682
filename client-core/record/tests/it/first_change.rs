//! First changes: deterministic for planned inspections, frozen for every schema version.

use serde_json::json;
use sokiem_record::{
    document::{Document, Received},
    edit::EditError,
    genesis,
    id::{DocumentId, Kind},
    refusal::Refusal,
    schema,
};
use uuid::Uuid;

use crate::support::*;

#[test]
fn two_phones_begin_the_same_planned_inspection_with_the_same_bytes() {
    let (one, written_one) = genesis::planned_inspection(&plan()).unwrap();
    let (other, written_other) = genesis::planned_inspection(&plan()).unwrap();
    assert_eq!(written_one, written_other);
    assert_eq!(one.id(), other.id());
    assert!(one.states_itself());
}

/// What old phones have begun must stay recognisable: this hash may never change. A new schema
/// version adds a line; it does not alter one.
#[test]
fn genesis_bytes_are_frozen() {
    let (_, written) = genesis::planned_inspection(&plan()).unwrap();
    let frozen = [(1, GENESIS_V1)];
    let (version, hash) = frozen.last().unwrap();
    assert_eq!(*version, schema::VERSION);
    assert_eq!(written.hash.to_string(), *hash);
}

const GENESIS_V1: &str = "697d0dc80ea5dde9d89184afe2575309d71c100b1b832b04fec91b1ef59e3532";

/// As above, for reviews, assignments and criteria sets: a restored server must begin them alike.
#[test]
fn first_changes_of_derived_documents_are_frozen() {
    let (inspection, unit, campaign) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
    let review = genesis::review_id(DocumentId(inspection));
    let fields = [("inspection", json!(inspection))];
    let (_, begun) = genesis::derived(review, Kind::Review, &fields).unwrap();
    assert_eq!(begun.hash.to_string(), REVIEW_V1);
    let assignment = genesis::assignment_id(DocumentId(unit), DocumentId(campaign));
    let fields = [("unit", json!(unit)), ("campaign", json!(campaign))];
    let (_, begun) = genesis::derived(assignment, Kind::Assignment, &fields).unwrap();
    assert_eq!(begun.hash.to_string(), ASSIGNMENT_V1);
}

const REVIEW_V1: &str = "9b954dda6db56ff537ab1b0b7760cbc56fa13b3f0601b63e5b05a93e6b50623b";
const ASSIGNMENT_V1: &str = "f689cfb38d8af8c02877f67bb5d3a1aa54dfef4ea8bbf7b705d8c6f771afe2f1";

#[test]
fn another_unit_campaign_or_criteria_set_is_another_beginning() {
    let (_, base) = genesis::planned_inspection(&plan()).unwrap();
    let mut other_set = plan();
    other_set.criteria_version = 2;
    assert_ne!(
        genesis::planned_inspection(&other_set).unwrap().1.hash,
        base.hash
    );
    let other = DocumentId(Uuid::from_u128(9));
    assert_ne!(
        genesis::planned_inspection_id(other, plan().campaign),
        genesis::planned_inspection_id(plan().unit, plan().campaign)
    );
    assert_ne!(
        genesis::planned_inspection_id(plan().campaign, plan().unit),
        genesis::planned_inspection_id(plan().unit, plan().campaign)
    );
}

#[test]
fn every_container_of_the_schema_exists_from_the_start() {
    for kind in Kind::ALL {
        let id = DocumentId(Uuid::from_u128(5));
        let (document, _) = genesis::document(id, kind, &author(1), &[]).unwrap();
        let json = document.to_json();
        for (name, node) in schema::fields(kind) {
            match node {
                schema::Node::Field(schema::FieldType::Text) => {
                    assert_eq!(json[name], json!(""), "{name}")
                }
                schema::Node::Field(_) => assert!(json.get(name).is_none(), "{name}"),
                _ => assert_eq!(json[name], json!({}), "{name}"),
            }
        }
        assert_eq!(
            document.oddities(),
            sokiem_record::reading::Oddities::default()
        );
    }
}

#[test]
fn a_wrong_item_code_or_field_is_refused() {
    let mut bad = plan();
    bad.items.push("not a code".into());
    assert!(matches!(
        genesis::planned_inspection(&bad),
        Err(EditError::NoSuchField(_))
    ));
    let id = DocumentId(Uuid::from_u128(5));
    assert!(matches!(
        genesis::document(id, Kind::Unit, &author(1), &[("nothing", json!(1))]),
        Err(EditError::NoSuchField(_))
    ));
    assert!(matches!(
        genesis::document(id, Kind::Unit, &author(1), &[("staff", json!("many"))]),
        Err(EditError::InvalidValue { .. })
    ));
}

#[test]
fn a_first_change_under_another_id_or_kind_is_refused() {
    let (_, written) =
        genesis::document(DocumentId(Uuid::from_u128(5)), Kind::Unit, &author(1), &[]).unwrap();
    let mut other_id = Document::new(DocumentId(Uuid::from_u128(6)), Kind::Unit);
    assert_eq!(
        other_id.receive(&written.bytes).unwrap(),
        Received::Refused(Refusal::WrongDocument)
    );
    let mut other_kind = Document::new(DocumentId(Uuid::from_u128(5)), Kind::Inspection);
    assert_eq!(
        other_kind.receive(&written.bytes).unwrap(),
        Received::Refused(Refusal::WrongDocument)
    );
    assert!(other_kind.heads().is_empty());
}

#[test]
fn a_unit_begins_with_its_years_in_one_change() {
    let id = DocumentId(Uuid::from_u128(31));
    let fields = [
        ("name", json!("Trường THCS An Điền")),
        ("years/2019.regime", json!("TT23")),
        ("years/2019.in_scope", json!(true)),
    ];
    let (document, _) = genesis::document(id, Kind::Unit, &author(1), &fields).unwrap();
    assert_eq!(document.change_count(), 1);
    let read = document.to_json();
    assert_eq!(read["years"]["2019.regime"], "TT23");
    assert_eq!(read["years"]["2019.in_scope"], true);
    for wrong in ["years/2019.colour", "years/19.regime", "items/A/answer"] {
        let fields = [(wrong, json!("x"))];
        assert!(
            genesis::document(id, Kind::Unit, &author(1), &fields).is_err(),
            "{wrong}"
        );
    }
}
