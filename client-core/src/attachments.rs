//! Photos, scans and signature images on the device: taken in, kept in the book, sent when there is a network.
//!
//! The bytes lie in the book's own database, in parts of 256 KiB: there they are encrypted with everything else,
//! durable in the same transaction as the record that names them, rescued and wiped with it
//! (`docs/decisions` says what that costs). They are sent by a run of their own ([`run`], [`upload_once`]), after
//! the records and beside them, so a photo that does not get through never holds up a record.

mod adding;
mod driver;
mod facts;
mod fetching;
mod picture;
mod steps;
mod transport;

pub use adding::{About, AddedAttachment, NewAttachment, Place};
pub use driver::{run, upload_once};
pub use facts::Facts;
pub use picture::Prepared;
#[cfg(not(target_family = "wasm"))]
pub use picture::prepare;
pub use steps::{UploadReport, UploadRun, UploadStep};
pub use transport::{AttachmentTransport, NewUpload, Part, Standing, UploadToken};

pub use crate::store::attachments::{Attached, AttachmentState, AttachmentStatus};
