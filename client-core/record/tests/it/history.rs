//! Who set which field to what, and the way from one state to another.

use serde_json::json;

use crate::support::*;

#[test]
fn history_tells_every_value_in_order_with_what_it_replaced() {
    let mut document = planned();
    write(
        &mut document,
        &author(1),
        &[set("place", "Ấp 1"), text("opinion", "Đồng ý")],
    );
    let mut second = author(2);
    second.reason = Some("sửa lỗi chính tả".into());
    write(
        &mut document,
        &second,
        &[set("place", "Ấp 2"), text("opinion", "Không đồng ý")],
    );
    let history = document.history();
    assert_eq!(history.len(), 3);
    assert_eq!(history[0].provenance.time_ms, 0);
    assert_eq!(history[1].deps, vec![history[0].provenance.hash]);
    assert_eq!(
        (
            history[2].provenance.actor,
            history[2].provenance.reason.as_deref()
        ),
        (second.actor, Some("sửa lỗi chính tả"))
    );
    let place = history[2]
        .fields
        .iter()
        .find(|change| change.path.as_str() == "place")
        .unwrap();
    assert_eq!(
        (&place.before, &place.after),
        (&vec![json!("Ấp 1")], &json!("Ấp 2"))
    );
    let opinion = history[2]
        .fields
        .iter()
        .find(|change| change.path.as_str() == "opinion")
        .unwrap();
    let inserted = opinion.after.as_str().unwrap();
    assert!(inserted.contains("Không"), "{inserted}");
    assert!(
        opinion
            .deleted_text
            .as_ref()
            .is_some_and(|deleted| !deleted.is_empty())
    );
}

#[test]
fn a_settlement_names_both_values_that_it_replaced() {
    let (mut one, mut other) = (planned(), planned());
    let first = write(&mut one, &author(1), &[set("number", "1")]);
    write(&mut other, &author(2), &[set("number", "2")]);
    deliver(&mut other, &first);
    write(&mut other, &author(3), &[settle("number", "2")]);
    let last = other.history().pop().unwrap();
    let mut before = last.fields[0].before.clone();
    before.sort_by_key(ToString::to_string);
    assert_eq!(before, [json!("1"), json!("2")]);
}

#[test]
fn the_difference_between_two_states_is_what_reads_differently() {
    let mut document = planned();
    let start = document.heads();
    write(
        &mut document,
        &author(1),
        &[set("place", "Ấp 1"), finding(7, "Thiếu sổ")],
    );
    let middle = document.heads();
    write(
        &mut document,
        &author(1),
        &[set("place", "Ấp 2"), set("copies", 3)],
    );
    let end = document.heads();
    let paths = |from: &[_], to: &[_]| -> Vec<String> {
        document
            .difference(from, to)
            .unwrap()
            .into_iter()
            .map(|change| change.path.to_string())
            .collect()
    };
    assert_eq!(paths(&middle, &end), ["copies", "place"]);
    assert!(
        paths(&start, &middle)
            .iter()
            .any(|path| path.ends_with("/text"))
    );
    assert!(paths(&end, &end).is_empty());
    let back = document.difference(&end, &middle).unwrap();
    assert_eq!(
        (&back[0].before, &back[0].after),
        (&vec![json!(3)], &json!(null))
    );
    assert_eq!(
        document.to_json_at(&middle).unwrap()["place"],
        json!("Ấp 1")
    );
    assert!(
        document
            .difference(&[sokiem_record::ChangeHash([9; 32])], &end)
            .is_none()
    );
}
