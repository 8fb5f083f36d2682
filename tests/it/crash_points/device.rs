//! What a phone does in an officer's day: saving, and taking in what the server answered.

use std::{cell::RefCell, collections::VecDeque};

use serde_json::{Map, json};
use sokiem_client_core::{
    Book, Error,
    sync::{self, Step, SyncRun, Transport, http::HttpTransport},
};
use sokiem_disk::{Disk, Fault, Image};
use sokiem_record::{
    edit::Edit,
    id::{AreaId, DocumentId},
};
use sokiem_tests::{
    device::Device,
    town::{Small, new_unit},
};
use uuid::Uuid;

use crate::crash_points::{
    phone::{Work, every_call, open, undisturbed},
    seed,
};

/// A town with a phone on a simulated disk, another on a real one, and units that both hold.
struct Day {
    town: Small,
    account: Uuid,
    campaign: DocumentId,
    phone: Disk,
    other: Device,
    units: Vec<DocumentId>,
}

fn transport(book: &Book) -> HttpTransport {
    let enrolment = book.enrolment().unwrap().unwrap();
    HttpTransport::new(&enrolment.server, Some(enrolment.key)).unwrap()
}

fn set(path: &str, value: impl Into<serde_json::Value>) -> Edit {
    Edit::Set {
        path: path.parse().unwrap(),
        value: value.into(),
    }
}

impl Day {
    async fn begin() -> Self {
        let town = Small::start().await.unwrap();
        let campaign = town.campaign().await.unwrap();
        let account = town
            .desk
            .create_account("lan", "Trần Thị Lan", "officer", None, &[town.commune])
            .await
            .unwrap();
        let code = town.desk.enrolment_code(account).await.unwrap();
        let base = town.server.url();
        let phone = Disk::new(3);
        let book = open(&phone).unwrap();
        let stranger = HttpTransport::new(&base, None).unwrap();
        sync::enrol(&book, &stranger, &base, &code, "máy của Lan", "0")
            .await
            .unwrap();
        let other = town.officer("minh").await.unwrap();
        other.sync().await.unwrap();
        let units: Vec<DocumentId> = (0..12)
            .map(|n| new_unit(&other.book, town.commune, n).unwrap())
            .collect();
        other.sync().await.unwrap();
        assert!(verified(&book).await);
        drop(book);
        phone.restart();
        Self {
            town,
            account,
            campaign,
            phone,
            other,
            units,
        }
    }

    /// The phone's disk after this was done with its book.
    fn after(&self, image: &Image, work: impl FnOnce(&Book)) -> Image {
        let disk = Disk::new(4);
        disk.put_image(image);
        work(&open(&disk).unwrap());
        disk.restart();
        disk.image()
    }

    fn address(&self, book: &Book, unit: usize, text: &str) {
        let edit = [set("address", text)];
        book.edit(self.units[unit], None, &edit, None).unwrap();
    }

    /// What the server answers to a phone with this disk.
    async fn answers(&self, image: &Image) -> Vec<Answer> {
        let disk = Disk::new(5);
        disk.put_image(image);
        let book = open(&disk).unwrap();
        let (line, mut run) = (transport(&book), SyncRun::new());
        let mut answers = Vec::new();
        loop {
            let answer = match run.next(&book).unwrap() {
                Step::Exchange(body) => Answer::Exchange(line.exchange(body).await.unwrap()),
                Step::Reconcile(body) => Answer::Reconcile(line.reconcile(body).await.unwrap()),
                Step::BindActor(actor) => {
                    line.bind_actor(actor).await.unwrap();
                    Answer::Bound
                }
                Step::RenewKey(_) | Step::ConfirmWipe => panic!("nobody asked for that"),
                Step::Done(report) => {
                    assert!(report.verified, "{report:?}");
                    return answers;
                }
            };
            run.received(&book, answer.bytes()).unwrap();
            answers.push(answer);
        }
    }

    /// Fails every call while those answers are taken in. Afterwards now and then the phone has to come to an
    /// agreement with the real server.
    fn take_in(&self, what: &str, image: &Image, answers: &[Answer]) {
        let handle = tokio::runtime::Handle::current();
        let mut agreed = 0;
        every_call(
            what,
            image,
            || replay(answers.iter().cloned().collect()),
            |disk, nth| {
                if nth % 30 == 0 {
                    let book = open(disk).unwrap();
                    assert!(handle.block_on(verified(&book)), "{what}: not verified");
                    assert_eq!(book.status().unwrap().pending, 0);
                    agreed += 1;
                }
            },
        );
        assert!(agreed > 0);
    }
}

#[derive(Clone)]
enum Answer {
    Exchange(Vec<u8>),
    Reconcile(Vec<u8>),
    Bound,
}

impl Answer {
    fn bytes(&self) -> &[u8] {
        match self {
            Answer::Exchange(bytes) | Answer::Reconcile(bytes) => bytes,
            Answer::Bound => &[],
        }
    }
}

/// A synchronisation that hears these answers.
fn replay<'a>(mut answers: VecDeque<Answer>) -> Work<'a> {
    let mut run = SyncRun::new();
    Box::new(move |book| {
        let step = run.next(book)?;
        if let Step::Done(report) = step {
            assert!(report.verified, "{report:?}");
            return Ok(false);
        }
        let answer = answers
            .pop_front()
            .ok_or(Error::Contradiction("no more answers"))?;
        match (&step, &answer) {
            (Step::Exchange(_), Answer::Exchange(_))
            | (Step::Reconcile(_), Answer::Reconcile(_))
            | (Step::BindActor(_), Answer::Bound) => {}
            _ => panic!("another step than in the recording: {step:?}"),
        }
        run.received(book, answer.bytes())?;
        Ok(true)
    })
}

async fn verified(book: &Book) -> bool {
    let line = transport(book);
    sync::sync_once(book, &line).await.unwrap().verified
}

/// Work of one step.
fn once<'a, T>(work: impl Fn(&Book) -> Result<T, Error> + 'a) -> Work<'a> {
    Box::new(move |book| work(book).map(|_| false))
}

/// A sync that failed may never be made good: the system's cache forgets that these pages are to be written, and
/// shows them to the next process all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_saved_after_a_save_that_failed_survives_the_next_power_cut() {
    let day = Day::begin().await;
    let (image, seed) = (day.phone.image(), seed());
    let (mut call, mut failed) = (0, 0);
    loop {
        call += 1;
        let mut met = 0;
        for turn in 0..6 {
            let disk = Disk::new(seed.wrapping_add(call * 6 + turn));
            disk.put_image(&image);
            let book = open(&disk).unwrap();
            disk.fail_at(disk.calls() + call, Fault::Io);
            let edit = [set("address", "Ấp 1")];
            failed += u64::from(book.edit(day.units[0], None, &edit, None).is_err());
            met = disk.faults_met();
            disk.kill();
            drop(book);
            let book = open(&disk).unwrap();
            day.address(&book, 0, "Ấp 2");
            disk.restart();
            drop(book);
            let found = open(&disk).unwrap().get(day.units[0]).unwrap();
            assert_eq!(
                found.fields["address"], "Ấp 2",
                "SOKIEM_SEED={seed}, Io at call {call}"
            );
        }
        if met == 0 {
            break;
        }
    }
    println!("{failed} saves failed, at {} calls", call - 1);
    assert!(failed > 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_is_whole_or_not_there_whichever_call_fails() {
    let day = Day::begin().await;
    let (image, commune) = (day.phone.image(), AreaId(day.town.commune));
    let fields: Map<_, _> = [
        ("name", json!("Trường Mầm non")),
        ("unit_kind", json!("school")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let unit = day.units[0];
    let edits = [set("address", "Ấp 7"), set("staff", 41)];
    type Save<'a> = &'a dyn Fn(&Book) -> Result<(), Error>;
    let saves: [(&str, Save<'_>); 4] = [
        ("a new unit", &|book| {
            book.create_unit(commune, &fields).map(drop)
        }),
        ("an edit", &|book| {
            book.edit(unit, None, &edits, Some("đã hỏi")).map(drop)
        }),
        ("a planned inspection", &|book| {
            book.open_planned_inspection(unit, day.campaign).map(drop)
        }),
        ("an unplanned inspection", &|book| {
            book.open_unplanned_inspection(unit, "KIEMTRA-CHUNG", 1)
                .map(drop)
        }),
    ];
    for (what, save) in saves {
        every_call(what, &image, || once(save), |_, _| {});
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officers_whole_visit_is_saved_up_to_the_last_save_that_was_reported() {
    let day = Day::begin().await;
    let (unit, campaign) = (day.units[1], day.campaign);
    let visit = || -> Work<'_> {
        let (mut nth, opened) = (0, RefCell::new(None));
        Box::new(move |book| {
            nth += 1;
            if nth == 1 {
                let saved = book.open_planned_inspection(unit, campaign)?;
                *opened.borrow_mut() = Some(saved.document);
                return Ok(true);
            }
            let inspection = opened.borrow().unwrap();
            let edit = match nth {
                2 => set("items/KTC-01/answer", "pass"),
                3 => set("items/KTC-02/answer", "fail"),
                4 => set("inspected_on", "2019-08-19"),
                _ => set("finished", true),
            };
            book.edit(inspection, None, &[edit], None)?;
            Ok(nth < 5)
        })
    };
    every_call("a visit", &day.phone.image(), visit, |_, _| {});
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_news_and_acknowledgements_is_taken_in_whole_or_not_at_all() {
    let day = Day::begin().await;
    // Long histories come as snapshots, short ones as changes.
    for n in 0..12 {
        day.address(&day.other.book, 0, &format!("Ấp {n}"));
    }
    for unit in 1..6 {
        day.address(&day.other.book, unit, "Ấp Chợ");
    }
    for n in 20..24 {
        let unit = new_unit(&day.other.book, day.town.commune, n).unwrap();
        for staff in 0..10 {
            day.other
                .book
                .edit(unit, None, &[set("staff", staff)], None)
                .unwrap();
        }
    }
    day.other.sync().await.unwrap();
    let image = day.after(&day.phone.image(), |book| {
        new_unit(book, day.town.commune, 30).unwrap();
        for unit in [0, 3, 7] {
            day.address(book, unit, "Ấp của Lan");
        }
    });
    let answers = day.answers(&image).await;
    tokio::task::block_in_place(|| day.take_in("news", &image, &answers));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_area_is_lost_whole_or_not_at_all_and_unsent_work_goes_to_quarantine() {
    let day = Day::begin().await;
    let image = day.after(&day.phone.image(), |book| {
        new_unit(book, day.town.commune, 30).unwrap();
        day.address(book, 2, "Ấp của Lan");
    });
    let path = format!(
        "/api/v1/accounts/{}/areas/{}",
        day.account, day.town.commune
    );
    day.town.desk.delete(&path).await.unwrap();
    let answers = day.answers(&image).await;
    let course = undisturbed(&image, replay(answers.iter().cloned().collect()));
    let lines = |table: &str| {
        let last = course.states.last().unwrap();
        last.iter().filter(|line| line.starts_with(table)).count()
    };
    for l in course.states.last().unwrap() {
        if l.starts_with("documents ") || l.starts_with("areas ") {
            println!("XX {l}");
        }
    }
    assert_eq!(
        (lines("documents "), lines("quarantine ")),
        (1, 2),
        "the work is in quarantine, and the record that was edited stays until somebody has looked"
    );
    tokio::task::block_in_place(|| day.take_in("scope loss", &image, &answers));
}

#[tokio::test(flavor = "multi_thread")]
async fn unsent_work_of_a_restored_phone_is_written_anew_whole_or_not_at_all() {
    let day = Day::begin().await;
    let before = day.phone.image();
    let lived_on = Disk::new(6);
    lived_on.put_image(&before);
    {
        let book = open(&lived_on).unwrap();
        day.address(&book, 0, "Ấp 1");
        day.address(&book, 4, "Ấp 1");
        assert!(verified(&book).await);
    }
    // The phone is put back to a copy of the time before, and other work is done under the same numbers.
    let image = day.after(&before, |book| {
        for (unit, text) in [(0, "Ấp 2"), (4, "Ấp 2"), (4, "Ấp 3"), (5, "Ấp 4")] {
            day.address(book, unit, text);
        }
    });
    let answers = day.answers(&image).await;
    assert!(
        answers.iter().any(|answer| matches!(answer, Answer::Bound)),
        "the work was written anew"
    );
    tokio::task::block_in_place(|| day.take_in("a fork", &image, &answers));
}

/// What a person is told when there is no room.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_phone_says_so_and_saves_again_when_there_is_room() {
    let day = Day::begin().await;
    let disk = Disk::new(8);
    disk.put_image(&day.phone.image());
    let book = open(&disk).unwrap();
    let begun = book.status().unwrap().pending;
    let used: usize = disk.image().files().map(|(_, length)| length).sum();
    disk.set_capacity(Some(u64::try_from(used).unwrap() + 40_000));
    let mut saved = begun;
    let error = loop {
        match new_unit(&book, day.town.commune, 100) {
            Ok(_) => saved += 1,
            Err(error) => break error.downcast::<Error>().unwrap(),
        }
    };
    assert!(matches!(*error, Error::Full(_)), "{error:?}");
    assert!(error.is_retryable());
    assert_eq!(
        book.status().unwrap().pending,
        saved,
        "what was saved is there, and nothing else"
    );
    let line = transport(&book);
    match sync::sync_once(&book, &line).await {
        Ok(_) | Err(Error::Full(_)) => {}
        Err(other) => panic!("{other:?}"),
    }
    disk.set_capacity(None);
    new_unit(&book, day.town.commune, 101).unwrap();
    assert!(verified(&book).await);
    let there = day.town.desk.list("kind=unit").await.unwrap().len();
    assert_eq!(u64::try_from(there).unwrap(), saved - begun + 1 + 12);
}
