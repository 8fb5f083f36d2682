//! The way of attachments to the server, as the upload run sees it.

use std::future::Future;

use serde::Deserialize;
use sokiem_record::{
    attachment::{ContentHash, Rendition},
    id::DocumentId,
    media::MediaType,
};

use crate::{platform::MaybeSend, sync::TransportError};

/// Lets a device upload for a while, and nothing else.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct UploadToken {
    /// What is sent with each request of an upload.
    pub token: String,
    /// When it ends, by the server's clock, milliseconds since 1970-01-01 UTC.
    pub expires_ms: i64,
}

impl std::fmt::Debug for UploadToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UploadToken").finish_non_exhaustive()
    }
}

/// An upload to be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewUpload {
    /// The record that it is for.
    pub document: DocumentId,
    /// The name of the attachment.
    pub hash: ContentHash,
    /// Its type.
    pub media_type: MediaType,
    /// What it is to the record.
    pub rendition: Rendition,
    /// Its size.
    pub bytes: u64,
}

/// Where an upload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where the upload is: a path on the server. Stated when it is begun.
    pub place: Option<String>,
    /// How many bytes are on the server's disk.
    pub offset: u64,
    /// The server has the whole and says so with its name.
    pub stored: Option<ContentHash>,
}

/// Some bytes of an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many the attachment has.
    pub total: u64,
    /// Its type.
    pub media_type: MediaType,
}

/// Carries requests about attachments. Whatever fails half-way may be sent again.
pub trait AttachmentTransport: MaybeSend {
    /// `POST /api/device/v1/attachments/token`.
    fn upload_token(&self)
    -> impl Future<Output = Result<UploadToken, TransportError>> + MaybeSend;

    /// Begins an upload (tus `POST`).
    fn begin_upload(
        &self,
        token: &UploadToken,
        new: NewUpload,
    ) -> impl Future<Output = Result<Standing, TransportError>> + MaybeSend;

    /// Asks how far an upload is (tus `HEAD`).
    fn ask_upload(
        &self,
        token: &UploadToken,
        place: &str,
    ) -> impl Future<Output = Result<Standing, TransportError>> + MaybeSend;

    /// Sends bytes (tus `PATCH` with a checksum).
    fn send_bytes(
        &self,
        token: &UploadToken,
        place: &str,
        offset: u64,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<Standing, TransportError>> + MaybeSend;

    /// Fetches bytes from `offset` on, at most `count`.
    fn fetch_bytes(
        &self,
        hash: ContentHash,
        offset: u64,
        count: u64,
    ) -> impl Future<Output = Result<Part, TransportError>> + MaybeSend;
}
