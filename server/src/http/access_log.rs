//! One log line and one count for each request: method, route, status, time. No query, no address, no names.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};

use tracing::Instrument as _;

use crate::{app::App, telemetry};

pub(crate) async fn record(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().to_string();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let span = tracing::info_span!("request", id = %id);
    let response = next.run(request).instrument(span).await;
    let status = response.status().as_u16();
    let elapsed = begun.elapsed();
    app.metrics.request_seconds.observe(elapsed.as_secs_f64());
    let labels = telemetry::Request {
        method: method.clone(),
        route: route.clone(),
        status,
    };
    app.metrics.requests.get_or_create(&labels).inc();
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(request_id = %id, %method, %route, status, elapsed_us = micros, "request");
    response
}
