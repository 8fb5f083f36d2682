//! The one request that keeps a device in step: push, then pull.

use std::sync::Arc;

use axum::extract::State;
use sokiem_record::{
    id::EpochId,
    limits,
    wire::{DocumentPush, ExchangeRequest, ExchangeResponse, PROTOCOL_VERSION},
};

use crate::{
    app::{App, Shared},
    devices::{credential::DeviceCaller, report, wipe},
    error::Error,
    http::{
        body::Cbor,
        problem::{Cause, Problem},
    },
    sync::{
        ingest::{self, Preparing, Pusher, Pushing},
        pull::{Made, Puller},
        scope, stored,
    },
};

/// Push what the device has, pull what it lacks.
#[utoipa::path(post, path = "/api/device/v1/exchange", tag = "device",
    request_body(content = Vec<u8>, content_type = "application/cbor", description = "ExchangeRequest, see docs/sync-protocol.md"),
    responses(
        (status = 200, content_type = "application/cbor", description = "ExchangeResponse", body = Vec<u8>),
        (status = 400, description = "malformed-body, unsupported-version"),
        (status = 401, description = "credential-missing, credential-invalid, credential-expired"),
        (status = 403, description = "device-revoked"),
        (status = 409, description = "epoch-changed, with the member `epoch`"),
        (status = 413, description = "body-too-large"),
        (status = 415, description = "unsupported-media-type")),
    security(("device" = [])))]
pub(crate) async fn exchange(
    State(app): Shared,
    caller: DeviceCaller,
    Cbor(request): Cbor<ExchangeRequest>,
) -> Result<Cbor<ExchangeResponse>, Problem> {
    if let Some(epoch) = request.epoch {
        expect_epoch(&app, epoch)?;
    }
    expect_within_limits(&request)?;
    let server_time_ms = app.machine.now_ms();
    let pusher = Pusher {
        device: caller.device,
        account: caller.account,
        received_ms: server_time_ms,
        quarantine_bytes: app.config.limits.quarantine_bytes,
    };
    let Pushing {
        outcomes: pushed,
        own,
        ..
    } = push(&app, pusher, request.push).await?;
    if let Some(said) = request.report {
        report::keep(&app, caller.device, said, server_time_ms).await;
    }
    let metrics = Arc::clone(&app.metrics);
    let (scope, pulled, made, wipe) = app
        .store
        .read(move |sql| {
            let scope = scope::of_account(sql, caller.account)?;
            let mut puller = Puller::new(sql, &metrics, &scope, &own);
            let pulled = puller.all(&request.cursors)?;
            let made = puller.made();
            Ok::<_, Error>((scope, pulled, made, wipe::is_asked(sql, caller.device)?))
        })
        .await?;
    keep_snapshots(&app, made);
    let v = PROTOCOL_VERSION;
    Ok(Cbor(ExchangeResponse {
        v,
        epoch: app.epoch,
        server_time_ms,
        pushed,
        scope,
        pulled,
        wipe,
    }))
}

/// Keeps snapshots that the pull had to make. Nobody waits for it: a lost snapshot is made again.
fn keep_snapshots(app: &Arc<App>, made: Vec<Made>) {
    if made.is_empty() {
        return;
    }
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let kept = app.store.write(move |writing| {
            for Made {
                document,
                changes,
                snapshot,
            } in &made
            {
                stored::put_snapshot(writing.sql, *document, *changes, snapshot)?;
            }
            Ok::<_, Error>(())
        });
        if let Err(error) = kept.await {
            tracing::debug!(%error, "snapshots were not kept");
        }
    });
}

/// Refuses a device that knows another history of this server.
pub(super) fn expect_epoch(app: &App, epoch: EpochId) -> Result<(), Problem> {
    if epoch == app.epoch {
        return Ok(());
    }
    Err(Problem::new(Cause::EpochChanged)
        .detail("The server was restored from a backup or is another one: reconcile every area, then go on with this epoch")
        .member("epoch", app.epoch.to_string()))
}

fn expect_within_limits(request: &ExchangeRequest) -> Result<(), Problem> {
    let changes: usize = request.push.iter().map(|push| push.changes.len()).sum();
    let counts = [
        ("cursors", request.cursors.len(), limits::MAX_CURSORS),
        ("documents", request.push.len(), limits::MAX_PUSH_DOCUMENTS),
        ("changes", changes, limits::MAX_PUSH_CHANGES),
    ];
    match counts.into_iter().find(|(_, count, limit)| count > limit) {
        Some((what, count, limit)) => Err(Problem::new(Cause::BodyTooLarge).detail(format!(
            "{count} {what} in one exchange, at most {limit} are taken"
        ))),
        None => Ok(()),
    }
}

/// Stores the push in slices, so that a long one lets others in between. While one is stored, the next are made ready.
async fn push(
    app: &Arc<App>,
    pusher: Pusher,
    pushes: Vec<DocumentPush>,
) -> Result<Pushing, Problem> {
    let mut pushing = Pushing::new(pushes);
    let mut preparing = Preparing::new(app, &pushing.pushes);
    let documents = app.config.limits.push_slice_documents;
    let mut ready = 0;
    while !pushing.is_done() {
        if pushing.done() >= ready {
            pushing.lot_is_done();
            let (end, lot) = preparing.lot().await;
            pushing.make_ready(end, lot);
            ready = end;
        }
        let slice = documents.min(ready.saturating_sub(pushing.done()));
        pushing = app
            .store
            .write(move |writing| {
                ingest::ingest(writing, pusher, &mut pushing, slice)?;
                Ok::<_, Error>(pushing)
            })
            .await?;
    }
    Ok(pushing)
}
