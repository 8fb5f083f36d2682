//! The outbox: what is to be told, in the database.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};
use sokiem_record::{
    ChangeHash,
    document::Document,
    id::{AreaId, DocumentId, Kind},
    summary::Contents,
};
use uuid::Uuid;

use super::Event;
use crate::{
    app::App, error::Error, records::heads::altered_since, store::Writing, sync::poke::Poke,
};

/// Deliveries that wait at most for a receiver that does not answer; beyond it the oldest are given up.
const MOST_WAITING: u32 = 10_000;
/// Why one was given up then, as the API says it.
pub(crate) const TOO_MANY: &str = "too many wait";
/// Seconds that deliveries are kept which are over.
const KEPT_S: u64 = 30 * 24 * 3600;

/// What is known of a record before a change of it is kept, as far as anybody is told of what becomes of it.
pub(crate) struct Before {
    /// The state that its row says; `None` where the record is new.
    state: Option<String>,
    /// What was decided about a unit, by year.
    recognitions: BTreeMap<String, String>,
}

/// How a record stands before a change of it is kept: `None` where nobody is to be told.
pub(crate) fn before(writing: &Writing<'_>, document: DocumentId) -> Result<Option<Before>, Error> {
    if !anybody_listens(writing)? {
        return Ok(None);
    }
    let (sql, key) = (writing.sql, document.as_bytes().as_slice());
    let state = sql
        .prepare_cached("SELECT state FROM documents WHERE id = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    let recognitions = sql
        .prepare_cached(
            "SELECT CAST(year AS TEXT), recognition FROM report_years WHERE unit = ?1 AND recognition IS NOT NULL",
        )?
        .query_map([key], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(Some(Before {
        state,
        recognitions,
    }))
}

fn anybody_listens(writing: &Writing<'_>) -> Result<bool, Error> {
    Ok(writing
        .sql
        .prepare_cached("SELECT 1 FROM webhooks WHERE enabled = 1")?
        .exists([])?)
}

/// Tells of what became of a record. `heads`: those that it had before.
pub(crate) fn record_kept(
    writing: &Writing<'_>,
    area: AreaId,
    document: &Document,
    contents: &Contents,
    before: Before,
    heads: &[ChangeHash],
) -> Result<(), Error> {
    let (id, kind) = (document.id(), document.kind());
    let about = || json!({"record": id, "kind": kind.name(), "area": area});
    if before.state.is_none() && matches!(kind, Kind::Unit | Kind::Inspection) {
        emit(writing, Event::RecordArrived, &about())?;
    }
    match kind {
        Kind::Unit => {
            let now = recognitions(&contents.fields);
            for (year, decision) in changed(&before.recognitions, &now) {
                let about = json!({"record": id, "kind": kind.name(), "area": area, "year": year, "decision": decision});
                emit(writing, Event::UnitDecided, &about)?;
            }
        }
        Kind::Inspection => {
            let finished = |state: &str| state == "finished";
            if finished(&contents.summary.state) && !before.state.as_deref().is_some_and(finished) {
                emit(writing, Event::RecordFinished, &about())?;
            }
            if before.state.is_some()
                && review_state(writing, id)?.as_deref() == Some("approved")
                && altered_since(document, heads)
            {
                emit(writing, Event::RecordChangedAfterApproval, &about())?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// What is decided about a unit, by year.
fn recognitions(fields: &Value) -> BTreeMap<String, String> {
    let years = fields.get("years").and_then(Value::as_object);
    let decided = years.into_iter().flatten().filter_map(|(key, value)| {
        let (year, field) = key.split_once('.')?;
        let decision = value.as_str().filter(|_| field == "recognition")?;
        Some((year.to_owned(), decision.to_owned()))
    });
    decided.collect()
}

/// The years about which something else is decided than before, with what; `None` where the decision was taken back.
fn changed<'a>(
    before: &'a BTreeMap<String, String>,
    now: &'a BTreeMap<String, String>,
) -> Vec<(&'a str, Option<&'a str>)> {
    let years: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let other = years
        .into_iter()
        .filter(|year| before.get(*year) != now.get(*year));
    other
        .map(|year| (year.as_str(), now.get(year).map(String::as_str)))
        .collect()
}

/// Tells of a decision about an inspection.
pub(crate) fn decided(
    writing: &Writing<'_>,
    inspection: DocumentId,
    area: AreaId,
    decision: Value,
) -> Result<(), Error> {
    let kind = Kind::Inspection.name();
    let about = json!({"record": inspection, "kind": kind, "area": area, "decision": decision});
    emit(writing, Event::RecordDecided, &about)
}

fn review_state(writing: &Writing<'_>, inspection: DocumentId) -> Result<Option<String>, Error> {
    let review = sokiem_record::genesis::review_id(inspection);
    Ok(writing
        .sql
        .prepare_cached("SELECT state FROM documents WHERE id = ?1")?
        .query_row([review.as_bytes().as_slice()], |row| row.get(0))
        .optional()?)
}

/// Tells of a change that was refused and is kept.
pub(crate) fn quarantined(
    writing: &Writing<'_>,
    document: DocumentId,
    kind: Kind,
    area: AreaId,
    reason: &str,
) -> Result<(), Error> {
    let about = json!({"record": document, "kind": kind.name(), "area": area, "reason": reason});
    emit(writing, Event::ChangeQuarantined, &about)
}

/// Puts an event into the outbox of everybody who wants to know.
fn emit(writing: &Writing<'_>, event: Event, data: &Value) -> Result<(), Error> {
    let wanting: Vec<Vec<u8>> = writing
        .sql
        .prepare_cached(
            "SELECT id FROM webhooks WHERE enabled = 1 AND EXISTS (SELECT 1 FROM json_each(events) WHERE value = ?1)",
        )?
        .query_map([event.word()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for webhook in wanting {
        put(writing, &webhook, event.word(), data)?;
    }
    Ok(())
}

/// Puts one delivery into the outbox; its id.
pub(crate) fn put(
    writing: &Writing<'_>,
    webhook: &[u8],
    event: &str,
    data: &Value,
) -> Result<Uuid, Error> {
    let id = writing.machine.new_id()?;
    let at = jiff::Timestamp::from_millisecond(writing.now_ms).unwrap_or_default();
    let body = json!({"type": event, "timestamp": at.to_string(), "data": data}).to_string();
    writing
        .sql
        .prepare_cached(
            "INSERT INTO webhook_deliveries (id, webhook, event, body, created_ms, state, attempts, next_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', 0, ?5)",
        )?
        .execute(params![id.as_bytes().as_slice(), webhook, event, body, writing.now_ms])?;
    writing.poke(Poke::Deliveries);
    Ok(id)
}

/// Gives up the oldest of what waits for a receiver that does not answer, where it has become too much.
pub(super) fn shorten(writing: &Writing<'_>, webhook: Uuid) -> Result<(), Error> {
    writing
        .sql
        .prepare_cached(
            "UPDATE webhook_deliveries SET state = 'given-up', last_error = ?3
              WHERE id IN (SELECT id FROM webhook_deliveries WHERE webhook = ?1 AND state = 'waiting'
                            ORDER BY id DESC LIMIT -1 OFFSET ?2)",
        )?
        .execute(params![webhook.as_bytes().as_slice(), MOST_WAITING, TOO_MANY])?;
    Ok(())
}

/// Forgets deliveries that have been over for long: delivered, or given up.
pub(crate) async fn forget_old(app: &App) {
    let forgotten = app.store.write(|writing| {
        let kept_ms = i64::try_from(KEPT_S * 1000).unwrap_or(i64::MAX);
        writing.sql.prepare_cached(
            "DELETE FROM webhook_deliveries WHERE state IN ('delivered', 'given-up') AND created_ms < ?1",
        )?
        .execute([writing.now_ms.saturating_sub(kept_ms)])?;
        Ok::<_, Error>(())
    });
    if let Err(error) = forgotten.await {
        tracing::error!(%error, "old deliveries of webhooks were not forgotten");
    }
}
