//! What has to be true once everything is quiet.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use sokiem_client_core::{Error, sync::TransportError};
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    document::Document,
    fingerprint::Fingerprint,
    id::{DocumentId, Kind},
};
use uuid::Uuid;

use super::{
    ledger::{Holdings, bytes},
    world::{Cargo, World, told},
};
use crate::Result;

/// Rounds of synchronisation until nothing moves any more.
const ROUNDS: usize = 12;
/// How often a phone gets a new code while the world comes to rest.
const CODES: usize = 3;

/// A record as the server or a phone has it.
#[derive(PartialEq)]
struct Held {
    area: Uuid,
    heads: BTreeSet<String>,
    fields: Json,
    conflicts: Json,
}

impl World {
    /// Ends all faults and lets everybody synchronise until nothing moves any more.
    ///
    /// # Errors
    /// When something fails that no fault explains.
    pub fn come_to_rest(&mut self) -> Result<()> {
        self.trace.note("faults end".to_owned());
        self.late_letters()?;
        for phone in &mut self.phones {
            // Whoever was in the middle of something begins anew.
            let is_syncing = phone.is_syncing();
            if is_syncing {
                phone.kill();
            }
        }
        self.bring_up()?;
        let mut codes = vec![0; self.phones.len()];
        for _ in 0..ROUNDS {
            self.time.pass(600_000);
            let before = self.server_heads()?;
            let mut quiet = true;
            for number in 0..self.phones.len() {
                quiet &= self.rest(number, &mut codes)?;
            }
            quiet &= !self.approve()?;
            if quiet && self.server_heads()? == before {
                return Ok(());
            }
        }
        self.report.fact("not quiet after all rounds");
        Ok(())
    }

    /// An administrator approves what phones brought back, after a restore, of what only the server writes.
    fn approve(&mut self) -> Result<bool> {
        let waiting = self.office.desk(Method::GET, "/api/v1/recovery", None);
        let changes = match waiting {
            Some((200, waiting)) => waiting["changes"].clone(),
            _ => Json::Null,
        };
        if changes.as_u64().unwrap_or(0) == 0 {
            return Ok(false);
        }
        let body = json!({"changes": changes});
        let path = "/api/v1/recovery/approve";
        match self.office.desk(Method::POST, path, Some(&body)) {
            Some((200, _)) => self.report.fact("approved after a restore"),
            answer => return Err(format!("an approval was answered {answer:?}").into()),
        }
        Ok(true)
    }

    /// Letters that are still on their way arrive late or never; nobody waits for the answers.
    fn late_letters(&mut self) -> Result<()> {
        self.office.armed = None;
        self.office.disk.set_capacity(None);
        self.office.start()?;
        for packet in std::mem::take(&mut self.packets) {
            if let Cargo::Letter(letter) = packet.cargo
                && self.chance.one_in(2)
            {
                self.office.deliver(&[letter])?;
                self.report.fault("request arrived after everything");
            }
        }
        Ok(())
    }

    /// One phone synchronises, with a new code where it needs one. Whether it is verified or told why not.
    fn rest(&mut self, number: usize, codes: &mut [usize]) -> Result<bool> {
        if self.phone(number)?.stays_out {
            return Ok(true);
        }
        let mut ended = self.sync_now(number)?;
        if let Err(Error::Transport(TransportError::Refused {
            status: 401 | 403, ..
        })) = &ended
            && let Some(given) = codes.get_mut(number).filter(|given| **given < CODES)
        {
            *given += 1;
            if self.enrol(number)? {
                self.report.fault("enrolled again");
                ended = self.sync_now(number)?;
            }
        }
        Ok(ended.is_ok_and(|report| report.verified))
    }

    fn server_heads(&mut self) -> Result<Vec<[Vec<u8>; 3]>> {
        let mut statement = self
            .office
            .look()?
            .prepare_cached("SELECT id, area, heads FROM documents ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Checks everything; what is wrong goes into the report.
    ///
    /// # Errors
    /// When a machine can't be read.
    pub fn check(&mut self) -> Result<()> {
        let server = self.server_records()?;
        self.check_fingerprints(&server)?;
        let verified = self.check_phones(&server)?;
        self.check_ledger(&verified)?;
        self.put_refused_away()?;
        for number in verified {
            // With what was refused out of the way, nothing is left but the scope.
            self.sync_now(number)?.map_err(|error| error.to_string())?;
            let scope = self.scope_of(number)?;
            self.check_scope(number, &scope, false)?;
        }
        self.check_files()
    }

    fn server_records(&mut self) -> Result<BTreeMap<Uuid, Held>> {
        let sql = self.office.look()?;
        let mut statement =
            sql.prepare("SELECT id, kind, area, heads FROM documents ORDER BY id")?;
        let mut changes =
            sql.prepare("SELECT bytes FROM changes WHERE document = ?1 ORDER BY position")?;
        let mut rows = statement.query([])?;
        let mut records = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (id, kind): (Vec<u8>, String) = (row.get(0)?, row.get(1)?);
            let (area, heads): (Vec<u8>, Vec<u8>) = (row.get(2)?, row.get(3)?);
            let document = DocumentId::from_slice(&id).ok_or("a document's id")?;
            let kind = Kind::from_name(&kind).ok_or("a document's kind")?;
            let bytes: Vec<Vec<u8>> = changes
                .query_map([&id], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let content = Document::load(document, kind, None, &bytes)?;
            let stated: BTreeSet<String> = heads.as_chunks::<32>().0.iter().map(hex).collect();
            let held = Held {
                area: Uuid::from_slice(&area)?,
                heads: content.heads().iter().map(ToString::to_string).collect(),
                fields: content.to_json(),
                conflicts: json!(content.conflicts()),
            };
            if held.heads != stated {
                let what = format!("the server's row of {document} does not match its changes");
                self.report.hush(what);
            }
            records.insert(document.0, held);
        }
        Ok(records)
    }

    /// The fingerprint of every area is that of its documents.
    fn check_fingerprints(&mut self, server: &BTreeMap<Uuid, Held>) -> Result<()> {
        let mut sums: BTreeMap<Uuid, Fingerprint> = BTreeMap::new();
        for (id, held) in server {
            let heads: Vec<_> = held
                .heads
                .iter()
                .filter_map(|head| head.parse().ok())
                .collect();
            let sum = sums.entry(held.area).or_default();
            *sum = sum.plus(Fingerprint::of_document(DocumentId(*id), &heads));
        }
        let mut wrong = Vec::new();
        let mut statement = self
            .office
            .look()?
            .prepare("SELECT id, fingerprint FROM areas")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (area, stated): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let area = Uuid::from_slice(&area)?;
            let sum = sums.get(&area).copied().unwrap_or_default();
            if Fingerprint::from_slice(&stated) != Some(sum) {
                wrong.push(format!(
                    "the fingerprint of area {area} is not that of its records"
                ));
            }
        }
        drop(rows);
        drop(statement);
        wrong.into_iter().for_each(|what| self.report.hush(what));
        Ok(())
    }

    /// The areas that an account sees, by the tables that say so.
    fn scope_of(&mut self, number: usize) -> Result<BTreeSet<Uuid>> {
        let place = self.phone(number)?.account;
        let account = self
            .office
            .accounts
            .get(place)
            .copied()
            .ok_or("an account")?;
        let sql = self.office.look()?;
        let pairs = |query: &str| -> Result<Vec<(Uuid, Option<Uuid>)>> {
            let mut statement = sql.prepare(query)?;
            let rows = statement.query_map([], |row| {
                let (one, two): (Vec<u8>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
                let uuid = |bytes: &[u8]| Uuid::from_slice(bytes).unwrap_or_default();
                Ok((uuid(&one), two.map(|two| uuid(&two))))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        };
        let parents: BTreeMap<Uuid, Option<Uuid>> =
            pairs("SELECT id, parent FROM areas")?.into_iter().collect();
        let granted: BTreeSet<Uuid> = pairs("SELECT area, account FROM grants")?
            .into_iter()
            .filter(|(_, holder)| *holder == Some(account))
            .map(|(area, _)| area)
            .collect();
        let above = |area: &Uuid| {
            std::iter::successors(Some(*area), |area| parents.get(area).copied().flatten())
        };
        let below = parents
            .keys()
            .filter(|area| above(area).any(|one| granted.contains(&one)));
        Ok(below
            .copied()
            .chain(granted.iter().flat_map(above))
            .collect())
    }

    /// Every phone that says synced has exactly the server's records of its areas. Returns those phones.
    fn check_phones(&mut self, server: &BTreeMap<Uuid, Held>) -> Result<Vec<usize>> {
        let mut verified = Vec::new();
        for number in 0..self.phones.len() {
            if self.phone(number)?.stays_out {
                self.report.fact("phones that stay out");
                continue;
            }
            let ended = self.sync_now(number)?;
            match &ended {
                Ok(report) if report.verified => verified.push(number),
                Err(Error::Transport(TransportError::Refused { slug, .. })) => {
                    // Its owner reads why, in Vietnamese.
                    self.report.fact(format!("phones told: {slug}"));
                    continue;
                }
                Ok(report) if !report.disagreeing.is_empty() && report.pending == 0 => {
                    self.check_told_apart(number)?;
                    continue;
                }
                other => {
                    let what = format!("phone {number} never comes to rest: {}", told(other));
                    self.report.hush(what);
                    continue;
                }
            }
            let scope = self.scope_of(number)?;
            let here = self.check_scope(number, &scope, true)?;
            for (id, theirs) in server.iter().filter(|(_, held)| scope.contains(&held.area)) {
                let same = here.get(id).map(|ours| ours == theirs);
                if same != Some(true) {
                    let how = if same.is_none() {
                        "lacks"
                    } else {
                        "has another"
                    };
                    let what = format!("phone {number} says synced and {how} record {id}");
                    self.report.hush(what);
                }
            }
        }
        Ok(verified)
    }

    /// A phone that says that its areas and the server's do not hold the same: what it has beyond the server
    /// lies where a person sees it, and it lacks nothing.
    fn check_told_apart(&mut self, number: usize) -> Result<()> {
        self.report.fact("phones told: not the same as the server");
        let book = self.phone(number)?.book.clone().ok_or("a phone is off")?;
        let scope = self.scope_of(number)?;
        let (mut server, mut here) = (Holdings::default(), Holdings::default());
        server.add_server(&mut self.office)?;
        here.add_book(&book)?;
        let told = book.status()?.disagreeing;
        let mut wrong = Vec::new();
        for document in book.export()?["documents"].as_array().into_iter().flatten() {
            for change in document["changes"].as_array().into_iter().flatten() {
                let header = ChangeHeader::parse(&bytes(change)?).map_err(|error| error.code())?;
                let hash = header.hash;
                let is_seen =
                    server.refused_hashes.contains(&hash) || here.refused_hashes.contains(&hash);
                if !server.hashes.contains(&hash) && !is_seen {
                    let (id, kind) = (&document["document"], &document["kind"]);
                    wrong.push(format!(
                        "phone {number} alone has change {hash} of {kind} {id} by {}, seq {}",
                        header.actor, header.seq
                    ));
                }
            }
        }
        let sql = self.office.look()?;
        let mut statement = sql.prepare(
            "SELECT documents.area, changes.hash, documents.kind, documents.id FROM changes JOIN documents ON documents.id = changes.document",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (area, hash): (Vec<u8>, [u8; 32]) = (row.get(0)?, row.get(1)?);
            let (kind, id): (String, Vec<u8>) = (row.get(2)?, row.get(3)?);
            let (area, hash) = (Uuid::from_slice(&area)?, ChangeHash(hash));
            if scope.contains(&area) && !here.hashes.contains(&hash) {
                let id = Uuid::from_slice(&id)?;
                wrong.push(format!(
                    "phone {number} never gets change {hash} of {kind} {id}"
                ));
            }
        }
        drop(rows);
        drop(statement);
        if told.is_empty() {
            wrong.push(format!("phone {number} does not say that areas differ"));
        }
        wrong.into_iter().for_each(|what| self.report.hush(what));
        Ok(())
    }

    /// Nothing outside of its scope is on a phone; except, where that is allowed, records of which
    /// something was refused that nobody has looked at yet. Returns what is on it.
    fn check_scope(
        &mut self,
        number: usize,
        scope: &BTreeSet<Uuid>,
        refused_may_stay: bool,
    ) -> Result<BTreeMap<Uuid, Held>> {
        let book = self.phone(number)?.book.clone().ok_or("a phone is off")?;
        let refused: BTreeSet<Uuid> = book.refused()?.iter().map(|one| one.document.0).collect();
        let export = book.export()?;
        let mut records = BTreeMap::new();
        for document in export["documents"].as_array().into_iter().flatten() {
            let id: Uuid = document["document"].as_str().unwrap_or_default().parse()?;
            let area: Uuid = document["area"].as_str().unwrap_or_default().parse()?;
            let heads = document["heads"].as_array().into_iter().flatten();
            let held = Held {
                area,
                heads: heads.filter_map(Json::as_str).map(str::to_owned).collect(),
                fields: document["fields"].clone(),
                conflicts: document["conflicts"].clone(),
            };
            let may_stay = refused_may_stay && refused.contains(&id);
            if !may_stay && !scope.contains(&area) {
                let what = format!("phone {number} holds record {id} outside of its scope");
                self.report.hush(what);
            }
            records.insert(id, held);
        }
        Ok(records)
    }

    /// Every acknowledged edit is in the record, or where a person sees it.
    fn check_ledger(&mut self, verified: &[usize]) -> Result<()> {
        let mut server = Holdings::default();
        server.add_server(&mut self.office)?;
        let mut on_phones = Holdings::default();
        let mut waiting = Holdings::default();
        for number in 0..self.phones.len() {
            let Some(book) = self.phone(number)?.book.clone() else {
                continue;
            };
            on_phones.add_book(&book)?;
            if !verified.contains(&number) {
                waiting.add_book(&book)?;
            }
        }
        let mut lost = Vec::new();
        for (index, entry) in self.ledger.entries.iter().enumerate() {
            if entry.gone || entry.seen || server.records(entry) {
                continue;
            }
            if server.refused(entry) || on_phones.refused(entry) {
                self.report.fact("edits that were refused and are kept");
            } else if waiting.records(entry) {
                self.report.fact("edits on phones whose owners are told");
            } else {
                lost.push(index);
            }
        }
        for index in lost {
            let entry = self.ledger.entries.get(index).cloned();
            if let Some(entry) = entry
                && self.server_reads(&entry)?
            {
                self.report
                    .fact("edits that are read in one and written in pieces");
                continue;
            }
            let what = self.describe(index);
            self.report.lose(what);
        }
        Ok(())
    }

    /// Officers look at what was refused, and put it away.
    fn put_refused_away(&mut self) -> Result<()> {
        for number in 0..self.phones.len() {
            let Some(book) = self.phone(number)?.book.clone() else {
                continue;
            };
            for refused in book.refused()? {
                let reason = refused.refusal.code();
                self.report.fact(format!("refused: {reason}"));
                book.dismiss_refused(refused.document, refused.hash)?;
            }
        }
        Ok(())
    }

    /// SQLite finds nothing wrong with any file.
    fn check_files(&mut self) -> Result<()> {
        let sound = |sql: &Connection| -> Result<String> {
            Ok(sql.query_row("PRAGMA integrity_check", [], |row| row.get(0))?)
        };
        let mut verdicts = vec![("the server".to_owned(), sound(self.office.look()?)?)];
        self.office.stop();
        for (number, phone) in self.phones.iter_mut().enumerate() {
            phone.switch_off();
            verdicts.push((format!("phone {number}"), sound(&phone.database()?)?));
        }
        for (whose, verdict) in verdicts.into_iter().filter(|(_, verdict)| verdict != "ok") {
            self.report
                .hush(format!("the database of {whose}: {verdict}"));
        }
        Ok(())
    }
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
