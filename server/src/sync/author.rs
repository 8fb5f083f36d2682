//! Writing on behalf of an account: the same log, the same rules, another hand.

use rusqlite::params;
use serde_json::Value as Json;
use sokiem_record::{
    ChangeHash,
    document::Document,
    edit::{Author, Edit, EditError, Written},
    genesis,
    id::{AccountId, ActorId, AreaId, DocumentId, EpochId, Kind},
};

use crate::{
    error::Error,
    http::problem::{Cause, Problem},
    retention::burial,
    store::Writing,
    sync::stored::{self, Fresh, Row, Source},
};

/// In whose name the server writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    pub(crate) epoch: EpochId,
    pub(crate) account: AccountId,
}

impl Pen {
    /// The actor of the account's changes.
    pub(crate) fn actor(self) -> ActorId {
        genesis::server_actor(self.epoch, self.account)
    }

    pub(crate) fn author(self, writing: &Writing<'_>, reason: Option<String>) -> Author {
        Author {
            actor: self.actor(),
            time_ms: writing.now_ms,
            reason,
        }
    }

    /// Makes the actor known, so that histories can name it.
    fn sign(self, writing: &Writing<'_>) -> Result<(), Error> {
        writing
            .sql
            .prepare_cached(
                "INSERT INTO actors (actor, account, device, created_ms) VALUES (?1, ?2, NULL, ?3)
                 ON CONFLICT (actor) DO NOTHING",
            )?
            .execute(params![
                self.actor().as_bytes().as_slice(),
                self.account.as_bytes().as_slice(),
                writing.now_ms
            ])?;
        Ok(())
    }
}

/// Begins a document in an area. Where its id follows from other ids, so does its first change, so that
/// a server restored from a backup begins it with the same bytes. False when it exists already; then nothing is done.
pub(crate) fn begin(
    writing: &Writing<'_>,
    pen: Pen,
    area: AreaId,
    id: DocumentId,
    kind: Kind,
    fields: &[(&'static str, Json)],
    more: &[Edit],
) -> Result<bool, Problem> {
    if stored::find(writing.sql, id)?.is_some() {
        return Ok(false);
    }
    if burial::rule(writing.sql, id)?.is_some() {
        return Err(Problem::new(Cause::Exists).detail("It was purged and does not come back"));
    }
    pen.sign(writing)?;
    let author = pen.author(writing, None);
    let derived = matches!(kind, Kind::Review | Kind::Assignment | Kind::Criteria);
    let (begun, begun_by) = if derived {
        (
            genesis::derived(id, kind, fields),
            genesis::genesis_actor(id),
        )
    } else {
        (genesis::document(id, kind, &author, fields), author.actor)
    };
    let (mut document, first) = begun.map_err(refused)?;
    let mut fresh = vec![fresh(begun_by, first)];
    if !more.is_empty() {
        let written = document.edit(&author, None, more).map_err(refused)?;
        fresh.extend(written.map(|written| self::fresh(author.actor, written)));
    }
    keep(writing, pen, None, area, &document, &fresh)?;
    Ok(true)
}

fn fresh(actor: ActorId, written: Written) -> Fresh {
    Fresh {
        hash: written.hash,
        actor,
        bytes: written.bytes,
    }
}

/// Edits a document; `None` when it reads like that already.
pub(crate) fn edit(
    writing: &Writing<'_>,
    pen: Pen,
    row: &Row,
    base: Option<&[ChangeHash]>,
    edits: &[Edit],
    reason: Option<String>,
) -> Result<Option<ChangeHash>, Problem> {
    pen.sign(writing)?;
    let mut document = stored::open(writing.sql, row)?;
    let author = pen.author(writing, reason);
    let Some(written) = document.edit(&author, base, edits).map_err(refused)? else {
        return Ok(None);
    };
    let hash = written.hash;
    let fresh = [fresh(pen.actor(), written)];
    keep(writing, pen, Some(row), row.area, &document, &fresh)?;
    Ok(Some(hash))
}

/// Stores a change that was written into `document` in the pen's name.
pub(crate) fn keep_written(
    writing: &Writing<'_>,
    pen: Pen,
    row: &Row,
    document: &Document,
    written: Written,
) -> Result<(), Error> {
    pen.sign(writing)?;
    let fresh = [fresh(pen.actor(), written)];
    keep(writing, pen, Some(row), row.area, document, &fresh)
}

fn keep(
    writing: &Writing<'_>,
    pen: Pen,
    row: Option<&Row>,
    area: AreaId,
    document: &Document,
    fresh: &[Fresh],
) -> Result<(), Error> {
    let contents = document.contents();
    let source = Source::Account(pen.account);
    stored::keep(
        writing,
        row,
        area,
        document,
        &contents,
        fresh,
        source,
        writing.now_ms,
    )
}

/// An edit that can't be made is the caller's mistake, except where Automerge itself fails.
fn refused(error: EditError) -> Problem {
    match error {
        EditError::Automerge(error) => {
            tracing::error!(%error, "an edit that the schema allows failed");
            Problem::new(Cause::Internal)
        }
        EditError::UnknownBase => Problem::new(Cause::Stale).detail(error.to_string()),
        error => Problem::invalid(error.to_string()),
    }
}
