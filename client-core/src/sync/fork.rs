//! An actor that went two ways: a phone that was cloned or restored, or a server that was restored and then
//! heard of the clone first.
//!
//! The server holds another change with the same actor and sequence. Ours can never join it, whether it
//! was sent before or not. What this phone wrote is done again under an actor that no other phone has.
//! What others wrote and can't join stays here, where a person sees it; they bring it themselves.

use std::collections::{HashMap, HashSet};

use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    document::{Document, Received},
    edit::Author,
    id::ActorId,
    refusal::Refusal,
    renew::{Renewed, renew},
};

use crate::{
    error::{Error, Result},
    store::{documents, enrolment, outbox, quarantine, record},
    sync::outcomes::{Context, rebuild, title},
};

/// A change that the server's state of the document does not hold.
struct Lacking {
    header: ChangeHeader,
    bytes: Vec<u8>,
    pending: bool,
    reoffered: bool,
    saved_ms: i64,
    received_ms: Option<i64>,
}

/// The server refused these changes because their actor has forked. Says how many went to quarantine.
pub(super) fn refused(
    context: &Context<'_>,
    before: &documents::Row,
    forked: &HashSet<ChangeHash>,
) -> Result<u64> {
    let shown = documents::load(context.connection, before)?;
    let receipts = documents::receipts(context.connection, before)?;
    let stored = documents::changes(context.connection, before.id)?;
    let mut base = Document::new(before.id, before.kind);
    let mut lacking = Vec::new();
    for one in lacking_of(context, &shown, &stored, |_| true)? {
        let joins = !one.pending && matches!(base.receive(&one.bytes), Ok(Received::Applied(_)));
        if !joins {
            lacking.push(one);
        }
    }
    let snapshot = if base.heads().is_empty() {
        None
    } else {
        Some(documents::Snapshot::of(&base, &receipts)?)
    };
    carry_over(
        context,
        before,
        &shown,
        base,
        snapshot.as_ref(),
        &lacking,
        forked,
    )
}

/// The server's whole document holds another change with the same actor and sequence as one here. `false`:
/// it does not, and nothing was done.
pub(super) fn overtaken(
    context: &Context<'_>,
    before: &documents::Row,
    theirs: &Document,
    stored: &documents::Snapshot,
) -> Result<bool> {
    let shown = documents::load(context.connection, before)?;
    let rows = documents::changes(context.connection, before.id)?;
    let lacking = lacking_of(context, &shown, &rows, |hash| !theirs.contains(hash))?;
    let mut joined = Document::load(before.id, before.kind, Some(&stored.bytes), [[0_u8; 0]; 0])?;
    let forked: HashSet<ChangeHash> = lacking
        .iter()
        .filter(|one| !matches!(joined.receive(&one.bytes), Ok(Received::Applied(_))))
        .map(|one| one.header.hash)
        .collect();
    if forked.is_empty() {
        return Ok(false);
    }
    // Written anew on what both sides have, so that it stands beside what the other phone wrote.
    let mut common = Document::new(before.id, before.kind);
    for one in lacking_of(context, &shown, &rows, |hash| theirs.contains(hash))? {
        if !matches!(common.receive(&one.bytes), Ok(Received::Applied(_))) {
            return Err(Error::Unreadable("a stored change"));
        }
    }
    let snapshot = Some(stored);
    carry_over(context, before, &shown, common, snapshot, &lacking, &forked)?;
    Ok(true)
}

/// The changes of a document, in its order, with what is known of each.
fn lacking_of(
    context: &Context<'_>,
    shown: &Document,
    stored: &[documents::Stored],
    wanted: impl Fn(&ChangeHash) -> bool,
) -> Result<Vec<Lacking>> {
    let mut lacking = Vec::new();
    for hash in shown.hashes().into_iter().filter(|hash| wanted(hash)) {
        let unreadable = || Error::Unreadable("a stored change");
        let bytes = shown.change(&hash).ok_or_else(unreadable)?;
        let row = stored.iter().find(|change| change.hash == hash);
        lacking.push(Lacking {
            header: ChangeHeader::parse(&bytes).map_err(|_| unreadable())?,
            bytes,
            pending: row.is_some_and(|row| row.pending),
            reoffered: row.is_some_and(|row| row.reoffered),
            saved_ms: row.map_or(context.now_ms, |row| row.saved_ms),
            received_ms: row.and_then(|row| row.received_ms),
        });
    }
    Ok(lacking)
}

/// Puts `snapshot` in the place of everything, and on top of it whatever it lacks: as it is where it
/// joins, written anew where it is this phone's, in quarantine otherwise.
fn carry_over(
    context: &Context<'_>,
    before: &documents::Row,
    shown: &Document,
    mut renewed: Document,
    snapshot: Option<&documents::Snapshot>,
    lacking: &[Lacking],
    forked: &HashSet<ChangeHash>,
) -> Result<u64> {
    let connection = context.connection;
    let title = title(connection, before)?;
    documents::set_snapshot(connection, before.id, snapshot)?;
    outbox::clear(connection, before.id)?;
    let mut places = Places::default();
    let mut quarantined = 0;
    for one in lacking {
        let header = &one.header;
        if !forked.contains(&header.hash)
            && matches!(renewed.receive(&one.bytes), Ok(Received::Applied(_)))
        {
            insert(context, before, (header.hash, &one.bytes), one)?;
            continue;
        }
        let is_ours = header.actor == context.own_actor || (one.pending && !one.reoffered);
        let again = if is_ours {
            let author = Author {
                actor: renewed_actor(context)?,
                time_ms: header.time_ms,
                reason: header.message.clone(),
            };
            // Where it stood: beside what its author had not seen then.
            let states = (header.deps.as_slice(), &[header.hash][..]);
            let base = places.of(&header.deps);
            renew(shown, &mut renewed, &author, states, Some(&base))
        } else {
            None
        };
        match again {
            Some(Renewed::As(written)) => {
                let unsent = Lacking {
                    header: header.clone(),
                    bytes: Vec::new(),
                    pending: true,
                    reoffered: false,
                    received_ms: None,
                    ..*one
                };
                insert(context, before, (written.hash, &written.bytes), &unsent)?;
                places.moved(header.hash, vec![written.hash]);
            }
            Some(Renewed::Nothing) => places.moved(header.hash, places.of(&header.deps)),
            None => {
                places.moved(header.hash, places.of(&header.deps));
                set_aside(context, before, &title, one)?;
                quarantined += 1;
            }
        }
    }
    let after = documents::Row {
        acked_heads: documents::load_acked(connection, before)?.heads(),
        ..before.clone()
    };
    documents::update(connection, before, &after)?;
    rebuild(connection, &after)?;
    Ok(quarantined)
}

/// Where changes of the former document stand in the new one.
#[derive(Default)]
struct Places(HashMap<ChangeHash, Vec<ChangeHash>>);

impl Places {
    /// A change that was written anew, or that is not there: the state in the new document that stands for it.
    fn moved(&mut self, hash: ChangeHash, state: Vec<ChangeHash>) {
        self.0.insert(hash, state);
    }

    /// The state in the new document that stands for this one of the former.
    fn of(&self, heads: &[ChangeHash]) -> Vec<ChangeHash> {
        let mut state: Vec<ChangeHash> = heads
            .iter()
            .flat_map(|hash| match self.0.get(hash) {
                Some(state) => state.as_slice(),
                None => std::slice::from_ref(hash),
            })
            .copied()
            .collect();
        state.sort_unstable();
        state.dedup();
        state
    }
}

fn insert(
    context: &Context<'_>,
    row: &documents::Row,
    change: (ChangeHash, &[u8]),
    known: &Lacking,
) -> Result<()> {
    let new = outbox::New {
        document: row.id,
        hash: change.0,
        bytes: change.1,
        pending: known.pending,
        saved_ms: known.saved_ms,
        received_ms: known.received_ms,
        reoffered: known.reoffered,
    };
    outbox::insert(context.connection, &new)
}

fn set_aside(
    context: &Context<'_>,
    row: &documents::Row,
    title: &str,
    change: &Lacking,
) -> Result<()> {
    let of = quarantine::Of {
        document: row.id,
        kind: row.kind,
        area: row.area,
        title,
    };
    let why = (quarantine::Direction::Sent, Refusal::ForkedActor);
    let (hash, now_ms) = (change.header.hash, context.now_ms);
    quarantine::add(context.connection, &of, hash, &change.bytes, why, now_ms)
}

/// The actor that takes over from this phone's, which forked: drawn anew once for each answer.
fn renewed_actor(context: &Context<'_>) -> Result<ActorId> {
    let connection = context.connection;
    let present = enrolment::actor(connection)?.ok_or(Error::Unreadable("the actor"))?;
    if present != context.own_actor {
        return Ok(present);
    }
    enrolment::set_actor(connection, context.fresh_actor)?;
    for (name, actor) in [
        (record::UNBOUND_ACTORS, context.fresh_actor),
        (record::FORMER_ACTORS, present),
    ] {
        let mut actors = record::actors(connection, name)?;
        actors.push(actor);
        record::set_actors(connection, name, &actors)?;
    }
    let detail = serde_json::json!({"before": present, "now": context.fresh_actor});
    record::note(connection, context.now_ms, "actor-renewed", &detail)?;
    Ok(context.fresh_actor)
}
