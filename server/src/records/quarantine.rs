//! What the server refused: for a supervisor to look at, so that nobody's work is lost unseen.

use axum::extract::State;
use serde::Serialize;
use sokiem_record::{
    id::{AreaId, DeviceId, DocumentId},
    refusal::Refusal,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::{Caller, Role},
    app::Shared,
    audit::{Action, Entry, reads},
    http::{body::Json, problem::Problem},
    store::id,
};

/// A change that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refused {
    /// The device that brought it.
    device: Uuid,
    /// What the officer calls it.
    device_name: String,
    /// Whose device it is.
    account_name: String,
    /// The document that it is for.
    document: Uuid,
    /// That document's kind, as the device says.
    kind: String,
    /// That document's area, as the device says.
    area: Uuid,
    /// The change, or SHA-256 of its bytes.
    hash: String,
    /// Why it was refused.
    reason: String,
    /// The same, in words.
    text: Option<&'static str>,
    /// The same, in Vietnamese.
    text_vi: Option<&'static str>,
    /// How many bytes it has.
    bytes: u64,
    /// When it arrived, milliseconds since 1970-01-01 UTC.
    received_ms: i64,
}

/// List what was refused and is kept; the newest 500.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "records",
    responses((status = 200, body = Vec<Refused>), (status = 403, description = "forbidden")), security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
) -> Result<Json<Vec<Refused>>, Problem> {
    caller.at_least(Role::Supervisor)?;
    let account = caller.account;
    let refused: Vec<Refused> = app
        .store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            let mut statement = sql.prepare_cached(
                "SELECT quarantine.device, devices.name, accounts.name, document, kind, area, hash, reason, length(bytes), received_ms
                   FROM quarantine JOIN devices ON devices.id = quarantine.device JOIN accounts ON accounts.id = devices.account
                  ORDER BY received_ms DESC LIMIT 500",
            )?;
            let rows = statement.query_map([], |row| {
                let reason: String = row.get(7)?;
                let refusal = Refusal::from_code(&reason);
                Ok(Refused {
                    device: id::id::<DeviceId>(row, 0)?.0,
                    device_name: row.get(1)?,
                    account_name: row.get(2)?,
                    document: id::id::<DocumentId>(row, 3)?.0,
                    kind: row.get(4)?,
                    area: id::id::<AreaId>(row, 5)?.0,
                    hash: id::hash(row, 6)?.to_string(),
                    text: refusal.map(Refusal::english),
                    text_vi: refusal.map(Refusal::vietnamese),
                    reason,
                    bytes: row.get(8)?,
                    received_ms: row.get(9)?,
                })
            })?;
            let refused: Vec<Refused> = rows.collect::<Result<_, _>>()?;
            Ok::<_, Problem>(refused.into_iter().filter(|refused| areas.readable(AreaId(refused.area))).collect())
        })
        .await?;
    reads::looked(&app, account, Entry::new(Action::QuarantineRead));
    Ok(Json(refused))
}
