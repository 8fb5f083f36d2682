//! A phone that was cloned or restored from a backup: its unsent work is written anew, under an actor
//! that no other phone has.
//!
//! The server holds another change with the same actor and sequence. Ours can never join it, so what
//! each pending change did is done again on the acknowledged state: the same values, the author's time
//! and reason, another actor.

use rusqlite::Connection;
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    document::{Document, Received},
    edit::{Author, Written},
    id::ActorId,
    refusal::Refusal,
    renew::{Renewed, renew},
};

use crate::{
    error::{Error, Result},
    store::{documents, outbox, quarantine},
    sync::outcomes::{Context, rebuild, title},
};

/// Writes every pending change of `forked` in this document anew as `actor`. What can't be written
/// anew goes to quarantine. Says how many went there.
pub(super) fn rewrite(
    context: &Context<'_>,
    before: &documents::Row,
    forked: ActorId,
    actor: ActorId,
) -> Result<u64> {
    let connection = context.connection;
    let shown = documents::load(connection, before)?;
    let mut renewed = documents::load_acked(connection, before)?;
    let pending: Vec<documents::Stored> = documents::changes(connection, before.id)?
        .into_iter()
        .filter(|change| change.pending && !change.reoffered)
        .collect();
    let mut seen = renewed.heads();
    let mut quarantined = 0;
    for change in &pending {
        let header = ChangeHeader::parse(&change.bytes)
            .map_err(|_| Error::Unreadable("a pending change"))?;
        outbox::remove(connection, before.id, change.hash)?;
        let earlier = seen.clone();
        crate::store::heads::advance(&mut seen, header.hash, &header.deps);
        let again = if header.actor == forked {
            let author = Author {
                actor,
                time_ms: header.time_ms,
                reason: header.message.clone(),
            };
            renew(&shown, &mut renewed, &author, (&earlier, &seen))
        } else {
            keep(&mut renewed, change)
        };
        match again {
            Some(Renewed::As(written)) => insert(
                connection,
                before,
                (written.hash, &written.bytes),
                change.saved_ms,
            )?,
            Some(Renewed::Nothing) => {}
            None => {
                let title = title(connection, before)?;
                let of = quarantine::Of {
                    document: before.id,
                    kind: before.kind,
                    area: before.area,
                    title: &title,
                };
                let why = (quarantine::Direction::Sent, Refusal::ForkedActor);
                quarantine::add(
                    connection,
                    &of,
                    change.hash,
                    &change.bytes,
                    why,
                    context.now_ms,
                )?;
                quarantined += 1;
            }
        }
    }
    rebuild(connection, before)?;
    Ok(quarantined)
}

fn insert(
    connection: &Connection,
    row: &documents::Row,
    change: (ChangeHash, &[u8]),
    saved_ms: i64,
) -> Result<()> {
    let new = outbox::New {
        document: row.id,
        hash: change.0,
        bytes: change.1,
        pending: true,
        saved_ms,
        received_ms: None,
        reoffered: false,
    };
    outbox::insert(connection, &new)
}

/// A pending change that another actor wrote: the first change of a planned inspection.
fn keep(renewed: &mut Document, change: &documents::Stored) -> Option<Renewed> {
    match renewed.receive(&change.bytes) {
        Ok(Received::Applied(_)) => Some(Renewed::As(Written {
            hash: change.hash,
            bytes: change.bytes.clone(),
        })),
        Ok(Received::Had(_)) => Some(Renewed::Nothing),
        _ => None,
    }
}
