//! Logs and metrics. Neither holds personal data: no names, no record content, no credentials.

use std::{
    io::IsTerminal as _,
    sync::atomic::{AtomicI64, AtomicU64},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use tracing_subscriber::EnvFilter;

use crate::{
    config::{Log, LogFormat},
    error::Error,
};

/// Sends log lines to standard error in the configured form. Once for each process.
///
/// # Errors
/// [`Error::BadConfig`] when the filter can't be read or logging was set up before.
pub fn init_logs(log: &Log) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&log.filter)
        .map_err(|error| Error::BadConfig(format!("log.filter: {error}")))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match log.format {
        LogFormat::Human => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    }
    .map_err(|error| Error::BadConfig(format!("logging: {error}")))
}

/// Labels of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) route: String,
    pub(crate) status: u16,
}

/// Label of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    pub(crate) reason: &'static str,
}

/// What the server counts.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) requests: Family<Request, Counter>,
    pub(crate) request_seconds: Histogram,
    pub(crate) group_writes: Histogram,
    pub(crate) commit_seconds: Histogram,
    pub(crate) rows_written: Counter,
    pub(crate) write_queue: Gauge<i64, AtomicI64>,
    pub(crate) documents_touched: Counter<u64, AtomicU64>,
    pub(crate) changes_stored: Counter,
    pub(crate) changes_refused: Family<Reason, Counter>,
    pub(crate) quarantine_full: Counter,
    pub(crate) cursor_resets: Counter,
    pub(crate) reconciles: Counter,
    pub(crate) event_streams: Gauge<i64, AtomicI64>,
    pub(crate) audit_reads_overflowed: Counter,
    pub(crate) backup_last_success: Gauge<i64, AtomicI64>,
    pub(crate) backup_failures: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("sokiem");
        let metrics = Self {
            requests: Family::default(),
            request_seconds: Histogram::new(exponential_buckets(0.000_5, 2.0, 16)),
            group_writes: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            commit_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            rows_written: Counter::default(),
            write_queue: Gauge::default(),
            documents_touched: Counter::default(),
            changes_stored: Counter::default(),
            changes_refused: Family::default(),
            quarantine_full: Counter::default(),
            cursor_resets: Counter::default(),
            reconciles: Counter::default(),
            event_streams: Gauge::default(),
            audit_reads_overflowed: Counter::default(),
            backup_last_success: Gauge::default(),
            backup_failures: Counter::default(),
            registry: Registry::default(),
        };
        registry.register(
            "http_requests",
            "Requests answered",
            metrics.requests.clone(),
        );
        registry.register(
            "http_request_seconds",
            "Time to answer",
            metrics.request_seconds.clone(),
        );
        registry.register(
            "store_group_writes",
            "Writes in one commit",
            metrics.group_writes.clone(),
        );
        registry.register(
            "store_commit_seconds",
            "Time of one commit",
            metrics.commit_seconds.clone(),
        );
        registry.register(
            "store_rows_written",
            "Rows of tables inserted, updated and deleted, of writes that were committed or not",
            metrics.rows_written.clone(),
        );
        registry.register(
            "store_write_queue",
            "Writes waiting",
            metrics.write_queue.clone(),
        );
        registry.register(
            "documents_touched",
            "Document rows read or written by sync; an exchange with nothing new adds none",
            metrics.documents_touched.clone(),
        );
        registry.register(
            "changes_stored",
            "Changes stored",
            metrics.changes_stored.clone(),
        );
        registry.register(
            "changes_refused",
            "Changes refused, by reason",
            metrics.changes_refused.clone(),
        );
        registry.register(
            "quarantine_full",
            "Refused changes not kept because a device's quarantine is full",
            metrics.quarantine_full.clone(),
        );
        registry.register(
            "cursor_resets",
            "Cursors that did not fit the log",
            metrics.cursor_resets.clone(),
        );
        registry.register(
            "reconciles",
            "Reconciliations asked for by devices",
            metrics.reconciles.clone(),
        );
        registry.register(
            "event_streams",
            "Open event streams",
            metrics.event_streams.clone(),
        );
        registry.register(
            "audit_reads_overflowed",
            "Reads of records that the audit log knows only by their number",
            metrics.audit_reads_overflowed.clone(),
        );
        registry.register(
            "backup_last_success",
            "When the newest scheduled backup was made, seconds since 1970-01-01 UTC",
            metrics.backup_last_success.clone(),
        );
        registry.register(
            "backup_failures",
            "Scheduled backups that failed",
            metrics.backup_failures.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }

    /// All metrics in the OpenMetrics text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
