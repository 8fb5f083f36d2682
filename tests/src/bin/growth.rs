//! `make growth SIZES=…`: what the server costs at each of these sizes, and what a record costs with a long history.
#![expect(clippy::print_stderr, reason = "a command tells how far it has come")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use sokiem_tests::{
    Result,
    bench::{
        growth::{self, Growth},
        machine::Machine,
        report::{self, Parts},
        systems::Programs,
    },
};

/// Cost against size
#[derive(Parser)]
struct Arguments {
    /// Documents on the server, ascending
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    sizes: Vec<usize>,
    /// Changes of one record
    #[arg(long, value_delimiter = ',', default_value = "1,100,9900")]
    histories: Vec<usize>,
    /// Seconds after which it fills no further
    #[arg(long, default_value_t = 3_600)]
    time: u64,
    /// Where the results go
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// Write the docs too
    #[arg(long)]
    docs: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("growth: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let begun = Instant::now();
    let program = Programs::find()?.beside("server-under-test");
    let folder = tempfile::Builder::new()
        .prefix("sokiem-growth-")
        .tempdir()?;
    let machine = Machine::this(folder.path())?;
    let tell = |size: &growth::Size| {
        let line = serde_json::to_string(size).unwrap_or_default();
        eprintln!("[{:6.1} s] {line}", begun.elapsed().as_secs_f64());
    };
    let time = Duration::from_secs(arguments.time);
    let (sizes, unreached) = growth::sizes(&program, folder.path(), &arguments.sizes, time, &tell)?;
    let folder = tempfile::Builder::new()
        .prefix("sokiem-growth-")
        .tempdir()?;
    let histories = growth::histories(&program, folder.path(), &arguments.histories)?;
    eprintln!("{}", serde_json::to_string(&histories)?);
    let asked: Vec<String> = arguments.sizes.iter().map(ToString::to_string).collect();
    let grown = Growth {
        machine,
        command: format!("make growth SIZES={}", asked.join(",")),
        sizes,
        histories,
        unreached,
    };
    report::keep(&arguments.out, "growth", &grown)?;
    let docs = arguments.docs.then(|| Path::new("docs"));
    report::write(&Parts::read(&arguments.out)?, &arguments.out, docs)
}
