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
    ("t124-cd.toml", "d1ab67765ca7dcf3"),
    ("t124-gd.toml", "0f7cca7cb7b95d5c"),
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
fn all_faults_come_at_once_and_unknown_keys_are_one() {
    let item = GOOD.split_once("[[items]]").unwrap().1;
    let twice = format!(
        "{GOOD}\n[[items]]{}",
        item.replace("en = \"There is a plan\"", "en = \" \"")
    );
    assert_eq!(validate("x.toml", &twice).unwrap_err().len(), 2);
    let unknown = faults("required = true", "required = true\ncolour = \"red\"");
    assert!(
        unknown[0].1.contains("colour") && unknown[0].1.starts_with("line "),
        "{unknown:?}"
    );
}
