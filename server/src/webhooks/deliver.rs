//! Sending what waits in the outbox: at once, then again after growing pauses, until it is answered or given up.
//! Each receiver has its own queue: one that is slow or gone holds up no other.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use reqwest::{Client, redirect::Policy};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::{self, JoinSet},
};
use uuid::Uuid;

use super::{address, outbox, signature};
use crate::{
    app::App,
    audit::{self, Action, Entry},
    error::Error,
    platform,
    store::Writing,
    sync::poke::Poke,
};

/// How often the outbox is looked at when nothing is heard.
const LOOK: Duration = Duration::from_secs(30);
/// Deliveries to one receiver that are under way at the same time.
const TOGETHER: u32 = 4;
/// Seconds after each failed attempt until the next; after the last it is given up.
const PAUSES_S: [u64; 9] = [
    5,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
];
/// Longest text of a failure that is kept, in characters.
const ERROR_CHARS: usize = 200;

/// Why there is no answer, as the API says it.
pub(crate) const NO_LOOK_UP: &str = "looking up the host took too long";
pub(crate) const NO_HOST: &str = "the host is unknown";
pub(crate) const NO_TIME: &str = "no answer in time";
pub(crate) const NO_CONNECTION: &str = "no connection";

/// Sends until the server stops.
pub(crate) async fn run(app: Arc<App>) {
    let mut stopping = app.stopping.clone();
    let mut pokes = app.pokes.listen();
    let mut under_way = JoinSet::new();
    let mut busy: HashMap<task::Id, Uuid> = HashMap::new();
    loop {
        match queues(&app, busy.values().copied().collect()).await {
            Ok(queues) => {
                for queue in queues {
                    let webhook = queue.receiver.webhook;
                    let sending = under_way.spawn(send_queue(Arc::clone(&app), queue));
                    busy.insert(sending.id(), webhook);
                }
            }
            Err(error) => tracing::error!(%error, "the outbox of webhooks can't be read"),
        }
        tokio::select! {
            Some(sent) = under_way.join_next_with_id() => {
                let sender = sent.map_or_else(|error| error.id(), |(id, ())| id);
                busy.remove(&sender);
            }
            () = hear(&mut pokes) => {}
            () = tokio::time::sleep(LOOK) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Returns when there may be something new to send.
async fn hear(pokes: &mut Receiver<Poke>) {
    loop {
        match pokes.recv().await {
            Ok(Poke::Deliveries) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Where requests go, and with what they are signed.
struct To {
    webhook: Uuid,
    url: String,
    secrets: Vec<Vec<u8>>,
    failing: bool,
}

/// One delivery on its way.
struct Due {
    id: Uuid,
    body: String,
    attempts: u64,
}

/// What is due now for one receiver.
struct Queue {
    receiver: To,
    due: Vec<Due>,
}

async fn queues(app: &App, busy: BTreeSet<Uuid>) -> Result<Vec<Queue>, Error> {
    let now_ms = app.machine.now_ms();
    app.store
        .read(move |sql| {
            let mut queues = Vec::new();
            for receiver in receivers(sql, now_ms)? {
                if busy.contains(&receiver.webhook) {
                    continue;
                }
                let due = due(sql, &receiver, now_ms)?;
                if !due.is_empty() {
                    queues.push(Queue { receiver, due });
                }
            }
            Ok(queues)
        })
        .await
}

fn receivers(sql: &Connection, now_ms: i64) -> Result<Vec<To>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT id, url, secret, old_secret, old_until_ms, failing_since_ms IS NOT NULL FROM webhooks WHERE enabled = 1",
    )?;
    let rows = statement.query_map([], |row| {
        let old: Option<Vec<u8>> = row.get(3)?;
        let old_until_ms: Option<i64> = row.get(4)?;
        let old = old.filter(|_| old_until_ms.is_some_and(|until_ms| until_ms > now_ms));
        Ok(To {
            webhook: uuid(row.get(0)?),
            url: row.get(1)?,
            secrets: [Some(row.get(2)?), old].into_iter().flatten().collect(),
            failing: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The next deliveries to a receiver; a single one, as a probe, to one that does not answer.
fn due(sql: &Connection, to: &To, now_ms: i64) -> Result<Vec<Due>, Error> {
    let most = if to.failing { 1 } else { TOGETHER };
    let mut statement = sql.prepare_cached(
        "SELECT id, body, attempts FROM webhook_deliveries
          WHERE webhook = ?1 AND state = 'waiting' AND next_ms <= ?2 ORDER BY next_ms, id LIMIT ?3",
    )?;
    let rows = statement.query_map(
        params![to.webhook.as_bytes().as_slice(), now_ms, most],
        |row| {
            Ok(Due {
                id: uuid(row.get(0)?),
                body: row.get(1)?,
                attempts: row.get(2)?,
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn uuid(bytes: Vec<u8>) -> Uuid {
    Uuid::from_slice(&bytes).unwrap_or_default()
}

/// Sends what is due for one receiver, each to its end.
async fn send_queue(app: Arc<App>, queue: Queue) {
    let receiver = Arc::new(queue.receiver);
    let mut sending = JoinSet::new();
    for due in queue.due {
        let (app, to) = (Arc::clone(&app), Arc::clone(&receiver));
        sending.spawn(async move {
            let answer = send(&app, &to, &due).await;
            note(&app, to.webhook, due, answer).await
        });
    }
    while let Some(noted) = sending.join_next().await {
        if let Ok(Err(error)) = noted {
            tracing::error!(%error, "what became of a delivery was not noted");
            // It is still due: not at once, or the receiver hears it without end.
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What a receiver answered, or why there is no answer.
enum Answer {
    Status(u16),
    None(String),
}

async fn send(app: &App, to: &To, due: &Due) -> Answer {
    match try_send(app, to, due).await {
        Ok(status) => Answer::Status(status),
        Err(why) => Answer::None(why.chars().take(ERROR_CHARS).collect()),
    }
}

async fn try_send(app: &App, to: &To, due: &Due) -> Result<u16, String> {
    let url = address::expect_good(&to.url).map_err(|problem| problem.english().to_owned())?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let patience = Duration::from_secs(app.config.webhooks.patience_s);
    // The name is looked up here and the request goes to what was found and judged, and nowhere else.
    let bare = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let looking = tokio::time::timeout(patience, tokio::net::lookup_host((bare, port)));
    let found: Vec<SocketAddr> = looking
        .await
        .map_err(|_| NO_LOOK_UP.to_owned())?
        .map_err(|_| NO_HOST.to_owned())?
        .collect();
    let found = address::expect_open(found, &app.config.webhooks.private_networks)?;
    // A second installation of the provider of ciphers fails, and means that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(patience)
        .resolve_to_addrs(&host, &found)
        .user_agent(concat!("sokiem-server/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| error.to_string())?;
    let id = format!("msg_{}", due.id.simple());
    let timestamp_s = app.machine.now_ms() / 1000;
    let signature = signature::sign(&to.secrets, &id, timestamp_s, &due.body);
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp_s.to_string())
        .header("webhook-signature", signature)
        .body(due.body.clone());
    let response = request.send().await.map_err(|error| {
        let what = if error.is_timeout() {
            NO_TIME
        } else if error.is_connect() {
            NO_CONNECTION
        } else {
            "the request failed"
        };
        what.to_owned()
    })?;
    Ok(response.status().as_u16())
}

async fn note(app: &Arc<App>, webhook: Uuid, due: Due, answer: Answer) -> Result<(), Error> {
    let jitter = app.machine.random::<1>()?;
    let stop_after_s = app.config.webhooks.stop_after_s;
    app.store
        .write(move |writing| match answer {
            Answer::Status(200..300) => delivered(writing, webhook, &due, &answer),
            Answer::Status(410) => {
                failed(writing, webhook, &due, &answer, None)?;
                stop(writing, webhook, "gone")
            }
            _ => {
                let pause_s = usize::try_from(due.attempts)
                    .ok()
                    .and_then(|attempt| PAUSES_S.get(attempt))
                    .map(|pause_s| spread(*pause_s, jitter));
                failed(writing, webhook, &due, &answer, pause_s)?;
                outbox::shorten(writing, webhook)?;
                stop_if_hopeless(writing, webhook, stop_after_s)
            }
        })
        .await
}

/// A pause, up to a fifth longer or shorter, so that not everything comes at once.
fn spread(pause_s: u64, [jitter]: [u8; 1]) -> u64 {
    pause_s * 4 / 5 + pause_s * 2 / 5 * u64::from(jitter) / 255
}

fn delivered(
    writing: &Writing<'_>,
    webhook: Uuid,
    due: &Due,
    answer: &Answer,
) -> Result<(), Error> {
    finish(writing, due, "delivered", writing.now_ms, answer)?;
    writing.sql.execute(
        "UPDATE webhooks SET failing_since_ms = NULL WHERE id = ?1",
        [webhook.as_bytes().as_slice()],
    )?;
    Ok(())
}

fn failed(
    writing: &Writing<'_>,
    webhook: Uuid,
    due: &Due,
    answer: &Answer,
    pause_s: Option<u64>,
) -> Result<(), Error> {
    match pause_s {
        Some(pause_s) => {
            let next_ms = platform::after_s(writing.now_ms, pause_s);
            finish(writing, due, "waiting", next_ms, answer)?;
        }
        None => finish(writing, due, "given-up", writing.now_ms, answer)?,
    }
    writing.sql.execute(
        "UPDATE webhooks SET failing_since_ms = coalesce(failing_since_ms, ?2) WHERE id = ?1",
        params![webhook.as_bytes().as_slice(), writing.now_ms],
    )?;
    Ok(())
}

fn finish(
    writing: &Writing<'_>,
    due: &Due,
    state: &str,
    next_ms: i64,
    answer: &Answer,
) -> Result<(), Error> {
    let (status, error) = match answer {
        Answer::Status(status) => (Some(*status), None),
        Answer::None(why) => (None, Some(why.as_str())),
    };
    writing.sql.execute(
        "UPDATE webhook_deliveries SET state = ?2, next_ms = ?3, attempts = attempts + 1, last_ms = ?4,
                last_status = ?5, last_error = ?6 WHERE id = ?1",
        params![due.id.as_bytes().as_slice(), state, next_ms, writing.now_ms, status, error],
    )?;
    Ok(())
}

/// A receiver that has not answered for days is not asked any more, until an administrator says so.
fn stop_if_hopeless(writing: &Writing<'_>, webhook: Uuid, after_s: u64) -> Result<(), Error> {
    let since_ms: Option<i64> = writing
        .sql
        .query_row(
            "SELECT failing_since_ms FROM webhooks WHERE id = ?1",
            [webhook.as_bytes().as_slice()],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    match since_ms {
        Some(since_ms) if platform::after_s(since_ms, after_s) <= writing.now_ms => {
            stop(writing, webhook, "failing")
        }
        _ => Ok(()),
    }
}

fn stop(writing: &Writing<'_>, webhook: Uuid, reason: &str) -> Result<(), Error> {
    let stopped = writing.sql.execute(
        "UPDATE webhooks SET enabled = 0, stopped_reason = ?2 WHERE id = ?1 AND enabled = 1",
        params![webhook.as_bytes().as_slice(), reason],
    )?;
    if stopped > 0 {
        let entry = Entry::new(Action::WebhookStopped).on("webhook", webhook);
        audit::note(writing, entry.detail("reason", reason))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_spread_by_a_fifth() {
        assert!(PAUSES_S.windows(2).all(|pair| pair[0] < pair[1]));
        for pause_s in PAUSES_S {
            assert_eq!(spread(pause_s, [0]), pause_s * 4 / 5);
            assert!(spread(pause_s, [255]) <= pause_s * 6 / 5);
            assert!(spread(pause_s, [128]) >= spread(pause_s, [127]));
        }
    }
}
