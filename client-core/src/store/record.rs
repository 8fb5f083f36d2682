//! Single facts, and the events that a person should be able to look up.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::Value as Json;
use sokiem_record::id::ActorId;

use crate::error::Result;

/// Events older than these many are dropped.
const KEPT_EVENTS: i64 = 500;

/// Something that happened and that a person may want to know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Milliseconds since 1970-01-01 UTC, by this device's clock.
    pub at_ms: i64,
    /// What happened, as a word: `reconciled`, `epoch-changed`, `area-lost`, `bad-entry`, `rescued`, …
    pub event: String,
    /// The details.
    pub detail: Json,
}

pub(crate) fn note(connection: &Connection, at_ms: i64, event: &str, detail: &Json) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO events (at_ms, event, detail) VALUES (?1, ?2, ?3)")?
        .execute(params![at_ms, event, detail.to_string()])?;
    connection
        .prepare_cached("DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - ?1")?
        .execute([KEPT_EVENTS])?;
    Ok(())
}

/// The latest events, newest first.
pub(crate) fn events(connection: &Connection, limit: u32) -> Result<Vec<Event>> {
    let mut statement = connection
        .prepare_cached("SELECT at_ms, event, detail FROM events ORDER BY number DESC LIMIT ?1")?;
    let rows = statement.query_map([limit], |row| {
        let detail: String = row.get(2)?;
        Ok(Event {
            at_ms: row.get(0)?,
            event: row.get(1)?,
            detail: serde_json::from_str(&detail).unwrap_or(Json::String(detail)),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn fact(connection: &Connection, name: &str) -> Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT value FROM facts WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub(crate) fn set_fact(connection: &Connection, name: &str, value: Option<&str>) -> Result<()> {
    match value {
        Some(value) => connection
            .prepare_cached(
                "INSERT INTO facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            )?
            .execute([name, value])?,
        None => connection.prepare_cached("DELETE FROM facts WHERE name = ?1")?.execute([name])?,
    };
    Ok(())
}

/// When everything was last proved to be on both sides.
pub(crate) const LAST_VERIFIED: &str = "last_verified_ms";
/// The build of the program that uses the book, as it said itself.
pub(crate) const APP_VERSION: &str = "app_version";
/// Present once the server may have heard that this device erases what it holds.
pub(crate) const WIPE_TOLD: &str = "wipe_told";
/// Present while everything is being erased; if the program ends in between, opening the book goes on.
pub(crate) const ERASING: &str = "erasing";
/// What was erased and when, as JSON: see [`crate::status::Erased`].
pub(crate) const ERASED: &str = "erased";
/// Kinds, between commas, whose rows in lists a migration left to be written anew.
pub(crate) const STALE_PROJECTIONS: &str = "stale_projections";
/// Actors of this installation that the server may not know, between commas: one was drawn anew after a
/// fork, or the server was restored from a backup.
pub(crate) const UNBOUND_ACTORS: &str = "unbound_actor";
/// Actors that this installation wrote with before the present one, between commas.
pub(crate) const FORMER_ACTORS: &str = "former_actors";

/// A fact that is a list of actors.
pub(crate) fn actors(connection: &Connection, name: &str) -> Result<Vec<ActorId>> {
    let fact = fact(connection, name)?.unwrap_or_default();
    Ok(fact
        .split(',')
        .filter_map(|text| text.parse().ok())
        .collect())
}

/// Writes such a list; an empty one goes.
pub(crate) fn set_actors(connection: &Connection, name: &str, actors: &[ActorId]) -> Result<()> {
    let texts: Vec<String> = actors.iter().map(ToString::to_string).collect();
    let fact = Some(texts.join(",")).filter(|fact| !fact.is_empty());
    set_fact(connection, name, fact.as_deref())
}
