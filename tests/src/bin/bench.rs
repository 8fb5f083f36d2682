//! `make bench`: us and the peers over the same records on this machine, in alternating rounds.
#![expect(clippy::print_stderr, reason = "a command tells how far it has come")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use sokiem_tests::{
    Result,
    bench::{
        limit,
        machine::Machine,
        records::{self, Record},
        report::{self, Parts, Peers},
        scenarios::{self, Measured, Round},
        systems::{Programs, System},
    },
};

/// Measures us and the peers side by side
#[derive(Parser)]
struct Arguments {
    /// How many records the larger run has
    #[arg(long, default_value_t = 5_000)]
    records: usize,
    /// How many the smaller one has; 0 for none
    #[arg(long, default_value_t = 1_000)]
    small: usize,
    /// How many records have a long history; 0 for none
    #[arg(long, default_value_t = 200)]
    histories: usize,
    /// Rounds of each system
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Rounds of the systems that take minutes for one
    #[arg(long, default_value_t = 2)]
    slow_rounds: usize,
    /// Only these systems
    #[arg(long, value_delimiter = ',')]
    only: Vec<System>,
    /// How long one exchange may take, in seconds
    #[arg(long, default_value_t = 240)]
    limit: u64,
    /// The seed of the records
    #[arg(long, env = "SOKIEM_SEED", default_value_t = 20_261_201)]
    seed: u64,
    /// Where the results go
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

impl Arguments {
    /// Whether the docs are to say what comes of this run.
    fn is_whole(&self) -> bool {
        self.records == 5_000
            && self.small == 1_000
            && self.histories > 0
            && self.only.is_empty()
            && self.rounds >= 3
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let begun = Instant::now();
    let folder = tempfile::Builder::new().prefix("sokiem-bench-").tempdir()?;
    let machine = Machine::this(folder.path())?;
    let programs = Programs::find()?;
    let (systems, missing) = who(arguments, &programs);
    for (system, why) in &missing {
        eprintln!("{system} is missing: {why}");
    }
    let sizes: Vec<usize> = [arguments.small, arguments.records]
        .into_iter()
        .filter(|size| *size > 0)
        .collect();
    let all = records::records(
        sizes
            .iter()
            .copied()
            .max()
            .unwrap_or(0)
            .max(arguments.histories),
        arguments.seed,
    );
    let take = |count: usize| all.get(..count).unwrap_or(&all);
    let mut limits = Vec::new();
    for size in &sizes {
        limits.push(limit::measure(
            take(*size),
            folder.path(),
            arguments.rounds,
        )?);
        fs::read_dir(folder.path())?.try_for_each(|file| fs::remove_file(file?.path()))?;
    }
    let mut measured: Vec<Measured> = Vec::new();
    for number in 0..arguments.rounds {
        for system in &systems {
            if system.is_slow() && number >= arguments.slow_rounds {
                continue;
            }
            let mut play = |what: &str,
                            with: &[Record],
                            how: fn(Round<'_>, &[Record]) -> Vec<Measured>|
             -> Result<()> {
                let place = folder.path().join("round");
                fs::create_dir_all(&place)?;
                let round = Round {
                    system: *system,
                    round: number,
                    programs: &programs,
                    limit: Duration::from_secs(arguments.limit),
                    folder: &place,
                };
                let came = how(round, with);
                tell(begun, number, *system, what, &came);
                measured.extend(came);
                Ok(fs::remove_dir_all(&place)?)
            };
            for size in &sizes {
                play(&format!("{size} records"), take(*size), scenarios::play)?;
            }
            if arguments.histories > 0 {
                play(
                    "histories",
                    take(arguments.histories),
                    scenarios::play_histories,
                )?;
            }
        }
    }
    let command: Vec<String> = std::env::args().skip(1).collect();
    let run = Peers {
        machine,
        command: match command.as_slice() {
            [] => "make bench".to_owned(),
            some => format!("make bench ARGS=\"{}\"", some.join(" ")),
        },
        seed: arguments.seed,
        measured,
        missing,
        limits,
        limit_s: arguments.limit,
    };
    report::keep(&arguments.out, "peers", &run)?;
    let docs = arguments.is_whole().then(|| Path::new("docs"));
    report::write(&Parts::read(&arguments.out)?, &arguments.out, docs)?;
    eprintln!(
        "{}",
        fs::read_to_string(arguments.out.join("benchmarks.md"))?
    );
    Ok(())
}

/// Who takes part, and who can't.
fn who(arguments: &Arguments, programs: &Programs) -> (Vec<System>, Vec<(System, String)>) {
    let asked = |system: &System| arguments.only.is_empty() || arguments.only.contains(system);
    let (mut systems, mut missing) = (Vec::new(), Vec::new());
    for system in System::ALL {
        match system.missing(programs) {
            _ if !asked(&system) => missing.push((system, "not asked for".to_owned())),
            Some(why) => missing.push((system, why)),
            None => systems.push(system),
        }
    }
    (systems, missing)
}

fn tell(begun: Instant, round: usize, system: System, what: &str, measured: &[Measured]) {
    let each: Vec<String> = measured
        .iter()
        .map(|one| match (&one.failure, one.seconds) {
            (Some(why), _) => format!("FAILED: {why}"),
            (None, seconds) => format!("{} {:.3} s", one.scenario, seconds.unwrap_or(0.0)),
        })
        .collect();
    eprintln!(
        "[{:6.1} s] round {} {system}, {what}: {}",
        begun.elapsed().as_secs_f64(),
        round + 1,
        each.join(" · ")
    );
}
