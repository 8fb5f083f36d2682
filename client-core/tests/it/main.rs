//! The book and its synchronisation against a small model of the server, in memory.
//!
//! The same tests run in a browser's worker, with their books where the officer's lies (`client-core/tests/browser`). What
//! can't be tested there says why.
#![cfg(any(test, target_family = "wasm"))]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]
#![cfg_attr(
    target_family = "wasm",
    expect(
        clippy::panic,
        reason = "there a test is an ordinary function to the lints"
    )
)]

#[cfg(target_family = "wasm")]
#[macro_use(test)]
extern crate sokiem_core_tests_macro;

mod books;
#[cfg(target_family = "wasm")]
mod browser;
mod converge;
mod copying;
mod driver;
mod files;
mod finishing;
mod hostile;
mod missing;
mod model;
mod nearby;
mod once;
// There the browser unpacks and scales; the core's part is not built.
#[cfg(not(target_family = "wasm"))]
mod pictures;
mod platform;
mod recovery;
// Folders of an operating system, and what `Book::open` sets aside in them.
#[cfg(not(target_family = "wasm"))]
mod rescue;
mod schedule;
// The same, and keys that an operating system keeps.
#[cfg(not(target_family = "wasm"))]
mod sealing;
mod sync;
mod uploads;
mod versions;
