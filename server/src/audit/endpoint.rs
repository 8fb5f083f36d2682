//! Reading and checking the audit log.

use axum::extract::State;
use rusqlite::{Connection, params_from_iter, types::Value};
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AccountId, AreaId, DeviceId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Action, Entry,
    chain::{self, Anchor, Checked},
    note, reads,
};
use crate::{
    accounts::access::{Caller, Role},
    app::Shared,
    error::Error,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    secret,
    store::id,
};

/// Which rows.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// What was done: `signed-in`, `record-read` …
    pub(crate) action: Option<String>,
    /// By this account.
    pub(crate) account: Option<Uuid>,
    /// With this device.
    pub(crate) device: Option<Uuid>,
    /// To this thing: the id of a record, an account, an area …
    pub(crate) object: Option<String>,
    /// In this area.
    pub(crate) area: Option<Uuid>,
    /// `done` or `refused`.
    pub(crate) outcome: Option<String>,
    /// Not before, milliseconds since 1970-01-01 UTC.
    pub(crate) from_ms: Option<i64>,
    /// Before, milliseconds since 1970-01-01 UTC.
    pub(crate) to_ms: Option<i64>,
    /// `next` of the page before.
    pub(crate) before: Option<i64>,
    /// How many; 100 where absent.
    pub(crate) limit: Option<u32>,
}

/// Rows of the audit log, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub(crate) struct Page {
    /// The rows.
    pub(crate) rows: Vec<Noted>,
    /// Give as `before` for the next page; null at the end.
    pub(crate) next: Option<i64>,
}

/// A row of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Noted {
    /// Its number.
    pub(crate) seq: i64,
    /// When, milliseconds since 1970-01-01 UTC.
    pub(crate) at_ms: i64,
    /// Who; null where the server itself did it or nobody is known.
    pub(crate) account: Option<Uuid>,
    /// Their name today.
    pub(crate) account_name: Option<String>,
    /// With which device.
    pub(crate) device: Option<Uuid>,
    /// What was done.
    pub(crate) action: String,
    /// The same, in Vietnamese.
    pub(crate) action_vi: Option<&'static str>,
    /// To what kind of thing.
    pub(crate) object_kind: String,
    /// To which.
    pub(crate) object: String,
    /// In which area.
    pub(crate) area: Option<Uuid>,
    /// `done` or `refused`.
    pub(crate) outcome: String,
    /// More facts.
    #[schema(value_type = Object)]
    pub(crate) detail: serde_json::Value,
    /// The row's hash.
    pub(crate) hash: String,
}

/// Read the audit log.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(Filter),
    responses((status = 200, body = Page), (status = 400, description = "malformed-query"), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<Page>, Problem> {
    caller.at_least(Role::Administrator)?;
    let limit = filter.limit.unwrap_or(100).clamp(1, app.config.limits.page);
    let page = app
        .store
        .read(move |sql| page(sql, &filter, limit as usize))
        .await?;
    reads::looked(&app, caller.account, Entry::new(Action::AuditRead));
    Ok(Json(page))
}

fn page(sql: &Connection, filter: &Filter, limit: usize) -> Result<Page, Error> {
    let blob = |id: Uuid| Value::from(id.as_bytes().to_vec());
    let wanted: [(&str, Option<Value>); 9] = [
        ("action = ?", filter.action.clone().map(Value::from)),
        ("audit.account = ?", filter.account.map(blob)),
        ("device = ?", filter.device.map(blob)),
        ("object = ?", filter.object.clone().map(Value::from)),
        ("area = ?", filter.area.map(blob)),
        ("outcome = ?", filter.outcome.clone().map(Value::from)),
        ("at_ms >= ?", filter.from_ms.map(Value::from)),
        ("at_ms < ?", filter.to_ms.map(Value::from)),
        ("seq < ?", filter.before.map(Value::from)),
    ];
    let (conditions, mut values): (Vec<&str>, Vec<Value>) = wanted
        .into_iter()
        .filter_map(|(sql, value)| value.map(|value| (sql, value)))
        .unzip();
    let conditions = if conditions.is_empty() {
        "1".to_owned()
    } else {
        conditions.join(" AND ")
    };
    values.push(Value::from(i64::try_from(limit + 1).unwrap_or(i64::MAX)));
    let mut statement = sql.prepare_cached(&format!(
        "SELECT seq, at_ms, audit.account, accounts.name, device, action, object_kind, object, area, outcome, detail, hash
           FROM audit LEFT JOIN accounts ON accounts.id = audit.account
          WHERE {conditions} ORDER BY seq DESC LIMIT ?"
    ))?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        let action: String = row.get(5)?;
        Ok(Noted {
            seq: row.get(0)?,
            at_ms: row.get(1)?,
            account: id::optional_id::<AccountId>(row, 2)?.map(|id| id.0),
            account_name: row.get(3)?,
            device: id::optional_id::<DeviceId>(row, 4)?.map(|id| id.0),
            action_vi: Action::vietnamese_of(&action),
            action,
            object_kind: row.get(6)?,
            object: row.get(7)?,
            area: id::optional_id::<AreaId>(row, 8)?.map(|id| id.0),
            outcome: row.get(9)?,
            detail: serde_json::from_str(&row.get::<_, String>(10)?).unwrap_or_default(),
            hash: secret::hex(&row.get::<_, Vec<u8>>(11)?),
        })
    })?;
    let mut rows: Vec<Noted> = rows.collect::<Result<_, _>>()?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.seq);
    Ok(Page { rows, next })
}

/// What to check against.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Against {
    /// `NUMBER:HASH` from a backup's manifest or an earlier check: shows a cut-off end too.
    pub(crate) anchor: Option<String>,
}

/// Recompute the audit log's chain.
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "audit", params(Against),
    responses((status = 200, body = Checked), (status = 403, description = "forbidden"), (status = 422, description = "invalid: not an anchor")),
    security(("session" = [])))]
pub(crate) async fn verify(
    State(app): Shared,
    caller: Caller,
    Parameters(against): Parameters<Against>,
) -> Result<Json<Checked>, Problem> {
    caller.at_least(Role::Administrator)?;
    let anchor: Option<Anchor> = against
        .anchor
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| Problem::invalid("anchor: NUMBER:64 hexadecimal digits"))?;
    let checked = app
        .store
        .read(move |sql| chain::verify(sql, anchor))
        .await?;
    let entry = Entry::new(Action::AuditVerified)
        .by(caller.account)
        .detail("ok", checked.ok)
        .detail("rows", checked.rows);
    app.store.write(|writing| note(writing, entry)).await?;
    Ok(Json(checked))
}
