//! Backups: one folder each, made while the server runs, checked before it is relied on, and restored
//! into a folder of its own before it takes a place.
//!
//! A backup holds one consistent copy of the database, every attachment that this copy refers to, and a
//! manifest with the SHA-256 of each file. It is written under another name, synced, and renamed last,
//! so that a half one is never taken for one.

mod check;
mod copy;
mod files;
mod make;
mod manifest;
mod restore;
pub(crate) mod schedule;
pub(crate) mod state;

pub use check::{Soundness, check};
pub use make::make_beside;
pub use manifest::Manifest;
pub use restore::{Restored, restore};

/// Folder of finished attachments, in the data folder and in a backup.
const ATTACHMENTS: &str = "attachments";
/// Name of the manifest in a backup.
const MANIFEST: &str = "manifest.json";
