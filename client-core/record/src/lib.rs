//! What a unit, an inspection and a review are, how they merge and how they travel.
//!
//! Device and server both build on this crate, so they read one document and one message alike.
//! It is pure: no I/O, no clock, no randomness; ids, times and actors are handed in.
//!
//! # Invariants
//!
//! 1. Merging depends on neither the order of arrival nor any clock.
//! 2. Values that people set apart from each other stay, all of them, until somebody settles.
//! 3. Every value names the change that wrote it, and so its author, device and time.
//! 4. Bytes from elsewhere are checked before Automerge sees them ([`chunk`]) and never panic the caller.
//!
//! # Two officers, one record
//!
//! ```
//! use sokiem_record::{document::{Document, Received}, edit::{Author, Edit}, genesis, id::{ActorId, DocumentId}};
//! use uuid::Uuid;
//!
//! let plan = genesis::Plan {
//!     unit: DocumentId(Uuid::from_u128(1)),
//!     campaign: DocumentId(Uuid::from_u128(2)),
//!     criteria_code: "T124-CD".into(),
//!     criteria_version: 1,
//!     window: None,
//!     items: vec!["T124-CD-1B".into()],
//! };
//! // Both start the same planned inspection without network …
//! let (mut ones, _) = genesis::planned_inspection(&plan)?;
//! let (mut others, _) = genesis::planned_inspection(&plan)?;
//! assert_eq!(ones.heads(), others.heads());
//!
//! // … and record different answers.
//! let author = |n| Author { actor: ActorId(Uuid::from_u128(n)), time_ms: 0, reason: None };
//! let answer = |word: &str| Edit::Set { path: "items/T124-CD-1B/answer".parse().unwrap(), value: word.into() };
//! ones.edit(&author(7), None, &[answer("pass")])?;
//! let theirs = others.edit(&author(8), None, &[answer("fail")])?.unwrap();
//!
//! // When the records meet, both values are there.
//! assert!(matches!(ones.receive(&theirs.bytes)?, Received::Applied(_)));
//! assert_eq!(ones.conflicts()[0].alternatives.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod attachment;
pub mod attestation;
pub mod attribution;
pub mod chunk;
pub mod copying;
pub mod criteria;
pub mod document;
pub mod edit;
pub mod fingerprint;
pub mod fold;
pub mod genesis;
pub mod history;
pub mod id;
pub mod labels;
pub mod limits;
pub mod media;
pub mod missing;
pub mod position;
pub mod preview;
pub mod proof;
pub mod reading;
pub mod refusal;
pub mod regime;
pub mod renew;
pub mod schema;
mod shape;
pub mod signing;
pub mod snapshot;
mod straight;
pub mod summary;
pub mod typed;
mod value;
pub mod verification;
pub mod wire;
pub mod words;

pub use automerge::ChangeHash;
pub use value::{InvalidValue, is_date};
