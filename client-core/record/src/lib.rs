//! What a unit, an inspection and a review are, how they merge and how they travel.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod chunk;
pub mod fingerprint;
pub mod id;
pub mod limits;
pub mod refusal;
pub mod wire;

pub use automerge::ChangeHash;
