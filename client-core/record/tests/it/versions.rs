//! Documents of newer and of damaged writers.

use automerge::{Automerge, ROOT, ReadDoc, transaction::Transactable};
use serde_json::json;
use sokiem_record::document::Document;

use crate::support::*;

/// A change as another program would make it, past this build's schema.
fn foreign(
    document: &Document,
    change: impl FnOnce(&mut automerge::transaction::Transaction<'_>),
) -> Document {
    let mut raw = Automerge::load(&document.save())
        .unwrap()
        .with_actor(author(0x99).actor.to_automerge());
    let mut tx = raw.transaction();
    change(&mut tx);
    tx.commit();
    let mut merged = document.clone();
    for change in raw.get_changes(&document.heads()) {
        assert!(matches!(
            merged.receive(change.raw_bytes()).unwrap(),
            sokiem_record::document::Received::Applied(_)
        ));
    }
    merged
}

#[test]
fn fields_of_a_newer_schema_are_kept_shown_and_named() {
    let newer = foreign(&planned(), |tx| {
        tx.put(ROOT, "schema", 2_i64).unwrap();
        tx.put(ROOT, "weather", "mưa").unwrap();
    });
    assert_eq!(newer.schema_version(), 2);
    assert_eq!(newer.to_json()["weather"], json!("mưa"));
    assert_eq!(newer.oddities().unknown, ["weather".parse().unwrap()]);
    let mut edited = newer.clone();
    write(&mut edited, &author(1), &[set("place", "Ấp 1")]);
    assert_eq!(edited.to_json()["weather"], json!("mưa"));
}

#[test]
fn a_value_of_a_wrong_type_spoils_neither_the_record_nor_its_summary() {
    let odd = foreign(&planned(), |tx| {
        tx.put(ROOT, "inspected_on", 12_i64).unwrap();
        let (_, items) = tx.get(ROOT, "items").unwrap().unwrap();
        tx.put(&items, "T124-CD-1A", "not a map").unwrap();
    });
    let unreadable: Vec<_> = odd
        .oddities()
        .unreadable
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(unreadable, ["inspected_on", "items/T124-CD-1A"]);
    assert_eq!(odd.summary().date, None);
}

#[test]
fn a_stored_document_loads_from_snapshot_and_changes_and_damage_is_noticed() {
    let mut document = planned();
    let snapshot = document.save();
    let later = write(&mut document, &author(1), &[set("place", "Ấp 1")]);
    let load = |snapshot: &[u8], changes: &[&[u8]]| {
        Document::load(document.id(), document.kind(), Some(snapshot), changes)
    };
    assert_eq!(
        load(&snapshot, &[&later.bytes]).unwrap().heads(),
        document.heads()
    );
    assert!(load(&snapshot[..snapshot.len() - 1], &[]).is_err());
    assert!(load(&snapshot, &[&later.bytes[..40]]).is_err());
    assert!(Document::load(document.id(), document.kind(), None, [&later.bytes]).is_err());
}
