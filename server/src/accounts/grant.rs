//! Which areas belong to whom: the table that scope is read from, and the roster that devices see.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::{
    edit::Edit,
    genesis,
    id::{AccountId, ActorId, AreaId, EpochId},
    schema,
    signing::PublicKey,
};
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::problem::Problem,
    store::{Writing, id},
    sync::{
        author::{self, Pen},
        poke::Poke,
        stored,
    },
};

/// Gives an account an area, and writes its people and devices into the area's roster.
pub(crate) fn give(
    writing: &Writing<'_>,
    pen: Pen,
    account: AccountId,
    area: AreaId,
) -> Result<(), Problem> {
    if !exists(writing.sql, "areas", area.as_bytes())? {
        return Err(Problem::invalid("There is no such area"));
    }
    if !exists(writing.sql, "accounts", account.as_bytes())? {
        return Err(Problem::not_found());
    }
    writing.sql.execute(
        "INSERT INTO grants (account, area) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        [account.as_bytes().as_slice(), area.as_bytes().as_slice()],
    )?;
    enter(writing, pen, account, area, true)?;
    writing.poke(Poke::Scope(account));
    Ok(())
}

fn exists(sql: &Connection, table: &str, key: &[u8; 16]) -> Result<bool, Error> {
    Ok(sql
        .prepare(&format!("SELECT 1 FROM {table} WHERE id = ?1"))?
        .exists([key.as_slice()])?)
}

/// Writes a person and all their actors into an area's roster, so that every device there can name
/// who wrote what, also without network.
pub(crate) fn enter(
    writing: &Writing<'_>,
    pen: Pen,
    account: AccountId,
    area: AreaId,
    active: bool,
) -> Result<(), Problem> {
    let Some(row) = stored::find(writing.sql, genesis::area_document_id(area))? else {
        return Ok(());
    };
    let Some((name, title, role)) = person(writing.sql, account)? else {
        return Ok(());
    };
    // After a restore two histories of the roster may stand beside each other: what the tables say decides.
    let conflicts = stored::open(writing.sql, &row)?.conflicts();
    let set = |collection: &str, key: Uuid, field: &str, value: serde_json::Value| {
        let path = schema::Path::new([collection, &format!("{key}.{field}")])
            .map_err(|error| Problem::invalid(error.to_string()))?;
        let differs = conflicts.iter().any(|conflict| conflict.path == path);
        Ok::<_, Problem>(if differs {
            Edit::Settle { path, value }
        } else {
            Edit::Set { path, value }
        })
    };
    let mut edits = vec![
        set("people", account.0, "name", name.into())?,
        set("people", account.0, "title", title.into())?,
        set("people", account.0, "role", role.into())?,
        set("people", account.0, "active", active.into())?,
    ];
    let own = Pen { account, ..pen }.actor();
    edits.push(set("actors", own.0, "account", account.to_string().into())?);
    for (actor, device, device_name, key) in devices(writing.sql, account)? {
        edits.push(set(
            "actors",
            actor.0,
            "account",
            account.to_string().into(),
        )?);
        edits.push(set("actors", actor.0, "device", device.to_string().into())?);
        edits.push(set("actors", actor.0, "device_name", device_name.into())?);
        // Null says that it was revoked; what it signed before is judged by when this was written.
        edits.push(set(
            "actors",
            actor.0,
            "key",
            key.map(|key| key.to_string()).into(),
        )?);
    }
    author::edit(writing, pen, &row, None, &edits, None)?;
    Ok(())
}

fn person(sql: &Connection, account: AccountId) -> Result<Option<(String, String, String)>, Error> {
    Ok(sql
        .prepare_cached("SELECT name, title, role FROM accounts WHERE id = ?1")?
        .query_row([account.as_bytes().as_slice()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?)
}

/// An actor with its device, what that is called, and its key unless it was revoked.
type ActorOfDevice = (ActorId, Uuid, String, Option<PublicKey>);

fn devices(sql: &Connection, account: AccountId) -> Result<Vec<ActorOfDevice>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT actors.actor, devices.id, devices.name,
                CASE WHEN devices.revoked_ms IS NULL THEN devices.public_key END
           FROM actors JOIN devices ON devices.id = actors.device
          WHERE devices.account = ?1 ORDER BY actors.created_ms",
    )?;
    let rows = statement.query_map([account.as_bytes().as_slice()], |row| {
        Ok((
            id::id(row, 0)?,
            id::id::<sokiem_record::id::DeviceId>(row, 1)?.0,
            row.get(2)?,
            row.get::<_, Option<Vec<u8>>>(3)?
                .as_deref()
                .and_then(PublicKey::from_slice),
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes into every roster that names a device's owner that its key is no longer good.
pub(crate) fn revoke_everywhere(
    writing: &Writing<'_>,
    epoch: EpochId,
    account: AccountId,
    by: AccountId,
) -> Result<(), Problem> {
    let pen = Pen { epoch, account: by };
    let mut statement = writing.sql.prepare_cached("SELECT id FROM areas")?;
    let areas: Vec<AreaId> = statement
        .query_map([], |row| id::id(row, 0))?
        .collect::<Result<_, _>>()?;
    for area in areas {
        let Some(row) = stored::find(writing.sql, genesis::area_document_id(area))? else {
            continue;
        };
        let roster = stored::open(writing.sql, &row)?.to_json();
        let active = roster
            .get("people")
            .and_then(|people| people.get(format!("{account}.active")));
        if let Some(active) = active {
            enter(
                writing,
                pen,
                account,
                area,
                active.as_bool().unwrap_or(false),
            )?;
        }
    }
    Ok(())
}

/// Enters a person anew into the rosters of all their areas: they have got a device or an actor.
pub(crate) fn enter_everywhere(
    writing: &Writing<'_>,
    pen: Pen,
    account: AccountId,
) -> Result<(), Problem> {
    refresh(writing, pen, account, true)
}

/// Enters a person anew into the rosters of all their areas, as active or not: their name or state has changed.
pub(crate) fn refresh(
    writing: &Writing<'_>,
    pen: Pen,
    account: AccountId,
    active: bool,
) -> Result<(), Problem> {
    let areas: Vec<AreaId> = writing
        .sql
        .prepare_cached("SELECT area FROM grants WHERE account = ?1")?
        .query_map([account.as_bytes().as_slice()], |row| id::id(row, 0))?
        .collect::<Result<_, _>>()?;
    for area in areas {
        enter(writing, pen, account, area, active)?;
    }
    Ok(())
}

/// Give an account an area with everything below it.
#[utoipa::path(put, path = "/api/v1/accounts/{account}/areas/{area}", tag = "accounts",
    params(("account" = Uuid, Path, description = "The account"), ("area" = Uuid, Path, description = "The area")),
    responses((status = 204, description = "Given"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn put(
    State(app): Shared,
    caller: Caller,
    Path((account, area)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    let pen = caller.pen(&app);
    app.store
        .write(move |writing| {
            give(writing, pen, AccountId(account), AreaId(area))?;
            let entry = Entry::new(Action::GrantGiven).by(pen.account);
            audit::note(writing, entry.on("account", account).area(AreaId(area)))?;
            Ok::<_, Problem>(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take an area from an account.
#[utoipa::path(delete, path = "/api/v1/accounts/{account}/areas/{area}", tag = "accounts",
    params(("account" = Uuid, Path, description = "The account"), ("area" = Uuid, Path, description = "The area")),
    responses((status = 204, description = "Taken"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn delete(
    State(app): Shared,
    caller: Caller,
    Path((account, area)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    let pen = caller.pen(&app);
    let (account, area) = (AccountId(account), AreaId(area));
    app.store
        .write(move |writing| {
            let gone = writing.sql.execute(
                "DELETE FROM grants WHERE account = ?1 AND area = ?2",
                params![account.as_bytes().as_slice(), area.as_bytes().as_slice()],
            )?;
            if gone == 0 {
                return Err(Problem::not_found());
            }
            enter(writing, pen, account, area, false)?;
            let entry = Entry::new(Action::GrantTaken).by(pen.account);
            audit::note(writing, entry.on("account", account).area(area))?;
            writing.poke(Poke::Scope(account));
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
