//! What can go wrong inside the server. Callers over HTTP see a [`crate::http::problem::Problem`] instead.

use std::{io, path::PathBuf};

use sokiem_record::document::DocumentError;

/// An operation of the server that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration could not be read, or says something impossible.
    #[error("reading the configuration: {0}")]
    Config(#[from] Box<figment::Error>),
    /// A configured value makes no sense.
    #[error("configuration: {0}")]
    BadConfig(String),
    /// The data folder could not be made.
    #[error("preparing the data folder {path}: {source}")]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database could not be opened or upgraded.
    #[error("opening the database {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The database was written by a newer server.
    #[error("the database has version {found}, this server knows up to {known}")]
    NewerDatabase {
        /// What the file says.
        found: usize,
        /// What this build knows.
        known: usize,
    },
    /// A statement failed.
    #[error("database: {0}")]
    Sql(#[from] rusqlite::Error),
    /// A row holds what it can't hold.
    #[error("the database holds an unreadable {0}")]
    Unreadable(&'static str),
    /// A stored document can't be loaded.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The group of writes that this one belonged to was not committed.
    #[error("the write was not committed")]
    NotCommitted,
    /// The server is stopping, or a worker thread is gone.
    #[error("the store is closed")]
    Closed,
    /// Work on a blocking thread panicked.
    #[error("a worker panicked")]
    Panicked,
    /// The file of a key could not be read or written.
    #[error("the key file {path}: {source}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A second factor could not be made.
    #[error("second factor: {0}")]
    SecondFactor(String),
    /// There is no account of that name.
    #[error("there is no account named {0}, or it has no second factor")]
    NoSuchAccount(String),
    /// The operating system gave no randomness.
    #[error("no randomness: {0}")]
    Randomness(getrandom::Error),
    /// A password could not be hashed or a stored hash is not one.
    #[error("password hash: {0}")]
    PasswordHash(String),
    /// The address could not be bound, or the listener failed.
    #[error("listening on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The audit log is not what was written.
    #[error("the audit log is broken at row {row}: {fault}")]
    AuditBroken {
        /// The first bad row.
        row: i64,
        /// What is wrong with it.
        fault: String,
    },
    /// A file of a backup or a restore could not be worked on.
    #[error("{doing} {path}: {source}")]
    Backup {
        /// What was done.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A backup is not what was written, or can't be restored.
    #[error("the backup is not sound: {}", .0.join("; "))]
    BackupUnsound(Vec<String>),
    /// Something is where a backup was to be made.
    #[error("{0} exists and is not empty; a backup is made in a new folder")]
    BackupExists(PathBuf),
    /// A server runs on the data folder.
    #[error("a server is running on {0}; stop it first")]
    DataFolderInUse(PathBuf),
    /// The data folder holds something that a restore would replace.
    #[error("{0} is not empty; --replace sets it aside")]
    DataFolderNotEmpty(PathBuf),
    /// The file of an upload could not be written, read or removed.
    #[error("the file of an upload: {0}")]
    UploadFile(#[source] io::Error),
    /// The store of attachments failed.
    #[error("the store of attachments: {0}")]
    Objects(#[from] object_store::Error),
    /// An account with that name exists.
    #[error("an account named {0} exists")]
    AccountExists(String),
}

impl Error {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::NotCommitted | Error::Closed | Error::Objects(_) | Error::UploadFile(_) => true,
            Error::Sql(rusqlite::Error::SqliteFailure(error, _)) => matches!(
                error.code,
                rusqlite::ErrorCode::DatabaseBusy
                    | rusqlite::ErrorCode::DatabaseLocked
                    | rusqlite::ErrorCode::DiskFull
            ),
            _ => false,
        }
    }
}
