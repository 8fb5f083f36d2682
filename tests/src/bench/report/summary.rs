//! `summary.json`: every figure and ratio by scenario.

use serde_json::{Value as Json, json};

use super::{Parts, peers, targets};

pub(super) fn of(parts: &Parts) -> Json {
    let beside = parts.peers.as_ref().map(|run| {
        json!({
            "machine": run.machine, "command": run.command, "seed": run.seed,
            "missing": run.missing.iter().map(|(system, why)| json!({"system": system, "why": why})).collect::<Vec<_>>(),
            "failures": run.measured.iter().filter(|one| one.failure.is_some()).collect::<Vec<_>>(),
            "scenarios": peers::summary(&peers::rows(run)), "limits": run.limits,
        })
    });
    json!({"targets": targets::of(parts), "peers": beside, "storm": parts.storm, "growth": parts.growth})
}
