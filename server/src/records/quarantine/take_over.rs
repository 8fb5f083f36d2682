//! How a refused change enters the record after all.
//!
//! As it is, with its author, where nothing but the permission or the place was wrong. Else in the name of who
//! takes it over, as an edit that says the same: where its sequence or name is taken, or nobody is known to
//! stand behind it. Never where the bytes are no sound change.

use rusqlite::Connection;
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    document::{Document, Received},
    genesis,
    id::{AreaId, DocumentId},
    preview::Preview,
    refusal::Refusal,
    renew::{Renewed, renew},
};

use super::{Found, Key, chain, kind, say};
use crate::{
    error::Error,
    http::problem::Problem,
    retention::burial,
    store::Writing,
    sync::{
        author::{self, Pen},
        log, planned,
        stored::{self, Fresh, Row, Source},
    },
};

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The change itself, with its author.
    Original,
    /// An edit that says the same.
    Own,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Way::Original => "original",
            Way::Own => "own",
        }
    }
}

/// What was taken over.
pub(super) struct Taken {
    pub(super) way: Way,
    /// Every refused change that is settled by it.
    pub(super) keys: Vec<Key>,
    /// The record's heads now.
    pub(super) heads: Vec<ChangeHash>,
    pub(super) area: AreaId,
}

/// Whether the area that the device named is of no use.
pub(super) fn needs_area(sql: &Connection, found: &Found) -> Result<bool, Error> {
    Ok(stored::find(sql, found.key.document)?.is_none()
        && log::position(sql, AreaId(found.refused.area))?.is_none())
}

/// How a change could be taken over, `None` for not at all. `read` is the change on what its author saw.
pub(super) fn way(
    sql: &Connection,
    found: &Found,
    bytes: &[u8],
    read: Option<&Preview>,
) -> Result<Option<Way>, Error> {
    let Some(preview) = read.filter(|_| found.refused.state == "open") else {
        return Ok(None);
    };
    let kind = kind(&found.refused)?;
    if !kind.device_may_write() || !preview.document.states_itself() {
        return Ok(None);
    }
    // What was purged stays purged.
    if burial::rule(sql, found.key.document)?.is_some() {
        return Ok(None);
    }
    let row = stored::find(sql, found.key.document)?;
    if row.as_ref().is_some_and(|row| row.kind != kind) {
        return Ok(None);
    }
    if join(sql, found, row.as_ref(), bytes)?.is_some() {
        return Ok(Some(Way::Original));
    }
    Ok((row.is_some() && !preview.header.deps.is_empty()).then_some(Way::Own))
}

/// A document with the change and what it builds on, and what is new in it.
struct Joined {
    document: Document,
    fresh: Vec<Fresh>,
    keys: Vec<Key>,
}

/// The present document with the change as it is; `None` where it can't join.
fn join(
    sql: &Connection,
    found: &Found,
    row: Option<&Row>,
    bytes: &[u8],
) -> Result<Option<Joined>, Error> {
    let id = found.key.document;
    let mut document = match row {
        Some(row) => stored::open(sql, row)?,
        None => Document::new(id, kind(&found.refused)?),
    };
    let Some(mut all) = chain(sql, row, id, bytes)? else {
        return Ok(None);
    };
    all.push((found.key, bytes.to_vec()));
    let (mut fresh, mut keys) = (Vec::new(), Vec::new());
    for (key, bytes) in all {
        let Ok(header) = ChangeHeader::parse(&bytes) else {
            return Ok(None);
        };
        if !stands_behind(sql, id, &header)? {
            return Ok(None);
        }
        match document.receive(&bytes) {
            Ok(Received::Applied(header)) => {
                if !begins_rightly(sql, &document, &header)? {
                    return Ok(None);
                }
                fresh.push(Fresh {
                    hash: header.hash,
                    actor: header.actor,
                    bytes,
                });
            }
            Ok(Received::Had(_)) => {}
            _ => return Ok(None),
        }
        keys.push(key);
    }
    let bytes: u64 = fresh.iter().map(|change| change.bytes.len() as u64).sum();
    let before = row.map_or(0, |row| row.bytes);
    let fits = before + bytes <= sokiem_record::limits::MAX_DOCUMENT_BYTES;
    Ok((fits && document.states_itself()).then_some(Joined {
        document,
        fresh,
        keys,
    }))
}

/// Whether the author is known: a device or an account, or the derived first change of a planned inspection.
fn stands_behind(
    sql: &Connection,
    document: DocumentId,
    header: &ChangeHeader,
) -> Result<bool, Error> {
    if header.deps.is_empty() && header.actor == genesis::genesis_actor(document) {
        return Ok(true);
    }
    Ok(sql
        .prepare_cached("SELECT 1 FROM actors WHERE actor = ?1")?
        .exists([header.actor.as_bytes().as_slice()])?)
}

/// Whether a first change is one that may begin this document.
fn begins_rightly(
    sql: &Connection,
    document: &Document,
    header: &ChangeHeader,
) -> Result<bool, Error> {
    if !header.deps.is_empty() {
        return Ok(true);
    }
    if header.actor != genesis::genesis_actor(document.id()) {
        return Ok(!planned::is_derived(document));
    }
    let Some((unit, campaign)) = planned::pair(document) else {
        return Ok(false);
    };
    Ok(planned::sets(sql, campaign)?.is_some_and(|sets| sets.lead_to(unit, campaign, header.hash)))
}

/// Takes a refused change over. `area` is where a new document goes.
pub(super) fn take_over(
    writing: &Writing<'_>,
    pen: Pen,
    found: &Found,
    bytes: &[u8],
    area: AreaId,
    reason: &str,
) -> Result<Taken, Problem> {
    let sql = writing.sql;
    let row = stored::find(sql, found.key.document)?;
    let never = || Problem::invalid("This change can't be taken over: it can only be dismissed");
    let preview = say::read(sql, found, bytes)?.map_err(|refusal| match refusal {
        Refusal::DependsOnRefused => {
            Problem::invalid("The change builds on others that are nowhere to be found")
        }
        _ => never(),
    })?;
    let way = way(sql, found, bytes, Some(&preview))?.ok_or_else(never)?;
    let area = row.as_ref().map_or(area, |row| row.area);
    if way == Way::Original {
        let joined = join(sql, found, row.as_ref(), bytes)?.ok_or_else(never)?;
        let contents = joined.document.contents();
        let source = Source::Account(pen.account);
        let now_ms = writing.now_ms;
        stored::keep(
            writing,
            row.as_ref(),
            area,
            &joined.document,
            &contents,
            &joined.fresh,
            source,
            now_ms,
        )?;
        let heads = joined.document.heads();
        return Ok(Taken {
            way,
            keys: joined.keys,
            heads,
            area,
        });
    }
    let row = row.ok_or_else(never)?;
    let mut document = stored::open(sql, &row)?;
    let why = format!("{reason} ({})", found.refused.account_name);
    let author = pen.author(writing, Some(why.chars().take(500).collect()));
    let states = (preview.header.deps.as_slice(), &[preview.header.hash][..]);
    match renew(&preview.document, &mut document, &author, states, None).ok_or_else(never)? {
        Renewed::As(written) => author::keep_written(writing, pen, &row, &document, written)?,
        Renewed::Nothing => {}
    }
    Ok(Taken {
        way,
        keys: vec![found.key],
        heads: document.heads(),
        area,
    })
}
