//! The real parts together: a real server, real devices with real files, a supervisor at the API.
//!
//! [`desk`] is what a supervisor's program does, [`device`] what an officer's does, [`demo`] a district
//! that lives on both. The whole-system tests, the demonstration and the benchmarks are built on them.

#![expect(
    clippy::indexing_slicing,
    reason = "only JSON values are indexed, which answers null for what is not there"
)]

pub mod bench;
pub mod demo;
pub mod desk;
pub mod device;
pub mod kill;
pub mod line;
pub mod program;
pub mod simulation;
pub mod town;
pub mod wire;

/// What any step of a story may fail with; it is shown and the story ends.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
/// The result of a step.
pub type Result<T, E = Failure> = std::result::Result<T, E>;
