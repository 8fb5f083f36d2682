//! The lock, the status, notices, and why something could not be done.

use serde::{Deserialize, Serialize};
use sokiem_record::id::{AccountId, AreaId};

/// Whether the book is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// There is no book on this device.
    None,
    /// There is one, and it takes a PIN.
    Locked,
    /// It is open.
    Open,
}

/// How things stand between this tab and the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whether the book is open.
    pub lock: Lock,
    /// Until a PIN is looked at again, in milliseconds; 0 for now.
    pub wait_ms: u64,
    /// Wrong PINs in a row.
    pub wrong: u32,
    /// Whether this tab holds the book; another one holds it otherwise.
    pub leads: bool,
    /// Whether the browser promised not to clear the storage away. `None` where it can't say.
    pub persisted: Option<bool>,
    /// Everything was erased on request, and nobody has begun anew.
    #[serde(default)]
    pub erased: Option<Erased>,
    /// What was read out of a damaged book, and how much was lost, in Vietnamese and English.
    #[serde(default)]
    pub rescued: Option<Text>,
}

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// Whose device this is and how its synchronisation stands. The fields of `status` are those of the core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Whose device this is; `None` before it was enrolled.
    pub owner: Option<Owner>,
    /// The synchronisation.
    pub status: Status,
    /// Where this device may look and write.
    pub areas: Vec<Area>,
}

/// Whose device this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The account.
    pub account: AccountId,
    /// The officer's name.
    pub account_name: String,
    /// The officer's title.
    pub account_title: String,
    /// What the server calls itself.
    pub server_name: String,
}

/// An area in the scope of this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    /// Which.
    pub area: AreaId,
    /// Its name.
    pub name: String,
    /// Whether this device may write there.
    pub writable: bool,
}

/// The state of the synchronisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether this device belongs to an officer.
    pub enrolled: bool,
    /// Changes that are not on the server yet.
    pub pending: u64,
    /// When the oldest of them was saved.
    pub pending_since_ms: Option<i64>,
    /// Changes that were refused and that nobody has dismissed.
    pub refused: u64,
    /// Photos that are not on the server yet.
    pub attachments: FileStatus,
    /// Whether a synchronisation is under way.
    pub syncing: bool,
    /// When everything was last proved to be on both sides: only this may be shown as "synced".
    pub last_verified_ms: Option<i64>,
    /// Why the latest synchronisation failed.
    pub last_error: Option<SyncFailure>,
    /// When the next attempt is due.
    pub next_try_ms: Option<i64>,
    /// Areas in which both sides do not hold the same.
    pub disagreeing: Vec<AreaId>,
    /// Everything was erased on request.
    pub erased: Option<Erased>,
}

/// Photos and scans on their way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStatus {
    /// How many are to be sent.
    pub waiting: u64,
    /// Their bytes that the server does not have yet.
    pub waiting_bytes: u64,
    /// How many the server will never take.
    pub refused: u64,
}

/// Why a synchronisation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncFailure {
    /// `offline`, `timeout`, `device-revoked`, …
    pub code: String,
    /// English.
    pub detail: String,
    /// Vietnamese, where there is one.
    pub detail_vi: Option<String>,
    /// When.
    pub at_ms: i64,
    /// Whether it may go away by itself.
    pub retryable: bool,
}

/// What was erased on request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// When.
    pub at_ms: i64,
    /// Changes that could not be sent before, and are gone.
    pub unsent: u64,
}

/// What the worker says without having been asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// Records or the status read differently now.
    Changed {
        /// The status.
        status: Status,
    },
    /// The lock, or who holds the book, has changed.
    Session {
        /// How things stand now.
        session: Session,
    },
}

/// Why something could not be done. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A word for programs: `wrong-pin`, `locked`, `storage-full`, `offline`, `device-revoked`, …
    pub code: String,
    /// What to tell a person, Vietnamese and English: what happened and what to do.
    pub text: Text,
    /// Whether the same may work later without anybody doing anything.
    pub retryable: bool,
}

impl Failure {
    /// A failure in words.
    pub fn new(code: &str, vi: &str, en: &str) -> Self {
        Self {
            code: code.to_owned(),
            text: Text {
                vi: vi.to_owned(),
                en: en.to_owned(),
            },
            retryable: false,
        }
    }
}
