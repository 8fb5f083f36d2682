//! `make kill ROUNDS=n`: kills the real programs that often; ends with one JSON line, and with failure when anything was lost.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command prints its result"
)]

use std::process::ExitCode;

use clap::Parser;
use sokiem_tests::{
    Result,
    kill::{Outcome, Programs, play},
};

/// Kill rounds against the real server and the real terminal tool.
#[derive(Parser)]
struct Arguments {
    /// How many rounds
    #[arg(long, default_value_t = 200)]
    rounds: u64,
    /// The seed of a run that is to be repeated
    #[arg(long, env = "SOKIEM_SEED")]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(outcome) if outcome.lost + outcome.half == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<Outcome> {
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => {
            let mut bytes = [0; 4];
            getrandom::fill(&mut bytes)?;
            u64::from(u32::from_le_bytes(bytes))
        }
    };
    eprintln!("SOKIEM_SEED={seed}");
    let beside = std::env::current_exe()?;
    let beside = beside.parent().ok_or("no folder")?;
    let programs = Programs {
        server: beside.join("server-under-test"),
        tool: beside.join("tool-under-test"),
    };
    let folder = tempfile::tempdir()?;
    let outcome = play(&programs, folder.path(), arguments.rounds, seed)?;
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(outcome)
}
