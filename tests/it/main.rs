//! The whole system: real devices, a real server, real files, over HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking and print their seed"
)]

mod access;
mod browser;
mod convergence;
mod costs;
mod crash_points;
mod demonstration;
mod faults;
mod foreign;
mod identity_provider;
mod kill;
mod openapi;
mod quarantine;
mod restore;
mod signatures;
mod simulation;
mod size;
mod two_officers;
mod uploads;
