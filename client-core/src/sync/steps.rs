//! One synchronisation as a sequence of requests and answers, without any I/O but the book's.

use std::collections::{BTreeMap, HashSet};

use rusqlite::Connection;
use serde::Serialize;
use serde_json::json;
use sokiem_record::{
    fingerprint::Fingerprint,
    id::{ActorId, AreaId, DocumentId, EpochId},
    wire::{
        self, Cursor, DocumentPush, ExchangeRequest, ExchangeResponse, PROTOCOL_VERSION,
        ReconcileResponse,
    },
};

use crate::{
    book::Book,
    error::{Error, Result},
    store::{areas, attachments, documents, enrolment, outbox, record},
    sync::{
        TransportError, entries, outcomes, reconcile,
        renewal::{self, NextKey},
        scope,
        transport::KEY_TAKEN,
    },
};

/// How often one area is compared in one synchronisation: once to find what differs, once more after
/// the pull that may follow.
const COMPARISONS: u8 = 2;
/// How many requests one synchronisation may make before it gives the officer's phone a rest.
const MAX_REQUESTS: u32 = 2_000;

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Send this body to `exchange` and hand the answer to [`SyncRun::received`].
    Exchange(Vec<u8>),
    /// Send this body to `reconcile` and hand the answer to [`SyncRun::received`].
    Reconcile(Vec<u8>),
    /// Bind this actor to this device, then call [`SyncRun::received`] with nothing: the phone was
    /// cloned, and its unsent work was written anew.
    BindActor(ActorId),
    /// Send this body as the device's next key and hand the answer to [`SyncRun::received`].
    RenewKey(NextKey),
    /// Tell the server that this device erases what it holds, then call [`SyncRun::received`] with nothing: that
    /// erases it.
    ConfirmWipe,
    /// Nothing is left to do.
    Done(SyncReport),
}

/// What a synchronisation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Requests that were answered.
    pub requests: u32,
    /// Changes that the server acknowledged.
    pub acknowledged: u64,
    /// Changes that the server refused.
    pub refused: u64,
    /// Documents with news.
    pub documents: u64,
    /// Entries that could not be taken and were set aside.
    pub bad_entries: u64,
    /// Changes that were offered again because the server had lost them.
    pub offered_again: u64,
    /// Areas that left this device's scope.
    pub areas_lost: u64,
    /// Areas in which the two sides do not hold the same.
    pub disagreeing: Vec<AreaId>,
    /// Changes that are still pending.
    pub pending: u64,
    /// Nothing is pending, every area was pulled to its end, and every fingerprint agreed.
    pub verified: bool,
    /// What this device held was erased, because somebody asked for it.
    pub erased: bool,
}

/// What taking in one answer came to.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) acknowledged: u64,
    pub(super) refused: u64,
    pub(super) waiting: HashSet<DocumentId>,
    /// Unsent work was written anew under another actor.
    pub(super) renewed: bool,
}

/// What is on its way.
enum Sent {
    Exchange {
        push: Vec<DocumentPush>,
        cursors: Vec<Cursor>,
    },
    Reconcile {
        area: AreaId,
    },
    BindActor(ActorId),
    RenewKey,
    ConfirmWipe,
}

/// One synchronisation. Drop it at any point: nothing is lost, and the next one begins anew.
#[derive(Default)]
pub struct SyncRun {
    sent: Option<Sent>,
    /// Whether an exchange is due.
    settled: bool,
    /// Documents whose changes wait for something that the server lacks.
    waiting: HashSet<DocumentId>,
    compared: BTreeMap<AreaId, u8>,
    /// Areas whose end the latest exchange reached.
    at_end: HashSet<AreaId>,
    /// Whether the device's key is old enough to be renewed, and that was not tried yet.
    renew: bool,
    /// Somebody asked for this device to be erased.
    wipe: bool,
    report: SyncReport,
}

impl std::fmt::Debug for SyncRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyncRun")
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// What this device says about itself while it sends `push`.
fn report(
    connection: &Connection,
    push: &[DocumentPush],
    clock_ms: i64,
) -> Result<wire::DeviceReport> {
    let (pending, _) = outbox::pending(connection)?;
    let sent: u64 = push.iter().map(|push| push.changes.len() as u64).sum();
    Ok(wire::DeviceReport {
        app_version: record::fact(connection, record::APP_VERSION)?.unwrap_or_default(),
        clock_ms,
        waiting: pending.saturating_sub(sent),
        attachments: attachments::status(connection)?.waiting,
    })
}

impl SyncRun {
    /// A synchronisation that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// What to do next.
    ///
    /// # Errors
    /// [`Error`] when the book can't be read.
    pub fn next(&mut self, book: &Book) -> Result<Step> {
        if self.report.erased {
            return Ok(Step::Done(self.report.clone()));
        }
        if !self.settled && self.report.requests < MAX_REQUESTS {
            let unbound =
                book.read(|connection| record::actors(connection, record::UNBOUND_ACTORS))?;
            if let Some(actor) = unbound.first() {
                self.sent = Some(Sent::BindActor(*actor));
                return Ok(Step::BindActor(*actor));
            }
            return self.exchange(book);
        }
        if self.wipe {
            // From here on it may be that the server has heard it, whatever becomes of its answer.
            book.transact(|tx, _| record::set_fact(tx, record::WIPE_TOLD, Some("1")))?;
            self.sent = Some(Sent::ConfirmWipe);
            return Ok(Step::ConfirmWipe);
        }
        match self.to_compare(book)? {
            Some((epoch, area)) => {
                *self.compared.entry(area).or_default() += 1;
                self.sent = Some(Sent::Reconcile { area });
                let request =
                    book.read(|connection| reconcile::request(connection, epoch, area))?;
                Ok(Step::Reconcile(wire::encode(&request)))
            }
            None if std::mem::take(&mut self.renew) => {
                self.sent = Some(Sent::RenewKey);
                Ok(Step::RenewKey(renewal::request(book)?))
            }
            None => self.finish(book).map(Step::Done),
        }
    }

    fn exchange(&mut self, book: &Book) -> Result<Step> {
        let clock_ms = book.now_ms();
        let (epoch, cursors, push, report) = book.read(|connection| {
            let cursors: Vec<Cursor> = areas::all(connection)?
                .iter()
                .filter(|row| row.in_scope)
                .map(|row| row.cursor)
                .collect();
            let push = outbox::batch(connection, &self.waiting)?;
            let report = report(connection, &push, clock_ms)?;
            Ok((enrolment::epoch(connection)?, cursors, push, report))
        })?;
        let request = ExchangeRequest {
            v: PROTOCOL_VERSION,
            epoch,
            cursors,
            push,
            report: Some(report),
        };
        let body = wire::encode(&request);
        self.sent = Some(Sent::Exchange {
            push: request.push,
            cursors: request.cursors,
        });
        Ok(Step::Exchange(body))
    }

    /// Takes in the answer to the latest step, in one transaction. After an error nothing of it is in
    /// the book, and this run is over.
    ///
    /// # Errors
    /// [`Error::Answer`] and [`Error::Contradiction`] for an answer that makes no sense, else the book's errors.
    pub fn received(&mut self, book: &Book, body: &[u8]) -> Result<()> {
        match self.sent.take() {
            Some(Sent::Exchange { push, cursors }) => {
                self.exchanged(book, &wire::decode(body)?, &push, &cursors)
            }
            Some(Sent::Reconcile { area }) => self.reconciled(book, area, &wire::decode(body)?),
            Some(Sent::BindActor(actor)) => bound(book, actor),
            Some(Sent::RenewKey) => renewal::renewed(book, body),
            Some(Sent::ConfirmWipe) => {
                book.erase()?;
                self.wipe = false;
                self.report.erased = true;
                Ok(())
            }
            None => Err(Error::Contradiction("an answer that nothing was asked for")),
        }
    }

    /// Takes in that the latest step failed. `Ok` when there is a way on: call [`SyncRun::next`].
    ///
    /// # Errors
    /// The failure itself, unless it was a new epoch.
    pub fn failed(&mut self, book: &Book, error: TransportError) -> Result<()> {
        let sent = self.sent.take();
        // An earlier actor that is another device's by now: what it wrote comes from there.
        if let Some(Sent::BindActor(actor)) = sent
            && matches!(error, TransportError::Refused { status: 422, .. })
            && actor != book.actor()?
        {
            return bound(book, actor);
        }
        match error {
            // A key that is not renewed today is renewed tomorrow; nothing else waits for it.
            error if matches!(sent, Some(Sent::RenewKey)) && !error.is_retryable() => {
                let (now_ms, why) = (book.now_ms(), json!({"why": error.code()}));
                book.transact(|tx, _| {
                    if error.code() == KEY_TAKEN {
                        enrolment::forget_next_key(tx)?;
                    }
                    record::note(tx, now_ms, "key-not-renewed", &why)
                })
            }
            // The server heard that this device erases itself, and its answer was lost.
            TransportError::Refused { ref slug, .. }
                if slug == "device-revoked"
                    && sent.is_some()
                    && !matches!(sent, Some(Sent::ConfirmWipe))
                    && book
                        .read(|connection| record::fact(connection, record::WIPE_TOLD))?
                        .is_some() =>
            {
                (self.settled, self.wipe) = (true, true);
                Ok(())
            }
            TransportError::EpochChanged { epoch } => {
                let known = book.read(enrolment::epoch)?;
                if known == Some(epoch) {
                    return Err(Error::Contradiction("a new epoch that is the known one"));
                }
                let now_ms = book.now_ms();
                book.transact(|tx, _| scope::new_epoch(tx, epoch, now_ms))?;
                self.settled = false;
                self.waiting.clear();
                self.compared.clear();
                Ok(())
            }
            other => Err(other.into()),
        }
    }

    fn exchanged(
        &mut self,
        book: &Book,
        response: &ExchangeResponse,
        push: &[DocumentPush],
        cursors: &[Cursor],
    ) -> Result<()> {
        if response.pushed.len() != push.len() {
            return Err(Error::Contradiction(
                "not one outcome for each pushed document",
            ));
        }
        let now_ms = book.now_ms();
        let mut bytes = [0; 16];
        book.random().fill(&mut bytes)?;
        let fresh_actor = ActorId(uuid::Uuid::from_bytes(bytes));
        let mut bad_entries = 0;
        let mut at_end = HashSet::new();
        let mut moved = false;
        let (progress, lost, outbox_left) = book.transact(|tx, cache| {
            cache.clear();
            match enrolment::epoch(tx)? {
                None => enrolment::set_epoch(tx, response.epoch)?,
                Some(known) if known == response.epoch => {}
                Some(_) => return Err(Error::Contradiction("an answer from another epoch")),
            }
            let context = outcomes::Context {
                connection: tx,
                now_ms,
                server_time_ms: response.server_time_ms,
                fresh_actor,
                own_actor: enrolment::actor(tx)?.ok_or(Error::Unreadable("the actor"))?,
            };
            let mut progress = Progress::default();
            for (push, outcome) in push.iter().zip(&response.pushed) {
                outcomes::apply(&context, push, outcome, &mut progress)?;
            }
            let lost = scope::apply(tx, &response.scope, now_ms)?;
            for pull in &response.pulled {
                let area = pull.cursor.area;
                let Some(row) = areas::find(tx, area)?.filter(|row| row.in_scope) else {
                    return Err(Error::Contradiction("news of an area out of scope"));
                };
                let sent = cursors.iter().find(|cursor| cursor.area == area);
                // The cursor moves only from where it stood when the request was made.
                if row.cursor != sent.copied().unwrap_or(Cursor::start(area)) {
                    continue;
                }
                if pull.cursor.base > pull.cursor.seq
                    || (!pull.reset && pull.cursor.seq < row.cursor.seq)
                {
                    return Err(Error::Contradiction("a cursor that goes back"));
                }
                let mut all_good = true;
                for entry in &pull.entries {
                    let good = entries::apply(&context, area, entry)?;
                    bad_entries += u64::from(!good);
                    all_good &= good;
                }
                let fingerprint: Option<Fingerprint> = pull.fingerprint.filter(|_| !pull.more);
                moved |= pull.cursor != row.cursor;
                areas::move_cursor(tx, &pull.cursor, fingerprint)?;
                if pull.reset || !all_good {
                    entries::mark(tx, area)?;
                }
                if fingerprint.is_some() {
                    at_end.insert(area);
                    // Agreement is proof: there is nothing left to compare.
                    if areas::find(tx, area)?
                        .is_some_and(|row| fingerprint == Some(row.fingerprint))
                    {
                        areas::set_reconcile(tx, area, false)?;
                        areas::set_disagreed(tx, area, None)?;
                        documents::prove_area(tx, area)?;
                    }
                }
            }
            scope::sweep(tx, now_ms)?;
            let mut waiting = self.waiting.clone();
            waiting.extend(progress.waiting.iter().copied());
            let outbox_left = !outbox::batch(tx, &waiting)?.is_empty();
            Ok((progress, lost, outbox_left))
        })?;
        let documents: usize = response.pulled.iter().map(|pull| pull.entries.len()).sum();
        self.report.requests += 1;
        self.report.acknowledged += progress.acknowledged;
        self.report.refused += progress.refused;
        self.report.documents += u64::try_from(documents).unwrap_or(u64::MAX);
        self.report.bad_entries += bad_entries;
        self.report.areas_lost += lost;
        let advanced =
            progress.renewed || moved || lost > 0 || progress.acknowledged + progress.refused > 0;
        self.waiting.extend(progress.waiting);
        let all_at_end = response
            .scope
            .iter()
            .all(|grant| at_end.contains(&grant.area));
        self.at_end = at_end;
        self.wipe = response.wipe;
        self.renew = renewal::is_due(book, response.server_time_ms)?;
        self.settled = (all_at_end && !outbox_left) || !advanced;
        Ok(())
    }

    /// The next area whose heads have to be compared.
    fn to_compare(&self, book: &Book) -> Result<Option<(EpochId, AreaId)>> {
        book.read(|connection| {
            let Some(epoch) = enrolment::epoch(connection)? else {
                return Ok(None);
            };
            let due = areas::all(connection)?.into_iter().find(|row| {
                let differs = row
                    .server_fingerprint
                    .is_some_and(|server| server != row.fingerprint);
                let known = row.disagreed.is_some() && row.disagreed == row.both();
                let often = self
                    .compared
                    .get(&row.cursor.area)
                    .is_some_and(|times| *times >= COMPARISONS);
                row.in_scope
                    && self.at_end.contains(&row.cursor.area)
                    && (differs || row.reconcile)
                    && !known
                    && !often
            });
            Ok(due.map(|row| (epoch, row.cursor.area)))
        })
    }

    fn reconciled(
        &mut self,
        book: &Book,
        area: AreaId,
        response: &ReconcileResponse,
    ) -> Result<()> {
        let now_ms = book.now_ms();
        let offered = book.transact(|tx, cache| {
            cache.clear();
            reconcile::apply(tx, area, response, now_ms)
        })?;
        self.report.requests += 1;
        self.report.offered_again += offered;
        self.waiting.clear();
        // One more exchange: to push, to pull, or to compare the fingerprints once more.
        self.settled = false;
        Ok(())
    }

    fn finish(&mut self, book: &Book) -> Result<SyncReport> {
        let now_ms = book.now_ms();
        let at_end = std::mem::take(&mut self.at_end);
        let (disagreeing, pending, complete) = book.transact(|tx, _| {
            let mut disagreeing = Vec::new();
            let mut complete = true;
            for row in areas::all(tx)?.iter().filter(|row| row.in_scope) {
                complete &= at_end.contains(&row.cursor.area);
                if row.server_fingerprint.is_some() && !row.agrees() {
                    disagreeing.push(row.cursor.area);
                    if row.disagreed.is_none() || row.disagreed != row.both() {
                        areas::set_disagreed(tx, row.cursor.area, row.both().as_deref())?;
                        record::note(tx, now_ms, "disagrees", &json!({"area": row.cursor.area}))?;
                    }
                }
            }
            let pending = outbox::pending(tx)?.0;
            let verified = complete && disagreeing.is_empty() && pending == 0;
            if verified {
                record::set_fact(tx, record::LAST_VERIFIED, Some(&now_ms.to_string()))?;
            }
            Ok((disagreeing, pending, complete))
        })?;
        self.report.verified = complete && disagreeing.is_empty() && pending == 0;
        self.report.disagreeing = disagreeing;
        self.report.pending = pending;
        Ok(self.report.clone())
    }
}

/// The server knows this actor, or will never know it as this device's.
fn bound(book: &Book, actor: ActorId) -> Result<()> {
    book.transact(|tx, _| {
        let mut unbound = record::actors(tx, record::UNBOUND_ACTORS)?;
        unbound.retain(|other| *other != actor);
        record::set_actors(tx, record::UNBOUND_ACTORS, &unbound)
    })
}
