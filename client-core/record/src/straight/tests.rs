use automerge::Automerge;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    document::{Document, ENCODING, Received},
    edit::{Author, Edit},
    genesis::{self, Plan},
    id::{ActorId, DocumentId, Kind},
};

fn author(n: u128) -> Author {
    Author {
        actor: ActorId(Uuid::from_u128(n)),
        time_ms: 1_700_000_000_000,
        reason: (n == 2).then(|| "vì sao".to_owned()),
    }
}

fn set(path: &str, value: impl Into<Json>) -> Edit {
    Edit::Set {
        path: path.parse().unwrap(),
        value: value.into(),
    }
}

fn text(path: &str, text: &str) -> Edit {
    Edit::Text {
        path: path.parse().unwrap(),
        text: text.into(),
    }
}

fn finding(n: u8, words: &str) -> Edit {
    let path = format!("findings/{}", Uuid::from_u128(n.into()));
    genesis::element(
        path.parse().unwrap(),
        [("text", json!(words)), ("state", json!("open"))],
    )
}

fn begun() -> (Document, Vec<u8>) {
    let plan = Plan {
        unit: DocumentId(Uuid::from_u128(1)),
        campaign: DocumentId(Uuid::from_u128(2)),
        criteria_code: "T124-CD".into(),
        criteria_version: 1,
        window: None,
        items: vec!["T124-CD-1A".into(), "T124-CD-1B".into()],
    };
    let (document, written) = genesis::planned_inspection(&plan).unwrap();
    (document, written.bytes)
}

/// The same document read twice: here, and by Automerge from the first change on.
struct Both {
    here: Document,
    automerge: Document,
}

impl Both {
    fn new(like: &Document) -> Self {
        let here = Document::new(like.id(), like.kind());
        let automerge = here.with(Automerge::new_with_encoding(ENCODING));
        Self { here, automerge }
    }

    /// Both say the same of a change, and the same document comes of it.
    fn receive(&mut self, bytes: &[u8]) -> Received {
        let here = self.here.receive(bytes);
        let automerge = self.automerge.receive(bytes);
        let (Ok(here), Ok(automerge)) = (&here, &automerge) else {
            assert!(
                here.is_err() && automerge.is_err(),
                "{here:?}, {automerge:?}"
            );
            return Received::Refused(crate::refusal::Refusal::DoesNotApply);
        };
        assert_eq!(here, automerge);
        self.agree();
        here.clone()
    }

    fn agree(&self) {
        let (here, automerge) = (&self.here, &self.automerge);
        assert_eq!(here.to_json(), automerge.to_json());
        assert_eq!(here.contents().summary, automerge.contents().summary);
        assert_eq!(here.heads(), automerge.heads());
        assert_eq!(here.hashes(), automerge.hashes());
        assert_eq!(here.change_count(), automerge.change_count());
        assert_eq!(here.conflicts(), automerge.conflicts());
        assert_eq!(here.changes_since(&[]), automerge.changes_since(&[]));
        for hash in here.hashes() {
            assert_eq!(here.change(&hash), automerge.change(&hash));
            assert_eq!(
                here.changes_since(&[hash]),
                automerge.changes_since(&[hash])
            );
        }
        for key in [
            "id", "kind", "schema", "place", "copies", "opinion", "items",
        ] {
            assert_eq!(here.line(key), automerge.line(key), "{key}");
            assert_eq!(here.integer(key), automerge.integer(key), "{key}");
        }
    }

    fn is_straight(&self) -> bool {
        self.here.straight().is_some()
    }
}

#[test]
fn a_day_of_work_is_straight_until_a_text_is_changed_in_the_middle() {
    let (mut writer, first) = begun();
    let mut both = Both::new(&writer);
    both.receive(&first);
    let answered = [
        set("items/T124-CD-1A/answer", "pass"),
        text("items/T124-CD-1A/note", "Đủ hồ sơ"),
        finding(1, "Thiếu sổ trực"),
    ];
    let again = [
        set("items/T124-CD-1A/answer", "fail"),
        set("items/T124-CD-1B/value", 2.5),
        text("items/T124-CD-1A/note", "Đủ hồ sơ, sạch sẽ"),
        set("copies", 3),
        set("place", Json::Null),
        set("place", "Ấp 1"),
    ];
    for (who, edits) in [(1, answered.as_slice()), (2, again.as_slice())] {
        let written = writer.edit(&author(who), None, edits).unwrap().unwrap();
        assert!(matches!(both.receive(&written.bytes), Received::Applied(_)));
        assert!(both.is_straight());
    }
    // Reading it in Automerge does not change what comes after.
    assert_eq!(both.here.history().len(), 3);
    let undone = [text("items/T124-CD-1A/note", "Đủ sổ")];
    let written = writer.edit(&author(1), None, &undone).unwrap().unwrap();
    assert!(matches!(both.receive(&written.bytes), Received::Applied(_)));
    assert!(!both.is_straight());
    assert_eq!(both.here.to_json(), writer.to_json());
}

#[test]
fn two_people_at_once_are_automerges() {
    let (begun, first) = begun();
    let (mut one, mut other) = (begun.clone(), begun);
    let ours = one
        .edit(&author(1), None, &[set("place", "Ấp 1")])
        .unwrap()
        .unwrap();
    let theirs = other
        .edit(&author(3), None, &[set("place", "Ấp 2")])
        .unwrap()
        .unwrap();
    let mut both = Both::new(&one);
    for bytes in [&first, &ours.bytes, &theirs.bytes] {
        assert!(matches!(both.receive(bytes), Received::Applied(_)));
    }
    assert!(!both.is_straight());
    assert_eq!(both.here.conflicts().len(), 1);
}

#[test]
fn stored_changes_are_loaded_straight_and_damage_is_found() {
    let (mut writer, first) = begun();
    let second = writer
        .edit(&author(1), None, &[set("copies", 2)])
        .unwrap()
        .unwrap();
    let stored = [first, second.bytes];
    let loaded = Document::load(writer.id(), writer.kind(), None, &stored).unwrap();
    assert!(loaded.straight().is_some());
    assert_eq!(loaded.to_json(), writer.to_json());
    assert_eq!(loaded.save(), writer.save());
    let mut damaged = stored.clone();
    damaged[1][40] ^= 1;
    assert!(Document::load(writer.id(), writer.kind(), None, &damaged).is_err());
    assert!(Document::load(writer.id(), writer.kind(), None, &stored[1..]).is_err());
    let whole = Document::load(writer.id(), writer.kind(), Some(&writer.save()), &stored).unwrap();
    assert_eq!(whole.heads(), writer.heads());
}

/// Steps that people take in an inspection; some replace texts, which is not straight.
fn steps() -> impl Strategy<Value = Vec<(u128, Edit)>> {
    let words = "[a-zà-ỹ ]{0,12}";
    let edit = prop_oneof![
        words.prop_map(|words| set("place", words.trim())),
        any::<i16>().prop_map(|copies| set("copies", i64::from(copies).abs())),
        any::<i32>().prop_map(|value| set("items/T124-CD-1A/value", f64::from(value) / 8.0)),
        Just(set("items/T124-CD-1B/answer", "pass")),
        Just(set("items/T124-CD-1B/answer", Json::Null)),
        Just(set("finished", true)),
        words.prop_map(|words| text("opinion", &words)),
        (any::<u8>(), words).prop_map(|(n, words)| finding(n, words.trim())),
    ];
    prop::collection::vec((1..4_u128, edit), 1..20)
}

#[test]
fn whatever_people_do_one_after_another_is_read_as_automerge_reads_it() {
    let straight = std::cell::Cell::new(0);
    let config = ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            let (mut writer, first) = begun();
            let mut both = Both::new(&writer);
            both.receive(&first);
            for (who, edit) in steps {
                if let Ok(Some(written)) = writer.edit(&author(who), None, &[edit]) {
                    prop_assert!(matches!(both.receive(&written.bytes), Received::Applied(_)));
                }
            }
            prop_assert_eq!(both.here.to_json(), writer.to_json());
            straight.set(straight.get() + u32::from(both.is_straight()));
            Ok(())
        })
        .unwrap();
    assert!(
        straight.get() > 20,
        "nearly nothing was straight: {}",
        straight.get()
    );
}

/// A change with other contents, under a right length and checksum.
fn chunk(contents: &[u8]) -> Vec<u8> {
    let mut hashed = vec![1];
    let mut length = contents.len();
    while length > 0x7f {
        hashed.push(0x80 | u8::try_from(length & 0x7f).unwrap());
        length >>= 7;
    }
    hashed.push(u8::try_from(length).unwrap());
    hashed.extend_from_slice(contents);
    let digest = Sha256::digest(&hashed);
    [&[0x85, 0x6f, 0x4a, 0x83], &digest[..4], &hashed].concat()
}

#[test]
fn altered_bytes_under_a_right_checksum_fare_as_with_automerge() {
    let (mut writer, first) = begun();
    let edits = [
        set("place", "Ấp"),
        text("opinion", "Có"),
        finding(9, "Sổ"),
        set("copies", 300),
        set("items/T124-CD-1A/value", 0.5),
    ];
    let second = writer.edit(&author(2), None, &edits).unwrap().unwrap();
    let again = [set("place", "Ấp 2"), text("opinion", "Có ạ")];
    let third = writer.edit(&author(1), None, &again).unwrap().unwrap();
    let mut taken = 0;
    for (before, bytes) in [
        (vec![&first], &second.bytes),
        (vec![&first, &second.bytes], &third.bytes),
    ] {
        let contents = &bytes[bytes.len() - contents_length(bytes)..];
        for place in 0..contents.len() {
            for flip in [0x01, 0x02, 0x04, 0x10, 0x40, 0x80, 0x7f] {
                let mut altered = contents.to_vec();
                altered[place] ^= flip;
                let mut both = Both::new(&writer);
                for change in &before {
                    both.receive(change);
                }
                let received = both.receive(&chunk(&altered));
                taken += u32::from(matches!(received, Received::Applied(_)) && both.is_straight());
            }
        }
    }
    assert!(
        taken > 100,
        "only {taken} were taken: too few to tell anything"
    );
}

/// Without magic, checksum, type and the length itself.
fn contents_length(bytes: &[u8]) -> usize {
    let length_bytes = 1 + bytes[9..]
        .iter()
        .take_while(|byte| **byte & 0x80 != 0)
        .count();
    bytes.len() - 9 - length_bytes
}

#[test]
fn a_document_that_says_that_it_is_another_is_refused_as_before() {
    let (document, first) = begun();
    let mut other = Document::new(DocumentId(Uuid::from_u128(77)), document.kind());
    let mut unit = Document::new(document.id(), Kind::Unit);
    for wrong in [&mut other, &mut unit] {
        assert_eq!(
            wrong.receive(&first).unwrap(),
            Received::Refused(crate::refusal::Refusal::WrongDocument)
        );
        assert_eq!(wrong.change_count(), 0);
    }
}
