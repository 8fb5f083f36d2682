//! The storm, for people.

use std::fmt::Write as _;

use super::{table, targets::Target};
use crate::bench::storm::{Outcome, Storms};

pub(super) fn text(out: &mut String, storms: &Storms) {
    let Some(plan) = storms.outcomes.first().map(|outcome| outcome.plan) else {
        return;
    };
    let _ = write!(
        out,
        "\n## The afternoon storm\n\n{} devices come back after a day, each with {} inspections of two changes and the metadata of {} photos in each; {} officers share a commune and get each other's news. Real signed exchanges on {} processors, shared by the server and the process that plays all devices. `{}`, {}, commit {}, load {:.1} when it began.\n\n",
        plan.devices,
        plan.inspections,
        plan.photos,
        plan.officers_per_commune,
        storms.machine.processors,
        storms.command,
        storms.machine.day,
        storms.machine.commit,
        storms.machine.load,
    );
    let rows: Vec<Vec<String>> = storms.outcomes.iter().map(row).collect();
    *out += &table::table(
        &[
            "back",
            "took",
            "inspections/s",
            "exchange: median · 99 % · longest",
            "put off",
            "errors",
            "lost",
            "documents pulled",
            "server: memory at most · processor",
        ],
        &rows,
    );
    for outcome in &storms.outcomes {
        if let Some(error) = &outcome.first_error {
            let _ = write!(out, "\n**The first error:** {error}\n");
        }
    }
}

fn row(outcome: &Outcome) -> Vec<String> {
    let (median, most, longest) = outcome.exchange_ms;
    let time = |ms: f64| table::time(ms / 1e3);
    vec![
        match outcome.plan.within_s {
            0 => format!("{} at a time", outcome.plan.at_once),
            seconds => format!("within {seconds} s"),
        },
        table::time(outcome.seconds),
        format!("{:.0}", outcome.records_per_s),
        format!("{} · {} · {}", time(median), time(most), time(longest)),
        outcome.put_off.to_string(),
        outcome.errors.to_string(),
        outcome.lost.to_string(),
        outcome.pulled.to_string(),
        format!(
            "{:.0} MiB · {:.1} s",
            outcome.server_mib.1, outcome.server_cpu_s
        ),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "a few errors")]
pub(super) fn targets(targets: &mut Vec<Target>, storms: &Storms) {
    let bad: usize = storms
        .outcomes
        .iter()
        .map(|outcome| outcome.errors + outcome.lost)
        .sum();
    targets.push(Target::at_most(
        "storm: errors and lost edits",
        0.0,
        bad as f64,
        "",
    ));
    for outcome in &storms.outcomes {
        if outcome.plan.within_s > 0 {
            targets.push(Target::at_most(
                "storm: 99th percentile of an exchange",
                2.0,
                outcome.exchange_ms.1 / 1e3,
                "s",
            ));
        } else {
            targets.push(Target::at_least(
                "storm: inspections a second",
                1_000.0,
                outcome.records_per_s,
                "/s",
            ));
        }
    }
}
