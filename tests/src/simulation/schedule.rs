//! What happens next: drawn by weight, done to the world, counted.

use axum::http::Method;
use serde_json::{Value as Json, json};
use sokiem_client_core::Error;
use sokiem_disk::{Disk, Fault};
use sokiem_record::{ChangeHash, id::DocumentId};
use uuid::Uuid;

use super::{
    edits::{self, Work},
    line::{Letter, cut},
    phone::Phone,
    world::{Cargo, Packet, World},
};
use crate::Result;

/// Most phones in a world, clones included.
const MOST_PHONES: usize = 7;
/// A fault hits within so many storage calls.
const FAULT_WITHIN: usize = 60;
const YEAR_MS: i64 = 365 * 24 * 3_600_000;

/// One thing that may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    Write,
    Sync,
    Carry,
    TimeOut,
    Desk,
    Move,
    Give,
    Take,
    Merge,
    Split,
    Revoke,
    Enrol,
    KillPhone,
    CutPhone,
    StartPhone,
    PhoneFull,
    KillServer,
    CutServer,
    StartServer,
    ServerFull,
    Skew,
    CopyPhone,
    PhoneGoesBack,
    ClonePhone,
    Backup,
    ServerGoesBack,
}

use Happening::*;

/// How often each happens, in proportion.
const WEIGHTS: [(Happening, usize); 26] = [
    (Write, 220),
    (Sync, 160),
    (Carry, 700),
    (TimeOut, 20),
    (Desk, 40),
    (Move, 14),
    (Give, 8),
    (Take, 8),
    (Merge, 1),
    (Split, 1),
    (Revoke, 4),
    (Enrol, 30),
    (KillPhone, 10),
    (CutPhone, 10),
    (StartPhone, 60),
    (PhoneFull, 8),
    (KillServer, 5),
    (CutServer, 5),
    (StartServer, 80),
    (ServerFull, 5),
    (Skew, 12),
    (CopyPhone, 8),
    (PhoneGoesBack, 5),
    (ClonePhone, 2),
    (Backup, 8),
    (ServerGoesBack, 4),
];

impl World {
    /// Lets one thing happen.
    ///
    /// # Errors
    /// When something fails that no fault explains.
    pub fn step(&mut self) -> Result<()> {
        let passed = 1_000 + self.chance.below(60_000);
        self.time.pass(i64::try_from(passed).unwrap_or(0));
        let total = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.chance.below(total);
        let mut happening = Write;
        for (one, weight) in WEIGHTS {
            if drawn < weight {
                happening = one;
                break;
            }
            drawn -= weight;
        }
        let number = self.chance.below(self.phones.len());
        match happening {
            Write => self.write(number),
            Sync => self.begin_sync(number),
            Carry => self.carry_on(),
            TimeOut => self.time_out(number),
            Desk => self.work_at_the_desk(),
            Move => self.move_unit(),
            Give => self.grant(Method::PUT, "area given"),
            Take => self.grant(Method::DELETE, "area taken"),
            Merge => self.merge_communes(),
            Split => self.split_commune(),
            Revoke => self.revoke(number),
            Enrol => self.enrol_again(),
            KillPhone => self.end_phone(number, false),
            CutPhone => self.end_phone(number, true),
            StartPhone => self.start_phone(),
            PhoneFull => self.fill_phone(number),
            KillServer => self.end_server(false),
            CutServer => self.end_server(true),
            StartServer => self.start_server(),
            ServerFull => self.fill_server(),
            Skew => self.skew(number),
            CopyPhone => self.copy_phone(number),
            PhoneGoesBack => self.phone_goes_back(number),
            ClonePhone => self.clone_phone(number),
            Backup => self.back_up(),
            ServerGoesBack => self.server_goes_back(),
        }
    }

    /// Now and then a fault waits for the work that comes next.
    fn fault(&mut self) -> Option<(Fault, u64)> {
        if !self.chance.one_in(25) {
            return None;
        }
        let fault = match self.chance.below(5) {
            0 | 1 => Fault::Crash,
            2 | 3 => Fault::Io,
            _ => Fault::Full,
        };
        Some((fault, 1 + self.chance.below(FAULT_WITHIN) as u64))
    }

    /// Does something on a phone under a fault that may be armed; `None` when it is off.
    fn on_phone<T>(
        &mut self,
        number: usize,
        work: impl FnOnce(&mut World) -> Result<T>,
    ) -> Result<Option<T>> {
        let fault = self.fault();
        let phone = self.phone(number)?;
        if phone.book.is_none() {
            return Ok(None);
        }
        phone.armed = fault;
        let met = phone.arm();
        let done = work(self);
        let phone = self.phone(number)?;
        let hit = phone.disarm() > met;
        if let (true, Some((fault, _))) = (hit, fault) {
            self.report.fault(match fault {
                Fault::Crash => "phone power cut in a storage call",
                Fault::Io => "phone storage call failed",
                Fault::Full => "phone disk full at a storage call",
            });
            self.trace.note(format!("phone {number} meets {fault:?}"));
        }
        done.map(Some)
    }

    fn write(&mut self, number: usize) -> Result<()> {
        self.on_phone(number, |world| world.write_on(number))?;
        Ok(())
    }

    /// An officer sits down and makes some edits of one record.
    fn write_on(&mut self, number: usize) -> Result<()> {
        let campaign = self.office.campaign;
        let Some(book) = self.phone(number)?.book.clone() else {
            return Ok(());
        };
        let marker = self.ledger.marker();
        let (work, saved) = match edits::choose(&book, &mut self.chance, campaign, marker) {
            Ok(chosen) => chosen,
            Err(error) => return self.could_not_write(number, &error),
        };
        if let Some((saved, marker)) = saved
            && let Some(hash) = saved.change
        {
            self.report.edits += 1;
            self.trace.note(format!("phone {number} begins {hash}"));
            self.ledger.add(Some(number), saved.document, hash, marker);
        }
        let Work::Record(document, kind) = work else {
            return Ok(());
        };
        let mut base: Option<Vec<ChangeHash>> = None;
        for _ in 0..=self.chance.below(self.patience) {
            let marker = self.ledger.marker();
            let seen = base.as_deref();
            match edits::edit(&book, &mut self.chance, document, kind, seen, marker) {
                Ok(saved) => {
                    if let Some(hash) = saved.change {
                        self.report.edits += 1;
                        self.trace
                            .note(format!("phone {number} writes {marker} {hash}"));
                        self.ledger.add(Some(number), document, hash, Some(marker));
                    }
                    if self.chance.one_in(3) {
                        base = Some(saved.heads);
                    }
                }
                Err(error) => return self.could_not_write(number, &error),
            }
        }
        Ok(())
    }

    fn could_not_write(&mut self, number: usize, error: &Error) -> Result<()> {
        self.trace
            .note(format!("phone {number} can't write: {error}"));
        match error {
            Error::Database(_) | Error::Full(_) => self.report.fact("a save failed: disk"),
            Error::ReadOnlyArea(_) => self.report.fact("a save was refused: area taken"),
            Error::NotPlanned(_) | Error::NoSuchDocument(_) => {
                self.report.fact("a save was refused: not planned");
            }
            other => self.report.hush(format!("a save failed: {other}")),
        }
        Ok(())
    }

    fn begin_sync(&mut self, number: usize) -> Result<()> {
        if self.phone(number)?.is_syncing() {
            return Ok(());
        }
        let letter = self.next_letter();
        let turn = self.on_phone(number, |world| Ok(world.phone(number)?.begin(letter).ok()))?;
        if let Some(Some(turn)) = turn {
            self.turned(number, letter, turn)?;
        }
        Ok(())
    }

    /// The network brings something, or does not.
    fn carry_on(&mut self) -> Result<()> {
        if self.packets.is_empty() {
            return Ok(());
        }
        let place = self.chance.below(self.packets.len());
        if place > 0 {
            self.report.fault("overtaken");
        }
        let packet = self.packets.remove(place);
        if self.chance.one_in(14) {
            self.trace.note(format!("{} is lost", packet.letter));
            self.report.fault(match packet.cargo {
                Cargo::Letter(_) => "request lost",
                Cargo::Answer(_) => "answer lost",
            });
            return Ok(());
        }
        match packet.cargo {
            Cargo::Letter(letter) => self.carry_letter(packet.phone, packet.letter, letter),
            Cargo::Answer(answer) => {
                let answer = match answer {
                    Ok(mut body) if self.chance.one_in(16) => {
                        self.report.fault("answer cut");
                        if self.chance.one_in(2) {
                            Err(cut())
                        } else {
                            body.truncate(self.chance.below(body.len()));
                            Ok(body)
                        }
                    }
                    other => other,
                };
                self.carry_answer(packet.phone, packet.letter, answer)
            }
        }
    }

    fn carry_letter(&mut self, phone: usize, number: u64, letter: Letter) -> Result<()> {
        if self.chance.one_in(14) {
            self.report.fault("request doubled");
            self.packets.push(Packet {
                phone,
                letter: number,
                cargo: Cargo::Letter(letter.clone()),
            });
        }
        let mut together = vec![(phone, number, letter)];
        // What other phones sent may arrive at the same moment.
        while self.chance.one_in(3) {
            let other = self.packets.iter().position(|packet| {
                matches!(packet.cargo, Cargo::Letter(_))
                    && together.iter().all(|(phone, ..)| *phone != packet.phone)
            });
            let Some(packet) = other.map(|place| self.packets.remove(place)) else {
                break;
            };
            if let Cargo::Letter(letter) = packet.cargo {
                together.push((packet.phone, packet.letter, letter));
                self.report.fact("requests at the same moment");
            }
        }
        let letters: Vec<Letter> = together
            .iter()
            .map(|(_, _, letter)| letter.clone())
            .collect();
        let answers = self.at_office(|world| world.office.deliver(&letters))?;
        for ((phone, number, _), answer) in together.into_iter().zip(answers) {
            let answer = answer.unwrap_or_else(|| Err(cut()));
            let size = answer.as_ref().map_or(0, Vec::len);
            self.trace
                .note(format!("the server answers {number}: {size} bytes"));
            self.packets.push(Packet {
                phone,
                letter: number,
                cargo: Cargo::Answer(answer),
            });
        }
        Ok(())
    }

    fn carry_answer(
        &mut self,
        number: usize,
        letter: u64,
        answer: super::line::Answer,
    ) -> Result<()> {
        if !self.phone(number)?.waits_for(letter) {
            return Ok(());
        }
        let next = self.next_letter();
        let turn = self.on_phone(number, |world| {
            Ok(world.phone(number)?.answer(answer, next))
        })?;
        match turn {
            Some(turn) => self.turned(number, next, turn),
            None => Ok(()),
        }
    }

    /// A phone waits no longer.
    fn time_out(&mut self, number: usize) -> Result<()> {
        if !self.phone(number)?.is_syncing() {
            return Ok(());
        }
        self.report.fault("timed out");
        let next = self.next_letter();
        let timeout = Err(sokiem_client_core::sync::TransportError::Timeout);
        let turn = self.phone(number)?.answer(timeout, next);
        self.turned(number, next, turn)
    }

    /// Does something at the server under a fault that may be armed.
    fn at_office<T>(&mut self, work: impl FnOnce(&mut World) -> Result<T>) -> Result<T> {
        let fault = self.fault().filter(|_| self.office.is_up());
        self.office.armed = fault;
        let met = self.office.disk.faults_met();
        let done = work(self)?;
        self.office.armed = None;
        if let (true, Some((fault, _))) = (self.office.disk.faults_met() > met, fault) {
            self.report.fault(match fault {
                Fault::Crash => "server power cut in a storage call",
                Fault::Io => "server storage call failed",
                Fault::Full => "server disk full at a storage call",
            });
            self.trace.note(format!("the server meets {fault:?}"));
        }
        Ok(done)
    }

    /// A request of a supervisor or administrator; `None` when there was no answer.
    pub(super) fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Json>,
    ) -> Result<Option<(u16, Json)>> {
        let answer = self.at_office(|world| Ok(world.office.desk(method.clone(), path, body)))?;
        let status = answer.as_ref().map(|(status, _)| *status);
        self.trace
            .note(format!("desk: {method} {path}: {status:?}"));
        Ok(answer)
    }

    /// Records of this kind on the server, with their area and heads.
    pub(super) fn records(&mut self, kind: &str) -> Result<Vec<(Uuid, Uuid, Vec<String>)>> {
        if !self.office.is_up() {
            return Ok(Vec::new());
        }
        let mut statement = self
            .office
            .look()?
            .prepare_cached("SELECT id, area, heads FROM documents WHERE kind = ?1 ORDER BY id")?;
        let rows = statement.query_map([kind], |row| {
            let (id, area, heads): (Vec<u8>, Vec<u8>, Vec<u8>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let uuid = |bytes: &[u8]| Uuid::from_slice(bytes).unwrap_or_default();
            let heads = heads
                .as_chunks::<32>()
                .0
                .iter()
                .map(|head| ChangeHash(*head).to_string());
            Ok((uuid(&id), uuid(&area), heads.collect()))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// A supervisor corrects, settles, decides, or registers a unit.
    fn work_at_the_desk(&mut self) -> Result<()> {
        let marker = self.ledger.marker();
        let kind = if self.chance.one_in(2) {
            "unit"
        } else {
            "inspection"
        };
        let records = self.records(kind)?;
        let Some((id, _, heads)) = self.chance.pick(&records) else {
            return Ok(());
        };
        let field = if kind == "unit" { "address" } else { "number" };
        let path = format!("/api/v1/records/{id}");
        let value = json!(marker.to_string());
        let (path, body) = match self.chance.below(6) {
            0 if kind == "inspection" => {
                let body = json!({"decision": "returned", "heads": heads, "reason": "Xem lại"});
                self.ask(Method::POST, &format!("{path}/decisions"), Some(&body))?;
                return Ok(());
            }
            0 | 1 => {
                let body =
                    json!({"path": field, "value": value, "reason": "Thống nhất", "heads": heads});
                (format!("{path}/settle"), body)
            }
            _ => {
                let steps = edits::set(field, value);
                let body = json!({"heads": heads, "reason": "Sửa", "edits": steps});
                (format!("{path}/edits"), body)
            }
        };
        if let Some((200, answer)) = self.ask(Method::POST, &path, Some(&body))?
            && let Some(hash) = answer["hash"].as_str().and_then(|hash| hash.parse().ok())
        {
            self.report.edits += 1;
            self.ledger.add(None, DocumentId(id), hash, Some(marker));
        }
        Ok(())
    }

    fn revoke(&mut self, number: usize) -> Result<()> {
        let Some(book) = self.phone(number)?.book.clone() else {
            return Ok(());
        };
        let Some(device) = book.enrolment().ok().flatten().map(|one| one.device) else {
            return Ok(());
        };
        let path = format!("/api/v1/devices/{device}");
        if let Some((204, _)) = self.ask(Method::DELETE, &path, None)? {
            self.report.fault("device revoked");
            let stays_out = self.chance.one_in(4);
            self.phone(number)?.stays_out |= stays_out;
        }
        Ok(())
    }

    /// Somebody whose phone was turned away gets a new code.
    fn enrol_again(&mut self) -> Result<()> {
        let turned_away = self.phones.iter().position(|phone| {
            phone.is_turned_away()
                && !phone.stays_out
                && phone.book.is_some()
                && !phone.is_syncing()
        });
        let Some(number) = turned_away else {
            return Ok(());
        };
        if self.enrol(number)? {
            self.report.fault("enrolled again");
            self.phone(number)?.trouble = None;
        }
        Ok(())
    }

    fn end_phone(&mut self, number: usize, power: bool) -> Result<()> {
        let phone = self.phone(number)?;
        if phone.book.is_none() {
            return Ok(());
        }
        if power {
            phone.cut_power();
        } else {
            phone.kill();
        }
        self.report.fault(if power {
            "phone power cut"
        } else {
            "phone killed"
        });
        self.trace.note(format!("phone {number} goes off"));
        Ok(())
    }

    fn start_phone(&mut self) -> Result<()> {
        let off = self.phones.iter().position(|phone| phone.book.is_none());
        let Some(number) = off else { return Ok(()) };
        let fault = self.fault();
        let makes_room = self.chance.one_in(2);
        let phone = self.phone(number)?;
        if phone.full && makes_room {
            phone.full = false;
            phone.disk.set_capacity(None);
        }
        phone.armed = fault;
        let started = phone.start()?;
        if !started {
            self.report.fault("phone start met a fault");
        }
        self.trace.note(format!("phone {number} starts: {started}"));
        Ok(())
    }

    /// A phone's disk has hardly any room left for a while, or has room again.
    fn fill_phone(&mut self, number: usize) -> Result<()> {
        let room = 4_096 * self.chance.below(12) as u64;
        let phone = self.phone(number)?;
        phone.full = !phone.full;
        let capacity = phone.full.then(|| used(&phone.disk) + room);
        phone.disk.set_capacity(capacity);
        if capacity.is_some() {
            self.report.fault("phone disk nearly full for a while");
        }
        Ok(())
    }

    fn end_server(&mut self, power: bool) -> Result<()> {
        if !self.office.is_up() {
            return Ok(());
        }
        if power {
            self.office.cut_power();
        } else {
            self.office.kill();
        }
        self.report.fault(if power {
            "server power cut"
        } else {
            "server killed"
        });
        self.trace.note("the server goes off".to_owned());
        Ok(())
    }

    fn start_server(&mut self) -> Result<()> {
        if self.office.is_up() {
            return Ok(());
        }
        if self.office.full && self.chance.one_in(2) {
            self.office.full = false;
            self.office.disk.set_capacity(None);
        }
        self.office.armed = self.fault();
        let started = self.office.start()?;
        if !started {
            self.report.fault("server start met a fault");
        }
        self.trace.note(format!("the server starts: {started}"));
        self.look_into_claims()
    }

    fn fill_server(&mut self) -> Result<()> {
        let room = 4_096 * self.chance.below(30) as u64;
        self.office.full = !self.office.full;
        let capacity = self.office.full.then(|| used(&self.office.disk) + room);
        self.office.disk.set_capacity(capacity);
        if capacity.is_some() {
            self.report.fault("server disk nearly full for a while");
        }
        Ok(())
    }

    fn skew(&mut self, number: usize) -> Result<()> {
        let years = [-25, -8, -1, 0, 0, 1, 7, 30];
        let off = self.chance.pick(&years).unwrap_or(0) * YEAR_MS;
        let some = i64::try_from(self.chance.below(86_400_000)).unwrap_or(0);
        self.phone(number)?.clock.set_off(off + some);
        self.report.fault("clock skewed");
        Ok(())
    }

    fn copy_phone(&mut self, number: usize) -> Result<()> {
        let edits = self.ledger.entries.len();
        let phone = self.phone(number)?;
        if !phone.disk.has_power() {
            return Ok(());
        }
        let image = phone.disk.image();
        phone.images.push((image, edits));
        Ok(())
    }

    /// A phone is put back to an earlier copy of itself.
    fn phone_goes_back(&mut self, number: usize) -> Result<()> {
        let images = self.phone(number)?.images.len();
        let place = self.chance.below(images);
        if images == 0 {
            return Ok(());
        }
        self.before_going_back()?;
        let phone = self.phone(number)?;
        let (image, edits) = phone.images.swap_remove(place);
        phone.kill();
        phone.disk.put_image(&image);
        phone.start()?;
        self.report.fault("phone restored");
        self.trace.note(format!("phone {number} goes back"));
        self.after_going_back()?;
        // What it does not hold any more it says nothing about.
        let held = self.held_of_own(number)?;
        let open = self.ledger.open_of(number).into_iter();
        let open = open.filter(|index| *index < edits && held.contains(index));
        self.ledger.set_open(number, open.collect());
        Ok(())
    }

    /// Two phones with one actor.
    fn clone_phone(&mut self, number: usize) -> Result<()> {
        if self.phones.len() >= MOST_PHONES || self.phone(number)?.book.is_none() {
            return Ok(());
        }
        let (account, image) = {
            let phone = self.phone(number)?;
            (phone.account, phone.disk.image())
        };
        let mut twin = Phone::new(account, &mut self.chance, &self.time);
        twin.disk.put_image(&image);
        twin.start()?;
        self.phones.push(twin);
        self.report.fault("phone cloned");
        self.trace.note(format!("phone {number} is cloned"));
        Ok(())
    }

    fn back_up(&mut self) -> Result<()> {
        if self.office.is_up() {
            let image = self.office.disk.image();
            self.office.backups.push(image);
        }
        Ok(())
    }

    fn server_goes_back(&mut self) -> Result<()> {
        let backups = self.office.backups.clone();
        let Some(backup) = self.chance.pick(&backups) else {
            return Ok(());
        };
        self.before_going_back()?;
        self.office.restore(&backup)?;
        // Answers of the server that was: they were true when they were given. Nobody gets them any more.
        self.packets
            .retain(|packet| matches!(packet.cargo, Cargo::Letter(_)));
        self.report.fault("server restored");
        self.trace.note("the server goes back".to_owned());
        self.after_going_back()?;
        self.reopen_claims()
    }
}

fn used(disk: &Disk) -> u64 {
    disk.image().files().map(|(_, size)| size as u64).sum()
}
