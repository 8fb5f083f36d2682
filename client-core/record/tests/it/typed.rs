//! Records as Rust types.

use serde_json::{Value as Json, json};
use sokiem_record::{
    edit::Edit,
    genesis,
    id::{DocumentId, Kind},
    schema::{self, FieldType, KeyType, Node},
    typed::{Answer, Inspection, Recognition, Unit},
};
use uuid::Uuid;

use crate::support::*;

/// A value for every field that the schema has.
fn sample(field: FieldType) -> Json {
    match field {
        FieldType::Choice(words) => json!(words[0]),
        FieldType::Line | FieldType::Block | FieldType::Text => json!("chữ"),
        FieldType::Integer | FieldType::TimeMs => json!(3),
        FieldType::Number => json!(2.5),
        FieldType::Bool => json!(true),
        FieldType::Date => json!("2019-08-19"),
        FieldType::Uuid => json!(Uuid::from_u128(1).to_string()),
        FieldType::Geo => json!("geo:9.95,106.53"),
        FieldType::ContentHash => json!("a".repeat(64)),
    }
}

fn fill(base: &str, fields: &[(&str, Node)], edits: &mut Vec<Edit>) {
    for (name, node) in fields {
        match node {
            Node::Field(FieldType::Text) => edits.push(text(&format!("{base}{name}"), "chữ")),
            Node::Field(field) => edits.push(set(&format!("{base}{name}"), sample(*field))),
            Node::Flat(_, flat) => {
                edits
                    .extend(flat.iter().map(|(field, ty)| {
                        set(&format!("{base}{name}/2019.{field}"), sample(*ty))
                    }));
            }
            Node::Collection(key_type, element) => {
                let key = match key_type {
                    KeyType::Code => ITEMS[0].to_owned(),
                    KeyType::ContentHash => "b".repeat(64),
                    _ => Uuid::from_u128(7).to_string(),
                };
                let path = format!("{base}{name}/{key}");
                if *key_type != KeyType::Code {
                    edits.push(genesis::element(path.parse().unwrap(), []));
                }
                fill(&format!("{path}/"), element, edits);
            }
        }
    }
}

/// Every leaf of a JSON value.
fn leaves(json: &Json) -> usize {
    match json {
        Json::Object(map) => map.values().map(leaves).sum(),
        Json::Null => 0,
        _ => 1,
    }
}

#[test]
fn every_field_of_the_schema_arrives_in_the_type() {
    let mut inspection = planned();
    let mut edits = Vec::new();
    fill("", schema::fields(Kind::Inspection), &mut edits);
    inspection.edit(&author(1), None, &edits).unwrap().unwrap();
    let typed = serde_json::to_value(inspection.read::<Inspection>().unwrap().unwrap()).unwrap();
    // `schema`, `kind` and `id` are the document's own; the other two items' notes are empty texts.
    assert_eq!(leaves(&typed), leaves(&inspection.to_json()) - 3);

    let (mut unit, _) =
        genesis::document(DocumentId(Uuid::from_u128(5)), Kind::Unit, &author(1), &[]).unwrap();
    let mut edits = Vec::new();
    fill("", schema::fields(Kind::Unit), &mut edits);
    unit.edit(&author(1), None, &edits).unwrap().unwrap();
    let typed = serde_json::to_value(unit.read::<Unit>().unwrap().unwrap()).unwrap();
    assert_eq!(leaves(&typed), leaves(&unit.to_json()) - 3);
    assert_eq!(unit.read::<Inspection>().unwrap(), None);
}

#[test]
fn typed_reading_leaves_out_what_was_struck_out() {
    let mut document = planned();
    write(
        &mut document,
        &author(1),
        &[
            set("items/T124-CD-1B/answer", "pass"),
            finding(1, "a"),
            finding(2, "b"),
        ],
    );
    let path = format!("findings/{}", Uuid::from_u128(1)).parse().unwrap();
    write(&mut document, &author(1), &[Edit::Remove { path }]);
    let inspection = document.read::<Inspection>().unwrap().unwrap();
    assert_eq!(inspection.items["T124-CD-1B"].answer, Some(Answer::Pass));
    assert_eq!(
        inspection.findings.keys().collect::<Vec<_>>(),
        [&Uuid::from_u128(2)]
    );
}

#[test]
fn no_data_and_no_are_different_things() {
    let (mut unit, _) =
        genesis::document(DocumentId(Uuid::from_u128(5)), Kind::Unit, &author(1), &[]).unwrap();
    let force = |unit: &sokiem_record::document::Document| {
        unit.read::<Unit>().unwrap().unwrap().has_protection_force()
    };
    assert_eq!(force(&unit), None);
    write(&mut unit, &author(1), &[set("guards_full_time", 0)]);
    assert_eq!(force(&unit), Some(false));
    write(
        &mut unit,
        &author(1),
        &[
            set("core_organisation_members", 4),
            set("years/2019.recognition", "not_recognised"),
        ],
    );
    assert_eq!(force(&unit), Some(true));
    assert_eq!(
        unit.read::<Unit>().unwrap().unwrap().years["2019"].recognition,
        Some(Recognition::NotRecognised)
    );
}
