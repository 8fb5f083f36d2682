//! The audit log: who did what, who looked at what, and proof that nobody changed it afterwards.
//!
//! A row is written in the transaction of what it records, so there is neither an act without its row
//! nor a row without its act. Reads of records are noted a moment later, in batches, so that nobody
//! waits for them. Rows name ids and words, never what a record says and never a secret.
//!
//! ```ignore
//! audit::note(writing, Entry::new(Action::AreaMade).by(caller.account).on("area", area).area(area))?;
//! ```

pub(crate) mod chain;
pub(crate) mod endpoint;
mod entry;
pub(crate) mod reads;

pub(crate) use chain::note;
pub(crate) use entry::{Action, Entry};
