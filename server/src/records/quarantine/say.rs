//! What one refused change would say, and what can be done about it.

use axum::extract::{Path, State};
use rusqlite::Connection;
use serde::Serialize;
use sokiem_record::{
    chunk::ChangeHeader, document::Document, history::FieldChange, preview::Preview,
    refusal::Refusal,
};
use utoipa::ToSchema;

use super::{Found, Key, Refused, bytes, chain, find, kind, take_over};
use crate::{
    accounts::access::{Caller, Role},
    app::Shared,
    audit::{Action, Entry, reads},
    error::Error,
    http::{body::Json, problem::Problem},
    records::names::Writer,
    store::id,
    sync::stored,
};

/// One refused change with what it says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Said {
    /// What is known of it.
    pub(crate) refused: Refused,
    /// Who wrote it; absent where it can't be read.
    pub(crate) by: Option<Writer>,
    /// When, by the author's clock.
    pub(crate) time_ms: Option<i64>,
    /// Why the author wrote it.
    pub(crate) reason: Option<String>,
    /// What would read differently with it. Empty where it can't be read.
    #[schema(value_type = Vec<Object>)]
    pub(crate) fields: Vec<FieldChange>,
    /// Why it can't be read.
    pub(crate) unreadable: Option<&'static str>,
    /// `original`: it can join the record as it is. `own`: what it says can be written in the name of
    /// who takes it over. Absent: it can only be dismissed.
    pub(crate) take_over: Option<&'static str>,
    /// Whether an area has to be chosen for that.
    pub(crate) needs_area: bool,
}

/// See what a refused change would say.
#[utoipa::path(get, path = "/api/v1/quarantine/{id}", tag = "records", params(("id" = String, Path, description = "`id` of the list")),
    responses((status = 200, body = Said), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn get(
    State(app): Shared,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Said>, Problem> {
    caller.at_least(Role::Supervisor)?;
    let key = Key::parse(&key)?;
    let account = caller.account;
    let said = app
        .store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            let found = find(sql, &areas, key)?;
            Ok::<_, Problem>(say(sql, found)?)
        })
        .await?;
    let entry = Entry::new(Action::QuarantineRead).on("refused-change", key.hash);
    reads::looked(&app, account, entry);
    Ok(Json(said))
}

fn say(sql: &Connection, found: Found) -> Result<Said, Error> {
    let key = found.key;
    let bytes = bytes(sql, key)?;
    let header = ChangeHeader::parse(&bytes).ok();
    let read = read(sql, &found, &bytes)?;
    let way = take_over::way(sql, &found, &bytes, read.as_ref().ok())?;
    let by = match &header {
        Some(header) => writer(sql, header)?,
        None => None,
    };
    Ok(Said {
        by,
        time_ms: header.as_ref().map(|header| header.time_ms),
        reason: header.and_then(|header| header.message),
        unreadable: read.as_ref().err().map(|refusal| refusal.vietnamese()),
        fields: read.map_or_else(|_| Vec::new(), |preview| preview.fields),
        take_over: way.map(take_over::Way::name),
        needs_area: way.is_some() && take_over::needs_area(sql, &found)?,
        refused: found.refused,
    })
}

/// The change as it reads on what its author saw.
pub(super) fn read(
    sql: &Connection,
    found: &Found,
    bytes: &[u8],
) -> Result<Result<Preview, Refusal>, Error> {
    let row = stored::find(sql, found.key.document)?;
    let document = match &row {
        Some(row) => stored::open(sql, row)?,
        None => Document::new(found.key.document, kind(&found.refused)?),
    };
    let Some(before) = chain(sql, row.as_ref(), found.key.document, bytes)? else {
        return Ok(Err(Refusal::DependsOnRefused));
    };
    let before: Vec<Vec<u8>> = before.into_iter().map(|(_, bytes)| bytes).collect();
    Ok(document.preview(&before, bytes))
}

fn writer(sql: &Connection, header: &ChangeHeader) -> Result<Option<Writer>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT accounts.id, accounts.name, devices.id, devices.name FROM actors
           JOIN accounts ON accounts.id = actors.account LEFT JOIN devices ON devices.id = actors.device
          WHERE actors.actor = ?1",
    )?;
    let mut rows = statement.query([header.actor.as_bytes().as_slice()])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(Some(Writer {
        account: Some(id::id::<sokiem_record::id::AccountId>(row, 0)?.0),
        name: row.get(1)?,
        device: id::optional_id::<sokiem_record::id::DeviceId>(row, 2)?.map(|device| device.0),
        device_name: row.get(3)?,
        planned: false,
    }))
}
