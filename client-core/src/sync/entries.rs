//! News from the server, document by document. Its bytes are checked like a stranger's.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;
use serde_json::json;
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    document::{Document, Poisoned, Received as Outcome},
    id::{AreaId, DocumentId},
    limits,
    refusal::Refusal,
    summary::Contents,
    wire::{Entry, News, Received},
};

use crate::{
    error::{Error, Result},
    store::{areas, documents, outbox, projection, quarantine, record},
    sync::{
        fork,
        outcomes::{Context, acknowledge_seen},
    },
};

/// Bad entries of the server that are kept for somebody to look at, the largest without their bytes.
const MAX_KEPT_RECEIVED: u64 = 200;
/// Acknowledged changes beside a snapshot before they are folded into it.
const LOOSE_CHANGES: u64 = 64;

/// Takes one entry in. `false`: something about it is bad, and was set aside and noted.
pub(super) fn apply(context: &Context<'_>, area: AreaId, entry: &Entry) -> Result<bool> {
    let row = documents::find(context.connection, entry.document)?;
    if row.as_ref().is_some_and(|row| row.kind != entry.kind) {
        let bytes = match &entry.news {
            News::Snapshot { bytes, .. } => bytes.as_slice(),
            _ => &[],
        };
        return bad(context, area, entry, bytes, Refusal::WrongDocument);
    }
    match &entry.news {
        News::Left(to) => left(context.connection, area, row, *to).map(|()| true),
        News::Snapshot { bytes, received_ms } => {
            snapshot(context, area, entry, row, bytes, received_ms)
        }
        News::Changes(changes) => match row {
            Some(row) => known_changes(context, area, entry, &row, changes),
            None => new_changes(context, area, entry, changes),
        },
    }
}

/// Keeps what can't be taken, and says so.
fn bad(
    context: &Context<'_>,
    area: AreaId,
    entry: &Entry,
    bytes: &[u8],
    refusal: Refusal,
) -> Result<bool> {
    let of = quarantine::Of {
        document: entry.document,
        kind: entry.kind,
        area,
        title: "",
    };
    let hash = ChangeHeader::parse(bytes).map_or(ChangeHash([0; 32]), |header| header.hash);
    let why = (quarantine::Direction::Received, refusal);
    // A server that sends nothing but damage does not fill the phone: what is kept is bounded.
    if quarantine::received(context.connection)? < MAX_KEPT_RECEIVED {
        let kept = if bytes.len() > limits::MAX_CHANGE_BYTES {
            &[]
        } else {
            bytes
        };
        quarantine::add(context.connection, &of, hash, kept, why, context.now_ms)?;
    }
    let detail = json!({"area": area, "document": entry.document, "refusal": refusal.code()});
    record::note(context.connection, context.now_ms, "bad-entry", &detail)?;
    Ok(false)
}

fn left(
    connection: &Connection,
    area: AreaId,
    row: Option<documents::Row>,
    to: Option<AreaId>,
) -> Result<()> {
    // A document that is known to lie elsewhere by now has left long since.
    let Some(before) = row.filter(|row| row.area == area) else {
        return Ok(());
    };
    let mut after = before.clone();
    let in_scope =
        |area| Ok::<_, Error>(areas::find(connection, area)?.is_some_and(|row| row.in_scope));
    match to {
        Some(to) if in_scope(to)? => after.area = to,
        // Nothing of this device's own is in there: the copy goes at once, and what follows is taken anew.
        _ if !before.kind.device_may_write() => return documents::remove(connection, &before),
        _ => after.leaving = true,
    }
    documents::update(connection, &before, &after)
}

/// A document as it is after `area`'s log spoke of it.
fn here(row: &documents::Row, area: AreaId) -> documents::Row {
    documents::Row {
        area,
        leaving: false,
        ..row.clone()
    }
}

fn snapshot(
    context: &Context<'_>,
    area: AreaId,
    entry: &Entry,
    row: Option<documents::Row>,
    bytes: &[u8],
    received_ms: &[i64],
) -> Result<bool> {
    let connection = context.connection;
    let (theirs, contents) = match Document::receive_whole(entry.document, entry.kind, bytes) {
        Ok(received) => received,
        Err(refusal) => return bad(context, area, entry, bytes, refusal),
    };
    if received_ms.len() != theirs.change_count() {
        return Err(Error::Contradiction(
            "receipt times that do not match a snapshot",
        ));
    }
    let stored = documents::Snapshot {
        bytes: bytes.to_vec(),
        received_ms: received_ms.to_vec(),
    };
    let Some(before) = row else {
        let heads = theirs.heads();
        let row = documents::Row {
            id: entry.document,
            kind: entry.kind,
            area,
            acked_heads: heads.clone(),
            heads,
            leaving: false,
        };
        settle_held(context, entry.document, |hash| theirs.contains(hash))?;
        documents::insert(connection, &row, Some(&stored))?;
        projection::put_read(connection, &theirs, &contents, area)?;
        return Ok(true);
    };
    if before.acked_heads == theirs.heads() {
        documents::update(connection, &before, &here(&before, area))?;
        return Ok(true);
    }
    settle_held(context, entry.document, |hash| theirs.contains(hash))?;
    merge_snapshot(context, &before, area, &theirs, &stored)?;
    Ok(true)
}

/// What the server has now was refused before: a supervisor took it over. Nobody has to look at it here any more.
fn settle_held(
    context: &Context<'_>,
    id: DocumentId,
    is_held: impl Fn(&ChangeHash) -> bool,
) -> Result<()> {
    let settled = quarantine::settle_held(context.connection, id, is_held)?;
    if settled > 0 {
        let detail = json!({"document": id, "changes": settled});
        record::note(context.connection, context.now_ms, "taken-over", &detail)?;
    }
    Ok(())
}

/// Puts the server's whole document in the place of the local snapshot, and on top of it whatever the
/// server does not hold.
fn merge_snapshot(
    context: &Context<'_>,
    before: &documents::Row,
    area: AreaId,
    theirs: &Document,
    stored: &documents::Snapshot,
) -> Result<()> {
    let connection = context.connection;
    let arrived = here(before, area);
    documents::update(connection, before, &arrived)?;
    let before = &arrived;
    if fork::overtaken(context, before, theirs, stored)? {
        return Ok(());
    }
    let ours = documents::load(connection, before)?;
    let acked = documents::load_acked(connection, before)?;
    let known = documents::changes(connection, before.id)?;
    let mut after = here(before, area);
    after.acked_heads = theirs.heads();
    documents::set_snapshot(connection, before.id, Some(stored))?;
    outbox::clear(connection, before.id)?;
    for bytes in ours.changes_since(&theirs.heads()) {
        let header =
            ChangeHeader::parse(&bytes).map_err(|_| Error::Unreadable("a stored change"))?;
        if theirs.contains(&header.hash) {
            continue;
        }
        let was_acked = acked.contains(&header.hash);
        let row = known.iter().find(|change| change.hash == header.hash);
        let new = outbox::New {
            document: before.id,
            hash: header.hash,
            bytes: &bytes,
            pending: row.is_some_and(|change| change.pending),
            saved_ms: row.map_or(context.now_ms, |change| change.saved_ms),
            received_ms: row.and_then(|change| change.received_ms),
            reoffered: was_acked && row.is_some_and(|change| change.pending),
        };
        outbox::insert(connection, &new)?;
        if was_acked {
            outbox::advance(&mut after.acked_heads, &header);
        }
    }
    let document = documents::load(connection, &after)?;
    after.heads = document.heads();
    documents::update(connection, before, &after)?;
    projection::put(connection, &document, area)
}

fn new_changes(
    context: &Context<'_>,
    area: AreaId,
    entry: &Entry,
    changes: &[Received],
) -> Result<bool> {
    let connection = context.connection;
    let begin = || Ok(Document::new(entry.document, entry.kind));
    let Taken {
        document,
        fresh: taken,
        contents,
    } = match take_all(begin, changes)? {
        Ok(taken) => taken,
        Err((bytes, refusal)) => return bad(context, area, entry, &bytes, refusal),
    };
    if taken.is_empty() {
        return Ok(true);
    }
    let heads = document.heads();
    let row = documents::Row {
        id: entry.document,
        kind: entry.kind,
        area,
        acked_heads: heads.clone(),
        heads,
        leaving: false,
    };
    documents::insert(connection, &row, None)?;
    for (change, header) in &taken {
        insert_acked(context, entry.document, change, header)?;
    }
    settle_held(context, entry.document, |hash| document.contains(hash))?;
    projection::put_read(connection, &document, &contents, area)?;
    Ok(true)
}

fn insert_acked(
    context: &Context<'_>,
    document: DocumentId,
    change: &Received,
    header: &ChangeHeader,
) -> Result<()> {
    let new = outbox::New {
        document,
        hash: header.hash,
        bytes: &change.bytes,
        pending: false,
        saved_ms: context.now_ms,
        received_ms: Some(change.received_ms),
        reoffered: false,
    };
    outbox::insert(context.connection, &new)
}

/// A change that was new here.
type Fresh<'a> = (&'a Received, ChangeHeader);

/// A document with what came for it.
struct Taken<'a> {
    document: Document,
    /// What was new here.
    fresh: Vec<Fresh<'a>>,
    contents: Contents,
}

/// Bytes that can't be taken, and why.
type Bad = (Vec<u8>, Refusal);

/// The document of `begin` with every change that was new to it, or the first that can't be taken. It is read once,
/// after all of them; only where that fails, after each, to find the one that spoils it.
fn take_all<'a>(
    begin: impl Fn() -> Result<Document>,
    changes: &'a [Received],
) -> Result<Result<Taken<'a>, Bad>> {
    let mut document = begin()?;
    let fresh = match take(&mut document, changes, Document::receive_unread) {
        Ok(fresh) => fresh,
        Err(bad) => return Ok(Err(bad)),
    };
    if let Some(contents) = document.checked_contents() {
        return Ok(Ok(Taken {
            document,
            fresh,
            contents,
        }));
    }
    let last = changes.last().map(|change| change.bytes.to_vec());
    let spoilt = take(&mut begin()?, changes, Document::receive).err();
    Ok(Err(spoilt.unwrap_or((
        last.unwrap_or_default(),
        Refusal::DoesNotApply,
    ))))
}

fn take<'a>(
    document: &mut Document,
    changes: &'a [Received],
    receive: fn(&mut Document, &[u8]) -> Result<Outcome, Poisoned>,
) -> Result<Vec<Fresh<'a>>, Bad> {
    let mut taken = Vec::new();
    for change in changes {
        match receive(document, &change.bytes) {
            Ok(Outcome::Applied(header)) => taken.push((change, header)),
            Ok(Outcome::Had(_)) => {}
            Ok(Outcome::Missing(..)) | Err(_) => {
                return Err((change.bytes.to_vec(), Refusal::DoesNotApply));
            }
            Ok(Outcome::Refused(refusal)) => return Err((change.bytes.to_vec(), refusal)),
        }
    }
    Ok(taken)
}

/// The document that these changes make, when nothing is missing: a server that was restored may send it so.
fn whole(entry: &Entry, changes: &[Received]) -> Result<Option<(Document, documents::Snapshot)>> {
    let begin = || Ok(Document::new(entry.document, entry.kind));
    let Ok(Taken {
        document, fresh, ..
    }) = take_all(begin, changes)?
    else {
        return Ok(None);
    };
    let receipts: HashMap<ChangeHash, i64> = fresh
        .iter()
        .map(|(change, header)| (header.hash, change.received_ms))
        .collect();
    let snapshot = documents::Snapshot::of(&document, &receipts)?;
    Ok(Some((document, snapshot)))
}

fn known_changes(
    context: &Context<'_>,
    area: AreaId,
    entry: &Entry,
    before: &documents::Row,
    changes: &[Received],
) -> Result<bool> {
    let connection = context.connection;
    let mut after = here(before, area);
    // The echo of one's own push needs no document.
    let mut all_known = true;
    for change in changes {
        let Ok(header) = ChangeHeader::parse(&change.bytes) else {
            return bad(context, area, entry, &change.bytes, Refusal::Malformed);
        };
        match outbox::find(connection, before.id, header.hash)? {
            Some(_) => acknowledge_seen(connection, &mut after, &header, change.received_ms)?,
            None => all_known = false,
        }
    }
    if !all_known {
        let load = || documents::load(connection, before);
        let Taken {
            document,
            fresh: taken,
            contents,
        } = match take_all(load, changes)? {
            Ok(taken) => taken,
            Err((bytes, refusal)) => {
                documents::update(connection, before, &after)?;
                // Beside what is here they don't stand; but it may be that they are the whole document.
                let Some((theirs, stored)) = whole(entry, changes)? else {
                    return bad(context, area, entry, &bytes, refusal);
                };
                settle_held(context, entry.document, |hash| theirs.contains(hash))?;
                merge_snapshot(context, &after, area, &theirs, &stored)?;
                return Ok(true);
            }
        };
        for (change, header) in &taken {
            insert_acked(context, before.id, change, header)?;
            outbox::advance(&mut after.acked_heads, header);
        }
        if !taken.is_empty() {
            // Only what came: a change that a restored server refused lies in quarantine and in the record.
            let came: HashSet<ChangeHash> = taken.iter().map(|(_, header)| header.hash).collect();
            settle_held(context, before.id, |hash| came.contains(hash))?;
            after.heads = document.heads();
            projection::put_read(connection, &document, &contents, area)?;
        }
    }
    documents::update(connection, before, &after)?;
    if documents::loose_changes(connection, before.id)? > LOOSE_CHANGES {
        documents::compact(connection, &after)?;
    }
    Ok(true)
}

/// Marks an area that a bad entry keeps from being the same on both sides.
pub(super) fn mark(connection: &Connection, area: AreaId) -> Result<()> {
    areas::set_reconcile(connection, area, true)
}
