//! The check list before an inspection is finished.

use serde_json::{Value as Json, json};
use sokiem_record::{
    criteria::Form,
    document::Document,
    edit::Edit,
    genesis,
    missing::{Known, Lack, Missing, Weight, missing},
};
use uuid::Uuid;

use crate::support::{author, planned, set, text, write};

fn form() -> Form {
    let set = json!({"items": [
        {"code": "T124-CD-1A", "answer": {"type": "pass_fail"}, "required": true,
         "not_applicable_allowed": false, "evidence": ["Nghị quyết"]},
        {"code": "T124-CD-1B", "answer": {"type": "measured", "unit": "%", "min": 90.5}, "required": false,
         "not_applicable_allowed": true},
        {"code": "T124-CD-1C", "answer": {"type": "a newer one"}, "required": true, "another": 1},
    ]});
    Form::read(&set.to_string()).unwrap()
}

fn element(path: &str, fields: Json) -> Edit {
    let fields = fields.as_object().unwrap().clone();
    Edit::Add {
        path: path.parse().unwrap(),
        fields: fields.into_iter().collect(),
    }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn of(document: &Document) -> Missing {
    let form = form();
    let known = Known {
        form: Some(&form),
        conflicts: &[],
        signed: false,
    };
    missing(&document.to_json(), known).unwrap()
}

fn lacks(document: &Document) -> Vec<(Lack, String)> {
    let entries = of(document).entries.into_iter();
    entries
        .map(|entry| (entry.lack, entry.path.to_string()))
        .collect()
}

/// An inspection that lacks nothing.
fn complete() -> Document {
    let mut document = planned();
    let signed = json!({"role": "unit", "name": "Nguyễn Văn Hòa"});
    let edits = [
        set("inspected_on", "2019-05-06"),
        element(
            "team/00000000-0000-0000-0000-000000000001",
            json!({"name": "Lan"}),
        ),
        element(
            "representatives/00000000-0000-0000-0000-000000000002",
            json!({"name": "Hòa"}),
        ),
        set("items/T124-CD-1A/answer", "pass"),
        element(
            &format!("items/T124-CD-1A/evidence/{}", "ab".repeat(32)),
            json!({"type": "photo"}),
        ),
        set("items/T124-CD-1C/answer", "fail"),
        text("items/T124-CD-1C/note", "Chưa đăng ký"),
        text("opinion", "Nhất trí"),
        element("signatures/00000000-0000-0000-0000-000000000003", signed),
    ];
    write(&mut document, &author(1), &edits);
    document
}

#[test]
fn a_complete_record_lacks_nothing_and_a_fresh_one_nearly_everything() {
    assert_eq!(lacks(&complete()), []);
    assert!(of(&complete()).is_complete());
    let fresh = of(&planned());
    let entries: Vec<_> = fresh
        .entries
        .iter()
        .map(|entry| (entry.lack, entry.path.as_str(), entry.weight))
        .collect();
    assert_eq!(
        entries,
        [
            (Lack::NoDate, "inspected_on", Weight::Must),
            (Lack::NoTeam, "team", Weight::Must),
            (Lack::NoRepresentative, "representatives", Weight::Must),
            (Lack::Unanswered, "items/T124-CD-1A/answer", Weight::Must),
            (Lack::Unanswered, "items/T124-CD-1C/answer", Weight::Must),
            (Lack::NoOpinion, "opinion", Weight::Hint),
            (Lack::NoUnitSignature, "signatures", Weight::Must),
        ]
    );
    assert!(!fresh.is_complete());
    assert_eq!(
        fresh.entries[3].vietnamese,
        "T124-CD-1A: tiêu chí bắt buộc chưa có kết quả"
    );
}

/// What these edits to the complete record make missing.
fn after(edits: &[Edit]) -> Vec<(Lack, String)> {
    let mut document = complete();
    write(&mut document, &author(1), edits);
    lacks(&document)
}

#[test]
fn answers_are_held_against_the_criteria_set() {
    let is = |edits: &[Edit], lack: Lack, path: &str| {
        assert_eq!(after(edits), [(lack, path.to_owned())]);
    };
    let answer = "items/T124-CD-1A/answer";
    is(&[set(answer, "not_checked")], Lack::NotChecked, answer);
    is(
        &[set(answer, "not_applicable")],
        Lack::NotApplicableNotAllowed,
        answer,
    );
    is(&[set(answer, Json::Null)], Lack::Unanswered, answer);
    is(
        &[set(answer, "fail")],
        Lack::FailUnexplained,
        "items/T124-CD-1A/note",
    );
    is(
        &[Edit::Remove {
            path: format!("items/T124-CD-1A/evidence/{}", "ab".repeat(32))
                .parse()
                .unwrap(),
        }],
        Lack::NoEvidence,
        "items/T124-CD-1A/evidence",
    );
    let finding =
        json!({"item": "T124-CD-1A", "text": "Không có nghị quyết", "deadline": "2019-07-01"});
    let explained = [
        set(answer, "fail"),
        element(&format!("findings/{}", id(9)), finding),
    ];
    assert_eq!(after(&explained), []);
}

#[test]
fn a_measured_item_needs_its_value_within_the_limits_to_be_met() {
    let (answer, value) = ("items/T124-CD-1B/answer", "items/T124-CD-1B/value");
    let pass = set(answer, "pass");
    assert_eq!(
        after(std::slice::from_ref(&pass)),
        [(Lack::NoValue, value.to_owned())]
    );
    assert_eq!(
        after(&[pass.clone(), set(value, 80.5)]),
        [(Lack::OutsideLimits, value.to_owned())]
    );
    assert_eq!(after(&[pass.clone(), set(value, 90.5)]), []);
    assert_eq!(after(&[set(answer, "not_applicable")]), []);
    let mut document = complete();
    write(&mut document, &author(1), &[pass, set(value, 80.5)]);
    let entry = &of(&document).entries[0];
    assert_eq!(
        entry.vietnamese,
        "T124-CD-1B: ghi “đạt” nhưng số đo 80,5 % nằm ngoài mức quy định (từ 90,5 trở lên)"
    );
    assert_eq!(
        entry.english,
        "T124-CD-1B: met, although 80.5 % lies outside the limits (90.5 or more)"
    );
}

#[test]
fn a_finding_needs_a_text_and_while_it_is_open_a_deadline() {
    let path = format!("findings/{}", id(9));
    let lacking = |fields: Json| after(&[element(&path, fields)]);
    assert_eq!(
        lacking(json!({"state": "open"})),
        [
            (Lack::FindingWithoutText, format!("{path}/text")),
            (Lack::FindingWithoutDeadline, format!("{path}/deadline")),
        ]
    );
    assert_eq!(lacking(json!({"text": "Thiếu sổ", "state": "fixed"})), []);
    let struck_out = [
        element(&path, json!({"state": "open"})),
        set(&format!("{path}/removed"), true),
    ];
    assert_eq!(after(&struck_out), []);
}

#[test]
fn the_unit_signs_or_refuses_with_a_reason() {
    let own = "signatures/00000000-0000-0000-0000-000000000003";
    let refused = |fields: Json| {
        let removed = Edit::Remove {
            path: own.parse().unwrap(),
        };
        after(&[removed, element(&format!("signatures/{}", id(8)), fields)])
    };
    assert_eq!(
        refused(json!({"role": "team", "name": "Lan"})),
        [(Lack::NoUnitSignature, "signatures".to_owned())]
    );
    assert_eq!(
        refused(json!({"role": "unit", "refused": true})),
        [(
            Lack::RefusalWithoutReason,
            format!("signatures/{}/refusal_reason", id(8))
        )]
    );
    let why = "Không nhất trí với kết luận";
    assert_eq!(
        refused(json!({"role": "unit", "refused": true, "refusal_reason": why})),
        []
    );
}

#[test]
fn open_conflicts_and_a_finished_record_that_changed_are_told() {
    let mut document = complete();
    write(&mut document, &author(1), &[set("finished", true)]);
    let path = "items/T124-CD-1A/answer".parse().unwrap();
    let known = Known {
        form: None,
        conflicts: &[path],
        signed: false,
    };
    let found = missing(&document.to_json(), known).unwrap();
    let lacks: Vec<_> = found.entries.iter().map(|entry| entry.lack).collect();
    assert_eq!(
        lacks,
        [Lack::NoCriteriaSet, Lack::NoDeviceSignature, Lack::Conflict]
    );
    let known = Known {
        conflicts: &[],
        signed: true,
        ..known
    };
    assert!(missing(&document.to_json(), known).unwrap().is_complete());
}

#[test]
fn every_entry_can_be_read_in_both_languages() {
    let empty = genesis::planned_inspection(&crate::support::plan())
        .unwrap()
        .0;
    for entry in of(&empty).entries {
        assert!(!entry.vietnamese.is_empty() && !entry.english.is_empty());
        assert!(entry.vietnamese != entry.english);
    }
    let json = serde_json::to_value(of(&empty)).unwrap();
    assert_eq!(
        json["entries"][0],
        json!({"weight": "must", "lack": "no_date", "path": "inspected_on",
               "vietnamese": "Chưa ghi ngày kiểm tra", "english": "The day of the visit is missing"})
    );
}
