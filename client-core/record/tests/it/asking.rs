//! Skip logic: which items are asked, after the answers so far.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use sokiem_record::{
    copying,
    criteria::{CriteriaSet, Form, compare, shipped, validate},
    document::Document,
    missing::{Known, Lack, missing},
};

use crate::support::{author, planned, set, write};

fn item(code: &str, more: &str) -> String {
    format!(
        "[[items]]\ncode = \"{code}\"\nvi = \"Có\"\nen = \"There is\"\nanswer = {{ type = \"pass_fail\" }}\n{more}\n\
         required = true\nnot_applicable_allowed = false\ncitation = {{ source = \"own\", verification = \"own\" }}\n"
    )
}

const HEAD: &str = "code = \"X\"\nversion = 1\nregime = \"own\"\ntitle_vi = \"Bộ thử\"\ntitle_en = \"A set\"\n\
    purpose = \"inspection\"\nunit_kinds = [\"agency\"]\nvalid_from = \"2020-01-01\"\nwindow = \"campaign\"\n\
    complete = true\n";

/// B hangs on A, C on B; D stands alone.
fn chain() -> CriteriaSet {
    let text = [
        HEAD.to_owned(),
        item("A", ""),
        item("B", "asked_when = { item = \"A\", answer = [\"pass\"] }"),
        item(
            "C",
            "asked_when = { item = \"B\", answer = [\"pass\", \"fail\"] }",
        ),
        item("D", ""),
    ];
    validate("x.toml", &text.concat()).unwrap()
}

fn asked(form: &Form, answers: &[(&str, &str)]) -> String {
    let found = |code: &str| {
        let mut answers = answers.iter();
        answers.find(|(of, _)| *of == code).map(|(_, said)| *said)
    };
    form.asked(found).into_iter().collect()
}

#[test]
fn an_item_is_asked_when_the_one_that_it_hangs_on_is_asked_and_has_such_an_answer() {
    let form = Form::from(&chain());
    assert_eq!(asked(&form, &[]), "AD");
    assert_eq!(asked(&form, &[("A", "pass")]), "ABD");
    assert_eq!(asked(&form, &[("A", "fail")]), "AD");
    assert_eq!(asked(&form, &[("A", "not_checked")]), "AD");
    assert_eq!(asked(&form, &[("A", "pass"), ("B", "fail")]), "ABCD");
    // The answer to B is from before A was corrected.
    assert_eq!(asked(&form, &[("A", "fail"), ("B", "pass")]), "AD");
}

#[test]
fn a_set_without_conditions_asks_everything_and_has_the_bytes_that_it_had() {
    for set in shipped().unwrap() {
        let json = serde_json::to_string(&set).unwrap();
        assert!(!json.contains("asked_when"));
        let form = Form::from(&set);
        assert_eq!(form.asked(|_| None).len(), set.items.len());
        assert_eq!(Form::read(&json).unwrap(), form);
    }
    let json = serde_json::to_string(&chain()).unwrap();
    assert_eq!(Form::read(&json).unwrap(), Form::from(&chain()));
}

#[test]
fn a_condition_that_this_build_does_not_understand_holds_nothing_back() {
    for condition in [
        json!({"item": "A", "answer": ["pass"], "value_below": 5}),
        json!({"all": [{"item": "A", "answer": ["pass"]}]}),
        json!("A"),
        json!({"item": "NOT-HERE", "answer": ["pass"]}),
        json!({"item": "B", "answer": ["pass"]}),
        json!({"item": "C", "answer": ["pass"]}),
    ] {
        let set = json!({"items": [{"code": "A"}, {"code": "B", "asked_when": condition}, {"code": "C"}]});
        let form = Form::read(&set.to_string()).unwrap();
        assert_eq!(asked(&form, &[("A", "fail")]), "ABC", "{condition}");
    }
    // A word of a newer build is a word like any other.
    let set = json!({"items": [
        {"code": "A"}, {"code": "B", "asked_when": {"item": "A", "answer": ["partly"]}}]});
    let form = Form::read(&set.to_string()).unwrap();
    assert_eq!(asked(&form, &[("A", "pass")]), "A");
    assert_eq!(asked(&form, &[("A", "partly")]), "AB");
}

#[test]
fn what_is_not_asked_is_not_missing_and_its_answer_stays() {
    let codes = ["T124-CD-1A", "T124-CD-1B"];
    let set_of = json!({"items": [
        {"code": codes[0], "required": true},
        {"code": codes[1], "required": true, "asked_when": {"item": codes[0], "answer": ["pass"]}},
    ]});
    let form = Form::read(&set_of.to_string()).unwrap();
    let items = |fields: &Json| -> Vec<(Lack, String)> {
        let known = Known {
            form: Some(&form),
            conflicts: &[],
            signed: false,
        };
        let entries = missing(fields, known).unwrap().entries.into_iter();
        let of_items = entries.filter(|entry| entry.path.as_str().starts_with("items/"));
        of_items
            .map(|entry| (entry.lack, entry.path.to_string()))
            .collect()
    };
    let (first, second) = (
        format!("items/{}/answer", codes[0]),
        format!("items/{}/answer", codes[1]),
    );
    let mut document = planned();
    let unanswered = |path: &String| (Lack::Unanswered, path.clone());
    assert_eq!(items(&document.to_json()), [unanswered(&first)]);
    write(&mut document, &author(1), &[set(&first, "pass")]);
    assert_eq!(items(&document.to_json()), [unanswered(&second)]);
    write(&mut document, &author(1), &[set(&second, "pass")]);
    assert_eq!(items(&document.to_json()), []);
    let note = sokiem_record::edit::Edit::Text {
        path: format!("items/{}/note", codes[0]).parse().unwrap(),
        text: "Đã giải thể".to_owned(),
    };
    write(&mut document, &author(1), &[set(&first, "fail"), note]);
    assert_eq!(items(&document.to_json()), [(Lack::NotAsked, second)]);
    assert_eq!(document.to_json()["items"][codes[1]]["answer"], "pass");
    assert_eq!(
        form.asked_in(&document.to_json()),
        BTreeSet::from([codes[0]])
    );
}

#[test]
fn a_condition_that_makes_no_sense_is_a_fault_with_its_line() {
    let faults = |condition: &str| -> Vec<(Option<usize>, Option<String>, String)> {
        let more = format!("asked_when = {condition}");
        let text = [
            HEAD.to_owned(),
            item("A", ""),
            item("B", &more),
            item("C", ""),
        ]
        .concat();
        let faults = validate("x.toml", &text).unwrap_err().into_iter();
        faults
            .map(|fault| {
                assert!(!fault.vietnamese.is_empty());
                (fault.line, fault.item, fault.english)
            })
            .collect()
    };
    let not_before = |other: &str| {
        format!("asked_when.item must be an item before this one, and {other} is not")
    };
    for (condition, reason) in [
        ("{ item = \"C\", answer = [\"pass\"] }", not_before("C")),
        ("{ item = \"B\", answer = [\"pass\"] }", not_before("B")),
        ("{ item = \"Z\", answer = [\"pass\"] }", not_before("Z")),
        (
            "{ item = \"A\", answer = [] }",
            "asked_when.answer is empty or names an answer twice".into(),
        ),
        (
            "{ item = \"A\", answer = [\"pass\", \"pass\"] }",
            "asked_when.answer is empty or names an answer twice".into(),
        ),
        (
            "{ item = \"A\", answer = [\"not_applicable\"] }",
            "not_applicable is no answer to A".into(),
        ),
        (
            "{ item = \"A\", answer = [\"not_checked\"] }",
            "asked_when.answer must be a list out of: pass, fail, not_applicable".into(),
        ),
        (
            "{ item = \"A\", answer = \"pass\" }",
            "asked_when.answer must be a list out of: pass, fail, not_applicable".into(),
        ),
        ("{ item = \"A\" }", "asked_when.answer is missing".into()),
        (
            "{ item = \"A\", answer = [\"pass\"], value = 1 }",
            "there is no key asked_when.value".into(),
        ),
        ("true", "asked_when must be a table".into()),
    ] {
        assert_eq!(
            faults(condition),
            [(Some(25), Some("B".to_owned()), reason)],
            "{condition}"
        );
    }
}

#[test]
fn what_would_not_be_asked_is_not_copied_from_an_earlier_visit() {
    let codes = ["T124-CD-1A", "T124-CD-1B"];
    let set_of = json!({"items": [
        {"code": codes[0]},
        {"code": codes[1], "asked_when": {"item": codes[0], "answer": ["pass"]}},
    ]});
    let form = Form::read(&set_of.to_string()).unwrap();
    let answer = |code: &str| format!("items/{code}/answer");
    let mut earlier = planned();
    let answers = codes.map(|code| set(&answer(code), "pass"));
    write(&mut earlier, &author(1), &answers);
    let copied = |into: &Document| -> Vec<String> {
        let steps = copying::copy(&earlier, into, Some(&form)).unwrap();
        steps.into_iter().map(|(code, _)| code).collect()
    };
    let mut now = planned();
    assert_eq!(copied(&now), codes);
    write(&mut now, &author(2), &[set(&answer(codes[0]), "fail")]);
    assert!(copied(&now).is_empty());
}

#[test]
fn two_versions_are_compared_by_their_conditions_too() {
    let after = chain();
    let mut before = after.clone();
    before.items[1].asked_when = None;
    before.items[2].asked_when.as_mut().unwrap().answer.pop();
    let difference = compare(&before, &after);
    let fields: Vec<_> = difference
        .changed
        .iter()
        .flat_map(|item| item.fields.iter().map(|one| one.field.as_str()))
        .collect();
    assert_eq!(
        fields,
        ["asked_when.answer", "asked_when.item", "asked_when.answer"]
    );
}
