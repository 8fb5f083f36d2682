//! Real SQLite on simulated disks.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that can't go on has failed, and says with which seed"
)]

mod crashes;
mod errors;
mod ledger;
mod negative;
mod several;
