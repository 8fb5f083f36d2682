//! `sokiem`: the officer's book in a terminal. A thin binary over the client core: it reads the command
//! line, calls one function of the core, and prints what came of it.

mod arguments;
mod commands;
mod failure;
mod output;
mod session;
mod values;

use std::process::ExitCode;

use clap::Parser;

use crate::{arguments::Arguments, output::Output};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(&arguments.common);
    match commands::run(&arguments, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code)
        }
    }
}
