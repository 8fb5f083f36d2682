//! The behaviour of records: merging, conflicts, history, first changes, hostile changes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod conflicts;
mod convergence;
mod first_change;
mod history;
mod hostile;
mod support;
mod versions;
