//! Is the server alive, can it serve, what does it count.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    app::Shared,
    error::Error,
    http::problem::{Cause, Problem},
};

/// The process runs.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "The process runs", body = String)))]
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// The database can be read and written.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, description = "Reader and writer answer", body = String),
    (status = 503, description = "The server is stopping or the database fails")))]
pub(crate) async fn readyz(State(app): Shared) -> Result<&'static str, Problem> {
    if *app.stopping.borrow() {
        return Err(Problem::new(Cause::Unavailable).detail("The server is stopping"));
    }
    let unavailable = |error: Error| {
        tracing::error!(%error, "not ready");
        Problem::new(Cause::Unavailable)
    };
    app.store
        .read(|sql| {
            Ok::<i64, Error>(sql.query_row("SELECT count(*) FROM meta", [], |row| row.get(0))?)
        })
        .await
        .map_err(unavailable)?;
    app.store
        .write(|writing| {
            writing.sql.execute(
                "INSERT INTO meta (key, value) VALUES ('ready', x'01') ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                [],
            )?;
            Ok::<(), Error>(())
        })
        .await
        .map_err(unavailable)?;
    Ok("ready")
}

/// Metrics for Prometheus, in the OpenMetrics text format.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, description = "OpenMetrics text", content_type = "application/openmetrics-text", body = String)))]
pub(crate) async fn metrics(State(app): Shared) -> Response {
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, media_type)],
        app.metrics.text(),
    )
        .into_response()
}
