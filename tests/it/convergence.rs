//! Several devices, a real server, a random schedule from a printed seed.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngSeed, TestRunner},
};
use serde_json::{Value as Json, json};
use sokiem_client_core::{search::Query, sync::sync_once};
use sokiem_record::{
    edit::Edit,
    id::{DocumentId, Kind},
    schema::Path,
};
use sokiem_tests::{
    demo::desk::settle_everything,
    device::Device,
    town::{Small, new_unit},
    wire::{Fault, Faulty},
};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Happening {
    /// A device edits one of the units that it holds.
    Edit {
        device: usize,
        pick: usize,
        what: u8,
    },
    /// A device records a new unit.
    Unit { device: usize },
    /// A device tries to sync over a line with a fault.
    Sync { device: usize, fault: Fault },
    /// A supervisor settles what differs.
    Settle,
}

fn happening() -> impl Strategy<Value = Happening> {
    let fault = prop_oneof![
        4 => Just(Fault::None),
        1 => Just(Fault::RequestLost),
        1 => Just(Fault::AnswerLost),
        1 => Just(Fault::AnswerCut),
        1 => Just(Fault::Twice),
    ];
    let edit = (0..3_usize, any::<usize>(), any::<u8>());
    prop_oneof![
        6 => edit.prop_map(|(device, pick, what)| Happening::Edit { device, pick, what }),
        1 => (0..3_usize).prop_map(|device| Happening::Unit { device }),
        3 => (0..3_usize, fault).prop_map(|(device, fault)| Happening::Sync { device, fault }),
        1 => Just(Happening::Settle),
    ]
}

fn seed() -> u64 {
    let drawn = || {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).unwrap();
        u64::from_le_bytes(bytes)
    };
    let seed = std::env::var("SOKIEM_SEED").map_or_else(|_| drawn(), |seed| seed.parse().unwrap());
    println!("SOKIEM_SEED={seed} replays this run");
    seed
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_and_server_converge_under_random_schedules() {
    let config = Config {
        rng_seed: RngSeed::Fixed(seed()),
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    for _ in 0..6 {
        let schedules = prop::collection::vec(happening(), 60);
        play(&schedules.new_tree(&mut runner).unwrap().current()).await;
    }
}

async fn play(schedule: &[Happening]) {
    let town = Small::start().await.unwrap();
    let mut devices = Vec::new();
    for n in 0..3 {
        let device = town.officer(&format!("canbo{n}")).await.unwrap();
        device.sync().await.unwrap();
        devices.push(device);
    }
    let mut saved = 0;
    for (nth, happening) in schedule.iter().enumerate() {
        match happening {
            Happening::Unit { device } => {
                new_unit(&devices[*device].book, town.commune, nth).unwrap();
                saved += 1;
            }
            Happening::Edit { device, pick, what } => {
                saved += u64::from(edit(&devices[*device], *pick, *what, nth))
            }
            Happening::Sync { device, fault } => {
                let line = Faulty::new(devices[*device].transport.clone(), vec![*fault]);
                // Whether it got through is the line's affair; what holds is looked at in the end.
                let _ = sync_once(&devices[*device].book, &line).await;
            }
            Happening::Settle => {
                settle_everything(&town.desk).await.unwrap();
            }
        }
    }
    // Everybody comes back into the network; twice, so that the first hears of the last.
    for _ in 0..2 {
        for device in &devices {
            device.sync().await.unwrap();
        }
    }
    let expected = state(&devices[0]);
    for device in &devices {
        let status = device.book.status().unwrap();
        assert_eq!((status.pending, status.refused), (0, 0));
        assert_eq!(state(device), expected);
    }
    let mut field_changes = 0;
    for (document, fields) in &expected {
        assert_eq!(
            town.desk.record(document.0).await.unwrap()["fields"],
            *fields
        );
        let history = town
            .desk
            .get(&format!("/api/v1/records/{document}/history"))
            .await
            .unwrap();
        let by_officers = history
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["reason"].is_null());
        field_changes += by_officers.count() as u64;
    }
    // Every save is in a record, none lost and none doubled. Supervisors' changes carry a reason.
    assert_eq!(field_changes, saved);
    town.server.stop().await.unwrap();
}

/// Every unit with its fields.
fn state(device: &Device) -> Vec<(DocumentId, Json)> {
    let query = Query {
        kind: Some(Kind::Unit),
        ..Query::default()
    };
    let mut documents: Vec<_> = device
        .book
        .list(&query)
        .unwrap()
        .into_iter()
        .map(|one| one.document)
        .collect();
    documents.sort();
    documents
        .into_iter()
        .map(|document| (document, device.book.get(document).unwrap().fields))
        .collect()
}

/// Whether something was written.
fn edit(device: &Device, pick: usize, what: u8, nth: usize) -> bool {
    let documents = state(device);
    if documents.is_empty() {
        return false;
    }
    let (document, _) = documents[pick % documents.len()];
    let conflicts = device.book.conflicts(document).unwrap();
    let single = |path: &str, value: Json| {
        let path: Path = path.parse().unwrap();
        if conflicts.iter().any(|conflict| conflict.path == path) {
            Edit::Settle { path, value }
        } else {
            Edit::Set { path, value }
        }
    };
    let edit = match what % 4 {
        0 => single("address", json!(format!("Ấp {}", what / 4))),
        1 => single(
            "years/2019.registered_on",
            json!(format!("2019-03-{:02}", 1 + what % 28)),
        ),
        2 => single("staff", json!(what)),
        _ => Edit::Text {
            path: "notes".parse().unwrap(),
            text: format!("ghi chú {nth} {what}. "),
        },
    };
    device
        .book
        .edit(document, None, &[edit], None)
        .unwrap()
        .change
        .is_some()
}
