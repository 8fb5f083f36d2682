//! Documents of a push that were made ready before the writer's turn.
//!
//! Checking and applying changes and reading what the document says with them needs no writer. That is half of what a
//! push costs, and it is done on the readers' threads, several documents at a time, while the writer stores others. Only
//! the ordinary case is made ready: every change fits and applies, and the document stays what its id and kind say. The
//! writer still decides everything that the database decides: whether the document is as it was found here, who may
//! write, what is barred. Where anything is not ordinary, it takes the document in by itself, change by change, as if
//! nothing had been made ready.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    ops::Range,
    sync::Arc,
};

use rusqlite::Connection;
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    document::{Document, Received},
    genesis,
    id::DocumentId,
    limits,
    summary::Contents,
    wire::{ChangeOutcome, DocumentOutcome, DocumentPush},
};
use tokio::{sync::OwnedSemaphorePermit, task::JoinHandle};

use super::{Budget, Fresh, Open, Pushing, Session};
use crate::{
    app::App,
    error::Error,
    sync::{planned, stored},
};

/// Documents that are made ready at a time: some ten milliseconds of a reader.
const LOT_DOCUMENTS: usize = 128;
/// Bytes of changes after which a lot takes no further document.
const LOT_BYTES: usize = 256 * 1024;
/// Lots of one push that are made ready at the same time.
const LOTS: usize = 2;
/// Documents with more bytes of history than this are opened by the writer alone, within its budget.
const MOST_BYTES: u64 = 256 * 1024;

/// A document with every change of its push in it.
pub(in crate::sync) struct Prepared {
    /// Its heads on disk when it was opened; `None` when it was not there.
    base: Option<Vec<ChangeHash>>,
    document: Document,
    contents: Contents,
    headers: Vec<ChangeHeader>,
    fresh: Vec<Fresh>,
    /// Bytes of its history with these changes.
    bytes: u64,
}

/// Makes the documents of a push ready ahead of the writer, in their order.
pub(in crate::sync) struct Preparing {
    app: Arc<App>,
    pushes: Arc<[DocumentPush]>,
    /// Lots under way, each with where it ends.
    lots: VecDeque<(usize, JoinHandle<Result<Lot, Error>>)>,
    /// Where the next lot begins.
    next: usize,
}

/// Documents that were made ready, in the order of the push, and their place among the lots of all pushes.
#[derive(Default)]
pub(in crate::sync) struct Lot {
    documents: Vec<Option<Prepared>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Preparing {
    pub(in crate::sync) fn new(app: &Arc<App>, pushes: &Arc<[DocumentPush]>) -> Self {
        Self {
            app: Arc::clone(app),
            pushes: Arc::clone(pushes),
            lots: VecDeque::new(),
            next: 0,
        }
    }

    /// Hands over the next lot, and where it ends; in the mean time others begin.
    pub(in crate::sync) async fn lot(&mut self) -> (usize, Lot) {
        // Only with nothing in hand does a push wait for its turn, so that no two wait for each other.
        if self.lots.is_empty() {
            let permit = Arc::clone(&self.app.lots).acquire_owned().await;
            permit.into_iter().for_each(|permit| self.begin(permit));
        }
        while self.lots.len() < LOTS
            && let Ok(permit) = Arc::clone(&self.app.lots).try_acquire_owned()
            && self.next < self.pushes.len()
        {
            self.begin(permit);
        }
        let Some((end, lot)) = self.lots.pop_front() else {
            return (self.pushes.len(), Lot::default());
        };
        // A lot that failed is taken in by the writer, which says what is wrong.
        (end, lot.await.ok().and_then(Result::ok).unwrap_or_default())
    }

    fn begin(&mut self, permit: OwnedSemaphorePermit) {
        let range = self.next..self.end();
        let end = range.end;
        self.next = end;
        let (app, pushes) = (Arc::clone(&self.app), Arc::clone(&self.pushes));
        let work = async move {
            let documents = app.store.read(move |sql| lot(sql, &pushes, range)).await?;
            Ok(Lot {
                documents,
                permit: Some(permit),
            })
        };
        self.lots.push_back((end, tokio::spawn(work)));
    }

    fn end(&self) -> usize {
        let mut bytes = 0;
        let mut end = self.next;
        for push in self.pushes.iter().skip(self.next).take(LOT_DOCUMENTS) {
            bytes += push
                .changes
                .iter()
                .map(|change| change.len())
                .sum::<usize>();
            end += 1;
            if bytes > LOT_BYTES {
                break;
            }
        }
        end
    }
}

fn lot(
    sql: &Connection,
    pushes: &[DocumentPush],
    range: Range<usize>,
) -> Result<Vec<Option<Prepared>>, Error> {
    let mut campaigns = HashMap::new();
    let pushes = pushes.get(range).unwrap_or_default();
    pushes
        .iter()
        .map(|push| prepare(sql, push, &mut campaigns))
        .collect()
}

/// Makes one document ready; `None` where anything about it is not ordinary.
fn prepare(
    sql: &Connection,
    push: &DocumentPush,
    campaigns: &mut HashMap<DocumentId, Option<planned::Sets>>,
) -> Result<Option<Prepared>, Error> {
    let row = stored::find(sql, push.document)?;
    let had = row.as_ref().map_or(0, |row| row.bytes);
    let bytes = had + push.changes.iter().map(|one| one.len() as u64).sum::<u64>();
    if had > MOST_BYTES || bytes > limits::MAX_DOCUMENT_BYTES {
        return Ok(None);
    }
    let mut document = match &row {
        Some(row) => stored::open(sql, row)?,
        None => Document::new(push.document, push.kind),
    };
    let (mut headers, mut fresh) = (Vec::new(), Vec::new());
    for change in &push.changes {
        let Ok(Received::Applied(header)) = document.receive_unread(change) else {
            return Ok(None);
        };
        if !document.states_itself() {
            return Ok(None);
        }
        if header.deps.is_empty() && !begins(sql, &document, &header, campaigns)? {
            return Ok(None);
        }
        fresh.push(Fresh {
            hash: header.hash,
            actor: header.actor,
            bytes: change.to_vec(),
        });
        headers.push(header);
    }
    Ok(document.checked_contents().map(|contents| Prepared {
        base: row.map(|row| row.heads),
        document,
        contents,
        headers,
        fresh,
        bytes,
    }))
}

/// Whether a document may begin with the change that it now consists of: in somebody's name, or as the campaign says.
fn begins(
    sql: &Connection,
    document: &Document,
    header: &ChangeHeader,
    campaigns: &mut HashMap<DocumentId, Option<planned::Sets>>,
) -> Result<bool, Error> {
    if header.actor != genesis::genesis_actor(document.id()) {
        return Ok(!planned::is_derived(document));
    }
    let Some((unit, campaign)) = planned::pair(document) else {
        return Ok(false);
    };
    let sets = match campaigns.entry(campaign) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => place.insert(planned::sets(sql, campaign)?),
    };
    let sets = sets.as_ref();
    Ok(sets.is_some_and(|sets| sets.lead_to(unit, campaign, header.hash)))
}

impl Pushing {
    /// Gives up what is left of a lot that was taken in, and its place among the lots of all pushes.
    pub(in crate::sync) fn lot_is_done(&mut self) {
        self.ready.clear();
        self.permit = None;
    }

    /// Adds what was made ready of the documents up to `end`; the rest of them is taken in change by change.
    pub(in crate::sync) fn make_ready(&mut self, end: usize, lot: Lot) {
        let places = end.saturating_sub(lot.documents.len())..end;
        let found = places.zip(lot.documents);
        self.ready
            .extend(found.filter_map(|(place, prepared)| Some((place, prepared?))));
        self.permit = lot.permit;
    }
}

impl Session<'_> {
    /// Takes in the next document as it was made ready. False when that can't be: then nothing was done.
    pub(super) fn prepared(
        &self,
        pushing: &mut Pushing,
        prepared: Prepared,
        budget: &mut Budget,
    ) -> Result<bool, Error> {
        let index = pushing.next.0;
        let pushes = Arc::clone(&pushing.pushes);
        let Some(push) = pushes.get(index) else {
            return Ok(false);
        };
        let row = stored::find(self.writing.sql, push.document)?;
        let as_found = row.as_ref().map(|row| &row.heads) == prepared.base.as_ref();
        let mut headers = prepared.headers.iter();
        if !as_found
            || self.barred(push, row.as_ref())?.is_some()
            || !headers.all(|header| self.actors.allow(push.document, header))
        {
            return Ok(false);
        }
        self.writing.metrics.documents_touched.inc();
        let open = Open {
            document: prepared.document,
            fresh: prepared.fresh,
            bytes: prepared.bytes,
            poisoned: 0,
        };
        self.store(push, row.as_ref(), &open, &prepared.contents)?;
        let own = pushing.own.entry(push.document).or_default();
        own.extend(open.fresh.iter().map(|change| change.hash));
        pushing.outcomes.push(DocumentOutcome {
            document: push.document,
            area: row.map(|row| row.area).or(Some(push.area)),
            changes: vec![ChangeOutcome::Stored; push.changes.len()],
        });
        pushing.next = (index + 1, 0);
        budget.documents = budget.documents.saturating_sub(1);
        budget.changes = budget.changes.saturating_sub(push.changes.len());
        // Its bytes are written; what else it costs was done before.
        budget.spend(
            open.fresh
                .iter()
                .map(|change| change.bytes.len() as u64)
                .sum(),
        );
        Ok(true)
    }
}
