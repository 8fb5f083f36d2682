//! Who wrote which value and which words, and the record as it was.

use serde_json::json;
use sokiem_record::{ChangeHash, document::Document};

use crate::support::*;

/// The words of a text with the number of the author who wrote them.
fn words(document: &Document, path: &str) -> Vec<(u128, String)> {
    let path = path.parse().unwrap();
    let attribution = document.attribution();
    let parts = attribution.texts.get(&path).cloned().unwrap_or_default();
    parts
        .into_iter()
        .map(|part| (part.provenance.actor.0.as_u128(), part.text))
        .collect()
}

#[test]
fn each_part_of_a_merged_text_names_its_author() {
    let (mut one, mut other) = (planned(), planned());
    let first = write(&mut one, &author(1), &[text("opinion", "Thống nhất. ")]);
    deliver(&mut other, &first);
    write(
        &mut one,
        &author(1),
        &[text("opinion", "Thống nhất. Sẽ khắc phục.")],
    );
    let theirs = write(
        &mut other,
        &author(2),
        &[text("opinion", "Đơn vị: Thống nhất. ")],
    );
    deliver(&mut one, &theirs);
    assert_eq!(
        words(&one, "opinion"),
        [
            (2, "Đơn vị: ".to_owned()),
            (1, "Thống nhất. ".to_owned()),
            (1, "Sẽ khắc phục.".to_owned())
        ]
    );
    let whole: String = words(&one, "opinion")
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(json!(whole), one.to_json()["opinion"]);
    // What was taken out is nobody's any more; what stays keeps its author.
    write(&mut one, &author(3), &[text("opinion", "Thống nhất!")]);
    assert_eq!(
        words(&one, "opinion"),
        [(1, "Thống nhất".to_owned()), (3, "!".to_owned())]
    );
    assert!(words(&planned(), "opinion").is_empty());
}

#[test]
fn every_value_and_element_names_who_wrote_it() {
    let (mut one, mut other) = (planned(), planned());
    write(
        &mut one,
        &author(1),
        &[set("place", "Ấp 1"), finding(7, "Thiếu sổ")],
    );
    let theirs = write(&mut other, &author(2), &[set("place", "Ấp 2")]);
    deliver(&mut one, &theirs);
    let attribution = one.attribution();
    let said: Vec<_> = attribution.values[&"place".parse().unwrap()]
        .iter()
        .map(|said| said.value.clone())
        .collect();
    assert_eq!(said.len(), 2);
    assert!(said.contains(&json!("Ấp 1")) && said.contains(&json!("Ấp 2")));
    assert_eq!(said[0], one.to_json()["place"], "the shown one comes first");
    let element = "findings/00000000-0000-0000-0000-000000000007"
        .parse()
        .unwrap();
    assert_eq!(attribution.elements[&element].actor, author(1).actor);
    assert!(
        attribution
            .values
            .keys()
            .all(|path| !attribution.texts.contains_key(path)
                && !attribution.elements.contains_key(path))
    );
}

#[test]
fn the_record_at_an_earlier_state_is_a_whole_record() {
    let (mut one, mut other) = (planned(), planned());
    let begun = one.heads();
    let mine = write(
        &mut one,
        &author(1),
        &[set("place", "Ấp 1"), text("remarks", "Ở Đại Điền")],
    );
    let theirs = write(&mut other, &author(2), &[set("place", "Ấp 2")]);
    deliver(&mut one, &theirs);
    let differed = one.heads();
    write(&mut one, &author(3), &[settle("place", "Ấp 2")]);

    let then = one.at(&differed).unwrap();
    assert_eq!(then.heads(), differed);
    assert_eq!(then.conflicts().len(), 1);
    assert_eq!(then.history().len(), 3);
    assert_eq!(then.to_json(), one.to_json_at(&differed).unwrap());
    assert_eq!(words(&then, "remarks"), [(1, "Ở Đại Điền".to_owned())]);
    assert_eq!(one.at(&[mine.hash]).unwrap().to_json()["place"], "Ấp 1");
    assert_eq!(one.at(&one.heads()).unwrap().to_json(), one.to_json());
    assert!(one.at(&[ChangeHash([9; 32])]).is_none() && one.at(&[]).is_none());

    let states = one.states(&one.hashes());
    assert_eq!(states.len(), 4);
    assert_eq!((&states[0], &states[2]), (&begun, &differed));
    assert_eq!(states[3], one.heads());
}
