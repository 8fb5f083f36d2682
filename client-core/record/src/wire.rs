//! What devices and server say to each other: one exchange carries a push and a pull.
//!
//! Bodies are CBOR maps with text keys; ids and hashes are byte strings. Decoding refuses unknown
//! fields, wrong types and trailing bytes. The normative text is `docs/sync-protocol.md`.

use automerge::ChangeHash;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

use crate::{
    fingerprint::Fingerprint,
    id::{AreaId, DocumentId, EpochId, Kind},
    limits,
    refusal::Refusal,
    shape,
};

/// The version in every request and response.
pub const PROTOCOL_VERSION: u16 = 1;
/// The media type of every body.
pub const MEDIA_TYPE: &str = "application/cbor";

/// A change hash as it travels: 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(#[serde(with = "serde_bytes")] pub [u8; 32]);

impl From<ChangeHash> for Hash {
    fn from(hash: ChangeHash) -> Self {
        Self(hash.0)
    }
}

impl From<Hash> for ChangeHash {
    fn from(hash: Hash) -> Self {
        ChangeHash(hash.0)
    }
}

/// Some bytes of the change hash in the log row that a cursor stands on. All zero at row 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Check(#[serde(with = "serde_bytes")] pub [u8; 8]);

impl Check {
    /// The first eight bytes of a hash.
    pub fn of(hash: &[u8; 32]) -> Self {
        let mut check = [0; 8];
        for (to, from) in check.iter_mut().zip(hash) {
            *to = *from;
        }
        Self(check)
    }
}

/// How far a device has read an area's log.
///
/// Documents arrive in the order of their newest log row, each once, with all of its rows after
/// `base`. So a device holds every row up to `base`, and of the rows up to `seq` those whose document
/// has no row after `seq`. When a pull has reached the end, `base` moves up to `seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The area.
    pub area: AreaId,
    /// Every log row up to here is held.
    pub base: u64,
    /// How far the current round of pulling has come; at least `base`.
    pub seq: u64,
    /// [`Check::of`] the log row `seq`.
    pub check: Check,
}

impl Cursor {
    /// The cursor of a device that holds nothing of the area.
    pub fn start(area: AreaId) -> Self {
        Self {
            area,
            base: 0,
            seq: 0,
            check: Check::default(),
        }
    }
}

/// One request of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRequest {
    /// [`PROTOCOL_VERSION`].
    pub v: u16,
    /// The server history that the device knows; `None` before its first exchange.
    pub epoch: Option<EpochId>,
    /// One cursor for each area that the device holds. Areas in scope without a cursor start at 0.
    pub cursors: Vec<Cursor>,
    /// What the device has and believes the server lacks, each document's changes in causal order.
    pub push: Vec<DocumentPush>,
    /// What the device says about itself. Left out by devices of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<DeviceReport>,
}

/// What a device says about itself, for the people who look after it. Nothing else follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceReport {
    /// The build that runs on it.
    pub app_version: String,
    /// Its own clock, in milliseconds since 1970-01-01 UTC.
    pub clock_ms: i64,
    /// Changes that the server has not acknowledged, beyond those in this request.
    pub waiting: u64,
    /// Attachments that are to be sent.
    pub attachments: u64,
}

/// Changes of one document on their way to the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentPush {
    /// The document.
    pub document: DocumentId,
    /// Its kind.
    pub kind: Kind,
    /// The area that the device believes it lies in. Decides where a new document goes; for one that
    /// the server holds, the server's knowledge counts.
    pub area: AreaId,
    /// Uncompressed Automerge change chunks, each after what it depends on.
    pub changes: Vec<ByteBuf>,
}

/// The answer to one [`ExchangeRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeResponse {
    /// [`PROTOCOL_VERSION`].
    pub v: u16,
    /// The server's history.
    pub epoch: EpochId,
    /// The server's clock, in milliseconds since 1970-01-01 UTC. For display; merging ignores it.
    pub server_time_ms: i64,
    /// What became of the push: one outcome for each pushed document, in the same order.
    pub pushed: Vec<DocumentOutcome>,
    /// Every area that the device may see now. An area that is missing here is out of scope: once
    /// its pending work is pushed, the device removes its copies.
    pub scope: Vec<Grant>,
    /// News, by area. An area with nothing new is left out unless it is at its end (then it carries
    /// the fingerprint to compare with).
    pub pulled: Vec<AreaPull>,
    /// Somebody asked for this device to be erased: it pushes what it can, says so, and erases what it holds.
    pub wipe: bool,
}

/// An area in a device's scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The area.
    pub area: AreaId,
    /// Whether the device may write there. Areas above an officer's own are read-only: they hold
    /// campaigns and criteria sets.
    pub writable: bool,
}

/// What became of one pushed document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentOutcome {
    /// The document.
    pub document: DocumentId,
    /// The area that it lies in on the server; `None` when nothing of it is stored there.
    pub area: Option<AreaId>,
    /// One outcome for each pushed change, in the same order.
    pub changes: Vec<ChangeOutcome>,
}

/// What became of one pushed change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ChangeOutcome {
    /// It is on the server's disk since this request.
    Stored,
    /// It was on the server's disk before.
    Had,
    /// The server lacks these changes of the same document; push them first, then this one again.
    Missing(Vec<Hash>),
    /// The server will never take it. It is kept in quarantine for a supervisor to look at.
    Refused(Refusal),
}

/// News of one area.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AreaPull {
    /// Where the device stands once it has stored `entries`. Its `area` says which area this is.
    pub cursor: Cursor,
    /// True when the device's cursor did not fit this log: the device starts from `Cursor::start`,
    /// keeps what it holds, and reconciles after the pull.
    pub reset: bool,
    /// Whether there is more to pull.
    pub more: bool,
    /// The area's fingerprint at `cursor`; present when `more` is false.
    pub fingerprint: Option<Fingerprint>,
    /// The documents with news, oldest news first.
    pub entries: Vec<Entry>,
}

/// One document with news.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The document.
    pub document: DocumentId,
    /// Its kind.
    pub kind: Kind,
    /// What to do with it.
    pub news: News,
}

/// What is new about a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum News {
    /// Changes that the device lacks, each after what it depends on.
    Changes(Vec<Received>),
    /// The whole document as one Automerge chunk, with when the server received each change, in the
    /// order of the document's own history, in milliseconds since 1970-01-01 UTC.
    Snapshot {
        /// Uncompressed Automerge document chunk.
        bytes: ByteBuf,
        /// One time for each change.
        received_ms: Vec<i64>,
    },
    /// The document has left this area. With `Some`, it went to an area that this device may see
    /// and arrives there; with `None` the local copy goes once its pending work is pushed.
    Left(Option<AreaId>),
}

/// One change with when the server received it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Received {
    /// Uncompressed Automerge change chunk.
    pub bytes: ByteBuf,
    /// Milliseconds since 1970-01-01 UTC by the server's clock.
    pub received_ms: i64,
}

/// Asks where two replicas of one area differ: after a fingerprint that did not agree, after a
/// server restore, after a cursor that did not fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileRequest {
    /// [`PROTOCOL_VERSION`].
    pub v: u16,
    /// The server history that the device knows.
    pub epoch: EpochId,
    /// The area.
    pub area: AreaId,
    /// Every document that the device holds there, with the heads of its acknowledged part.
    pub documents: Vec<DocumentHeads>,
}

/// A document's heads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentHeads {
    /// The document.
    pub document: DocumentId,
    /// Its heads in ascending order.
    pub heads: Vec<Hash>,
}

/// Where the replicas differ. Documents that agree are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileResponse {
    /// [`PROTOCOL_VERSION`].
    pub v: u16,
    /// Documents of the request that the server does not hold at all in any area.
    pub unknown: Vec<DocumentId>,
    /// Documents whose heads differ, with the server's heads. The device pushes again every change
    /// that is not an ancestor of these (of heads that it does not know, it pushes everything).
    pub differ: Vec<DocumentHeads>,
    /// Documents that the device holds here and that lie in another area on the server.
    pub elsewhere: Vec<DocumentId>,
    /// Whether the server holds something that the device lacks: pull the area again from the start.
    pub pull: bool,
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not CBOR, an unknown field, a wrong type or a missing field.
    #[error("the body does not have the expected shape: {0}")]
    Shape(String),
    /// Bytes after the end of the message.
    #[error("there are bytes after the end of the message")]
    Trailing,
    /// A version that this build doesn't speak.
    #[error("protocol version {0} is not supported; this is version {PROTOCOL_VERSION}")]
    Version(u16),
}

/// A message that states the protocol version it was written for.
pub trait Versioned {
    /// Most CBOR items that such a message may consist of.
    const MAX_ITEMS: usize;

    /// The stated version.
    fn version(&self) -> u16;
}

macro_rules! versioned {
    ($($message:ty: $items:expr),*) => {$(
        impl Versioned for $message {
            const MAX_ITEMS: usize = $items;

            fn version(&self) -> u16 {
                self.v
            }
        }
    )*};
}
versioned!(
    ExchangeRequest: limits::MAX_REQUEST_ITEMS,
    ExchangeResponse: limits::MAX_RESPONSE_ITEMS,
    ReconcileRequest: limits::MAX_REQUEST_ITEMS,
    ReconcileResponse: limits::MAX_RESPONSE_ITEMS
);

/// The CBOR bytes of a message.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    #[expect(
        clippy::expect_used,
        reason = "writing to memory can't fail, and every message type serialises"
    )]
    ciborium::into_writer(message, &mut bytes).expect("messages serialise");
    bytes
}

/// Of a message its version alone, whatever else it says.
#[derive(Deserialize)]
struct Stated {
    v: u16,
}

/// What is wrong with a message that can't be read: of another version, its shape may be anything.
fn unreadable(bytes: &[u8], error: &dyn std::fmt::Display) -> DecodeError {
    match ciborium::from_reader(bytes) {
        Ok(Stated { v }) if v != PROTOCOL_VERSION => DecodeError::Version(v),
        _ => DecodeError::Shape(error.to_string()),
    }
}

/// Reads exactly one message of this protocol version.
///
/// # Errors
/// [`DecodeError`] says what is wrong; the text names fields of the protocol, never content.
pub fn decode<T: DeserializeOwned + Versioned>(bytes: &[u8]) -> Result<T, DecodeError> {
    shape::within(bytes, T::MAX_ITEMS).map_err(|reason| DecodeError::Shape(reason.to_owned()))?;
    let mut rest = bytes;
    let message: T = ciborium::from_reader(&mut rest).map_err(|error| unreadable(bytes, &error))?;
    if !rest.is_empty() {
        return Err(DecodeError::Trailing);
    }
    match message.version() {
        PROTOCOL_VERSION => Ok(message),
        other => Err(DecodeError::Version(other)),
    }
}
