//! Plays simulated worlds until so many edits were made, and ends with one line of JSON.
//!
//! ```sh
//! soak --edits 1000000                 # worlds from a new seed, on every core
//! soak --seed 123 --worlds 1 --aloud   # one world again, event by event
//! ```
//!
//! Whatever is wrong is printed to standard error with the command that plays that world again; then the
//! exit code is 1.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program at a terminal"
)]

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use clap::Parser;
use sokiem_tests::simulation::{Plan, Report, play};

/// Soak test: simulated worlds with every kind of fault.
#[derive(Parser)]
struct Arguments {
    /// End when so many edits were made.
    #[arg(long, default_value_t = 10_000)]
    edits: u64,
    /// End after so many worlds, however few their edits.
    #[arg(long)]
    worlds: Option<u64>,
    /// Edits in each world before its faults end.
    #[arg(long, default_value_t = 400)]
    edits_per_world: u64,
    /// Seed of the first world; each next one has the next number. Drawn when not given.
    #[arg(long, env = "SOKIEM_SEED")]
    seed: Option<u64>,
    /// Worlds that are played at the same time; every core when not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Print every event.
    #[arg(long)]
    aloud: bool,
}

/// What all threads share.
struct Soak {
    arguments: Arguments,
    first: u64,
    next: AtomicU64,
    total: Mutex<Report>,
    begun: Instant,
}

impl Soak {
    /// Plays worlds until there were enough.
    fn work(&self) {
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            let enough = match self.arguments.worlds {
                Some(worlds) => number >= worlds,
                None => self.total().edits >= self.arguments.edits,
            };
            if enough {
                return;
            }
            let plan = Plan {
                seed: self.first.wrapping_add(number),
                edits: self.arguments.edits_per_world,
                aloud: self.arguments.aloud,
            };
            let outcome = play(plan);
            if !outcome.report.wrongs.is_empty() {
                eprintln!(
                    "world {seed}: {wrongs:#?}\nplay it again: soak --seed {seed} --worlds 1 --edits-per-world {edits} --aloud",
                    seed = plan.seed,
                    wrongs = outcome.report.wrongs,
                    edits = plan.edits,
                );
            }
            let mut total = self.total();
            total.add(&outcome.report);
            if total.schedules.is_multiple_of(100) {
                eprintln!(
                    "{} worlds, {} edits, {} lost, {} silent, {:.0} s",
                    total.schedules,
                    total.edits,
                    total.lost,
                    total.silent,
                    self.begun.elapsed().as_secs_f64()
                );
            }
        }
    }

    fn total(&self) -> std::sync::MutexGuard<'_, Report> {
        self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut bytes = [0; 4];
    // Without randomness the first world is number 0: a soak is none the worse for it.
    let _ = getrandom::fill(&mut bytes);
    let first = arguments
        .seed
        .unwrap_or(u64::from(u32::from_le_bytes(bytes)) << 20);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or(cores).max(1);
    eprintln!("SOKIEM_SEED={first} replays this soak's worlds");
    let soak = Soak {
        arguments,
        first,
        next: AtomicU64::new(0),
        total: Mutex::default(),
        begun: Instant::now(),
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| soak.work());
        }
    });
    let total = soak.total();
    for (fact, count) in &total.facts {
        eprintln!("{count:>10} {fact}");
    }
    println!("{}", total.to_json(soak.begun.elapsed().as_secs_f64()));
    ExitCode::from(u8::from(total.lost + total.silent > 0))
}
