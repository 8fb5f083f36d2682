//! The behaviour of records: merging, conflicts, history, first changes, hostile changes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking and print their seed"
)]

mod asking;
mod attribution;
mod conflicts;
mod convergence;
mod costs;
mod criteria;
mod first_change;
mod fold;
mod fuzz;
mod history;
mod hostile;
mod media;
mod missing;
mod proof;
mod signatures;
mod snapshot;
mod support;
mod typed;
mod versions;
