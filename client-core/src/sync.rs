//! Synchronising with the server: decisions in pure steps, I/O through a [`Transport`].
//!
//! [`SyncRun`] says what to send next and takes the answers in; it reads and writes the book and
//! nothing else. [`sync_once`] drives it over a transport, [`run`] keeps doing that in the background.
//! No lock is held while the network is waited for, so saves go on during a synchronisation.

pub mod client;
mod driver;
mod entries;
mod fork;
#[cfg(feature = "http")]
pub mod http;
mod outcomes;
mod reconcile;
mod renewal;
mod scope;
mod signer;
mod steps;
mod transport;

pub use driver::{enrol, run, sync_once};
pub use renewal::NextKey;
pub(crate) use scope::{note_epoch, sweep};
pub use signer::{DeviceKey, Signed, Signer};
pub use steps::{Step, SyncReport, SyncRun};
pub use transport::{Transport, TransportError};
