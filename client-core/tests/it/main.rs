//! The book and its synchronisation against a small model of the server, in memory.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

mod books;
mod converge;
mod copying;
mod driver;
mod finishing;
mod hostile;
mod missing;
mod model;
mod nearby;
mod once;
mod pictures;
mod platform;
mod recovery;
mod rescue;
mod schedule;
mod sealing;
mod sync;
mod uploads;
