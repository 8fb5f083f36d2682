//! The client core in a browser: a dedicated worker that holds the book in the browser's private file system (OPFS),
//! encrypted under the officer's PIN, and synchronises it with the browser's own `fetch`.
//!
//! A page talks to it by messages ([`sokiem_web_messages`]) and never waits for it: the core decides everything, this crate
//! converts and delegates.
//!
//! # Invariants
//!
//! 1. A save is answered when SQLite has flushed it to the file.
//! 2. One tab holds the files; the others hand their requests to it, and one of them takes over when it closes. What was
//!    asked and not answered is asked again, and done once.
//! 3. The book's key is in memory only while the tab is unlocked; on disk it lies under the PIN.
//! 4. A damaged book is set aside, never deleted.
//!
//! | module | idea |
//! |---|---|
//! | [`calls`] | what a page asks of the open book, answered |
//! | [`failure`] | why something could not be done, in words |
//! | `worker` | the messages of a page, and which tab does what they ask |
//! | `tabs` | who holds the book, and how the others reach it |
//! | `ahead` | the book's files, taken while a PIN is looked at |
//! | `holding` | the open book, its synchronisation, files |
//! | `storage` | SQLite in OPFS, and small files beside it |
//! | `pin` | the key under the PIN, and how often one may be tried |
//! | `fetch` | requests to the server |
//! | `picture` | photos scaled by the browser |
//! | `platform` | clock, randomness, timer |

pub mod calls;
pub mod failure;

#[cfg(target_family = "wasm")]
mod ahead;
#[cfg(target_family = "wasm")]
mod fetch;
#[cfg(target_family = "wasm")]
mod holding;
#[cfg(target_family = "wasm")]
mod picture;
#[cfg(target_family = "wasm")]
mod pin;
#[cfg(target_family = "wasm")]
mod platform;
#[cfg(target_family = "wasm")]
mod storage;
#[cfg(target_family = "wasm")]
mod tabs;
#[cfg(target_family = "wasm")]
mod worker;
