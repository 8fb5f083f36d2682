//! Everything that runs in the officer's hand, without any user interface: the book on disk, the
//! synchronisation, and the scheduler that runs it in the background.
//!
//! A [`Book`] is one SQLite database with one writer. Its functions are plain calls that return when
//! SQLite has answered; none of them waits for the network. [`sync`] carries changes to the server and
//! back through a [`sync::Transport`]; it owns no runtime and holds no lock while it waits. Clock,
//! randomness and timer are handed in ([`platform`]), so the crate also builds for browsers.
//!
//! # Invariants
//!
//! 1. A save returns when it is on disk: one transaction holds the change, the list row and the outbox.
//! 2. A document's acknowledged part and its pending part lie apart; the outbox is the pending part.
//!    What the server refuses leaves the document and stays, with its reason, until a person dismisses it.
//! 3. An answer of the server is taken in by one transaction: outcomes, news, cursors and scope
//!    together. A lost, cut or doubled answer therefore changes nothing.
//! 4. "Synced" ([`status::Status::last_verified_ms`]) is said only when nothing is pending, every area was
//!    pulled to its end, and the fingerprints of both sides agreed. Where they do not, heads are compared
//!    and whatever the server lost is offered again.
//! 5. Bytes from the server are checked like a stranger's. What can't be taken is set aside and noted.
//! 6. A damaged database is set aside, never deleted, and what can be read of it is carried over.
//! 7. The database is encrypted. A wrong key is told as such; it never begins a new book in the old one's
//!    place, and never counts as damage.
//! 8. Lists and search read a table that is written with every change, and open no document.
//! 9. An operation that a host asks for again, since it did not hear the answer, writes nothing twice ([`Book::once`]).
//!
//! # How to find your way
//!
//! | module | idea |
//! |---|---|
//! | [`attachments`] | photos and scans: taken in, kept, sent, fetched |
//! | [`book`] | opening, writing, reading, exporting; doing a thing once; what a record lacks |
//! | [`keys`] | the key that the book is encrypted with, and where a host keeps it |
//! | [`search`] | lists, search, distance, what is assigned and late |
//! | [`sync`] | the steps of a synchronisation, the transport, the background driver |
//! | [`schedule`] | when to synchronise: a pure state machine |
//! | [`status`] | what a user interface shows, and how it hears of changes |
//! | `store` | the tables, migrations and the rescue; nothing outside of this crate sees SQL |
//!
//! # An officer without network
//!
//! ```
//! use serde_json::json;
//! use sokiem_client_core::{Book, platform::{SystemClock, SystemRandom}, sync::{Step, SyncRun}};
//! use sokiem_record::{edit::Edit, id::{AreaId, EpochId}, wire};
//! use uuid::Uuid;
//!
//! let book = Book::in_memory(SystemClock, SystemRandom)?;
//!
//! // Once, with network: the server says which areas this officer works in. Here its answer is made
//! // by hand; `sync::sync_once` does the same over a transport.
//! let commune = AreaId(Uuid::from_u128(7));
//! let mut run = SyncRun::new();
//! let Step::Exchange(_request) = run.next(&book)? else { panic!("a synchronisation begins with an exchange") };
//! let answer = wire::ExchangeResponse {
//!     v: wire::PROTOCOL_VERSION,
//!     epoch: EpochId(Uuid::from_u128(1)),
//!     server_time_ms: 0,
//!     pushed: vec![],
//!     scope: vec![wire::Grant { area: commune, writable: true }],
//!     pulled: vec![],
//!     wipe: false,
//! };
//! run.received(&book, &wire::encode(&answer))?;
//!
//! // From then on without network: saved means on disk.
//! let fields = json!({"name": "Trường THCS Đại Điền", "unit_kind": "school"});
//! let unit = book.create_unit(commune, fields.as_object().ok_or("an object")?)?;
//! let staff = Edit::Set { path: "staff".parse()?, value: 40.into() };
//! book.edit(unit.document, Some(&unit.heads), &[staff], None)?;
//!
//! assert_eq!(book.search("dai dien", 10)?[0].document, unit.document);
//! assert_eq!(book.get(unit.document)?.fields["staff"], 40);
//! assert_eq!(book.status()?.pending, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod attachments;
pub mod book;
mod error;
pub mod keys;
pub mod platform;
pub mod schedule;
pub mod search;
pub mod status;
mod store;
pub mod sync;

pub use book::{Book, OpenedBook};
pub use error::{Error, Result};
pub use store::{
    enrolment::{EnrolRequest, EnrolResponse, EnrolledAccount, Enrolment},
    quarantine::{Direction, Refused},
    record::Event,
    rescue::{Lost, RescueReport},
};
