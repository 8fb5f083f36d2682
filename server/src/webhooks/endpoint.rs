//! Webhooks over the API: making, changing, trying and looking at them.

use std::collections::BTreeSet;

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Event, TEST, address, outbox, signature};
use crate::{
    accounts::access::{Caller, Role},
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    platform,
    store::Writing,
    sync::poke::Poke,
};

/// Webhooks that there may be.
const MOST: u64 = 50;
/// Seconds that the secret before a rotation is good for besides the new one.
const OLD_SECRET_S: u64 = 24 * 3600;

/// Whom to tell of events. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhook {
    /// Its id.
    pub(crate) id: Uuid,
    /// Where requests go.
    pub(crate) url: String,
    /// Of what.
    pub(crate) events: Vec<Event>,
    /// Whether anything is sent.
    pub(crate) enabled: bool,
    /// Why the server stopped it: `failing` for days, or `gone` (410).
    pub(crate) stopped_reason: Option<String>,
    /// Since when no request was answered with 2xx; null when the last one was.
    pub(crate) failing_since_ms: Option<i64>,
    /// When it was made.
    pub(crate) created_ms: i64,
    /// How many deliveries wait.
    pub(crate) waiting: u64,
    /// How many were given up in the last 30 days.
    pub(crate) given_up: u64,
}

impl Webhook {
    /// Whether the server stopped it, or what was sent last did not get through.
    pub(crate) fn unheard(&self) -> bool {
        self.stopped_reason.is_some() || (self.enabled && self.failing_since_ms.is_some())
    }
}

fn webhook(row: &Row<'_>) -> rusqlite::Result<Webhook> {
    let (id, events): (Vec<u8>, String) = (row.get(0)?, row.get(2)?);
    Ok(Webhook {
        id: Uuid::from_slice(&id).unwrap_or_default(),
        url: row.get(1)?,
        events: serde_json::from_str(&events).unwrap_or_default(),
        enabled: row.get(3)?,
        stopped_reason: row.get(4)?,
        failing_since_ms: row.get(5)?,
        created_ms: row.get(6)?,
        waiting: row.get(7)?,
        given_up: row.get(8)?,
    })
}

const COLUMNS: &str = "SELECT id, url, events, enabled, stopped_reason, failing_since_ms, created_ms,
    (SELECT count(*) FROM webhook_deliveries WHERE webhook = webhooks.id AND state = 'waiting'),
    (SELECT count(*) FROM webhook_deliveries WHERE webhook = webhooks.id AND state = 'given-up') FROM webhooks";

fn find(sql: &Connection, id: Uuid) -> Result<Webhook, Problem> {
    sql.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?
        .query_row([id.as_bytes().as_slice()], webhook)
        .optional()?
        .ok_or_else(Problem::not_found)
}

/// List webhooks.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks",
    responses((status = 200, body = Vec<Webhook>), (status = 403, description = "forbidden")), security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
) -> Result<Json<Vec<Webhook>>, Problem> {
    caller.at_least(Role::Administrator)?;
    app.store
        .read(|sql| {
            let mut statement =
                sql.prepare_cached(&format!("{COLUMNS} ORDER BY created_ms, id"))?;
            let rows = statement.query_map([], webhook)?;
            Ok(Json(rows.collect::<Result<_, _>>()?))
        })
        .await
}

/// Whom to tell, and of what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// `https://…`; `http://` to this machine only.
    pub(crate) url: String,
    /// Of what: one at least.
    pub(crate) events: Vec<Event>,
}

/// A webhook with its secret, which is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WithSecret {
    /// The webhook.
    pub(crate) webhook: Webhook,
    /// What its requests are signed with: `whsec_` and base64.
    pub(crate) secret: String,
}

fn events_json(events: &[Event]) -> Result<String, Problem> {
    let words: BTreeSet<&str> = events.iter().map(|event| event.word()).collect();
    if words.is_empty() {
        return Err(
            Problem::invalid("events: one at least").vietnamese("Hãy chọn ít nhất một sự kiện.")
        );
    }
    serde_json::to_string(&words).map_err(|_| Error::Unreadable("events").into())
}

/// Make a webhook.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "webhooks", request_body = NewWebhook,
    responses((status = 201, body = WithSecret), (status = 403, description = "forbidden"), (status = 422, description = "invalid: an address, or no events")),
    security(("session" = [])))]
pub(crate) async fn create(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<NewWebhook>,
) -> Result<(StatusCode, Json<WithSecret>), Problem> {
    caller.at_least(Role::Administrator)?;
    let url = address::expect_good(&body.url)?;
    let host = address::host(&url);
    let url = url.to_string();
    let events = events_json(&body.events)?;
    let secret = app.machine.random::<32>()?;
    let made = app
        .store
        .write(move |writing| {
            let there_are: u64 = writing.sql.query_row("SELECT count(*) FROM webhooks", [], |row| row.get(0))?;
            if there_are >= MOST {
                return Err(Problem::invalid(format!("There are {MOST} webhooks already"))
                    .vietnamese("Đã có quá nhiều webhook. Hãy xoá bớt."));
            }
            let id = writing.machine.new_id()?;
            writing.sql.execute(
                "INSERT INTO webhooks (id, url, events, secret, enabled, created_ms) VALUES (?1, ?2, ?3, ?4, 1, ?5)",
                params![id.as_bytes().as_slice(), url, events, secret.as_slice(), writing.now_ms],
            )?;
            let entry = Entry::new(Action::WebhookMade).by(caller.account);
            audit::note(writing, entry.on("webhook", id).detail("host", host))?;
            find(writing.sql, id)
        })
        .await?;
    let secret = signature::shown(&secret);
    Ok((
        StatusCode::CREATED,
        Json(WithSecret {
            webhook: made,
            secret,
        }),
    ))
}

/// What to change; what is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookChange {
    /// Where requests go.
    #[serde(default)]
    pub(crate) url: Option<String>,
    /// Of what.
    #[serde(default)]
    pub(crate) events: Option<Vec<Event>>,
    /// `true` also starts one again that the server had stopped.
    #[serde(default)]
    pub(crate) enabled: Option<bool>,
}

/// Change a webhook.
#[utoipa::path(patch, path = "/api/v1/webhooks/{id}", tag = "webhooks", request_body = WebhookChange,
    params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 200, body = Webhook), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn change(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<WebhookChange>,
) -> Result<Json<Webhook>, Problem> {
    caller.at_least(Role::Administrator)?;
    let url = body.url.map(|url| address::expect_good(&url)).transpose()?;
    let host = url.as_ref().map(address::host);
    let url = url.map(|url| url.to_string());
    let events = body.events.map(|events| events_json(&events)).transpose()?;
    let changed = app
        .store
        .write(move |writing| {
            let before = find(writing.sql, id)?;
            let again = body.enabled == Some(true) && !before.enabled;
            let key = id.as_bytes().as_slice();
            writing.sql.execute(
                "UPDATE webhooks SET url = coalesce(?2, url), events = coalesce(?3, events), enabled = coalesce(?4, enabled) WHERE id = ?1",
                params![key, url, events, body.enabled],
            )?;
            if again {
                writing.sql.execute(
                    "UPDATE webhooks SET stopped_reason = NULL, failing_since_ms = NULL WHERE id = ?1",
                    [key],
                )?;
                writing.sql.execute(
                    "UPDATE webhook_deliveries SET next_ms = ?2 WHERE webhook = ?1 AND state = 'waiting'",
                    params![key, writing.now_ms],
                )?;
                writing.poke(Poke::Deliveries);
            }
            let mut entry = Entry::new(Action::WebhookChanged).by(caller.account);
            if let Some(host) = host {
                entry = entry.detail("host", host);
            }
            if let Some(enabled) = body.enabled {
                entry = entry.detail("enabled", enabled);
            }
            audit::note(writing, entry.on("webhook", id))?;
            find(writing.sql, id)
        })
        .await?;
    Ok(Json(changed))
}

/// Remove a webhook with everything that waits for it.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", tag = "webhooks", params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 204, description = "Removed"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn remove(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    caller.at_least(Role::Administrator)?;
    app.store
        .write(move |writing| {
            let gone = writing.sql.execute(
                "DELETE FROM webhooks WHERE id = ?1",
                [id.as_bytes().as_slice()],
            )?;
            if gone == 0 {
                return Err(Problem::not_found());
            }
            let entry = Entry::new(Action::WebhookRemoved).by(caller.account);
            audit::note(writing, entry.on("webhook", id))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// Give a webhook a new secret, which is shown once. The one before is good for another day: requests carry both signatures.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/secret", tag = "webhooks", params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 201, body = WithSecret), (status = 403, description = "forbidden"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn rotate(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Json<WithSecret>), Problem> {
    caller.at_least(Role::Administrator)?;
    let secret = app.machine.random::<32>()?;
    let rotated = app
        .store
        .write(move |writing| {
            let until_ms = platform::after_s(writing.now_ms, OLD_SECRET_S);
            writing.sql.execute(
                "UPDATE webhooks SET old_secret = secret, old_until_ms = ?3, secret = ?2 WHERE id = ?1",
                params![id.as_bytes().as_slice(), secret.as_slice(), until_ms],
            )?;
            let found = find(writing.sql, id)?;
            let entry = Entry::new(Action::WebhookChanged).by(caller.account);
            audit::note(writing, entry.on("webhook", id).detail("part", "secret"))?;
            Ok::<_, Problem>(found)
        })
        .await?;
    let secret = signature::shown(&secret);
    Ok((
        StatusCode::CREATED,
        Json(WithSecret {
            webhook: rotated,
            secret,
        }),
    ))
}

/// Send a request of the kind `webhook.test`, to see whether the receiver hears it.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/test", tag = "webhooks", params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 202, description = "It is on its way; the deliveries say what became of it"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn test(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    caller.at_least(Role::Administrator)?;
    app.store
        .write(move |writing| {
            find(writing.sql, id)?;
            outbox::put(writing, id.as_bytes(), TEST, &json!({}))?;
            Ok::<_, Problem>(StatusCode::ACCEPTED)
        })
        .await
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = DeliveryState)]
pub(crate) enum Standing {
    /// It is sent, or sent again, when its time has come.
    Waiting,
    /// The receiver answered with 2xx.
    Delivered,
    /// It was tried often enough; it is sent again only when an administrator says so.
    GivenUp,
}

impl Standing {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Standing::Waiting => "waiting",
            Standing::Delivered => "delivered",
            Standing::GivenUp => "given-up",
        }
    }

    fn of(word: &str) -> Self {
        let all = [Standing::Waiting, Standing::Delivered];
        let found = all.into_iter().find(|standing| standing.word() == word);
        found.unwrap_or(Standing::GivenUp)
    }
}

/// A delivery. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delivery {
    /// Its id; receivers see `msg_` and this without dashes.
    pub(crate) id: Uuid,
    /// What it tells.
    pub(crate) event: String,
    /// When that was.
    pub(crate) created_ms: i64,
    /// Where it stands.
    pub(crate) state: Standing,
    /// How often it was tried.
    pub(crate) attempts: u64,
    /// When it is tried next, while it waits.
    pub(crate) next_ms: Option<i64>,
    /// When it was last tried.
    pub(crate) last_ms: Option<i64>,
    /// What the receiver answered then.
    pub(crate) last_status: Option<u16>,
    /// Why there was no answer.
    pub(crate) last_error: Option<String>,
}

/// Which deliveries.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Those that stand there.
    #[param(inline)]
    pub(crate) state: Option<Standing>,
    /// `id` of the last one of the page before.
    pub(crate) before: Option<Uuid>,
    /// How many; 50 where absent.
    pub(crate) limit: Option<u32>,
}

/// The deliveries of a webhook, the newest first.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = Uuid, Path, description = "The webhook"), Which),
    responses((status = 200, body = Vec<Delivery>), (status = 403, description = "forbidden"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn deliveries(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Vec<Delivery>>, Problem> {
    caller.at_least(Role::Administrator)?;
    let limit = which.limit.unwrap_or(50).clamp(1, app.config.limits.page);
    app.store
        .read(move |sql| {
            find(sql, id)?;
            // Ids of deliveries grow with time.
            let mut statement = sql.prepare_cached(
                "SELECT id, event, created_ms, state, attempts, next_ms, last_ms, last_status, last_error FROM webhook_deliveries
                  WHERE webhook = ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4",
            )?;
            let before = which.before.map(|before| before.as_bytes().to_vec());
            let rows = statement.query_map(
                params![id.as_bytes().as_slice(), which.state.map(Standing::word), before, limit],
                |row| {
                    let (id, next_ms): (Vec<u8>, i64) = (row.get(0)?, row.get(5)?);
                    let state = Standing::of(row.get_ref(3)?.as_str()?);
                    Ok(Delivery {
                        id: Uuid::from_slice(&id).unwrap_or_default(),
                        event: row.get(1)?,
                        created_ms: row.get(2)?,
                        next_ms: (state == Standing::Waiting).then_some(next_ms),
                        state,
                        attempts: row.get(4)?,
                        last_ms: row.get(6)?,
                        last_status: row.get(7)?,
                        last_error: row.get(8)?,
                    })
                },
            )?;
            Ok(Json(rows.collect::<Result<_, _>>()?))
        })
        .await
}

/// Try everything that waits for a webhook now, and what was given up once more.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/retry", tag = "webhooks", params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 202, description = "It is on its way"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn retry(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    caller.at_least(Role::Administrator)?;
    app.store
        .write(move |writing| {
            find(writing.sql, id)?;
            again(writing, id)?;
            Ok::<_, Problem>(StatusCode::ACCEPTED)
        })
        .await
}

fn again(writing: &Writing<'_>, id: Uuid) -> Result<(), Error> {
    writing.sql.execute(
        "UPDATE webhook_deliveries SET state = 'waiting', next_ms = ?2, attempts = CASE state WHEN 'given-up' THEN 0 ELSE attempts END
          WHERE webhook = ?1 AND state <> 'delivered'",
        params![id.as_bytes().as_slice(), writing.now_ms],
    )?;
    writing.poke(Poke::Deliveries);
    Ok(())
}
