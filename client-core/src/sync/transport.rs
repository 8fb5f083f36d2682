//! The way to the server, as the engine sees it.

use std::future::Future;

use serde::Serialize;
use sokiem_record::id::{ActorId, EpochId};

use crate::{
    platform::MaybeSend,
    store::enrolment::{EnrolRequest, EnrolResponse},
    sync::NextKey,
};

/// The slug of a refusal: another device has the key that this one announced.
pub(super) const KEY_TAKEN: &str = "key-taken";

/// Carries one request and brings its answer. Whatever fails half-way may be sent again: every request is idempotent.
pub trait Transport: MaybeSend {
    /// `POST /api/device/v1/exchange` with this CBOR body.
    fn exchange(
        &self,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, TransportError>> + MaybeSend;

    /// `POST /api/device/v1/reconcile` with this CBOR body.
    fn reconcile(
        &self,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, TransportError>> + MaybeSend;

    /// `POST /api/device/v1/actors`: one more actor for this device, after a fork. Doing so twice is
    /// the same as once.
    fn bind_actor(
        &self,
        actor: ActorId,
    ) -> impl Future<Output = Result<(), TransportError>> + MaybeSend;

    /// `PUT /api/device/v1/key` with the body of the device's next key. Brings the JSON answer. The server may have taken
    /// the key when its answer is lost: from then on requests may have to be signed with it.
    fn renew_key(
        &self,
        next: &NextKey,
    ) -> impl Future<Output = Result<Vec<u8>, TransportError>> + MaybeSend;

    /// `POST /api/device/v1/wiped`: this device has sent what it could and erases what it holds.
    fn confirm_wipe(&self) -> impl Future<Output = Result<(), TransportError>> + MaybeSend;

    /// `POST /api/device/v1/enrol`.
    fn enrol(
        &self,
        request: &EnrolRequest,
    ) -> impl Future<Output = Result<EnrolResponse, TransportError>> + MaybeSend;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TransportError {
    /// The server can't be reached.
    #[error("the server can't be reached: {detail}")]
    Offline {
        /// What the network layer said.
        detail: String,
    },
    /// No answer in time. The server may have done what was asked.
    #[error("the server did not answer in time")]
    Timeout,
    /// The connection ended in the middle. The server may have done what was asked.
    #[error("the connection was cut: {detail}")]
    Cut {
        /// What the network layer said.
        detail: String,
    },
    /// The server asks to come again later.
    #[error("the server is busy")]
    Busy {
        /// After how many milliseconds, where it said so.
        retry_after_ms: Option<u64>,
    },
    /// The server's history is another one than the device knows: it was restored from a backup.
    #[error("the server has begun a new epoch {epoch}")]
    EpochChanged {
        /// The new epoch.
        epoch: EpochId,
    },
    /// The server said no, and will say it again: key, device, version, body.
    #[error("the server refused with {status} {slug}: {detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The last part of the problem's type: `device-revoked`, `credential-expired`, …
        slug: String,
        /// English text.
        detail: String,
        /// Vietnamese text, where the server gave one.
        detail_vi: Option<String>,
        /// The server's clock, where it said so.
        server_time_ms: Option<i64>,
    },
    /// The answer is none that this protocol knows.
    #[error("the server's answer can't be understood: {detail}")]
    Strange {
        /// What was wrong with it.
        detail: String,
    },
}

impl TransportError {
    /// Whether the same request may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            // A signature is made anew for the next try.
            TransportError::Refused { status, slug, .. } => {
                *status >= 500 || matches!(slug.as_str(), "signature-stale" | "signature-replayed")
            }
            _ => true,
        }
    }

    /// The server's clock, where the refusal says what it is.
    pub fn server_time_ms(&self) -> Option<i64> {
        match self {
            TransportError::Refused { server_time_ms, .. } => *server_time_ms,
            _ => None,
        }
    }

    /// A short name that a user interface translates: `offline`, `timeout`, or the problem's slug.
    pub fn code(&self) -> &str {
        match self {
            TransportError::Offline { .. } => "offline",
            TransportError::Timeout => "timeout",
            TransportError::Cut { .. } => "cut",
            TransportError::Busy { .. } => "busy",
            TransportError::EpochChanged { .. } => "epoch-changed",
            TransportError::Refused { slug, .. } => slug,
            TransportError::Strange { .. } => "strange-answer",
        }
    }
}
