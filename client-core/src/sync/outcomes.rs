//! What became of a push: acknowledged, waiting, or refused.

use std::collections::HashSet;

use rusqlite::Connection;
use serde_json::json;
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    id::ActorId,
    refusal::Refusal,
    wire::{ChangeOutcome, DocumentOutcome, DocumentPush},
};

use crate::{
    error::{Error, Result},
    store::{areas, documents, enrolment, heads, outbox, projection, quarantine, record},
    sync::{fork, steps::Progress},
};

/// What stays the same while one answer is taken in.
pub(super) struct Context<'a> {
    pub(super) connection: &'a Connection,
    pub(super) now_ms: i64,
    pub(super) server_time_ms: i64,
    /// Drawn anew for this answer; used when the server says that this device's actor forked.
    pub(super) fresh_actor: ActorId,
    /// The actor that this device wrote with when the answer came.
    pub(super) own_actor: ActorId,
}

/// Takes in what the server said about one pushed document.
pub(super) fn apply(
    context: &Context<'_>,
    push: &DocumentPush,
    outcome: &DocumentOutcome,
    progress: &mut Progress,
) -> Result<()> {
    if outcome.document != push.document || outcome.changes.len() != push.changes.len() {
        return Err(Error::Contradiction(
            "outcomes for other documents than were pushed",
        ));
    }
    let Some(before) = documents::find(context.connection, push.document)? else {
        return Ok(());
    };
    let mut row = before.clone();
    let mut forked: HashSet<ChangeHash> = HashSet::new();
    let has_forked = outcome
        .changes
        .contains(&ChangeOutcome::Refused(Refusal::ForkedActor));
    let mut refused: Vec<(ChangeHeader, Refusal)> = Vec::new();
    for (bytes, outcome) in push.changes.iter().zip(&outcome.changes) {
        let header =
            ChangeHeader::parse(bytes).map_err(|_| Error::Unreadable("a pending change"))?;
        let Some(known) =
            outbox::find(context.connection, row.id, header.hash)?.filter(|known| known.pending)
        else {
            continue;
        };
        match outcome {
            ChangeOutcome::Stored | ChangeOutcome::Had => {
                outbox::acknowledge(
                    context.connection,
                    row.id,
                    header.hash,
                    Some(context.server_time_ms),
                )?;
                if !known.reoffered {
                    outbox::advance(&mut row.acked_heads, &header);
                }
                progress.acknowledged += 1;
            }
            ChangeOutcome::Missing(_) => {
                areas::set_reconcile(context.connection, row.area, true)?;
                progress.waiting.insert(row.id);
            }
            ChangeOutcome::Refused(refusal) if has_forked => {
                if *refusal == Refusal::ForkedActor {
                    forked.insert(header.hash);
                }
            }
            ChangeOutcome::Refused(refusal) if known.reoffered => {
                take_back(context, &row, &header, bytes, *refusal)?;
                progress.refused += 1;
            }
            ChangeOutcome::Refused(refusal) => refused.push((header, *refusal)),
        }
    }
    if let Some(area) = outcome.area.filter(|area| *area != row.area) {
        row.area = area;
        row.leaving = !areas::find(context.connection, area)?.is_some_and(|area| area.in_scope);
    }
    documents::update(context.connection, &before, &row)?;
    if !forked.is_empty() {
        progress.refused += fork::refused(context, &row, &forked)?;
        progress.renewed = true;
    } else if !refused.is_empty() {
        progress.refused += set_aside(context, &row, &refused)?;
    }
    Ok(())
}

/// A change that the server acknowledged once, lost, and now refuses: it stays in the record. The
/// comparison of heads offers it again when the server's side has changed.
fn take_back(
    context: &Context<'_>,
    row: &documents::Row,
    header: &ChangeHeader,
    bytes: &[u8],
    refusal: Refusal,
) -> Result<()> {
    outbox::acknowledge(context.connection, row.id, header.hash, None)?;
    if Some(header.actor) == enrolment::actor(context.connection)? {
        let title = title(context.connection, row)?;
        let of = quarantine::Of {
            document: row.id,
            kind: row.kind,
            area: row.area,
            title: &title,
        };
        let why = (quarantine::Direction::Sent, refusal);
        quarantine::add(
            context.connection,
            &of,
            header.hash,
            bytes,
            why,
            context.now_ms,
        )?;
    }
    let detail =
        json!({"document": row.id, "hash": header.hash.to_string(), "refusal": refusal.code()});
    record::note(context.connection, context.now_ms, "not-restored", &detail)
}

/// Takes refused changes, and the pending ones that build on them, out of the document.
fn set_aside(
    context: &Context<'_>,
    before: &documents::Row,
    refused: &[(ChangeHeader, Refusal)],
) -> Result<u64> {
    let connection = context.connection;
    let title = title(connection, before)?;
    let of = quarantine::Of {
        document: before.id,
        kind: before.kind,
        area: before.area,
        title: &title,
    };
    let mut gone: HashSet<ChangeHash> = HashSet::new();
    for change in documents::changes(connection, before.id)?
        .iter()
        .filter(|change| change.pending && !change.reoffered)
    {
        let stated = refused
            .iter()
            .find(|(header, _)| header.hash == change.hash)
            .map(|(_, refusal)| *refusal);
        let header = ChangeHeader::parse(&change.bytes)
            .map_err(|_| Error::Unreadable("a pending change"))?;
        let inherited = header
            .deps
            .iter()
            .any(|dep| gone.contains(dep))
            .then_some(Refusal::DependsOnRefused);
        if let Some(refusal) = stated.or(inherited) {
            let why = (quarantine::Direction::Sent, refusal);
            quarantine::add(
                connection,
                &of,
                change.hash,
                &change.bytes,
                why,
                context.now_ms,
            )?;
            outbox::remove(connection, before.id, change.hash)?;
            gone.insert(change.hash);
        }
    }
    rebuild(connection, before)?;
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
}

/// Brings heads and list row in line with the changes that are left. A document with none goes.
pub(super) fn rebuild(connection: &Connection, before: &documents::Row) -> Result<()> {
    let document = documents::load(connection, before)?;
    if document.heads().is_empty() {
        return documents::remove(connection, before);
    }
    let after = documents::Row {
        heads: document.heads(),
        ..before.clone()
    };
    documents::update(connection, before, &after)?;
    projection::put(connection, &document, after.area)
}

/// What the list calls a document.
pub(super) fn title(connection: &Connection, row: &documents::Row) -> Result<String> {
    let sql = "SELECT title FROM projection WHERE document = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([row.id.as_bytes().as_slice()])?;
    Ok(rows
        .next()?
        .map(|row| row.get(0))
        .transpose()?
        .unwrap_or_default())
}

/// The acknowledged heads after changes that the server has shown to hold.
pub(super) fn acknowledge_seen(
    connection: &Connection,
    row: &mut documents::Row,
    header: &ChangeHeader,
    received_ms: i64,
) -> Result<()> {
    let Some(known) = outbox::find(connection, row.id, header.hash)? else {
        return Ok(());
    };
    outbox::acknowledge(connection, row.id, header.hash, Some(received_ms))?;
    if known.pending && !known.reoffered {
        heads::advance(&mut row.acked_heads, header.hash, &header.deps);
    }
    Ok(())
}
