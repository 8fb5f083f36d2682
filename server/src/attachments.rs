//! Photos, scans and signature images: what comes in, where it lies, who may see it.
//!
//! # How an attachment arrives
//!
//! 1. A device gets an upload token by a request that proves who it is ([`token`]).
//! 2. With it, any tus 1.0 client makes an upload and sends its bytes ([`upload`]); [`receiving`] writes
//!    them to a file of the upload. The offset that the server states is what is on disk.
//! 3. When the last byte is there, [`completion`] looks at the whole: the hash that was announced, a type
//!    that is allowed by content, a picture of a sane size. Then the bytes go to the object store, on disk,
//!    and one transaction says that they are there and which document they belong to.
//!
//! **Invariant:** whoever may read a document may read the attachments whose *bytes* were brought for it, and
//! nobody reads an attachment for knowing its hash. A record may name any hash; that opens nothing.
//!
//! **Invariant:** an upload whose bytes are whole is finished or refused, whenever the server died in between.

pub(crate) mod completion;
pub(crate) mod download;
pub(crate) mod listing;
pub(crate) mod objects;
pub(crate) mod quota;
mod range;
mod receiving;
mod row;
pub(crate) mod scope;
pub(crate) mod sweep;
pub(crate) mod token;
mod turns;
mod tus;
pub(crate) mod upload;

use std::sync::atomic::AtomicI64;

use tokio::sync::Semaphore;

use crate::config::Config;

/// What the handlers of attachments share.
pub(crate) struct Attachments {
    objects: objects::Objects,
    turns: turns::Turns,
    /// One upload is looked at as a whole at a time: that bounds memory, and keeps the removal of an object
    /// apart from its arrival.
    finishing: Semaphore,
    /// When uploads were last swept.
    swept_ms: AtomicI64,
}

impl Attachments {
    /// Attachments below the data folder.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            objects: objects::Objects::new(&config.data_dir),
            turns: turns::Turns::default(),
            finishing: Semaphore::new(1),
            swept_ms: AtomicI64::new(i64::MIN),
        }
    }
}
