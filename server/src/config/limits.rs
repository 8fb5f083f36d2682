//! Every limit of the server that is not part of the protocol. Those of the protocol are in
//! [`sokiem_record::limits`], because both sides keep them.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Limits on what one caller, or all together, may take.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections that read the database at the same time.
    pub readers: usize,
    /// Writes that wait for the writer thread before callers have to wait to hand theirs in.
    pub write_queue: usize,
    /// Most writes in one commit.
    pub group_writes: usize,
    /// After this many milliseconds a group takes no more writes.
    pub group_ms: u64,
    /// Documents of one push that are checked and stored as one write.
    pub push_slice_documents: usize,
    /// Lots of at most 128 documents, of all pushes together, that are made ready at the same time or wait ready for the
    /// writer; each takes a few MiB.
    pub push_lots: usize,
    /// Changes since a document's last snapshot after which a new one is kept.
    pub snapshot_after_changes: u32,
    /// Refused changes kept for one device, in bytes. Beyond it they are refused without being kept.
    pub quarantine_bytes: u64,
    /// Actors that one device may have: one, and one more each time that it was cloned or restored.
    pub actors_per_device: u32,
    /// Signed requests of one device that are remembered, so that none is taken twice.
    pub nonces_per_device: usize,
    /// Open event streams of all devices together.
    pub event_streams: usize,
    /// Attempts to enrol or to sign in from one address within `attempt_window_s`.
    pub attempts: u32,
    /// Seconds over which attempts are counted.
    pub attempt_window_s: u64,
    /// Addresses and names whose attempts are remembered; the oldest are forgotten first.
    pub attempt_memory: usize,
    /// Passwords that are checked at the same time; each takes `password_memory_kib`.
    pub password_checks: usize,
    /// Memory of one argon2id computation, in KiB.
    pub password_memory_kib: u32,
    /// Sessions of one account; the oldest ends when one more begins.
    pub sessions_per_account: u32,
    /// Seconds in which the head of a request has to arrive.
    pub header_s: u64,
    /// Seconds that one request may take, its body included. Event streams are not counted.
    pub request_s: u64,
    /// Seconds that a graceful stop waits for requests under way.
    pub stop_s: u64,
    /// Reads of records that wait to be noted in the audit log; beyond it only their number is noted.
    pub audit_reads: usize,
    /// Largest page of a list.
    pub page: u32,
    /// Largest JSON body, in bytes.
    pub json_bytes: usize,
    /// Uploads of attachments that one device may have under way.
    pub uploads_per_device: u32,
    /// Upload tokens of one device; the oldest ends when one more is given.
    pub upload_tokens_per_device: u32,
    /// Seconds without a byte after which an upload's request counts as cut off. `request_s` does not hold for it.
    pub upload_idle_s: u64,
    /// Bytes of attachments that one device may send in a day (UTC).
    pub attachment_device_day_bytes: u64,
    /// Bytes of attachments of one record.
    pub attachment_document_bytes: u64,
    /// Bytes of all attachments together.
    pub attachment_total_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            readers: 4,
            write_queue: 1024,
            group_writes: 256,
            group_ms: 20,
            push_slice_documents: 128,
            push_lots: 4,
            snapshot_after_changes: 8,
            quarantine_bytes: 32 * 1024 * 1024,
            actors_per_device: 16,
            nonces_per_device: 1_000,
            event_streams: 2_000,
            attempts: 20,
            attempt_window_s: 60,
            attempt_memory: 10_000,
            password_checks: 2,
            password_memory_kib: 19_456,
            sessions_per_account: 20,
            header_s: 15,
            request_s: 60,
            stop_s: 20,
            audit_reads: 10_000,
            page: 500,
            json_bytes: 2 * 1024 * 1024,
            uploads_per_device: 64,
            upload_tokens_per_device: 8,
            upload_idle_s: 60,
            attachment_device_day_bytes: 2 * 1024 * 1024 * 1024,
            attachment_document_bytes: 512 * 1024 * 1024,
            attachment_total_bytes: 200 * 1024 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// Refuses limits with which nothing would work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let zero = [
            ("readers", self.readers),
            ("write_queue", self.write_queue),
            ("group_writes", self.group_writes),
            ("push_slice_documents", self.push_slice_documents),
            ("push_lots", self.push_lots),
            ("nonces_per_device", self.nonces_per_device),
            ("password_checks", self.password_checks),
            ("page", self.page as usize),
        ]
        .into_iter()
        .find(|(_, value)| *value == 0);
        match zero {
            Some((key, _)) => Err(Error::BadConfig(format!("limits.{key} must be at least 1"))),
            None => Ok(()),
        }
    }
}

/// How long things last.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lifetimes {
    /// Seconds that an enrolment code is good for.
    pub code_s: u64,
    /// Seconds that a device's key is good for, from enrolment or from its last renewal.
    pub credential_s: u64,
    /// Seconds by which the time in a signed request may differ from the server's, either way.
    pub signature_s: u64,
    /// Seconds that a session is good for.
    pub session_s: u64,
    /// Seconds after a restore in which a device may offer what others wrote and the server lost.
    pub recovery_s: u64,
    /// Seconds that an upload token is good for.
    pub upload_token_s: u64,
    /// Seconds that an upload is kept after its last byte.
    pub upload_s: u64,
    /// Seconds after which an attachment that a record names counts as missing instead of awaited.
    pub attachment_awaited_s: u64,
    /// Seconds without a word after which a device counts as silent.
    pub silent_device_s: u64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            code_s: 24 * 3600,
            credential_s: 400 * 24 * 3600,
            signature_s: 300,
            session_s: 12 * 3600,
            recovery_s: 30 * 24 * 3600,
            upload_token_s: 15 * 60,
            upload_s: 7 * 24 * 3600,
            attachment_awaited_s: 14 * 24 * 3600,
            silent_device_s: 7 * 24 * 3600,
        }
    }
}

impl Lifetimes {
    /// Devices that were heard of for the last time before this count as silent, in milliseconds since 1970.
    pub(crate) fn silent_before_ms(&self, now_ms: i64) -> i64 {
        let silent_s = i64::try_from(self.silent_device_s).unwrap_or(i64::MAX);
        now_ms.saturating_sub(silent_s.saturating_mul(1_000))
    }
}
