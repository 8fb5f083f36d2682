//! The list of what was refused.

use axum::extract::State;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{COLUMNS, Found, JOINED, Refused, read};
use crate::{
    accounts::access::{Caller, Role},
    app::Shared,
    audit::{Action, Entry, reads},
    error::Error,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
};

/// What to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// The area that the device named.
    pub(crate) area: Option<Uuid>,
    /// The device.
    pub(crate) device: Option<Uuid>,
    /// The reason: `out-of-scope`, `malformed` …
    pub(crate) reason: Option<String>,
    /// `open` (default), `taken-over` or `dismissed`.
    pub(crate) state: Option<String>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    /// How many; 100 where absent.
    pub(crate) limit: Option<u32>,
}

/// A page of the list, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuarantinePage)]
pub(crate) struct Page {
    /// What was refused.
    pub(crate) refused: Vec<Refused>,
    /// For `after`; absent on the last page.
    pub(crate) next: Option<String>,
}

/// List what was refused and is kept.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "records", params(Filter),
    responses((status = 200, body = Page), (status = 403, description = "forbidden")), security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<Page>, Problem> {
    caller.at_least(Role::Supervisor)?;
    let limit = filter.limit.unwrap_or(100).clamp(1, app.config.limits.page) as usize;
    let after = after(filter.after.as_deref())?;
    let account = caller.account;
    let page = app
        .store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            let query = format!(
                "SELECT {COLUMNS} FROM {JOINED}
                  WHERE quarantine.state = ?1 AND (?2 IS NULL OR quarantine.area = ?2)
                    AND (?3 IS NULL OR quarantine.device = ?3) AND (?4 IS NULL OR quarantine.reason = ?4)
                    AND (quarantine.received_ms, hex(quarantine.hash)) < (?5, ?6)
                  ORDER BY quarantine.received_ms DESC, hex(quarantine.hash) DESC"
            );
            let mut statement = sql.prepare_cached(&query).map_err(Error::from)?;
            let mut rows = statement
                .query(params![
                    filter.state.as_deref().unwrap_or("open"),
                    filter.area.map(|area| area.as_bytes().to_vec()),
                    filter.device.map(|device| device.as_bytes().to_vec()),
                    filter.reason,
                    after.0,
                    after.1
                ])
                .map_err(Error::from)?;
            let mut page = Page { refused: Vec::new(), next: None };
            while let Some(row) = rows.next().map_err(Error::from)? {
                let found: Found = read(row).map_err(Error::from)?;
                if !found.is_shown_to(sql, &areas)? {
                    continue;
                }
                if page.refused.len() == limit {
                    page.next = page.refused.last().map(position);
                    break;
                }
                page.refused.push(found.refused);
            }
            Ok::<_, Problem>(page)
        })
        .await?;
    reads::looked(&app, account, Entry::new(Action::QuarantineRead));
    Ok(Json(page))
}

fn position(refused: &Refused) -> String {
    format!("{}.{}", refused.received_ms, refused.hash)
}

fn after(text: Option<&str>) -> Result<(i64, String), Problem> {
    let Some(text) = text else {
        return Ok((i64::MAX, String::new()));
    };
    let parsed = text
        .split_once('.')
        .and_then(|(received_ms, hash)| Some((received_ms.parse().ok()?, hash.to_uppercase())));
    parsed.ok_or_else(|| Problem::invalid("after: `next` of the page before"))
}
