//! The one error type of this crate. What the server refuses and where people differ are results, not errors.

use std::path::PathBuf;

use sokiem_record::{
    attachment::ContentHash,
    document::DocumentError,
    edit::EditError,
    id::{AreaId, DocumentId},
    media::NotAllowed,
    wire::DecodeError,
};

use crate::sync::TransportError;

/// What can go wrong. The text is English and for logs; a user interface decides by the variant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process, or another part of this one, has the book open.
    #[error("the book is open elsewhere: {0}")]
    OpenElsewhere(PathBuf),
    /// The file was written by a newer version of this program. It was not touched.
    #[error(
        "the book has schema {found}, this program knows up to {known}: install the newer version"
    )]
    NewerSchema {
        /// What the file states.
        found: i64,
        /// What this build can read.
        known: i64,
    },
    /// The folder for the book can't be made or the damaged file can't be set aside.
    #[error("the book's files can't be prepared: {0}")]
    Files(#[source] std::io::Error),
    /// The key does not open the book. The file was not changed, and no other book was begun in its place.
    #[error(
        "the key does not fit the book in {0}: use the key or passphrase that it was made with; the book was left as it is"
    )]
    WrongKey(PathBuf),
    /// There is a book and no key for it. It was not changed.
    #[error(
        "there is a book in {0} and no key for it: bring back the key file or keystore entry that it was made with"
    )]
    KeyMissing(PathBuf),
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the book's key")]
    WrongPassphrase,
    /// The key's file does not hold what it should.
    #[error("the book's key can't be read: {0}")]
    KeyFile(&'static str),
    /// The keystore can't be read or written.
    #[error("the keystore failed: {0}")]
    KeyStore(#[source] std::io::Error),
    /// This build of SQLite can't encrypt. Nothing was written.
    #[error("this build has no encryption: the book would lie in the clear")]
    NoCipher,
    /// Only a book in a file of its own can do this.
    #[error("this book was opened by its host, who has to do this")]
    NotAFile,
    /// The database is damaged. It was not changed.
    #[error("the book's database is damaged: {0}")]
    Damaged(String),
    /// There is no room on the device. What was saved before is safe; this was not saved.
    #[error(
        "the device's storage is full, this was not saved: free some space, then save again ({0})"
    )]
    Full(#[source] rusqlite::Error),
    /// The database said no.
    #[error("the book's database failed: {0}")]
    Database(#[source] rusqlite::Error),
    /// A row of the database does not hold what it should.
    #[error("the book's database holds something unreadable: {0}")]
    Unreadable(&'static str),
    /// A stored document can't be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// There is no such document on this device.
    #[error("there is no document {0} on this device")]
    NoSuchDocument(DocumentId),
    /// The document or area can be read here, not written.
    #[error("area {0} can't be written from this device")]
    ReadOnlyArea(AreaId),
    /// Only the server writes documents of this kind.
    #[error("documents of kind {0} are written by the server only")]
    ReadOnlyKind(&'static str),
    /// The edit does not fit the document.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The change would be larger than a change may be. Nothing was written.
    #[error("the change has {0} bytes, more than one change may have")]
    ChangeTooLarge(usize),
    /// Something that opening a planned inspection needs is missing or unreadable.
    #[error("the inspection can't be opened: {0}")]
    NotPlanned(&'static str),
    /// The file may not be attached.
    #[error("the file may not be attached: {0}")]
    NotAllowed(#[from] NotAllowed),
    /// The file has more bytes than an attachment may have.
    #[error("the file has {0} bytes, more than an attachment may have")]
    AttachmentTooLarge(usize),
    /// The record names no such attachment.
    #[error("the record names no attachment {0}")]
    NoSuchAttachment(ContentHash),
    /// The book has to be enrolled first.
    #[error("this device is not enrolled")]
    NotEnrolled,
    /// The server's answer can't be read.
    #[error("the server's answer can't be read: {0}")]
    Answer(#[from] DecodeError),
    /// The server's answer contradicts the request.
    #[error("the server's answer does not fit the request: {0}")]
    Contradiction(&'static str),
    /// The way to the server failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The platform gave no randomness.
    #[error("the platform gave no randomness: {0}")]
    Random(String),
}

impl Error {
    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::Transport(error) => error.is_retryable(),
            // Only another build of this program, or of the server, changes that.
            Error::Answer(DecodeError::Version(_)) => false,
            Error::OpenElsewhere(_)
            | Error::Full(_)
            | Error::Answer(_)
            | Error::Contradiction(_) => true,
            Error::Database(error) => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
            }
            _ => false,
        }
    }

    /// Whether the database file itself is damaged: the next [`crate::Book::open`] sets it aside.
    pub fn is_damage(&self) -> bool {
        match self {
            Error::Damaged(_) => true,
            Error::Database(error) => matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
            ),
            _ => false,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Error::Full(error),
            _ => Error::Database(error),
        }
    }
}

/// What every function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
