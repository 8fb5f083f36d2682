//! Small actors and edits for the tests.

use proptest::test_runner::{Config, RngSeed};
use serde_json::{Value as Json, json};
use sokiem_record::{
    document::{Document, Received},
    edit::{Author, Edit, Written},
    genesis::{self, Plan},
    id::{ActorId, DocumentId},
};
use uuid::Uuid;

pub(crate) const ITEMS: [&str; 3] = ["T124-CD-1A", "T124-CD-1B", "T124-CD-1C"];

pub(crate) fn plan() -> Plan {
    Plan {
        unit: DocumentId(Uuid::from_u128(0x01)),
        campaign: DocumentId(Uuid::from_u128(0x02)),
        criteria_code: "T124-CD".into(),
        criteria_version: 1,
        window: Some(("2018-11-30".into(), "2019-11-30".into())),
        items: ITEMS.map(str::to_owned).to_vec(),
    }
}

pub(crate) fn planned() -> Document {
    genesis::planned_inspection(&plan()).unwrap().0
}

pub(crate) fn author(n: u128) -> Author {
    Author {
        actor: ActorId(Uuid::from_u128(n)),
        time_ms: 1_700_000_000_000 + i64::try_from(n).unwrap(),
        reason: None,
    }
}

pub(crate) fn set(path: &str, value: impl Into<Json>) -> Edit {
    Edit::Set {
        path: path.parse().unwrap(),
        value: value.into(),
    }
}

pub(crate) fn settle(path: &str, value: impl Into<Json>) -> Edit {
    Edit::Settle {
        path: path.parse().unwrap(),
        value: value.into(),
    }
}

pub(crate) fn text(path: &str, text: &str) -> Edit {
    Edit::Text {
        path: path.parse().unwrap(),
        text: text.into(),
    }
}

pub(crate) fn finding(n: u128, text: &str) -> Edit {
    let path = format!("findings/{}", Uuid::from_u128(n)).parse().unwrap();
    genesis::element(
        path,
        [
            ("text", json!(text)),
            ("deadline", json!("2019-06-30")),
            ("state", json!("open")),
        ],
    )
}

pub(crate) fn write(document: &mut Document, author: &Author, edits: &[Edit]) -> Written {
    document
        .edit(author, None, edits)
        .unwrap()
        .expect("something changes")
}

pub(crate) fn deliver(to: &mut Document, change: &Written) {
    match to.receive(&change.bytes).unwrap() {
        Received::Applied(_) | Received::Had(_) => {}
        other => panic!("not taken: {other:?}"),
    }
}

/// A property's configuration: a fresh seed, printed so that a failure shows it, or the one given in
/// `SOKIEM_SEED` to replay.
pub(crate) fn config(cases: u32) -> Config {
    let seed = match std::env::var("SOKIEM_SEED") {
        Ok(seed) => seed.parse().expect("SOKIEM_SEED is a number"),
        Err(_) => {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).expect("the system has randomness");
            u64::from_le_bytes(bytes)
        }
    };
    println!("SOKIEM_SEED={seed} replays this run");
    Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    }
}
