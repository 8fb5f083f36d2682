//! A phone whose disk is simulated: the same clock and the same randomness each time it is switched on, so
//! that the same work writes the same bytes.

use std::sync::Mutex;

use rusqlite::{Connection, OpenFlags, types::Value};
use sokiem_client_core::{
    Book, Error,
    keys::BookKey,
    platform::{Clock, Random},
};
use sokiem_disk::{Disk, Fault, Image};

use crate::crash_points::{FAULTS, Tried};

const FILE: &str = "/phone/book.sqlite3";

#[derive(Clone, Copy)]
struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        1_760_000_000_000
    }
}

/// SplitMix64 from the same seed each time.
struct Same(Mutex<u64>);

impl Random for Same {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        let mut state = self.0.lock().unwrap();
        for byte in bytes {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = z.to_le_bytes()[4];
        }
        Ok(())
    }
}

fn key() -> BookKey {
    BookKey::from_bytes([7; 32])
}

/// The database, unlocked.
pub(crate) fn connect(disk: &Disk, file: &str) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags_and_vfs(file, OpenFlags::default(), disk.vfs())?;
    key().unlock(&connection)?;
    Ok(connection)
}

/// Switches the phone on.
pub(crate) fn open(disk: &Disk) -> Result<Book, Error> {
    Book::open_on(disk.vfs(), FILE, &key(), Still, Same(Mutex::new(7)))
}

/// As [`open`], from a damaged database.
pub(crate) fn open_damaged(disk: &Disk, fresh: &str, reason: String) -> Result<Book, Error> {
    let damaged = || -> Result<Connection, Error> {
        let damaged = connect(disk, FILE)?;
        damaged.pragma_update(None, "query_only", true)?;
        Ok(damaged)
    };
    let fresh = connect(disk, fresh)?;
    let opened = Book::from_damaged(damaged, fresh, reason, Still, Same(Mutex::new(7)))?;
    Ok(opened.book)
}

/// Everything in the database, table by table. Panics when it is not sound.
pub(crate) fn content(disk: &Disk, file: &str) -> Vec<String> {
    let connection = connect(disk, file).unwrap();
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    let strays: i64 = connection
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(strays, 0);
    let mut names = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut lines = Vec::new();
    for name in names {
        let name = name.unwrap();
        let mut statement = connection
            .prepare(&format!("SELECT * FROM {name}"))
            .unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<Value> = (0..columns)
                .map(|column| row.get(column).unwrap())
                .collect();
            lines.push(format!("{name} {cells:?}"));
        }
    }
    lines
}

pub(crate) fn content_of(image: &Image) -> Vec<String> {
    let disk = Disk::new(0);
    disk.put_image(image);
    content(&disk, FILE)
}

/// Work on a book, step by step: each is one transaction, and the last one answers `false`.
pub(crate) type Work<'a> = Box<dyn FnMut(&Book) -> Result<bool, Error> + 'a>;

/// What a phone went through without a fault.
pub(crate) struct Course {
    /// The database before the first step and after each.
    pub(crate) states: Vec<Vec<String>>,
    /// Storage calls until the book was open.
    opened: u64,
    /// Storage calls from the first step until the book was closed.
    calls: u64,
}

pub(crate) fn undisturbed(image: &Image, mut work: Work<'_>) -> Course {
    let disk = Disk::new(1);
    disk.put_image(image);
    let book = open(&disk).unwrap();
    let begun = disk.calls();
    let mut states = vec![content_of(&disk.image())];
    loop {
        let more = work(&book).unwrap();
        states.push(content_of(&disk.image()));
        if !more {
            break;
        }
    }
    drop(book);
    let calls = disk.calls() - begun;
    assert!(calls > 0);
    Course {
        states,
        opened: begun,
        calls,
    }
}

/// Fails every call of the work in every way. `afterwards` gets each phone once it is on again, and how often
/// that happened.
pub(crate) fn every_call<'a>(
    what: &str,
    image: &Image,
    work: impl Fn() -> Work<'a>,
    mut afterwards: impl FnMut(&Disk, u64),
) {
    let seed = super::seed();
    let course = undisturbed(image, work());
    let mut tried = Tried::default();
    let mut nth = 0;
    for fault in FAULTS {
        let mut call = 0;
        while call < course.calls {
            call += 1;
            let disk = Disk::new(seed.wrapping_add(call));
            disk.put_image(image);
            let place = format!(
                "SOKIEM_SEED={seed} {what}, {fault:?} at call {call} of {}",
                course.calls
            );
            let (done, error) = disturbed(&disk, work(), call, fault);
            tried.add(fault, disk.faults_met());
            // A full disk waits for a call that needs room.
            call = call.max(disk.last_fault().saturating_sub(course.opened));
            disk.forget_faults();
            disk.restart();
            let found = content(&disk, FILE);
            // A step may leave the database as it was: then both places fit.
            let last = done + usize::from(error.is_some());
            let mut fitting = (done..=last).filter(|at| course.states.get(*at) == Some(&found));
            let at = fitting.next().unwrap_or_else(|| {
                let known = course.states.contains(&found);
                panic!("{place}: step {done} was reported done, then {error:?}; what is there is a known state: {known}")
            });
            open(&disk).unwrap_or_else(|error| panic!("{place}: {error}"));
            if at == 0 && course.states.len() == 2 {
                let (done, error) = disturbed(&disk, work(), u64::MAX, fault);
                assert_eq!(
                    (done, error.map(|error| error.to_string())),
                    (1, None),
                    "{place}: again"
                );
                assert_eq!(
                    Some(&content(&disk, FILE)),
                    course.states.get(1),
                    "{place}: again"
                );
            }
            nth += 1;
            afterwards(&disk, nth);
        }
    }
    println!(
        "{what}: {} calls, {} steps",
        course.calls,
        course.states.len() - 1
    );
    tried.report(what);
}

/// Does the work until it fails; how many steps were reported done, and the error.
fn disturbed(disk: &Disk, mut work: Work<'_>, call: u64, fault: Fault) -> (usize, Option<Error>) {
    let book = open(disk).unwrap();
    disk.fail_at(disk.calls().saturating_add(call), fault);
    let mut done = 0;
    loop {
        match work(&book) {
            Err(error) => return (done, Some(error)),
            Ok(more) => {
                done += 1;
                if !more {
                    return (done, None);
                }
            }
        }
    }
}
