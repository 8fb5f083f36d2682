//! How devices and server come to hold the same: one request pushes, pulls, and proves it.
//!
//! **Invariants.** The log of an area has no gaps. Nothing enters it that does not apply to its
//! document. An acknowledgement means that the change is on disk. An exchange with nothing new
//! touches no document.

pub(crate) mod author;
pub(crate) mod events;
pub(crate) mod exchange;
mod ingest;
pub(crate) mod log;
pub(crate) mod planned;
pub(crate) mod poke;
mod pull;
pub(crate) mod reconcile;
pub(crate) mod scope;
pub(crate) mod stored;
