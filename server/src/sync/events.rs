//! The poke: a stream of server-sent events that names areas with news.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use serde_json::json;
use sokiem_record::id::AreaId;
use tokio::sync::{broadcast::error::RecvError, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    app::{App, Shared},
    devices::credential::DeviceCaller,
    http::problem::{Cause, Problem},
    sync::{poke::Poke, scope},
};

/// Comments that keep the connection open through proxies and telephone networks. Each wakes a phone's radio, so there
/// are no more than are needed: proxies give up after a minute or more only where they are set so.
const KEEP_ALIVE: Duration = Duration::from_secs(70);

/// Hear that an area has news. Event `news`, data `{"areas":["…"]}`; then pull.
#[utoipa::path(get, path = "/api/device/v1/events", tag = "device",
    responses(
        (status = 200, content_type = "text/event-stream", description = "Events `news`", body = String),
        (status = 401, description = "credential-missing, credential-invalid, credential-expired"),
        (status = 503, description = "unavailable: too many streams, or the server is stopping")),
    security(("device" = [])))]
pub(crate) async fn events(State(app): Shared, caller: DeviceCaller) -> Result<Response, Problem> {
    let permit = Arc::clone(&app.event_streams)
        .try_acquire_owned()
        .map_err(|_| Problem::new(Cause::Unavailable).detail("Too many event streams are open"))?;
    // Listening begins before the scope is read, so that nothing falls between.
    let pokes = app.pokes.listen();
    let areas = areas(&app, &caller).await?;
    let (sender, receiver) = mpsc::channel(4);
    app.metrics.event_streams.inc();
    tokio::spawn(async move {
        forward(&app, caller, areas, pokes, &sender).await;
        app.metrics.event_streams.dec();
        drop(permit);
    });
    let stream =
        Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(stream.into_response())
}

async fn areas(app: &App, caller: &DeviceCaller) -> Result<BTreeSet<AreaId>, Problem> {
    let account = caller.account;
    let scope = app
        .store
        .read(move |sql| scope::of_account(sql, account))
        .await?;
    Ok(scope.into_iter().map(|grant| grant.area).collect())
}

/// Runs until the device goes away, is revoked, or the server stops.
async fn forward(
    app: &App,
    caller: DeviceCaller,
    mut areas: BTreeSet<AreaId>,
    mut pokes: tokio::sync::broadcast::Receiver<Poke>,
    sender: &mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut stopping = app.stopping.clone();
    // The first event tells the device that it is heard; it pulls and has missed nothing.
    if sender.send(Ok(news(&areas))).await.is_err() {
        return;
    }
    loop {
        let poke = tokio::select! {
            poke = pokes.recv() => poke,
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = sender.closed() => return,
        };
        let event = match poke {
            Ok(Poke::Area(area)) if areas.contains(&area) => news(&BTreeSet::from([area])),
            Ok(Poke::Scope(account)) if account == caller.account => {
                let Ok(now) = self::areas(app, &caller).await else {
                    return;
                };
                areas = now;
                news(&areas)
            }
            Ok(Poke::Revoked(device)) if device == caller.device => return,
            Ok(_) => continue,
            Err(RecvError::Lagged(_)) => news(&areas),
            Err(RecvError::Closed) => return,
        };
        if sender.send(Ok(event)).await.is_err() {
            return;
        }
    }
}

fn news(areas: &BTreeSet<AreaId>) -> Event {
    Event::default()
        .event("news")
        .data(json!({ "areas": areas }).to_string())
}
