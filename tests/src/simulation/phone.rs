//! An officer's phone: a book on a disk of its own, a clock that may be wrong, a synchronisation under way.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use rusqlite::{Connection, OpenFlags};
use sokiem_client_core::{
    Book, Error,
    sync::{self, Signer, SyncReport, TransportError},
};
use sokiem_disk::{Disk, Fault, Image};

use super::{
    chance::Chance,
    line::{Answer, Letter, Line},
    machine::{PhoneClock, Seeded, Time},
};
use crate::Result;

const FILE: &str = "book.sqlite3";

type Running = Pin<Box<dyn Future<Output = Result<SyncReport, Error>> + Send>>;

/// One phone.
pub struct Phone {
    /// Whose it is: a place in the office's list of accounts.
    pub account: usize,
    /// What its book lies on.
    pub disk: Disk,
    /// Its clock.
    pub clock: PhoneClock,
    random: Seeded,
    /// Open while the phone is on.
    pub book: Option<Book>,
    sync: Option<Syncing>,
    signer: Option<Signer>,
    /// Raw copies of its disk, with how many edits the ledger had then.
    pub images: Vec<(Image, usize)>,
    /// The fault that its next work runs into, and after how many storage calls.
    pub armed: Option<(Fault, u64)>,
    /// Why the latest synchronisation failed.
    pub trouble: Option<TransportError>,
    /// Its disk has hardly any room left.
    pub full: bool,
    /// Sent away for good: nobody enrols it again.
    pub stays_out: bool,
}

struct Syncing {
    run: Running,
    line: Line,
    /// The letter that it waits for an answer to.
    waits_for: u64,
}

/// What became of a synchronisation after it was given an answer.
pub enum Turn {
    /// It sent this letter.
    Sends(Letter),
    /// It ended.
    Ended(Result<SyncReport, Error>),
    /// Nothing is under way.
    Idle,
}

impl Phone {
    /// A phone with an empty disk, switched off.
    pub fn new(account: usize, chance: &mut Chance, time: &Time) -> Self {
        Self {
            account,
            disk: Disk::new(chance.draw()),
            clock: PhoneClock::new(time.clone()),
            random: Seeded::new(chance.fork()),
            book: None,
            sync: None,
            signer: None,
            images: Vec::new(),
            armed: None,
            trouble: None,
            full: false,
            stays_out: false,
        }
    }

    /// Switches it on. False when its disk kept it from opening the book.
    ///
    /// # Errors
    /// When the book can't be opened on a disk that works.
    pub fn start(&mut self) -> Result<bool> {
        if self.book.is_some() {
            return Ok(true);
        }
        if !self.disk.has_power() {
            self.disk.restart();
        }
        let met = self.arm();
        let opened = self.open();
        let hit = self.disarm() > met;
        match opened {
            Ok(book) if self.disk.has_power() => {
                self.book = Some(book);
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(_) if hit || self.full => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn open(&self) -> Result<Book, Error> {
        let connection =
            Connection::open_with_flags_and_vfs(FILE, OpenFlags::default(), self.disk.vfs())?;
        Book::from_connection(connection, self.clock.clone(), self.random.clone())
    }

    /// The database without the book, which has to be closed.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn database(&self) -> Result<Connection> {
        let vfs = self.disk.vfs();
        Ok(Connection::open_with_flags_and_vfs(
            FILE,
            OpenFlags::default(),
            vfs,
        )?)
    }

    /// Puts the armed fault on the disk. Says how many faults had been met before.
    pub fn arm(&mut self) -> u64 {
        if let Some((fault, after)) = self.armed.take() {
            self.disk.fail_at(self.disk.calls() + after, fault);
        }
        self.disk.faults_met()
    }

    /// Takes the fault off again; switches the phone off when its power went.
    pub fn disarm(&mut self) -> u64 {
        self.disk.forget_faults();
        if !self.disk.has_power() {
            self.switch_off();
        }
        self.disk.faults_met()
    }

    /// The process ends; the power stays.
    pub fn kill(&mut self) {
        self.disk.kill();
        self.switch_off();
    }

    /// The battery is taken out.
    pub fn cut_power(&mut self) {
        self.disk.crash();
        self.switch_off();
    }

    /// Closes the book.
    pub fn switch_off(&mut self) {
        self.sync = None;
        self.book = None;
        self.signer = None;
    }

    /// Whether a synchronisation is under way.
    pub fn is_syncing(&self) -> bool {
        self.sync.is_some()
    }

    /// Whether it waits for the answer to this letter.
    pub fn waits_for(&self, letter: u64) -> bool {
        self.sync
            .as_ref()
            .is_some_and(|sync| sync.waits_for == letter)
    }

    /// Begins a synchronisation. The letter that it sends gets this number.
    ///
    /// # Errors
    /// When the phone is off or its book can't be read.
    pub fn begin(&mut self, letter: u64) -> Result<Turn> {
        let book = self.book.clone().ok_or("the phone is off")?;
        let line = Line::new(self.signer(&book)?);
        let theirs = line.clone();
        let run: Running = Box::pin(async move { sync::sync_once(&book, &theirs).await });
        self.sync = Some(Syncing {
            run,
            line,
            waits_for: letter,
        });
        Ok(self.turn(letter))
    }

    /// Signs for the device that the book says this is. What it learnt of the server's clock lasts while the phone
    /// is on.
    fn signer(&mut self, book: &Book) -> Result<Option<Signer>> {
        let key = book.enrolment()?.map(|enrolment| enrolment.key);
        self.signer = match (key, self.signer.take()) {
            (Some(key), Some(signer)) if signer.key().device == key.device => Some(signer),
            (Some(key), _) => Some(Signer::new(key, self.clock.clone(), self.random.clone())),
            (None, _) => None,
        };
        Ok(self.signer.clone())
    }

    /// Begins to enrol with this code.
    ///
    /// # Errors
    /// When the phone is off.
    pub fn begin_to_enrol(&mut self, code: String, letter: u64) -> Result<Turn> {
        let book = self.book.clone().ok_or("the phone is off")?;
        let line = Line::new(None);
        let theirs = line.clone();
        let run: Running = Box::pin(async move {
            sync::enrol(&book, &theirs, "http://server", &code, "máy", "0").await?;
            Ok(SyncReport::default())
        });
        self.sync = Some(Syncing {
            run,
            line,
            waits_for: letter,
        });
        Ok(self.turn(letter))
    }

    /// Gives it the answer that it waits for; the letter that it then sends gets the number `next`.
    pub fn answer(&mut self, answer: Answer, next: u64) -> Turn {
        if let Some(sync) = &self.sync {
            sync.line.answer(answer);
        }
        self.turn(next)
    }

    fn turn(&mut self, letter: u64) -> Turn {
        let Some(sync) = &mut self.sync else {
            return Turn::Idle;
        };
        let polled = sync
            .run
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(result) => {
                self.sync = None;
                self.trouble = match &result {
                    Err(Error::Transport(error)) => Some(error.clone()),
                    _ => None,
                };
                Turn::Ended(result)
            }
            Poll::Pending => match sync.line.asked() {
                Some(asked) => {
                    sync.waits_for = letter;
                    Turn::Sends(asked)
                }
                None => Turn::Idle,
            },
        }
    }

    /// Whether the server said that this phone is not, or no longer, one of its devices.
    pub fn is_turned_away(&self) -> bool {
        matches!(
            &self.trouble,
            Some(error @ TransportError::Refused {
                status: 401 | 403,
                ..
            }) if !error.is_retryable()
        )
    }
}
