//! Tells open pages that something arrived. No data goes out: a page that hears it asks for itself again.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    mpsc,
};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    accounts::access::{self, Areas, Caller},
    app::{App, Shared},
    http::problem::{Cause, Problem},
    sync::poke::Poke,
};

/// Comments that keep the connection open through proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// Hear that something in one's areas has changed: events `news` without content of their own.
#[utoipa::path(get, path = "/news", tag = "pages",
    responses((status = 200, content_type = "text/event-stream", description = "Events `news`", body = String),
        (status = 303, description = "Not signed in"), (status = 503, description = "unavailable: too many streams")))]
pub(crate) async fn stream(State(app): Shared, caller: Caller) -> Result<Response, Problem> {
    let permit = Arc::clone(&app.event_streams)
        .try_acquire_owned()
        .map_err(|_| Problem::new(Cause::Unavailable).detail("Too many event streams are open"))?;
    let pokes = app.pokes.listen();
    let (sender, receiver) = mpsc::channel(1);
    app.metrics.event_streams.inc();
    tokio::spawn(async move {
        forward(&app, &caller, pokes, &sender).await;
        app.metrics.event_streams.dec();
        drop(permit);
    });
    let stream =
        Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(stream.into_response())
}

/// Runs until the page is closed, its session ends, or the server stops.
async fn forward(
    app: &App,
    caller: &Caller,
    mut pokes: Receiver<Poke>,
    sender: &mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut stopping = app.stopping.clone();
    loop {
        let poke = tokio::select! {
            poke = pokes.recv() => poke,
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = sender.closed() => return,
        };
        // A session that has ended since hears no more.
        let Ok(areas) = areas(app, caller).await else {
            return;
        };
        let concerns = match poke {
            Ok(Poke::Area(area)) => areas.readable(area),
            Ok(Poke::Scope(account)) => account == caller.account,
            Ok(Poke::Revoked(_)) | Err(RecvError::Lagged(_)) => true,
            Ok(Poke::Deliveries) => false,
            Err(RecvError::Closed) => return,
        };
        // A page that has not heard the last one yet hears this one with it. Browsers pass over events without data.
        let event = || Ok(Event::default().event("news").data("{}"));
        if concerns
            && matches!(
                sender.try_send(event()),
                Err(mpsc::error::TrySendError::Closed(_))
            )
        {
            return;
        }
    }
}

async fn areas(app: &App, caller: &Caller) -> Result<Areas, Problem> {
    let (digest, now_ms) = (caller.token_digest, app.machine.now_ms());
    app.store
        .read(move |sql| {
            let caller = access::caller(sql, digest, now_ms)?;
            Ok(caller.areas(sql)?)
        })
        .await
}
