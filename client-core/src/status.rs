//! What a user interface shows of the synchronisation, and how it hears that something changed.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

use futures_util::task::AtomicWaker;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sokiem_record::{id::AreaId, wire::DecodeError};

use crate::{
    error::{Error, Result},
    store::{
        areas,
        attachments::{self, AttachmentStatus},
        enrolment, outbox, quarantine, record,
    },
};

/// The state of the synchronisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whether this device belongs to an officer.
    pub enrolled: bool,
    /// Changes that are not on the server yet.
    pub pending: u64,
    /// When the oldest of them was saved, in milliseconds since 1970-01-01 UTC.
    pub pending_since_ms: Option<i64>,
    /// Changes that were refused and that nobody has dismissed: see [`crate::Book::refused`].
    pub refused: u64,
    /// Photos and scans that are not on the server yet. They hold nothing else up.
    pub attachments: AttachmentStatus,
    /// Whether a synchronisation is under way.
    pub syncing: bool,
    /// When everything was last proved to be on both sides. Only this may be shown as "synced".
    pub last_verified_ms: Option<i64>,
    /// Why the latest synchronisation failed; `None` when it did not.
    pub last_error: Option<Failure>,
    /// When the next attempt is due, while the background scheduler runs.
    pub next_try_ms: Option<i64>,
    /// Areas in which the two sides do not hold the same, after a comparison.
    pub disagreeing: Vec<AreaId>,
    /// Everything on this device was erased, because somebody asked for it.
    pub erased: Option<Erased>,
}

/// What was erased on request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Changes that could not be sent before, and are gone.
    pub unsent: u64,
    /// Changes that the server had refused: it keeps them for supervisors to look at.
    pub refused: u64,
}

/// Why a synchronisation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// A short name that a user interface translates: `offline`, `timeout`, `device-revoked`, …
    pub code: String,
    /// English text.
    pub detail: String,
    /// Vietnamese text, where there is one.
    pub detail_vi: Option<String>,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Whether it may go away by itself.
    pub retryable: bool,
}

impl Failure {
    /// What an error says to the officer.
    pub(crate) fn of(error: &Error, at_ms: i64) -> Self {
        let (code, detail_vi) = match error {
            Error::Transport(error) => (
                error.code().to_owned(),
                match error {
                    crate::sync::TransportError::Refused { detail_vi, .. } => detail_vi.clone(),
                    _ => None,
                },
            ),
            Error::Answer(DecodeError::Version(_)) => (
                "unsupported-version".to_owned(),
                Some("máy chủ dùng phiên bản khác: hãy cập nhật ứng dụng".to_owned()),
            ),
            Error::Answer(_) | Error::Contradiction(_) => ("strange-answer".to_owned(), None),
            Error::Full(_) => (
                "storage-full".to_owned(),
                Some("bộ nhớ máy đã đầy: hãy giải phóng bớt rồi đồng bộ lại".to_owned()),
            ),
            _ => ("book".to_owned(), None),
        };
        Self {
            code,
            detail: error.to_string(),
            detail_vi,
            at_ms,
            retryable: error.is_retryable(),
        }
    }
}

/// The part of the status that lives in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    syncing: bool,
    last_error: Option<Failure>,
    next_try_ms: Option<i64>,
}

impl Status {
    pub(crate) fn read(connection: &Connection, live: &Live) -> Result<Self> {
        let (pending, pending_since_ms) = outbox::pending(connection)?;
        let disagreeing = areas::all(connection)?
            .iter()
            .filter(|row| row.in_scope && row.disagreed.is_some() && !row.agrees())
            .map(|row| row.cursor.area)
            .collect();
        Ok(Self {
            enrolled: enrolment::get(connection)?.is_some(),
            pending,
            pending_since_ms,
            refused: quarantine::count(connection)?,
            attachments: attachments::status(connection)?,
            syncing: live.syncing,
            last_verified_ms: record::fact(connection, record::LAST_VERIFIED)?
                .and_then(|ms| ms.parse().ok()),
            last_error: live.last_error.clone(),
            next_try_ms: live.next_try_ms,
            disagreeing,
            erased: record::fact(connection, record::ERASED)?
                .and_then(|erased| serde_json::from_str(&erased).ok()),
        })
    }
}

type Callback = Box<dyn Fn() + Send + Sync>;

/// Who wants to hear of changes.
#[derive(Default)]
pub(crate) struct Watch {
    version: Arc<AtomicU64>,
    saves: AtomicU64,
    live: Mutex<Live>,
    listeners: Mutex<Vec<Weak<AtomicWaker>>>,
    callbacks: Mutex<Vec<Arc<Callback>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// Something may read differently now.
    pub(crate) fn notify(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        lock(&self.listeners)
            .retain(|listener| listener.upgrade().inspect(|waker| waker.wake()).is_some());
        let callbacks: Vec<Arc<Callback>> = lock(&self.callbacks).clone();
        for callback in callbacks {
            callback();
        }
    }

    /// The officer saved something.
    pub(crate) fn saved(&self) {
        self.saves.fetch_add(1, Ordering::AcqRel);
        self.notify();
    }

    /// How often the officer saved something since the book was opened.
    pub(crate) fn saves(&self) -> u64 {
        self.saves.load(Ordering::Acquire)
    }

    pub(crate) fn live(&self) -> Live {
        lock(&self.live).clone()
    }

    pub(crate) fn sync_began(&self) {
        {
            let mut live = lock(&self.live);
            live.syncing = true;
            live.next_try_ms = None;
        }
        self.notify();
    }

    pub(crate) fn sync_ended(&self, failure: Option<Failure>) {
        {
            let mut live = lock(&self.live);
            live.syncing = false;
            live.last_error = failure;
        }
        self.notify();
    }

    /// A synchronisation was dropped half-way: by a pause, or because the program ends.
    pub(crate) fn sync_dropped(&self) {
        lock(&self.live).syncing = false;
        self.notify();
    }

    pub(crate) fn next_try(&self, at_ms: Option<i64>) {
        let changed = {
            let mut live = lock(&self.live);
            std::mem::replace(&mut live.next_try_ms, at_ms) != at_ms
        };
        if changed {
            self.notify();
        }
    }

    pub(crate) fn listen(&self) -> StatusListener {
        let waker = Arc::new(AtomicWaker::new());
        lock(&self.listeners).push(Arc::downgrade(&waker));
        StatusListener {
            version: Arc::clone(&self.version),
            seen: self.version.load(Ordering::Acquire),
            waker,
        }
    }

    pub(crate) fn call(&self, callback: Callback) {
        lock(&self.callbacks).push(Arc::new(callback));
    }
}

/// Hears when the status may have changed. Several changes in a row are one.
#[derive(Debug)]
pub struct StatusListener {
    version: Arc<AtomicU64>,
    seen: u64,
    waker: Arc<AtomicWaker>,
}

impl StatusListener {
    /// Completes when something changed since the listener was made or this last completed.
    pub async fn changed(&mut self) {
        self.seen = poll_fn(|context| {
            self.waker.register(context.waker());
            let now = self.version.load(Ordering::Acquire);
            if now == self.seen {
                Poll::Pending
            } else {
                Poll::Ready(now)
            }
        })
        .await;
    }
}
