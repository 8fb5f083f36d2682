//! `make storm DEVICES=n`: devices that come back within a minute, and then as fast as the server takes them.
#![expect(clippy::print_stderr, reason = "a command tells how far it has come")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use sokiem_tests::{
    Result,
    bench::{
        machine::Machine,
        report::{self, Parts},
        storm::{self, Outcome, Plan, Storms},
        systems::Programs,
    },
};

/// A district that comes back into the network
#[derive(Parser)]
struct Arguments {
    /// How many devices
    #[arg(long, default_value_t = 1_000)]
    devices: usize,
    /// Inspections of each
    #[arg(long, default_value_t = 20)]
    inspections: usize,
    /// Photos of each inspection, as metadata
    #[arg(long, default_value_t = 3)]
    photos: usize,
    /// Officers of one commune, who get each other's news
    #[arg(long, default_value_t = 20)]
    officers_per_commune: usize,
    /// Within how many seconds all come back
    #[arg(long, default_value_t = 60)]
    within: u64,
    /// How many at a time when nobody waits
    #[arg(long, default_value_t = 16)]
    at_once: usize,
    /// The seed of when who comes
    #[arg(long, env = "SOKIEM_SEED", default_value_t = 20_261_201)]
    seed: u64,
    /// Where the results go
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// Write the docs too
    #[arg(long)]
    docs: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(lost) => {
            eprintln!(
                "storm: {lost} records are not as they were sent, or their devices did not get through"
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("storm: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<usize> {
    let program = Programs::find()?.beside("server-under-test");
    let spread = Plan {
        devices: arguments.devices,
        inspections: arguments.inspections,
        photos: arguments.photos,
        officers_per_commune: arguments.officers_per_commune.max(1),
        within_s: arguments.within,
        at_once: arguments.devices,
        seed: arguments.seed,
    };
    let crowded = Plan {
        within_s: 0,
        at_once: arguments.at_once,
        ..spread
    };
    let mut outcomes: Vec<Outcome> = Vec::new();
    let place = tempfile::Builder::new().prefix("sokiem-storm-").tempdir()?;
    let machine = Machine::this(place.path())?;
    for plan in [spread, crowded] {
        let folder = tempfile::Builder::new().prefix("sokiem-storm-").tempdir()?;
        let outcome = storm::play(&program, folder.path(), plan)?;
        eprintln!("{}", serde_json::to_string(&outcome)?);
        outcomes.push(outcome);
    }
    let bad = outcomes
        .iter()
        .map(|outcome| outcome.lost + outcome.errors)
        .sum();
    let storms = Storms {
        machine,
        command: format!("make storm DEVICES={}", arguments.devices),
        outcomes,
    };
    report::keep(&arguments.out, "storm", &storms)?;
    let docs = arguments.docs.then(|| Path::new("docs"));
    report::write(&Parts::read(&arguments.out)?, &arguments.out, docs)?;
    Ok(bad)
}
