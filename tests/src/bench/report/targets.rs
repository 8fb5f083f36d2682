//! What was to be reached, and whether it was.

use serde::Serialize;

use super::{
    Parts, growth,
    peers::{self, Row},
    storm,
};
use crate::bench::{limit::Limit, systems::System};

/// A target and what was measured.
#[derive(Debug, Serialize)]
pub(super) struct Target {
    pub(super) what: String,
    pub(super) wanted: f64,
    pub(super) measured: f64,
    pub(super) unit: &'static str,
    pub(super) reached: bool,
}

impl Target {
    pub(super) fn at_least(
        what: impl Into<String>,
        wanted: f64,
        measured: f64,
        unit: &'static str,
    ) -> Self {
        Self {
            what: what.into(),
            wanted,
            measured,
            unit,
            reached: measured >= wanted,
        }
    }

    pub(super) fn at_most(
        what: impl Into<String>,
        wanted: f64,
        measured: f64,
        unit: &'static str,
    ) -> Self {
        Self {
            what: what.into(),
            wanted,
            measured,
            unit,
            reached: measured <= wanted,
        }
    }
}

/// The largest run of a scenario.
fn row<'a>(rows: &'a [Row], scenario: &str) -> Option<&'a Row> {
    rows.iter()
        .filter(|row| row.scenario == scenario)
        .max_by_key(|row| row.records)
}

pub(super) fn of(parts: &Parts) -> Vec<Target> {
    let mut targets = Vec::new();
    if let Some(measured) = &parts.peers {
        let rows = peers::rows(measured);
        beside(&mut targets, &rows);
        if let Some(limit) = measured.limits.iter().max_by_key(|limit| limit.records) {
            near(&mut targets, &rows, limit);
        }
    }
    if let Some(storms) = &parts.storm {
        storm::targets(&mut targets, storms);
    }
    if let Some(grown) = &parts.growth {
        growth::targets(&mut targets, grown);
    }
    targets
}

/// How many times faster than peers.
fn beside(targets: &mut Vec<Target>, rows: &[Row]) {
    let wanted = [
        ("push", System::Pouchdb, 3.0),
        ("push", System::Samod, 50.0),
        ("pull", System::Pouchdb, 10.0),
        ("pull", System::Samod, 200.0),
        ("nothing", System::Pouchdb, 100.0),
    ];
    for (scenario, system, times) in wanted {
        if let Some((row, ratio)) =
            row(rows, scenario).and_then(|row| Some((row, row.ratio(system)?)))
        {
            targets.push(Target::at_least(
                format!("{}: faster than {system}", row.title()),
                times,
                ratio.median,
                "×",
            ));
        }
    }
    let both = row(rows, "edits pushed").zip(row(rows, "edits pulled"));
    let took = |system| {
        let (pushed, pulled) = both?;
        Some(pushed.cell(system)?.seconds.median + pulled.cell(system)?.seconds.median)
    };
    if let Some((theirs, ours)) = took(System::Pouchdb).zip(took(System::Ours)) {
        targets.push(Target::at_least(
            "1 % edited, pushed and pulled: faster than pouchdb",
            10.0,
            theirs / ours,
            "×",
        ));
    }
    if let Some(nothing) = row(rows, "nothing").and_then(|row| row.cell(System::Ours)) {
        targets.push(Target::at_most(
            "nothing changed: bytes both ways",
            1_000.0,
            nothing.wire(),
            "B",
        ));
    }
    if let Some(pull) = row(rows, "pull").and_then(|row| row.cell(System::Ours)) {
        targets.push(Target::at_most(
            "server memory after serving all",
            60.0,
            pull.server_mib.median,
            "MiB",
        ));
    }
}

/// How near to the limit.
#[expect(clippy::cast_precision_loss, reason = "bytes of a few megabytes")]
fn near(targets: &mut Vec<Target>, rows: &[Row], limit: &Limit) {
    let of = |scenario: &str| {
        let row = rows
            .iter()
            .find(|row| row.scenario == scenario && row.records == limit.records)?;
        row.cell(System::Ours)
    };
    if let Some(pull) = of("pull") {
        let stream = limit.document_zstd_bytes as f64;
        targets.push(Target::at_most(
            "bytes of a fresh pull over the documents as one zstd stream",
            1.3,
            pull.down.median / stream,
            "×",
        ));
    }
    if let Some(push) = of("push") {
        let share = 100.0 * limit.sqlite.median / push.seconds.median;
        targets.push(Target::at_least(
            "durable push: share of bare SQLite inserts",
            30.0,
            share,
            "%",
        ));
    }
}
