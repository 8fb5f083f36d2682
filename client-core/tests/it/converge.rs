//! Several books, one server, whatever order and whatever gets lost: in the end all hold the same.

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sokiem_client_core::{Book, search::Query};
use sokiem_record::{
    edit::Edit,
    id::{AreaId, DocumentId, EpochId},
};

use crate::{
    books::{school, set, sync, try_sync},
    model::{Fault, Model, Server, area, campaign},
    platform::{Seeded, TestClock},
};

#[derive(Clone, Copy, Debug)]
enum Step {
    Create { who: usize, area: usize },
    Edit { who: usize, unit: usize, staff: u32 },
    Note { who: usize, unit: usize, words: u32 },
    Plan { who: usize, unit: usize },
    Settle { who: usize },
    Sync { who: usize },
    SyncFails { who: usize, fault: Fault },
    Move { unit: usize, area: usize },
    Backup,
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    let (who, unit, place) = (0..3_usize, 0..6_usize, 0..2_usize);
    let fault = prop_oneof![
        Just(Fault::RequestLost),
        Just(Fault::ResponseLost),
        Just(Fault::ResponseCut),
        Just(Fault::Twice)
    ];
    prop_oneof![
        3 => (who.clone(), place.clone()).prop_map(|(who, area)| Step::Create { who, area }),
        6 => (who.clone(), unit.clone(), 0..4_u32).prop_map(|(who, unit, staff)| Step::Edit { who, unit, staff }),
        4 => (who.clone(), unit.clone(), 0..100_u32).prop_map(|(who, unit, words)| Step::Note { who, unit, words }),
        3 => (who.clone(), unit.clone()).prop_map(|(who, unit)| Step::Plan { who, unit }),
        2 => who.clone().prop_map(|who| Step::Settle { who }),
        6 => who.clone().prop_map(|who| Step::Sync { who }),
        4 => (who, fault).prop_map(|(who, fault)| Step::SyncFails { who, fault }),
        2 => (unit, place).prop_map(|(unit, area)| Step::Move { unit, area }),
        1 => Just(Step::Backup),
        1 => Just(Step::Restore),
    ]
}

struct World {
    server: Server,
    books: Vec<Book>,
    areas: [AreaId; 2],
    campaign: DocumentId,
    backup: Option<Model>,
    epochs: u128,
}

impl World {
    fn new(page: usize) -> Self {
        let areas = [area(1), area(2)];
        let server = Server::new(&areas);
        let campaign = campaign(&server, area(1));
        server.lock().page = page;
        // One phone's clock is decades off.
        let clocks = [1_700_000_000_000, 1_700_000_100_000, -900_000_000_000];
        let books: Vec<Book> = (0..3)
            .map(|who| crate::files::book(TestClock::at(clocks[who]), Seeded::new(who as u64 + 1)))
            .collect();
        for book in &books {
            assert!(sync(book, &server).verified);
        }
        Self {
            server,
            books,
            areas,
            campaign,
            backup: None,
            epochs: 1,
        }
    }

    fn unit(&self, who: usize, number: usize) -> Option<DocumentId> {
        let query = Query {
            kind: Some(sokiem_record::id::Kind::Unit),
            ..Query::default()
        };
        let units = self.books[who].list(&query).unwrap();
        units.get(number).map(|listed| listed.document)
    }

    fn make(&mut self, step: Step) {
        match step {
            Step::Create { who, area } => {
                school(&self.books[who], self.areas[area], &format!("Trường {who}"));
            }
            Step::Edit { who, unit, staff } => {
                if let Some(unit) = self.unit(who, unit) {
                    let settle = Edit::Settle {
                        path: "staff".parse().unwrap(),
                        value: staff.into(),
                    };
                    let book = &self.books[who];
                    if book.edit(unit, None, &[set("staff", staff)], None).is_err() {
                        book.edit(unit, None, &[settle], None).unwrap();
                    }
                }
            }
            Step::Note { who, unit, words } => {
                if let Some(unit) = self.unit(who, unit) {
                    let notes = self.books[who].get(unit).unwrap().fields["notes"]
                        .as_str()
                        .unwrap()
                        .to_owned();
                    let text = format!("{notes} {words} từ {who}.");
                    let edit = Edit::Text {
                        path: "notes".parse().unwrap(),
                        text,
                    };
                    self.books[who].edit(unit, None, &[edit], None).unwrap();
                }
            }
            Step::Plan { who, unit } => {
                if let Some(unit) = self.unit(who, unit) {
                    let opened = self.books[who]
                        .open_planned_inspection(unit, self.campaign)
                        .unwrap();
                    let answer = set(
                        "items/T124-GD-REG/answer",
                        ["pass", "fail", "not_checked"][who],
                    );
                    // People may differ by now; then this officer leaves it to the settling step.
                    let _ =
                        self.books[who].edit(opened.document, Some(&opened.heads), &[answer], None);
                }
            }
            Step::Settle { who } => {
                let query = Query {
                    conflicts_only: true,
                    limit: Some(1),
                    ..Query::default()
                };
                for listed in self.books[who].list(&query).unwrap() {
                    let conflict = self.books[who]
                        .conflicts(listed.document)
                        .unwrap()
                        .remove(0);
                    let value = conflict.alternatives[0].value.clone();
                    let settle = Edit::Settle {
                        path: conflict.path,
                        value,
                    };
                    self.books[who]
                        .edit(listed.document, None, &[settle], Some("xem lại"))
                        .unwrap();
                }
            }
            Step::Sync { who } => {
                let _ = try_sync(&self.books[who], &self.server);
            }
            Step::SyncFails { who, fault } => {
                self.server.lock().faults.push_back(fault);
                let _ = try_sync(&self.books[who], &self.server);
                self.server.lock().faults.clear();
            }
            Step::Move { unit, area } => {
                let mut model = self.server.lock();
                let units: Vec<DocumentId> = model
                    .documents
                    .values()
                    .filter(|(kind, lies_in, _)| {
                        *kind == sokiem_record::id::Kind::Unit && *lies_in != self.areas[area]
                    })
                    .map(|(_, _, document)| document.id())
                    .collect();
                if let Some(unit) = units.get(unit) {
                    model.move_document(*unit, self.areas[area], true);
                }
            }
            Step::Backup => self.backup = Some(self.server.lock().clone()),
            Step::Restore => {
                if let Some(backup) = self.backup.clone() {
                    self.epochs += 1;
                    *self.server.lock() = backup;
                    self.server.lock().epoch = EpochId(uuid::Uuid::from_u128(self.epochs));
                }
            }
        }
    }

    /// What every officer sees, and what the server holds.
    fn settle_down(&self) {
        for _ in 0..3 {
            for book in &self.books {
                sync(book, &self.server);
            }
        }
        let model = self.server.lock();
        for (who, book) in self.books.iter().enumerate() {
            let status = book.status().unwrap();
            assert_eq!((status.pending, status.refused), (0, 0), "book {who}");
            assert!(status.disagreeing.is_empty(), "book {who}");
            let listed = book.list(&Query::default()).unwrap();
            assert_eq!(listed.len(), model.documents.len(), "book {who}");
            for (id, (_, area, document)) in &model.documents {
                let read = book.get(*id).unwrap();
                assert_eq!(
                    (&read.heads, read.area),
                    (&document.heads(), *area),
                    "book {who} document {id}"
                );
                assert_eq!(read.fields, document.to_json());
            }
        }
    }
}

/// In a browser every save waits for its disk.
const CASES: u32 = if cfg!(target_family = "wasm") {
    10
} else {
    150
};

#[test]
fn books_converge_under_any_schedule_of_work_loss_and_restore() {
    let fresh = || {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).unwrap();
        u64::from_le_bytes(bytes)
    };
    let seed: u64 = seed().unwrap_or_else(fresh);
    say(&format!("SOKIEM_SEED={seed} replays this run"));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let random = proptest::test_runner::TestRng::from_seed(
        proptest::test_runner::RngAlgorithm::ChaCha,
        &bytes,
    );
    let mut runner = TestRunner::new_with_rng(config, random);
    let schedule = (proptest::collection::vec(step(), 1..70), 1..6_usize);
    runner
        .run(&schedule, |(steps, page)| {
            let mut world = World::new(page);
            for step in steps {
                world.make(step);
            }
            world.settle_down();
            Ok(())
        })
        .unwrap();
}

/// The seed of a run that is to be replayed.
fn seed() -> Option<u64> {
    #[cfg(target_family = "wasm")]
    let seed = crate::browser::seed();
    #[cfg(not(target_family = "wasm"))]
    let seed = std::env::var("SOKIEM_SEED").ok();
    seed.map(|seed| seed.parse().unwrap())
}

/// Tells whoever runs the tests.
#[cfg_attr(
    not(target_family = "wasm"),
    expect(clippy::print_stdout, reason = "a test prints its seed")
)]
fn say(words: &str) {
    #[cfg(target_family = "wasm")]
    crate::browser::say(words);
    #[cfg(not(target_family = "wasm"))]
    println!("{words}");
}
