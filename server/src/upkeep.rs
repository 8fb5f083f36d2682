//! What the server does by itself while it runs, when it is due.

use std::{sync::Arc, time::Duration};

use crate::{app::App, audit::chain, backup, retention, webhooks::outbox};

/// How often it looks what is due.
const LOOK: Duration = Duration::from_secs(60);
/// Looks between two anchors of the audit log in the server's own log.
const LOOKS_PER_ANCHOR: u64 = 60;

/// Runs until the server stops.
pub(crate) async fn run(app: Arc<App>) {
    let mut stopping = app.stopping.clone();
    let mut looks = 0_u64;
    loop {
        if looks.is_multiple_of(LOOKS_PER_ANCHOR) {
            anchor(&app).await;
        }
        backup::schedule::run(&app).await;
        retention::run::scheduled(&app).await;
        outbox::forget_old(&app).await;
        looks += 1;
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Says where the audit log stands, for whoever keeps the server's log elsewhere: a later check against it
/// shows a cut-off end.
async fn anchor(app: &App) {
    match app.store.read(chain::head).await {
        Ok(head) => tracing::info!(audit = %head, "audit anchor"),
        Err(error) => tracing::error!(%error, "the audit log can't be read"),
    }
}
