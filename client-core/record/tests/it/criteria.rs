//! Criteria files: what ships is right, and what is wrong is told with file, item and reason.

use sha2::{Digest, Sha256};
use sokiem_record::criteria::{CriteriaSet, SHIPPED, Verification, shipped, validate};

/// A small set without faults.
const GOOD: &str = r#"
code = "X-1"
version = 1
regime = "own"
title_vi = "Bộ thử"
title_en = "A set for tests"
purpose = "inspection"
unit_kinds = ["agency"]
valid_from = "2020-01-01"
window = "campaign"
complete = true

[[items]]
code = "X-1-A"
vi = "Có kế hoạch"
en = "There is a plan"
answer = { type = "pass_fail" }
required = true
not_applicable_allowed = false
evidence = ["Kế hoạch"]
citation = { source = "own", verification = "own" }
"#;

fn faults(from: &str, to: &str) -> Vec<(Option<String>, String)> {
    let text = GOOD.replace(from, to);
    assert_ne!(text, GOOD, "{from} is not in the text");
    let faults = validate("x.toml", &text).unwrap_err();
    faults
        .into_iter()
        .map(|fault| {
            assert_eq!(fault.file, "x.toml");
            assert!(!fault.vietnamese.is_empty());
            (fault.item, fault.english)
        })
        .collect()
}

#[test]
fn every_shipped_set_is_valid_and_says_what_it_lacks() {
    let sets = shipped().unwrap();
    let incomplete: Vec<_> = sets
        .iter()
        .filter(|set| !set.complete)
        .map(|set| set.code.as_str())
        .collect();
    assert_eq!(incomplete, ["Q510", "T23-NT", "T124-CD", "T124-GD"]);
    assert!(sets.iter().all(|set| set.complete || set.note.is_some()));
    let own = sets.iter().find(|set| set.regime == "own").unwrap();
    assert!(
        own.items
            .iter()
            .all(|item| item.citation.verification == Verification::Own)
    );
}

/// A published version never changes: first changes of planned inspections follow from it. To alter a
/// set, add a file with the next version.
#[test]
fn published_files_are_frozen() {
    let now: Vec<(String, String)> = SHIPPED
        .iter()
        .map(|(file, text)| {
            let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
            (
                (*file).to_owned(),
                digest
                    .iter()
                    .take(8)
                    .map(|byte| format!("{byte:02x}"))
                    .collect(),
            )
        })
        .collect();
    let frozen = FROZEN.map(|(file, digest)| (file.to_owned(), digest.to_owned()));
    assert_eq!(now, frozen);
}

const FROZEN: [(&str, &str); 5] = [
    ("kiemtra-chung.toml", "d199b0137974c303"),
    ("q510.toml", "831139ca10a4d4cd"),
    ("t23-nt.toml", "29b09b492f32e16f"),
    ("t124-cd.toml", "01d12ca12a147e7e"),
    ("t124-gd.toml", "9364dda3916e7ab3"),
];

#[test]
fn a_set_survives_the_way_through_a_document() {
    for set in shipped().unwrap() {
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<CriteriaSet>(&json).unwrap(), set);
    }
    assert_eq!(
        sokiem_record::criteria::parse_reference("T124-CD@1"),
        Some(("T124-CD", 1))
    );
}

#[test]
fn every_fault_is_named_with_its_item() {
    validate("x.toml", GOOD).unwrap();
    let item = || Some("X-1-A".to_owned());
    assert_eq!(
        faults("vi = \"Có kế hoạch\"", "vi = \"\""),
        [(item(), "vi is empty".into())]
    );
    assert_eq!(faults("X-1-A", "x a")[0].0, Some("x a".into()));
    assert_eq!(
        faults("2020-01-01", "2020-02-30"),
        [(None, "valid_from is not a date YYYY-MM-DD".into())]
    );
    assert_eq!(
        faults("complete = true", "complete = false"),
        [(
            None,
            "an incomplete set must say in note what is missing".into()
        )]
    );
    assert_eq!(
        faults("[\"agency\"]", "[\"agency\", \"agency\"]"),
        [(None, "unit_kinds is empty or names a kind twice".into())]
    );
    assert_eq!(
        faults("verification = \"own\"", "verification = \"unsure\"").len(),
        2
    );
    assert_eq!(
        faults("regime = \"own\"", "regime = \"TT 1\""),
        [(
            item(),
            "an item of our own does not belong to a legal regime".into()
        )]
    );
    assert_eq!(
        faults("{ type = \"pass_fail\" }", "{ type = \"points\", max = 3 }"),
        [(
            item(),
            "points belong to classification sheets, and only there".into()
        )]
    );
    assert_eq!(
        faults(
            "{ type = \"pass_fail\" }",
            "{ type = \"measured\", unit = \"%\", min = 5.0, max = 1.0 }"
        )
        .len(),
        1
    );
    assert_eq!(
        faults("purpose = \"inspection\"", "purpose = \"classification\"").len(),
        2
    );
    assert_eq!(
        faults("Có kế hoạch", "Co\u{301} kế hoạch"),
        [(item(), "vi is not in Unicode NFC".into())]
    );
    assert_eq!(
        faults("version = 1", "version = 0"),
        [(None, "the version must be at least 1".into())]
    );
}

#[test]
fn every_fault_is_told_with_its_line() {
    let lines = |from: &str, to: &str| -> Vec<Option<usize>> {
        let faults = validate("x.toml", &GOOD.replace(from, to)).unwrap_err();
        faults.into_iter().map(|fault| fault.line).collect()
    };
    assert_eq!(lines("\"2020-01-01\"", "\"2020-02-30\""), [Some(9)]);
    assert_eq!(lines("\"Bộ thử\"", "7"), [Some(5)]);
    assert_eq!(lines("en = \"There is a plan\"", "en = \"\""), [Some(16)]);
    assert_eq!(
        lines("required = true\n", ""),
        [Some(14)],
        "what is missing: the item"
    );
    assert_eq!(
        lines("verification = \"own\"", "verification = \"x\""),
        [Some(21)]
    );
    assert_eq!(
        lines("title_vi = ", ""),
        [Some(5)],
        "where the file can't be read"
    );
    assert_eq!(
        lines("version = 1", ""),
        [None],
        "missing in the set itself"
    );
}

#[test]
fn a_set_that_does_not_fit_its_document_is_a_fault() {
    let long = format!("complete = true\nnote = \"{}\"", "x".repeat(20_000));
    assert_eq!(
        faults("complete = true", &long),
        [(
            None,
            "the set is longer than 20000 characters as JSON".into()
        )]
    );
}

#[test]
fn all_faults_come_at_once() {
    let item = GOOD.split_once("[[items]]").unwrap().1;
    let twice = format!(
        "{GOOD}\n[[items]]{}",
        item.replace("en = \"There is a plan\"", "en = \" \"")
    );
    assert_eq!(validate("x.toml", &twice).unwrap_err().len(), 2);
    assert_eq!(
        faults("required = true", "required = \"yes\"\ncolour = \"red\""),
        [
            ("required must be true or false"),
            ("there is no key colour")
        ]
        .map(|reason| (Some("X-1-A".to_owned()), reason.to_owned()))
    );
}

#[test]
fn every_wrong_key_is_named_with_its_item() {
    for (from, to, item, reason) in [
        (
            "version = 1",
            "version = -1",
            None,
            "version must be a whole number from 0",
        ),
        ("version = 1", "", None, "version is missing"),
        ("\"Bộ thử\"", "7", None, "title_vi must be a text"),
        (
            "\"inspection\"",
            "\"other\"",
            None,
            "purpose must be one of: recognition, classification, inspection",
        ),
        (
            "[\"agency\"]",
            "[\"ship\"]",
            None,
            "unit_kinds must be a list out of: agency, enterprise, school",
        ),
        (
            "\"campaign\"",
            "\"always\"",
            None,
            "window must be one of: november_to_november, school_year, campaign",
        ),
        (
            "[\"Kế hoạch\"]",
            "[1]",
            Some("X-1-A"),
            "evidence must be a list of texts",
        ),
        ("code = \"X-1-A\"", "", Some("#1"), "code is missing"),
        (
            "\"pass_fail\"",
            "\"stars\"",
            Some("X-1-A"),
            "answer.type must be one of: pass_fail, measured, points",
        ),
        (
            "{ type = \"pass_fail\" }",
            "\"pass_fail\"",
            Some("X-1-A"),
            "answer must be a table",
        ),
        (
            "{ type = \"pass_fail\" }",
            "{}",
            Some("X-1-A"),
            "answer.type is missing",
        ),
        (
            "\"pass_fail\"",
            "\"points\", max = \"3\"",
            Some("X-1-A"),
            "answer.max must be a number",
        ),
        (
            "\"pass_fail\"",
            "\"pass_fail\", max = 3",
            Some("X-1-A"),
            "there is no key answer.max",
        ),
        (
            "verification = \"own\"",
            "verification = \"sure\"",
            Some("X-1-A"),
            "citation.verification must be one of: read, partial, press, unsure, own",
        ),
        (
            "source = \"own\", ",
            "",
            Some("X-1-A"),
            "citation.source is missing",
        ),
    ] {
        assert_eq!(
            faults(from, to),
            [(item.map(str::to_owned), reason.to_owned())],
            "{to}"
        );
    }
    let broken = faults("version = 1", "version = = 1");
    assert!(broken[0].1.starts_with("line 3: "), "{broken:?}");
}
