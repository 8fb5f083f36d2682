//! One world: an office, phones, the network between them, and the ledger outside of all.

use std::collections::BTreeSet;

use sokiem_client_core::{Error, sync::SyncReport};
use sokiem_record::{document::Document, id::Kind};

use super::{
    chance::Chance,
    ledger::{Entry, Holdings, Ledger},
    line::{Answer, Letter, cut},
    machine::Time,
    office::Office,
    phone::{Phone, Turn},
    report::Report,
    trace::Trace,
};
use crate::Result;

/// What is on its way.
pub struct Packet {
    /// The phone that sent it or is to get it.
    pub phone: usize,
    /// The number of the letter.
    pub letter: u64,
    /// What it carries.
    pub cargo: Cargo,
}

/// What a packet carries.
#[derive(Clone)]
pub enum Cargo {
    /// To the server.
    Letter(Letter),
    /// From the server.
    Answer(Answer),
}

/// Everything that there is.
pub struct World {
    /// Where all chance comes from.
    pub chance: Chance,
    /// The time of day.
    pub time: Time,
    /// The server.
    pub office: Office,
    /// The phones.
    pub phones: Vec<Phone>,
    /// The network.
    pub packets: Vec<Packet>,
    /// What was acknowledged.
    pub ledger: Ledger,
    /// What is counted.
    pub report: Report,
    /// What happened.
    pub trace: Trace,
    /// Most edits that an officer makes before putting the phone away.
    pub patience: usize,
    letters: u64,
    /// Claims to be synced that could not be looked into because the server was down.
    claims: Vec<(usize, Vec<usize>)>,
}

impl World {
    /// A world with a server, three officers and four phones, all enrolled.
    ///
    /// # Errors
    /// When anything refuses before there is any fault.
    pub fn new(seed: u64, aloud: bool) -> Result<Self> {
        let mut chance = Chance::new(seed);
        let time = Time::new();
        let office = Office::open(&mut chance, &time)?;
        let mut world = Self {
            chance,
            time,
            office,
            phones: Vec::new(),
            packets: Vec::new(),
            ledger: Ledger::default(),
            report: Report::default(),
            trace: Trace::new(aloud),
            patience: 1,
            letters: 0,
            claims: Vec::new(),
        };
        world.patience = world.chance.pick(&[2, 5, 12, 30]).unwrap_or(1);
        for account in [0, 1, 2, 0] {
            let mut phone = Phone::new(account, &mut world.chance, &world.time);
            phone.start()?;
            world.phones.push(phone);
            let number = world.phones.len() - 1;
            world.enrol(number)?;
            match world.sync_now(number)? {
                Ok(report) if report.verified => {}
                other => return Err(format!("the first synchronisation: {other:?}").into()),
            }
        }
        Ok(world)
    }

    /// A number for the next letter.
    pub fn next_letter(&mut self) -> u64 {
        self.letters += 1;
        self.letters
    }

    /// One of the phones.
    ///
    /// # Errors
    /// When there is no such phone.
    pub fn phone(&mut self, number: usize) -> Result<&mut Phone> {
        let phone = self.phones.get_mut(number);
        phone.ok_or_else(|| "there is no such phone".into())
    }

    /// Enrols a phone, or enrols it again, over a line that works. False when that did not come about.
    ///
    /// # Errors
    /// When there is no such phone.
    pub fn enrol(&mut self, number: usize) -> Result<bool> {
        let place = self.phone(number)?.account;
        let account = self.office.accounts.get(place).copied();
        let Some(code) = account.and_then(|account| self.office.enrolment_code(account)) else {
            return Ok(false);
        };
        let letter = self.next_letter();
        let turn = self.phone(number)?.begin_to_enrol(code, letter)?;
        let ended = self.carry(number, turn)?;
        self.trace
            .note(format!("phone {number} enrols: {}", told(&ended)));
        Ok(ended.is_ok())
    }

    /// Synchronises a phone from beginning to end over a line that works.
    ///
    /// # Errors
    /// When there is no such phone, or it is off.
    pub fn sync_now(&mut self, number: usize) -> Result<Result<SyncReport, Error>> {
        let letter = self.next_letter();
        let turn = self.phone(number)?.begin(letter)?;
        let ended = self.carry(number, turn)?;
        self.ended(number, &ended)?;
        Ok(ended)
    }

    fn carry(&mut self, number: usize, mut turn: Turn) -> Result<Result<SyncReport, Error>> {
        loop {
            let letter = match turn {
                Turn::Sends(letter) => letter,
                Turn::Ended(result) => return Ok(result),
                Turn::Idle => return Err("a phone waits for nothing".into()),
            };
            let answers = self.office.deliver(&[letter])?;
            let answer = answers.into_iter().next().flatten();
            let next = self.next_letter();
            turn = self
                .phone(number)?
                .answer(answer.unwrap_or_else(|| Err(cut())), next);
        }
    }

    /// Takes in what a phone did when it was given a turn.
    ///
    /// # Errors
    /// When the ledger can't be compared.
    pub fn turned(&mut self, number: usize, letter: u64, turn: Turn) -> Result<()> {
        match turn {
            Turn::Sends(sent) => {
                self.trace.note(format!(
                    "phone {number} sends {letter}: {}",
                    sent.describe()
                ));
                self.packets.push(Packet {
                    phone: number,
                    letter,
                    cargo: Cargo::Letter(sent),
                });
            }
            Turn::Ended(result) => self.ended(number, &result)?,
            Turn::Idle => {}
        }
        Ok(())
    }

    /// A synchronisation ended: what does it claim?
    fn ended(&mut self, number: usize, result: &Result<SyncReport, Error>) -> Result<()> {
        self.trace
            .note(format!("phone {number} ends: {}", told(result)));
        match result {
            Ok(report) if report.verified => {
                self.report.fact("verified");
                let open = self.ledger.open_of(number);
                self.claims.push((number, open));
                self.look_into_claims()?;
            }
            Ok(report) if !report.disagreeing.is_empty() => self.report.fact("disagreeing"),
            Ok(_) => self.report.fact("not verified"),
            Err(Error::Transport(error)) => {
                self.report.fact(format!("sync failed: {}", error.code()))
            }
            Err(Error::Database(_) | Error::Full(_)) => self.report.fact("sync failed: disk"),
            Err(Error::Answer(_)) => self.report.fact("sync failed: cut answer"),
            Err(error) => self.report.fact(format!("sync failed: {error}")),
        }
        Ok(())
    }

    /// Compares what phones called synced with what is on the server, or with a person.
    ///
    /// # Errors
    /// When the server's database can't be read.
    pub fn look_into_claims(&mut self) -> Result<()> {
        if !self.office.is_up() {
            return Ok(());
        }
        for (number, claimed) in std::mem::take(&mut self.claims) {
            let mut kept = Vec::new();
            for index in &claimed {
                if !self.is_accounted_for(number, *index)? {
                    kept.push(*index);
                }
            }
            for index in &kept {
                let what = format!(
                    "phone {number} says synced without {}",
                    self.describe(*index)
                );
                self.report.hush(what);
            }
            let open = self.ledger.open_of(number);
            let open = open
                .into_iter()
                .filter(|index| !claimed.contains(index))
                .collect();
            self.ledger.set_open(number, open);
        }
        Ok(())
    }

    /// Whether an edit is on the server, or among what was refused on the phone or the server.
    fn is_accounted_for(&mut self, number: usize, index: usize) -> Result<bool> {
        let Some(entry) = self.ledger.entries.get(index).cloned() else {
            return Ok(true);
        };
        if entry.gone || entry.seen {
            return Ok(true);
        }
        let sql = self.office.look()?;
        let (document, hash) = (
            entry.document.as_bytes().as_slice(),
            entry.hash.0.as_slice(),
        );
        for table in ["changes", "quarantine"] {
            let by_hash = format!("SELECT 1 FROM {table} WHERE document = ?1 AND hash = ?2");
            if sql.prepare_cached(&by_hash)?.exists([document, hash])? {
                return Ok(true);
            }
            let Some(marker) = entry.marker else { continue };
            let by_marker =
                format!("SELECT 1 FROM {table} WHERE document = ?1 AND instr(bytes, ?2) > 0");
            let text = marker.to_string();
            if sql
                .prepare_cached(&by_marker)?
                .exists([document, text.as_bytes()])?
            {
                return Ok(true);
            }
        }
        if self.server_reads(&entry)? {
            return Ok(true);
        }
        let Some(book) = self.phone(number)?.book.clone() else {
            return Ok(true);
        };
        let refused = book.refused()?;
        Ok(refused.iter().any(|refused| {
            let marker = super::ledger::Marker::find(&refused.bytes);
            refused.hash == entry.hash || marker.into_iter().any(|one| Some(one) == entry.marker)
        }))
    }

    /// Whether the server's record reads what an edit wrote. A text that was written anew may have been put
    /// together from pieces, so that no change has the marker in one.
    ///
    /// # Errors
    /// When the server's database can't be read.
    pub fn server_reads(&mut self, entry: &Entry) -> Result<bool> {
        let Some(marker) = entry.marker else {
            return Ok(false);
        };
        let sql = self.office.look()?;
        let id = entry.document.as_bytes().as_slice();
        let kind = sql
            .prepare_cached("SELECT kind FROM documents WHERE id = ?1")?
            .query_map([id], |row| row.get::<_, String>(0))?
            .next()
            .transpose()?;
        let Some(kind) = kind.as_deref().and_then(Kind::from_name) else {
            return Ok(false);
        };
        let changes: Vec<Vec<u8>> = sql
            .prepare_cached("SELECT bytes FROM changes WHERE document = ?1 ORDER BY position")?
            .query_map([id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let document = Document::load(entry.document, kind, None, &changes)?;
        Ok(document.to_json().to_string().contains(&marker.to_string()))
    }

    /// An edit in words.
    pub fn describe(&self, index: usize) -> String {
        match self.ledger.entries.get(index) {
            Some(entry) => format!(
                "edit {index} ({}) of {} by {:?}, change {}",
                entry
                    .marker
                    .map_or_else(|| "no marker".to_owned(), |marker| marker.to_string()),
                entry.document,
                entry.phone,
                entry.hash
            ),
            None => format!("edit {index}"),
        }
    }

    /// Everything is switched on, with disks that work.
    ///
    /// # Errors
    /// When something does not open on a disk that works.
    pub fn bring_up(&mut self) -> Result<()> {
        self.office.armed = None;
        self.office.full = false;
        self.office.disk.set_capacity(None);
        self.office.start()?;
        for phone in &mut self.phones {
            phone.armed = None;
            phone.full = false;
            phone.disk.set_capacity(None);
            phone.start()?;
        }
        self.look_into_claims()
    }

    /// What all machines hold together.
    ///
    /// # Errors
    /// When one of them can't be read.
    pub fn holdings(&mut self) -> Result<Holdings> {
        let mut holdings = Holdings::default();
        holdings.add_server(&mut self.office)?;
        for phone in &self.phones {
            let book = phone.book.as_ref().ok_or("a phone is off")?;
            holdings.add_book(book)?;
        }
        Ok(holdings)
    }

    /// Before a machine is put back to an earlier state: everything has to be somewhere.
    ///
    /// # Errors
    /// When a machine can't be read.
    pub fn before_going_back(&mut self) -> Result<()> {
        self.bring_up()?;
        let held = self.holdings()?;
        for index in self.not_held(&held) {
            let what = self.describe(index);
            self.report.lose(what);
            self.strike(index);
        }
        Ok(())
    }

    /// After it: what only that machine held is gone for good, and nobody is to blame.
    ///
    /// # Errors
    /// When a machine can't be read.
    pub fn after_going_back(&mut self) -> Result<()> {
        let held = self.holdings()?;
        for index in self.not_held(&held) {
            self.report.fact("gone with the only machine that held it");
            self.strike(index);
        }
        Ok(())
    }

    fn strike(&mut self, index: usize) {
        if let Some(entry) = self.ledger.entries.get_mut(index) {
            entry.gone = true;
        }
    }

    fn not_held(&self, held: &Holdings) -> Vec<usize> {
        let entries = self.ledger.entries.iter().enumerate();
        entries
            .filter(|(_, entry)| !entry.gone && !entry.seen && !held.hold(entry))
            .map(|(index, _)| index)
            .collect()
    }

    /// After the server went back: what a phone has of its own work, and the server has not, it may not call
    /// synced before it is there again.
    ///
    /// # Errors
    /// When a machine can't be read.
    pub fn reopen_claims(&mut self) -> Result<()> {
        let mut server = Holdings::default();
        server.add_server(&mut self.office)?;
        for number in 0..self.phones.len() {
            let entries = &self.ledger.entries;
            let open = self.held_of_own(number)?.into_iter();
            let open =
                open.filter(|index| entries.get(*index).is_some_and(|entry| !server.hold(entry)));
            let open = open.collect();
            self.ledger.set_open(number, open);
        }
        Ok(())
    }

    /// What a phone has in its records of the work that was done on it.
    ///
    /// # Errors
    /// When there is no such phone, or its book can't be read.
    pub fn held_of_own(&self, number: usize) -> Result<BTreeSet<usize>> {
        let mut own = Holdings::default();
        let phone = self.phones.get(number).ok_or("there is no such phone")?;
        if let Some(book) = &phone.book {
            own.add_book(book)?;
        }
        let entries = self.ledger.entries.iter().enumerate();
        Ok(entries
            .filter(|(_, entry)| entry.phone == Some(number) && !entry.gone && !entry.seen)
            .filter(|(_, entry)| own.records(entry))
            .map(|(index, _)| index)
            .collect())
    }
}

/// The end of a synchronisation in words that are the same in every run.
pub fn told(result: &Result<SyncReport, Error>) -> String {
    match result {
        Ok(report) => format!(
            "{} requests, {} acknowledged, {} refused, {} pending, {} disagreeing, verified {}",
            report.requests,
            report.acknowledged,
            report.refused,
            report.pending,
            report.disagreeing.len(),
            report.verified
        ),
        Err(error) => error.to_string(),
    }
}
