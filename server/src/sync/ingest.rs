//! What a device pushes: checked change by change, stored, and answered change by change.
//!
//! Expected outcomes are values, not errors: only a failing database is an error here.

mod prepared;

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use rusqlite::params;
use sha2::{Digest, Sha256};
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    document::{Document, Received},
    genesis,
    id::{AccountId, ActorId, AreaId, DeviceId, DocumentId},
    limits,
    refusal::Refusal,
    summary::Contents,
    wire::{ChangeOutcome, DocumentOutcome, DocumentPush, Hash},
};

use tokio::sync::OwnedSemaphorePermit;

use crate::{
    app,
    areas::area,
    error::Error,
    recovery::aside::Aside,
    retention::burial,
    store::{Writing, id},
    sync::{
        log, planned, scope,
        stored::{self, Fresh, Row, Source},
    },
    telemetry::Reason,
    webhooks::outbox,
};

use prepared::Prepared;
pub(super) use prepared::Preparing;

/// Who pushes, and when it arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pusher {
    pub(super) device: DeviceId,
    pub(super) account: AccountId,
    pub(super) received_ms: i64,
    pub(super) quarantine_bytes: u64,
}

/// A push on its way in, as far as it has come.
pub(super) struct Pushing {
    pub(super) pushes: Arc<[DocumentPush]>,
    /// Outcomes of the documents so far; the last one's may be incomplete.
    pub(super) outcomes: Vec<DocumentOutcome>,
    /// Changes that this push has brought and that were stored.
    pub(super) own: HashMap<DocumentId, HashSet<ChangeHash>>,
    /// The document that comes next, and which of its changes.
    next: (usize, usize),
    /// What was refused of that document so far.
    refused: HashSet<ChangeHash>,
    /// Documents that were made ready, by their place in the push.
    ready: HashMap<usize, Prepared>,
    /// The place of this lot among those of all pushes.
    permit: Option<OwnedSemaphorePermit>,
}

impl Pushing {
    pub(super) fn new(pushes: Vec<DocumentPush>) -> Self {
        Self {
            outcomes: Vec::with_capacity(pushes.len()),
            pushes: pushes.into(),
            own: HashMap::new(),
            next: (0, 0),
            refused: HashSet::new(),
            ready: HashMap::new(),
            permit: None,
        }
    }

    /// How many documents have been taken in.
    pub(super) fn done(&self) -> usize {
        self.next.0
    }

    pub(super) fn is_done(&self) -> bool {
        self.next.0 >= self.pushes.len()
    }
}

/// What one write may cost before others get their turn. Counted, not timed, so that the same push
/// is cut the same way everywhere.
struct Budget {
    documents: usize,
    changes: usize,
    work: u64,
}

/// Work of one write: about a byte read, hashed or decoded, or a sixteenth of an operation.
const SLICE_WORK: u64 = 256 * 1024;
/// Changes in one write.
const SLICE_CHANGES: usize = 256;
/// What applying one operation costs, beside its bytes.
const WORK_PER_OP: u64 = 16;
/// Changes of one document in one write that may fail while they are applied; each costs loading the document.
/// After so many the rest of them is refused alike.
const MAX_POISONED: usize = 4;

impl Budget {
    fn is_spent(&self) -> bool {
        self.documents == 0 || self.changes == 0 || self.work == 0
    }

    fn spend(&mut self, work: u64) {
        self.work = self.work.saturating_sub(work);
    }
}

/// Takes in the next documents of a push, as many as one write should. Everything stored here is one write.
pub(super) fn ingest(
    writing: &Writing<'_>,
    pusher: Pusher,
    pushing: &mut Pushing,
    documents: usize,
) -> Result<(), Error> {
    let writable: HashMap<AreaId, bool> = scope::of_account(writing.sql, pusher.account)?
        .into_iter()
        .map(|grant| (grant.area, grant.writable))
        .collect();
    let actors = Actors::of(writing, pusher)?;
    let session = Session {
        writing,
        pusher,
        writable,
        actors,
        campaigns: RefCell::default(),
        quarantined: Cell::new(None),
    };
    let mut budget = Budget {
        documents,
        changes: SLICE_CHANGES,
        work: SLICE_WORK,
    };
    while !pushing.is_done() && !budget.is_spent() {
        session.document(pushing, &mut budget)?;
    }
    Ok(())
}

/// Whose changes the device may bring.
struct Actors {
    own: HashSet<ActorId>,
    /// After a restore, for a while, also changes that others wrote and the server has lost.
    everyone: Option<HashSet<ActorId>>,
}

impl Actors {
    fn of(writing: &Writing<'_>, pusher: Pusher) -> Result<Self, Error> {
        let sql = writing.sql;
        let mut statement = sql.prepare_cached("SELECT actor FROM actors WHERE device = ?1")?;
        let own = statement
            .query_map([pusher.device.as_bytes().as_slice()], |row| id::id(row, 0))?
            .collect::<Result<_, _>>()?;
        let everyone = if app::recovery_until_ms(sql)? > pusher.received_ms {
            let mut statement = sql.prepare_cached("SELECT actor FROM actors")?;
            let rows = statement.query_map([], |row| id::id(row, 0))?;
            Some(rows.collect::<Result<_, _>>()?)
        } else {
            None
        };
        Ok(Self { own, everyone })
    }

    /// Nobody stands behind the derived actor of a planned inspection: under it only the first change is
    /// taken, which everybody makes alike.
    fn allow(&self, document: DocumentId, header: &ChangeHeader) -> bool {
        let first = header.deps.is_empty() && header.actor == genesis::genesis_actor(document);
        let restored = self.everyone.as_ref();
        first
            || self.own.contains(&header.actor)
            || restored.is_some_and(|everyone| everyone.contains(&header.actor))
    }
}

/// When a document is read to see whether changes spoil it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    AtTheEnd,
    AfterEachChange,
}

struct Session<'a> {
    writing: &'a Writing<'a>,
    pusher: Pusher,
    writable: HashMap<AreaId, bool>,
    actors: Actors,
    /// What campaigns ask for, as far as this push has asked.
    campaigns: RefCell<HashMap<DocumentId, Option<planned::Sets>>>,
    /// Bytes in the device's quarantine, once somebody had to know.
    quarantined: Cell<Option<u64>>,
}

/// A document while changes go into it.
struct Open {
    document: Document,
    fresh: Vec<Fresh>,
    bytes: u64,
    /// Changes that failed while they were applied.
    poisoned: usize,
}

impl Session<'_> {
    fn document(&self, pushing: &mut Pushing, budget: &mut Budget) -> Result<(), Error> {
        let (index, first) = pushing.next;
        if first == 0
            && let Some(prepared) = pushing.ready.remove(&index)
            && self.prepared(pushing, prepared, budget)?
        {
            return Ok(());
        }
        // Reading the document after each change finds the one that spoils it, and costs far more than
        // reading it after all of them. So that is done only when something did spoil it.
        if !self.part(pushing, budget, Care::AtTheEnd)? {
            self.part(pushing, budget, Care::AfterEachChange)?;
        }
        Ok(())
    }

    /// Takes in the next document, or as many of its changes as the budget allows; at least one. False when the
    /// document can't be read with them, and so nothing was done.
    fn part(&self, pushing: &mut Pushing, budget: &mut Budget, care: Care) -> Result<bool, Error> {
        let (index, first) = pushing.next;
        let pushes = Arc::clone(&pushing.pushes);
        let Some(push) = pushes.get(index) else {
            return Ok(true);
        };
        self.writing.metrics.documents_touched.inc();
        let row = stored::find(self.writing.sql, push.document)?;
        let barred = self.barred(push, row.as_ref())?;
        let mut aside = self.aside(push, row.as_ref(), barred);
        let refused = &mut pushing.refused;
        let mut outcomes = Vec::new();
        let mut open = None;
        for bytes in push
            .changes
            .iter()
            .skip(first)
            .map(|bytes| bytes.as_slice())
        {
            let outcome = match (&mut aside, barred) {
                (Some(aside), _) => aside.change(bytes)?,
                (None, Some(refusal)) => self.bar(push, bytes, refusal)?,
                (None, None) => self.change(
                    push,
                    row.as_ref(),
                    &mut open,
                    refused,
                    (bytes, care),
                    budget,
                )?,
            };
            if let ChangeOutcome::Refused(refusal) = outcome
                && aside.is_none()
            {
                refused.insert(self.quarantine(push, bytes, refusal)?);
            }
            outcomes.push(outcome);
            budget.changes = budget.changes.saturating_sub(1);
            budget.spend(bytes.len() as u64);
            if budget.is_spent() {
                break;
            }
        }
        if let Some(aside) = aside {
            aside.finish()?;
        }
        let mut area = row.as_ref().map(|row| row.area);
        if let Some(open) = open.filter(|open| !open.fresh.is_empty()) {
            if !self.keep(push, row.as_ref(), &open)? {
                if care == Care::AtTheEnd {
                    return Ok(false);
                }
                for (outcome, bytes) in outcomes.iter_mut().zip(push.changes.iter().skip(first)) {
                    if *outcome == ChangeOutcome::Stored {
                        *outcome = ChangeOutcome::Refused(Refusal::DoesNotApply);
                        refused.insert(self.quarantine(push, bytes, Refusal::DoesNotApply)?);
                    }
                }
            } else {
                area = area.or(Some(push.area));
                let own = pushing.own.entry(push.document).or_default();
                own.extend(open.fresh.iter().map(|change| change.hash));
            }
        }
        let seen = first + outcomes.len();
        let document = push.document;
        let complete = seen >= push.changes.len();
        match pushing.outcomes.get_mut(index) {
            Some(begun) => {
                begun.area = area;
                begun.changes.extend(outcomes);
            }
            None => pushing.outcomes.push(DocumentOutcome {
                document,
                area,
                changes: outcomes,
            }),
        }
        if complete {
            pushing.refused.clear();
            pushing.next = (index + 1, 0);
            budget.documents = budget.documents.saturating_sub(1);
        } else {
            pushing.next = (index, seen);
        }
        Ok(true)
    }

    /// Stores what came; false when the document with it can't be read, and so nothing was stored.
    fn keep(&self, push: &DocumentPush, row: Option<&Row>, open: &Open) -> Result<bool, Error> {
        let Some(contents) = open.document.checked_contents() else {
            tracing::warn!(document = %push.document, "a document can't be read with what was pushed");
            return Ok(false);
        };
        self.store(push, row, open, &contents)?;
        Ok(true)
    }

    /// Stores what came, which the document can be read with.
    fn store(
        &self,
        push: &DocumentPush,
        row: Option<&Row>,
        open: &Open,
        contents: &Contents,
    ) -> Result<(), Error> {
        let source = Source::Device(self.pusher.device);
        let received_ms = self.pusher.received_ms;
        let fresh = &open.fresh;
        stored::keep(
            self.writing,
            row,
            push.area,
            &open.document,
            contents,
            fresh,
            source,
            received_ms,
        )?;
        if row.is_none() {
            self.file(push, contents.summary.subject)?;
        }
        let mut forgive = self.writing.sql.prepare_cached(
            "DELETE FROM quarantine WHERE document = ?1 AND hash = ?2 AND state = 'open'",
        )?;
        for change in fresh {
            forgive.execute([
                push.document.as_bytes().as_slice(),
                change.hash.0.as_slice(),
            ])?;
        }
        Ok(())
    }

    /// Files a new document where it belongs today: in what its area has become part of, or with the unit that
    /// it is about, where that has moved away while the officer was out.
    fn file(&self, push: &DocumentPush, subject: Option<DocumentId>) -> Result<(), Error> {
        let sql = self.writing.sql;
        let mut home = area::today(sql, push.area)?;
        if let Some(unit) = subject
            && let Some(unit) = stored::find(sql, unit)?
            && unit.area != push.area
            && log::has_left(sql, push.area, unit.id)?
        {
            home = unit.area;
        }
        if home != push.area
            && let Some(row) = stored::find(sql, push.document)?
        {
            stored::move_to(self.writing, &row, home)?;
        }
        Ok(())
    }

    /// After a restore, for a while, devices bring back what only the server writes: an administrator looks
    /// at it before it counts.
    fn aside<'b>(
        &'b self,
        push: &'b DocumentPush,
        row: Option<&'b Row>,
        barred: Option<Refusal>,
    ) -> Option<Aside<'b>> {
        let area = row.map_or(push.area, |row| row.area);
        let lost = barred == Some(Refusal::ReadOnlyKind)
            && self.actors.everyone.is_some()
            && self.writable.contains_key(&area);
        lost.then(|| Aside::new(self.writing, self.pusher.device, push, row))
    }

    /// Why nothing new of this document can be taken from this device.
    fn barred(&self, push: &DocumentPush, row: Option<&Row>) -> Result<Option<Refusal>, Error> {
        if burial::rule(self.writing.sql, push.document)?.is_some() {
            return Ok(Some(Refusal::Purged));
        }
        if row.is_some_and(|row| row.kind != push.kind) {
            return Ok(Some(Refusal::WrongDocument));
        }
        if !push.kind.device_may_write() {
            return Ok(Some(Refusal::ReadOnlyKind));
        }
        let area = row.map_or(push.area, |row| row.area);
        if self.writable.get(&area).copied().unwrap_or(false) {
            return Ok(None);
        }
        let known = log::position(self.writing.sql, area)?.is_some();
        Ok(Some(if known {
            Refusal::OutOfScope
        } else {
            Refusal::UnknownArea
        }))
    }

    /// The outcome of a change of a document that is barred: what was stored before stays acknowledged.
    fn bar(
        &self,
        push: &DocumentPush,
        bytes: &[u8],
        refusal: Refusal,
    ) -> Result<ChangeOutcome, Error> {
        let had = match ChangeHeader::parse(bytes) {
            Ok(header) => stored::has_change(self.writing.sql, push.document, &header.hash)?,
            Err(_) => false,
        };
        Ok(if had {
            ChangeOutcome::Had
        } else {
            ChangeOutcome::Refused(refusal)
        })
    }

    fn change(
        &self,
        push: &DocumentPush,
        row: Option<&Row>,
        open: &mut Option<Open>,
        refused: &HashSet<ChangeHash>,
        (bytes, care): (&[u8], Care),
        budget: &mut Budget,
    ) -> Result<ChangeOutcome, Error> {
        let header = match ChangeHeader::parse(bytes) {
            Ok(header) => header,
            Err(refusal) => return Ok(ChangeOutcome::Refused(refusal)),
        };
        if row.is_some() && stored::has_change(self.writing.sql, push.document, &header.hash)? {
            return Ok(ChangeOutcome::Had);
        }
        if !self.actors.allow(push.document, &header) {
            return Ok(ChangeOutcome::Refused(Refusal::ForeignActor));
        }
        let current = match open {
            Some(current) => current,
            None => {
                budget.spend(row.map_or(0, |row| row.bytes));
                open.insert(self.open(push, row)?)
            }
        };
        if current.poisoned >= MAX_POISONED {
            return Ok(ChangeOutcome::Refused(Refusal::DoesNotApply));
        }
        budget.spend(header.ops.saturating_mul(WORK_PER_OP));
        if current.bytes + bytes.len() as u64 > limits::MAX_DOCUMENT_BYTES {
            return Ok(ChangeOutcome::Refused(Refusal::TooLarge));
        }
        let received = match care {
            Care::AtTheEnd => current.document.receive_unread(bytes),
            Care::AfterEachChange => {
                budget.spend(current.bytes);
                current.document.receive(bytes)
            }
        };
        match received {
            Ok(Received::Applied(header)) => {
                current.bytes += bytes.len() as u64;
                current.fresh.push(Fresh {
                    hash: header.hash,
                    actor: header.actor,
                    bytes: bytes.to_vec(),
                });
                if self.states_itself(&current.document, &header)? {
                    return Ok(ChangeOutcome::Stored);
                }
                self.undo(push, row, current)?;
                Ok(ChangeOutcome::Refused(Refusal::WrongDocument))
            }
            Ok(Received::Had(_)) => Ok(ChangeOutcome::Had),
            Ok(Received::Missing(_, missing))
                if missing.iter().any(|hash| refused.contains(hash)) =>
            {
                Ok(ChangeOutcome::Refused(Refusal::DependsOnRefused))
            }
            Ok(Received::Missing(_, missing)) => Ok(ChangeOutcome::Missing(
                missing.into_iter().map(Hash::from).collect(),
            )),
            Ok(Received::Refused(refusal)) => Ok(ChangeOutcome::Refused(refusal)),
            Err(poisoned) => {
                tracing::warn!(document = %push.document, error = %poisoned, "a change does not apply");
                current.poisoned += 1;
                budget.spend(current.bytes);
                // The last entry of `fresh` is an earlier, good change: only the document is lost.
                current.document = self.reload(push, row, &current.fresh)?;
                Ok(ChangeOutcome::Refused(Refusal::DoesNotApply))
            }
        }
    }

    /// Whether the document is still what its id and kind say, now that this change is in it.
    fn states_itself(&self, document: &Document, header: &ChangeHeader) -> Result<bool, Error> {
        if !document.states_itself() {
            return Ok(false);
        }
        if !header.deps.is_empty() {
            return Ok(true);
        }
        if header.actor == genesis::genesis_actor(document.id()) {
            return self.is_planned(document, header.hash);
        }
        Ok(!planned::is_derived(document))
    }

    /// Whether this is the first change that the campaign leads to.
    fn is_planned(&self, document: &Document, first: ChangeHash) -> Result<bool, Error> {
        let Some((unit, campaign)) = planned::pair(document) else {
            return Ok(false);
        };
        let mut campaigns = self.campaigns.borrow_mut();
        let sets = match campaigns.entry(campaign) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(planned::sets(self.writing.sql, campaign)?),
        };
        // A backup may be older than the campaign: while devices bring back what it lacks, the
        // campaign's inspections are not lost for that.
        Ok(match sets {
            Some(sets) => sets.lead_to(unit, campaign, first),
            None => self.actors.everyone.is_some(),
        })
    }

    fn open(&self, push: &DocumentPush, row: Option<&Row>) -> Result<Open, Error> {
        Ok(Open {
            document: self.reload(push, row, &[])?,
            fresh: Vec::new(),
            bytes: row.map_or(0, |row| row.bytes),
            poisoned: 0,
        })
    }

    /// Takes the newest change out again.
    fn undo(
        &self,
        push: &DocumentPush,
        row: Option<&Row>,
        current: &mut Open,
    ) -> Result<(), Error> {
        if let Some(change) = current.fresh.pop() {
            current.bytes = current.bytes.saturating_sub(change.bytes.len() as u64);
        }
        current.document = self.reload(push, row, &current.fresh)?;
        Ok(())
    }

    /// The document as on disk, with the changes that this push has brought so far.
    fn reload(
        &self,
        push: &DocumentPush,
        row: Option<&Row>,
        fresh: &[Fresh],
    ) -> Result<Document, Error> {
        let mut document = match row {
            Some(row) => stored::open(self.writing.sql, row)?,
            None => Document::new(push.document, push.kind),
        };
        for change in fresh {
            if !matches!(document.receive(&change.bytes), Ok(Received::Applied(_))) {
                return Err(Error::Unreadable("change that applied before"));
            }
        }
        Ok(document)
    }

    /// Keeps what was refused, within the device's quota; the hash that later changes may depend on.
    fn quarantine(
        &self,
        push: &DocumentPush,
        bytes: &[u8],
        refusal: Refusal,
    ) -> Result<ChangeHash, Error> {
        let hash = match ChangeHeader::parse(bytes) {
            Ok(header) => header.hash,
            Err(_) => ChangeHash(Sha256::digest(bytes).into()),
        };
        let sql = self.writing.sql;
        let device = self.pusher.device.as_bytes().as_slice();
        self.writing
            .metrics
            .changes_refused
            .get_or_create(&Reason {
                reason: refusal.code(),
            })
            .inc();
        let kept: u64 = match self.quarantined.get() {
            Some(kept) => kept,
            None => sql
                .prepare_cached("SELECT coalesce(sum(length(bytes) + 100), 0) FROM quarantine WHERE device = ?1 AND state = 'open'")?
                .query_row([device], |row| row.get(0))?,
        };
        let with_this = kept + bytes.len() as u64 + 100;
        self.quarantined.set(Some(kept));
        if with_this > self.pusher.quarantine_bytes {
            self.writing.metrics.quarantine_full.inc();
            tracing::warn!(device = %self.pusher.device, "the device's quarantine is full");
            return Ok(hash);
        }
        let inserted = sql.prepare_cached(
            "INSERT INTO quarantine (device, document, hash, kind, area, bytes, reason, received_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (device, document, hash) DO NOTHING",
        )?
        .execute(params![
            device,
            push.document.as_bytes().as_slice(),
            hash.0.as_slice(),
            push.kind.name(),
            push.area.as_bytes().as_slice(),
            bytes,
            refusal.code(),
            self.pusher.received_ms,
        ])?;
        if inserted > 0 {
            outbox::quarantined(
                self.writing,
                push.document,
                push.kind,
                push.area,
                refusal.code(),
            )?;
        }
        self.quarantined.set(Some(with_this));
        Ok(hash)
    }
}
