//! What needs a person: how many records, refused changes and silent devices wait for this caller.

use axum::extract::State;
use rusqlite::{Connection, params_from_iter, types::Value};
use serde::Serialize;
use sokiem_record::id::{AccountId, DeviceId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::quarantine;
use crate::{
    accounts::access::{Areas, Caller},
    app::Shared,
    error::Error,
    http::{body::Json, problem::Problem},
    projection::Need,
    store::id,
};

/// How much waits for the caller, by what it waits for.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Inbox {
    /// Finished inspections that nobody has decided about since.
    pub(crate) review: u64,
    /// Records in which people differ.
    pub(crate) difference: u64,
    /// Inspections that changed after their approval.
    pub(crate) changed: u64,
    /// Inspections with a finding that is open past its deadline.
    pub(crate) overdue: u64,
    /// Refused changes that nobody has looked at.
    pub(crate) quarantined: u64,
    /// Devices that were not heard of for too long.
    pub(crate) silent_devices: Vec<Silent>,
}

impl Inbox {
    /// How many records wait for that.
    pub(crate) fn count(&self, need: Need) -> u64 {
        match need {
            Need::Review => self.review,
            Need::Difference => self.difference,
            Need::Changed => self.changed,
            Need::Overdue => self.overdue,
        }
    }
}

/// A device that was not heard of for too long.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Silent {
    /// The device.
    pub(crate) id: Uuid,
    /// What the officer calls it.
    pub(crate) name: String,
    /// Whose it is, by name.
    pub(crate) account_name: String,
    /// When it was last heard of.
    pub(crate) last_seen_ms: i64,
}

/// What needs a person, in the caller's areas.
#[utoipa::path(get, path = "/api/v1/inbox", tag = "records",
    responses((status = 200, body = Inbox), (status = 403, description = "forbidden")), security(("session" = [])))]
pub(crate) async fn get(State(app): Shared, caller: Caller) -> Result<Json<Inbox>, Problem> {
    let today = app.machine.today();
    let now_ms = app.machine.now_ms();
    let silent_before_ms = app.config.lifetimes.silent_before_ms(now_ms);
    app.store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            let waiting = |need| waiting(sql, &areas, need, &today);
            Ok(Json(Inbox {
                review: waiting(Need::Review)?,
                difference: waiting(Need::Difference)?,
                changed: waiting(Need::Changed)?,
                overdue: waiting(Need::Overdue)?,
                quarantined: quarantine::open(sql, &areas)?,
                silent_devices: silent(sql, &caller, silent_before_ms)?,
            }))
        })
        .await
}

fn waiting(sql: &Connection, areas: &Areas, need: Need, today: &str) -> Result<u64, Error> {
    let mut values: Vec<Value> = vec![need.name().to_owned().into(), today.to_owned().into()];
    let scope = if areas.all {
        String::new()
    } else {
        let marks = vec!["?"; areas.some.len()].join(", ");
        values.extend(
            areas
                .some
                .keys()
                .map(|area| Value::from(area.as_bytes().to_vec())),
        );
        format!("AND area IN ({marks})")
    };
    let mut statement = sql.prepare_cached(&format!(
        "SELECT count(*) FROM needs WHERE need = ? AND deadline < ? {scope}"
    ))?;
    Ok(statement.query_row(params_from_iter(values), |row| row.get(0))?)
}

fn silent(sql: &Connection, caller: &Caller, before_ms: i64) -> Result<Vec<Silent>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT devices.id, devices.account, devices.name, accounts.name, last_seen_ms
           FROM devices JOIN accounts ON accounts.id = devices.account
          WHERE revoked_ms IS NULL AND accounts.active AND last_seen_ms < ?1 ORDER BY last_seen_ms, devices.id",
    )?;
    let rows = statement.query_map([before_ms], |row| {
        let silent = Silent {
            id: id::id::<DeviceId>(row, 0)?.0,
            name: row.get(2)?,
            account_name: row.get(3)?,
            last_seen_ms: row.get(4)?,
        };
        Ok((id::id::<AccountId>(row, 1)?, silent))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (account, silent) = row?;
        if caller.administrates(sql, account)? {
            found.push(silent);
        }
    }
    Ok(found)
}
