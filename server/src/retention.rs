//! Retention: what is kept how long, and what happens when that time is over.
//!
//! A purge takes a document's changes, snapshot, list row and attachments; a tombstone with its id stays, so
//! that neither a device nor a restored backup brings it back. Devices are told by their area's log.

pub(crate) mod burial;
pub(crate) mod endpoint;
pub(crate) mod hold;
pub(crate) mod plan;
pub(crate) mod run;
