//! The table that lists and search read, written with every change of a document.

use rusqlite::{Connection, params};
use serde_json::Value as Json;
use sokiem_record::{
    document::Document,
    genesis::server_actor,
    id::{AccountId, ActorId, AreaId, Kind},
    position::Position,
    summary::Contents,
};

use crate::{
    error::Result,
    store::{documents, enrolment, record},
};

/// Writes the rows anew that a migration left without the columns it added: it can't open documents itself. A document
/// that can't be read keeps the row that it has.
pub(crate) fn renew_stale(connection: &mut Connection) -> Result<()> {
    let Some(kinds) = record::fact(connection, record::STALE_PROJECTIONS)? else {
        return Ok(());
    };
    let kinds: Vec<Kind> = kinds.split(',').filter_map(Kind::from_name).collect();
    let tx = connection.transaction()?;
    for row in documents::all(&tx)? {
        if kinds.contains(&row.kind)
            && let Ok(document) = documents::load(&tx, &row)
        {
            put(&tx, &document, row.area)?;
        }
    }
    record::set_fact(&tx, record::STALE_PROJECTIONS, None)?;
    tx.commit()?;
    Ok(())
}

/// Writes the row of a document, and for an area its roster.
pub(crate) fn put(connection: &Connection, document: &Document, area: AreaId) -> Result<()> {
    put_read(connection, document, &document.contents(), area)
}

/// As [`put`], for a document that was read already.
pub(crate) fn put_read(
    connection: &Connection,
    document: &Document,
    contents: &Contents,
    area: AreaId,
) -> Result<()> {
    let Contents { fields, summary } = contents;
    let (mut deadline, mut accounts, mut lies_at) = (None, None, None);
    match document.kind() {
        Kind::Inspection => deadline = earliest_open_deadline(fields),
        Kind::Assignment => accounts = Some(people(fields)),
        Kind::Unit => lies_at = position(fields),
        Kind::Area => put_roster(connection, fields)?,
        _ => {}
    }
    connection
        .prepare_cached(
            "INSERT INTO projection (document, kind, area, title, search, subject, campaign, state, date,
                 deadline, people, conflicts, schema, latitude_microdegrees, longitude_microdegrees)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (document) DO UPDATE SET area = ?3, title = ?4, search = ?5, subject = ?6,
                 campaign = ?7, state = ?8, date = ?9, deadline = ?10, people = ?11, conflicts = ?12, schema = ?13,
                 latitude_microdegrees = ?14, longitude_microdegrees = ?15",
        )?
        .execute(params![
            document.id().as_bytes().as_slice(),
            document.kind().name(),
            area.as_bytes().as_slice(),
            summary.title,
            format!(" {}", summary.search),
            summary.subject.map(|id| id.as_bytes().to_vec()),
            summary.campaign.map(|id| id.as_bytes().to_vec()),
            summary.state,
            summary.date,
            deadline,
            accounts,
            summary.conflicts,
            summary.schema,
            lies_at.map(|position| position.latitude_microdegrees),
            lies_at.map(|position| position.longitude_microdegrees),
        ])?;
    Ok(())
}

fn elements<'a>(json: &'a Json, collection: &str) -> impl Iterator<Item = &'a Json> {
    let elements = json.get(collection).and_then(Json::as_object);
    elements
        .into_iter()
        .flat_map(serde_json::Map::values)
        .filter(|element| element.get("removed").and_then(Json::as_bool) != Some(true))
}

fn earliest_open_deadline(json: &Json) -> Option<String> {
    elements(json, "findings")
        .filter(|finding| {
            matches!(
                finding.get("state").and_then(Json::as_str),
                None | Some("open")
            )
        })
        .filter_map(|finding| finding.get("deadline")?.as_str())
        .min()
        .map(str::to_owned)
}

fn position(json: &Json) -> Option<Position> {
    json.get("position")?.as_str()?.parse().ok()
}

/// The accounts that an assignment names, so that ` <id> ` is found in it.
fn people(json: &Json) -> String {
    let accounts =
        elements(json, "officers").filter_map(|officer| officer.get("account")?.as_str());
    accounts.fold(String::from(" "), |people, account| people + account + " ")
}

/// A flat map's `<key>.<field>` texts.
fn flat<'a>(json: &'a Json, name: &str, key: &str, field: &str) -> Option<&'a str> {
    json.get(name)?.get(format!("{key}.{field}"))?.as_str()
}

fn keys<'a>(json: &'a Json, name: &str, field: &'a str) -> impl Iterator<Item = &'a str> {
    let map = json.get(name).and_then(Json::as_object);
    map.into_iter()
        .flat_map(serde_json::Map::keys)
        .filter_map(move |key| key.strip_suffix(field)?.strip_suffix('.'))
}

/// Notes whose each actor of an area's roster is.
fn put_roster(connection: &Connection, json: &Json) -> Result<()> {
    for key in keys(json, "actors", "account") {
        let (Ok(actor), Some(account)) =
            (key.parse::<ActorId>(), flat(json, "actors", key, "account"))
        else {
            continue;
        };
        let device = flat(json, "actors", key, "device_name").unwrap_or_default();
        put_actor(connection, actor, (json, account), device)?;
    }
    // What supervisors write through the server carries an actor that follows from their account.
    let Some(epoch) = enrolment::epoch(connection)? else {
        return Ok(());
    };
    for account in keys(json, "people", "name") {
        if let Ok(id) = account.parse::<AccountId>() {
            put_actor(connection, server_actor(epoch, id), (json, account), "")?;
        }
    }
    Ok(())
}

fn put_actor(
    connection: &Connection,
    actor: ActorId,
    person: (&Json, &str),
    device: &str,
) -> Result<()> {
    let (json, account) = person;
    let Ok(id) = account.parse::<AccountId>() else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT INTO actors (actor, account, name, title, device_name) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (actor) DO UPDATE SET account = ?2, name = ?3, title = ?4, device_name = ?5",
        )?
        .execute(params![
            actor.as_bytes().as_slice(),
            id.as_bytes().as_slice(),
            flat(json, "people", account, "name").unwrap_or_default(),
            flat(json, "people", account, "title").unwrap_or_default(),
            device,
        ])?;
    Ok(())
}
