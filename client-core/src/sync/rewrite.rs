//! A phone that was cloned or restored from a backup: its unsent work is written anew, under an actor
//! that no other phone has.
//!
//! The server holds another change with the same actor and sequence. Ours can never join it, so what
//! each pending change did is done again on the acknowledged state: the same values, the author's time
//! and reason, another actor.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::Value as Json;
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    document::{Document, Received},
    edit::{Author, Edit, EditError},
    history::FieldChange,
    id::ActorId,
    refusal::Refusal,
    schema::{self, FieldType, Path, Place},
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
            Some(Renewed::As(hash, bytes)) => {
                insert(connection, before, (hash, &bytes), change.saved_ms)?
            }
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

enum Renewed {
    As(ChangeHash, Vec<u8>),
    /// The record reads like that already.
    Nothing,
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
        Ok(Received::Applied(_)) => Some(Renewed::As(change.hash, change.bytes.clone())),
        Ok(Received::Had(_)) => Some(Renewed::Nothing),
        _ => None,
    }
}

/// Does again what led from one state to the next.
fn renew(
    shown: &Document,
    renewed: &mut Document,
    author: &Author,
    states: (&[ChangeHash], &[ChangeHash]),
) -> Option<Renewed> {
    let changes = shown.difference(states.0, states.1)?;
    let mut edits = edits(renewed, &changes)?;
    // Values that differ meanwhile are decided by the one who decided then.
    for _ in 0..=edits.len() {
        match renewed.edit(author, None, &edits) {
            Ok(Some(written)) => return Some(Renewed::As(written.hash, written.bytes)),
            Ok(None) => return Some(Renewed::Nothing),
            Err(EditError::NeedsSettling(path)) => settle(&mut edits, &path),
            Err(_) => return None,
        }
    }
    None
}

fn settle(edits: &mut [Edit], wanted: &Path) {
    for edit in edits {
        if let Edit::Set { path, value } = edit
            && path == wanted
        {
            *edit = Edit::Settle {
                path: path.clone(),
                value: value.clone(),
            };
        }
    }
}

/// The differences as edits: elements that the document lacks are added, fields are set.
fn edits(document: &Document, changes: &[FieldChange]) -> Option<Vec<Edit>> {
    let json = document.to_json();
    let mut added: BTreeMap<Path, BTreeMap<String, Json>> = BTreeMap::new();
    let mut edits = Vec::new();
    for change in changes {
        let Some(Place::Field(field)) = schema::place(document.kind(), &change.path) else {
            return None;
        };
        match missing_element(document, &json, &change.path) {
            Some((element, name)) => {
                added
                    .entry(element)
                    .or_default()
                    .insert(name, change.after.clone());
            }
            None if field == FieldType::Text => edits.push(Edit::Text {
                path: change.path.clone(),
                text: change.after.as_str().unwrap_or_default().to_owned(),
            }),
            None => edits.push(Edit::Set {
                path: change.path.clone(),
                value: change.after.clone(),
            }),
        }
    }
    // An element comes before those inside it: the order of paths.
    let adds = added
        .into_iter()
        .map(|(path, fields)| Edit::Add { path, fields });
    Some(adds.chain(edits).collect())
}

/// The element that a field lies directly in, where the document lacks it, and the field's name.
fn missing_element(document: &Document, json: &Json, path: &Path) -> Option<(Path, String)> {
    let (element, name) = path.as_str().rsplit_once('/')?;
    let element: Path = element.parse().ok()?;
    if !matches!(
        schema::place(document.kind(), &element),
        Some(Place::Element(..))
    ) {
        return None;
    }
    let found = element.keys().try_fold(json, |json, key| json.get(key));
    found.is_none().then(|| (element, name.to_owned()))
}
